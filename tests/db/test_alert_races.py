"""Alerts when several evaluate at once, and when one dies on the way. Each by a connection of its own."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from django.db import DatabaseError, InterfaceError, connection, connections

from geo.areas.models import City
from geo.models import Alert, AlertEvent, AlertRule, AlertState, OutboxMessage, Subscription
from geo.operations.alerts.evaluation import SQL, evaluate_alerts
from geo.placement.services import place_things
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import write_observations
from tests.factories import NOW, make_city, make_datastream, make_thing
from tests.sensor_factories import columns_of

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 4


@pytest.fixture(autouse=True)
def city() -> City:
    """A gauge above its level, a rule that says so, and somebody who wants to know."""
    city = make_city()
    before = NOW - timedelta(hours=1)
    AlertRule.objects.create(
        city=city, authority="KP2C", observed_property="river_level", unit="cm", active_since=before,
        levels=[{"name": "Siaga 3", "from": 351}],
    )  # fmt: skip
    stream = make_datastream(make_thing("river-p2c"), "river_level", unit_ucum="cm", expected_interval_s=600)
    ensure_partitions({date(2026, 3, 1)})
    write_observations(columns_of((stream, "2026-03-01T04:50:00Z", 400.0)))
    place_things()
    Subscription.objects.create(
        city=city, kind="email", email="warga@example.org", events=["alert"], scope="city", created_at=before,
        confirmed_at=before,
    )  # fmt: skip
    return city


def counts() -> tuple[int, int, int, int]:
    """Alerts, lines of their logs, states and messages."""
    models = (Alert, AlertEvent, AlertState, OutboxMessage)
    alerts, lines, states, messages = (model.objects.count() for model in models)
    return alerts, lines, states, messages


def test_several_rounds_at_once_open_one_alert_and_tell_it_once() -> None:
    start = threading.Barrier(AT_ONCE)

    def one(_number: int) -> str:
        try:
            start.wait()
            return evaluate_alerts(NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        said = list(pool.map(one, range(AT_ONCE)))
    assert sorted(said) == ["", "", "", "1 opened"]
    assert counts() == (1, 1, 1, 1)


def test_a_rule_that_another_evaluates_is_left_to_it() -> None:
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(SQL.lock_rule, {"rule_id": AlertRule.objects.get().pk})
            assert evaluate_alerts(NOW) == ""
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert evaluate_alerts(NOW) == "1 opened"


def test_one_that_dies_before_it_commits_has_neither_lost_nor_doubled_anything() -> None:
    # The last thing before the commit is that the server ends the session.
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
        )
        cursor.execute(
            "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON geo_alert DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION die()"
        )
    try:
        with pytest.raises((DatabaseError, InterfaceError)):
            evaluate_alerts(NOW)
    finally:
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION die() CASCADE")
    assert counts() == (0, 0, 0, 0)
    assert evaluate_alerts(NOW) == "1 opened"
    assert counts() == (1, 1, 1, 1)
