"""The sheet of a saved analysis, as a real browser prints it: one page of A4, with nothing fetched."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from playwright.sync_api import Browser

from geo.layers.saving import freeze_analysis
from geo.models import SavedAnalysis
from tests.clients.browser import Watched
from tests.factories import make_category, make_city, make_report
from tests.saved_analyses import FIXED, NOW, counted, saved_by, staff

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("counted")]
__all__ = ["counted"]
MM_IN_POINTS = 72 / 25.4


@pytest.fixture
def saved(transactional_db: None) -> SavedAnalysis:
    """Forty areas, frozen, and nearly as long a description as may be given."""
    make_category("banjir")
    city = make_city(districts=20, side=0.02)
    for i in range(20):
        make_report(
            category=make_category("banjir"),
            location=Point(106.91 + 0.02 * (i % 7), -6.29, srid=4326),
            reported_at=NOW.replace(month=2),
        )
    user = staff("perencana", city)
    saved = saved_by(user, city, parameters={**FIXED, "level": "kelurahan"}, description="Untuk anggaran 2027. " * 47)
    return freeze_analysis(saved, user_id=user.pk, now=NOW)


def pages(pdf: bytes) -> list[tuple[float, float]]:
    """Width and height of each page in millimetres."""
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    return [(float(width) / MM_IN_POINTS, float(height) / MM_IN_POINTS) for width, height in boxes]


def test_chromium_prints_it_on_one_page_of_a4(
    browser: Browser, live_server: Any, saved: SavedAnalysis, tmp_path: Path
) -> None:
    watched = Watched()
    page = browser.new_context().new_page()
    watched.follow(page, live_server.url)
    fetched: list[str] = []
    for orientation, size in (("landscape", (297, 210)), ("portrait", (210, 297))):
        page.goto(f"{live_server.url}/api/analysis/saved/{saved.slug}/print/?orientation={orientation}&lang=en")
        page.on("request", lambda request: fetched.append(request.url))
        # The style sheet holds, though the policy allows no other: without it the list would have its bullets.
        assert page.locator(".legend").evaluate("(list) => getComputedStyle(list).listStyleType") == "none"
        assert page.locator("figure svg path").count() > 40
        pdf = page.pdf(prefer_css_page_size=True, print_background=True)
        (tmp_path / f"{orientation}.pdf").write_bytes(pdf)
        assert pages(pdf) == [pytest.approx(size, abs=0.5)]
        # What was kept as a file is the same page.
        assert "<script" not in page.content()
    assert (watched.errors, watched.strangers) == ([], [])
    assert [url for url in fetched if "/print/" not in url and not url.startswith("data:")] == []


def test_the_map_is_within_its_box_and_keeps_its_shape(
    browser: Browser, live_server: Any, saved: SavedAnalysis
) -> None:
    page = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    page.goto(f"{live_server.url}/api/analysis/saved/{saved.slug}/print/")
    svg, shapes = (page.locator(css).bounding_box() for css in ("figure svg", "figure svg g:first-of-type"))
    assert svg is not None
    assert shapes is not None
    # Twenty districts of 0.02 degrees in a row, near the equator: 20 times as wide as high, but for the projection.
    assert 18 < shapes["width"] / shapes["height"] < 21
    assert shapes["width"] <= svg["width"] + 1
    assert abs(shapes["y"] - svg["y"]) < 2
