"""The emerging layer: slices of the city's own time, classes over them, and what is said where there is too little."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from geo.analysis.emerging import Slice, find_emerging, slice_edges
from geo.analysis.survey import Question
from geo.areas.models import City, PopulationFigure
from geo.models import Area, ResultSet
from tests.factories import make_city
from tests.spatial_city import ask, at_m, by_code, lattice_city, tell

pytestmark = pytest.mark.django_db

# Five weeks that end on a Sunday, the last day of February.
WEEKS = {"slices": "5", "end": "2026-03-01", "neighbours": "nearest", "k": "4"}
# Noon in Jakarta on the Wednesday of each of them.
WEDNESDAYS = [datetime(2026, 1, 28, 5, tzinfo=UTC) + timedelta(weeks=week) for week in range(5)]


def emerging(client: Client, **params: Any) -> dict[str, Any]:
    return ask(client, "emerging", **params)


def first_eight() -> list[Area]:
    return list(Area.objects.filter(level__code="kelurahan").order_by("boundary")[:8])


def forty() -> City:
    """Forty kelurahan in a row, with one report a week in the last, so that no week is without any difference."""
    city = make_city(districts=20)
    tell(city, "kota-uji.20.2", WEDNESDAYS)
    return city


def edges_of(
    unit: Slice, end: datetime, most: int, zone: str = "Asia/Jakarta", start: datetime | None = None
) -> list[str]:
    found = slice_edges(ZoneInfo(zone), unit, end=end, start=start, most=most)
    return [edge.strftime("%m-%dT%H") for edge in found]


def test_weeks_begin_on_monday_at_the_citys_midnight() -> None:
    assert edges_of("week", datetime(2026, 2, 26, tzinfo=UTC), 3) == ["02-01T17", "02-08T17", "02-15T17", "02-22T17"]


def test_a_slice_is_whole_at_the_moment_it_is_over() -> None:
    over = datetime(2026, 2, 22, 17, tzinfo=UTC)
    assert edges_of("week", over, 1) == ["02-15T17", "02-22T17"]
    assert edges_of("week", over - timedelta(microseconds=1), 1) == ["02-08T17", "02-15T17"]


def test_months_cross_the_end_of_a_year_whatever_their_length() -> None:
    found = slice_edges(ZoneInfo("Asia/Jakarta"), "month", end=datetime(2026, 3, 15, tzinfo=UTC), most=5)
    assert [edge.isoformat() for edge in found] == [
        "2025-09-30T17:00:00+00:00",
        "2025-10-31T17:00:00+00:00",
        "2025-11-30T17:00:00+00:00",
        "2025-12-31T17:00:00+00:00",
        "2026-01-31T17:00:00+00:00",
        "2026-02-28T17:00:00+00:00",
    ]


def test_the_day_on_which_clocks_go_forward_has_23_hours_and_the_one_on_which_they_go_back_25() -> None:
    spring = edges_of("day", datetime(2026, 3, 31, 12, tzinfo=UTC), 4, "Europe/Amsterdam")
    assert spring == ["03-26T23", "03-27T23", "03-28T23", "03-29T22", "03-30T22"]
    autumn = edges_of("day", datetime(2025, 10, 27, 23, tzinfo=UTC), 4, "Europe/Amsterdam")
    assert autumn == ["10-23T22", "10-24T22", "10-25T22", "10-26T23", "10-27T23"]


def test_a_start_leaves_out_the_slice_that_it_cuts() -> None:
    end = datetime(2026, 2, 26, tzinfo=UTC)
    monday = datetime(2026, 2, 8, 17, tzinfo=UTC)
    assert edges_of("week", end, 60, start=monday) == ["02-08T17", "02-15T17", "02-22T17"]
    assert edges_of("week", end, 60, start=monday + timedelta(seconds=1)) == ["02-15T17", "02-22T17"]
    assert edges_of("week", end, 60, start=end - timedelta(days=1)) == []


def test_hot_in_every_slice_without_a_trend_is_persistent(client: Client) -> None:
    city = forty()
    for area in first_eight():
        tell(city, area, [at for at in WEDNESDAYS for _ in range(5)])
    answer = emerging(client, **WEEKS)
    found = by_code(answer)
    shown = found["2.1"]
    assert (shown["class"], shown["hot_slices"], shown["cold_slices"]) == ("persistent_hot", 5, 0)
    assert (shown["trend_z"], shown["trend_p"], shown["reports"]) == (0.0, 1.0, 25)
    assert (shown["value"], shown["values"]) == (5.0, ["5", "5", "5", "5", "5"])
    assert shown["last_z"] > 2
    assert (found["15.1"]["class"], found["15.1"]["hot_slices"]) == ("none", 0)
    assert answer["classes"]["persistent_hot"] == sum(row["class"] == "persistent_hot" for row in found.values())


def test_hot_for_the_first_time_in_the_last_slice_is_new(client: Client) -> None:
    city = forty()
    for area in first_eight():
        tell(city, area, [WEDNESDAYS[-1]] * 5)
    shown = by_code(emerging(client, **WEEKS))["2.1"]
    assert (shown["class"], shown["hot_slices"], shown["values"]) == ("new_hot", 1, ["0", "0", "0", "0", "5"])


def test_hot_in_every_slice_and_more_so_each_time_intensifies(client: Client) -> None:
    """The last areas of the row fall behind by one more report a week; five rising z have S = 10, p = 0.0275."""
    city = forty()
    for area in first_eight():
        for week, at in enumerate(WEDNESDAYS):
            tell(city, area, [at] * (4 + 3 * week))
    shown = by_code(emerging(client, **WEEKS))["2.1"]
    assert (shown["class"], shown["trend_p"]) == ("intensifying_hot", 0.02749)
    # (10 - 1) / sqrt(50 / 3)
    assert shown["trend_z"] == 2.2045


def test_hot_until_the_slice_before_last_is_not_hot(client: Client) -> None:
    city = forty()
    for area in first_eight():
        tell(city, area, [at for at in WEDNESDAYS[:4] for _ in range(5)])
    shown = by_code(emerging(client, **WEEKS))["2.1"]
    assert (shown["class"], shown["hot_slices"]) == ("none", 4)


def test_the_collection_says_where_its_slices_begin(client: Client) -> None:
    forty()
    answer = emerging(client, **WEEKS)
    assert answer["slice_starts"] == [
        "2026-01-25T17:00:00Z",
        "2026-02-01T17:00:00Z",
        "2026-02-08T17:00:00Z",
        "2026-02-15T17:00:00Z",
        "2026-02-22T17:00:00Z",
    ]
    assert (answer["slice"], answer["slices"]) == ("week", 5)
    assert (answer["start"], answer["end"]) == ("2026-01-25T17:00:00Z", "2026-03-01T17:00:00Z")


def test_without_a_period_the_last_twelve_weeks_that_are_over(client: Client) -> None:
    make_city()
    answer = emerging(client)
    start, end = (datetime.fromisoformat(answer[name]) for name in ("start", "end"))
    assert (answer["slices"], end - start) == (12, timedelta(weeks=12))
    assert timedelta(0) <= datetime.now(UTC) - end < timedelta(weeks=1)
    assert end.astimezone(ZoneInfo("Asia/Jakarta")).strftime("%a %H:%M") == "Mon 00:00"


def test_the_day_of_23_hours_counts_its_own_reports(client: Client) -> None:
    """In Amsterdam 29 March 2026 ends at 22:00Z, an hour sooner after its start than other days."""
    city = make_city("mokum", west=4.8, south=52.3, timezone="Europe/Amsterdam", metric_srid=32631)
    for moment, reports in (("28T22:59:59", 1), ("28T23:00:00", 2), ("29T21:59:59", 4), ("29T22:00:00", 8)):
        tell(city, "mokum.1.1", [datetime.fromisoformat(f"2026-03-{moment}+00:00")] * reports)
    shown = by_code(emerging(client, slice="day", slices="5", end="2026-03-30"))["1.1"]
    assert shown["values"] == ["0", "0", "1", "6", "8"]


def test_the_day_of_25_hours_counts_its_own_reports(client: Client) -> None:
    city = make_city("mokum", west=4.8, south=52.3, timezone="Europe/Amsterdam", metric_srid=32631)
    for moment, reports in (("25T21:59:59", 1), ("25T22:00:00", 2), ("26T22:59:59", 4), ("26T23:00:00", 8)):
        tell(city, "mokum.1.1", [datetime.fromisoformat(f"2025-10-{moment}+00:00")] * reports)
    shown = by_code(emerging(client, slice="day", slices="5", end="2025-10-27"))["1.1"]
    assert shown["values"] == ["0", "0", "1", "6", "8"]


def test_a_period_with_too_few_whole_slices_shows_every_area_and_says_so(client: Client) -> None:
    tell(make_city(districts=4), "kota-uji.1.1", 3)
    for params, slices, values in (
        ({"datetime": "2026-02-01/2026-02-20"}, 2, ["0", "3"]),
        ({"start": "2026-02-10", "end": "2026-02-10"}, 0, []),
    ):
        answer = emerging(client, **params)
        shown = by_code(answer)["1.1"]
        assert (answer["slices"], answer["reason"], len(answer["features"])) == (slices, "too_few_slices", 8)
        assert (shown["class"], shown["reason"], shown["reports"]) == (None, "too_few_slices", 3)
        assert shown["values"] == values


def test_all_zeros_and_too_few_areas_have_no_class_and_the_reason(client: Client) -> None:
    make_city(districts=4)
    for level, reason in (("kelurahan", "constant_values"), ("kecamatan", "too_few_areas")):
        answer = emerging(client, level=level, slices="5", end="2026-03-01")
        rows = by_code(answer).values()
        assert {(row["class"], row["trend_z"], row["reason"]) for row in rows} == {(None, None, reason)}
        assert answer["reason"] == reason


def test_an_area_without_population_has_no_values(client: Client) -> None:
    city = forty()
    for area in Area.objects.filter(level__code="kelurahan").exclude(code="kota-uji.2.1"):
        PopulationFigure.objects.create(area=area, year=2024, population=5000, source="BPS")
    tell(city, "kota-uji.2.1", [WEDNESDAYS[0]])
    found = by_code(emerging(client, **WEEKS, measure="per_10000"))
    shown = found["2.1"]
    assert (shown["class"], shown["value"], shown["values"], shown["reason"]) == (None, None, None, "no_population")
    assert (shown["reports"], found["20.2"]["values"]) == (1, ["2", "2", "2", "2", "2"])


def test_hexagons_emerge_as_well(client: Client) -> None:
    city = lattice_city(6_000, 6_000)
    tell(city, "kisi", WEDNESDAYS, points=[at_m(dx, dy) for dx in (-1500, 0, 1500) for dy in (-800, 0, 800)])
    answer = emerging(client, slices="5", end="2026-03-01", cell_m="1000")
    assert by_code(answer)["450.5376"]["class"] == "persistent_hot"
    assert answer["cell_m"] == 1000


def test_the_same_seed_gives_the_same_classes(client: Client) -> None:
    city = forty()
    for n, area in enumerate(first_eight()):
        tell(city, area, WEDNESDAYS[n % 3 :])
    first = emerging(client, **WEEKS, permutations="199")
    ResultSet.objects.all().delete()
    assert emerging(client, **WEEKS, permutations="199")["features"] == first["features"]


@pytest.mark.parametrize(
    ("change", "parameter", "words"),
    [
        ({"slices": "4"}, "slices", "from 5 to 60"),
        ({"slices": "61"}, "slices", "from 5 to 60"),
        ({"slices": "6", "start": "2026-01-01"}, "slices", "not both"),
        ({"slice": "hour"}, "slice", "one of"),
        ({"slice": "day", "start": "2020-01-01", "end": "2026-01-01"}, "start", "at most 60 slices"),
        ({"slice": "day", "start": "1000-01-01"}, "start", "at most 60 slices"),
        ({"start": "2026-02-02", "end": "2026-02-01"}, "end", "ends before"),
        ({"level": "kota", "cell_m": "500"}, "cell_m", "not both"),
    ],
)
def test_a_bad_parameter_is_named_with_its_bound(
    client: Client, change: dict[str, str], parameter: str, words: str
) -> None:
    make_city()
    response = client.get("/layers/emerging.geojson", change)
    assert (response.status_code, response.json()["parameter"]) == (400, parameter)
    assert words in response.json()["detail"]


def test_a_map_takes_three_queries_however_many_slices(django_assert_num_queries: Any) -> None:
    city = forty()
    edges = slice_edges(city.zone, "day", end=datetime(2026, 3, 1, tzinfo=UTC), most=60)
    with django_assert_num_queries(3):
        find_emerging(Question(city.pk, "kelurahan", None, permutations=99), edges)


def test_hot_classes_are_warm_and_cold_ones_cold(client: Client) -> None:
    make_city()
    fill = client.get("/tiles/emerging/style.json").json()["layers"][1]["paint"]["fill-color"]
    colours = dict(zip(fill[2:-1:2], fill[3:-1:2], strict=True))
    assert len(colours) == 17
    for name, colour in colours.items():
        red, blue = int(colour[1:3], 16), int(colour[5:7], 16)
        assert (red > blue, blue > red) == (name.endswith("_hot"), name.endswith("_cold")), name
