"""The map, live: from a device's publish to the pixel, and what the page does when it loses touch."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, expect

from sensors.ingest.broker_url import parse_broker_url
from sensors.ingest.publisher import Publisher
from server.run.said import wait_until
from tests.clients.browser import PATIENCE_MS, SETTLED, Watched, open_page
from tests.web.demo import Demo

pytestmark = [pytest.mark.browser]
expect.set_options(timeout=PATIENCE_MS)

OPEN_P2C = "/?lang=en#property=river_level&open=thing:river-p2c"
LEVEL = "[data-section=streams] [aria-pressed=true] .value"
LISTENING = "html[data-stream=open]"


def publish(demo: Demo, result: float) -> None:
    """A reading of the water level at P2C, as the city's gateway publishes it."""
    payload = {"result": result, "phenomenon_time": datetime.now(UTC).isoformat()}
    with Publisher(parse_broker_url(demo.environment["MQTT_GATEWAY_URL"]), patience_s=20) as publisher:
        publisher.publish("sensors/river-p2c/river_level", json.dumps(payload).encode())


def map_pixels(page: Page) -> bytes:
    return page.locator("#map canvas").screenshot()


@contextmanager
def without_answers(page: Page, pattern: str) -> Iterator[None]:
    page.route(pattern, lambda route: route.abort())
    yield
    page.unroute(pattern)


def test_live_update_from_a_real_mqtt_publish_to_the_pixel(demo: Demo, browser: Browser, watched: Watched) -> None:
    page = open_page(browser, f"{demo.url}{OPEN_P2C}", watched)
    page.wait_for_selector(LISTENING)
    page.wait_for_selector(SETTLED)
    page.evaluate("window.isTheSamePage = true")
    chart = page.locator("#panel .plot canvas")
    expect(chart).to_be_visible()
    line, pixels = chart.evaluate("canvas => canvas.toDataURL()"), map_pixels(page)

    publish(demo, 613)

    expect(page.locator(LEVEL)).to_have_text("613 cm")
    page.wait_for_function("line => document.querySelector('#panel .plot canvas').toDataURL() !== line", arg=line)
    assert wait_until(lambda: map_pixels(page) != pixels, seconds=10)
    assert page.evaluate("window.isTheSamePage")


def test_page_that_lost_touch_says_so_and_catches_up(demo: Demo, browser: Browser, watched: Watched) -> None:
    page = open_page(browser, f"{demo.url}{OPEN_P2C}", watched)
    page.wait_for_selector(LISTENING)
    publish(demo, 421)
    expect(page.locator(LEVEL)).to_have_text("421 cm")
    # The layers stay away for good, so that what comes after can only come by the stream.
    with without_answers(page, re.compile("/layers/")):  # type: ignore[arg-type]
        expect(page.locator("#status")).to_have_attribute("data-state", "lost")
        expect(page.locator("#status")).to_contain_text("Lost touch. This is how it was at ")
        demo.processes["live"].stop(seconds=30)
        try:
            page.wait_for_selector("html[data-stream=away]")
            publish(demo, 422)
        finally:
            demo.processes["live"].start()
        expect(page.locator(LEVEL)).to_have_text("422 cm")
    expect(page.locator("#status")).to_have_attribute("data-state", "live")
    watched.errors[:] = [line for line in watched.errors if "ERR_FAILED" not in line and "ERR_INCOMPLETE" not in line]


def test_hidden_tab_rests_and_goes_on_where_it_was(demo: Demo, browser: Browser, watched: Watched) -> None:
    page = open_page(browser, f"{demo.url}{OPEN_P2C}", watched)
    page.wait_for_selector(LISTENING)
    publish(demo, 431)
    expect(page.locator(LEVEL)).to_have_text("431 cm")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    hide(page, is_hidden=True)
    page.wait_for_selector("html[data-stream=resting]")
    publish(demo, 432)
    hide(page, is_hidden=False)
    expect(page.locator(LEVEL)).to_have_text("432 cm")
    page.wait_for_selector(LISTENING)
    (again,) = {url for url in asked if "/api/observations/stream" in url and url.startswith(demo.url)}
    assert "last_event_id=" in again


def hide(page: Page, *, is_hidden: bool) -> None:
    """What the browser does to a tab that others cover."""
    page.evaluate(
        """isHidden => {
          Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        is_hidden,
    )
