"""Observations on their way into the table, column by column. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

# The values of models.Quality and models.TimeSource, for code that knows no Django; a test holds them together.
GOOD, IMPLAUSIBLE, RATE, STUCK, SPIKE, DOUBTED = 0, 1, 2, 4, 8, 16
FLAG_NAMES = {IMPLAUSIBLE: "implausible", RATE: "rate", STUCK: "stuck", SPIKE: "spike", DOUBTED: "doubted"}
TIMED_BY_DEVICE, TIMED_ON_RECEIPT = 0, 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = date(1970, 1, 1)
_DAY_US = 86_400_000_000


def microseconds(time: datetime) -> int:
    """Of an aware time, since 1970: exact."""
    since = time - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def time_at(epoch_us: int) -> datetime:
    """The time in UTC that `microseconds` gives back."""
    return _EPOCH + timedelta(microseconds=epoch_us)


def quality_words(quality: int) -> str:
    """`good`, or the flags with commas between, as `implausible,stuck`: as the SQL function sensors_quality_words has it."""
    return ",".join(name for flag, name in FLAG_NAMES.items() if quality & flag) or "good"


@dataclass(slots=True)
class Columns:
    """Rows as parallel lists. Times are microseconds since 1970; no key (datastream, phenomenon time) comes twice."""

    datastream_ids: list[int] = field(default_factory=list)
    phenomenon_us: list[int] = field(default_factory=list)
    results: list[float] = field(default_factory=list)
    received_us: list[int] = field(default_factory=list)
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
        """A row, its times aware."""
        self.append_us(
            datastream_id, microseconds(phenomenon_time), result, microseconds(received_at), quality, time_source
        )

    def append_us(
        self, datastream_id: int, phenomenon_us: int, result: float, received_us: int, quality: int, time_source: int
    ) -> None:
        self.datastream_ids.append(datastream_id)
        self.phenomenon_us.append(phenomenon_us)
        self.results.append(result)
        self.received_us.append(received_us)
        self.qualities.append(quality)
        self.time_sources.append(time_source)

    def months(self) -> set[date]:
        """The first days of the months (of UTC) that the rows lie in."""
        days = {epoch_us // _DAY_US for epoch_us in self.phenomenon_us}
        return {(_FIRST_DAY + timedelta(days=day)).replace(day=1) for day in days}

    def parameters(self, rows: Iterable[int] | None = None) -> dict[str, str]:
        """The columns (or some rows of them) as PostgreSQL array literals.

        A literal is read by the type's own input function in one go; an ARRAY[…] of the driver would be parsed as an
        expression per element, which costs more than the insert. So are whole microseconds, and nothing is rounded.
        """
        chosen = None if rows is None else list(rows)
        return {
            "datastream_ids": _array(self.datastream_ids, chosen),
            "phenomenon_times": _array(self.phenomenon_us, chosen),
            "results": _array(self.results, chosen),
            "received_at": _array(self.received_us, chosen),
            "qualities": _array(self.qualities, chosen),
            "time_sources": _array(self.time_sources, chosen),
        }


def _array(values: Sequence[float], chosen: list[int] | None) -> str:
    # repr: the shortest text that is read back as the same double.
    return "{" + ",".join(map(repr, values if chosen is None else [values[row] for row in chosen])) + "}"
