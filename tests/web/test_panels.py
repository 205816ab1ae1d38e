"""The panel beside the map: a district's dossier, a station's series, a report."""

import io
import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.clients.browser import PATIENCE_MS, Watched, open_page
from tests.web.demo import Demo

pytestmark = [pytest.mark.browser]
expect.set_options(timeout=PATIENCE_MS)

FINDINGS = "/static/pantau/map/panels/dossier_findings.js"
REPORTS = "/static/pantau/map/panels/dossier_reports.js"
PAIR = {
    "name_en": "Flood",
    "property": "river_level",
    "things": ["river-p2c"],
    "distances_m": [0],
    "value_source": "inside",
    "coefficient": {"value": 0.75, "low": 0.6, "high": 0.85, "n": 708},
    "lag": {"value": 3, "unit": "h"},
    "p": 0.002,
    "q": 0.01,
}
EVENTS: dict[str, Any] = {
    "thing": {"name": "P2C"},
    "unit": "cm",
    "events": 16,
    "after": 24,
    "radius_m": 3000,
    "reason": None,
    "crossings": [{"reports_after": 5}] * 14 + [{"reports_after": 1}] * 2 + [{"reports_after": None}],
    "total_after": {"expected": 1.5, "ratio": 3.2, "ratio_low": 2.1, "ratio_high": 4.9, "p_value": 0.002},
}


def call(page: Page, module: str, function: str, *arguments: Any) -> Any:
    """What a module of the page answers, with names as they are."""
    return page.evaluate(
        """async ([module, name, given]) => {
          const names = { propertyName: () => "River level", thingName: () => "P2C" };
          return (await import(module))[name](...given.map((each) => (each === "names" ? names : each)));
        }""",
        [module, function, list(arguments)],
    )


def panel_of(page: Page, section: str) -> Any:
    return page.locator(f"#panel [data-section={section}]")


def test_district_opens_with_its_dossier(demo: Demo, browser: Browser, watched: Watched) -> None:
    page = open_page(browser, f"{demo.url}/?lang=en#open=area:32.75.09", watched)
    expect(page.locator("#panel h2")).to_have_text("Jatiasih")
    expect(panel_of(page, "course").locator("svg.columns rect").first).to_be_visible()
    # Whole days: in the morning the last of the thirty has hardly begun.
    expect(panel_of(page, "course")).to_contain_text(re.compile("in the (29|30) days before"))
    expect(panel_of(page, "categories")).to_contain_text(
        "The mark on each bar is the category's share in the whole city."
    )
    expect(panel_of(page, "answers").locator("thead")).to_have_text(re.compile("Figure.*Here.*City"))
    # A line across the bar for each of the three levels at P2C, and whose they are.
    gauge = panel_of(page, "readings").locator(".gauges > li", has_text="River level")
    expect(gauge.locator(".bar i")).to_have_count(3)
    expect(gauge).to_contain_text("Limit by KP2C.")
    expect(panel_of(page, "correlations")).to_contain_text("A correlation is not a cause.")
    expect(panel_of(page, "hotspots")).to_be_visible()
    for name, kind in (("Dossier to print", "text/html"), ("JSON", "application/json"), ("CSV", "text/csv")):
        address = panel_of(page, "links").get_by_role("link", name=name).get_attribute("href")
        with urllib.request.urlopen(f"{demo.url}{address}", timeout=60) as answer:
            assert answer.headers["Content-Type"].startswith(kind)


def test_findings_are_said_with_how_sure_they_are(demo: Demo, browser: Browser, watched: Watched) -> None:
    page = open_page(browser, f"{demo.url}/?lang=en", watched)
    assert call(page, FINDINGS, "pairWords", PAIR, 84, "names") == (
        "Flood: more reports when river level is high at P2C, 3 hours later. "
        "Chance alone would give this in 1 of 500 such comparisons, and it stands out among the 84 pairs that were tried. "
        "Strength r = 0.75 (95%: 0.6 to 0.85), from 708 hours."
    )
    level = {"level": {"name": "Siaga 3", "from": 351}, "category": "flood"}
    assert call(page, FINDINGS, "eventsWords", EVENTS, level) == (
        "More flood reports followed in 14 of 16 events in which P2C reached Siaga 3 (351 cm). "
        "Within 24 hours and 3 km there were 3.2 times as many as on ordinary days (95%: 2.1 times to 4.9 times); "
        "chance alone would give this in 1 of 500."
    )
    once = {**EVENTS, "reason": "too_few_events", "crossings": [{"reports_after": 5}]}
    assert call(page, FINDINGS, "eventsWords", once, level) == (
        "P2C reached Siaga 3 (351 cm) only once in the period: too little to compare with ordinary days."
    )
    change = {"n": 30, "reference": 20, "value": 1.5, "low": 0.9, "high": 2.6, "reason": None}
    assert call(page, REPORTS, "changeWords", change, 30) == (
        "30 reports, 20 in the 30 days before. That is no clear change: chance alone makes such differences."
    )
    assert call(page, REPORTS, "changeWords", {**change, "n": 48, "value": 2.4, "low": 1.4}, 30) == (
        "48 reports against 20 in the 30 days before: 2.4 times as many. "
        "The true change lies, with 95% confidence, between 40% more and 2.6 times as many."
    )


def test_dossier_that_takes_time_shows_how_far_it_is(demo: Demo, browser: Browser, watched: Watched) -> None:
    page = open_page(browser, f"{demo.url}/?lang=en", watched)
    pending = {"status": 503, "detail": "…", "result": "/api/analysis/results/t/", "state": "pending", "progress": 0.4}
    result = {"state": "pending", "progress": 0.8}
    dossier = "**/api/analysis/districts/**"
    page.route(dossier, lambda route: route.fulfill(status=503, json=pending, content_type="application/problem+json"))
    page.route("**/api/analysis/results/t/", lambda route: route.fulfill(json=result))
    page.evaluate("location.hash += '&open=area:32.75.09'")
    expect(panel_of(page, "waiting")).to_contain_text("Putting the dossier together…")
    expect(panel_of(page, "waiting").get_by_role("progressbar")).to_have_attribute("value", "0.8")
    page.unroute(dossier)
    result.update(state="ready", progress=1)
    expect(panel_of(page, "course").locator("svg.columns")).to_be_visible()
    expect(panel_of(page, "waiting")).to_have_count(0)
    watched.errors[:] = [line for line in watched.errors if "503" not in line]


def series_answer() -> dict[str, Any]:
    """Ten minutes each from midnight UTC, an hour of silence, and one value that is doubted."""
    minutes = [*range(0, 300, 10), *range(360, 600, 10)]
    rows = [
        {"phenomenon_time": f"2026-03-01T{m // 60:02}:{m % 60:02}:00Z", "result": 200 + m / 10, "quality": "good"}
        for m in minutes
    ]
    rows[5] = {**rows[5], "result": 400.0, "quality": "spike,rate"}
    return {"results": rows, "next": None}


def test_series_shows_gaps_as_gaps_and_marks_what_is_doubted(
    demo: Demo, browser: Browser, watched: Watched, tmp_path: Path
) -> None:
    page = open_page(browser, f"{demo.url}/?lang=en", watched)
    page.route(re.compile("/observations/"), lambda route: route.fulfill(json=series_answer()))
    page.evaluate("location.hash += '&open=thing:river-p2c'")
    values = panel_of(page, "values")
    expect(values).to_contain_text(
        "1 gap without readings. 1 doubtful value, marked with a ring and not part of the line."
    )
    expect(panel_of(page, "limits")).to_contain_text(
        "KP2C: Siaga 3 from 351 cm, Siaga 2 from 451 cm, Siaga 1 from 551 cm."
    )
    slider = page.get_by_role("slider", name="River level over time")
    slider.focus()
    slider.press("Home")
    expect(panel_of(page, "chart").locator("figcaption")).to_have_text("1 Mar, 07:00: 200 cm")
    for _ in range(5):
        slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "1 Mar, 07:50: 400 cm · spike, changes too fast")
    assert columns_without_line(page) >= 5
    values.locator("summary").click()
    expect(values.locator("tbody tr")).to_have_count(54)
    with page.expect_download() as saving:
        values.get_by_role("button", name="Save as CSV").click()
    saving.value.save_as(tmp_path / "series.csv")
    lines = (tmp_path / "series.csv").read_text().splitlines()
    assert lines[:2] == ["time,value,min,max,unit_ucum,quality", '2026-03-01T00:00:00Z,200,,,cm,"good"']
    assert lines[6] == '2026-03-01T00:50:00Z,400,,,cm,"spike,rate"'


def columns_without_line(page: Page) -> int:
    """How many columns of pixels between the line's two ends have nothing of its colour."""
    page.mouse.move(1, 1)
    page.locator("#panel .u-over").evaluate("element => element.blur()")
    image = Image.open(io.BytesIO(page.locator("#panel .plot canvas").screenshot())).convert("RGB")
    # The accent of the light theme, #0b6e5f, as it stands in the middle of the line.
    near = [
        any(
            abs(r - 11) + abs(g - 110) + abs(b - 95) < 60
            for r, g, b in (image.getpixel((x, y)) for y in range(image.height))
        )  # type: ignore[misc]
        for x in range(image.width)
    ]
    first, last = near.index(True), len(near) - near[::-1].index(True)
    return near[first:last].count(False)


def send_report(demo: Demo) -> str:
    """A report with a photo, as any client sends one; its number."""
    photo = io.BytesIO()
    Image.new("RGB", (640, 480), "#7a8b8f").save(photo, "JPEG")
    fields = {
        "category": "banjir",
        "description": "Genangan di depan pasar",
        "location": json.dumps({"type": "Point", "coordinates": [106.985, -6.26]}),
    }
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = b'--b\r\nContent-Disposition: form-data; name="photos"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    body = b"".join([*parts, head, photo.getvalue(), b"\r\n--b--\r\n"])
    request = urllib.request.Request(
        f"{demo.url}/api/reports/", body, {"Content-Type": "multipart/form-data; boundary=b"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(json.load(answer)["id"])


def test_report_opens_with_photo_history_and_a_link_to_copy(demo: Demo, browser: Browser, watched: Watched) -> None:
    number = send_report(demo)
    page = open_page(
        browser, f"{demo.url}/?lang=en#open=report:{number}", watched, permissions=["clipboard-read", "clipboard-write"]
    )
    expect(page.locator("#panel h2")).to_have_text("Flood")
    expect(panel_of(page, "words")).to_have_text("Genangan di depan pasar")
    expect(panel_of(page, "status")).to_have_text("submitted")
    expect(panel_of(page, "lines")).to_contain_text(number)
    expect(panel_of(page, "history").locator("li").first).to_contain_text("submitted")
    panel_of(page, "photos").get_by_role("button").click()
    dialog = page.get_by_role("dialog", name="Photo 1 of 1")
    expect(dialog.locator("img")).to_have_js_property("naturalWidth", 640)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(panel_of(page, "photos").get_by_role("button")).to_be_focused()
    panel_of(page, "links").get_by_role("button", name="Copy link").click()
    expect(panel_of(page, "links")).to_contain_text("The link is copied.")
    assert page.evaluate("navigator.clipboard.readText()") == f"{demo.url}/report/status/{number}/"
    expect(panel_of(page, "links").get_by_role("link", name="Public page")).to_have_attribute(
        "href", f"/report/status/{number}/?lang=en"
    )


def test_what_is_not_there_is_said(demo: Demo, browser: Browser, watched: Watched) -> None:
    page = open_page(browser, f"{demo.url}/?lang=en#open=report:none", watched)
    expect(page.locator("#panel h2")).to_have_text("Not found")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#panel")).to_be_hidden()
    watched.errors[:] = [line for line in watched.errors if "404" not in line]
