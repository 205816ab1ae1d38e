"""The legend of the map page in small windows, in a real browser."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.clients.browser import Watched, open_page
from tests.factories import make_category, make_city, make_report

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHONE = {"width": 390, "height": 700}
LOW = {"width": 1000, "height": 620}
# All that is laid over the map beside the legend itself.
CONTROLS = ".map-frame :is(.maplibregl-ctrl-group, .maplibregl-ctrl-attrib, #home, #status, .note:not([hidden]))"


@pytest.fixture(autouse=True)
def _city(transactional_db: None) -> None:
    make_city()
    make_report(category=make_category())


def opened(browser: Browser, live_server: Any, size: dict[str, int]) -> Page:
    page = open_page(browser, f"{live_server.url}/?lang=en#period=2026-02-01..2026-03-31", Watched(), viewport=size)
    page.locator("#tables > summary").click()
    expect(page.locator("#table")).to_be_visible()
    return page


def covered(legend: Locator) -> list[str]:
    """The controls of the map that lie under the legend, in whole or in part."""
    return legend.evaluate(
        """(legend, controls) => {
          const own = legend.getBoundingClientRect();
          const lies = ({ left, right, top, bottom }) => left < own.right && right > own.left && top < own.bottom && bottom > own.top;
          const all = [...document.querySelectorAll(controls)];
          return all.filter((each) => lies(each.getBoundingClientRect())).map((each) => each.outerHTML);
        }""",
        CONTROLS,
    )


def is_whole(legend: Locator) -> bool:
    """Nothing of it is cut, by itself or by what lies over it."""
    return legend.evaluate(
        """(legend) => {
          legend.scrollIntoView({ block: "nearest" });
          const { left, right, top, bottom } = legend.getBoundingClientRect();
          const corners = [[left + 4, top + 4], [right - 4, top + 4], [left + 4, bottom - 4], [right - 4, bottom - 4]];
          return legend.scrollHeight <= legend.clientHeight && corners.every(([x, y]) => legend.contains(document.elementFromPoint(x, y)));
        }"""
    )


@pytest.mark.parametrize("size", [PHONE, LOW], ids=["phone", "low"])
def test_with_the_table_open_it_is_its_title_and_in_nothings_way(
    live_server: Any, browser: Browser, size: dict[str, int]
) -> None:
    page = opened(browser, live_server, size)
    legend = page.locator("#legend")
    expect(legend.locator("summary")).to_have_text("Reports per km²")
    expect(legend.locator("summary")).to_be_visible()
    expect(legend.locator(".swatches")).to_be_hidden()
    assert is_whole(legend)
    assert covered(legend) == []
    expect(page.locator(CONTROLS).first).to_be_visible()


def test_on_a_phone_the_keyboard_opens_it_whole_and_closes_it(live_server: Any, browser: Browser) -> None:
    page = opened(browser, live_server, PHONE)
    legend = page.locator("#legend")
    legend.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(legend.locator(".swatches li").first).to_be_visible()
    expect(legend.locator("#keys li").first).to_be_visible()
    # More than there is room for is scrolled to, inside it.
    legend.locator("#keys li").last.scroll_into_view_if_needed()
    expect(legend.locator("#keys li").last).to_be_in_viewport()
    assert covered(legend) == []
    page.keyboard.press("Space")
    expect(legend.locator(".swatches")).to_be_hidden()
    expect(legend.locator("summary")).to_be_focused()


def test_it_opens_again_when_the_table_is_closed(live_server: Any, browser: Browser) -> None:
    page = opened(browser, live_server, LOW)
    expect(page.locator("#legend .swatches")).to_be_hidden()
    page.locator("#tables > summary").click()
    expect(page.locator("#legend .swatches li").first).to_be_visible()


def test_a_window_that_grows_shows_it_and_one_that_shrinks_folds_it(live_server: Any, browser: Browser) -> None:
    page = opened(browser, live_server, PHONE)
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(page.locator("#legend .swatches li").first).to_be_visible()
    assert is_whole(page.locator("#legend"))
    page.set_viewport_size(PHONE)
    expect(page.locator("#legend .swatches")).to_be_hidden()
