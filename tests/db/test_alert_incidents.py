"""Incidents that alerts open by themselves, and the reports that are linked to them."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.gis.geos import Point

from geo.areas.models import City
from geo.models import Alert, Incident, Report
from geo.operations.incidents.services import change_reports, close_incident, open_incident
from geo.reports.access.principals import Principal
from tests.alerts import evaluate_alerts
from tests.db.alert_gauges import at, city, gauge, log_of, measured, rule
from tests.factories import NOW, make_category, make_report

pytestmark = pytest.mark.django_db
__all__ = ["city"]
ROOT = Principal(is_superuser=True)


def flood(slug: str = "banjir", **more: Any) -> Any:
    return make_category(slug, **more)


def report(*, lat: float = -6.25, minutes_before: int = 10, **more: Any) -> Report:
    """By the gauge, of a flood, ten minutes before five o'clock."""
    values = {"category": flood(), "reported_at": NOW - timedelta(minutes=minutes_before), **more}
    return make_report(location=Point(106.93, lat, srid=4326), **values)


def reached(city: City, *values: tuple[str, float], **more: Any) -> Any:
    rule(
        city, **{"category": flood(), "opens_incident_at": 2, "report_radius_m": 1000, "report_window_s": 3600, **more}
    )
    stream = gauge()
    measured(stream, *(values or (("04:50", 460.0),)))
    return stream


def linked() -> list[Report]:
    return [member.report for member in Incident.objects.get().members.order_by("report__reported_at", "id")]


def test_an_alert_that_reaches_the_level_of_its_rule_opens_an_incident_with_the_reports_around_it(city: City) -> None:
    near = report()
    hidden = report(minutes_before=5, category=flood("genangan", parent=flood()), is_public=False)
    reached(city)
    assert evaluate_alerts(NOW) == "1 incident, 1 linked, 1 opened"
    incident, alert = Incident.objects.get(), Alert.objects.get()
    assert (incident.title, incident.category, incident.is_public) == ("Siaga 2: River-P2C", flood(), False)
    assert alert.incident == incident
    assert linked() == [near, hidden]
    assert [action for _at, action, _level in log_of(alert)] == ["opened", "incident"]
    # It still waits for somebody to acknowledge it.
    assert alert.acknowledged_at is None
    assert evaluate_alerts(NOW) == ""


def test_below_that_level_and_without_one_no_incident_is_opened(city: City) -> None:
    stream = reached(city, ("04:50", 400.0))
    evaluate_alerts(NOW)
    assert not Incident.objects.exists()
    measured(stream, ("05:00", 460.0))
    assert evaluate_alerts(NOW) == "1 incident, 1 raised"


def test_a_rule_that_says_nothing_of_incidents_opens_none(city: City) -> None:
    reached(city, opens_incident_at=None)
    assert evaluate_alerts(NOW) == "1 opened"


# A degree of latitude is 110,587 m here: 0.009 are 995 m, 0.0091 are 1,006 m.
def test_what_is_too_far_too_old_closed_or_of_another_kind_is_not_linked(city: City) -> None:
    inside = report(lat=-6.241)
    report(lat=-6.2409)
    old = report(minutes_before=71)
    assert old.reported_at < at("03:50")
    report(category=make_category("sampah"))
    report(status="resolved", closed_at=NOW)
    reached(city)
    evaluate_alerts(NOW)
    assert linked() == [inside]


def test_reports_that_come_later_are_linked_while_the_incident_is_open(city: City) -> None:
    reached(city)
    evaluate_alerts(NOW)
    later = report(minutes_before=-30, now=NOW + timedelta(minutes=30))
    assert evaluate_alerts(NOW + timedelta(minutes=30)) == "1 linked, 1 stale"
    assert linked() == [later]
    close_incident(incident=Incident.objects.get(), by=ROOT, now=NOW)
    report(minutes_before=-31, now=NOW + timedelta(minutes=31))
    assert evaluate_alerts(NOW + timedelta(minutes=31)) == ""


def test_a_report_that_somebody_has_taken_out_is_not_put_back(city: City) -> None:
    one = report()
    reached(city)
    evaluate_alerts(NOW)
    change_reports(incident=Incident.objects.get(), remove=[one], by=ROOT, now=NOW)
    assert evaluate_alerts(NOW) == ""
    assert linked() == []


def test_a_report_of_another_open_incident_stays_there(city: City) -> None:
    one = report()
    other = open_incident(city=city, title="Luapan", reports=[one], by=ROOT, now=NOW)
    reached(city)
    evaluate_alerts(NOW)
    assert [member.report for member in other.members.all()] == [one]
    assert not Incident.objects.exclude(pk=other.pk).get().members.exists()
