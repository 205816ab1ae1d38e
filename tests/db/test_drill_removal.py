"""An exercise is removed without a trace, and the logs of what is real stay whoever asks."""

from datetime import date

import pytest
from django.contrib.auth.models import User
from django.db import ProgrammingError, connection, transaction

from geo.areas.models import City
from geo.demo.drill_removal import remove_drill
from geo.models import (
    AlertEvent,
    HistoryEntry,
    IncidentEvent,
)
from geo.operations.alerts.services import acknowledge_alert, open_incident_of
from geo.operations.incidents.services import change_reports, open_incident
from geo.reports.merging import merge_reports
from geo.reports.status import change_status
from geo.reports.workflow import Status
from sensors import published
from sensors.models import Datastream, Observation, RejectedMessage
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import write_observations
from tests.alerts import evaluate_alerts
from tests.db.drills import SUPERUSER, begin, chief, rise, river_city, tell
from tests.factories import (
    NOW,
    make_report,
    make_thing,
)
from tests.sensor_factories import columns_of
from tests.table_rows import changed_rows, count_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> City:
    return river_city()


def test_after_its_removal_every_table_has_the_rows_that_it_had(city: City) -> None:
    ensure_partitions({date(2026, 3, 1)})
    make_report()
    evaluate_alerts(NOW)
    before = count_rows()
    begin(city)
    alert, reports = rise(), [tell(), tell()]
    by = chief()
    acknowledge_alert(alert=alert, by=by, now=NOW)
    incident = open_incident_of(alert=alert, by=by, now=NOW)
    change_reports(incident=incident, add=reports, by=by, now=NOW)
    merge_reports(parent=reports[0], children=[reports[1]], by=by, now=NOW)
    for step in (Status.IN_PROGRESS, Status.RESOLVED):
        change_status(report=reports[0], status=step, by=by, now=NOW, note="Selesai")
    RejectedMessage.objects.create(topic="sensors/drill-river-p2c", payload=b"{", reason="bad_json", received_at=NOW)
    User.objects.filter(username="chief").delete()
    assert changed_rows(before) != {}
    remove_drill(quiet_s=0)
    assert changed_rows(before) == {}
    assert remove_drill(quiet_s=0).total() == 0


def test_what_a_worker_stores_of_a_drill_while_it_is_removed_goes_too(city: City) -> None:
    drill = begin(city)
    stream = Datastream.objects.get(pk=drill.datastream_ids[0])
    ensure_partitions({date(2026, 3, 1)})
    remove_drill(quiet_s=0)
    write_observations(columns_of((stream, "2026-03-01T04:50:00Z", 400.0)))
    published.forget_datastreams([stream.pk])
    assert Observation.objects.count() == 0


def test_of_an_entry_of_the_journal_the_real_readings_stay_in_their_order(city: City) -> None:
    begin(city)
    ensure_partitions({date(2026, 3, 1)})
    real, played = (Datastream.objects.get(thing__slug=slug) for slug in ("river-p2c", "drill-river-p2c"))
    write_observations(
        columns_of(
            (real, "2026-03-01T04:40:00Z", 1.0),
            (played, "2026-03-01T04:40:00Z", 2.0),
            (real, "2026-03-01T04:50:00Z", 3.0),
        )
    )
    remove_drill(quiet_s=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT datastream_ids, results, qualities FROM sensors_journalentry")
        assert cursor.fetchall() == [([real.pk, real.pk], [1.0, 3.0], [0, 0])]


def test_what_is_quarantined_of_a_real_thing_of_such_a_name_stays(city: City) -> None:
    make_thing("drill-pump")
    for topic in ("sensors/drill-pump", "sensors/drill-river-p2c/rain"):
        RejectedMessage.objects.create(topic=topic, payload=b"{", reason="bad_json", received_at=NOW)
    remove_drill(quiet_s=0)
    assert [one.topic for one in RejectedMessage.objects.all()] == ["sensors/drill-pump"]


REMOVING = "SET LOCAL pantau.removes_exercise = 'on'"


@pytest.mark.parametrize("table", ["geo_historyentry", "geo_alertevent", "geo_incidentevent"])
def test_a_real_log_cannot_be_deleted_even_by_who_says_that_it_removes_an_exercise(city: City, table: str) -> None:
    report = make_report()
    incident = open_incident(city=city, title="Banjir", reports=[report], by=SUPERUSER, now=NOW)
    stream = Datastream.objects.get(thing__slug="river-p2c")
    ensure_partitions({date(2026, 3, 1)})
    write_observations(columns_of((stream, "2026-03-01T04:50:00Z", 400.0)))
    evaluate_alerts(NOW)
    lines = {"geo_historyentry": HistoryEntry, "geo_alertevent": AlertEvent, "geo_incidentevent": IncidentEvent}[table]
    assert lines.objects.exists()
    assert incident.is_exercise is False
    with connection.cursor() as cursor:
        cursor.execute(REMOVING)
        with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
            cursor.execute(f"DELETE FROM {table}")
        with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
            cursor.execute(f"UPDATE {table} SET at = now()")


def test_the_log_of_an_exercise_goes_only_where_it_is_said_that_it_is_removed(city: City) -> None:
    report = tell()
    with connection.cursor() as cursor:
        with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
            cursor.execute("DELETE FROM geo_historyentry")
        cursor.execute(REMOVING)
        with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
            cursor.execute("UPDATE geo_historyentry SET action = 'x'")
        cursor.execute("DELETE FROM geo_historyentry WHERE report_id = %s", [report.pk])
        assert cursor.rowcount == 1


def test_the_mayors_steps_are_of_no_exercise_and_stay_whatever_is_said(city: City) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT geo_is_removed_with_exercise('geo_instructionstep', '{\"id\": 1}')")
        assert cursor.fetchone() == (False,)
