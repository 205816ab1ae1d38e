"""Hourly rollups: exact after each refresh, whatever came late, twice or was taken away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import connection, transaction

from server.core.sql import load_queries

_SQL = load_queries(Path(__file__).parent / "queries.sql")
# Marks taken in one transaction: some seconds of work at most, and little enough to be fetched and sent again.
MARKS_PER_ROUND = 100_000


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How many hours a round recomputed; `is_busy` when another refresher held the lock and nothing was done."""

    hours: int = 0
    is_busy: bool = False


def refresh_rollups(*, limit: int = MARKS_PER_ROUND) -> Refreshed:
    """One round: takes up to `limit` dirty marks and recomputes their hours, in one READ COMMITTED transaction.

    The marks are deleted in one statement and the hours recomputed in a later one. A writer's mark and its rows become
    visible together; if they do so between the two statements, the rows are counted now and the mark makes it be done
    again. Were it one statement, or a snapshot of the whole transaction, a mark could be taken whose rows are not seen.
    One refresher works at a time: two would recompute the same hour from different snapshots, and the older could win.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('sensors.rollups'))")
        if not cursor.fetchone()[0]:
            return Refreshed(is_busy=True)
        cursor.execute(_SQL.take_dirty_hours, {"limit": limit})
        hours = cursor.fetchall()
        if hours:
            _recompute(hours)
    return Refreshed(hours=len(hours))


def _recompute(hours: Sequence[tuple[int, datetime]]) -> None:
    parameters = {
        "datastream_ids": "{" + ",".join(str(datastream_id) for datastream_id, _ in hours) + "}",
        "hours": "{" + ",".join(hour.isoformat() for _, hour in hours) + "}",
    }
    with connection.cursor() as cursor:
        cursor.execute(_SQL.recompute_hours, parameters)


def refresh_all_rollups(*, limit: int = MARKS_PER_ROUND) -> int:
    """Rounds until no mark is left; the number of hours recomputed. A busy round by another refresher ends it."""
    total = 0
    while (round_ := refresh_rollups(limit=limit)).hours:
        total += round_.hours
    return total


def mark_everything_dirty() -> int:
    """Marks every hour there is, for a recount of all rollups; the number of marks."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL.mark_everything_dirty)
        return int(cursor.rowcount)
