"""A category is made coarser while a report of it is being stored: the exact place must not survive in public."""

import threading
from typing import Any

import psycopg2
import pytest
from django.contrib.gis.geos import Point
from django.db import connection, connections

from geo.models import Category, Report
from geo.reports.services import refresh_public_points
from tests.factories import NOW, make_category, make_city, make_report

pytestmark = pytest.mark.django_db(transaction=True)
EXACT = Point(106.93123, -6.25321, srid=4326)


def other_session() -> Any:
    settings = connection.get_connection_params()
    return psycopg2.connect(**{name: settings[name] for name in ("dbname", "user", "password", "host", "port")})


def test_a_report_stored_under_the_old_precision_is_waited_for_and_snapped() -> None:
    make_city()
    category = make_category("kekerasan")
    report = make_report(location=EXACT, category=category)
    storing = other_session()
    with storing.cursor() as cursor:
        # A second report, placed under the old precision and not yet committed.
        cursor.execute("SELECT pg_advisory_xact_lock_shared(hashtext('geo.placement'))")
        cursor.execute("CREATE TEMP TABLE copy AS SELECT * FROM geo_report WHERE id = %s", [report.pk])
        cursor.execute("UPDATE copy SET id = nextval(pg_get_serial_sequence('geo_report', 'id')), public_id = 'second'")
        cursor.execute("INSERT INTO geo_report SELECT * FROM copy")
    refreshed: list[int] = []

    def make_coarser() -> None:
        try:
            Category.objects.filter(pk=category.pk).update(public_grid_m=500)
            refreshed.append(refresh_public_points(category=category, now=NOW))
        finally:
            connections.close_all()

    thread = threading.Thread(target=make_coarser)
    thread.start()
    with storing.cursor() as cursor:
        waiting = 0
        while not waiting:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            waiting = cursor.fetchone()[0]
    storing.commit()
    storing.close()
    thread.join(timeout=30)
    assert refreshed == [2]
    assert all(shown.public_location.distance(EXACT) > 0.0001 for shown in Report.objects.all())
