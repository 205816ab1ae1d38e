"""The journal: what each transaction did to observations, in the order of commits, kept for a while.

Whoever has to know what is new (quality checks, silence, thresholds, the live stream) reads it, and so finds late readings as
well as those of now, without a look at the observations themselves.

An entry carries the number of its transaction. A number below the oldest transaction still open (`pg_snapshot_xmin`) can come
to be seen no more, so that entries read in the order (transaction, id) up to there are read once each, none passed over. What
it costs: a long transaction that writes anything, anywhere in the database, holds the readers back until it ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

from django.db import connection

from server.core.sql import load_queries

_SQL = load_queries(Path(__file__).parent / "journal.sql")


class Kind(IntEnum):
    """What was done: new observations stored, stored ones changed (their result or their quality), or deleted."""

    STORED = 0
    CHANGED = 1
    DELETED = 2


class Position(NamedTuple):
    """Up to where the journal was read. Written `xid-id`."""

    xid: int = 0
    id: int = 0

    def __str__(self) -> str:
        return f"{self.xid}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Errors: ValueError for what `str` does not write."""
        xid, _, number = text.partition("-")
        if not (xid.isascii() and xid.isdigit() and number.isascii() and number.isdigit() and len(text) <= 40):
            raise ValueError(f"not a position: {text[:40]!r}")
        return cls(int(xid), int(number))


@dataclass(frozen=True, slots=True)
class Entry:
    """What one transaction did. Parallel lists; times in microseconds since 1970; of what was deleted, what it was."""

    position: Position
    kind: Kind
    written_at: datetime
    datastream_ids: list[int]
    phenomenon_us: list[int]
    results: list[float]
    qualities: list[int]


class Row(NamedTuple):
    """One observation as `record` takes it."""

    datastream_id: int
    phenomenon_us: int
    result: float
    quality: int


def record(kind: Kind, rows: Sequence[Row]) -> None:
    """Writes an entry in the caller's transaction, which is the one that did it. New observations have theirs by the writer."""
    if not rows:
        return
    ids, times, results, qualities = (list(column) for column in zip(*rows, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            _SQL.record_entry,
            {
                "kind": kind.value,
                "datastream_ids": ids,
                "phenomenon_times": times,
                "results": results,
                "qualities": qualities,
            },
        )


def entries_after(position: Position, *, until: Position | None = None, limit: int = 100) -> list[Entry]:
    """The oldest entries after a position (and not after `until`), at most `limit`, in the order of commits."""
    until = until or Position(2**62, 2**62)
    with connection.cursor() as cursor:
        cursor.execute(_SQL.entries_after, {"after": tuple(position), "until": tuple(until), "limit": limit})
        return [
            Entry(Position(xid, id_), Kind(kind), written_at, ids, times, results, qualities)
            for xid, id_, kind, written_at, ids, times, results, qualities in cursor.fetchall()
        ]


def latest_position() -> Position:
    """The end of the journal as it can be read now."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL.latest_position)
        found = cursor.fetchone()
    return Position(*found) if found else Position()


def forget_before(moment: datetime) -> int:
    """Drops the entries written before; how many. Whoever calls it sees to it that nobody waits for them."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL.forget_before, {"moment": moment})
        return int(cursor.rowcount)


def settle_after_restore() -> bool:
    """True where the database was restored into another cluster, whose transactions are numbered anew, and this was mended.

    Entries and bookmarks would lie in the future then, and nobody would read on. They are given the oldest number; their own
    order stays.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SQL.renumber_entries)
        changed = int(cursor.rowcount)
        cursor.execute(_SQL.renumber_bookmarks)
        return bool(changed + int(cursor.rowcount))


KEPT = timedelta(hours=24)
