"""The clusters layer: local Moran's I by hand, its classes, and the city's own."""

from typing import Any

import pytest
from django.test import Client

from geo.analysis.clusters import find_clusters
from geo.analysis.survey import Question
from geo.areas.models import City
from geo.models import Area, ResultSet
from tests.factories import make_area, make_city, square
from tests.spatial_city import PERIOD, ask, at_m, by_code, lattice_city, tell

pytestmark = pytest.mark.django_db

DAYS = {"start": "2026-02-01", "end": "2026-02-28"}
ANALYTIC = {**DAYS, "permutations": "0"}
NEAREST = {**DAYS, "neighbours": "nearest", "k": "6"}


def clusters(client: Client, **params: Any) -> dict[str, Any]:
    return ask(client, "clusters", **params)


@pytest.fixture
def row() -> City:
    """Sixteen kelurahan in a row; sixteen incidents in the fifth."""
    city = make_city(districts=8)
    tell(city, "kota-uji.3.1", 16)
    return city


def test_figures_of_one_full_area_among_sixteen_are_those_worked_by_hand(client: Client, row: City) -> None:
    """Scores 15 / sqrt(15) and -1 / sqrt(15); I is score times mean of the neighbours' scores times 15 / 16."""
    answer = clusters(client, **ANALYTIC)
    found = by_code(answer)
    assert [found[code]["i"] for code in ("3.1", "2.2", "3.2", "1.1", "6.1")] == [
        -0.9375,
        -0.4375,
        -0.4375,
        0.0625,
        0.0625,
    ]
    assert {row["class"] for row in found.values()} == {"none"}
    assert (answer["high_high"], answer["low_low"], answer["high_low"], answer["low_high"]) == (0, 0, 0, 0)
    # The sum of the local ones over n - 1: (-0.9375 - 0.875 + 13 * 0.0625) / 15.
    assert answer["moran"]["i"] == pytest.approx(-0.0666667, abs=1e-6)
    assert (answer["moran"]["p_permuted"], answer["moran_permutations"]) == (None, 0)


def test_high_among_high_and_a_low_one_among_them(client: Client) -> None:
    """The first fifteen of forty are full but the eighth: it stands out, the others are alike.

    Six full neighbours by chance: C(14, 6) / C(39, 6), 0.0009, for the one that is not.
    """
    city = make_city(districts=20)
    for area in Area.objects.filter(level__code="kelurahan").order_by("boundary")[:15]:
        if area.code != "kota-uji.4.2":
            tell(city, area, 10)
    answer = clusters(client, **NEAREST)
    found = by_code(answer)
    assert (found["4.2"]["class"], found["1.2"]["class"]) == ("low_high", "high_high")
    assert (found["4.2"]["i"] < 0 < found["1.2"]["i"], found["15.1"]["class"]) == (True, "none")
    assert answer["low_high"] == 1
    assert answer["high_high"] == sum(row["class"] == "high_high" for row in found.values())
    assert answer["moran"]["p_permuted"] == pytest.approx(0.002)
    assert (answer["moran"]["i"] > 0.5, answer["moran_permutations"]) == (True, 999)


def test_a_high_one_among_low_ones(client: Client) -> None:
    """The mirror image."""
    city = make_city(districts=20)
    for n, area in enumerate(Area.objects.filter(level__code="kelurahan").order_by("boundary")):
        if n >= 15 or area.code == "kota-uji.4.2":
            tell(city, area, 10)
    found = by_code(clusters(client, **NEAREST))
    assert (found["4.2"]["class"], found["1.2"]["class"]) == ("high_low", "low_low")


def test_the_same_seed_gives_the_same_figures(client: Client, row: City) -> None:
    asked = {**NEAREST, "permutations": "199"}
    first = clusters(client, **asked)
    ResultSet.objects.all().delete()
    again = clusters(client, **asked)
    assert (again["features"], again["moran"]) == (first["features"], first["moran"])


def test_an_island_is_neither_cluster_nor_outlier(client: Client, row: City) -> None:
    root = Area.objects.get(code="kota-uji")
    make_area(row, "kota-uji.9.1", square(110, -6.3, 110.1, -6.2), level="kelurahan", parent=root)
    answer = clusters(client, **DAYS)
    island = by_code(answer)["9.1"]
    assert (island["class"], island["reason"], island["i"], island["p_value"]) == ("none", "island", None, None)
    assert answer["notes"] == ["1 area has no neighbour and is not tested."]


def test_alike_or_too_few_areas_have_no_figure_and_the_reason(client: Client) -> None:
    make_city(districts=4)
    for level, reason in (("kelurahan", "constant_values"), ("kota", "too_few_areas")):
        answer = clusters(client, **DAYS, level=level)
        rows = by_code(answer).values()
        assert {(row["i"], row["z"], row["class"], row["reason"]) for row in rows} == {(None, None, None, reason)}
        assert answer["reason"] == reason


def test_hexagons_are_clustered_as_well(client: Client) -> None:
    city = lattice_city(6_000, 6_000)
    tell(city, "kisi", 3, points=[at_m(dx, dy) for dx in (-1500, 0, 1500) for dy in (-800, 0, 800)])
    answer = clusters(client, **DAYS, cell_m="1000", counted="reports")
    assert (answer["n"], answer["reports"]) == (len(answer["features"]), 27)
    assert by_code(answer)["450.5376"]["class"] == "high_high"


def test_a_map_takes_three_queries(row: City, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(3):
        find_clusters(Question(row.pk, "kelurahan", None), *PERIOD)


def test_a_bad_parameter_is_named(client: Client, row: City) -> None:
    response = client.get("/layers/clusters.geojson", {"level": "kota", "cell_m": "500"})
    assert (response.status_code, response.json()["parameter"]) == (400, "cell_m")


def test_the_collection_holds_the_global_moran(client: Client, row: City) -> None:
    path = "/ogc/with/start=2026-02-01;end=2026-02-28/collections/clusters"
    assert "analysis" not in client.get(path).json()
    answer = clusters(client, **DAYS)
    assert client.get(path).json()["analysis"]["moran"] == answer["moran"]


def test_alike_is_dark_and_unlike_is_light(client: Client, row: City) -> None:
    fill = client.get("/tiles/clusters/style.json").json()["layers"][1]["paint"]["fill-color"]
    assert fill == [
        *("match", ["get", "class"], "high_high", "#b2182b", "high_low", "#f4a582", "low_high", "#92c5de"),
        *("low_low", "#2166ac", "none", "#f7f7f7", "#b9b9b9"),
    ]
