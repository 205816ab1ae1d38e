import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from paho.mqtt.enums import CallbackAPIVersion

from sensors.ingest import slots, supervision
from sensors.ingest.broker_url import BrokerUrl, parse_broker_url
from sensors.ingest.connection import BrokerLink
from sensors.ingest.models import IngestStatus, TopicRule
from sensors.ingest.publisher import Publisher
from sensors.ingest.slots import NotRetired, Sessions, Stopping, hand_over, retire, slots_left, slots_of
from sensors.ingest.store import open_status
from sensors.observations.models import Observation
from tests.sensor_factories import make_datastream
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

T0 = 1_772_337_600  # 2026-03-01T04:00:00Z


@pytest.fixture(autouse=True)
def _less_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process; the command's own stay as they are."""
    monkeypatch.setattr(slots, "IDLE_S", 1.0)
    monkeypatch.setattr(slots, "CONNECTED_S", 0.3)


@pytest.fixture
def sessions(broker: BrokerUrl) -> Iterator[Sessions]:
    made = Sessions(broker, f"test-{uuid.uuid4().hex[:8]}")
    yield made
    for slot in range(4):
        _connect(broker, made.options(slot).client_id, is_clean=True)


def _connect(broker: BrokerUrl, client_id: str, *, is_clean: bool) -> bool:
    """A short visit under this name, taking nothing; whether the broker had a session of it."""
    found: list[bool] = []
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id, clean_session=is_clean, protocol=mqtt.MQTTv311, manual_ack=True
    )
    client.on_connect = lambda _client, _data, flags, *_: found.append(flags.session_present)
    broker.prepare(client)
    client.connect(broker.host, broker.port)
    client.loop_start()
    wait_for(lambda: found, "the broker's answer")
    client.disconnect()
    client.loop_stop()
    return found[0]


def has_session(sessions: Sessions, slot: int) -> bool:
    client_id = sessions.options(slot).client_id
    is_there = _connect(sessions.url, client_id, is_clean=False)
    if not is_there:
        _connect(sessions.url, client_id, is_clean=True)
    return is_there


def leave_session(sessions: Sessions, slot: int) -> None:
    """As a worker that has worked this slot, and is gone."""
    link = BrokerLink(sessions.url, sessions.options(slot), on_delivery=lambda delivery: None)
    link.start()
    assert link.subscribed.wait(60)
    link.stop()
    open_status(slot)


def publish(publisher: Publisher, thing: str, seconds: range) -> None:
    for second in seconds:
        publisher.publish(f"sensors/{thing}/pm25", json.dumps({"result": second % 100, "phenomenon_time": T0 + second}))
    publisher.finish()


def in_use() -> set[int]:
    return set(IngestStatus.objects.exclude(started_at=None).values_list("slot", flat=True))


# Which slots.


def test_one_worker_works_alone_and_several_share_slots_from_1() -> None:
    assert slots_of(1) == (0,)
    assert slots_of(3) == (1, 2, 3)


def test_slots_left_are_the_workers_own_that_were_not_given_up() -> None:
    for slot in (0, 1, 2, 3):
        open_status(slot)
    IngestStatus.objects.filter(slot=3).update(started_at=None)
    open_status(999)
    open_status(1001)
    IngestStatus.objects.create(slot=7, source="ttn", started_at="2026-03-01T00:00:00Z")
    assert slots_left([1]) == [0, 2]


# Giving up.


@pytest.mark.parametrize("is_mqtt5", [True, False], ids=["mqtt5", "mqtt3.1.1"])
def test_a_slot_given_up_stores_its_queue_and_another_takes_what_comes_after(
    sessions: Sessions, publisher: Publisher, is_mqtt5: bool
) -> None:
    thing = make_datastream().thing.slug
    leave_session(replace(sessions, is_mqtt5=is_mqtt5), 0)
    publish(publisher, thing, range(100))
    hand_over(sessions, (1, 2), Stopping())
    assert Observation.objects.count() == 100
    assert in_use() == set()
    assert not has_session(sessions, 0)
    publish(publisher, thing, range(100, 150))
    retire(sessions, 1, Stopping())
    assert Observation.objects.count() == 150
    assert IngestStatus.objects.get(slot=1).stored == 50


def test_what_topic_rules_ask_for_is_handed_over_as_well(sessions: Sessions, publisher: Publisher) -> None:
    thing = make_datastream().thing.slug
    TopicRule.objects.create(pattern="loggers/{device}/out", format="senml")
    leave_session(sessions, 0)
    hand_over(sessions, (1, 2), Stopping())
    publisher.publish(f"loggers/{thing}/out", json.dumps([{"n": "pm25", "v": 12.5, "t": T0}]))
    publisher.finish()
    retire(sessions, 1, Stopping())
    assert Observation.objects.get().result == 12.5


def test_an_emptying_that_is_stopped_leaves_the_rest_in_the_session(sessions: Sessions, publisher: Publisher) -> None:
    thing = make_datastream().thing.slug
    leave_session(sessions, 1)
    publish(publisher, thing, range(3_000))
    stopping = Stopping()
    ends: list[str] = []

    def run() -> None:
        try:
            retire(sessions, 1, stopping)
        except NotRetired as why:
            ends.append(str(why))

    thread = threading.Thread(target=run)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE sensors_dirtyhour IN EXCLUSIVE MODE")
        thread.start()
        wait_for(lambda: _waits_for("sensors_dirtyhour"), "the first batch")
        stopping.ask()
    thread.join(60)
    assert ends == ["stopped before its queue was empty"]
    assert in_use() == {1}
    assert has_session(sessions, 1)
    retire(sessions, 1, Stopping())
    assert Observation.objects.count() == 3_000
    assert not has_session(sessions, 1)


def _waits_for(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = %s::regclass", [table])
        return cursor.fetchone() is not None


class StopsAtTheFirstPause(Stopping):
    def sleep(self, seconds: float) -> None:
        self.ask()


def test_a_slot_is_not_given_up_while_the_broker_is_away(
    sessions: Sessions, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "IDLE_S", 0.1)
    open_status(1)
    nowhere = parse_broker_url(f"mqtt://ingest:x@127.0.0.1:{unused_tcp_port}")
    with pytest.raises(NotRetired):
        retire(replace(sessions, url=nowhere), 1, StopsAtTheFirstPause())
    assert in_use() == {1}


@pytest.fixture
def unused_tcp_port() -> int:
    from server.run.ports import unused_port

    return unused_port()


# The command.


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--workers", "0"], "--workers is a number from 1"),
        (["--slot", "-1"], "--slot is a number from 0"),
        (["--workers", "2", "--slot", "1"], "--workers looks after every slot"),
        (["--protocol", "3.1.1"], "need MQTT 5"),
        (["--slot", "1", "--protocol", "3.1.1"], "need MQTT 5"),
    ],
)
def test_what_does_not_go_together_is_refused(
    settings: pytest.FixtureRequest, arguments: list[str], sentence: str
) -> None:
    settings.INGEST_WORKERS = 3  # type: ignore[attr-defined]
    with pytest.raises(CommandError, match=sentence):
        call_command("ingest_mqtt", *arguments)


@contextlib.contextmanager
def service(sessions: Sessions, *arguments: str, workers: int = 1) -> Iterator["subprocess.Popen[bytes]"]:
    """The command as a process, on this test's database; asked to end by SIGTERM, and it ends well."""
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "ingest_mqtt", "--client-id", sessions.client_id, *arguments],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": database, "PANTAU_INGEST_WORKERS": str(workers)},
        stdin=subprocess.PIPE,
    )
    try:
        yield process
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()


class Load:
    """Readings published one by one, each of a second of its own, until told to stop."""

    def __init__(self, thing: str) -> None:
        self._thing = thing
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.published = 0

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)

    def _run(self) -> None:
        with Publisher(parse_broker_url(settings.MQTT_GATEWAY_URL)) as publisher:
            while not self._stop.wait(0.005):
                publish(publisher, self._thing, range(self.published, self.published + 1))
                self.published += 1


def stored_by(slot: int) -> int:
    return sum(IngestStatus.objects.filter(slot=slot).values_list("stored", flat=True))


def test_one_then_three_then_one_worker_by_the_setting_loses_and_strands_nothing(
    sessions: Sessions, publisher: Publisher
) -> None:
    datastream = make_datastream("under-load")
    make_datastream("before")
    with contextlib.ExitStack() as stack:
        with service(sessions, workers=1):
            # Who is not there yet is sent nothing.
            wait_for(lambda: publish(publisher, "before", range(1)) or stored_by(0), "the first worker")
            load = stack.enter_context(Load("under-load"))
            wait_for(lambda: stored_by(0) > 1, "a reading under load")
        with service(sessions, workers=3):
            wait_for(lambda: all(stored_by(slot) for slot in (1, 2, 3)), "three workers that store")
            assert in_use() == {1, 2, 3}
        alone = stored_by(0)
        with service(sessions, workers=1):
            wait_for(lambda: in_use() == {0} and stored_by(0) > alone, "one worker again")
            load.stop()
            wait_for(
                lambda: Observation.objects.filter(datastream=datastream).count() == load.published, "every reading"
            )
    assert load.published > 100
    assert sum(stored_by(slot) for slot in range(4)) == load.published + 1
    assert [has_session(sessions, slot) for slot in range(4)] == [True, False, False, False]


def children(process: "subprocess.Popen[bytes]") -> set[int]:
    return {int(each) for each in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()}


def has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_worker_that_is_killed_is_started_again_and_loses_nothing(sessions: Sessions, publisher: Publisher) -> None:
    thing = make_datastream().thing.slug
    with service(sessions, "--workers", "2") as process:
        wait_for(lambda: publish(publisher, thing, range(1)) or in_use() == {1, 2}, "two workers")
        wait_for(lambda: IngestStatus.objects.filter(stored__gt=0).exists(), "a stored reading")
        killed = min(children(process))
        os.kill(killed, signal.SIGKILL)
        publish(publisher, thing, range(1, 101))
        wait_for(lambda: len(children(process) - {killed}) == 2, "another in its place")
        wait_for(lambda: Observation.objects.count() == 101, "every reading")
        everybody = children(process)
    assert all(has_ended(pid) for pid in everybody)


def test_a_worker_ends_with_the_process_that_started_it(sessions: Sessions) -> None:
    with service(sessions, "--slot", "0", "--until-eof") as process:
        wait_for(lambda: in_use() == {0}, "the worker")
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60) == 0


# Watching over them.

HEEDS_NOTHING = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
)


@contextlib.contextmanager
def supervising(script: str, tmp_path: Path) -> Iterator[Path]:
    """Children that write into a file of their slot; leaving stops them."""
    stopping = Stopping()
    command = ["sh", "-c", 'echo $$ >> "$0"; exec "$1" -c "$2" >> "$0"', str(tmp_path / "said"), sys.executable, script]
    thread = threading.Thread(target=supervision.supervise, args=([1], lambda slot: command, stopping))
    thread.start()
    try:
        wait_for((tmp_path / "said").exists, "the first child")
        yield tmp_path / "said"
    finally:
        stopping.ask()
        thread.join(60)
        assert not thread.is_alive()


def test_a_child_that_ends_is_followed_by_another_after_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervision, "PAUSE_FIRST_S", 0.01)
    with supervising("raise SystemExit(3)", tmp_path) as said:
        wait_for(lambda: len(said.read_text().split()) >= 3, "a third child")
    assert "the worker of slot 1 ended with 3; another one in 0 s" in caplog.text


def test_a_child_that_does_not_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervision, "STOPS_WITHIN_S", 0.2)
    with supervising(HEEDS_NOTHING, tmp_path) as said:
        wait_for(lambda: "deaf" in said.read_text(), "a child that ignores SIGTERM")
        pid = int(said.read_text().split()[0])
    assert has_ended(pid)
    assert "does not end and is killed" in caplog.text
