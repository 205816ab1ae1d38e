"""The embedded map in a frame of another site's page, and the base map of an installation that has one."""

import http.server
import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from server.core.env import BaseMap
from tests.clients.browser import PATIENCE_MS, SETTLED, Watched, open_page
from tests.factories import make_city
from tests.web.demo import Demo

pytestmark = [pytest.mark.browser]
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
def empty_city(transactional_db: None) -> None:
    make_city()


@contextmanager
def files_served(folder: Path) -> Iterator[str]:
    """A site of its own: another port is another origin. Whoever serves maps lets other pages read them."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_args: object) -> None:
            pass

        def end_headers(self) -> None:
            self.send_header("Access-Control-Allow-Origin", "*")
            super().end_headers()

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: Quiet(*args, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_base_map_lies_under_the_citys_and_says_whose_it_is(
    live_server: Any, settings: Any, browser: Browser, watched: Watched, tmp_path: Path, empty_city: None
) -> None:
    Image.new("RGB", (256, 256), (12, 200, 90)).save(tmp_path / "tile.png")
    with files_served(tmp_path) as site:
        settings.BASEMAP = BaseMap(f"{site}/tile.png?{{z}}/{{x}}/{{y}}", "© Kota <b>Uji</b>")
        page = open_page(browser, f"{live_server.url}/?lang=en#colour=none&map=9/-6.9/107", watched)
        page.wait_for_selector(SETTLED)
        expect(page.locator(".attribution")).to_have_text("© Kota <b>Uji</b>")
        image = Image.open(io.BytesIO(page.locator("#map canvas").screenshot())).convert("RGB")
        assert max(image.getcolors(1 << 20) or [])[1] == (12, 200, 90)
        assert {urlsplit(url).netloc for url in watched.strangers} == {urlsplit(site).netloc}
        watched.strangers.clear()


def test_snippet_of_the_map_page_shows_the_same_map_on_another_site(
    demo: Demo, browser: Browser, watched: Watched, tmp_path: Path
) -> None:
    page = open_page(browser, f"{demo.url}/?lang=en#category=banjir&measure=reports&open=area:32.75.04", watched)
    page.get_by_role("button", name="Share").click()
    snippet = page.locator("#copy-frame-for-another-page").input_value()
    assert re.match(r'<iframe src="http://[^"]+/embed\?[^"]*category=banjir&amp;measure=reports', snippet)
    assert "open=" not in snippet
    expect(page.locator("#copy-link")).to_have_value(page.url)
    (tmp_path / "index.html").write_text(f"<!doctype html><title>Kecamatan</title><h1>Kecamatan</h1>{snippet}")
    with files_served(tmp_path) as site:
        context = browser.new_context(viewport={"width": 900, "height": 700}, reduced_motion="reduce")
        other = context.new_page()
        other.goto(site)
        frame = other.frame_locator("iframe")
        expect(frame.locator("html")).to_have_attribute("data-ready", "yes")
        expect(frame.locator("#embed-title")).to_have_text("Reports")
        expect(frame.locator("#legend")).to_contain_text("Flood")
        expect(frame.locator("#status")).to_have_attribute("data-state", "live")
        expect(frame.locator("#controls")).to_have_count(0)
        whole = frame.get_by_role("link", name="Open the whole map").get_attribute("href") or ""
        assert "category=banjir" in urlsplit(whole).fragment
        assert context.cookies() == []
