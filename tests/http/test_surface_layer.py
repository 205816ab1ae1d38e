"""The density surface as a layer: squares, their figures, what is said of the whole, and its bounds."""

import json
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.test import Client

from geo.areas.models import City
from tests.factories import NOW, make_category, make_report

pytestmark = pytest.mark.django_db
URL = "/layers/surface.geojson?start=2026-02-01&end=2026-03-01&bandwidth_m=1000&cell_m=200"


def body(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.content
    return json.loads(b"".join(response.streaming_content))


@pytest.fixture
def reports(city: City) -> None:
    for i in range(4):
        make_report(location=Point(106.95 + i * 0.002, -6.25, srid=4326), reported_at=NOW, category=make_category())


def test_squares_have_their_figures_and_the_whole_says_how_it_was_made(client: Client, reports: None) -> None:
    answer = body(client.get(URL))
    cells = answer["features"]
    assert {cell["geometry"]["type"] for cell in cells} == {"MultiPolygon"}
    assert len({cell["id"] for cell in cells}) == len(cells)
    shown = [cell["properties"] for cell in cells]
    assert all(cell["density"] > 0 and 0 < cell["share"] <= 1 for cell in shown)
    assert {cell["class"] for cell in shown} == {"very_low", "low", "medium", "high", "very_high"}
    assert sum(cell["reports"] for cell in shown) == 4
    peak = max(shown, key=lambda cell: cell["density"])
    assert (peak["share"], peak["class"], peak["density"]) == (1.0, "very_high", answer["peak"])
    assert (answer["bandwidth_m"], answer["bandwidth_rule"], answer["cell_m"]) == (1000.0, "given", 200)
    assert (answer["reports"], answer["reports_without_place"], answer["counted"]) == (4, 0, "incidents")


@pytest.mark.parametrize(
    ("share", "name"), [(1.0, "very_high"), (0.75, "very_high"), (0.7499, "high"), (0.5, "high"), (0.25, "medium"),
                        (0.1, "low"), (0.0999, "very_low"), (0.0, "very_low")],
)  # fmt: skip
def test_classes_begin_at_fixed_shares_of_the_peak(share: float, name: str) -> None:
    from geo.layers.analyses.surface import class_of

    assert class_of(share) == name


def test_no_reports_are_an_empty_collection(client: Client, city: City) -> None:
    answer = body(client.get(URL.replace("bandwidth_m=1000&cell_m=200", "bandwidth_m=auto")))
    assert (answer["features"], answer["reports"], answer["bandwidth_rule"]) == ([], 0, "fallback")


def test_the_bandwidth_that_was_chosen_is_said(client: Client, reports: None) -> None:
    answer = body(client.get("/layers/surface.geojson?start=2026-02-01&end=2026-03-01"))
    assert answer["bandwidth_rule"] in ("reference", "bounded")
    assert 50 <= answer["bandwidth_m"] <= 1000


@pytest.mark.parametrize(
    ("change", "parameter", "says"),
    [
        ("bandwidth_m=49", "bandwidth_m", "50"),
        ("bandwidth_m=10001", "bandwidth_m", "10000"),
        ("bandwidth_m=nan", "bandwidth_m", "50"),
        ("bandwidth_m=wide", "bandwidth_m", "number"),
        ("cell_m=24", "cell_m", "25"),
        ("cell_m=50.5", "cell_m", "whole number"),
        ("cell_m=25", "cell_m", "at most 30000"),
        ("bandwidth_m=100&cell_m=200", "bandwidth_m", "a cell of 200 m"),
        ("bandwidth_m=10000&cell_m=200", "cell_m", "at least 400 m"),
        ("counted=reporters", "counted", "incidents"),
        ("category=unknown", "category", "unknown"),
        ("start=2026-02-02&end=2026-02-01", "end", "ends before it starts"),
    ],
)
def test_what_is_out_of_bounds_is_a_400_that_says_the_bound(
    client: Client, city: City, change: str, parameter: str, says: str
) -> None:
    response = client.get(f"/layers/surface.geojson?{change}")
    assert (response.status_code, response.json()["parameter"]) == (400, parameter)
    assert says in response.json()["detail"]


def test_too_many_cells_are_refused_with_their_number(client: Client, city: City) -> None:
    # 22.2 km by 11.3 km and what the grid adds: 887 columns and 447 rows of 25 m.
    detail = client.get("/layers/surface.geojson?cell_m=25").json()["detail"]
    count = int(detail.partition(" make ")[2].split()[0])
    assert 380_000 < count < 410_000


def test_the_layer_is_a_collection_too_whose_items_name_their_result(client: Client, reports: None) -> None:
    query = "start=2026-02-01&end=2026-03-01&bandwidth_m=1000&cell_m=200"
    page = body(client.get(f"/ogc/collections/surface/items?{query}&limit=10&f=json"))
    assert (len(page["features"]), page["numberReturned"]) == (10, 10)
    assert any(link["rel"] == "next" for link in page["links"])


@pytest.mark.parametrize("more", [0, 30])
def test_number_of_queries_does_not_grow_with_the_reports(
    client: Client, reports: None, django_assert_max_num_queries: Any, more: int
) -> None:
    for i in range(more):
        make_report(location=Point(106.95, -6.25 - i * 0.001, srid=4326), reported_at=NOW)
    body(client.get(URL))
    with django_assert_max_num_queries(14):
        body(client.get(URL))
