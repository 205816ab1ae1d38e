"""What a worker counts besides readings: kept in its memory, written every few seconds, so that a batch costs nothing more.

Readings are counted in the transaction that stores them (sensors.ingest.store): those counts are exact. These are not: a worker
that is killed forgets what it counted in its last seconds.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import connection

from sensors.ingest.models import BATCH_MESSAGES_BOUNDS, BATCH_SECONDS_BOUNDS, IngestStatus
from server.core.sql import load_queries

_SQL = load_queries(Path(__file__).parent / "counts.sql")
_RUNNING_ON = ("acknowledged", "returned", "dropped", "batches", "batch_messages", "batch_seconds")


def _no_messages() -> list[int]:
    return [0] * (len(BATCH_MESSAGES_BOUNDS) + 1)


def _no_seconds() -> list[int]:
    return [0] * (len(BATCH_SECONDS_BOUNDS) + 1)


@dataclass(slots=True)
class WorkerCounts:
    """What IngestStatus says of these, for one slot. Written whole, never added: what is written twice counts once."""

    acknowledged: int = 0
    returned: int = 0
    dropped: int = 0
    batches: int = 0
    batch_messages: int = 0
    batch_seconds: float = 0.0
    by_messages: list[int] = field(default_factory=_no_messages)
    by_seconds: list[int] = field(default_factory=_no_seconds)

    def resume(self, slot: int) -> None:
        """Goes on from where the slot's last worker ended."""
        status = IngestStatus.objects.get(slot=slot)
        for name in _RUNNING_ON:
            setattr(self, name, getattr(status, name))
        # A version with other bounds counts its histograms anew.
        if status.by_messages and len(status.by_messages) == len(self.by_messages):
            self.by_messages = list(status.by_messages)
        if status.by_seconds and len(status.by_seconds) == len(self.by_seconds):
            self.by_seconds = list(status.by_seconds)

    def add_batch(self, messages: int, seconds: float) -> None:
        """A batch that was committed, and how long that took."""
        self.batches += 1
        self.batch_messages += messages
        self.batch_seconds += seconds
        self.by_messages[bisect_left(BATCH_MESSAGES_BOUNDS, messages)] += 1
        self.by_seconds[bisect_left(BATCH_SECONDS_BOUNDS, seconds)] += 1

    def add_acknowledged(self, acknowledged: int, *, of: int) -> None:
        """Messages handed to the connection for acknowledgement, of all that asked for one; the others come again."""
        self.acknowledged += acknowledged
        self.returned += of - acknowledged

    def columns(self) -> dict[str, Any]:
        """As IngestStatus names them."""
        running_on = {name: getattr(self, name) for name in _RUNNING_ON}
        return running_on | {"by_messages": list(self.by_messages), "by_seconds": list(self.by_seconds)}


@dataclass(frozen=True, slots=True)
class Now:
    """How a worker stands at this moment: what waits in its memory, since when the oldest does, and what it hears of the broker."""

    waiting: int
    oldest_waiting_at: datetime | None
    is_connected: bool
    broker: Mapping[str, float]


def note(slot: int, counts: WorkerCounts, now: Now) -> None:
    """Writes both into the slot's row: one update by its key, which is also the sign that the worker lives."""
    IngestStatus.objects.filter(slot=slot).update(
        **counts.columns(),
        waiting=now.waiting,
        oldest_waiting_at=now.oldest_waiting_at,
        is_connected=now.is_connected,
        broker=dict(now.broker) or None,
        noted_at=datetime.now(UTC),
    )


def count_quarantined(slot: int, kept: Mapping[str, int], counted_only: Mapping[str, int]) -> None:
    """Adds to the slot's counts by reason, in the transaction whose work they count.

    `kept` lie in quarantine as rows, of `counted_only` nothing is kept but their number. Called after the slot's own row was
    updated, whose lock keeps two of them apart.
    """
    reasons = sorted({*kept, *counted_only})
    if not reasons:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _SQL.count_quarantined,
            {
                "slot": slot,
                "reasons": [str(reason) for reason in reasons],
                "kept": [kept.get(reason, 0) for reason in reasons],
                "counted_only": [counted_only.get(reason, 0) for reason in reasons],
            },
        )
