"""`/api/reports/export.csv`: what stands in the table, for whom, and that it is never held whole."""

import csv
import io
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.gis.geos import Point
from django.db import connection
from django.test import Client
from django.utils import timezone

from geo.api.operations.export import harmless
from geo.areas.models import City
from geo.models import CityRole, Report
from tests.factories import NOW, make_agency, make_category, make_channel, make_report

pytestmark = pytest.mark.django_db

URL = "/api/reports/export.csv"
PUBLIC = [
    *("id", "city", "channel", "kind", "category", "category_name", "description", "lon", "lat", "area", "area_name"),
    *("agency", "status", "status_name", "reported_at", "received_at", "updated_at", "closed_at", "support_count"),
]
OF_STAFF = ["is_public", "due_at", "late", "response_due_at", "responded_at", "handovers", "reopenings"]


def body(response: Any) -> bytes:
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)


def table(client: Client, query: str = "") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body(client.get(URL + query)).decode(), newline="")))


@pytest.fixture
def officer(client: Client, city: City) -> Client:
    """Of dlh: sees whole what dlh has."""
    user = User.objects.create(username="petugas", is_staff=True)
    CityRole.objects.create(user=user, city=city, role="officer", agency=make_agency(city, "dlh"))
    client.force_login(user)
    return client


def test_the_public_gets_the_public_columns_of_the_public_reports(client: Client, city: City) -> None:
    make_agency(city, "dlh", make_category("sampah", name_id="Sampah", name_en="Rubbish"))
    report = make_report(
        description='Bau, sejak "kemarin",\nhub 0812-3456-7890',
        channel=make_channel("qlue"),
        location=Point(106.93, -6.25, srid=4326),
        reported_at=datetime(2026, 2, 28, 17, 30, 0, 999999, tzinfo=UTC),
    )
    make_report(is_public=False)
    response = client.get(URL)
    assert response["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert response["Content-Disposition"] == 'attachment; filename="pantau-reports.csv"'
    lines = list(csv.reader(io.StringIO(body(response).decode(), newline="")))
    assert lines[0] == PUBLIC
    assert len(lines) == 2
    row = dict(zip(*lines, strict=True))
    assert row == {
        "id": report.public_id,
        "city": "kota-uji",
        "channel": "qlue",
        "kind": "laporan",
        "category": "sampah",
        "category_name": "Sampah",
        "description": 'Bau, sejak "kemarin", hub [telepon]',
        "lon": "106.9300000",
        "lat": "-6.2500000",
        "area": "kota-uji.1.1",
        "area_name": "Kota-Uji 1 1",
        "agency": "dlh",
        "status": "submitted",
        "status_name": "Menunggu",
        "reported_at": "2026-03-01T00:30:00+07:00",
        "received_at": "2026-03-01T12:00:00+07:00",
        "updated_at": "2026-03-01T12:00:00+07:00",
        "closed_at": "",
        "support_count": "0",
    }


def test_names_are_in_the_language_that_is_asked_for(client: Client, city: City) -> None:
    make_report(category=make_category("sampah", name_id="Sampah", name_en="Rubbish"))
    (row,) = table(client, "?lang=en")
    assert (row["category_name"], row["status_name"]) == ("Rubbish", "Submitted")


def test_a_report_of_a_sensitive_category_has_its_public_place(client: Client, city: City) -> None:
    make_report(
        category=make_category("kekerasan", public_grid_m=500), location=Point(106.9484321, -6.2532145, srid=4326)
    )
    (row,) = table(client)
    assert (row["lon"], row["lat"]) != ("106.9484321", "-6.2532145")
    assert row["lon"] != ""


def test_staff_see_when_the_reports_that_they_oversee_were_due_and_of_others_nothing_more(
    officer: Client, city: City
) -> None:
    now = timezone.now().replace(microsecond=0)
    hour = timedelta(hours=1)

    def stands(**fields: Any) -> str:
        report = make_report(now=now - 100 * hour)
        Report.objects.filter(pk=report.pk).update(**fields)
        return report.public_id

    dlh = make_agency(city, "dlh")
    mine = {"agency": dlh, "is_public": False}
    open_late = stands(**mine, due_at=now - hour, handover_count=2, reopened_count=1, responded_at=now - 50 * hour)
    in_time = stands(**mine, due_at=now - hour, status="resolved", closed_at=now - 2 * hour)
    closed_late = stands(**mine, due_at=now - 2 * hour, status="resolved", closed_at=now - hour)
    to_come = stands(**mine, due_at=now + 9 * hour)
    no_target = stands(**mine)
    foreign = stands(agency=make_agency(city, "damkar"), due_at=now - hour, handover_count=5)
    stands(agency=make_agency(city, "damkar"), is_public=False)
    rows = {row["id"]: row for row in table(officer)}
    assert set(rows) == {open_late, in_time, closed_late, to_come, no_target, foreign}
    assert list(rows[foreign]) == PUBLIC + OF_STAFF
    assert [rows[foreign][name] for name in OF_STAFF] == [""] * 7
    assert {key: rows[key]["late"] for key in (open_late, in_time, closed_late, to_come, no_target)} == {
        open_late: "true",
        in_time: "false",
        closed_late: "true",
        to_come: "false",
        no_target: "false",
    }
    row = rows[open_late]
    assert (row["is_public"], row["handovers"], row["reopenings"]) == ("false", "2", "1")
    assert datetime.fromisoformat(row["due_at"]) == now - hour
    assert datetime.fromisoformat(row["responded_at"]) == now - 50 * hour


def test_a_superuser_oversees_all(client: Client, city: City) -> None:
    client.force_login(User.objects.create(username="admin", is_staff=True, is_superuser=True))
    make_report(is_public=False)
    (row,) = table(client)
    assert row["is_public"] == "false"


def test_the_filters_are_those_of_the_list(client: Client, city: City) -> None:
    one = make_report(
        category=make_category("banjir"), area_code="kota-uji.2", kind="aspirasi", status="resolved", closed_at=NOW
    )
    make_report()
    for query in ("?category=banjir", "?area=kota-uji.2", "?status=resolved", "?area=kota-uji&status=resolved"):
        assert [row["id"] for row in table(client, query)] == [one.public_id], query


def test_rows_come_as_in_the_list_newest_first(client: Client, city: City) -> None:
    old, new = (make_report(reported_at=NOW - timedelta(days=days)).public_id for days in (2, 1))
    oldest = make_report(reported_at=NOW - timedelta(days=3)).public_id
    assert [row["id"] for row in table(client)] == [new, old, oldest]


def test_an_empty_table_has_its_header(client: Client, city: City) -> None:
    assert body(client.get(URL)).decode() == ",".join(PUBLIC) + "\r\n"


@pytest.mark.parametrize(("query", "starts"), [("", b"id,"), ("?bom=false", b"id,"), ("?bom=true", b"\xef\xbb\xbfid,")])
def test_a_byte_order_mark_comes_first_where_one_is_asked_for(
    client: Client, city: City, query: str, starts: bytes
) -> None:
    assert body(client.get(URL + query)).startswith(starts)


@pytest.mark.parametrize(
    ("query", "status", "named"),
    [("?bom=yes", 400, "bom"), ("?area=99", 400, "area"), ("?limit=10", 400, "limit"), ("?late=true", 403, None)],
)
def test_a_refusal_comes_before_the_table(client: Client, city: City, query: str, status: int, named: str) -> None:
    answer = client.get(URL + query, headers={"accept": "text/csv"})
    assert (answer.status_code, answer.json().get("parameter")) == (status, named)
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("+62 812", "'+62 812"),
        ("-6.25", "'-6.25"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", " '=1"),
        ("\r=1", " '=1"),
        ("  =1", "  '=1"),
        ("halo\n=1+1;=2+2", "halo =1+1;'=2+2"),
        ("a;b; -2;@x", "a;b; '-2;'@x"),
        ('halo;"=2+2"', 'halo;\'"=2+2"'),
        ("satu\r\ndua\ttiga", "satu dua tiga"),
        ("a; b", "a; b"),
        ("'=1", "''=1"),
        ("'kutipan", "'kutipan"),
        ("a=1", "a=1"),
        ("", ""),
    ],
)
def test_what_a_spreadsheet_takes_for_a_formula_has_an_apostrophe_before_it(text: str, written: str) -> None:
    assert harmless(text) == written


def test_no_cell_of_a_spreadsheet_that_splits_at_semicolons_and_newlines_is_a_formula(
    client: Client, city: City
) -> None:
    make_report(description="halo\n=1+1;=2+2")
    written = body(client.get(URL)).decode()
    assert written.count("\r\n") == len(written.splitlines()) == 2
    assert "halo =1+1;'=2+2" in written
    assert [cell[:2] for cell in written.splitlines()[1].split(";")[1:]] == ["'="]


def test_texts_of_the_table_are_made_harmless_and_numbers_are_left_alone(client: Client, city: City) -> None:
    make_report(description="=1+1", category=make_category("sampah", name_id="-Sampah", name_en="-"))
    (row,) = table(client)
    assert (row["description"], row["category_name"], row["lat"]) == ("'=1+1", "'-Sampah", "-6.2500000")


def copies(n: int) -> None:
    """So many reports more, as the first one is."""
    columns = [field.column for field in Report._meta.concrete_fields if field.column not in ("id", "public_id")]
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO geo_report (public_id, {names}) SELECT 'c' || i, {names}"
            " FROM (SELECT * FROM geo_report ORDER BY id LIMIT 1) r, generate_series(1, %s) i",
            [n],
        )


def test_rows_are_fetched_from_a_cursor_of_the_server_by_the_thousand(client: Client, city: City) -> None:
    make_report()
    copies(4_000)
    pieces = iter(client.get(URL).streaming_content)
    first = next(pieces)
    assert first.count(b"\r\n") == 101  # the header and a hundred reports: the first bytes leave soon
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE statement LIKE '%geo_report%'")
        assert cursor.fetchone() == (1,)
    assert [piece.count(b"\r\n") for piece in pieces] == [1000, 1000, 1000, 901]


def test_five_times_the_rows_take_no_more_memory(client: Client, city: City) -> None:
    make_report(description="Sampah menumpuk di depan pasar sejak hari Senin, mohon segera diangkut. " * 5)

    def peak() -> int:
        pieces = iter(client.get(URL).streaming_content)
        next(pieces)
        tracemalloc.start()
        for _piece in pieces:
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    copies(4_000)
    few = peak()
    Report.objects.filter(public_id__startswith="c").delete()
    copies(20_000)
    assert peak() < 1.2 * few
