"""The city at a glance in a browser: what it says leads to the map, it renews itself, and a wall runs without growing."""

import re

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.clients.browser import PHONE, READY, Watched, open_page
from tests.web.demo import Demo

pytestmark = [pytest.mark.browser]
WALL = {"width": 1920, "height": 1080}
MINUTE_MS = 60_000
STANDING_STILL = "document.documentElement.scrollWidth <= innerWidth"
# What is cut off inside a card, and what lies below the screen.
IS_CUT = """() => [...document.querySelectorAll(".card, .outstanding, .multiples li")]
    .filter((each) => each.scrollHeight > each.clientHeight + 2 || each.scrollWidth > each.clientWidth + 2)
    .map((each) => each.id || each.className)"""


def test_the_cards_lead_to_the_map_and_the_figures_stand_behind_the_drawings(
    browser: Browser, demo: Demo, watched: Watched
) -> None:
    page = open_page(browser, f"{demo.url}/city/?lang=en", watched)
    expect(page.get_by_role("heading", level=1)).to_have_text("Kota Bekasi at a glance")
    expect(page.locator(".card h2")).to_have_text(["Reports", "Environment", "Traffic", "Health", "Economy"])
    # A drawing for the reports, one for each property that is shown, none without a name.
    drawings = page.locator("svg.week-chart")
    assert drawings.count() == 1 + page.locator(".multiples li").count() >= 10
    assert all(label for label in drawings.evaluate_all("all => all.map((each) => each.getAttribute('aria-label'))"))
    page.locator("#figures-traffic summary").click()
    table = page.locator("#figures-traffic table").first
    expect(table.get_by_role("row", name=re.compile("^Traffic speed .* km.h"))).to_be_visible()
    page.get_by_role("link", name="Traffic", exact=True).click()
    expect(page).to_have_url(
        re.compile(r"/\?lang=en#.*period=\d{4}-\d\d-\d\d\.\.\d{4}-\d\d-\d\d.*property=traffic_speed")
    )
    page.wait_for_selector(READY)


def test_the_page_renews_itself_keeps_what_is_open_and_says_when_it_lost_touch(
    browser: Browser, demo: Demo, watched: Watched
) -> None:
    context = browser.new_context(locale="en-GB", reduced_motion="reduce")
    page = context.new_page()
    page.clock.install()
    watched.follow(page, demo.url)
    page.goto(f"{demo.url}/city/?lang=en")
    page.locator("#figures-health summary").click()
    page.get_by_role("link", name="Economy", exact=True).focus()
    later = re.sub(r'<p class="total">[^<]*', '<p class="total">A new sentence', page.content())

    def renewed(route: Route) -> None:
        route.fulfill(body=later, content_type="text/html")

    page.route("**/city/?lang=en", renewed)
    page.clock.fast_forward(MINUTE_MS + 5_000)
    expect(page.locator(".total")).to_have_text("A new sentence")
    expect(page.locator("#figures-health")).to_have_attribute("open", "")
    expect(page.get_by_role("link", name="Economy", exact=True)).to_be_focused()
    page.unroute("**/city/?lang=en")
    context.set_offline(True)
    expect(page.locator("#status")).to_contain_text("Lost touch. This is how it was")
    context.set_offline(False)
    expect(page.locator("#status")).to_contain_text("As it was")
    watched.errors[:] = [line for line in watched.errors if "ERR_INTERNET_DISCONNECTED" not in line]


@pytest.mark.parametrize("language", ["id", "en"])
def test_a_wall_shows_all_of_it_at_once_and_does_not_grow(
    browser: Browser, demo: Demo, watched: Watched, language: str
) -> None:
    page = browser.new_context(viewport=WALL, reduced_motion="reduce").new_page()
    page.clock.install()
    watched.follow(page, demo.url)
    page.goto(f"{demo.url}/city/?lang={language}&wall")
    expect(page.locator("#clock")).to_have_text(re.compile(r"^\d\d[.:]\d\d$"))
    assert page.evaluate("[document.documentElement.scrollHeight, document.documentElement.scrollWidth]") == [
        1080,
        1920,
    ]
    assert page.evaluate(IS_CUT) == []
    nodes = []
    for _minute in range(12):
        with page.expect_response(lambda response: "/city/" in response.url):
            page.clock.fast_forward(MINUTE_MS + 5_000)
        page.wait_for_load_state("networkidle")
        nodes.append(page.evaluate("document.querySelectorAll('*').length"))
    # Sentences come and go with the figures; what is renewed takes the place of what was there.
    assert max(nodes) - min(nodes) < 40


@pytest.mark.parametrize("width", [360, 390, 768])
def test_nothing_goes_sideways_on_a_phone(browser: Browser, demo: Demo, watched: Watched, width: int) -> None:
    page = open_page(browser, f"{demo.url}/city/?lang=id", watched, viewport={**PHONE, "width": width})
    assert page.evaluate(STANDING_STILL)
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate(STANDING_STILL)


def test_without_a_script_it_says_all_the_same(browser: Browser, demo: Demo, watched: Watched) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    watched.follow(page, demo.url)
    page.goto(f"{demo.url}/city/?lang=en")
    expect(page.locator(".outstanding li").first).to_be_visible()
    expect(page.locator("#traffic svg.week-chart").first).to_be_visible()
    expect(page.locator("#status")).to_contain_text(re.compile(r"As of \w+day \d+ \w+ \d\d:\d\d WIB\."))
