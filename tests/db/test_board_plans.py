"""What the database reads for a page of the list, of reports that are scattered over areas, agencies, statuses and times."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from geo.models import Agency, CityRole, Report
from tests.factories import make_agency, make_channel, make_city, make_report

pytestmark = pytest.mark.django_db

ROWS, PAGE = 10_000, 10
AT_MOST = 20

# By remainders without a common divisor, so that no two columns go together; one report in 25 is open, one in 125 waits.
SCATTER = """
INSERT INTO geo_report (public_id, city_id, channel_id, kind, category_id, description, public_description, location_flag,
    public_area_id, area_id, agency_id, reported_at, received_at, updated_at, due_at, closed_at, status, is_public,
    support_count, address, attributes)
SELECT 's' || i, r.city_id, r.channel_id, 'laporan', r.category_id, '', '', 'area', areas.ids[1 + i %% 4], areas.ids[1 + i %% 4],
    agencies.ids[1 + i %% 7], told, told, told, told + interval '7 days', CASE WHEN i %% 25 > 0 THEN told END,
    CASE WHEN i %% 25 > 0 THEN 'resolved' ELSE (ARRAY['submitted', 'waiting', 'assigned', 'in_progress', 'reopened'])
        [1 + i / 25 %% 5] END,
    true, 0, '', '{}'
FROM geo_report r, generate_series(1, %(rows)s) i,
    (SELECT array_agg(id ORDER BY code) AS ids FROM geo_area a
     WHERE NOT EXISTS (SELECT FROM geo_area b WHERE b.parent_id = a.id)) areas,
    (SELECT array_agg(id ORDER BY id) AS ids FROM geo_agency) agencies,
    LATERAL (SELECT %(now)s - interval '1 hour' * (i * 7919 %% %(rows)s)) t(told)
WHERE r.id = %(report_id)s
"""


@pytest.fixture
def scattered() -> None:
    city = make_city()
    for i in range(7):
        make_agency(city, f"dinas-{i}")
    first = make_report()
    with connection.cursor() as cursor:
        cursor.execute(SCATTER, {"rows": ROWS, "now": timezone.now(), "report_id": first.pk})
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        # As scatter_reports does: what earlier tests rolled back makes an index look dear.
        cursor.execute("REINDEX TABLE geo_report; ANALYZE geo_report")


def rows_read(queries: list[dict[str, Any]], tables: tuple[str, ...] = ("geo_report",)) -> int:
    """What the statements read of these tables and of their indexes: what they passed on, and what they threw away."""
    return sum(
        _read(node) for query in queries if "geo_report" in query["sql"] for node in _nodes(_plan(query["sql"]), tables)
    )


def _plan(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}")
        (found,) = cursor.fetchone()
    return (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]


def _nodes(node: Any, tables: tuple[str, ...]) -> Iterator[Any]:
    if node.get("Relation Name") in tables or node["Node Type"] == "Bitmap Index Scan":
        yield node
    for inner in node.get("Plans", []):
        yield from _nodes(inner, tables)


def _read(node: Any) -> int:
    thrown_away = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int(node["Actual Loops"] * (node["Actual Rows"] + thrown_away))


def page(client: Client, url: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(url)
    assert answer.status_code == 200, answer.content
    return answer.json(), [
        query for query in captured.captured_queries if query["sql"].startswith(("SELECT", "(SELECT", "-- "))
    ]


def day(days_ago: int) -> str:
    return (timezone.now() - timedelta(days=days_ago)).date().isoformat()


FILTERS = [
    "",
    "city=kota-uji",
    "area=kota-uji",
    "area=kota-uji.1",
    "area=kota-uji.1.2",
    "area=kota-uji.1.2&status=waiting",
    "area=kota-uji.2&status=waiting,assigned",
    "area=kota-uji.2&start={recent}",
    "status=resolved",
    "status=waiting",
    "status=waiting,resolved",
    "status=waiting&end={old}",
    "start={recent}",
    "start={older}&end={old}",
    "agency=dinas-3",
    "agency=dinas-3&status=waiting",
    "agency=dinas-3,dinas-4&status=waiting,submitted&start={older}",
    "agency=none",
    "channel=web",
    "category=sampah",
    "late=true",
    "late=true&agency=dinas-2",
]


@pytest.mark.usefixtures("scattered")
def test_a_page_reads_at_most_twenty_times_its_rows_and_asks_as_many_queries_when_it_lies_deep(client: Client) -> None:
    client.force_login(User.objects.create(username="admin", is_staff=True, is_superuser=True))
    faults = []
    for template in FILTERS:
        query = template.format(recent=day(30), old=day(100), older=day(130))
        first, statements = page(client, f"/api/reports/?limit={PAGE}&{query}")
        rows = max(len(first["results"]), 1)
        read = [rows_read(statements)]
        counts = [len(statements)]
        url = first["next"]
        for _depth in range(3):
            if url is None:
                break
            deep, statements = page(client, url)
            read.append(rows_read(statements))
            counts.append(len(statements))
            url = deep["next"]
        if not rows <= max(read) <= AT_MOST * rows or len(set(counts)) > 1:
            faults.append((query, rows, read, counts))
    assert not faults


@pytest.mark.usefixtures("scattered")
def test_pages_of_merged_streams_join_without_a_gap(client: Client) -> None:
    """As the same filter finds them at once, by the ORM; many of them at the same time."""
    Report.objects.filter(status="waiting").update(reported_at=timezone.now().replace(microsecond=0))
    found = Report.objects.filter(status__in=["waiting", "assigned"], public_area__parent__code="kota-uji.1")
    expected = list(found.order_by("-reported_at", "-id").values_list("public_id", flat=True))
    assert len(expected) == 80
    seen, url = [], "/api/reports/?area=kota-uji.1&status=waiting,assigned&limit=40"
    while url:
        answer = client.get(url).json()
        seen += [row["id"] for row in answer["results"]]
        url = answer["next"]
    assert seen == expected


@pytest.mark.usefixtures("scattered")
def test_what_is_late_comes_longest_late_first(client: Client) -> None:
    client.force_login(User.objects.create(username="admin", is_staff=True, is_superuser=True))
    agency = Agency.objects.get(slug="dinas-2")
    late = Report.objects.filter(due_at__lt=timezone.now(), closed_at=None, agency=agency).exclude(status="resolved")
    expected = list(late.order_by("due_at", "id").values_list("public_id", flat=True)[:30])
    assert len(expected) == 30
    answer = client.get("/api/reports/?late=true&agency=dinas-2&limit=30").json()
    assert [row["id"] for row in answer["results"]] == expected


def test_what_has_no_report_is_an_empty_page_and_what_has_no_agency_can_be_asked_for(client: Client) -> None:
    make_channel("sepi")
    make_agency(make_city(), "dlh")
    nobodys = make_report().public_id
    for query in ("channel=sepi", "agency=dlh", "agency=dlh&status=waiting"):
        assert client.get(f"/api/reports/?{query}").json() == {"next": None, "results": []}, query
    assert [row["id"] for row in client.get("/api/reports/?agency=none").json()["results"]] == [nobodys]


def test_late_is_for_staff_and_of_what_they_oversee(client: Client) -> None:
    city = make_city()
    mine, other = make_agency(city, "dlh"), make_agency(city, "damkar")
    overdue = timezone.now() - timedelta(hours=1)
    first, second = make_report(), make_report()
    Report.objects.filter(pk=first.pk).update(agency=mine, due_at=overdue)
    Report.objects.filter(pk=second.pk).update(agency=other, due_at=overdue)
    assert client.get("/api/reports/?late=true").status_code == 403
    officer = User.objects.create(username="petugas", is_staff=True)
    CityRole.objects.create(user=officer, city=city, role="officer", agency=mine)
    client.force_login(officer)
    assert [row["id"] for row in client.get("/api/reports/?late=true").json()["results"]] == [first.public_id]
    Report.objects.filter(pk=first.pk).update(status="resolved", closed_at=timezone.now())
    assert client.get("/api/reports/?late=true").json()["results"] == []


def test_a_page_token_of_the_other_order_is_refused(client: Client) -> None:
    client.force_login(User.objects.create(username="admin", is_staff=True, is_superuser=True))
    make_city()
    for _i in range(2):
        make_report()
    newest = client.get("/api/reports/?limit=1").json()["next"]
    answer = client.get(newest + "&late=true")
    assert (answer.status_code, answer.json()["parameter"]) == (400, "next")


# Steps of every report: one in ten was handed on once, one in forty twice; a closing of all that are closed.
STEPS = """
INSERT INTO geo_historyentry (report_id, at, action, old, new)
SELECT r.id, r.reported_at + interval '1 minute' * step, CASE step WHEN 0 THEN 'submitted' ELSE 'status' END,
    jsonb_build_object('status', 'assigned', 'agency', CASE step WHEN 0 THEN '' WHEN 2 THEN 'dinas-2' ELSE 'dinas-1' END),
    jsonb_build_object('status', 'coordination', 'agency', CASE WHEN step = 1 AND r.id % 10 = 0 THEN 'dinas-2' ELSE 'dinas-1' END)
FROM geo_report r, generate_series(0, 3) step
WHERE step <> 2 OR r.id % 40 = 0;
UPDATE geo_report SET handover_count = CASE id % 40 WHEN 0 THEN 2 ELSE 1 END WHERE id % 10 = 0;
INSERT INTO geo_closing (report_id, agency_id, closed_at)
SELECT id, agency_id, closed_at FROM geo_report WHERE status = 'resolved';
REINDEX TABLE geo_report; ANALYZE geo_report, geo_historyentry, geo_closing
"""


@pytest.mark.usefixtures("scattered")
@pytest.mark.parametrize("name", ["ping-pong", "closings"])
def test_pairs_and_closings_of_a_month_read_at_most_twenty_times_what_they_count(client: Client, name: str) -> None:
    """Handovers and closings of the month: not the reports of all years, of which some were handed on."""
    client.force_login(User.objects.create(username="admin", is_staff=True, is_superuser=True))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED;" + STEPS)
    answer, statements = page(client, f"/api/board/{name}/?start={day(29)}")
    rows = answer["pairs"] if name == "ping-pong" else answer["agencies"]
    counted = sum(row["handovers" if name == "ping-pong" else "resolved"] for row in rows)
    assert 30 <= counted <= 800  # 30 days of 417 have 720 reports
    read = rows_read(statements, ("geo_report", "geo_historyentry", "geo_closing"))
    assert counted <= read <= AT_MOST * counted, (counted, read)
