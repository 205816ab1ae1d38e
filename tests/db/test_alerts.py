"""Alerts of measured levels: when they open, what they follow, when they end."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from geo.areas.models import City
from geo.models import Alert
from geo.schedule import JOBS
from tests.alerts import evaluate_alerts
from tests.db.alert_gauges import at, city, gauge, log_of, measured, open_alert, rule
from tests.factories import NOW

pytestmark = pytest.mark.django_db
__all__ = ["city"]


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


def test_crossings_are_looked_for_every_two_seconds_and_rules_every_ten() -> None:
    every = {job.name: job.every for job in JOBS}
    assert every["alerts of what was crossed"] == timedelta(seconds=2)
    assert every["watch what rules hold for"] == timedelta(seconds=10)
