"""Many reports at once: rows of any origin, checked one by one, stored in chunks, each chunk in its own transaction.

The same rows again change nothing: a row without an id of its own is known by a hash of what it says.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from zoneinfo import ZoneInfo

from django.db import reset_queries, transaction

from geo.areas.models import City
from geo.reports.importing.chunk_storing import Chunk, Rejection, stored_in_order
from geo.reports.importing.row_reading import FIELDS, BadRow, BrokenRow, Row, Rules, load_rules, read_row
from geo.reports.insertion import Outcome, insert_reports
from geo.reports.models import Channel
from geo.reports.services import fallback_city

__all__ = ["CHUNK", "FIELDS", "BrokenRow", "ImportSummary", "Rejection", "Row", "import_rows"]

# Large enough that the statement's fixed cost vanishes, small enough that a chunk is a few megabytes and a second.
CHUNK = 5000

OnStored = Callable[[list[tuple[int, Row]]], None]


@dataclass(slots=True)
class ImportSummary:
    """What became of the rows: `read` is the sum of the others."""

    read: int = 0
    stored: int = 0
    repeated: int = 0
    rejected: int = 0


def import_rows(
    rows: Iterable[Row],
    *,
    channel: Channel,
    now: datetime | None = None,
    mapping: Mapping[str, str] | None = None,
    zone: ZoneInfo | None = None,
    city: City | None = None,
    category_names: Mapping[str, str] | None = None,
    time_format: str | None = None,
    on_reject: Callable[[Rejection], None] | None = None,
    on_stored: OnStored | None = None,
    chunk_size: int = CHUNK,
    connections: int = 1,
    origin: str = "",
) -> ImportSummary:
    """Stores rows as reports of a channel, in the memory of a few chunks.

    Shape:  `mapping` is field -> name of the row's column, for FIELDS; without one the columns are named like the fields.
            Values are text, or numbers and datetimes already. `category_names` is the row's word -> slug of a category.
    Units:  lon, lat in degrees (EPSG:4326); a naive time is one of `zone` (the city's own unless said otherwise).
    Hooks:  `on_stored` is given (report id, row) of the new ones, in the transaction that stores them, and in its thread;
            `on_reject` each row that is refused, in the order of the rows.
    Errors: those of `rows` itself come after what was read before is stored.
    `connections` of the database store chunks at the same time; inside a caller's transaction it is its own alone.
    """
    now = now or datetime.now(UTC)
    fallback = city or fallback_city(channel)
    rules = load_rules(mapping, zone or fallback.zone, now, category_names, time_format)
    reading = _Reading(rows, rules, chunk_size)
    store = partial(_store, channel_id=channel.pk, city_id=fallback.pk, now=now, origin=origin, on_stored=on_stored)
    summary = ImportSummary()
    for chunk, outcomes in stored_in_order(reading, store, connections=connections):
        for rejection in _count(chunk, outcomes, summary):
            if on_reject is not None:
                on_reject(rejection)
    if reading.error is not None:
        raise reading.error
    return summary


class _Reading:
    """The rows as chunks. An error of theirs ends them; it is kept, so that the last chunk can be stored first."""

    def __init__(self, rows: Iterable[Row], rules: Rules, size: int) -> None:
        self.error: Exception | None = None
        self._rows, self._rules, self._size = rows, rules, size

    def __iter__(self) -> Iterator[Chunk]:
        chunk = Chunk()
        numbered = enumerate(self._rows, start=1)
        while (given := self._next(numbered)) is not None:
            number, row = given
            chunk.read += 1
            try:
                read_row(row, self._rules, chunk.columns)
                chunk.origins.append(given)
            except BadRow as error:
                chunk.rejections.append(Rejection(number, str(error), row))
            if chunk.read == self._size:
                yield chunk
                chunk = Chunk()
        if chunk.read:
            yield chunk

    def _next(self, numbered: Iterator[tuple[int, Row]]) -> tuple[int, Row] | None:
        try:
            return next(numbered, None)
        except Exception as error:  # whatever the source raises is raised again, once what came before is stored
            self.error = error
            return None


def _store(
    chunk: Chunk, *, channel_id: int, city_id: int, now: datetime, origin: str, on_stored: OnStored | None
) -> list[Outcome]:
    if not len(chunk.columns):
        return []
    with transaction.atomic():
        outcomes = insert_reports(chunk.columns, channel_id=channel_id, city_id=city_id, now=now, origin=origin)
        if on_stored is not None:
            on_stored([(o.report_id, row) for o, (_n, row) in zip(outcomes, chunk.origins, strict=True) if o.report_id])
    reset_queries()  # in debug mode Django would keep every statement, the rows in it
    return outcomes


def _count(chunk: Chunk, outcomes: list[Outcome], summary: ImportSummary) -> list[Rejection]:
    """Adds a chunk that was stored to the summary; what the rules or the database refused of it, in the order of the rows."""
    refused = list(chunk.rejections)
    for outcome, (number, row) in zip(outcomes, chunk.origins, strict=True):
        if outcome.report_id is not None:
            summary.stored += 1
        elif outcome.fits:
            summary.repeated += 1
        else:
            refused.append(Rejection(number, "category: belongs to another city than the place", row))
    summary.read += chunk.read
    summary.rejected += len(refused)
    return sorted(refused, key=attrgetter("number"))
