"""What the clients of `bench.ingest` do with a batch. Imported after Django is set up."""

import os
import time
from collections import Counter, deque
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from django.db import connection

from bench.ingest_messages import PROPERTIES
from sensors.ingest.batch import Message, build_batch
from sensors.ingest.floods.store import LimitedStore
from sensors.ingest.store import Outcome, Store
from sensors.observations.columns import time_at
from sensors.observations.models import HourlyRollup, Observation

Hour = tuple[int, datetime]

WATCHED_EVERY_S = 0.02
WATCHED_AT_MOST_S = 300.0


class DecodeOnly(Store):
    """The baseline of receiving: decoded, acknowledged, and not stored."""

    def refresh(self) -> None:
        pass

    def store(self, messages: Sequence[Message]) -> Outcome:
        return Outcome(stored=sum(len(message.decoded.readings) for message in messages if message.decoded))


class InsertEach(Store):
    """The baseline of the plain way: an ORM insert, and so a commit, per message."""

    def store(self, messages: Sequence[Message]) -> Outcome:
        columns = build_batch(messages, self.registry.things, now=datetime.now(UTC)).columns
        for row in range(len(columns)):
            Observation.objects.create(
                datastream_id=columns.datastream_ids[row],
                phenomenon_time=time_at(columns.phenomenon_us[row]),
                result=columns.results[row],
                received_at=time_at(columns.received_us[row]),
                quality=columns.qualities[row],
                time_source=columns.time_sources[row],
            )
        return Outcome(stored=len(columns))


class Timed(LimitedStore):
    """Stores as in use, and notes how old each reading is once its transaction is committed."""

    def __init__(self) -> None:
        super().__init__(slot=0)
        self.latencies_ms: list[float] = []

    def store(self, messages: Sequence[Message]) -> Outcome:
        outcome = super().store(messages)
        now = datetime.now(UTC)
        self.latencies_ms += [(now - _time(message)).total_seconds() * 1000 for message in messages]
        return outcome


class Shared(LimitedStore):
    """Stores as in use, and notes when its first batch began and its last one was committed, by the clock of all."""

    first: float | None = None
    last: float | None = None

    def store(self, messages: Sequence[Message]) -> Outcome:
        self.first = self.first or time.time()
        outcome = super().store(messages)
        self.last = time.time()
        return outcome


class Sized(LimitedStore):
    """Stores as in use, and notes how much memory the process has after a tenth of the readings, and after all of them."""

    def __init__(self, count: int) -> None:
        super().__init__(slot=0)
        self._expected = count
        self._received = 0
        self.early_bytes = self.late_bytes = 0

    def store(self, messages: Sequence[Message]) -> Outcome:
        outcome = super().store(messages)
        self._received += outcome.received
        if not self.early_bytes and self._received >= self._expected / 10:
            self.early_bytes = _resident_bytes()
        if self._received >= self._expected:
            self.late_bytes = _resident_bytes()
        return outcome


class Fresh(LimitedStore):
    """Stores as in use; beside it `watch` sees when the rollup counts what a batch has committed. One hour of each batch is
    watched: that of its last reading."""

    def __init__(self) -> None:
        super().__init__(slot=0)
        self.waits_s: list[float] = []
        self.is_done = False
        self._counts: Counter[Hour] = Counter()
        # Of each batch: when it was committed, the hour, and how many readings the hour had then.
        self._waiting: deque[tuple[float, Hour, int]] = deque()

    def store(self, messages: Sequence[Message]) -> Outcome:
        outcome = super().store(messages)
        committed_at = time.monotonic()
        hours = [self._hour(message) for message in messages]
        self._counts.update(hours)
        self._waiting.append((committed_at, hours[-1], self._counts[hours[-1]]))
        return outcome

    def watch(self) -> None:
        gives_up_at: float | None = None
        try:
            while self._waiting or not self.is_done:
                self._look()
                if self.is_done:
                    gives_up_at = gives_up_at or time.monotonic() + WATCHED_AT_MOST_S
                    assert time.monotonic() < gives_up_at, f"{len(self._waiting)} batches are in no rollup"
                time.sleep(WATCHED_EVERY_S)
        finally:
            connection.close()

    def _look(self) -> None:
        waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not waiting:
            return
        watched = {hour for _, hour, _ in waiting}
        rows = HourlyRollup.objects.filter(
            datastream_id__in={id_ for id_, _ in watched}, hour__gte=min(hour for _, hour in watched)
        ).values_list("datastream_id", "hour", "n")
        counted = {(id_, hour): n for id_, hour, n in rows}
        seen_at = time.monotonic()
        for committed_at, hour, count in waiting:
            if counted.get(hour, 0) >= count:
                self.waits_s.append(seen_at - committed_at)
            else:
                self._waiting.append((committed_at, hour, count))

    def _hour(self, message: Message) -> Hour:
        assert message.decoded is not None
        (reading,) = message.decoded.readings
        datastream = self.registry.things[reading.thing][PROPERTIES[-1]]
        return datastream.id, _time(message).replace(minute=0, second=0, microsecond=0)


def _time(message: Message) -> datetime:
    """Of its one reading."""
    assert message.decoded is not None
    (reading,) = message.decoded.readings
    assert reading.phenomenon_time is not None
    return reading.phenomenon_time.astimezone(UTC)


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
