"""The duty desk when several act at once, each by a connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from geo.models import Escalation, Incident, IncidentReport, OnCallLevel, OutboxMessage, Report, Shift
from geo.operations.duty.escalation import escalate_due
from geo.operations.duty.shifts import start_shift
from geo.operations.incidents.services import open_incident
from geo.reports.access.principals import Principal
from server.core.errors import Conflict
from tests.factories import NOW, make_category, make_city, make_report

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 4
STAFF = Principal(is_superuser=True)


def all_at_once(work: Callable[[], Any]) -> list[Any]:
    """What each of four threads returned, or the conflict that it was told; they begin together."""
    start = threading.Barrier(AT_ONCE)

    def one(_number: int) -> Any:
        try:
            start.wait()
            return work()
        except Conflict as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def test_several_runs_at_once_tell_each_level_once() -> None:
    city = make_city()
    OnCallLevel.objects.create(
        city=city,
        position=1,
        name="Piket",
        email="p@example.org",
        after_minutes=0,
        active_since=NOW - timedelta(days=1),
    )
    for _i in range(5):
        make_report(now=NOW - timedelta(hours=8))
    Report.objects.update(response_due_at=NOW - timedelta(minutes=5))
    said = all_at_once(lambda: escalate_due(NOW))
    assert sorted(said) == ["", "", "", "5 told to 1 on call"]
    assert Escalation.objects.count() == 5
    assert OutboxMessage.objects.filter(topic="duty.escalation").count() == 1


def test_of_several_who_take_the_desk_at_once_one_has_it() -> None:
    city = make_city()
    taken = all_at_once(lambda: start_shift(city=city, by=STAFF, now=NOW))
    (shift,) = [one for one in taken if isinstance(one, Shift)]
    refused = [one for one in taken if isinstance(one, Conflict)]
    assert [error.extra["current"]["id"] for error in refused] == [shift.pk] * 3


def test_of_several_incidents_at_once_one_has_the_report() -> None:
    city = make_city()
    report = make_report(category=make_category("banjir"))
    made = all_at_once(lambda: open_incident(city=city, title="Banjir", reports=[report], by=STAFF, now=NOW))
    (incident,) = [one for one in made if isinstance(one, Incident)]
    assert [one.extra for one in made if isinstance(one, Conflict)] == [
        {"incidents": {report.public_id: incident.public_id}}
    ] * 3
    assert IncidentReport.objects.get().incident == incident
