"""The pages of docs/web-maps.md, as they stand there, from another origin than the service's."""

import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.gis.geos import Point
from playwright.sync_api import Browser, Page, expect

from geo.areas.models import City
from tests.clients.browser import DESKTOP, PATIENCE_MS
from tests.factories import make_category, make_city, make_report

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NEAR = ("http://127.0.0.1:", "http://localhost:", "blob:", "data:")
PAGES = dict(
    re.findall(
        r"^## (\w+):.*?```html\n(.*?)```",
        (Path(settings.BASE_DIR) / "docs/web-maps.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
)


@pytest.fixture
def city() -> City:
    """Two districts and five reports, of which three are of the category that the first page asks for."""
    city = make_city()
    for number, slug in enumerate(["sampah", "sampah", "sampah", "banjir", "banjir"]):
        make_report(category=make_category(slug), location=Point(106.92 + number / 40, -6.25, srid=4326))
    return city


class Quiet(SimpleHTTPRequestHandler):
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def elsewhere(tmp_path: Path, live_server: Any) -> Iterator[str]:
    """A site of its own with the three pages; its address."""
    (tmp_path / "lib").symlink_to(Path(settings.BASE_DIR) / "node_modules")
    for name, text in PAGES.items():
        assert "http://127.0.0.1:8000" in text
        (tmp_path / f"{name}.html").write_text(text.replace("http://127.0.0.1:8000", live_server.url))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def open_site(elsewhere: str, browser: Browser) -> Iterator[Any]:
    page = browser.new_context(viewport=DESKTOP).new_page()
    page.set_default_timeout(PATIENCE_MS)
    errors: list[str] = []
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda asked: errors.append(asked.url) if not asked.url.startswith(NEAR) else None)

    def go(name: str) -> Page:
        page.goto(f"{elsewhere}/{name}.html")
        return page

    yield go
    # The browser asks every site for an icon.
    assert [error for error in errors if "404" not in error] == []


def test_leaflet_shows_the_reports_of_every_page(city: City, open_site: Any) -> None:
    expect(open_site("Leaflet").locator("html")).to_have_attribute("data-shown", "3", timeout=PATIENCE_MS)


def test_maplibre_counts_every_report_in_the_tiles_and_lights_a_district_up(city: City, open_site: Any) -> None:
    page = open_site("MapLibre")
    expect(page.locator("html")).to_have_attribute("data-shown", "5", timeout=PATIENCE_MS)
    page.mouse.move(DESKTOP["width"] * 0.3, DESKTOP["height"] * 0.5)
    expect(page.locator("html")).to_have_attribute("data-hovered", "kota-uji.1", timeout=PATIENCE_MS)


def test_openlayers_asks_for_its_view_in_its_own_projection(city: City, open_site: Any) -> None:
    page = open_site("OpenLayers")
    expect(page.locator("html")).to_have_attribute("data-shown", "5", timeout=PATIENCE_MS)
    expect(page.locator("html")).to_have_attribute("data-tiles", re.compile("[1-9]"), timeout=PATIENCE_MS)
