"""A month of observations into Parquet files, and then out of the table.

In this order, so that the work can be broken off anywhere and the next run loses nothing:

1. Each property of which no files hold what the table holds is written to a new file, until they agree: PostgreSQL counts and
   sums up the hashes of the table's rows, and the files are read back from the disk for the same two numbers.
2. The partition is detached, in a moment's lock. Writers are not stopped before it: what they add to the month in between goes
   with the detached table, and what they add later makes the month's partition anew, which is archived beside, in files of its own.
3. The detached table, which nobody writes to any more, is held against the files once more, what came in between is written,
   and only then it is dropped.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import Error, OperationalError, connection, transaction
from django.db.models import Max, Q, QuerySet
from psycopg2 import errors, sql

from sensors.observations import archive_files
from sensors.observations.archive_facts import source_of
from sensors.observations.archive_files import ArchiveFailed, Content, Row, unfinished_path
from sensors.observations.archive_models import ObservationArchive
from sensors.observations.partitions import (
    TABLE,
    existing_partitions,
    leaving_months,
    leaving_name,
    next_month,
    partition_name,
)
from sensors.observations.rollups import refresh_rollups
from sensors.registry.models import Datastream
from server.core.sql import load_queries

_SQL = load_queries(Path(__file__).parent / "archive.sql")
State = ObservationArchive.State
# Rounds in which a month is written that changes meanwhile; and tries, with a pause, for the moment in which it can be detached.
ROUNDS, TRIES, PAUSE_S = 5, 10, 1.0
# So long everybody who reads or writes observations may have to wait behind a try.
LOCK_TIMEOUT = "1s"


class Postponed(Exception):
    """A sentence why a month cannot leave just now. What is written of it stays, and the next run goes on."""


class Busy(Exception):
    """Another run has the archive."""


class Step(Enum):
    """What has just been done, for progress bars and for those who look on."""

    ROWS = "rows went to a file"
    WRITTEN = "a file is written"
    VERIFIED = "the files are verified"
    DETACHED = "the partition is detached"
    DROPPED = "the table is dropped"


OnStep = Callable[[Step, int], object]


@dataclass(frozen=True, slots=True)
class _Phase:
    """Where a month's rows are, which files hold them, and what such a file is said to be."""

    month: date
    table: str
    files: Q
    state: ObservationArchive.State

    def current(self) -> QuerySet[ObservationArchive]:
        return ObservationArchive.objects.filter(self.files, month=self.month)


def _attached(month: date) -> _Phase:
    return _Phase(month, partition_name(month), Q(state__in=[State.WRITTEN, State.RESTORED]), State.WRITTEN)


def _leaving(month: date) -> _Phase:
    return _Phase(month, leaving_name(month), Q(state=State.ARCHIVED, dropped_at=None), State.ARCHIVED)


@contextmanager
def archive_lock() -> Iterator[None]:
    """One at a time writes to the archive or reads it back. Errors: Busy."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('sensors.archive'))")
        if not cursor.fetchone()[0]:
            raise Busy("another run has the archive; this one has nothing to do meanwhile")
    try:
        yield
    finally:
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('sensors.archive'))")


def archive_month(month: date, on_step: OnStep = lambda step, rows: None) -> int:
    """Archives a month and drops its partition, or goes on where an earlier run was broken off; the number of rows that left.

    To be called within `archive_lock`. Errors: ArchiveFailed, Postponed.
    """
    _forget_unfinished(month)
    gone = finish_leaving(month, on_step)
    if partition_name(month) in existing_partitions():
        _write_and_verify(_attached(month), on_step)
        _detach(month)
        on_step(Step.DETACHED, 0)
        gone += finish_leaving(month, on_step)
    return gone


def finish_leaving(month: date, on_step: OnStep = lambda step, rows: None) -> int:
    """Verifies and drops a month's detached table, if there is one; the number of its rows."""
    gone = 0
    if month in leaving_months():
        phase = _leaving(month)
        gone = _write_and_verify(phase, on_step)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(phase.table)))
            phase.current().update(dropped_at=datetime.now(UTC))
        on_step(Step.DROPPED, gone)
    _remove(ObservationArchive.objects.filter(month=month, state=State.SUPERSEDED))
    return gone


def rows_of(month: date) -> int:
    """How many observations of a month are in the database still."""
    names = {partition_name(month)} & existing_partitions() | (
        {leaving_name(month)} if month in leaving_months() else set()
    )
    with connection.cursor() as cursor:
        found = 0
        for name in names:
            cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name)))
            found += cursor.fetchone()[0]
    return found


def path_of(file: ObservationArchive) -> Path:
    return Path(settings.ARCHIVE_DIR) / file.path


def held_by(file: ObservationArchive) -> Content:
    """What the manifest says of a file."""
    return Content(file.rows, int(file.checksum or "0", 16))


def stored_content(table: str) -> dict[int, Content]:
    """What a month's table holds of each datastream, as PostgreSQL counts it."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(_SQL.contents).format(table=sql.Identifier(table)))
        return {stream: Content(rows, int(checksum) % 2**64) for stream, rows, checksum in cursor.fetchall()}


def _write_and_verify(phase: _Phase, on_step: OnStep) -> int:
    """Files that hold just what the table holds, read back from the disk; the number of rows.

    Errors: ArchiveFailed, with the file's name; Postponed when the table went on changing.
    """
    for _round in range(ROUNDS):
        streams = _streams_by_property(stored_content(phase.table))
        files: dict[str, list[ObservationArchive]] = defaultdict(list)
        for file in phase.current():
            files[file.observed_property].append(file)
        changed = [
            code
            for code in sorted(streams.keys() | files.keys())
            if sum(map(held_by, files[code]), Content()) != sum(streams.get(code, {}).values(), Content())
        ]
        if not changed:
            break
        for code in changed:
            _replace(phase, code, streams.get(code, {}), files[code], on_step)
    else:
        raise Postponed("its observations go on changing while they are written")
    for file in phase.current():
        verify(file)
    on_step(Step.VERIFIED, 0)
    return sum(content.rows for of_property in streams.values() for content in of_property.values())


def _streams_by_property(contents: dict[int, Content]) -> dict[str, dict[int, Content]]:
    codes = dict(Datastream.objects.filter(pk__in=contents).values_list("pk", "observed_property__code"))
    streams: dict[str, dict[int, Content]] = defaultdict(dict)
    for stream, content in contents.items():
        streams[codes.get(stream, "")][stream] = content
    return streams


def _replace(
    phase: _Phase, code: str, streams: dict[int, Content], old: Sequence[ObservationArchive], on_step: OnStep
) -> None:
    """A new file of a property, where there is anything of it; those that held it before are removed at the end."""
    new = None
    if streams:
        new = _next_part(phase.month, code)
        batches = _batches(phase.table, sorted(streams), on_step)
        content = archive_files.write_file(path_of(new), batches, source_of(phase.month, code, sorted(streams)))
        new.state, new.rows, new.checksum = phase.state, content.rows, f"{content.checksum:016x}"
        new.datastream_ids, new.exported_at = sorted(streams), datetime.now(UTC)
    with transaction.atomic():
        for file in old:
            file.state = State.SUPERSEDED
            file.save(update_fields=["state"])
        if new is not None:
            new.save()
    if new is not None:
        on_step(Step.WRITTEN, new.rows)


def _next_part(month: date, code: str) -> ObservationArchive:
    """The manifest's row of a file to be written. A name that is taken on the disk, by whomever, is passed over."""
    parts = ObservationArchive.objects.filter(month=month, observed_property=code)
    part = (parts.aggregate(last=Max("part"))["last"] or 0) + 1
    # Hive's name for what has no value; the codes of properties hold nothing that a path could take amiss.
    folder = f"month={month:%Y-%m}/property={code or '__HIVE_DEFAULT_PARTITION__'}"
    while (Path(settings.ARCHIVE_DIR) / (path := f"{folder}/part-{part:04}.parquet")).exists():
        part += 1
    return ObservationArchive.objects.create(month=month, observed_property=code, part=part, path=path)


def _batches(table: str, streams: list[int], on_step: OnStep) -> Iterator[list[Row]]:
    """The rows by a cursor of the server's. The transaction only reads: it holds up nobody who follows the journal."""
    statement = sql.SQL(_SQL.rows).format(table=sql.Identifier(table))
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(statement, {"datastream_ids": streams})
        while rows := cursor.fetchmany(archive_files.ROWS_IN_A_GROUP):
            yield rows
            on_step(Step.ROWS, len(rows))


def verify(file: ObservationArchive) -> None:
    """Reads a file back. Errors: ArchiveFailed; while the table still has its rows, the next run writes them anew."""
    try:
        found = archive_files.content_of(path_of(file))
        if found != held_by(file):
            raise ArchiveFailed(
                f"{path_of(file)}: {found.rows} rows with checksum {found.checksum:016x} were read back,"
                f" where {file.rows} with {file.checksum} were written"
            )
    except ArchiveFailed:
        if file.state != State.ARCHIVED or file.dropped_at is None:
            ObservationArchive.objects.filter(pk=file.pk).update(state=State.SUPERSEDED)
        raise


def _detach(month: date) -> None:
    """Errors: Postponed, after some tries."""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(PAUSE_S)
        # Rollups outlive the raw observations: they are made of them before these go. One round at a time, since where the
        # ingest goes on there is no end to the marks of other months.
        refresh_rollups()
        try:
            _detach_now(month)
        except Postponed as error:
            why = error
        else:
            return
    raise why


def _detach_now(month: date) -> None:
    phase = _attached(month)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
            cursor.execute(f"LOCK TABLE ONLY {TABLE} IN ACCESS EXCLUSIVE MODE")
            _refuse_detaching(phase, cursor)
            name, left = sql.Identifier(phase.table), sql.Identifier(leaving_name(month))
            cursor.execute(sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(sql.Identifier(TABLE), name))
            cursor.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(name, left))
            phase.current().update(state=State.ARCHIVED, dropped_at=None, restored_until=None)
            cursor.execute(_SQL.count_a_change)
            cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
    except OperationalError as error:
        if isinstance(error.__cause__, errors.LockNotAvailable):
            raise Postponed("somebody else's long work holds the observations") from None
        raise


def _refuse_detaching(phase: _Phase, cursor: Any) -> None:
    cursor.execute(_SQL.has_dirty_hours, period_of(phase.month))
    if cursor.fetchone()[0]:
        raise Postponed("hours of it wait for their rollups")
    # From the detachment on the rollups of the datastreams that the manifest names stand as they are: it must name them all.
    cursor.execute(sql.SQL(_SQL.present_datastreams).format(table=sql.Identifier(phase.table)))
    named = {stream for ids in phase.current().values_list("datastream_ids", flat=True) for stream in ids}
    if {stream for (stream,) in cursor.fetchall()} - named:
        raise Postponed("a datastream's first observations of it have only just come")


def period_of(month: date) -> dict[str, datetime]:
    """The month's bounds, half-open, in UTC."""
    following = next_month(month)
    return {
        "start": datetime(month.year, month.month, 1, tzinfo=UTC),
        "end": datetime(following.year, following.month, 1, tzinfo=UTC),
    }


def _forget_unfinished(month: date) -> None:
    """What a run that was killed began to write."""
    unfinished = ObservationArchive.objects.filter(month=month, state=State.WRITING)
    for file in unfinished:
        unfinished_path(path_of(file)).unlink(missing_ok=True)
    _remove(unfinished)


def _remove(files: QuerySet[ObservationArchive]) -> None:
    for file in files:
        with archive_files.naming(path_of(file)):
            path_of(file).unlink(missing_ok=True)
        file.delete()
