"""From messages to the columns of one write. Pure: the registry and the clock come in as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sensors.ingest.decoders import Decode, Decoded, Reading, Rejection, decode_native
from sensors.ingest.decoders.said import Unreadable, number
from sensors.ingest.reasons import Reason
from sensors.ingest.topics import DATASTREAMS
from sensors.ingest.units import conversion
from sensors.observations.columns import (
    GOOD,
    IMPLAUSIBLE,
    TIMED_BY_DEVICE,
    TIMED_ON_RECEIPT,
    Columns,
    microseconds,
    time_at,
)

EARLIEST_US = microseconds(datetime(1990, 1, 1, tzinfo=UTC))
MOST_AHEAD = timedelta(days=1)


@dataclass(slots=True)
class Message:
    """One message as it arrived; `redelivered` when it may have come before (the broker says so, or it is tried again)."""

    topic: str
    payload: bytes
    received_us: int  # microseconds since 1970
    retained: bool = False
    redelivered: bool = False
    decoded: Decoded | None = None  # where it was decoded on arrival

    @property
    def received_at(self) -> datetime:
        return time_at(self.received_us)


@dataclass(frozen=True, slots=True)
class DatastreamRef:
    """What the writer needs to know of a datastream."""

    id: int
    plausible_min: float | None = None
    plausible_max: float | None = None
    unit: str = ""

    def quality_of(self, result: float) -> int:
        too_low = self.plausible_min is not None and result < self.plausible_min
        too_high = self.plausible_max is not None and result > self.plausible_max
        return IMPLAUSIBLE if too_low or too_high else GOOD


Registry = Mapping[str, Mapping[str, DatastreamRef]]
"""Thing slug -> observed property code -> datastream."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A rejection and the message (by its place in the batch) that it came with; its reading, where it could be read."""

    message_index: int
    rejection: Rejection
    reading: Reading | None = None


class Origin(NamedTuple):
    """Where a row comes from; `is_alone` when its message says nothing else."""

    message_index: int
    reading: Reading
    is_alone: bool


@dataclass(slots=True)
class Batch:
    """What to write: received = len(columns) + len(followers) + len(quarantined) + ignored, counted in readings."""

    messages: Sequence[Message]
    columns: Columns = field(default_factory=Columns)
    origins: list[tuple[int, Reading, bool]] = field(default_factory=list)  # of each row, the parts of its Origin
    followers: list[tuple[int, Origin]] = field(
        default_factory=list
    )  # later readings of a row's key: the row, and from where
    quarantined: list[Quarantined] = field(default_factory=list)
    unknown_things: set[str] = field(default_factory=set)
    ignored: int = 0

    @property
    def received(self) -> int:
        return len(self.columns) + len(self.followers) + len(self.quarantined) + self.ignored


def build_batch(
    messages: Sequence[Message], registry: Registry, *, now: datetime, decode: Decode = decode_native
) -> Batch:
    """The rows to store and the elements to quarantine.

    Of one key twice in the batch, the first is the row and the others follow it: `settle` tells what they are.
    `unknown_things` names the things whose datastreams the caller may look up before it believes the quarantine.
    """
    batch = Batch(messages)
    rows: dict[tuple[int, int], int] = {}
    latest_us = microseconds(now + MOST_AHEAD)
    for index, message in enumerate(messages):
        decoded = message.decoded or decode(message.topic, message.payload)
        readings, rejections = decoded.readings, decoded.rejections
        if rejections:
            batch.quarantined += [Quarantined(index, rejection) for rejection in rejections]
        alone = len(readings) + len(rejections) == 1
        for reading in readings:
            _place(batch, rows, index, reading, alone, registry, latest_us)
    return batch


def _place(
    batch: Batch,
    rows: dict[tuple[int, int], int],
    index: int,
    reading: Reading,
    alone: bool,
    registry: Registry,
    latest_us: int,
) -> None:
    # Run for each reading of the city, with the interpreter held: plain tuples and whole numbers are not for looks.
    message = batch.messages[index]
    time = reading.phenomenon_time
    if time is None and message.retained:
        # The broker gives a retained message to each new subscriber: its receipt says nothing of when it was measured.
        batch.ignored += 1
        return
    try:
        try:
            datastream = registry[reading.thing][reading.observed_property]
        except KeyError:
            raise _no_datastream(batch, reading, registry) from None
        if time is None:
            at_us, time_source = message.received_us - reading.ago_us, TIMED_ON_RECEIPT
        else:
            at_us, time_source = microseconds(time), TIMED_BY_DEVICE
        if not EARLIEST_US <= at_us <= latest_us and (time is not None or reading.ago_us):
            raise Unreadable(Reason.ABSURD_TIME, f"{_in_words(at_us)} is before 1990 or more than a day ahead")
        if reading.unit and reading.unit != datastream.unit:
            result = number(conversion(reading.unit, datastream.unit).of(reading.result))
            reading = reading._replace(result=result, unit="")
    except Unreadable as why:
        batch.quarantined.append(quarantined(message, Origin(index, reading, alone), why.reason, why.detail))
        return
    result = reading.result
    row = rows.setdefault((datastream.id, at_us), len(rows))
    if row < len(batch.origins):
        batch.followers.append((row, Origin(index, reading, alone)))
        return
    quality = datastream.quality_of(result)
    batch.columns.append_us(datastream.id, at_us, result, message.received_us, quality, time_source)
    batch.origins.append((index, reading, alone))


def _no_datastream(batch: Batch, reading: Reading, registry: Registry) -> Unreadable:
    if reading.thing == DATASTREAMS:
        return Unreadable(Reason.UNKNOWN_DATASTREAM, f"no datastream {reading.observed_property[:64]!r}")
    batch.unknown_things.add(reading.thing)
    if reading.thing not in registry:
        return Unreadable(Reason.UNKNOWN_THING, f"no thing {reading.thing[:64]!r}")
    return Unreadable(Reason.UNKNOWN_DATASTREAM, f"{reading.thing} measures no {reading.observed_property[:64]!r}")


def _in_words(epoch_us: int) -> str:
    try:
        return time_at(epoch_us).isoformat()
    except OverflowError:
        return "a time beyond the calendar"


def quarantined(message: Message, origin: Origin, reason: Reason, detail: str) -> Quarantined:
    # A message of one reading is kept byte for byte; an element of a larger one as a message of its own.
    reading = origin.reading
    if reading.ago_us and reason is not Reason.ABSURD_TIME:
        reading = reading._replace(phenomenon_time=time_at(message.received_us - reading.ago_us), ago_us=0)
    topic, payload = (message.topic, message.payload) if origin.is_alone else (reading.topic(), reading.payload())
    return Quarantined(origin.message_index, Rejection(topic, payload, reason, detail, reading.thing), reading)


def settle(batch: Batch, standing: Mapping[int, float]) -> tuple[int, list[Quarantined]]:
    """What becomes of the readings that were not the first of their key, once the rows are written.

    `standing`: of the rows that were kept out by another result, the one that is stored. Returns how many of the others are
    repeats of what stands, and the conflicts: those rows, and whichever of the others say something else.
    """
    repeated = 0
    conflicts = []
    times, results = batch.columns.phenomenon_us, batch.columns.results
    kept_out = [(row, Origin(*batch.origins[row])) for row in standing]
    for row, origin in kept_out + batch.followers:
        stands = standing.get(row, results[row])
        if origin.reading.result == stands:
            repeated += 1
        else:
            message = batch.messages[origin.message_index]
            conflicts.append(
                quarantined(message, origin, Reason.CONFLICT, _conflict_detail(time_at(times[row]), stands))
            )
    return repeated, conflicts


def _conflict_detail(time: datetime, stored: float) -> str:
    return f"{stored!r} is stored at {time.isoformat()} already; the first writer wins"
