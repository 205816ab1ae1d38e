"""Broker to committed row, at QoS 1, each figure against a baseline of the same run.

Storing against one insert and commit per message, and against receiving without storing; messages of ten properties against the
same readings alone; MQTT 3.1.1 against 5; three workers against one; a write with the journal's entry against one without.

Each drain is of messages that wait in the session's queue when the client connects. Servers of the run's own, durable as in
use (fsync on). Several drains each, in turns, the medians compared; the slow baseline drains fewer messages, since its rate is
what counts. Then the time from publishing to the commit, and from the commit to the hour's rollup, at 1,000 messages a second
offered; and a city's day as fast as it goes, with the worker's memory at its beginning and at its end.
"""

import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.ingest_messages import CITY_PROPERTIES, CITY_THINGS, PROPERTIES, alone, singles, together
from bench.ingest_stage import Stage
from server.run.private import PrivateServers

OFFERED_RATE = 1_000
SLOTS = (1, 2, 3)

# What is to be reached.
TIMES_ORM, SHARE_OF_RECEIVING, P50_MS = 10.0, 0.7, 20.0
TIMES_ALONE, OF_MQTT5, TIMES_ONE_WORKER = 1.5, 0.9, 1.2
FRESH_P50_S, FRESH_P99_S = 5.0, 15.0
MORE_MEMORY, JOURNAL_COSTS = 1.2, 1.3


@dataclass(frozen=True, slots=True)
class Size:
    """How much of it. Counts are of readings; a message of one property is one."""

    queued: int = 200_000
    queued_for_orm: int = 5_000
    rounds: int = 3
    offered_s: int = 15
    fresh_s: int = 60
    city_minutes: int = 24 * 60
    batches: int = 40


# Enough to see that everything runs; its figures say nothing.
SMOKE = Size(queued=2_000, queued_for_orm=100, rounds=1, offered_s=2, fresh_s=3, city_minutes=2, batches=2)

Mark = tuple[str, bool]


def main(arguments: Sequence[str]) -> int:
    """0 when all marks are reached, each printed as soon as it is known; of a smoke run, when everything ran."""
    if arguments not in ([], ["--smoke"]):
        print("usage: python -m bench.ingest [--smoke]", file=sys.stderr)
        return 2
    size = SMOKE if arguments else Size()
    missed = 0
    with PrivateServers("bench-ingest", durable=True) as servers:
        stage = Stage(servers)
        stage.set_up()
        for part in PARTS:
            for sentence, is_reached in part(stage, size):
                missed += not is_reached
                print(f"{'reached' if is_reached else 'MISSED '}  {sentence}", flush=True)
    if arguments:
        print("a smoke run: everything ran, and the figures say nothing")
        return 0
    return 1 if missed else 0


def storing(stage: Stage, size: Size) -> Iterator[Mark]:
    receiving, mqtt5, mqtt311 = [], [], []
    for _ in range(size.rounds):
        receiving.append(stage.drain("receive", size.queued, alone))
        mqtt5.append(stage.drain("store", size.queued, alone))
        mqtt311.append(stage.drain("store-3.1.1", size.queued, alone))
    orm = stage.drain("orm", size.queued_for_orm, alone)
    received, stored, stored_311 = map(statistics.median, (receiving, mqtt5, mqtt311))
    print(f"one ORM insert and commit per message   {orm:>8,.0f} msg/s  ({size.queued_for_orm:,} queued)")
    print(f"receiving without storing               {received:>8,.0f} msg/s  {_each(receiving, size)}")
    print(f"ingest: received, stored, acknowledged  {stored:>8,.0f} msg/s  {_each(mqtt5, size)}")
    print(f"the same by MQTT 3.1.1                  {stored_311:>8,.0f} msg/s  {_each(mqtt311, size)}")
    yield f"{stored / orm:.1f} times the ORM (at least {TIMES_ORM:g})", stored >= TIMES_ORM * orm
    yield (
        f"{stored / received:.2f} of receiving (at least {SHARE_OF_RECEIVING:g})",
        stored >= SHARE_OF_RECEIVING * received,
    )
    yield f"MQTT 3.1.1 at {stored_311 / stored:.2f} of MQTT 5 (at least {OF_MQTT5:g})", stored_311 >= OF_MQTT5 * stored


def latency(stage: Stage, size: Size) -> Iterator[Mark]:
    # The first second warms up: the imports of the first batch, the month's partition.
    latencies_ms = stage.offer("latency", OFFERED_RATE, size.offered_s)["latencies_ms"][OFFERED_RATE:]
    p50_ms, p99_ms = _p50_p99(latencies_ms)
    yield (
        f"published to committed at {OFFERED_RATE:,} msg/s: p50 {p50_ms:.1f} ms (under {P50_MS:g}), p99 {p99_ms:.1f} ms",
        p50_ms < P50_MS,
    )


def many_properties(stage: Stage, size: Size) -> Iterator[Mark]:
    one_each, ten_each = [], []
    for _ in range(size.rounds):
        one_each.append(stage.drain("store", size.queued, singles, of="readings"))
        ten_each.append(stage.drain("store", size.queued, together, of="readings"))
    each, ten = statistics.median(one_each), statistics.median(ten_each)
    print(f"a message for each reading              {each:>8,.0f} readings/s  {_each(one_each, size)}")
    print(f"a message for {len(PROPERTIES)} properties of a thing    {ten:>8,.0f} readings/s  {_each(ten_each, size)}")
    yield (
        f"messages of {len(PROPERTIES)} properties: {ten / each:.1f} times the readings (at least {TIMES_ALONE:g})",
        ten >= TIMES_ALONE * each,
    )


def several_workers(stage: Stage, size: Size) -> Iterator[Mark]:
    by_one, by_three = [], []
    for _ in range(size.rounds):
        by_one.append(stage.drain_shared(SLOTS[:1], size.queued, alone))
        by_three.append(stage.drain_shared(SLOTS, size.queued, alone))
    one, three = statistics.median(by_one), statistics.median(by_three)
    print(f"one worker of a shared subscription     {one:>8,.0f} msg/s  {_each(by_one, size)}")
    print(f"three of them                           {three:>8,.0f} msg/s  {_each(by_three, size)}")
    yield f"3 workers: {three / one:.2f} times one (at least {TIMES_ONE_WORKER:g})", three >= TIMES_ONE_WORKER * one


def freshness(stage: Stage, size: Size) -> Iterator[Mark]:
    with stage.refreshing():
        waits_s = stage.offer("fresh", OFFERED_RATE, size.fresh_s, PROPERTIES[-1])["waits_s"]
    p50_s, p99_s = _p50_p99(waits_s)
    yield (
        f"committed to counted in the hour's rollup at {OFFERED_RATE:,} msg/s: p50 {p50_s:.2f} s (under {FRESH_P50_S:g}), "
        f"p99 {p99_s:.2f} s (under {FRESH_P99_S:g}); {len(waits_s):,} batches",
        p50_s < FRESH_P50_S and p99_s < FRESH_P99_S,
    )


def city_day(stage: Stage, size: Size) -> Iterator[Mark]:
    answer = stage.replay_city(size.city_minutes)
    messages = size.city_minutes * CITY_THINGS
    readings = messages * len(CITY_PROPERTIES)
    early, late = answer["early_bytes"], answer["late_bytes"]
    print(
        f"{size.city_minutes:,} minutes of {CITY_THINGS} things with {len(CITY_PROPERTIES)} properties: {readings:,} readings in "
        f"{messages:,} messages, {answer['seconds']:.1f} s, {readings / answer['seconds']:,.0f} readings/s"
    )
    yield (
        f"the worker's memory: {early / 2**20:.0f} MiB after a tenth, {late / 2**20:.0f} MiB at the end, "
        f"{late / early:.2f} times (at most {MORE_MEMORY:g})",
        late <= MORE_MEMORY * early,
    )


def journal(stage: Stage, size: Size) -> Iterator[Mark]:
    seconds = stage.write(size.batches)
    ratio = seconds["with"] / seconds["without"]
    yield (
        f"a write with the journal's entry: {ratio:.2f} times one without (at most {JOURNAL_COSTS:g})",
        ratio <= JOURNAL_COSTS,
    )


PARTS: tuple[Callable[[Stage, Size], Iterator[Mark]], ...] = (
    storing,
    latency,
    many_properties,
    several_workers,
    freshness,
    city_day,
    journal,
)


def _p50_p99(values: Sequence[float]) -> tuple[float, float]:
    return statistics.median(values), statistics.quantiles(values, n=100)[98]


def _each(rates: Sequence[float], size: Size) -> str:
    return f"({', '.join(f'{rate:,.0f}' for rate in rates)}; {size.queued:,} readings queued each)"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
