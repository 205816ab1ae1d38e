"""Where `bench.ingest` plays: servers of the run's own, a publisher, and each client as a process of its own."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bench.flood import Flood
from bench.ingest_messages import CITY_PROPERTIES, CITY_THINGS, PROPERTIES, Messages, city, now
from sensors.ingest.broker_url import parse_broker_url
from sensors.ingest.connection import BrokerLink, Delivery, LinkOptions
from sensors.ingest.topics import topic_filter
from server.run.private import PrivateServers

PATIENCE_S = 3_600
CLIENT_ID = "pantau-bench"


class Stage:
    """The servers with a registry of CITY_THINGS things."""

    def __init__(self, servers: PrivateServers) -> None:
        self._servers = servers
        self._environment = servers.variables() | {
            "PANTAU_LOG_LEVEL": "WARNING",
            "PANTAU_DEBUG": "0",
            # Counted as in use, and never reached: the loads come from few things.
            "PANTAU_DEVICE_RATE": "1000000000",
            "PANTAU_DEVICE_BURST": "1000000000",
        }
        self._url = parse_broker_url(servers.broker.url)
        self._published = 0

    def set_up(self) -> None:
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], env=self._environment, check=True)
        self._client("register")

    def drain(self, kind: str, count: int, make: Callable[[int, int], Messages], *, of: str = "msg") -> float:
        """Readings per second, from the first message received to the last one acknowledged. All wait in the queue before."""
        self._open_session()
        self._send(make(self._published, count))
        self._published += count
        answer = self._client(kind, count)
        self._end_session()
        rate = count / float(answer["seconds"])
        print(f"  {kind}: {count:,} in {answer['seconds']:.1f} s, {rate:,.0f} {of}/s", file=sys.stderr, flush=True)
        return rate

    def drain_shared(self, slots: Sequence[int], count: int, make: Callable[[int, int], Messages]) -> float:
        """Messages per second of workers that share the load, from the first one's first batch to the last one's last commit.

        They begin together, each with its share waiting in its own session.
        """
        for slot in slots:
            self._open_session(slot)
        self._send(make(self._published, count))
        self._published += count
        clients = [self._start("share", count, slot) for slot in slots]
        for each in clients:
            _wait_ready(each)
        for each in clients:
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
        answers = [self._answer(each) for each in clients]
        for slot in slots:
            self._end_session(slot)
        assert sum(answer["stored"] for answer in answers) == count, answers
        seconds = max(answer["last"] for answer in answers) - min(answer["first"] for answer in answers)
        shares = ", ".join(f"{answer['stored']:,}" for answer in answers)
        print(
            f"  {len(slots)} workers: {shares} in {seconds:.1f} s, {count / seconds:,.0f} msg/s",
            file=sys.stderr,
            flush=True,
        )
        return count / seconds

    def offer(self, kind: str, rate: int, seconds: int, code: str = PROPERTIES[0]) -> dict[str, Any]:
        """What the client answers after so many readings of their moment, published at a steady rate."""
        self._open_session()
        client = self._start(kind, rate * seconds)
        _wait_ready(client)
        flood = Flood(self._servers.broker.gateway_url)
        started = time.time() + 1.0  # its connection
        for number in range(rate * seconds):
            time.sleep(max(0.0, started + number / rate - time.time()))
            flood.send([now(number, code)])
        flood.finish()
        answer = self._answer(client)
        self._end_session()
        return answer

    def replay_city(self, minutes: int) -> dict[str, Any]:
        """What the client answers after a city's minutes, published as fast as the broker takes them."""
        self._open_session()
        client = self._start("city", minutes * CITY_THINGS * len(CITY_PROPERTIES))
        self._send(city(minutes))
        answer = self._answer(client)
        self._end_session()
        return answer

    def write(self, batches: int) -> dict[str, Any]:
        return self._client("write", batches)

    @contextmanager
    def refreshing(self) -> Iterator[None]:
        """The process that keeps the rollups, after what lay there is done: it is the load's own freshness that is asked for."""
        command = [sys.executable, "manage.py", "refresh_rollups"]
        subprocess.run(command, env=self._environment, stdout=sys.stderr, check=True)
        process = subprocess.Popen([*command, "--loop"], env=self._environment)
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)

    def _open_session(self, slot: int = 0) -> None:
        """Subscribes and leaves: what is published from now on waits."""
        link = BrokerLink(self._url, _options(slot), on_delivery=lambda delivery: None)
        link.start()
        assert link.subscribed.wait(30)
        link.stop()

    def _end_session(self, slot: int = 0) -> None:
        """Ends the session, so that the next one's queue holds nothing of this."""
        left: list[Delivery] = []
        link = BrokerLink(self._url, _options(slot, is_retiring=True), on_delivery=left.append)
        link.start()
        time.sleep(0.5)
        link.stop()
        assert not left, f"{len(left)} messages were left: the first {left[0]}, the last {left[-1]}"

    def _send(self, messages: Messages) -> None:
        flood = Flood(self._servers.broker.gateway_url)
        flood.send(messages)
        flood.finish()

    def _client(self, kind: str, count: int = 0, slot: int = 0) -> dict[str, Any]:
        return self._answer(self._start(kind, count, slot))

    def _start(self, kind: str, count: int = 0, slot: int = 0) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "bench.ingest_clients", kind, str(count), str(slot)]
        return subprocess.Popen(
            command, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def _answer(self, client: "subprocess.Popen[str]") -> dict[str, Any]:
        out, _ = client.communicate(timeout=PATIENCE_S)
        if client.returncode:
            raise RuntimeError(f"the client ended with {client.returncode}")
        answer: dict[str, Any] = json.loads(out or "{}")
        return answer


def _options(slot: int, *, is_retiring: bool = False) -> LinkOptions:
    client_id = f"{CLIENT_ID}-{slot}" if slot else CLIENT_ID
    return LinkOptions(client_id, topic_filter(slot), receive_maximum=20, is_retiring=is_retiring)


def _wait_ready(client: "subprocess.Popen[str]") -> None:
    assert client.stdout is not None
    assert client.stdout.readline() == "ready\n", "a client did not get ready"
