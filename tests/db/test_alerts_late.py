"""Alerts of what was learnt late, corrected, deleted or doubted."""

from datetime import timedelta
from typing import Any

import pytest

from geo.areas.models import City
from geo.models import Alert, AlertEvent, OutboxMessage, Subscription
from geo.operations.alerts.services import acknowledge_alert, close_alert
from geo.reports.access.principals import Principal
from sensors.observations.corrections import correct_observation
from sensors.observations.models import Observation
from tests.alerts import evaluate_alerts
from tests.db.alert_gauges import at, city, gauge, log_of, measured, open_alert, rule, stream_of
from tests.factories import NOW

pytestmark = pytest.mark.django_db
__all__ = ["city"]
ROOT = Principal(is_superuser=True)


def correct(stream: Any, clock: str, result: float | None) -> None:
    correct_observation(datastream=stream, phenomenon_time=at(clock), new_result=result, reason="a test")


def told(city: City) -> None:
    """Somebody wants to know."""
    before = NOW - timedelta(days=1)
    Subscription.objects.create(
        city=city, kind="email", email="warga@example.org", events=["alert"], scope="city", created_at=before,
        confirmed_at=before,
    )  # fmt: skip


def titles() -> list[str]:
    return [message.payload["title_en"] for message in OutboxMessage.objects.order_by("id")]


def test_an_excursion_that_was_over_when_it_became_known_is_an_alert_that_says_so(city: City) -> None:
    told(city)
    rule(city)
    stream = gauge()
    measured(stream, ("03:00", 300.0), ("04:50", 300.0))
    evaluate_alerts(NOW)
    measured(stream, ("03:10", 470.0), ("03:20", 400.0), ("03:30", 300.0))
    assert evaluate_alerts(NOW) == "1 lowered, 1 normal, 1 opened"
    alert = Alert.objects.get()
    assert (alert.opened_at, alert.closed_at, alert.peak, alert.peak_at) == (
        at("03:10"),
        at("03:30"),
        470.0,
        at("03:10"),
    )
    assert (alert.is_late, alert.ended, alert.waiting_since) == (True, "normal", NOW)
    assert log_of(alert) == [("03:10", "opened", 2), ("03:20", "lowered", 1), ("03:30", "normal", 0)]
    assert set(AlertEvent.objects.values_list("is_late", "recorded_at")) == {(True, NOW)}
    assert titles() == ["Learnt late, and over: Siaga 3, River-P2C: river_level 300 cm"]


def test_a_height_that_was_over_when_it_became_known_asks_nobody_to_acknowledge_again(city: City) -> None:
    alert = open_alert(city)
    stream = stream_of(alert)
    acknowledge_alert(alert=alert, by=ROOT, now=NOW)
    measured(stream, ("05:10", 410.0))
    evaluate_alerts(at("05:10"))
    measured(stream, ("05:00", 470.0))
    assert evaluate_alerts(at("05:11")) == "1 lowered, 1 raised"
    alert.refresh_from_db()
    # It stands at the first level again: what it had risen to meanwhile is over, and calls nobody.
    assert (alert.level, alert.rises, alert.acknowledged_at, alert.peak) == (1, 0, NOW, 470.0)


def test_an_alert_that_began_earlier_than_was_known_is_the_same_alert(city: City) -> None:
    alert = open_alert(city)
    measured(stream_of(alert), ("04:40", 380.0))
    assert evaluate_alerts(NOW) == "1 opened, 1 revised"
    assert evaluate_alerts(NOW) == ""
    alert.refresh_from_db()
    assert (alert.opened_at, alert.closed_at, alert.level) == (at("04:40"), None, 1)
    assert log_of(alert) == [("04:50", "opened", 1), ("04:50", "revised", 1), ("04:40", "opened", 1)]


def test_a_corrected_spike_takes_back_the_alert_that_it_opened_and_says_so(city: City) -> None:
    told(city)
    alert = open_alert(city)
    correct(stream_of(alert), "04:50", 290.0)
    assert evaluate_alerts(at("05:10")) == "1 retracted"
    alert.refresh_from_db()
    assert (alert.closed_at, alert.ended) == (at("05:10"), "retracted")
    assert log_of(alert) == [("04:50", "opened", 1), ("05:10", "retracted", 0)]
    assert titles()[-1] == "Taken back, since values were corrected or came late: Siaga 3, River-P2C"
    assert evaluate_alerts(at("05:10")) == ""


def test_a_value_that_is_doubted_afterwards_takes_back_an_alert_that_is_over_and_calls_nobody(city: City) -> None:
    told(city)
    rule(city)
    stream = gauge()
    measured(stream, ("04:00", 900.0), ("04:10", 300.0))
    evaluate_alerts(NOW)
    before = len(titles())
    Observation.objects.filter(phenomenon_time=at("04:00")).update(quality=8)
    assert evaluate_alerts(NOW) == "1 retracted"
    assert (Alert.objects.get().ended, Alert.objects.get().closed_at) == ("retracted", at("04:10"))
    assert len(titles()) == before


def test_a_deleted_value_that_had_closed_an_alert_opens_the_same_one_again(city: City) -> None:
    rule(city)
    stream = gauge()
    measured(stream, ("04:40", 400.0), ("04:50", 300.0))
    evaluate_alerts(NOW)
    correct(stream, "04:50", None)
    assert evaluate_alerts(NOW) == "1 revised"
    alert = Alert.objects.get()
    assert (alert.closed_at, alert.ended, alert.level) == (None, "", 1)


def test_a_late_value_that_parts_an_alert_in_two_leaves_the_open_one_to_what_is_open(city: City) -> None:
    rule(city)
    stream = gauge()
    measured(stream, ("04:00", 400.0), ("04:20", 410.0))
    evaluate_alerts(at("04:20"))
    before = Alert.objects.get()
    measured(stream, ("04:10", 300.0))
    evaluate_alerts(at("04:21"))
    first, second = Alert.objects.order_by("opened_at")
    assert (first.opened_at, first.closed_at, first.is_late) == (at("04:00"), at("04:10"), True)
    assert (second.pk, second.opened_at, second.closed_at) == (before.pk, at("04:20"), None)


def test_a_late_value_that_makes_two_alerts_one_takes_back_the_older(city: City) -> None:
    rule(city)
    stream = gauge()
    measured(stream, ("04:00", 400.0), ("04:10", 300.0), ("04:20", 400.0))
    evaluate_alerts(at("04:20"))
    correct(stream, "04:10", 390.0)
    evaluate_alerts(at("04:21"))
    older, newer = Alert.objects.order_by("id")
    assert (older.ended, newer.ended, newer.opened_at) == ("retracted", "", at("04:00"))


def test_an_alert_closed_by_hand_is_not_opened_again_by_what_comes_late(city: City) -> None:
    alert = open_alert(city)
    close_alert(alert=alert, by=ROOT, now=NOW)
    measured(stream_of(alert), ("04:40", 380.0))
    assert evaluate_alerts(NOW) == ""
    measured(stream_of(alert), ("05:10", 600.0))
    assert evaluate_alerts(at("05:10")) == "1 opened"
    assert [one.level for one in Alert.objects.order_by("id")] == [1, 3]
