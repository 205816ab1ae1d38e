"""What is of an exercise stays apart from what is real: never public, never merged, seen by staff and marked."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, ProgrammingError, transaction
from django.test import Client
from django.utils import translation

from geo.areas.models import City
from geo.models import Report
from geo.operations.alerts.services import open_incident_of
from geo.operations.incidents.services import change_reports, edit_incident, open_incident
from geo.reports.merging import merge_reports
from geo.reports.services import moderate_report
from server.core.errors import Conflict
from tests.alerts import evaluate_alerts
from tests.db.drills import SUPERUSER, begin, chief, rise, river_city, tell
from tests.factories import NOW, make_report

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Refusals are in the reader's language."""
    with translation.override("en"):
        yield


@pytest.fixture
def city() -> City:
    return river_city()


def test_what_comes_by_the_channel_of_a_drill_is_of_the_exercise_and_not_public(city: City) -> None:
    report = tell()
    assert (report.is_exercise, report.is_public) == (True, False)
    assert make_report().is_exercise is False


def test_the_database_lets_no_report_of_an_exercise_be_public(city: City) -> None:
    report = tell()
    with pytest.raises(IntegrityError, match="exercise_report_not_public"), transaction.atomic():
        Report.objects.filter(pk=report.pk).update(is_public=True)


@pytest.mark.parametrize("made", [lambda: make_report(), lambda: tell()])
def test_a_report_becomes_neither_an_exercise_nor_real(city: City, made: Callable[[], Report]) -> None:
    report = made()
    with pytest.raises(ProgrammingError, match="what is real becomes no exercise"), transaction.atomic():
        Report.objects.filter(pk=report.pk).update(is_exercise=not report.is_exercise, is_public=False)


def test_staff_cannot_show_a_report_of_an_exercise_to_the_public(city: City) -> None:
    user = User.objects.create_superuser("admin", password="x")
    with pytest.raises(Conflict, match="not shown to the public"):
        moderate_report(report=tell(), user=user, now=NOW, is_public=True)


def test_reports_of_an_exercise_and_real_ones_are_not_merged(city: City) -> None:
    for parent, child in ((make_report(), tell()), (tell(), make_report())):
        with pytest.raises(Conflict, match="kept apart"):
            merge_reports(parent=parent, children=[child], by=chief(), now=NOW)


def test_an_incident_of_a_report_of_an_exercise_is_one_itself_and_takes_no_real_report(city: City) -> None:
    incident = open_incident(city=city, title="Banjir", reports=[tell()], by=SUPERUSER, now=NOW)
    assert incident.is_exercise is True
    with pytest.raises(Conflict, match="kept apart"):
        change_reports(incident=incident, add=[make_report()], by=SUPERUSER, now=NOW)
    with pytest.raises(Conflict, match="kept apart"):
        open_incident(city=city, title="Banjir", reports=[tell(), make_report()], by=SUPERUSER, now=NOW)


def test_an_incident_of_an_exercise_is_never_shown_to_the_public(city: City) -> None:
    with pytest.raises(Conflict, match="not shown to the public"):
        open_incident(city=city, title="Banjir", reports=[tell()], by=SUPERUSER, now=NOW, is_public=True)
    incident = open_incident(city=city, title="Banjir", reports=[tell()], by=SUPERUSER, now=NOW)
    with pytest.raises(Conflict, match="not shown to the public"):
        edit_incident(incident=incident, by=SUPERUSER, now=NOW, is_public=True)


def test_a_river_of_the_drill_is_watched_by_the_rule_of_the_one_it_stands_for(city: City) -> None:
    begin(city)
    alert = rise()
    assert (alert.thing, alert.thing_name, alert.level_name) == ("drill-river-p2c", "[LATIHAN] P2C", "Siaga 3")
    assert alert.area is not None
    assert alert.area.code == "kota-uji.1.1"


def test_an_alert_of_a_drill_is_not_stale_for_being_behind_the_clock_of_the_wall(city: City) -> None:
    begin(city)
    alert = rise()
    evaluate_alerts(NOW + timedelta(hours=10))
    alert.refresh_from_db()
    assert (alert.stale_since, alert.closed_at) == (None, None)


def test_an_incident_opened_of_its_alert_is_of_the_exercise(city: City) -> None:
    begin(city)
    incident = open_incident_of(alert=rise(), by=SUPERUSER, now=NOW)
    assert (incident.is_exercise, incident.title) == (True, "Siaga 3: [LATIHAN] P2C")


def test_staff_see_reports_alerts_and_incidents_marked_and_the_public_sees_none(city: City, client: Client) -> None:
    begin(city)
    alert, report = rise(), tell()
    incident = open_incident_of(alert=alert, by=SUPERUSER, now=NOW)

    def seen(path: str) -> list[tuple[str, bool]]:
        return [(one["id"], one["is_exercise"]) for one in client.get(path).json()["results"]]

    lists = {"/api/reports/": report, "/api/alerts/": alert, "/api/incidents/": incident}
    assert {path: seen(path) for path in lists} == {path: [] for path in lists}
    assert {client.get(f"{path}{one.public_id}/").status_code for path, one in lists.items()} == {404}
    client.force_login(User.objects.create_superuser("admin", password="x"))
    assert {path: seen(path) for path in lists} == {path: [(one.public_id, True)] for path, one in lists.items()}


def test_a_list_is_asked_for_what_is_of_an_exercise_or_for_what_is_real_alone(city: City, client: Client) -> None:
    played, real = tell(), make_report()
    client.force_login(User.objects.create_superuser("admin", password="x"))

    def ids(query: str) -> set[str]:
        return {one["id"] for one in client.get(f"/api/reports/{query}").json()["results"]}

    assert ids("") == {played.public_id, real.public_id}
    assert ids("?exercise=true") == {played.public_id}
    assert ids("?exercise=false") == {real.public_id}
    assert client.get("/api/reports/?exercise=perhaps").status_code == 400
    assert client.get("/api/reports/summary/?exercise=true").json()["total"] == 1


@pytest.mark.parametrize("path", ["/api/things/", "/api/datastreams/"])
def test_the_things_of_a_drill_are_listed_only_where_an_exercise_is_asked_for(
    city: City, client: Client, path: str
) -> None:
    begin(city)

    def slugs(query: str) -> list[str]:
        return [one.get("slug") or one["thing"] for one in client.get(f"{path}{query}").json()["results"]]

    assert slugs("") == ["river-p2c"]
    assert slugs("?exercise=false") == ["river-p2c"]
    assert slugs("?exercise=true") == ["drill-river-p2c"]
    assert client.get(f"{path}?exercise=perhaps").status_code == 400


def test_the_channel_of_a_drill_is_not_named_among_the_ways_in(city: City, client: Client) -> None:
    tell()
    make_report()
    assert [one["slug"] for one in client.get("/api/channels/").json()["results"]] == ["web"]
