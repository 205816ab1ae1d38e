"""Whatever is killed, each message of the outbox arrives, and none is repeated but what was on its way at that moment."""

import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.faults.conftest import PATIENCE_S, ROOT, Stage
from tests.receiver import Answer, Received, Receiver
from tests.waiting import wait_for

COUNT = 500
THREADS = 4
DESTINATIONS = 10


class Gate:
    """A receiver's answers: it holds back those from the n-th on, until that is moved. So a fault falls between a message's
    arrival and the note of it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._asked = 0
        self._closes_at = 0
        self.held = 0

    def move(self, closes_at: int) -> None:
        with self._changed:
            self._closes_at = closes_at
            self._changed.notify_all()

    def __call__(self, _request: Received) -> Answer:
        with self._changed:
            self._asked += 1
            number = self._asked
            self.held += 1
            self._changed.wait_for(lambda: number < self._closes_at, PATIENCE_S)
            self.held -= 1
        return Answer()


class Delivery:
    """Five hundred messages, the receiver of all of them, and the process that sends them."""

    def __init__(self, stage: Stage, receiver: Receiver, gate: Gate) -> None:
        self.stage = stage
        self.receiver = receiver
        self.gate = gate
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = self.stage.environment | {
            "DJANGO_SETTINGS_MODULE": "tests.faults.probe_settings",
            "PANTAU_OUTBOUND_ALLOW": "127.0.0.1/32",
        }
        with (self.stage.servers.home.logs / "deliver.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "deliver", "--threads", str(THREADS)],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )

    def wait_until_held(self) -> None:
        """Every thread has a message on its way, which has arrived and is not answered."""
        wait_for(lambda: self.gate.held == THREADS, "a message on its way in every thread")

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def delivered(self) -> int:
        return int(self.stage.ask("SELECT count(*) FROM geo_outboxmessage WHERE state = 'delivered'")[0][0])

    def arrivals(self) -> Counter[str]:
        return Counter(request.headers["x-pantau-delivery"] for request in self.receiver.received)

    def check_all_arrived(self, *, most_repeats: int) -> None:
        wait_for(lambda: self.delivered() == COUNT, "the last message")
        arrivals = self.arrivals()
        keys = {str(key) for (key,) in self.stage.ask("SELECT key FROM geo_outboxmessage")}
        assert set(arrivals) == keys
        assert len(keys) == COUNT
        repeats = sum(arrivals.values()) - COUNT
        print(f"{COUNT} messages, {repeats} repeated")
        assert 0 < repeats <= most_repeats


@pytest.fixture
def delivery(stage: Stage) -> Iterator[Delivery]:
    gate = Gate()
    with Receiver(gate) as receiver:
        stage.ask("TRUNCATE geo_outboxmessage, geo_deliveryattempt, geo_destination")
        stage.ask(
            "INSERT INTO geo_outboxmessage (key, transport, destination, ordering_key, topic, payload, state, attempts, "
            "created_at, next_attempt_at, last_error) "
            f"SELECT gen_random_uuid(), 'probe', 'probe:' || n % {DESTINATIONS}, '', 'status', "
            f"jsonb_build_object('url', '{receiver.url}'), 'pending', 0, now(), now(), '' "
            f"FROM generate_series(1, {COUNT}) n"
        )
        opened = Delivery(stage, receiver, gate)
        yield opened
        gate.move(10**9)
        opened.kill()


def test_a_worker_killed_three_times_loses_nothing_and_repeats_only_what_was_on_its_way(delivery: Delivery) -> None:
    for closes_at in (100, 200, 300):
        delivery.gate.move(closes_at)
        delivery.start()
        delivery.wait_until_held()
        delivery.kill()
        delivery.gate.move(10**9)
        wait_for(lambda: delivery.gate.held == 0, "the end of the held answers")
    delivery.start()
    delivery.check_all_arrived(most_repeats=3 * THREADS)


def test_a_database_stopped_at_once_and_started_again_is_waited_for(delivery: Delivery) -> None:
    delivery.gate.move(200)
    delivery.start()
    delivery.wait_until_held()
    servers = delivery.stage.servers
    servers.postgres.stop(signal.SIGQUIT)
    delivery.gate.move(10**9)
    log = servers.home.logs / "deliver.log"
    wait_for(lambda: "the database is away" in log.read_text(), "a word of the worker's")
    assert delivery.is_running(), "the worker ended, where it should have waited"
    servers.postgres.start()
    assert servers.cluster.wait_ready()
    delivery.check_all_arrived(most_repeats=THREADS)


def test_a_worker_that_is_told_to_stop_notes_what_was_on_its_way_and_repeats_nothing(delivery: Delivery) -> None:
    delivery.gate.move(150)
    delivery.start()
    delivery.wait_until_held()
    assert delivery.process
    delivery.process.terminate()
    delivery.gate.move(10**9)
    assert delivery.process.wait(20) == 0
    assert delivery.delivered() == len(delivery.receiver.received) == sum(delivery.arrivals().values())
    delivery.start()
    wait_for(lambda: delivery.delivered() == COUNT, "the last message")
    assert len(delivery.receiver.received) == COUNT
