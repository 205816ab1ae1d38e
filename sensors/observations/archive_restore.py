"""An archived month back into the table, for a while."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

from django.db import connection, transaction

from sensors.observations.archive import State, finish_leaving, path_of, period_of, verify
from sensors.observations.archive_files import microseconds_of, read_batches
from sensors.observations.archive_models import ObservationArchive
from sensors.observations.columns import Columns
from sensors.observations.partitions import ensure_partitions
from server.core.sql import load_queries

_SQL = load_queries(Path(__file__).parent / "archive.sql")


class NothingArchived(Exception):
    """A sentence that says what of the month there is, and what there is not."""


@dataclass(frozen=True, slots=True)
class Restored:
    """How many observations were brought back, and how many were in the table already from an earlier restoration."""

    rows: int = 0
    there_before: int = 0


def archived_months(datastream_id: int) -> list[date]:
    """The months of which a datastream has observations in the archive alone, in order."""
    files = ObservationArchive.objects.filter(state=State.ARCHIVED, datastream_ids__contains=[datastream_id])
    return sorted(set(files.values_list("month", flat=True)))


def restore_month(
    month: date,
    observed_property: str | None = None,
    *,
    until: date,
    on_rows: Callable[[int], object] = lambda count: None,
) -> Restored:
    """Brings a month's observations back, of all properties or of one, and has the rollups of their hours recounted.

    Retention leaves the month alone until the given day. What is restored already stays as it is, corrections included, and
    only its day changes. It is written in rounds of their own, so that nobody waits for a long transaction: broken off, it is
    done again from the start, and stores nothing twice. To be called within `archive.archive_lock`.
    Errors: NothingArchived; ArchiveFailed for a file that is gone or damaged, before anything of it is written.
    """
    finish_leaving(month)
    chosen = ObservationArchive.objects.filter(month=month, state__in=[State.ARCHIVED, State.RESTORED])
    if observed_property is not None:
        chosen = chosen.filter(observed_property=observed_property)
    files = list(chosen.order_by("observed_property", "-part"))
    if not files:
        of_property = f" of {observed_property}" if observed_property else ""
        raise NothingArchived(f"nothing{of_property} is archived of {month:%Y-%m}")
    missing = [file for file in files if file.state == State.ARCHIVED]
    for file in missing:
        verify(file)
    ensure_partitions([month])
    # All parts of a property, the first one last: the first writer wins.
    for _code, parts in groupby(missing, key=lambda file: file.observed_property):
        _restore_property(month, list(parts), on_rows)
    chosen.update(restored_until=until)
    rows = sum(file.rows for file in missing)
    return Restored(rows, sum(file.rows for file in files) - rows)


def _restore_property(month: date, parts: Sequence[ObservationArchive], on_rows: Callable[[int], object]) -> None:
    for file in parts:
        for batch in read_batches(path_of(file)):
            columns = Columns(
                batch.column("datastream_id").to_pylist(),
                microseconds_of(batch, "phenomenon_time").tolist(),
                batch.column("result").to_pylist(),
                microseconds_of(batch, "received_at").tolist(),
                batch.column("quality").to_pylist(),
                batch.column("time_source").to_pylist(),
            )
            with connection.cursor() as cursor:
                reason = f"restored from {file.path}: the first value stands"
                cursor.execute(_SQL.restore_rows, {**columns.parameters(), "reason": reason})
            on_rows(len(columns))
    streams = sorted({stream for file in parts for stream in file.datastream_ids})
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SQL.mark_restored_hours, {**period_of(month), "datastream_ids": streams})
        ObservationArchive.objects.filter(pk__in=[file.pk for file in parts]).update(state=State.RESTORED)
