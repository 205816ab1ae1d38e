"""The form at /report/ in a real browser, against the whole service: sent at once, sent later and once, or supported instead."""

import io
import json
import urllib.request
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.clients.browser import PATIENCE_MS, PHONE, READY, Watched
from tests.photo_files import encoded, tagged
from tests.web.demo import Demo

pytestmark = [pytest.mark.browser]
expect.set_options(timeout=PATIENCE_MS)
# In Bekasi, each test at a place of its own: what one has sent is near for another.
HERE = {"longitude": 106.9896, "latitude": -6.2349}
OFFLINE = "Failed to load resource: net::ERR_INTERNET_DISCONNECTED"
# What the page sends cannot be read from its request where there are files in it.
NOTES_FILES = """() => {
    const { append } = FormData.prototype;
    window.files = [];
    FormData.prototype.append = function (name, value, ...more) {
        if (value instanceof Blob) window.files.push(value);
        append.call(this, name, value, ...more);
    };
}"""
FILES_WITH_METADATA = "Promise.all(window.files.map(async (file) => (await file.text()).includes('Exif')))"


def opened(
    browser: Browser, demo: Demo, watched: Watched, path: str = "/report/?lang=en", *, north: float = 0, **more: Any
) -> Page:
    """The form on a telephone that may say where it is, `north` degrees from HERE."""
    place = {"longitude": HERE["longitude"], "latitude": HERE["latitude"] + north, "accuracy": 12}
    context = browser.new_context(
        viewport=PHONE, locale="id-ID", reduced_motion="reduce", geolocation=place, permissions=["geolocation"], **more
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    watched.follow(page, demo.url)
    page.goto(demo.url + path)
    page.wait_for_selector(READY)
    return page


def write(page: Page, category: str, words: str) -> None:
    page.locator("#locate").click()
    expect(page.locator("#chosen")).to_contain_text("Your position, ±12 m")
    page.locator(f"input[name=category][value={category}]").check()
    page.locator("#description").fill(words)


def found(demo: Demo, words: str) -> list[dict[str, Any]]:
    """The public reports in which these words stand."""
    with urllib.request.urlopen(f"{demo.url}/api/reports/?q={words}", timeout=30) as answer:
        results: list[dict[str, Any]] = json.load(answer)["results"]
        return results


def turned_photo() -> bytes:
    """Lies on its side, as telephones store what was held upright: 3000 by 2000 pixels, a turn and a place in the EXIF."""
    picture = Image.effect_noise((3000, 2000), 40).convert("RGB")
    where = {"latitude": (6.0, 15.0, 0.0), "longitude": (106.0, 55.0, 48.0)}
    exif = tagged(time="2026:03:01 15:00:00", **where)
    exif[0x0112] = 6
    return encoded(picture, "JPEG", exif=exif)


def test_report_with_position_category_photo_and_words_gets_a_number_and_a_link(
    browser: Browser, demo: Demo, watched: Watched
) -> None:
    page = opened(browser, demo, watched)
    bytes_sent = page.evaluate(
        """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
            .reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""
    )
    assert 5_000 < bytes_sent < 60_000
    page.evaluate(NOTES_FILES)
    write(page, "jalan-rusak", "Lubang sedalam mata kaki, telepon 081234567890")
    page.get_by_role("radio", name="Pothole").check()
    page.locator("#photos").set_input_files([{"name": "a.jpg", "mimeType": "image/jpeg", "buffer": turned_photo()}])
    expect(page.get_by_role("img", name="Photo 1")).to_be_visible()
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you. Your report has arrived.")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    number = page.locator(".number b").inner_text()
    (report,) = found(demo, "mata%20kaki")
    assert (report["id"], report["category"]) == (number, "jalan-berlubang")
    assert report["location"]["coordinates"] == [106.9896, -6.2349]
    assert report["description"] == "Lubang sedalam mata kaki, telepon [telepon]"
    with urllib.request.urlopen(f"{demo.url}/api/reports/{number}/photos/1/", timeout=30) as answer:
        photo = Image.open(io.BytesIO(answer.read()))
    # Upright, and as small as the browser has made it.
    assert photo.size == (1067, 1600)
    assert page.evaluate(FILES_WITH_METADATA) == [False]
    page.locator("#follow").click()
    expect(page.locator("#status")).to_have_text("Submitted")
    assert page.url.startswith(f"{demo.url}/report/mine/?lang=en#")
    page.goto(f"{demo.url}/report/status/{number}/?lang=en")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Pothole")
    assert page.context.cookies() == []


def test_open_report_nearby_is_supported_instead_of_another_one(browser: Browser, demo: Demo, watched: Watched) -> None:
    first = opened(browser, demo, watched, north=0.01)
    write(first, "pohon-tumbang", "Beringin menutup gang")
    first.get_by_role("button", name="Send the report").click()
    number = first.locator(".number b").inner_text()
    page = opened(browser, demo, watched, north=0.01)
    page.locator("#locate").click()
    page.locator("input[name=category][value=pohon-tumbang]").check()
    similar = page.locator("#similar")
    mine = similar.locator("li", has_text="Beringin menutup gang")
    expect(mine).to_contain_text("0 m away")
    mine.get_by_role("button", name="Yes, I support this").click()
    expect(similar.get_by_role("heading")).to_have_text("Thank you, your support counts: 1 supporter now.")
    expect(similar.get_by_role("heading")).to_be_focused()
    similar.get_by_role("link", name="See how it stands").click()
    assert page.url == f"{demo.url}/report/status/{number}/?lang=en"
    assert [report["support_count"] for report in found(demo, "Beringin%20menutup")] == [1]


def waits_for_worker(context: BrowserContext, page: Page) -> None:
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")


def test_report_written_without_a_connection_is_sent_once_there_is_one_and_once_only(
    browser: Browser, demo: Demo, watched: Watched
) -> None:
    page = opened(browser, demo, watched, north=0.02)
    waits_for_worker(page.context, page)
    page.context.set_offline(True)
    # The page itself opens, from what the worker has kept of it.
    page.goto(f"{demo.url}/report/?lang=en")
    page.wait_for_selector(READY)
    write(page, "sampah", "Ditulis tanpa sinyal")
    page.get_by_role("button", name="Send the report").click()
    kept = page.locator("#queue")
    expect(kept.get_by_role("heading")).to_have_text("Kept on this phone")
    expect(kept.get_by_role("heading")).to_be_focused()
    expect(kept.locator("li")).to_contain_text("Rubbish Waits for a connection")
    expect(page.locator("#description")).to_have_value("")
    # What is kept can be taken back.
    write(page, "banjir", "Tidak jadi")
    page.get_by_role("button", name="Send the report").click()
    expect(kept.locator("li")).to_have_count(2)
    page.once("dialog", lambda dialog: dialog.accept())
    kept.locator("li").last.get_by_role("button", name="Delete").click()
    expect(kept.locator("li")).to_have_count(1)
    assert found(demo, "tanpa%20sinyal") == []
    page.context.set_offline(False)
    expect(kept.locator("li")).to_contain_text("Sent: number")
    (report,) = found(demo, "tanpa%20sinyal")
    expect(kept.locator("li")).to_contain_text(f"Sent: number {report['id']}")
    kept.get_by_role("link", name="Follow it").click()
    expect(page.locator("#status")).to_have_text("Submitted")
    assert found(demo, "Tidak%20jadi") == []
    watched.errors[:] = [line for line in watched.errors if line != OFFLINE]


def test_report_whose_answer_was_lost_is_not_stored_twice_and_its_link_is_given_after_all(
    browser: Browser, demo: Demo, watched: Watched
) -> None:
    page = opened(browser, demo, watched, north=0.03, service_workers="block")

    def loses_the_answer(route: Route) -> None:
        if route.request.method == "POST":
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route("**/api/reports/", loses_the_answer)
    write(page, "lampu-jalan", "Lampu padam sejak Senin")
    page.get_by_role("button", name="Send the report").click()
    kept = page.locator("#queue li")
    expect(kept).to_contain_text("Waits for a connection")
    (report,) = found(demo, "padam%20sejak%20Senin")
    page.unroute("**/api/reports/")
    kept.get_by_role("button", name="Send now").click()
    expect(kept).to_contain_text(f"Sent: number {report['id']}")
    expect(kept.get_by_role("link", name="Follow it")).to_be_visible()
    assert len(found(demo, "padam%20sejak%20Senin")) == 1
    kept.get_by_role("button", name="Remove from this list").click()
    expect(page.locator("#queue")).to_be_hidden()
    assert watched.errors.pop(0) == "Service Worker registration blocked by Playwright"
    assert watched.errors.pop(0) == "Failed to load resource: net::ERR_FAILED"


def test_what_is_missing_is_said_beside_its_field_and_a_reload_loses_nothing_typed(
    browser: Browser, demo: Demo, watched: Watched
) -> None:
    page = opened(browser, demo, watched, north=0.04)
    posts: list[str] = []
    page.on("request", lambda each: posts.append(each.url) if each.method == "POST" else None)
    page.locator("#contact summary").click()
    page.locator("#email").fill("siti@")
    page.get_by_role("button", name="Send the report").click()
    for name, says in (
        ("place", "Please say where it is."),
        ("category", "Please choose what it is about."),
        ("description", "Please write a few words, or add a photo."),
        ("email", "This is no e-mail address."),
    ):
        expect(page.locator(f"#{name}-fault")).to_have_text(says)
    expect(page.locator("#locate")).to_be_focused()
    # An area is found by its name, with the keyboard alone; without a point words have to say more.
    page.locator("#area-search").fill("margahayu")
    page.keyboard.press("Enter")
    expect(page.locator("#chosen")).to_contain_text("Margahayu, Bekasi Timur")
    expect(page.locator("#place-fault")).to_be_empty()
    page.locator("input[name=category][value=sampah]").check()
    page.locator("#description").fill("Bau busuk")
    page.locator("#email").fill("siti@example.org")
    page.get_by_role("button", name="Send the report").click()
    expect(page.locator("#landmark-fault")).to_contain_text("Please name the street")
    expect(page.locator("#landmark")).to_be_focused()
    page.locator("#landmark").fill("samping pasar")
    page.reload()
    page.wait_for_selector(READY)
    expect(page.locator("#chosen")).to_contain_text("Margahayu, Bekasi Timur")
    expect(page.locator("input[name=category]:checked")).to_have_value("sampah")
    for name, value in (("landmark", "samping pasar"), ("description", "Bau busuk"), ("email", "siti@example.org")):
        expect(page.locator(f"#{name}")).to_have_value(value)
    page.locator("#photos").set_input_files([{"name": "surat.pdf", "mimeType": "image/jpeg", "buffer": b"no photo"}])
    expect(page.locator("#photos-fault")).to_contain_text("surat.pdf is no picture that can be read here.")
    assert posts == []
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you. Your report has arrived.")
    (report,) = found(demo, "Bau%20busuk")
    assert (report["location"], report["location_flag"]) == (None, "area")


def test_place_is_chosen_on_a_map_that_comes_only_when_it_is_asked_for(
    browser: Browser, demo: Demo, watched: Watched
) -> None:
    page = opened(browser, demo, watched)
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url))
    page.locator("#locate").click()
    expect(page.locator("#chosen")).to_contain_text("-6.2349, 106.9896")
    assert not any("maplibre" in url for url in asked)
    page.get_by_role("button", name="On the map").click()
    page.wait_for_selector("#map-part[data-ready]")
    assert any("maplibre" in url for url in asked)
    expect(page.locator(".under")).to_have_text("Kayuringin Jaya")
    page.locator("#map-part canvas").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#chosen")).to_contain_text("The point on the map, Kayuringin Jaya")
    longitude = float(page.locator("#lon").input_value())
    assert 106.9896 < longitude < 107
    assert page.locator("#lat").input_value() == "-6.234900"


def test_form_works_without_scripts_and_a_wish_by_its_short_path(
    browser: Browser, demo: Demo, watched: Watched
) -> None:
    context = browser.new_context(viewport=PHONE, java_script_enabled=False)
    page = context.new_page()
    watched.follow(page, demo.url)
    page.goto(f"{demo.url}/report/?lang=en")
    page.locator("#area").select_option(label="Margahayu")
    page.get_by_role("button", name="Send the report").click()
    expect(page.locator("#landmark-fault")).to_contain_text("Please name the street")
    page.locator("#landmark").fill("dekat halte")
    page.locator("input[name=category][value=lampu-jalan]").check()
    page.locator("#description").fill("Tanpa skrip, lampu mati")
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you. Your report has arrived.")
    assert [report["id"] for report in found(demo, "Tanpa%20skrip")] == [page.locator(".number b").inner_text()]
    page.goto(f"{demo.url}/report/aspirasi/?lang=en")
    page.locator("input[name=category][value=fasilitas-umum]").check()
    page.locator("#description").fill("Perpustakaan keliling")
    page.get_by_role("button", name="Send the wish").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you. Your wish has arrived.")
    assert [report["kind"] for report in found(demo, "Perpustakaan%20keliling")] == ["aspirasi"]
    assert context.cookies() == []
    # The form was refused once, which the browser logs.
    refused = "Failed to load resource: the server responded with a status of 400 (Bad Request)"
    watched.errors[:] = [line for line in watched.errors if line != refused]
