"""The hotspots layer: figures by hand, what is left out and why, bounds, and how it looks on a map."""

from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from django.test import Client

from geo.analysis.hotspots import find_hotspots
from geo.analysis.survey import Question
from geo.analysis.units import NeighbourRule
from geo.areas.models import City, PopulationFigure
from geo.models import Area, ResultSet
from geo.reports.workflow import Status
from tests.factories import make_area, make_city, square
from tests.spatial_city import PERIOD, ask, at_m, by_code, lattice_city, tell

NOTHING_FOUND = (
    "Nothing is hot or cold at 90 percent once the number of areas is taken into account. That is no proof of evenness: larger"
    " cells or a longer period have more to go by."
)
pytestmark = pytest.mark.django_db

DAYS = {"start": "2026-02-01", "end": "2026-02-28"}
ANALYTIC = {**DAYS, "permutations": "0"}
NEAREST = {**DAYS, "neighbours": "nearest", "k": "4"}


def hotspots(client: Client, **params: Any) -> dict[str, Any]:
    return ask(client, "hotspots", **params)


@pytest.fixture
def row() -> City:
    """Sixteen kelurahan in a row; sixteen incidents in the fifth."""
    city = make_city(districts=8)
    tell(city, "kota-uji.3.1", 16)
    return city


def row_of_forty(hot: int = 8) -> City:
    """Forty kelurahan in a row, ten incidents in each of the first ones."""
    city = make_city(districts=20)
    for area in Area.objects.filter(level__code="kelurahan").order_by("boundary")[:hot]:
        tell(city, area, 10)
    return city


def test_figures_of_one_full_area_among_sixteen_are_those_worked_by_hand(client: Client, row: City) -> None:
    """Mean 1, variance 15. With two neighbours z = (sum - 3) / sqrt(39), at the ends (sum - 2) / sqrt(28); 16 / 3 ties in q."""
    found = by_code(hotspots(client, **ANALYTIC))
    assert len(found) == 16
    for code in ("2.2", "3.1", "3.2"):
        assert (found[code]["z"], found[code]["p_value"], found[code]["q_value"]) == (2.0817, 0.03737, 0.19932)
    assert (found["1.2"]["z"], found["1.1"]["z"], found["8.2"]["z"]) == (-0.4804, -0.378, -0.378)
    assert [found[code]["neighbours_used"] for code in ("1.1", "1.2", "8.2")] == [1, 2, 1]
    assert (found["3.1"]["value"], found["3.2"]["value"], found["3.1"]["reports"]) == (16.0, 0.0, 16)
    assert {properties["class"] for properties in found.values()} == {"none"}
    assert {properties["reason"] for properties in found.values()} == {None}


def test_the_collection_says_how_it_was_made_and_the_global_moran(client: Client, row: City) -> None:
    """Moran's I of it is (-15 - 14 + 13) / 240, just what is expected by chance, -1 / 15."""
    answer = hotspots(client, **ANALYTIC)
    said = {name: value for name, value in answer.items() if name not in ("features", "links", "type", "method")}
    assert said["moran"]["i"] == pytest.approx(-0.0666667, abs=1e-6)
    assert said["moran"]["expected"] == pytest.approx(-0.0666667, abs=1e-6)
    assert (said["moran"]["z"], said["moran"]["p"]) == (pytest.approx(0.0, abs=1e-9), pytest.approx(1.0))
    wanted = {
        "n": 16,
        "level": "kelurahan",
        "cell_m": None,
        "measure": "count",
        "counted": "incidents",
        "neighbours": "contiguity",
        "distance_m": None,
        "k": None,
        "permutations": 0,
        "seed": 1,
        "reports": 16,
        "reports_outside": 0,
        "islands": 0,
        "without_value": 0,
        "hot": 0,
        "cold": 0,
        "notes": [NOTHING_FOUND],
        "start": "2026-01-31T17:00:00Z",
        "end": "2026-02-28T17:00:00Z",
    }
    assert {name: said[name] for name in wanted} == wanted
    assert answer["method"].startswith("Getis-Ord Gi*")


def test_many_that_lie_together_are_hot_and_the_far_end_is_not(client: Client) -> None:
    """Eight full ones among forty. All four neighbours full by chance: C(7, 4) / C(39, 4) = 35 / 82251, twice that two-sided."""
    row_of_forty()
    answer = hotspots(client, **NEAREST)
    found = by_code(answer)
    assert (found["2.1"]["class"], found["3.1"]["class"], found["20.1"]["class"]) == ("hot_99", "hot_99", "none")
    # Of 9,999 draws 4.3 are expected to be as full, and there are from 0 to 11 in all but one case of a thousand.
    assert 0.0002 <= found["2.1"]["p_value"] <= 0.0024
    assert found["2.1"]["p_value"] < found["2.1"]["q_value"] < 0.01
    assert (answer["hot"], answer["cold"]) == (sum(row["class"].startswith("hot") for row in found.values()), 0)
    assert answer["moran"]["p"] < 0.001


def test_few_that_lie_together_are_cold(client: Client) -> None:
    city = make_city(districts=20)
    for area in Area.objects.filter(level__code="kelurahan").order_by("boundary")[8:]:
        tell(city, area, 10)
    found = by_code(hotspots(client, **NEAREST))
    assert (found["2.1"]["class"], found["20.1"]["class"]) == ("cold_99", "none")
    assert found["2.1"]["z"] < -3


def test_the_same_seed_gives_the_same_figures_and_another_one_others(client: Client) -> None:
    row_of_forty()
    asked = {**NEAREST, "permutations": "199"}
    first = hotspots(client, **asked)
    ResultSet.objects.all().delete()
    assert hotspots(client, **asked)["features"] == first["features"]
    other = by_code(hotspots(client, **asked, seed="2"))
    assert [row["p_value"] for row in other.values()] != [row["p_value"] for row in by_code(first).values()]
    assert [row["z"] for row in other.values()] == [row["z"] for row in by_code(first).values()]


def test_one_question_is_one_result_whatever_is_said_of_neighbours_that_it_does_not_use(
    client: Client, row: City
) -> None:
    hotspots(client, **ANALYTIC)
    hotspots(client, **ANALYTIC, k="3", distance_m="900")
    hotspots(client, **ANALYTIC, level="kelurahan")
    assert ResultSet.objects.count() == 1


@pytest.mark.parametrize(("counted", "value"), [("incidents", 5.0), ("reports", 7.0), ("reporters", 4.0)])
def test_one_campaigner_is_one_reporter(client: Client, counted: str, value: float) -> None:
    city = make_city()
    first, *_rest = tell(city, "kota-uji.1.1", 4, contact={"device_hash": "aa"})
    tell(city, "kota-uji.1.1", 1, status=Status.DUPLICATE, duplicate_of=first, channel="qlue")
    tell(city, "kota-uji.1.1", 1, duplicate_of=first, contact={"phone": "0812"})
    tell(city, "kota-uji.1.1", 1)
    found = by_code(hotspots(client, **DAYS, counted=counted))
    shown = found["1.1"]
    assert (shown["value"], shown["reports"], shown["busiest_reporter_share"]) == (value, 7, 0.571)
    assert shown["channels"] == ["web:6", "qlue:1"]
    assert (found["1.2"]["value"], found["1.2"]["busiest_reporter_share"], found["1.2"]["channels"]) == (0.0, None, [])


def test_rates_are_per_km2_and_per_ten_thousand_people(client: Client) -> None:
    city = make_city()
    Area.objects.filter(code="kota-uji.1").update(area_km2=4.0)
    for code, reports, people in (("kota-uji.1", 3, 1000), ("kota-uji.2", 1, 3000)):
        tell(city, code, reports)
        PopulationFigure.objects.create(area=Area.objects.get(code=code), year=2024, population=people, source="BPS")

    def values(measure: str) -> list[float]:
        return [row["value"] for row in by_code(hotspots(client, **DAYS, level="kecamatan", measure=measure)).values()]

    assert values("per_km2") == [0.75, 1.0]
    assert values("per_10000") == [30.0, 3.3333]
    # Common rate 0.001, variance between 8.3333e-7; trust 5/11 and 5/7: 0.0019091 and 0.00052381 (Marshall 1991).
    assert values("eb") == [19.0909, 5.2381]


@pytest.mark.parametrize("measure", ["per_10000", "eb"])
def test_an_area_without_population_has_no_rate_and_is_nobodys_neighbour(
    client: Client, row: City, measure: str
) -> None:
    known = Area.objects.filter(level__code="kelurahan").exclude(code__in=["kota-uji.3.2", "kota-uji.8.2"])
    PopulationFigure.objects.bulk_create(
        PopulationFigure(area=area, year=2024, population=1000, source="BPS") for area in known
    )
    PopulationFigure.objects.create(area=Area.objects.get(code="kota-uji.8.2"), year=2024, population=0, source="BPS")
    answer = hotspots(client, **ANALYTIC, measure=measure)
    found = by_code(answer)
    for code in ("3.2", "8.2"):
        shown = found[code]
        assert (shown["value"], shown["z"], shown["p_value"], shown["class"]) == (None, None, None, None)
        assert (shown["reason"], shown["neighbours_used"], shown["reports"]) == ("no_population", None, 0)
    assert (found["3.1"]["neighbours_used"], found["8.1"]["neighbours_used"]) == (1, 1)
    assert (answer["n"], answer["without_value"]) == (14, 2)
    assert answer["notes"] == [
        "2 areas have no value and take no part: what they would be divided by is not known.",
        NOTHING_FOUND,
    ]


def test_an_area_without_neighbours_is_an_island_that_is_not_tested(client: Client, row: City) -> None:
    root = Area.objects.get(code="kota-uji")
    make_area(row, "kota-uji.9.1", square(110, -6.3, 110.1, -6.2), level="kelurahan", parent=root)
    tell(row, "kota-uji.9.1", 50)
    answer = hotspots(client, **ANALYTIC)
    found = by_code(answer)
    island = found["9.1"]
    assert (island["class"], island["p_value"], island["q_value"], island["reason"]) == ("none", None, None, "island")
    # Seventeen areas: its own deviation, (50 - 66 / 17) / 12.1262, over sqrt((17 - 1) / 16).
    assert island["z"] == 3.8031
    assert (answer["islands"], answer["n"]) == (1, 17)
    assert answer["notes"] == [
        "1 area has no neighbour and is not tested.",
        NOTHING_FOUND,
    ]


@pytest.mark.parametrize(("level", "areas"), [("kota", 1), ("kecamatan", 2), ("kelurahan", 4)])
def test_fewer_than_eight_areas_are_all_shown_and_none_is_judged(client: Client, level: str, areas: int) -> None:
    tell(make_city(), "kota-uji.1.1", 3)
    answer = hotspots(client, **DAYS, level=level)
    rows = [feature["properties"] for feature in answer["features"]]
    assert [row["reports"] for row in rows] == [3, *[0] * (areas - 1)]
    assert {(row["z"], row["class"], row["reason"]) for row in rows} == {(None, None, "too_few_areas")}
    assert (answer["n"], answer["moran"], answer["reason"]) == (areas, None, "too_few_areas")
    assert answer["notes"] == ["Fewer than eight areas have a value: too few for any figure."]


@pytest.mark.parametrize("each", [0, 2])
def test_areas_that_are_all_alike_have_no_figure(client: Client, each: int) -> None:
    city = make_city(districts=4)
    for area in Area.objects.filter(level__code="kelurahan"):
        tell(city, area, each)
    answer = hotspots(client, **DAYS)
    rows = by_code(answer).values()
    assert {(row["value"], row["z"], row["p_value"], row["class"], row["reason"]) for row in rows} == {
        (float(each), None, None, None, "constant_values")
    }
    assert {"i": None, "z": None, "p": None}.items() <= answer["moran"].items()
    assert answer["notes"] == ["There is no figure: constant_values."]


def test_areas_that_are_all_neighbours_have_no_figure(client: Client) -> None:
    tell(make_city(districts=4), "kota-uji.1.1", 3)
    answer = hotspots(client, **DAYS, neighbours="distance", distance_m="50000")
    rows = by_code(answer).values()
    assert {(row["z"], row["reason"], row["neighbours_used"]) for row in rows} == {(None, "all_neighbours", 7)}


def test_reports_that_lie_in_no_area_of_the_level_are_said(client: Client, row: City) -> None:
    tell(row, "kota-uji.1", 1)
    tell(row, None, 1)
    answer = hotspots(client, **ANALYTIC)
    assert (answer["reports"], answer["reports_outside"]) == (16, 2)
    assert answer["notes"] == [
        "2 reports lie in none of the areas, or have no point, and are not counted.",
        NOTHING_FOUND,
    ]


def test_hexagons_have_shapes_and_codes_of_their_own(client: Client) -> None:
    city = lattice_city(5_000, 5_000)
    tell(city, "kisi", 2, points=[at_m(0, 0)])
    answer = hotspots(client, **ANALYTIC, cell_m="1000")
    feature = next(feature for feature in answer["features"] if feature["id"] == "hex-1000.450.5376")
    shown = feature["properties"]
    assert (shown["code"], shown["name"], shown["level"]) == ("hex-1000.450.5376", "hex-1000.450.5376", "cell")
    assert (shown["value"], shown["reports"], shown["neighbours_used"], shown["population"]) == (2.0, 2, 6, None)
    assert shown["area_km2"] == pytest.approx(2.598, abs=0.003)
    assert (feature["geometry"]["type"], shown["is_schematic"]) == ("MultiPolygon", False)
    assert (answer["cell_m"], answer["level"], answer["n"]) == (1000, None, len(answer["features"]))
    assert {row["reports"] for row in by_code(answer).values()} == {0, 2}


def test_a_rate_per_km2_of_a_hexagon_is_over_its_part_in_the_city(client: Client) -> None:
    """The strip above the middle hexagon is 0.0880 km²: three reports there are 34 per km²."""
    tell(lattice_city(), "kisi", 3, points=[at_m(0, 910)])
    found = by_code(hotspots(client, **ANALYTIC, cell_m="1000", measure="per_km2"))
    assert found["450.5377"]["value"] == pytest.approx(34.07, abs=0.1)


@pytest.mark.parametrize(
    ("change", "parameter", "words"),
    [
        ({"cell_m": "49"}, "cell_m", "from 50 to 5000"),
        ({"cell_m": "5001"}, "cell_m", "from 50 to 5000"),
        ({"cell_m": "100.5"}, "cell_m", "whole number"),
        ({"level": "kelurahan", "cell_m": "500"}, "cell_m", "not both"),
        ({"level": "negara"}, "level", "one of"),
        ({"cell_m": "500", "measure": "eb"}, "measure", "not known"),
        ({"cell_m": "500", "measure": "per_10000"}, "measure", "not known"),
        ({"measure": "median"}, "measure", "one of"),
        ({"counted": "votes"}, "counted", "one of"),
        ({"neighbours": "queen"}, "neighbours", "one of"),
        ({"distance_m": "49"}, "distance_m", "between 50 and 50000"),
        ({"k": "0"}, "k", "from 1 to 50"),
        ({"k": "51"}, "k", "from 1 to 50"),
        ({"permutations": "100000"}, "permutations", "from 0 to 99999"),
        ({"permutations": "-1"}, "permutations", "from 0 to 99999"),
        ({"seed": "-1"}, "seed", "from 0 to 2147483647"),
        ({"category": "tiada"}, "category", "no category"),
        ({"channel": "tiada"}, "channel", "one of"),
        ({"start": "2026-02-02", "end": "2026-02-01"}, "end", "ends before"),
    ],
)
def test_a_bad_parameter_is_named_with_its_bound(
    client: Client, change: dict[str, str], parameter: str, words: str
) -> None:
    make_city()
    response = client.get("/layers/hotspots.geojson", change)
    assert (response.status_code, response.json()["parameter"]) == (400, parameter)
    assert words in response.json()["detail"]
    assert not ResultSet.objects.exists()


def test_more_hexagons_than_can_be_are_refused_with_how_many_there_would_be(client: Client) -> None:
    """20 km by 20 km: 400 km² by 0.0064952 km² are 61 585."""
    lattice_city(10_000, 10_000)
    response = client.get("/layers/hotspots.geojson", {"cell_m": "50"})
    assert (response.status_code, response.json()["parameter"]) == (400, "cell_m")
    assert response.json()["detail"] == "cell_m=50 would make about 61585 hexagons; at most 20000 can be asked for"


def test_a_distance_that_makes_nearly_all_hexagons_neighbours_is_refused(client: Client) -> None:
    """15 397 hexagons, each with about 7.85e7 / 25 981 = 3 023 others within 5 km: 46.5 million pairs."""
    lattice_city(10_000, 10_000)
    response = client.get("/layers/hotspots.geojson", {"cell_m": "100", "neighbours": "distance", "distance_m": "5000"})
    assert (response.status_code, response.json()["parameter"]) == (400, "distance_m")
    assert "at most 5000000" in response.json()["detail"]


def test_with_two_cities_each_has_its_own_hotspots(client: Client, row: City) -> None:
    other = make_city("timur", west=119.4, south=-5.2, districts=8, timezone="Asia/Makassar", metric_srid=32750)
    tell(other, "timur.1.1", 5)
    assert client.get("/layers/hotspots.geojson").json()["parameter"] == "city"
    first = hotspots(client, **ANALYTIC, city="kota-uji")
    second = hotspots(client, **ANALYTIC, city="timur")
    assert (first["reports"], second["reports"], len(second["features"])) == (16, 5, 16)
    assert {feature["id"][:5] for feature in second["features"]} == {"timur"}


def test_without_a_period_the_last_ninety_days_of_the_city_count(client: Client, row: City) -> None:
    answer = hotspots(client, permutations="0")
    start, end = (datetime.fromisoformat(answer[name]) for name in ("start", "end"))
    assert ((end - start).days, start.hour, end.hour) == (90, 17, 17)
    assert start < datetime.now(UTC) < end


@pytest.mark.parametrize(("cell_m", "queries"), [(None, 3), (2000, 2)])
def test_a_map_takes_a_few_queries_however_many_units_and_reports(
    row: City, cell_m: int | None, queries: int, django_assert_num_queries: Any
) -> None:
    question = Question(row.pk, None if cell_m else "kelurahan", cell_m, neighbours=NeighbourRule("contiguity"))
    with django_assert_num_queries(queries):
        find_hotspots(question, *PERIOD)


def test_the_collection_says_what_its_latest_result_says_and_computes_none(client: Client, row: City) -> None:
    path = "/ogc/with/start=2026-02-01;end=2026-02-28;permutations=0/collections/hotspots"
    assert "analysis" not in client.get(path).json()
    assert not ResultSet.objects.exists()
    answer = hotspots(client, **ANALYTIC)
    hotspots(client, **ANALYTIC, measure="per_km2")
    said = client.get(path).json()["analysis"]
    assert (said["n"], said["measure"], said["moran"]) == (16, "count", answer["moran"])
    assert (said["as_of"], said["start"]) == (answer["as_of"], "2026-01-31T17:00:00Z")
    assert "analysis" not in client.get("/ogc/collections/districts").json()
    listed = client.get("/ogc/with/start=2026-02-01;end=2026-02-28;permutations=0/collections").json()["collections"]
    assert next(entry for entry in listed if entry["id"] == "hotspots")["analysis"]["n"] == 16
    assert ResultSet.objects.count() == 2


def test_hot_is_red_and_cold_is_blue_on_the_web_map_and_in_qgis(client: Client, row: City) -> None:
    wanted = {
        "hot_99": "#b2182b",
        "hot_95": "#ef8a62",
        "hot_90": "#fddbc7",
        "none": "#f7f7f7",
        "cold_90": "#d1e5f0",
        "cold_95": "#67a9cf",
        "cold_99": "#2166ac",
    }
    fill = client.get("/tiles/hotspots/style.json").json()["layers"][1]["paint"]["fill-color"]
    pairs = [part for pair in wanted.items() for part in pair]
    assert fill == ["match", ["get", "class"], *pairs, "#b9b9b9"]
    renderer = fromstring(client.get("/layers/hotspots.qlr").content).find(".//renderer-v2")
    assert renderer is not None
    assert (renderer.get("type"), renderer.get("attr")) == ("categorizedSymbol", "class")
    assert [each.get("value") for each in renderer.iterfind("categories/category")] == [*wanted, ""]
    colours = [option.get("value") for option in renderer.iterfind("symbols/symbol/layer/Option/Option[@name='color']")]
    assert (colours[0], colours[6]) == ("178,24,43,255", "33,102,172,255")
