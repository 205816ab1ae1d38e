"""Observations on their way into the table, column by column. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

# The values of models.Quality and models.TimeSource, for code that knows no Django; a test holds them together.
GOOD, IMPLAUSIBLE = 0, 1
TIMED_BY_DEVICE, TIMED_ON_RECEIPT = 0, 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Columns:
    """Rows as parallel lists. Times are aware and in UTC; no key (datastream, phenomenon time) comes twice."""

    datastream_ids: list[int] = field(default_factory=list)
    phenomenon_times: list[datetime] = field(default_factory=list)
    results: list[float] = field(default_factory=list)
    received_at: list[datetime] = field(default_factory=list)
    qualities: list[int] = field(default_factory=list)
    time_sources: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.datastream_ids)

    def append(
        self,
        datastream_id: int,
        phenomenon_time: datetime,
        result: float,
        received_at: datetime,
        quality: int,
        time_source: int,
    ) -> None:
        self.datastream_ids.append(datastream_id)
        self.phenomenon_times.append(phenomenon_time)
        self.results.append(result)
        self.received_at.append(received_at)
        self.qualities.append(quality)
        self.time_sources.append(time_source)

    def months(self) -> set[date]:
        """The first days of the months (of UTC) that the rows lie in."""
        return {date(year, month, 1) for year, month in {(time.year, time.month) for time in self.phenomenon_times}}

    def parameters(self, rows: Iterable[int] | None = None) -> dict[str, str]:
        """The columns (or some rows of them) as PostgreSQL array literals.

        A literal is read by the type's own input function in one go; an ARRAY[…] of the driver would be parsed as an
        expression per element, which costs more than the insert. Times go as whole microseconds since 1970, which both sides
        read and write faster than text, and without rounding.
        """
        chosen = None if rows is None else list(rows)
        return {
            "datastream_ids": _array(self.datastream_ids, chosen, str),
            "phenomenon_times": _array(self.phenomenon_times, chosen, _microseconds),
            "results": _array(self.results, chosen, repr),
            "received_at": _array(self.received_at, chosen, _microseconds),
            "qualities": _array(self.qualities, chosen, str),
            "time_sources": _array(self.time_sources, chosen, str),
        }


def _microseconds(time: datetime) -> str:
    since = time - _EPOCH
    return str((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


def _array(values: list[Any], chosen: list[int] | None, text: Any) -> str:
    if chosen is not None:
        values = [values[row] for row in chosen]
    return "{" + ",".join(map(text, values)) + "}"
