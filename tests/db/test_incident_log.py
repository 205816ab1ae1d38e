"""An incident's own log: who did what to it, when and from where."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import ProgrammingError, connection, transaction

from geo.areas.models import City
from geo.models import Incident, IncidentEvent
from geo.operations.incidents.messages import message_reporters
from geo.operations.incidents.services import change_reports, close_incident, edit_incident, open_incident
from geo.reports.access.principals import Grant, Origin, Principal, Role
from tests.factories import NOW, make_city, make_report

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def city() -> City:
    User.objects.create(pk=41, username="poc")
    return make_city()


def dispatcher(city: City) -> Principal:
    return Principal(user_id=41, grants=(Grant(Role.DISPATCHER, city.pk),), origin=Origin.ADMIN)


def opened(city: City, reports: Any = ()) -> Incident:
    return open_incident(city=city, title="Banjir", reports=reports, by=dispatcher(city), now=NOW)


def log(incident: Incident) -> list[tuple[str, dict[str, Any]]]:
    return [(line.action, line.changed) for line in IncidentEvent.objects.filter(incident=incident).order_by("id")]


def test_each_write_on_an_incident_leaves_a_line_of_what_it_did(city: City) -> None:
    first, second, by = make_report(), make_report(), dispatcher(city)
    incident = opened(city, [first])
    edit_incident(incident=incident, by=by, now=LATER, title="Banjir Bekasi Barat", is_public=True)
    change_reports(incident=incident, add=[second], remove=[first], by=by, now=LATER)
    message_reporters(incident=incident, text="Pompa sudah jalan.", by=by, now=LATER)
    close_incident(incident=incident, by=by, now=LATER)
    assert log(incident) == [
        ("opened", {"is_public": False, "added": 1}),
        ("edited", {"title": True, "is_public": True}),
        ("reports", {"removed": 1, "added": 1}),
        ("told", {"reports": 1}),
        ("closed", {}),
    ]


def test_line_says_who_when_and_from_where(city: City) -> None:
    (line,) = opened(city).log.all()
    assert (line.user_id, line.at, line.origin) == (41, NOW, "admin")


def test_what_changes_nothing_leaves_no_line(city: City) -> None:
    report, by = make_report(), dispatcher(city)
    incident = opened(city, [report])
    edit_incident(incident=incident, by=by, now=LATER, title="Banjir", is_public=False)
    change_reports(incident=incident, add=[report], by=by, now=LATER)
    assert [action for action, _changed in log(incident)] == ["opened"]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE geo_incidentevent SET user_id = 1", "DELETE FROM geo_incidentevent", "TRUNCATE geo_incidentevent"],
)
def test_log_is_neither_changed_nor_emptied(city: City, statement: str) -> None:
    opened(city)
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        # A test's database is marked as one that may be emptied; rolled back with the test.
        cursor.execute(f"COMMENT ON DATABASE {name} IS 'kept'")
        with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
            cursor.execute(statement)
