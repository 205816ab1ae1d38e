"""`/api/things/`, `/api/datastreams/` and their observations."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from sensors.models import HourlyRollup, ThingLocation
from sensors.observations.columns import Columns
from sensors.observations.partitions import ensure_partitions
from sensors.observations.rollups import refresh_all_rollups
from sensors.observations.writer import write_observations
from tests.factories import make_datastream, make_thing

pytestmark = pytest.mark.django_db


@pytest.fixture
def stream() -> Any:
    ensure_partitions([date(2026, 2, 1), date(2026, 3, 1)])
    return make_datastream(make_thing(), unit_name="microgram per cubic metre")


def observe(
    stream: Any, start: datetime, values: list[float], step: timedelta = timedelta(minutes=10), quality: int = 0
) -> None:
    columns = Columns()
    for number, value in enumerate(values):
        columns.append(stream.pk, start + number * step, value, start, quality, 0)
    write_observations(columns)
    refresh_all_rollups()


def get(client: Any, stream: Any, query: str = "") -> Any:
    return client.get(f"/api/datastreams/{stream.pk}/observations/{query}").json()


def test_raw_observations_come_in_order_of_time_with_their_unit(client: Any, stream: Any) -> None:
    observe(stream, datetime(2026, 3, 1, tzinfo=UTC), [1.5, 2.0])
    observe(stream, datetime(2026, 3, 1, 1, tzinfo=UTC), [-999.0], quality=1)
    answer = get(client, stream)
    assert answer["unit_of_measurement"] == {"name": "microgram per cubic metre", "symbol": "ug/m3"}
    assert answer["results"] == [
        {"phenomenon_time": "2026-03-01T00:00:00Z", "result": 1.5, "quality": "good", "time_source": "device"},
        {"phenomenon_time": "2026-03-01T00:10:00Z", "result": 2.0, "quality": "good", "time_source": "device"},
        {
            "phenomenon_time": "2026-03-01T01:00:00Z",
            "result": -999.0,
            "quality": "implausible",
            "time_source": "device",
        },
    ]


def test_pages_of_observations_join_without_a_gap(client: Any, stream: Any) -> None:
    observe(stream, datetime(2026, 3, 1, tzinfo=UTC), [float(i) for i in range(25)])
    for resolution, expected in (("raw", 25), ("hour", 5), ("day", 1)):
        seen, url = [], f"/api/datastreams/{stream.pk}/observations/?limit=2&resolution={resolution}"
        while url:
            page = client.get(url).json()
            seen += page["results"]
            url = page["next"]
        assert len(seen) == expected
        times = [row.get("phenomenon_time") or row["start"] for row in seen]
        assert times == sorted(set(times))


def test_hours_and_days_sum_up_the_good_observations(client: Any, stream: Any) -> None:
    # 16:50 and 17:00 UTC are 23:50 on 1 March and midnight of the 2nd in Jakarta.
    observe(stream, datetime(2026, 3, 1, 16, 50, tzinfo=UTC), [1.0, 2.0, 6.0])
    hours = get(client, stream, "?resolution=hour")["results"]
    assert hours == [
        {"start": "2026-03-01T23:00:00+07:00", "n": 1, "mean": 1.0, "sum": 1.0, "min": 1.0, "max": 1.0},
        {"start": "2026-03-02T00:00:00+07:00", "n": 2, "mean": 4.0, "sum": 8.0, "min": 2.0, "max": 6.0},
    ]
    days = get(client, stream, "?resolution=day")["results"]
    assert [(day["start"], day["n"]) for day in days] == [
        ("2026-03-01T00:00:00+07:00", 1),
        ("2026-03-02T00:00:00+07:00", 2),
    ]
    assert [day["n"] for day in get(client, stream, "?resolution=day&tz=UTC")["results"]] == [3]
    # In Makassar, an hour ahead of Jakarta, all of it lies on the 2nd.
    assert [(d["start"], d["n"]) for d in get(client, stream, "?resolution=day&tz=Asia/Makassar")["results"]] == [
        ("2026-03-02T00:00:00+08:00", 3)
    ]


def test_period_is_half_open_and_a_date_is_a_day_of_the_time_zone(client: Any, stream: Any) -> None:
    observe(stream, datetime(2026, 2, 28, 16, 0, tzinfo=UTC), [1.0] * 26, step=timedelta(hours=1))
    day = get(client, stream, "?start=2026-03-01&end=2026-03-01")["results"]
    assert (len(day), day[0]["phenomenon_time"], day[-1]["phenomenon_time"]) == (
        24,
        "2026-02-28T17:00:00Z",
        "2026-03-01T16:00:00Z",
    )
    assert len(get(client, stream, "?start=2026-02-28T16:00:00Z&end=2026-02-28T17:00:00Z")["results"]) == 1
    assert [row["n"] for row in get(client, stream, "?resolution=day&start=2026-03-01&end=2026-03-01")["results"]] == [
        24
    ]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("resolution=minute", "resolution"),
        ("start=x", "start"),
        ("start=2026-03-02&end=2026-03-01", "end"),
        ("tz=Mars", "tz"),
        ("tz=../etc/passwd", "tz"),
        ("tz=Asia/Kolkata", "tz"),
        ("limit=0", "limit"),
        ("next=x", "next"),
        ("colour=red", "colour"),
    ],
)
def test_bad_parameter_of_observations_is_named(client: Any, stream: Any, query: str, named: str) -> None:
    answer = client.get(f"/api/datastreams/{stream.pk}/observations/?{query}")
    assert (answer.status_code, answer.json()["parameter"]) == (400, named)


def test_token_of_hours_is_no_position_among_days(client: Any, stream: Any) -> None:
    observe(stream, datetime(2026, 3, 1, tzinfo=UTC), [1.0] * 3, step=timedelta(hours=1))
    url = get(client, stream, "?resolution=hour&limit=1")["next"]
    assert client.get(url.replace("hour", "day")).json()["parameter"] == "next"


def test_nothing_observed_is_an_empty_list_and_no_such_datastream_a_404(client: Any, stream: Any) -> None:
    for resolution in ("raw", "hour", "day"):
        assert get(client, stream, f"?resolution={resolution}")["results"] == []
    for pk in (stream.pk + 1, 2**70):
        assert client.get(f"/api/datastreams/{pk}/observations/").status_code == 404


def test_things_stand_where_they_are_now_and_list_their_datastreams(client: Any, stream: Any) -> None:
    thing = stream.thing
    moved = datetime(2026, 2, 1, tzinfo=UTC)
    old = ThingLocation.objects.get(thing=thing)
    ThingLocation.objects.filter(pk=old.pk).update(valid_to=moved)
    from django.contrib.gis.geos import Point

    ThingLocation.objects.create(thing=thing, location=Point(107.0, -6.2, srid=4326), valid_from=moved)
    answer = client.get(f"/api/things/{thing.slug}/").json()
    assert answer["location"] == {"type": "Point", "coordinates": [107.0, -6.2]}
    assert [row["observed_property"] for row in answer["datastreams"]] == ["pm25"]
    assert client.get("/api/things/").json()["results"][0]["location"] == answer["location"]
    assert client.get("/api/things/nothing/").status_code == 404


def test_registry_lists_ask_a_few_queries_however_long_they_are(
    client: Any, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        make_datastream(make_thing(f"pos-{number}"))
    for url, ceiling in (
        ("things/?limit=5", 2),
        ("datastreams/", 1),
        ("datastreams/?thing=pos-3&property=pm25", 3),
        ("observed-properties/", 1),
        ("things/pos-1/", 3),
    ):
        with django_assert_max_num_queries(ceiling):
            assert client.get(f"/api/{url}").status_code == 200
    assert [row["thing"] for row in client.get("/api/datastreams/?thing=pos-3").json()["results"]] == ["pos-3"]
    for query in ("thing=x", "property=x", "other=1"):
        assert client.get(f"/api/datastreams/?{query}").json()["parameter"] == query.split("=")[0]


def test_rollups_are_what_is_served_by_the_hour(client: Any, stream: Any) -> None:
    HourlyRollup.objects.create(
        datastream=stream, hour=datetime(2026, 3, 1, tzinfo=UTC), n=2, sum=3.0, min=1.0, max=2.0
    )
    assert get(client, stream, "?resolution=hour")["results"][0]["mean"] == 1.5
