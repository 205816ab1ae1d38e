"""From messages to the columns of one write. Pure: the registry and the clock come in as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sensors.ingest.decoders import Decoded, Reading, Rejection, decode
from sensors.ingest.reasons import Reason
from sensors.observations.columns import GOOD, IMPLAUSIBLE, TIMED_BY_DEVICE, TIMED_ON_RECEIPT, Columns

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
MOST_AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it arrived; `redelivered` when it may have come before (the broker says so, or it is tried again)."""

    topic: str
    payload: bytes
    received_at: datetime
    retained: bool = False
    redelivered: bool = False
    decoded: Decoded | None = None  # where it was decoded on arrival


@dataclass(frozen=True, slots=True)
class DatastreamRef:
    """What the writer needs to know of a datastream."""

    id: int
    plausible_min: float | None = None
    plausible_max: float | None = None

    def quality_of(self, result: float) -> int:
        too_low = self.plausible_min is not None and result < self.plausible_min
        too_high = self.plausible_max is not None and result > self.plausible_max
        return IMPLAUSIBLE if too_low or too_high else GOOD


Registry = Mapping[str, Mapping[str, DatastreamRef]]
"""Thing slug -> observed property code -> datastream."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A rejection and the message (by its place in the batch) that it came with."""

    message_index: int
    rejection: Rejection


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a row comes from; `is_alone` when its message says nothing else."""

    message_index: int
    reading: Reading
    is_alone: bool


@dataclass(slots=True)
class Batch:
    """What to write: received = len(columns) + len(followers) + len(quarantined) + ignored, counted in readings."""

    messages: Sequence[Message]
    columns: Columns = field(default_factory=Columns)
    origins: list[Origin] = field(default_factory=list)  # of each row
    followers: list[tuple[int, Origin]] = field(
        default_factory=list
    )  # later readings of a row's key: the row, and from where
    quarantined: list[Quarantined] = field(default_factory=list)
    unknown_things: set[str] = field(default_factory=set)
    ignored: int = 0

    @property
    def received(self) -> int:
        return len(self.columns) + len(self.followers) + len(self.quarantined) + self.ignored


class _Refused(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def build_batch(messages: Sequence[Message], registry: Registry, *, now: datetime) -> Batch:
    """The rows to store and the elements to quarantine.

    Of one key twice in the batch, the first is the row and the others follow it: `settle` tells what they are.
    `unknown_things` names the things whose datastreams the caller may look up before it believes the quarantine.
    """
    batch = Batch(messages)
    rows: dict[tuple[int, datetime], int] = {}
    latest = now + MOST_AHEAD
    for index, message in enumerate(messages):
        decoded = message.decoded or decode(message.topic, message.payload)
        batch.quarantined += [Quarantined(index, rejection) for rejection in decoded.rejections]
        alone = len(decoded.readings) + len(decoded.rejections) == 1
        for reading in decoded.readings:
            _place(batch, rows, index, reading, alone, registry, latest)
    return batch


def _place(
    batch: Batch,
    rows: dict[tuple[int, datetime], int],
    index: int,
    reading: Reading,
    alone: bool,
    registry: Registry,
    latest: datetime,
) -> None:
    message = batch.messages[index]
    time = reading.phenomenon_time
    if time is None and message.retained:
        # The broker gives a retained message to each new subscriber: its receipt says nothing of when it was measured.
        batch.ignored += 1
        return
    try:
        datastream = _datastream(batch, reading, registry)
        if time is None:
            time, time_source = message.received_at, TIMED_ON_RECEIPT
        elif EARLIEST <= time <= latest:
            time_source = TIMED_BY_DEVICE
        else:
            raise _Refused(Reason.ABSURD_TIME, f"{time.isoformat()} is before 1990 or more than a day ahead")
    except _Refused as why:
        batch.quarantined.append(_quarantine(message, Origin(index, reading, alone), why.reason, why.detail))
        return
    row = rows.setdefault((datastream.id, time), len(batch.columns))
    if row < len(batch.columns):
        batch.followers.append((row, Origin(index, reading, alone)))
        return
    quality = datastream.quality_of(reading.result)
    batch.columns.append(datastream.id, time, reading.result, message.received_at, quality, time_source)
    batch.origins.append(Origin(index, reading, alone))


def _datastream(batch: Batch, reading: Reading, registry: Registry) -> DatastreamRef:
    datastreams = registry.get(reading.thing)
    if datastreams is None:
        batch.unknown_things.add(reading.thing)
        raise _Refused(Reason.UNKNOWN_THING, f"no thing {reading.thing[:64]!r}")
    datastream = datastreams.get(reading.observed_property)
    if datastream is None:
        batch.unknown_things.add(reading.thing)
        raise _Refused(Reason.UNKNOWN_DATASTREAM, f"{reading.thing} measures no {reading.observed_property[:64]!r}")
    return datastream


def _quarantine(message: Message, origin: Origin, reason: Reason, detail: str) -> Quarantined:
    # A message of one reading is kept byte for byte; an element of a larger one as a message of its own.
    reading = origin.reading
    topic, payload = (message.topic, message.payload) if origin.is_alone else (reading.topic(), reading.payload())
    return Quarantined(origin.message_index, Rejection(topic, payload, reason, detail))


def settle(batch: Batch, standing: Mapping[int, float]) -> tuple[int, list[Quarantined]]:
    """What becomes of the readings that were not the first of their key, once the rows are written.

    `standing`: of the rows that were kept out by another result, the one that is stored. Returns how many of the others are
    repeats of what stands, and the conflicts: those rows, and whichever of the others say something else.
    """
    repeated = 0
    conflicts = []
    times, results = batch.columns.phenomenon_times, batch.columns.results
    kept_out = [(row, batch.origins[row]) for row in standing]
    for row, origin in kept_out + batch.followers:
        stands = standing.get(row, results[row])
        if origin.reading.result == stands:
            repeated += 1
        else:
            message = batch.messages[origin.message_index]
            conflicts.append(_quarantine(message, origin, Reason.CONFLICT, _conflict_detail(times[row], stands)))
    return repeated, conflicts


def _conflict_detail(time: datetime, stored: float) -> str:
    return f"{stored!r} is stored at {time.isoformat()} already; the first writer wins"
