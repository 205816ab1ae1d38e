"""What comes due by the clock: each job by itself, beside the others, and an end within seconds."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.core.management import call_command
from django.db import connection

from geo.channels.locks import advisory_lock
from geo.channels.models import ChannelConnection
from geo.models import IntakeCounter, OutboxMessage, Report, ReportContact
from geo.schedule import JOBS, Job, Schedule
from tests.channels.remote import Remote, posts
from tests.factories import make_channel, make_report
from tests.waiting import wait_for

NOW = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
PATIENCE_S = 60.0


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def schedule(*jobs: Job, clock: Callable[[], datetime] = lambda: NOW) -> Schedule:
    return Schedule(threading.Event(), jobs, clock)


@pytest.mark.django_db
def test_a_job_runs_when_its_time_has_come_and_not_before() -> None:
    ran: list[datetime] = []
    clock = Clock()
    one = schedule(Job("one", timedelta(minutes=10), ran.append), clock=clock)
    one.run_once()
    clock.now = NOW + timedelta(minutes=9)
    one.run_once()
    assert ran == [NOW]
    clock.now = NOW + timedelta(minutes=10)
    one.run_once()
    assert ran == [NOW, NOW + timedelta(minutes=10)]


@pytest.mark.django_db
def test_one_jobs_mistake_is_logged_and_the_others_run(caplog: pytest.LogCaptureFixture) -> None:
    ran: list[datetime] = []

    def break_down(_now: datetime) -> None:
        raise ZeroDivisionError

    schedule(Job("broken", timedelta(hours=1), break_down), Job("sound", timedelta(hours=1), ran.append)).run_once()
    assert ran == [NOW]
    assert "broken failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_job_that_another_process_runs_is_left_to_it() -> None:
    ran: list[datetime] = []
    held, release = threading.Event(), threading.Event()

    def another_process() -> None:
        with advisory_lock("geo.schedule", "one"):
            held.set()
            release.wait(PATIENCE_S)
        connection.close()

    thread = threading.Thread(target=another_process)
    thread.start()
    try:
        assert held.wait(PATIENCE_S)
        schedule(Job("one", timedelta(hours=1), ran.append)).run_once()
        assert ran == []
    finally:
        release.set()
        thread.join()
    schedule(Job("one", timedelta(hours=1), ran.append)).run_once()
    assert ran == [NOW]


@pytest.mark.django_db
def test_due_feeds_are_read_and_others_are_not(qlue: ChannelConnection, remote: Remote) -> None:
    remote.posts = posts(1, 3)
    schedule().run_once()
    assert Report.objects.count() == 3
    remote.asked.clear()
    # The reading noted the real time; by the clock of this schedule it is in the future.
    schedule().run_once()
    assert remote.asked == []


@pytest.mark.django_db(transaction=True)
def test_a_slow_channel_holds_up_neither_another_nor_a_job(qlue: ChannelConnection, remote: Remote, city: Any) -> None:
    remote.gate = threading.Event()
    remote.posts = posts(1, 3)
    ran: list[datetime] = []
    with Remote(posts=posts(1, 5)) as quick:
        other = make_channel("qlue-2", city=city)
        ChannelConnection.objects.create(channel=other, adapter="qlue", feed_url=quick.feed_url)
        running = schedule(Job("one", timedelta(hours=1), ran.append))
        thread = threading.Thread(target=_run_and_close, args=(running,))
        thread.start()
        try:
            wait_for(remote.waiting.is_set, "the slow one's turn")
            wait_for(lambda: Report.objects.filter(channel=other).count() == 5, "the other channel's reports")
            wait_for(lambda: ran == [NOW], "the job")
            assert not Report.objects.filter(channel=qlue.channel).exists()
        finally:
            remote.gate.set()
            running.stop.set()
            thread.join()
    assert Report.objects.filter(channel=qlue.channel).count() == 3


def _run_and_close(running: Schedule) -> None:
    running.run()
    connection.close()


@pytest.mark.django_db
def test_the_table_of_jobs_does_what_it_names(city: Any, settings: Any) -> None:
    settings.RETENTION_DAYS = 30
    report = make_report(status="resolved", contact=None)
    ReportContact.objects.create(report=report, name="Siti")
    Report.objects.update(updated_at=NOW - timedelta(days=31))
    IntakeCounter.objects.create(key_hash="a", window=NOW - timedelta(days=1), n=1)
    OutboxMessage.objects.create(
        transport="channel",
        destination="channel:pot",
        topic="report.status",
        state="delivered",
        created_at=NOW - timedelta(days=32),
        next_attempt_at=NOW - timedelta(days=32),
        finished_at=NOW - timedelta(days=31),
    )
    schedule(*JOBS).run_once()
    assert not ReportContact.objects.exists()
    assert not IntakeCounter.objects.exists()
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db
def test_the_command_runs_what_is_due_once(qlue: ChannelConnection, remote: Remote) -> None:
    remote.posts = posts(1, 3)
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        call_command("run_schedule", "--once")
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    assert Report.objects.count() == 3


@pytest.fixture
def process(transactional_db: Any, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts `manage run_schedule` as a process of its own, over the database of the tests."""
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    environment = {**os.environ, "DATABASE_URL": urlunsplit(url), "PANTAU_OUTBOUND_ALLOW": "127.0.0.0/8"}
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        with (tmp_path / "log").open("ab") as log:
            command = [sys.executable, "manage.py", "run_schedule"]
            root = Path(__file__).parents[2]
            started.append(subprocess.Popen(command, env=environment, cwd=root, stdout=log, stderr=log))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.wait()


def test_sigterm_ends_the_process_even_while_a_feed_is_being_read(
    process: Any, qlue: ChannelConnection, remote: Remote
) -> None:
    remote.page_size, remote.posts = 1, posts(1, 2000)
    running = process()
    wait_for(lambda: Report.objects.count() > 3, "the first reports")
    running.send_signal(signal.SIGTERM)
    assert running.wait(PATIENCE_S) == 0
    qlue.refresh_from_db()
    assert Report.objects.count() < 2000
    assert qlue.cursor == {}


def test_a_process_killed_in_the_middle_of_a_reading_loses_nothing(
    process: Any, qlue: ChannelConnection, remote: Remote
) -> None:
    remote.page_size, remote.posts = 5, posts(1, 200)
    first = process()
    wait_for(lambda: Report.objects.count() > 10, "the first reports")
    first.kill()
    first.wait()
    process()
    wait_for(lambda: ChannelConnection.objects.get().cursor.get("post_id") == 200, "the whole feed")
    assert Report.objects.count() == ReportContact.objects.count() == 200


def test_a_database_that_goes_away_is_waited_for_and_nothing_is_lost(
    process: Any, qlue: ChannelConnection, remote: Remote
) -> None:
    remote.page_size, remote.posts = 5, posts(1, 200)
    running = process()
    wait_for(lambda: Report.objects.count() > 10, "the first reports")
    with connection.cursor() as cursor:
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        cursor.execute(f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {others}")
        assert cursor.fetchone()[0] > 0
    wait_for(lambda: ChannelConnection.objects.get().cursor.get("post_id") == 200, "the whole feed")
    assert running.poll() is None, "the process ended, where it should have waited"
    assert Report.objects.count() == 200
