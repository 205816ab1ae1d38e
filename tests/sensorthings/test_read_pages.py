"""Pages: `$top`, `$skip`, `@iot.nextLink`, and what they cost."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sensors.models import Datastream, Thing
from sensors.observations.columns import Columns
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import write_observations
from tests.sensor_factories import make_datastream

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, tzinfo=UTC)


def fill(*streams: Datastream, n: int) -> None:
    """Each has `n` observations, a minute apart; those of all fall on the same times."""
    ensure_partitions([date(2026, 3, 1)])
    columns = Columns()
    for stream in streams:
        for minute in range(n):
            columns.append(stream.pk, START + timedelta(minutes=minute), float(minute), START, 0, 0)
    write_observations(columns)


def walk(client: Any, url: str) -> list[list[dict[str, Any]]]:
    pages = []
    while url:
        page = client.get(url).json()
        pages.append(page["value"])
        url = page.get("@iot.nextLink", "")
        assert len(pages) < 100
    return pages


def test_pages_join_without_a_gap_and_the_last_has_no_link(client: Any) -> None:
    Thing.objects.bulk_create([Thing(slug=f"t-{n}", name=f"T{n % 3}") for n in range(7)])
    ids = [each.pk for each in Thing.objects.order_by("id")]
    pages = walk(client, "/sta/v1.1/Things?$top=3&$select=id")
    assert [[each["@iot.id"] for each in page] for page in pages] == [ids[:3], ids[3:6], ids[6:]]
    # Where names are equal, ids decide: the order is the same on each page.
    by_name = [each["@iot.id"] for page in walk(client, "/sta/v1.1/Things?$top=2&$orderby=name") for each in page]
    assert by_name == [ids[n] for n in (0, 3, 6, 1, 4, 2, 5)]
    assert [len(page) for page in walk(client, "/sta/v1.1/Things?$top=7")] == [7]


def test_skip_comes_before_top_and_count_ignores_both(client: Any) -> None:
    Thing.objects.bulk_create([Thing(slug=f"t-{n}", name=f"T{n}") for n in range(5)])
    page = client.get("/sta/v1.1/Things?$top=2&$skip=1&$count=true&$select=name&$filter=name ne 'T0'").json()
    assert (page["@iot.count"], page["value"]) == (4, [{"name": "T2"}, {"name": "T3"}])
    assert client.get("/sta/v1.1/Things?$top=0&$count=true").json() == {"@iot.count": 5, "value": []}
    assert client.get("/sta/v1.1/Things?$skip=99").json() == {"value": []}


@pytest.mark.parametrize("order", ["", "&$orderby=phenomenonTime", "&$orderby=phenomenonTime desc", "&$orderby=id desc",
                                   "&$orderby=result desc", "&$orderby=resultTime desc,id desc"])  # fmt: skip
def test_pages_of_observations_join_in_every_order(client: Any, order: str) -> None:
    one, two = make_datastream("a"), make_datastream("b")
    fill(one, two, n=5)
    whole = client.get(f"/sta/v1.1/Observations?$top=100{order}").json()["value"]
    assert len({each["@iot.id"] for each in whole}) == 10
    pages = walk(client, f"/sta/v1.1/Observations?$top=3{order}")
    assert [each for page in pages for each in page] == whole
    skipped = client.get(f"/sta/v1.1/Observations?$top=4&$skip=5{order}").json()["value"]
    assert skipped == whole[5:9]
    of_one = walk(client, f"/sta/v1.1/Datastreams({one.pk})/Observations?$top=2{order}")
    assert [len(page) for page in of_one] == [2, 2, 1]


def test_page_of_observations_begins_at_a_key_not_at_a_number(client: Any) -> None:
    stream = make_datastream("a")
    fill(stream, n=5)
    page = client.get(f"/sta/v1.1/Datastreams({stream.pk})/Observations?$top=2&$orderby=phenomenonTime desc").json()
    last = page["value"][-1]["@iot.id"]
    assert page["@iot.nextLink"] == (
        f"http://testserver/sta/v1.1/Datastreams({stream.pk})/Observations"
        f"?$top=2&$skiptoken={last}&$orderby=phenomenonTime%20desc"
    )
    # What comes in meanwhile shifts nothing.
    columns = Columns()
    columns.append(stream.pk, START + timedelta(hours=1), 99.0, START, 0, 0)
    write_observations(columns)
    assert [each["result"] for each in client.get(page["@iot.nextLink"]).json()["value"]] == [2.0, 1.0]


@pytest.mark.parametrize("query", ["$skiptoken=x", "$skiptoken=1-1&$orderby=result", "$skiptoken=1-999999999999999999"])
def test_a_token_of_another_list_is_refused(client: Any, query: str) -> None:
    assert client.get(f"/sta/v1.1/Observations?{query}").json()["parameter"] == "$skiptoken"
    assert client.get("/sta/v1.1/Things?$skiptoken=1").json()["parameter"] == "$skiptoken"


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("Things?$expand=Datastreams($expand=Observations($top=1;$orderby=phenomenonTime desc),Sensor,ObservedProperty),Locations", 1),
        ("Observations?$expand=FeatureOfInterest,Datastream/Thing", 1),
        ("Observations?$count=true&$filter=Datastream/ObservedProperty/properties/code eq 'pm25'", 2),
        ("Datastreams?$orderby=Thing/name", 1),
        ("Things({thing})/Datastreams({stream})/Observations", 1),
        ("Observations?$resultFormat=dataArray", 1),
        ("Things?$top=0&$count=true", 1),
        ("Things({thing})/Datastreams?$filter=name eq 'none'", 2),
    ],
)  # fmt: skip
def test_statements_do_not_grow_with_what_is_shown(client: Any, path: str, most: int) -> None:
    for number in range(5):
        stream = make_datastream(f"t-{number}")
        fill(stream, n=3)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(f"/sta/v1.1/{path.format(thing=stream.thing_id, stream=stream.pk)}").status_code == 200
    assert len(captured) == most


def reads(client: Any, path: str, *ruled_out: str) -> int:
    """How many observations a request's statement looks at, by its plan."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(f"/sta/v1.1/{path}").status_code == 200
    # psycopg2's record of a statement has its values in it. Of so few rows a scan is cheapest, unless it is ruled out.
    with connection.cursor() as cursor:
        for method in ("seqscan", "bitmapscan", *ruled_out):
            cursor.execute(f"SET LOCAL enable_{method} = off")
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + captured[0]["sql"].replace("%", "%%"))
        plan = cursor.fetchone()[0]
    waiting, seen = [(plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]], 0
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        if node.get("Relation Name", "").startswith("sensors_observation_2"):
            assert "datastream_id = " in node["Index Cond"]
            rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            seen += round(rows * node["Actual Loops"])
    return seen


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        # One more than is shown, to know whether there are more.
        ("Datastreams({stream})/Observations?$top=3", 4),
        ("Datastreams({stream})/Observations?$orderby=phenomenonTime desc&$top=1", 2),
        ("Datastreams({stream})/Observations?$top=3&$skiptoken={stream}-1772323260000000", 4),
        ("Datastreams({stream})/Observations?$filter=phenomenonTime ge 2026-03-01T00:48:00Z", 2),
        ("Datastreams({stream})/Observations?$filter=date(phenomenonTime) ge 2026-03-01&$top=3", 4),
        # Of each of the three datastreams.
        ("Datastreams?$select=name&$expand=Observations($top=1;$orderby=phenomenonTime desc)", 6),
        ("Datastreams?$select=phenomenonTime", 6),
        ("Datastreams?$select=name,observedArea", 0),
        ("Observations?$orderby=phenomenonTime desc&$top=3", 12),
        ("Observations?$orderby=phenomenonTime desc&$top=3&$skiptoken={stream}-1772326140000000", 12),
        ("Observations?$filter=Datastream/Thing/name eq 'a'&$orderby=phenomenonTime&$top=3", 4),
        ("Observations?$filter=Datastream/id eq {stream}&$top=3", 4),
        ("Observations('{stream}-1772323260000000')", 1),
    ],
)
def test_no_more_observations_are_read_than_are_needed(client: Any, path: str, expected: int) -> None:
    stream = make_datastream("a")
    fill(stream, make_datastream("b"), make_datastream("c"), n=50)
    assert reads(client, path.format(stream=stream.pk)) == expected


@pytest.mark.parametrize("order", ["", "&$orderby=id desc"])
def test_a_list_of_all_observations_is_read_datastream_by_datastream(client: Any, order: str) -> None:
    fill(*(make_datastream(name) for name in "abc"), n=50)
    # 41 of the first one, and one of the next, by which its end is seen. So few are sorted as quickly, unless that is ruled out.
    assert reads(client, f"Observations?$top=40{order}", "sort") == 42
