"""A stage of its own for each fault: real servers that may be killed, a real worker process, and load that goes on meanwhile."""

import contextlib
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import psycopg2
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from sensors.ingest.broker_url import parse_broker_url
from sensors.ingest.publisher import Publisher
from server.run.private import PrivateServers
from tests.servers import private_servers
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
THINGS = 50
T0 = 1_772_337_600  # 2026-03-01T04:00:00Z
PATIENCE_S = 60.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)
            item.add_marker(pytest.mark.xdist_group("faults"))


def reading(number: int) -> tuple[str, str]:
    """The topic and payload of one reading: every number has a key of its own, and its result is the number."""
    return f"sensors/load-{number % THINGS}/pm25", f'{{"result": {number}, "phenomenon_time": {T0 + number // THINGS}}}'


Messages = Callable[[int], Sequence[tuple[str, str]]]


def alone(number: int) -> Sequence[tuple[str, str]]:
    return (reading(number),)


class Load:
    """Readings 0 … count-1 published from a thread at a steady rate, each by the messages that `make` gives for it.

    `acknowledged` is how many messages the broker has answered for.
    """

    def __init__(self, url: str, count: int, rate: float, make: Messages = alone) -> None:
        self.count = count
        self.messages = sum(len(make(number)) for number in range(count))
        self._make = make
        self._rate = rate
        self._publisher = Publisher(parse_broker_url(url), patience_s=PATIENCE_S)
        self._flows = threading.Event()
        self._flows.set()
        self._thread = threading.Thread(target=self._run)
        self._error: BaseException | None = None

    @property
    def acknowledged(self) -> int:
        return self._publisher.acknowledged

    def start(self) -> None:
        self._thread.start()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is published while this lasts: for what takes long to start."""
        self._flows.clear()
        try:
            yield
        finally:
            self._flows.set()

    def finish(self) -> None:
        """Waits until the broker has answered for everything."""
        self._thread.join(2 * PATIENCE_S)
        assert not self._thread.is_alive()
        if self._error:
            raise self._error
        assert self.acknowledged == self.messages

    def _run(self) -> None:
        try:
            with self._publisher as publisher:
                started = time.monotonic()
                for number in range(self.count):
                    if number % 50 == 0:
                        self._flows.wait(PATIENCE_S)
                        time.sleep(max(0.0, started + number / self._rate - time.monotonic()))
                    for message in self._make(number):
                        publisher.publish(*message)
        except BaseException as error:
            self._error = error


class Stage:
    """The servers, the workers that were started, and what lies in the database."""

    def __init__(self, servers: PrivateServers) -> None:
        self.servers = servers
        self.environment = servers.variables()
        self._workers: list[subprocess.Popen[bytes]] = []

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def connect(self) -> Any:
        return psycopg2.connect(self.servers.cluster.dsn)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        connection = self.connect()
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def stored(self) -> int:
        return int(self.ask("SELECT count(*) FROM sensors_observation")[0][0])

    def start(self, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        """A process of the service; it ends with the test."""
        log = (self.servers.home.logs / f"{command[0].removesuffix('_mqtt')}.log").open("ab")
        with log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", *command],
                cwd=ROOT,
                env=self.environment | environment,
                stdout=log,
                stderr=log,
            )
        self._workers.append(process)
        return process

    def start_worker(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        return self.start("ingest_mqtt", *arguments, **environment)

    def start_subscribed_worker(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """A worker whose session is there: the first of a test, before anything is published."""
        (worker,) = self.start_subscribed_workers(arguments, **environment)
        return worker

    def start_subscribed_workers(self, *each: Sequence[str], **environment: str) -> list[subprocess.Popen[bytes]]:
        """Several at once, by the arguments of each."""
        before = self.worker_log().count("connected to")
        workers = [self.start_worker(*arguments, **environment) for arguments in each]
        wait_for(
            lambda: (
                any(worker.poll() is not None for worker in workers)
                or self.worker_log().count("connected to") >= before + len(workers)
            ),
            "the workers' connections",
        )
        assert all(worker.poll() is None for worker in workers), self.worker_log()[-2000:]
        return workers

    def worker_log(self) -> str:
        path = self.servers.home.logs / "ingest.log"
        return path.read_text() if path.exists() else ""

    @contextlib.contextmanager
    def batch_under_way(self, table: str) -> Iterator[None]:
        """While this lasts, a worker stands in the middle of its transaction: a batch delivered, not committed, not
        acknowledged."""
        holder = self.connect()
        try:
            with holder.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
            wait_for(lambda: self.ask(waiting.replace("%s", f"'{table}'"))[0][0], "a batch under way")
            yield
        finally:
            with contextlib.suppress(psycopg2.Error):
                holder.rollback()
            holder.close()

    def check_everything_is_there(self, load: Load, *, quarantined: int = 0) -> None:
        """Stored equals published, reading by reading."""
        load.finish()
        wait_for(lambda: self.stored() >= load.count, f"the last of {load.count} readings (now {self.stored()})")
        ((count, numbers, total),) = self.ask(
            "SELECT count(*), count(DISTINCT result), sum(result) FROM sensors_observation"
        )
        assert (count, numbers, total) == (load.count, load.count, load.count * (load.count - 1) / 2)
        assert self.ask("SELECT count(*) FROM sensors_rejectedmessage") == [(quarantined,)]

    def kill_workers(self) -> None:
        for worker in self._workers:
            worker.kill()
            worker.wait()
        self._workers.clear()


def allow_many_files() -> int:
    """Raises this process's bound on open files, and with it that of the servers it starts; what it is now."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServers]:
    allow_many_files()
    with private_servers("faults") as opened:
        stage = Stage(opened)
        stage.manage("migrate", "--verbosity", "0")
        things = tmp_path_factory.mktemp("faults") / "things.csv"
        rows = "".join(f"load-{number},Load {number},106.9,-6.3\n" for number in range(THINGS))
        things.write_text("slug,name,lon,lat\n" + rows)
        properties = ROOT / "fixtures/bekasi/observed_properties.json"
        stage.manage(
            *("import_things", str(things), "--map", "slug=slug,name=name,lon=lon,lat=lat"),
            *("--observed-properties", str(properties), "--default-property", "pm25", "--unit", "ug/m3"),
        )
        yield opened


@pytest.fixture
def stage(servers: PrivateServers) -> Iterator[Stage]:
    """The servers at work, nothing stored, nothing queued, no worker."""
    stage = Stage(servers)
    stage.ask(
        "TRUNCATE sensors_observation, sensors_hourlyrollup, sensors_dirtyhour, sensors_rejectedmessage,"
        " sensors_ingeststatus, sensors_journalentry, sensors_bookmark"
    )
    yield stage
    servers.postgres.start()
    servers.mosquitto.start()
    assert servers.cluster.wait_ready()
    assert servers.broker.wait_ready()
    stage.kill_workers()
    for client_id in ("pantau-ingest", *(f"pantau-ingest-{slot}" for slot in (1, 2, 3))):
        _end_session(servers, client_id)


def _end_session(servers: PrivateServers, client_id: str) -> None:
    """Ends a worker's session at the broker, and with it what a failed test may have left in its queue."""
    url = parse_broker_url(servers.broker.url)
    gone = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True)
    client.on_connect = lambda *_: gone.set()
    url.prepare(client)
    client.connect(url.host, url.port)
    client.loop_start()
    assert gone.wait(PATIENCE_S)
    client.disconnect()
    client.loop_stop()
