"""Alerts from committed observations: opened, followed, told, acknowledged, and closed. P2C's levels are KP2C's (351, 451, 551 cm)."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.gis.geos import Point
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction
from django.db.models import RestrictedError
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from django.utils.dateparse import parse_datetime

from geo.areas.models import City
from geo.management.commands.load_fixtures import load_alert_rules
from geo.models import Alert, AlertEvent, AlertRule, AlertState, Escalation, OnCallLevel, OutboxMessage, Subscription
from geo.operations.alerts.evaluation import evaluate_alerts
from geo.operations.alerts.services import acknowledge_alert, close_alert, open_incident_of
from geo.operations.duty.escalation import escalate_due
from geo.operations.duty.rendering import as_text
from geo.operations.duty.situation import situation
from geo.operations.outbox.delivery import deliver_due
from geo.placement.services import place_things
from geo.reports.access.principals import Grant, Principal, Role
from geo.schedule import JOBS
from sensors.models import Datastream
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import write_observations
from server.core.errors import Conflict, Forbidden
from tests.factories import NOW, make_category, make_city, make_datastream, make_thing
from tests.receiver import Receiver
from tests.sensor_factories import columns_of

pytestmark = pytest.mark.django_db
SIAGA = [{"name": "Siaga 3", "from": 351}, {"name": "Siaga 2", "from": 451}, {"name": "Siaga 1", "from": 551}]
MIDNIGHT = NOW - timedelta(hours=5)


@pytest.fixture
def city() -> City:
    return make_city()


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]
    with Receiver() as opened:
        yield opened


def gauge(slug: str = "river-p2c", code: str = "river_level", **more: Any) -> Any:
    """A datastream of a gauge in the west of the city, a value each 10 minutes."""
    properties = more.pop("properties", {})
    thing = make_thing(slug, name=slug.title(), properties=properties, **more)
    stream = make_datastream(thing, code, unit_ucum="cm", expected_interval_s=600)
    place_things()
    return stream


def rule(city: City, **more: Any) -> AlertRule:
    values = {
        "authority": "KP2C", "observed_property": "river_level", "unit": "cm", "levels": SIAGA, "active_since": MIDNIGHT,
        **more,
    }  # fmt: skip
    return AlertRule.objects.create(city=city, **values)


def at(clock: str) -> datetime:
    """A time of the first of March, in UTC."""
    moment = parse_datetime(f"2026-03-01T{clock}:00Z")
    assert moment is not None
    return moment


def measured(stream: Any, *values: tuple[str, float], quality: int = 0) -> None:
    """(time of the first of March, value) each."""
    ensure_partitions({date(2026, 3, 1)})
    write_observations(columns_of(*((stream, f"2026-03-01T{t}:00Z", value) for t, value in values), quality=quality))


def log_of(alert: Alert) -> list[tuple[str, str, int | None]]:
    """(time, action, new level)."""
    lines = AlertEvent.objects.filter(alert=alert).order_by("id")
    return [(f"{line.at:%H:%M}", line.action, line.new_level) for line in lines]


def dispatcher(city: City) -> Principal:
    user, _created = User.objects.get_or_create(username="piket")
    return Principal(user_id=user.pk, grants=(Grant(Role.DISPATCHER, city.pk),), origin="api")


def open_alert(city: City, **more: Any) -> Alert:
    rule(city, **more)
    measured(gauge(), ("04:50", 400.0))
    evaluate_alerts(NOW)
    return Alert.objects.get()


def test_a_level_that_is_reached_opens_an_alert_with_where_and_what(city: City) -> None:
    alert = open_alert(city)
    assert (alert.level, alert.level_name, alert.opened_at, alert.thing) == (1, "Siaga 3", at("04:50"), "river-p2c")
    assert (alert.value, alert.peak, alert.city, alert.closed_at) == (400.0, 400.0, city, None)
    assert alert.area is not None
    assert alert.area.code == "kota-uji.1.1"
    assert log_of(alert) == [("04:50", "opened", 1)]


def test_an_alert_is_followed_from_round_to_round_until_it_is_back_to_normal(city: City) -> None:
    rule(city, hysteresis=10.0)
    stream = gauge()
    said = []
    for clock, value in (("03:00", 400.0), ("03:10", 600.0), ("03:20", 620.0), ("03:30", 500.0), ("03:40", 340.0)):
        measured(stream, (clock, value))
        said.append(evaluate_alerts(at(clock)))
    assert said == ["1 opened", "1 raised", "", "1 lowered", "1 normal"]
    alert = Alert.objects.get()
    assert log_of(alert) == [
        ("03:00", "opened", 1), ("03:10", "raised", 3), ("03:30", "lowered", 2), ("03:40", "normal", 0),
    ]  # fmt: skip
    assert (alert.closed_at, alert.level, alert.value) == (at("03:40"), 2, 340.0)
    assert (alert.peak, alert.peak_at) == (620.0, at("03:20"))


def test_the_hold_goes_on_from_one_round_to_the_next_and_its_peak_counts(city: City) -> None:
    rule(city, opens_after_s=1200)
    stream = gauge()
    for clock, value in (("04:00", 360.0), ("04:10", 380.0), ("04:20", 370.0)):
        measured(stream, (clock, value))
        evaluate_alerts(at(clock))
    alert = Alert.objects.get()
    assert (alert.opened_at, alert.value, alert.peak, alert.peak_at) == (at("04:20"), 370.0, 380.0, at("04:10"))


def test_what_comes_late_opens_nothing(city: City) -> None:
    rule(city)
    stream = gauge()
    measured(stream, ("04:50", 300.0))
    evaluate_alerts(NOW)
    measured(stream, ("04:40", 600.0))
    assert evaluate_alerts(NOW) == ""


def test_an_implausible_value_is_left_out(city: City) -> None:
    rule(city)
    measured(gauge(), ("04:50", 9999.0), quality=1)
    assert evaluate_alerts(NOW) == ""


def test_a_value_of_the_future_waits_for_its_time_and_hides_nothing(city: City) -> None:
    rule(city)
    stream = gauge()
    measured(stream, ("09:00", 300.0))
    evaluate_alerts(NOW)
    measured(stream, ("04:50", 400.0))
    assert evaluate_alerts(NOW) == "1 opened"
    assert evaluate_alerts(at("09:00")) == "1 normal"


def test_what_was_measured_before_the_rule_opens_nothing(city: City) -> None:
    rule(city, active_since=at("04:00"))
    measured(gauge(), ("03:50", 600.0), ("04:00", 600.0))
    assert evaluate_alerts(NOW) == ""


def test_a_silent_sensor_closes_nothing_and_its_alert_is_stale_until_it_is_heard_again(city: City) -> None:
    rule(city)
    stream = gauge()
    measured(stream, ("04:00", 400.0))
    said = [evaluate_alerts(at(clock)) for clock in ("04:00", "04:30", "04:31", "04:40")]
    assert said == ["1 opened", "", "1 stale", ""]
    assert Alert.objects.get().stale_since == at("04:30")
    measured(stream, ("04:45", 400.0))
    assert evaluate_alerts(at("04:46")) == "1 heard"
    alert = Alert.objects.get()
    assert (alert.stale_since, alert.closed_at) == (None, None)
    assert log_of(alert) == [("04:00", "opened", 1), ("04:30", "stale", None), ("04:45", "heard", None)]


def test_the_rule_of_a_thing_goes_before_the_citys_of_the_same_authority(city: City) -> None:
    rule(city)
    rule(city, thing="river-p2c", levels=[{"name": "Awas", "from": 500}])
    rule(city, authority="BPBD", levels=[{"name": "Waspada", "from": 100}])
    measured(gauge(), ("04:50", 510.0))
    measured(gauge("river-cikeas"), ("04:50", 510.0))
    evaluate_alerts(NOW)
    found = {(alert.thing, alert.level_name) for alert in Alert.objects.all()}
    assert found == {
        ("river-p2c", "Awas"), ("river-p2c", "Waspada"), ("river-cikeas", "Siaga 2"), ("river-cikeas", "Waspada"),
    }  # fmt: skip


def test_a_thing_outside_the_city_is_watched_by_its_own_rule_alone(city: City) -> None:
    rule(city)
    measured(gauge("river-hulu", location=Point(110.0, -7.0, srid=4326)), ("04:50", 600.0))
    assert evaluate_alerts(NOW) == ""
    rule(city, thing="river-hulu")
    assert evaluate_alerts(NOW) == "1 opened"
    assert Alert.objects.get().area is None


def test_a_rule_without_levels_has_those_that_its_authority_configured_on_the_thing(city: City) -> None:
    table = {"authority": "KP2C", "observed_property": "river_level", "unit": "cm", "source": None, "levels": SIAGA}
    rule(city, levels=[])
    measured(gauge(properties={"alert_levels": [{**table, "authority": "BBWS"}, table]}), ("04:50", 460.0))
    measured(gauge("river-polos"), ("04:50", 460.0))
    assert evaluate_alerts(NOW) == "1 opened"
    assert Alert.objects.get().level_name == "Siaga 2"


def test_levels_of_a_thing_that_cannot_be_read_hide_no_others(city: City, caplog: Any) -> None:
    rule(city, levels=[])
    table = {"authority": "KP2C", "observed_property": "river_level", "unit": "cm", "levels": SIAGA}
    measured(gauge("rusak", properties={"alert_levels": [{"authority": "KP2C"}]}), ("04:50", 460.0))
    measured(gauge(properties={"alert_levels": [table]}), ("04:50", 460.0))
    assert evaluate_alerts(NOW) == "1 opened"
    assert "rusak cannot be read" in caplog.text


def test_values_in_another_unit_are_not_held_against_the_levels(city: City) -> None:
    rule(city, unit="m")
    measured(gauge(), ("04:50", 400.0))
    assert evaluate_alerts(NOW) == ""


def test_alerts_end_when_the_rule_is_switched_off_or_gets_other_levels(city: City) -> None:
    alert = open_alert(city)
    AlertRule.objects.update(levels=[{"name": "Awas", "from": 390}])
    assert evaluate_alerts(NOW) == "1 rule_changed"
    measured_again = AlertState.objects.get()
    assert (measured_again.level, measured_again.evaluated_to) == (0, at("04:50"))
    assert log_of(alert)[-1] == ("05:00", "rule_changed", None)
    AlertRule.objects.update(is_active=False)
    evaluate_alerts(NOW)
    assert not AlertState.objects.exists()


def test_an_alert_ends_when_its_rule_is_said_to_hold_from_later_on(city: City) -> None:
    alert = open_alert(city)
    AlertRule.objects.update(active_since=at("04:55"))
    measured(stream_of(alert), ("04:58", 410.0))
    assert evaluate_alerts(NOW) == "1 opened, 1 rule_changed"
    assert [one.opened_at for one in Alert.objects.order_by("id")] == [at("04:50"), at("04:58")]


def test_a_second_alert_opens_after_the_first_is_over(city: City) -> None:
    rule(city)
    stream = gauge()
    measured(stream, ("04:00", 400.0), ("04:10", 300.0), ("04:20", 400.0))
    assert evaluate_alerts(at("04:20")) == "1 normal, 2 opened"
    assert list(Alert.objects.order_by("id").values_list("closed_at", flat=True)) == [at("04:10"), None]


def test_there_is_one_open_alert_per_rule_and_datastream_in_the_database(city: City) -> None:
    alert = open_alert(city)
    alert.pk, alert.public_id = None, "another"
    with pytest.raises(DatabaseError, match="one_open_alert_per_datastream"), transaction.atomic():
        alert.save()


@pytest.mark.parametrize("statement", ["UPDATE geo_alertevent SET value = 1", "DELETE FROM geo_alertevent"])
def test_the_log_is_append_only_in_the_database(city: City, statement: str) -> None:
    open_alert(city)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


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


def stream_of(alert: Alert) -> Any:
    return Datastream.objects.get(pk=alert.datastream_id)


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


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"levels": [{"name": "Siaga 3"}]}, "levels"),
        ({"levels": [], "direction": "below"}, "levels"),
        ({"thing": "unknown"}, "thing"),
        ({"observed_property": "unknown"}, "observed_property"),
        ({"hysteresis": -1.0}, "hysteresis"),
    ],
)
def test_a_rule_that_cannot_hold_is_refused_by_name(city: City, wrong: dict[str, Any], field: str) -> None:
    gauge()
    values = {"authority": "KP2C", "observed_property": "river_level", "unit": "cm", "levels": SIAGA, **wrong}
    with pytest.raises(ValidationError) as refused:
        AlertRule(city=city, **values).full_clean()
    assert set(refused.value.message_dict) == {field}


def test_a_round_asks_as_much_of_many_silent_gauges_as_of_one(city: City) -> None:
    rule(city)
    counts = []
    for n in (1, 8):
        for i in range(n):
            measured(gauge(f"river-{n}-{i}"), ("04:00", 300.0))
        evaluate_alerts(NOW)
        with CaptureQueriesContext(connection) as queries:
            evaluate_alerts(NOW)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_alerts_are_evaluated_every_ten_seconds() -> None:
    assert {job.name: job.every for job in JOBS}["evaluate alerts"] == timedelta(seconds=10)


def test_bekasis_gauges_alert_at_the_published_levels(city: City) -> None:
    make_category("banjir")
    gauge("river-p2c")
    make_datastream(make_thing("river-bendung-bekasi"), "discharge", unit_ucum="m3/s")
    folder = Path(settings.BASE_DIR) / "fixtures/bekasi"
    assert load_alert_rules(folder, city) == 2
    assert load_alert_rules(folder, city) == 0
    p2c = AlertRule.objects.get(thing="river-p2c")
    assert [(level["name"], level["from"]) for level in p2c.levels] == [
        ("Siaga 3", 351), ("Siaga 2", 451), ("Siaga 1", 551),
    ]  # fmt: skip
    weir = AlertRule.objects.get(thing="river-bendung-bekasi")
    assert [(level["name"], level["from"]) for level in weir.levels] == [("Siap", 200), ("Siaga", 300), ("Awas", 400)]


def test_fixtures_for_a_thing_that_is_not_there_are_a_sentence(city: City) -> None:
    with pytest.raises(CommandError, match=r"alert_rules.json, KP2C: river_level river-p2c: .*no such"):
        load_alert_rules(Path(settings.BASE_DIR) / "fixtures/bekasi", city)
    assert not AlertRule.objects.exists()


def test_a_rule_that_has_had_alerts_is_kept(city: City) -> None:
    open_alert(city)
    with pytest.raises(RestrictedError):
        AlertRule.objects.get().delete()


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
        (line,) = [line for line in as_text(said).splitlines() if line.startswith("River-P2C")]
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
