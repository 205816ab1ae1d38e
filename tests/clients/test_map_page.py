"""The map page in a real browser, against a real server."""

import io
import json
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.test import Client
from django.utils import translation
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from geo.areas.models import Area, City, PopulationFigure
from sensors.observations.columns import GOOD, TIMED_BY_DEVICE, Columns
from sensors.observations.partitions import ensure_partitions
from sensors.observations.rollups import refresh_all_rollups
from sensors.observations.writer import write_observations
from server.web.map.strings import STRINGS
from tests.clients.browser import PATIENCE_MS, SETTLED, Watched, open_page
from tests.factories import (
    make_category,
    make_channel,
    make_city,
    make_datastream,
    make_observed_property,
    make_report,
    make_thing,
)

browser_test = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def city(now: datetime) -> City:
    """Two districts; three reports of this week, and one of 2015; a thing with a day of readings."""
    city = make_city()
    Area.objects.filter(city=city).update(is_schematic=True)
    PopulationFigure.objects.create(
        area=Area.objects.get(code="kota-uji.1"), year=2020, population=20_000, source="Sensus"
    )
    waste = make_category("sampah", name_id="Sampah", name_en="Waste")
    flood = make_category("banjir", name_id="Banjir", name_en="Flood")
    simulator, qlue = make_channel("simulator", is_simulated=True), make_channel("qlue")
    for hours, category, lon in ((1, waste, 106.92), (30, waste, 106.94), (50, flood, 107.08)):
        at = now - timedelta(hours=hours)
        make_report(category=category, channel=simulator, location=Point(lon, -6.27, srid=4326), reported_at=at, now=at)
    launch = datetime(2015, 12, 1, tzinfo=UTC)
    make_report(category=waste, channel=qlue, location=Point(106.92, -6.27, srid=4326), reported_at=launch, now=launch)
    make_readings(now)
    return city


def make_readings(now: datetime) -> None:
    make_observed_property("pm25", name_id="PM2,5", name_en="PM2.5")
    thing = make_thing("udara-1", name="Udara Satu", location=Point(107.05, -6.23, srid=4326), is_simulated=True)
    datastream = make_datastream(thing, "pm25", expected_interval_s=3600)
    columns = Columns()
    for hours in range(24):
        columns.append(datastream.pk, now - timedelta(hours=hours), 40.0 + hours, now, GOOD, TIMED_BY_DEVICE)
    ensure_partitions({(now - timedelta(days=1)).date().replace(day=1), now.date().replace(day=1)})
    write_observations(columns)
    refresh_all_rollups()


@pytest.fixture
def watched() -> Watched:
    return Watched()


def send_report(base: str, **values: Any) -> None:
    body = {
        "category": "sampah",
        "description": "Tumpukan",
        "location": {"type": "Point", "coordinates": [107.02, -6.25]},
    }
    request = urllib.request.Request(
        f"{base}/api/reports/", json.dumps({**body, **values}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 201


def colours_of(page: Page) -> set[tuple[int, ...]]:
    image = Image.open(io.BytesIO(page.locator("#map canvas").screenshot())).convert("RGB")
    return {colour for n, colour in image.getcolors(1 << 20) or [] if n > 500}


def row_of(page: Page, name: str) -> str:
    return page.locator("#table tr", has_text=name).inner_text()


class TestInTheBrowser:
    pytestmark = browser_test

    def test_map_shows_districts_reports_and_sensors_and_asks_nobody_else(
        self, city: City, live_server: Any, browser: Browser, watched: Watched
    ) -> None:
        page = open_page(browser, live_server.url, watched)
        expect(page.locator("html")).to_have_attribute("lang", "id")
        expect(page.locator("#city-name")).to_have_text("Kota Uji")
        expect(page.locator("#status")).to_have_attribute("data-state", "live")
        expect(page.locator("#legend h2")).to_have_text("Laporan per km²")
        expect(page.locator("#legend .swatches li").first).to_be_visible()
        expect(page.locator("#reports-count")).to_have_text("3 laporan")
        expect(page.locator("#sensors-count")).to_have_text("1 pos")
        expect(page.locator("#note-schematic")).to_be_visible()
        expect(page.locator("#note-simulated")).to_be_visible()
        page.wait_for_selector(SETTLED)
        # The ground and at least two classes of the ramp.
        assert len(colours_of(page)) >= 3
        assert watched.errors == []
        assert watched.strangers == []
        assert page.context.cookies() == []

    def test_view_is_a_link(self, city: City, live_server: Any, browser: Browser, watched: Watched) -> None:
        page = open_page(browser, f"{live_server.url}/?lang=en", watched)
        page.select_option("#category", "banjir")
        page.get_by_role("button", name="per 10,000").click()
        expect(page.locator("#reports-count")).to_have_text("1 report")
        assert "category=banjir" in page.url
        assert "measure=reports_per_10000" in page.url
        again = open_page(browser, page.url, watched)
        expect(again.locator("#category")).to_have_value("banjir")
        expect(again.locator("#reports-count")).to_have_text("1 report")
        expect(again.locator("#legend h2")).to_have_text("Reports per 10,000 people")
        expect(again.locator("#legend")).to_contain_text("population unknown")
        page.go_back()
        expect(page.locator("#legend h2")).to_have_text("Reports per km²")

    def test_qlue_launch_is_a_period_of_its_own(
        self, city: City, live_server: Any, browser: Browser, watched: Watched
    ) -> None:
        page = open_page(browser, live_server.url, watched)
        page.get_by_label("Peluncuran Qlue 2015–16").check()
        expect(page.locator("#reports-count")).to_have_text("1 laporan")
        expect(page.locator("#from")).to_have_value("2015-11-11")

    def test_page_opens_on_a_period_that_has_data(
        self, report_of_2019: None, live_server: Any, browser: Browser, watched: Watched
    ) -> None:
        page = open_page(browser, live_server.url, watched)
        expect(page.locator("#reports-count")).to_have_text("1 laporan")
        expect(page.locator("#to")).to_have_value("2019-06-15")

    def test_clicked_district_opens_with_its_figures(
        self, city: City, live_server: Any, browser: Browser, watched: Watched
    ) -> None:
        page = open_page(browser, live_server.url, watched)
        page.wait_for_selector(SETTLED)
        # The city fills the room beside the legend; its middle is the border between the two districts.
        box = page.locator("#map canvas").bounding_box()
        assert box is not None
        middle = box["x"] + 250 + (box["width"] - 250) / 2
        page.mouse.click(middle - 60, box["y"] + box["height"] / 2)
        panel = page.locator("#panel")
        expect(panel.locator("h2")).to_have_text("Kota-Uji 1")
        expect(panel).to_contain_text("Penduduk 20.000 (2020, Sensus)")
        expect(panel.locator(".figures dd").nth(0)).to_have_text("2")
        expect(panel.locator(".figures dd").nth(2)).to_have_text("1")  # 2 reports of 20,000 people
        expect(panel).to_contain_text("Sampah")
        page.keyboard.press("Escape")
        expect(panel).to_be_hidden()

    def test_thing_opens_with_its_last_value_and_its_day(
        self, city: City, live_server: Any, browser: Browser, watched: Watched
    ) -> None:
        page = open_page(browser, f"{live_server.url}/#tab=sensors", watched)
        page.locator("#tables summary").click()
        expect(page.locator("#table")).to_contain_text("40 µg/m³")
        page.locator("#table button.link").click()
        expect(page.locator("#panel h2")).to_have_text("Udara Satu")
        expect(page.locator("#panel .plot .u-over")).to_be_visible()
        assert watched.errors == []

    def test_new_report_appears_without_a_reload(
        self, city: City, live_server: Any, browser: Browser, watched: Watched
    ) -> None:
        page = open_page(browser, live_server.url, watched)
        expect(page.locator("#reports-count")).to_have_text("3 laporan")
        send_report(live_server.url)
        expect(page.locator("#toast")).to_have_text("Laporan baru: Sampah, Kota-Uji 2 1")
        expect(page.locator("#reports-count")).to_have_text("4 laporan")

    def test_page_says_when_it_lost_touch_and_when_it_is_back(
        self, city: City, live_server: Any, browser: Browser, watched: Watched
    ) -> None:
        page = open_page(browser, live_server.url, watched)
        page.route("**/layers/**", lambda route: route.abort())
        expect(page.locator("#status")).to_have_attribute("data-state", "lost")
        expect(page.locator("#status")).to_contain_text("Hubungan terputus")
        expect(page.locator("#reports-count")).to_have_text("3 laporan")  # what was known stays
        page.unroute("**/layers/**")
        expect(page.locator("#status")).to_have_attribute("data-state", "live")

    def test_correlation_that_has_too_little_says_so(
        self, city: City, live_server: Any, browser: Browser, watched: Watched
    ) -> None:
        page = open_page(browser, f"{live_server.url}/?lang=en", watched)
        page.locator("#colour-correlation").check()
        expect(page.locator("#property")).to_have_value("pm25")
        expect(page.locator("#legend h2")).to_have_text("Flood against PM2.5")
        expect(page.locator("#legend .swatches")).to_contain_text("too few intervals")
        page.locator("#tables summary").click()
        assert "no reports in the period" in row_of(page, "Kota-Uji 1")

    def test_browser_without_webgl_gets_the_table(
        self, city: City, live_server: Any, browser: Browser, watched: Watched
    ) -> None:
        context = browser.new_context()
        context.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
        page = context.new_page()
        page.goto(live_server.url)
        expect(page.locator("#map")).to_contain_text("tanpa WebGL")
        expect(page.locator("#table tbody tr")).to_have_count(2)

    def test_city_without_reports_says_so(self, live_server: Any, browser: Browser, watched: Watched) -> None:
        page = open_page(browser, live_server.url, watched)
        expect(page.locator("#legend")).to_contain_text("Tidak ada laporan dalam periode ini.")
        expect(page.locator("#sensors-age")).to_have_text("Belum ada sensor yang mengirim data.")
        assert watched.errors == []

    @pytest.fixture(autouse=True)
    def _empty_city(self, request: pytest.FixtureRequest, transactional_db: None) -> None:
        if "city" not in request.fixturenames:
            make_city()

    @pytest.fixture
    def report_of_2019(self, _empty_city: None) -> None:
        at = datetime(2019, 6, 15, 5, 0, tzinfo=UTC)
        make_report(reported_at=at, now=at)


@pytest.mark.django_db
def test_page_allows_no_inline_script_and_sets_no_cookie(client: Client) -> None:
    response = client.get("/", headers={"Accept-Language": "en"})
    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]
    assert not response.cookies
    assert response["Content-Language"] == "id"
    assert client.get("/?lang=en")["Content-Language"] == "en"


@pytest.mark.django_db
def test_catalogue_is_a_page_for_people_who_ask_for_one(client: Client) -> None:
    response = client.get("/layers/?lang=en", headers={"Accept": "text/html,*/*;q=0.1"})
    text = response.content.decode()
    assert response["Content-Type"].startswith("text/html")
    assert "<h1>Layers</h1>" in text
    assert 'id="correlation"' in text
    assert "/layers/density.geojson" in text
    assert "max_distance_m" in text


def test_every_word_of_the_page_is_translated() -> None:
    same_in_both = {"area_sub", "unit_IDR", "status", "filter_status", "short_reports_per_km2", "per_km2"}
    same_in_both |= {name for name in STRINGS if name.startswith("ispu_")}  # numbers
    with translation.override("en"):
        english = {name: str(text) for name, text in STRINGS.items()}
    with translation.override("id"):
        assert {name for name, text in STRINGS.items() if str(text) == english[name]} <= same_in_both
