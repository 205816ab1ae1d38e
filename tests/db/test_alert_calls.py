"""Who is told of an alert, who is called, who acknowledges it, and what becomes of it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import translation

from geo.areas.models import City
from geo.models import Alert, AlertEvent, Escalation, OnCallLevel, OutboxMessage, Subscription
from geo.operations.alerts.services import acknowledge_alert, close_alert, open_incident_of
from geo.operations.duty.escalation import escalate_due
from geo.operations.duty.rendering import as_text
from geo.operations.duty.situation import situation
from geo.operations.outbox.delivery import deliver_due
from geo.reports.access.principals import Grant, Principal, Role
from server.core.errors import Conflict, Forbidden
from tests.alerts import evaluate_alerts
from tests.db.alert_gauges import MIDNIGHT, at, city, gauge, log_of, measured, open_alert, rule, stream_of
from tests.factories import NOW, make_category
from tests.receiver import Receiver

pytestmark = pytest.mark.django_db
__all__ = ["city"]


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]
    with Receiver() as opened:
        yield opened


def dispatcher(city: City) -> Principal:
    user, _created = User.objects.get_or_create(username="piket")
    return Principal(user_id=user.pk, grants=(Grant(Role.DISPATCHER, city.pk),), origin="api")


def test_subscribers_are_told_once_a_round_by_webhook(city: City, receiver: Receiver) -> None:
    subscription_to(city, kind="webhook", email="", url=receiver.url)
    rule(city)
    measured(gauge(), ("04:40", 400.0), ("04:50", 460.5))
    evaluate_alerts(NOW)
    deliver_due(now=lambda: NOW)
    (request,) = receiver.received
    told = json.loads(request.body)
    alert = Alert.objects.get()
    assert (told["event"], told["at"]) == ("alert", "2026-03-01T04:50:00+00:00")
    assert (told["alert"], told["thing"], told["level"], told["level_name"], told["value"]) == (
        alert.public_id, "river-p2c", 2, "Siaga 2", 460.5,
    )  # fmt: skip
    assert told["title_en"] == "Siaga 2, River-P2C: river_level 460.5 cm"
    assert "460,5 cm" in told["title_id"]
    assert told["path"] == f"/api/alerts/{alert.public_id}/"


def test_subscribers_get_a_letter_when_it_is_over(city: City, mailoutbox: list[Any]) -> None:
    rule(city, category=make_category("banjir"))
    subscription_to(city, language="en")
    stream = gauge()
    measured(stream, ("04:40", 400.0))
    evaluate_alerts(NOW)
    measured(stream, ("04:50", 300.0))
    evaluate_alerts(NOW)
    deliver_due(now=lambda: NOW)
    assert sorted(letter.subject for letter in mailoutbox) == [
        "Back to normal, River-P2C: river_level 300 cm", "Siaga 3, River-P2C: river_level 400 cm",
    ]  # fmt: skip


def subscription_to(city: City, **more: Any) -> Subscription:
    values = {"kind": "email", "email": "warga@example.org", **more}
    if values["kind"] == "webhook":
        values["owner"] = User.objects.create(username="sistem")
    return Subscription.objects.create(
        city=city, events=["alert"], scope="city", created_at=MIDNIGHT, confirmed_at=MIDNIGHT, **values
    )


def on_call(city: City, position: int, after_minutes: int) -> OnCallLevel:
    return OnCallLevel.objects.create(
        city=city, position=position, name=f"Piket {position}", email=f"piket{position}@example.org",
        after_minutes=after_minutes, active_since=MIDNIGHT,
    )  # fmt: skip


def test_an_alert_that_nobody_acknowledges_climbs_the_on_call_list(city: City, mailoutbox: list[Any]) -> None:
    on_call(city, 1, 0)
    on_call(city, 2, 30)
    alert = open_alert(city)
    escalate_due(NOW)
    escalate_due(NOW + timedelta(minutes=29))
    assert list(Escalation.objects.values_list("kind", "subject_id", "level__position")) == [("alert", alert.pk, 1)]
    escalate_due(NOW + timedelta(minutes=30))
    deliver_due(now=lambda: NOW + timedelta(minutes=30))
    assert [letter.to for letter in mailoutbox] == [["piket1@example.org"], ["piket2@example.org"]]
    assert f"{alert.public_id}  Siaga 3, River-P2C, Kota-Uji 1 1" in mailoutbox[0].body


def test_an_acknowledged_alert_climbs_no_further_until_it_rises(city: City, mailoutbox: list[Any]) -> None:
    on_call(city, 1, 0)
    alert = open_alert(city)
    escalate_due(NOW)
    acknowledge_alert(alert=alert, by=dispatcher(city), now=NOW, note="Petugas di lokasi")
    deliver_due(now=lambda: NOW)
    assert mailoutbox == []
    assert escalate_due(NOW + timedelta(minutes=5)) == ""
    later = NOW + timedelta(minutes=10)
    measured(stream_of(alert), ("05:05", 500.0))
    assert evaluate_alerts(later) == "1 raised"
    alert.refresh_from_db()
    assert (alert.acknowledged_at, alert.acknowledged_by, alert.waiting_since) == (None, None, later)
    assert escalate_due(later) == "1 told to 1 on call"


def test_a_rise_that_nobody_had_acknowledged_is_told_to_all_who_were_called(city: City) -> None:
    on_call(city, 1, 0)
    on_call(city, 2, 30)
    alert = open_alert(city)
    later = NOW + timedelta(minutes=40)
    escalate_due(later)
    measured(stream_of(alert), ("05:30", 600.0))
    evaluate_alerts(later)
    alert.refresh_from_db()
    assert alert.waiting_since == NOW
    assert escalate_due(later) == "2 told to 2 on call"


def test_a_webhook_of_the_on_call_list_names_the_alert(city: City, receiver: Receiver) -> None:
    called = on_call(city, 1, 0)
    OnCallLevel.objects.filter(pk=called.pk).update(email="", webhook_url=receiver.url)
    alert = open_alert(city)
    escalate_due(NOW)
    deliver_due(now=lambda: NOW)
    body = json.loads(receiver.received[0].body)
    assert (body["count"], body["reports"]) == (1, [])
    (told,) = body["alerts"]
    assert (told["id"], told["name"], told["area"], told["waiting_since"]) == (
        alert.public_id, "Siaga 3, River-P2C", "Kota-Uji 1 1", "2026-03-01T05:00:00Z",
    )  # fmt: skip


def test_who_acknowledged_stands_in_the_log_and_a_second_time_is_a_conflict(city: City) -> None:
    alert = open_alert(city)
    by = dispatcher(city)
    found = acknowledge_alert(alert=alert, by=by, now=NOW, note=" Dipantau ")
    assert (found.acknowledged_at, found.note) == (NOW, "Dipantau")
    line = AlertEvent.objects.latest("id")
    assert (line.action, line.user_id, line.origin) == ("acknowledged", by.user_id, "api")
    with pytest.raises(Conflict):
        acknowledge_alert(alert=alert, by=by, now=NOW)


def test_one_who_does_not_dispatch_changes_nothing(city: City) -> None:
    alert = open_alert(city)
    planner = Principal(user_id=41, grants=(Grant(Role.PLANNER, city.pk),))
    for act in (acknowledge_alert, close_alert, open_incident_of):
        with pytest.raises(Forbidden):
            act(alert=alert, by=planner, now=NOW)
    assert log_of(alert) == [("04:50", "opened", 1)]


def test_an_alert_closed_by_hand_opens_again_only_when_a_level_is_entered(city: City) -> None:
    alert = open_alert(city)
    close_alert(alert=alert, by=dispatcher(city), now=NOW)
    stream = stream_of(alert)
    measured(stream, ("05:10", 420.0))
    assert evaluate_alerts(at("05:10")) == ""
    measured(stream, ("05:20", 300.0))
    assert evaluate_alerts(at("05:20")) == ""
    measured(stream, ("05:30", 420.0))
    assert evaluate_alerts(at("05:30")) == "1 opened"


def test_an_incident_of_an_alert_has_its_category_and_area_and_acknowledges_it(city: City) -> None:
    flood = make_category("banjir")
    alert = open_alert(city, category=flood)
    incident = open_incident_of(alert=alert, by=dispatcher(city), now=NOW)
    assert (incident.title, incident.category, incident.city) == ("Siaga 3: River-P2C", flood, city)
    assert incident.area is not None
    assert incident.area.code == "kota-uji.1.1"
    assert [action for _at, action, _level in log_of(alert)] == ["opened", "incident", "acknowledged"]
    with pytest.raises(Conflict) as refused:
        open_incident_of(alert=alert, by=dispatcher(city), now=NOW)
    assert refused.value.extra == {"incident": incident.public_id}


def test_the_situation_names_open_alerts_and_whether_somebody_has_acknowledged_them(city: City) -> None:
    alert = open_alert(city)
    said = situation(city, MIDNIGHT, NOW)
    assert said["alerts"] == [
        {
            "id": alert.public_id, "thing_name": "River-P2C", "level": "Siaga 3", "authority": "KP2C",
            "area_name": "Kota-Uji 1 1", "value": 400.0, "unit": "cm", "value_at": "2026-03-01T04:50:00Z",
            "opened_at": "2026-03-01T04:50:00Z", "is_acknowledged": False, "is_stale": False,
        }
    ]  # fmt: skip
    with translation.override("en"):
        # Among the alerts, and then among the sensors above a level.
        line, _sensor = [line for line in as_text(said).splitlines() if line.startswith("River-P2C")]
    assert line.split("  ")[:2] == ["River-P2C", "Siaga 3 (KP2C)"]
    assert line.endswith("no")
    close_alert(alert=alert, by=dispatcher(city), now=NOW)
    assert situation(city, MIDNIGHT, NOW)["alerts"] == []


def test_a_handover_log_from_before_there_were_alerts_is_still_shown(city: City) -> None:
    said = situation(city, MIDNIGHT, NOW)
    del said["alerts"]
    with translation.override("en"):
        assert "OPEN ALERTS" not in as_text(said)


def test_nothing_of_a_person_leaves_with_an_alert(city: City) -> None:
    subscription_to(city)
    open_alert(city)
    payload = OutboxMessage.objects.get(topic="notice.alert").payload
    assert set(payload) == {
        *("subscription", "event", "at", "to", "title_id", "title_en", "path", "alert", "thing", "level", "level_name"),
        *("value", "value_at", "peak"),
    }  # fmt: skip
