"""One batch of messages into the database, in one transaction: observations, quarantine and counts together."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from django.db import DataError, IntegrityError, connection, transaction

from sensors.ingest.batch import Batch, Message, Quarantined, build_batch, settle
from sensors.ingest.counts import count_quarantined
from sensors.ingest.decoders import Rejection
from sensors.ingest.models import IngestStatus
from sensors.ingest.pending.noting import keep_and_note
from sensors.ingest.reasons import Reason
from sensors.ingest.snapshot import RegistrySnapshot
from sensors.observations.columns import Columns, microseconds, time_at
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import Written, write_new_observations, write_observations
from server.core.sql import load_queries

_SQL = load_queries(Path(__file__).parent / "counts.sql")
# From how many rows on a batch is taken for all new; and for how many of those, once one was not, no longer.
MANY, WARY_BATCHES = 1_000, 100

Keep = Callable[[Sequence[Message], Sequence[Quarantined]], Counter[str]]
"""Puts into quarantine what is rejected; how many lie there because of this, by reason. The others lay there before."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the readings: received = stored + repeated + quarantined + ignored."""

    stored: int = 0
    repeated: int = 0
    quarantined: int = 0
    ignored: int = 0

    @property
    def received(self) -> int:
        return self.stored + self.repeated + self.quarantined + self.ignored

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(
            self.stored + other.stored,
            self.repeated + other.repeated,
            self.quarantined + other.quarantined,
            self.ignored + other.ignored,
        )


class Store:
    """Writes batches, and remembers between them what the registry and the partitions are.

    `slot` is the worker slot whose counts are kept in the same transactions; None keeps no counts.
    `keep` is given the messages of a transaction and what of them is rejected, within it; by default they go into quarantine,
    and unknown devices are noted.
    """

    def __init__(self, slot: int | None = None, keep: Keep = keep_and_note) -> None:
        self.slot = slot
        self._keep = keep
        self.registry = RegistrySnapshot()
        self._months: set[date] = set()
        self._wary = 0

    def refresh(self) -> None:
        self.registry.reload()
        self._months.clear()

    def store(self, messages: Sequence[Message]) -> Outcome:
        """Stores a batch; after it returns, everything is committed and may be acknowledged.

        A value that the database refuses (which the decoders should have caught) is found by halving the batch and put into
        quarantine alone, so that it can never block those behind it.
        Errors: those of a database that is away or busy; nothing is committed then, and the batch may be tried again.
        """
        if not messages:
            return Outcome()
        try:
            return self._store_once(messages)
        except (DataError, IntegrityError) as error:
            self._months.clear()  # a partition may have been taken away under us
            if len(messages) > 1:
                middle = len(messages) // 2
                # Not self.store: a store that judges messages first has judged these.
                return Store.store(self, messages[:middle]) + Store.store(self, messages[middle:])
            return self._store_refused(messages[0], error)

    def _store_once(self, messages: Sequence[Message]) -> Outcome:
        now = datetime.now(UTC)
        batch = build_batch(messages, self.registry.things, now=now, decode=self.registry.decode)
        if batch.unknown_things and self.registry.look_up(batch.unknown_things):
            batch = build_batch(messages, self.registry.things, now=now, decode=self.registry.decode)
        missing = batch.columns.months() - self._months
        if missing:
            ensure_partitions(missing)
            self._months |= missing
        if len(batch.columns) >= MANY and not any(message.redelivered for message in messages):
            # A backlog. Whether each row is there already is looked up only while readings do come twice.
            if not self._wary:
                try:
                    return self._commit(batch, write_new_observations)
                except IntegrityError:
                    self._wary = WARY_BATCHES
            self._wary -= 1
        return self._commit(batch, write_observations)

    def _commit(self, batch: Batch, write: Callable[[Columns], Written]) -> Outcome:
        with transaction.atomic():
            written = write(batch.columns)
            repeated, conflicts = settle(batch, {each.row: each.stored_result for each in written.conflicts})
            rejected = batch.quarantined + conflicts
            kept = self._keep(batch.messages, rejected)
            known = len(rejected) - kept.total()
            outcome = Outcome(written.stored, written.repeated + repeated + known, kept.total(), batch.ignored)
            self._count(outcome, batch.messages, kept, stored=batch.columns if written.stored else None)
        return outcome

    def _store_refused(self, message: Message, error: Exception) -> Outcome:
        # A retry with the partition made anew first: only what is refused twice is to blame itself.
        try:
            return self._store_once([message])
        except (DataError, IntegrityError):
            pass
        sentence = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        rejection = Rejection(message.topic, message.payload, Reason.NOT_STORABLE, sentence)
        with transaction.atomic():
            kept = self._keep([message], [Quarantined(0, rejection)])
            outcome = Outcome(repeated=1 - kept.total(), quarantined=kept.total())
            self._count(outcome, [message], kept)
        return outcome

    def _count(
        self,
        outcome: Outcome,
        messages: Sequence[Message],
        kept: Mapping[str, int],
        counted_only: Mapping[str, int] = {},
        *,
        stored: Columns | None = None,
    ) -> None:
        """In the transaction that did it. `counted_only` are quarantined, and nothing is kept of them but their number."""
        if self.slot is None:
            return
        now_us = microseconds(datetime.now(UTC))
        newest = time_at(min(now_us, max(stored.phenomenon_us))) if stored else None
        lag_s = max(0.0, (now_us - messages[0].received_us) / 1_000_000)
        count_outcome(self.slot, outcome, lag_s=lag_s, newest=newest)
        count_quarantined(self.slot, kept, counted_only)


def again(messages: Sequence[Message]) -> list[Message]:
    """The same messages, for another try after an error that leaves open whether the first was committed."""
    return [replace(message, redelivered=True) for message in messages]


def count_outcome(slot: int, outcome: Outcome, *, lag_s: float | None = None, newest: datetime | None = None) -> None:
    """Adds to a slot's counts, in the transaction whose work they count."""
    counts = {name: getattr(outcome, name) for name in ("received", "stored", "repeated", "quarantined", "ignored")}
    with connection.cursor() as cursor:
        cursor.execute(_SQL.count_outcome, {**counts, "slot": slot, "lag_s": lag_s, "newest": newest})


def open_status(slot: int) -> None:
    """The slot's row, made at its first start; the counts go on over restarts."""
    IngestStatus.objects.update_or_create(slot=slot, defaults={"started_at": datetime.now(UTC)})


def note_lost_session(slot: int) -> None:
    IngestStatus.objects.filter(slot=slot).update(session_lost_at=datetime.now(UTC))
