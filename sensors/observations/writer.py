"""The one way in for observations: a batch in one statement, idempotent, the first writer wins."""

from dataclasses import dataclass
from pathlib import Path

from django.db import connection, transaction

from sensors.observations.columns import IMPLAUSIBLE, Columns
from server.core.sql import load_queries

_SQL = load_queries(Path(__file__).parent / "queries.sql")


class StoredRowVanished(RuntimeError):
    """The row that kept ours out was deleted before it could be compared: the batch is to be tried again."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A row whose key is stored with another result."""

    row: int
    stored_result: float


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch: len(columns) = stored + repeated + len(conflicts); implausible ones are among the stored."""

    stored: int = 0
    repeated: int = 0
    implausible: int = 0
    conflicts: tuple[Conflict, ...] = ()


def write_new_observations(columns: Columns) -> Written:
    """Stores what is all new, for two thirds of the database's work: it need not be ready for each row to be there.

    The months' partitions must exist. Errors: IntegrityError when an observation of these keys is stored already, or is being
    stored; the transaction can only be rolled back then, and `write_observations` tried.
    """
    if not columns:
        return Written()
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(_SQL.insert_new_observations, columns.parameters())
    return Written(stored=len(columns), implausible=columns.qualities.count(IMPLAUSIBLE))


def write_observations(columns: Columns) -> Written:
    """Stores what is new and marks its hours dirty, inside the caller's transaction (or one of its own).

    The months' partitions must exist (`partitions.ensure_partitions`).
    Errors: StoredRowVanished when a row was deleted in between; the database's own.
    """
    if not columns:
        return Written()
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(_SQL.insert_observations, columns.parameters())
        kept_out = [place - 1 for (place,) in cursor.fetchall()]
        new_ones = len(columns) - len(kept_out)
        implausible = columns.qualities.count(IMPLAUSIBLE) - sum(columns.qualities[row] for row in kept_out)
        if not kept_out:
            return Written(stored=new_ones, implausible=implausible)
        # A later statement: what another writer committed while ours waited for it is visible only now.
        cursor.execute(_SQL.compare_with_stored, columns.parameters(kept_out))
        stored_results = [result for (result,) in cursor.fetchall()]
    if None in stored_results:
        raise StoredRowVanished
    conflicts = tuple(
        Conflict(row, stored)
        for row, stored in zip(kept_out, stored_results, strict=True)
        if stored != columns.results[row]
    )
    return Written(new_ones, len(kept_out) - len(conflicts), implausible, conflicts)
