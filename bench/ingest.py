"""Broker to committed row, at QoS 1, against two baselines of the same run: one insert and commit per message, and receiving
without storing.

Each drain is of messages that wait in the session's queue when the client connects. Servers of the run's own, durable as in
use (fsync on). Three drains each of storing and of receiving, the medians compared; the slow baseline drains fewer messages,
since its rate is what counts. Then the time from publishing to the commit at 1,000 messages a second offered.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from bench.flood import Flood
from server.run.private import PrivateServers

QUEUED = 200_000
QUEUED_FOR_ORM = 5_000
ROUNDS = 3
THINGS = 100
OFFERED_RATE = 1_000
OFFERED_S = 15
CLIENT_ID = "pantau-bench"
T0 = 1_772_337_600

# What is to be reached.
TIMES_ORM, SHARE_OF_RECEIVING, P50_MS = 10.0, 0.7, 20.0


def main() -> int:
    """0 when all three marks are reached."""
    with PrivateServers("bench-ingest", durable=True) as servers:
        bench = _Bench(servers)
        bench.set_up()
        receiving, storing = [], []
        for _ in range(ROUNDS):
            receiving.append(bench.drain("receive", QUEUED))
            storing.append(bench.drain("store", QUEUED))
        orm = bench.drain("orm", QUEUED_FOR_ORM)
        latencies_ms = bench.offer()
    received_per_s, stored_per_s = statistics.median(receiving), statistics.median(storing)
    p50_ms, p99_ms = statistics.median(latencies_ms), statistics.quantiles(latencies_ms, n=100)[98]
    print(f"one ORM insert and commit per message   {orm:>8,.0f} msg/s  ({QUEUED_FOR_ORM:,} queued)")
    print(f"receiving without storing               {received_per_s:>8,.0f} msg/s  {_each(receiving)}")
    print(f"ingest: received, stored, acknowledged  {stored_per_s:>8,.0f} msg/s  {_each(storing)}")
    marks = [
        (f"{stored_per_s / orm:.1f} times the ORM (at least {TIMES_ORM:g})", stored_per_s >= TIMES_ORM * orm),
        (
            f"{stored_per_s / received_per_s:.2f} of receiving (at least {SHARE_OF_RECEIVING:g})",
            stored_per_s >= SHARE_OF_RECEIVING * received_per_s,
        ),
        (
            f"published to committed at {OFFERED_RATE:,} msg/s: p50 {p50_ms:.1f} ms (under {P50_MS:g}), p99 {p99_ms:.1f} ms",
            p50_ms < P50_MS,
        ),
    ]
    for sentence, is_reached in marks:
        print(f"{'reached' if is_reached else 'MISSED '}  {sentence}")
    return 0 if all(is_reached for _, is_reached in marks) else 1


def _each(rates: Sequence[float]) -> str:
    return f"({', '.join(f'{rate:,.0f}' for rate in rates)}; {QUEUED:,} queued each)"


class _Bench:
    """The servers with a registry of `THINGS` things, and the client as a process of its own."""

    def __init__(self, servers: PrivateServers) -> None:
        self._servers = servers
        self._environment = servers.variables() | {"PANTAU_LOG_LEVEL": "WARNING", "PANTAU_DEBUG": "0"}
        self._published = 0

    def set_up(self) -> None:
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], env=self._environment, check=True)
        self._client("register")

    def drain(self, kind: str, count: int) -> float:
        """Messages per second, from the first one received to the last one acknowledged."""
        self._client("open-session")
        flood = Flood(self._servers.broker.gateway_url)
        flood.send(self._messages(count))
        flood.finish()
        answer = self._client(kind, str(count))
        self._client("end-session")
        rate = count / float(answer["seconds"])
        print(f"  {kind}: {count:,} in {answer['seconds']:.1f} s, {rate:,.0f} msg/s", file=sys.stderr, flush=True)
        return rate

    def offer(self) -> list[float]:
        """Milliseconds from publishing to the commit of each message, at the offered rate."""
        self._client("open-session")
        count = OFFERED_RATE * OFFERED_S
        client = self._start("latency", str(count))
        flood = Flood(self._servers.broker.gateway_url)
        started = time.time() + 2.0  # the client's start
        for number in range(count):
            time.sleep(max(0.0, started + number / OFFERED_RATE - time.time()))
            at = datetime.now(UTC).isoformat()
            topic = f"sensors/bench-{number % THINGS}/pm25"
            flood.send([(topic, f'{{"result": 1, "phenomenon_time": "{at}"}}'.encode())])
        flood.finish()
        latencies: list[float] = self._answer(client)["latencies_ms"]
        # The first second warms up: the imports of the first batch, the month's partition.
        return latencies[OFFERED_RATE:]

    def _messages(self, count: int) -> Iterator[tuple[str, bytes]]:
        """Each has a key that was never published before."""
        first = self._published
        self._published += count
        for number in range(first, first + count):
            topic = f"sensors/bench-{number % THINGS}/pm25"
            yield topic, b'{"result": %d.5, "phenomenon_time": %d}' % (number % 300, T0 + number // THINGS)

    def _client(self, *arguments: str) -> dict[str, Any]:
        return self._answer(self._start(*arguments))

    def _start(self, *arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "bench.ingest", *arguments]
        return subprocess.Popen(command, env=self._environment, stdout=subprocess.PIPE, text=True)

    def _answer(self, client: "subprocess.Popen[str]") -> dict[str, Any]:
        out, _ = client.communicate(timeout=900)
        if client.returncode:
            raise RuntimeError(f"the client ended with {client.returncode}")
        answer: dict[str, Any] = json.loads(out or "{}")
        return answer


def client(kind: str, count: int) -> dict[str, Any]:
    """What one client process does; Django is set up here and not in the process that measures."""
    import django

    django.setup()
    from bench.ingest_clients import CLIENTS
    from sensors.ingest.worker import prepare_process

    prepare_process()
    return CLIENTS[kind](CLIENT_ID, count, THINGS)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(main())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    print(json.dumps(client(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)))
