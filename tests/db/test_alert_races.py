"""Alerts when several evaluate at once, and when one dies on the way. Each by a connection of its own."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, InterfaceError, connection, connections

from geo.areas.models import City
from geo.models import Alert, AlertEvent, AlertProgress, AlertRule, OutboxMessage, Subscription
from geo.operations.alerts.evaluation import evaluate_alerts
from geo.operations.alerts.watching import keep_watches
from geo.placement.services import place_things
from geo.schedule import JOBS, Schedule
from sensors.following.follow import Following, follow_once
from sensors.following.models import Bookmark
from sensors.management.commands.follow_observations import FOLLOWERS
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import write_observations
from sensors.registry.models import Datastream
from sensors.thresholds import evaluation
from sensors.thresholds.models import Crossing, Watch
from tests.factories import NOW, make_city, make_datastream, make_thing
from tests.sensor_factories import columns_of
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 4
# Without the checks before it, which are not of this.
FOLLOWER = replace(evaluation.FOLLOWER, after=None)


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
    keep_watches(NOW)
    follow_once(FOLLOWER, NOW)
    return city


def counts() -> tuple[int, int, int, int]:
    """Alerts, lines of their logs, crossings and messages."""
    models = (Alert, AlertEvent, Crossing, OutboxMessage)
    alerts, lines, crossings, messages = (model.objects.count() for model in models)
    return alerts, lines, crossings, messages


@contextmanager
def dying_on_insert(table: str) -> Iterator[None]:
    """The last thing before the commit is that the server ends the session."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
        )
        cursor.execute(
            f"CREATE CONSTRAINT TRIGGER die AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION die()"
        )
    try:
        yield
    finally:
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION die() CASCADE")


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


def test_what_another_works_on_is_left_to_it() -> None:
    AlertProgress.objects.create(pk=1)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT FROM geo_alertprogress FOR UPDATE")
            assert evaluate_alerts(NOW) == ""
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert evaluate_alerts(NOW) == "1 opened"


def test_one_that_dies_before_it_commits_has_neither_lost_nor_doubled_anything() -> None:
    with dying_on_insert("geo_alert"), pytest.raises((DatabaseError, InterfaceError)):
        evaluate_alerts(NOW)
    assert counts() == (0, 0, 1, 0)
    assert evaluate_alerts(NOW) == "1 opened"
    assert counts() == (1, 1, 1, 1)


def test_a_follower_that_dies_before_it_commits_crosses_each_level_once_all_the_same() -> None:
    store("05:10", 300.0)
    later = NOW + timedelta(minutes=20)
    with dying_on_insert("sensors_crossing"), pytest.raises((DatabaseError, InterfaceError)):
        follow_once(FOLLOWER, later)
    assert Watch.objects.get().level == 1
    assert follow_once(FOLLOWER, later) == 1
    assert list(Crossing.objects.order_by("at").values_list("old", "new")) == [(0, 1), (1, 0)]


def test_two_followers_at_once_cross_each_level_once() -> None:
    store("05:10", 300.0)
    start = threading.Barrier(AT_ONCE)

    def one(_number: int) -> None:
        try:
            start.wait()
            follow_once(FOLLOWER, NOW + timedelta(minutes=20))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, range(AT_ONCE)))
    assert Crossing.objects.count() == 2


def test_the_process_holds_values_against_levels_after_the_checks_of_quality() -> None:
    store("05:10", 300.0)
    call_command("follow_observations", once=True, stdout=StringIO())
    checked, watched = (Bookmark.objects.get(name=name) for name in ("quality", "thresholds"))
    assert checked.position == watched.position
    assert (Watch.objects.get().level, watched.failure) == (0, "")
    names = [follower.name for follower in FOLLOWERS]
    assert names.index("quality") < names.index("thresholds")


def test_a_rule_that_changes_between_the_crossing_and_its_alert_opens_nothing_by_its_old_levels() -> None:
    AlertRule.objects.update(levels=[{"name": "Awas", "from": 500}])
    keep_watches(NOW)
    follow_once(FOLLOWER, NOW)
    assert evaluate_alerts(NOW) == ""
    assert counts() == (0, 0, 0, 0)


def test_an_alert_follows_a_stored_reading_by_the_processes_themselves() -> None:
    """The follower's loop and the schedule's, as they run: nobody calls them."""
    store("05:10", 300.0)
    stop, begun = threading.Event(), time.monotonic()

    def clock() -> datetime:
        # It goes on, or each of the schedule's jobs would come due a single time.
        return NOW + timedelta(minutes=12, seconds=time.monotonic() - begun)

    following = Following([FOLLOWER], stop=stop, clock=clock)
    names = ("alerts of what was crossed", "watch what rules hold for")
    jobs = tuple(job for job in JOBS if job.name in names)
    schedule = Schedule(stop, jobs, clock=clock)

    def run(loop: Any) -> None:
        try:
            loop()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(loop,)) for loop in (following.run, schedule.run)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: Alert.objects.exclude(closed_at=None).exists(), "the alert's end")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert [line.action for line in AlertEvent.objects.order_by("id")] == ["opened", "normal"]


def store(clock: str, value: float) -> None:
    """A value of the gauge on the first of March."""
    write_observations(columns_of((Datastream.objects.get(), f"2026-03-01T{clock}:00Z", value)))
