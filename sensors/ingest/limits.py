"""How much a device may send: for each a bucket of readings that fills at a steady rate. Pure: the clock comes in as values."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sensors.ingest.batch import Message
from sensors.ingest.decoders import Reading
from sensors.ingest.topics import DATASTREAMS, ROOT

# What was measured longer ago is a backlog: it costs a sixteenth, so that a device can deliver what it kept during an outage.
OLD_AFTER = timedelta(hours=1)
OLD_COST = 1 / 16
_OWN = f"{ROOT}/"
# As many buckets are held before the full ones, which say nothing, are let go.
MANY_BUCKETS = 20_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """`rate` readings a second for ever, and `burst` of them at once after a silence; a rate of 0 is no limit."""

    rate: float
    burst: float


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float


@dataclass(frozen=True, slots=True)
class Sorted:
    """A batch: what is within its device's limit, and by thing what is beyond it."""

    within: Sequence[Message]
    beyond: Mapping[str, Sequence[Message]] = field(default_factory=dict)


class DeviceLimits:
    """What each thing may send still. A message is taken whole where its first reading can be paid for: the rest is on credit."""

    def __init__(self, usual: Allowance) -> None:
        self.own: Mapping[str, Allowance] = {}
        """Of things that may send more than usual, or less."""
        self._usual = usual
        self._buckets: dict[str, _Bucket] = {}

    def overdrawn(self, messages: Iterable[Message], *, now: datetime, now_s: float) -> set[str]:
        """Pays for what each thing has sent, where it can; the things that cannot pay for all of it, which pay nothing yet.

        `now_s` are seconds of a clock that is never set back.
        """
        costs: defaultdict[str, float] = defaultdict(float)
        recent = now - OLD_AFTER
        for message in messages:
            if (thing := sender(message)) and not message.redelivered:
                costs[thing] += _cost(message, recent)
        short = set()
        for thing, cost in costs.items():
            bucket = self._bucket(thing, now_s)
            if bucket is None or cost <= bucket.tokens:
                self._pay(bucket, cost)
            else:
                short.add(thing)
        if len(self._buckets) > MANY_BUCKETS:
            self._forget_full(now_s)
        return short

    def sort(self, messages: Sequence[Message], short: Collection[str], *, now: datetime, now_s: float) -> Sorted:
        """Takes of these things' messages as many as they can pay for, in the order in which they came."""
        recent = now - OLD_AFTER
        within: list[Message] = []
        beyond: defaultdict[str, list[Message]] = defaultdict(list)
        for message in messages:
            thing = sender(message)
            if thing in short and not message.redelivered:
                bucket, cost = self._bucket(thing, now_s), _cost(message, recent)
                if bucket is not None and bucket.tokens < min(cost, 1):
                    beyond[thing].append(message)
                    continue
                self._pay(bucket, cost)
            within.append(message)
        return Sorted(within, beyond)

    def wait_s(self, thing: str, *, now_s: float) -> float:
        """Seconds until the thing may send again; 0 where it may now."""
        bucket = self._bucket(thing, now_s)
        if bucket is None or bucket.tokens >= 1:
            return 0.0
        return (1 - bucket.tokens) / self._allowance(thing).rate

    def is_in_debt(self, thing: str, *, now_s: float) -> bool:
        """Whether it has nothing left, not even for a part of a reading."""
        bucket = self._bucket(thing, now_s)
        return bucket is not None and bucket.tokens <= 0

    def pay(self, thing: str, readings: int, *, now_s: float) -> None:
        """For what was taken already, on credit if need be."""
        self._pay(self._bucket(thing, now_s), readings)

    def _allowance(self, thing: str) -> Allowance:
        return self.own.get(thing, self._usual)

    def _bucket(self, thing: str, now_s: float) -> _Bucket | None:
        """Filled up to now; None where there is no limit."""
        allowance = self._allowance(thing)
        if not allowance.rate:
            return None
        bucket = self._buckets.get(thing)
        if bucket is None:
            bucket = self._buckets[thing] = _Bucket(allowance.burst, now_s)
        else:
            bucket.tokens = min(allowance.burst, bucket.tokens + (now_s - bucket.at_s) * allowance.rate)
            bucket.at_s = now_s
        return bucket

    @staticmethod
    def _pay(bucket: _Bucket | None, cost: float) -> None:
        if bucket is not None:
            bucket.tokens -= cost

    def _forget_full(self, now_s: float) -> None:
        for thing in list(self._buckets):
            bucket = self._bucket(thing, now_s)
            if bucket is None or bucket.tokens >= self._allowance(thing).burst:
                del self._buckets[thing]


def sender(message: Message) -> str:
    """Who is to pay for a message: on this service's own topics whoever they name, since nobody else may write there, whatever
    its payload claims; elsewhere, where gateways write, the thing that it is of. "" where there is nothing to pay for, or nobody
    to be found."""
    decoded = message.decoded
    if decoded is None or not (decoded.readings or decoded.rejections):
        return ""
    if thing := owner(message.topic):
        return thing
    if not decoded.readings:
        return decoded.rejections[0].thing
    first = decoded.readings[0]
    return first.thing if first.thing != DATASTREAMS else f"{DATASTREAMS}/{first.observed_property}"


def owner(topic: str) -> str:
    """The thing whose topic it is, which alone may write there; "" for a topic that is not of this service's own."""
    return topic.split("/", 2)[1] if topic.startswith(_OWN) else ""


def _cost(message: Message, recent: datetime) -> float:
    decoded = message.decoded
    assert decoded is not None
    cost = float(len(decoded.rejections))
    for reading in decoded.readings:
        cost += OLD_COST if _is_old(reading, recent) else 1
    return cost


def _is_old(reading: Reading, recent: datetime) -> bool:
    time = reading.phenomenon_time
    return time < recent if time is not None else reading.ago_us > 3_600_000_000
