"""The map of the demo city: one set of filters in its address, layers with the legend that they declare, time that plays."""

import io
import json
import re
import urllib.parse
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.clients.browser import PATIENCE_MS, PHONE, SETTLED, Watched, open_page
from tests.web.demo import Demo

pytestmark = [pytest.mark.browser]
expect.set_options(timeout=PATIENCE_MS)

COUNT = "#reports-count"
CHOSEN = {
    "category": "banjir",
    "status-filter": "submitted",
    "area": "32.75.04",
    "property": "river_level",
    "level": "kelurahan",
}


def answer(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as response:
        return json.load(response)


def choices(page: Page) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.url).fragment))


def test_every_filter_is_in_the_address_and_the_address_brings_it_back(
    demo: Demo, browser: Browser, watched: Watched
) -> None:
    page = open_page(browser, f"{demo.url}/?lang=en", watched)
    page.get_by_text("More filters").click()
    expect(page.locator("#area option", has_text="Bekasi")).not_to_have_count(0)
    for name, value in CHOSEN.items():
        page.select_option(f"#{name}", value)
    page.get_by_label("7 days").check(force=True)
    page.get_by_label("Incidents", exact=False).first.check()
    assert choices(page) == {
        **{name.removesuffix("-filter"): value for name, value in CHOSEN.items()},
        "period": "7d",
        "show": "reports,sensors,incidents",
    }
    today = datetime.now(UTC) + timedelta(hours=7)
    asked = f"category=banjir&status=submitted&area=32.75.04&start={today - timedelta(days=6):%Y-%m-%d}"
    found = answer(f"{demo.url}/layers/reports.geojson?{asked}&limit=1")["numberMatched"]
    words = f"{found:,} report" + ("" if found == 1 else "s")
    expect(page.locator(COUNT)).to_have_text(words)
    again = open_page(browser, page.url, watched)
    expect(again.locator(COUNT)).to_have_text(words)
    # A link into the open page that says nothing of the period keeps it.
    again.evaluate("hash => (location.hash = hash)", page.url.partition("#")[2].replace("period=7d", ""))
    expect(again.locator(COUNT)).to_have_text(words)
    expect(again.get_by_label("7 days")).to_be_checked()
    for name, value in CHOSEN.items():
        expect(again.locator(f"#{name}")).to_have_value(value)
    expect(again.locator("#filters-count")).to_have_text("3")
    expect(again.locator("[name=show][value=incidents]")).to_be_checked()
    # A chip takes its filter away, here and in the tiles.
    with page.expect_request(lambda asked: "/tiles/reports/" in asked.url and "area=" not in asked.url) as told:
        page.locator("[data-key=clear-area]").click()
    expect(page.locator("#area")).to_have_value("")
    assert "status=submitted" in told.value.url
    page.go_back()
    expect(page.locator("#area")).to_have_value("32.75.04")


def test_time_slider_steps_by_keyboard_and_plays_frame_after_frame(
    demo: Demo, browser: Browser, watched: Watched
) -> None:
    page = open_page(browser, f"{demo.url}/?lang=en#period=7d", watched, reduced_motion="no-preference")
    slider = page.get_by_role("slider", name="Time shown on the map")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("^Whole period"))
    with page.expect_request(lambda asked: "/tiles/reports/" in asked.url and "T00" in asked.url) as told:
        slider.press("ArrowLeft")
    yesterday = datetime.now(UTC) + timedelta(hours=7) - timedelta(days=1)
    assert choices(page)["frame"] == f"{yesterday:%Y-%m-%d}"
    day = answer(f"{demo.url}/layers/reports.geojson?start={yesterday:%Y-%m-%d}&end={yesterday:%Y-%m-%d}&limit=1")
    expect(page.locator(COUNT)).to_contain_text(f"{day['numberMatched']:,} report")
    expect(page.locator("#legend")).to_contain_text("Areas: the whole period.")
    assert f"start={yesterday:%Y-%m-%d}T00:00" in urllib.parse.unquote(told.value.url)
    page.get_by_role("button", name="Play the period").click()
    page.wait_for_function("day => !location.hash.includes('frame=' + day)", arg=f"{yesterday:%Y-%m-%d}")
    expect(page.get_by_role("button", name="Play the period")).to_be_visible()
    assert choices(page)["frame"] == f"{yesterday + timedelta(days=1):%Y-%m-%d}"
    page.get_by_role("button", name="Whole period").click()
    assert "frame" not in choices(page)
    # Whoever wants less motion steps, and is offered nothing that moves by itself.
    page.emulate_media(reduced_motion="reduce")
    expect(page.get_by_role("button", name="Play the period")).to_be_hidden()
    expect(page.get_by_role("button", name="One step back")).to_be_visible()


def test_legend_of_each_layer_is_made_from_its_own_declared_style(
    demo: Demo, browser: Browser, watched: Watched
) -> None:
    page = open_page(browser, f"{demo.url}/?lang=en#colour=hotspots", watched)
    rows = page.locator("#legend .swatches li")
    expect(rows).not_to_have_count(0)
    page.get_by_text("More layers").click()
    for layer in ("hotspots", "clusters"):
        page.locator(f"#colour-{layer}").check()
        expect(page.locator("#legend h2")).to_have_text(page.locator(f"label:has(#colour-{layer})").inner_text())
        page.wait_for_function("() => document.querySelectorAll('#legend .swatches li').length > 0")
        declared = answer(f"{demo.url}/tiles/{layer}/style.json?lang=en")["metadata"]["pantau:legend"]
        known = {(entry["color"], entry["label"]) for entry in declared}
        shown = rows.evaluate_all(
            "rows => rows.map(row => [getComputedStyle(row.children[0]).getPropertyValue('--swatch'), row.children[1].innerText])"
        )
        assert shown
        assert {(colour, label) for colour, label in shown if colour} <= known
    page.locator("#colour-density").check()
    page.get_by_role("button", name="per 10,000").click()
    expect(page.locator("#legend h2")).to_have_text("Reports per 10,000 people")
    expect(page.locator("#legend")).to_contain_text("classes by quantile")


def test_layer_that_cannot_filter_says_what_it_leaves_out(demo: Demo, browser: Browser, watched: Watched) -> None:
    page = open_page(browser, f"{demo.url}/?lang=en#colour=hotspots&status=submitted", watched)
    expect(page.locator("#legend")).to_contain_text("Not filtered by: status.")
    page.locator("#colour-density").check()
    expect(page.locator("#legend h2")).to_have_text("Reports per km²")
    expect(page.locator("#legend")).not_to_contain_text("Not filtered by")


def test_use_this_layer_gives_addresses_that_answer_with_the_filters_in_them(
    demo: Demo, browser: Browser, watched: Watched
) -> None:
    page = open_page(browser, f"{demo.url}/?lang=en#category=banjir&period=7d", watched)
    opener = page.get_by_role("button", name="Use this layer: Reports")
    opener.click()
    dialog = page.get_by_role("dialog", name="Use this layer: Reports")
    expect(dialog.locator("input")).to_have_count(5)
    addresses = dialog.locator("input").evaluate_all("fields => fields.map(field => field.value)")
    assert [re.sub(r".*?(\.\w+|/items)\?.*", r"\1", url) for url in addresses] == [
        ".geojson",
        "/items",
        ".json",
        ".csv",
        ".gpkg",
    ]
    for url in [*addresses, f"{demo.url}{dialog.get_by_role('link', name='QGIS project').get_attribute('href')}"]:
        with urllib.request.urlopen(url, timeout=60) as response:
            assert response.status == 200
    assert all("category=banjir&start=" in url for url in addresses)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()


def test_new_report_is_on_the_map_without_a_reload(demo: Demo, browser: Browser, watched: Watched) -> None:
    lon, lat = 107.0335, -6.2935
    view = f"#colour=none&show=reports&period=7d&map=17/{lat}/{lon}"
    page = open_page(browser, f"{demo.url}/?lang=en{view}", watched)
    page.wait_for_selector(SETTLED)
    page.evaluate("window.isTheSamePage = true")
    # The colour that the layer declares for a report that waits.
    red = (178, 24, 43)
    before = pixels_of(page, red)
    body = {"category": "sampah", "description": "Uji", "location": {"type": "Point", "coordinates": [lon, lat]}}
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{demo.url}/api/reports/", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        assert response.status == 201
    expect(page.locator("#toast")).to_contain_text("New report")
    wait_for(lambda: pixels_of(page, red) > before, page)
    assert page.evaluate("window.isTheSamePage")


def pixels_of(page: Page, colour: tuple[int, int, int]) -> int:
    image = Image.open(io.BytesIO(page.locator("#map canvas").screenshot())).convert("RGB")
    return sum(n for n, found in image.getcolors(1 << 20) or [] if found == colour)


def wait_for(is_so: Callable[[], bool], page: Page) -> None:
    """Looks again after each of the page's frames, for as long as Playwright would."""
    deadline = datetime.now(UTC) + timedelta(milliseconds=PATIENCE_MS)
    while not is_so():
        assert datetime.now(UTC) < deadline
        page.evaluate("() => new Promise(requestAnimationFrame)")


def test_first_map_takes_few_requests_and_bytes_and_no_cookie(demo: Demo, browser: Browser, watched: Watched) -> None:
    page = open_page(browser, demo.url, watched)
    asked = page.evaluate(
        """() => {
          const [first] = performance.getEntriesByName("first-map");
          return [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
            .filter(({ startTime }) => startTime < first.startTime).map(({ name, encodedBodySize }) => [name, encodedBodySize]);
        }"""
    )
    assert 20 < len(asked) <= 40
    assert 50_000 < sum(size for url, size in asked if "maplibre" not in url) < 400_000
    assert page.context.cookies() == []


def test_choices_on_a_phone_open_in_a_sheet_and_give_the_focus_back(
    demo: Demo, browser: Browser, watched: Watched
) -> None:
    page = open_page(browser, f"{demo.url}/?lang=en", watched, viewport=PHONE)
    opener = page.get_by_role("button", name="Choices")
    expect(page.locator("#category")).to_be_hidden()
    opener.press("Enter")
    expect(page.get_by_role("heading", name="Choices")).to_be_focused()
    page.select_option("#category", "banjir")
    page.keyboard.press("Escape")
    expect(page.locator("#category")).to_be_hidden()
    expect(opener).to_be_focused()
    assert choices(page)["category"] == "banjir"
    for width in (390, 360):
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("opened", ["constructor:x", "__proto__:x", "toString:x"])
def test_a_link_to_what_nobody_knows_is_answered_in_words(
    demo: Demo, browser: Browser, watched: Watched, opened: str
) -> None:
    page = open_page(browser, f"{demo.url}/?lang=en#open={opened}", watched, until=SETTLED)
    expect(page.locator("#panel")).not_to_be_empty()
