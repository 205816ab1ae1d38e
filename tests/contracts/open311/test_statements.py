"""How much the database is asked for: a fixed number of statements, bounded by an index."""

from typing import Any

import pytest
from django.db import connection

from geo.areas.models import City
from geo.models import HistoryNote, ReportPhoto
from geo.open311.finding import find_requests
from geo.open311.requests import parse_requests_query
from tests.contracts.open311.town import at, make_reports, make_town
from tests.factories import NOW, make_city, make_report, scatter_reports

pytestmark = pytest.mark.django_db
WINDOW = "start_date=2021-03-01T00:00:00Z&end_date=2021-03-31T00:00:00Z"


def test_requests_take_the_same_six_statements_however_many_they_are(
    client: Any, django_assert_num_queries: Any
) -> None:
    """City, requests, names of areas, notes, photos, working hours by category."""
    make_town()
    make_reports()
    for _i in range(2):
        with django_assert_num_queries(6):
            found = client.get(f"/open311/v2/requests.json?{WINDOW}").json()
        assert found
        for number in range(20):
            report = make_report(now=at("2021-03-06T00:00:00Z"))
            HistoryNote.objects.create(report=report, text=f"Catatan {number}", is_public=True)
            ReportPhoto.objects.create(report=report, image="x.jpg", width=1, height=1, sha256=str(number))
    assert len(found) == 26


def test_services_take_a_fixed_number_of_statements(client: Any, django_assert_num_queries: Any) -> None:
    """City, categories for their groups, services; of a definition its service and its attributes."""
    make_town()
    with django_assert_num_queries(3):
        assert len(client.get("/open311/v2/services.json").json()) == 4
    with django_assert_num_queries(3):
        assert client.get("/open311/v2/services/genangan.json").json()["attributes"]


def test_the_window_of_time_is_read_from_its_index() -> None:
    city: City = make_city()
    scatter_reports()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE geo_report r SET reported_at = %s::timestamptz - n * interval '1 day' "
            "FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM geo_report) numbered WHERE numbered.id = r.id",
            [NOW],
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("REINDEX TABLE geo_report")
        cursor.execute("ANALYZE geo_report")
    query = parse_requests_query({}, now=NOW)
    plan = find_requests(query, city).explain()
    assert "report_city" in plan or "report_time" in plan
    assert "reported_at >=" in plan
    assert "Seq Scan on geo_report" not in plan
    assert find_requests(query, city).count() == 90
