"""What devices send, message by message, and what becomes of it: for somebody who stands at the device. It writes nothing.

The verdict is of the same code as the worker's, over a copy of the same registry; whether a reading is stored is looked up.
"""

import contextlib
import queue
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import InterfaceError, OperationalError, connection

from sensors.ingest.advice import ADVICE
from sensors.ingest.batch import Batch, Message, Origin, build_batch, settle
from sensors.ingest.broker_url import BrokerUrl
from sensors.ingest.connection import BrokerLink, LinkOptions
from sensors.ingest.decoders import Decoded, Rejection
from sensors.ingest.decoders.decoder import slug_of
from sensors.ingest.floods.models import DeviceLimit
from sensors.ingest.limits import sender
from sensors.ingest.reasons import Reason
from sensors.ingest.rejects import thing_of
from sensors.ingest.snapshot import RegistrySnapshot
from sensors.ingest.topics import DATASTREAMS, EVERYTHING, ROOT, filters_besides
from sensors.observations.columns import TIMED_ON_RECEIPT, time_at
from sensors.observations.models import Observation, Quality

PATIENCE_S = 5.0
RELOAD_S = 15.0
RETRY_S = 2.0
# Between our receipt of a message and the worker's; what was received earlier came in another message.
SAME_MESSAGE = timedelta(seconds=2)
MOST_WAITING = 10_000
PAYLOAD_CHARACTERS = 160


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a message says in one place, and what becomes of that; `advice` where somebody has to do something."""

    said: str
    state: str
    advice: str = ""


class Ear:
    """Tells of one message after the other what becomes of it; `thing` is whose messages count, "" for everybody's."""

    def __init__(self, thing: str = "") -> None:
        self.thing = thing
        self.registry = RegistrySnapshot()
        self.registry.reload()

    def topic_filter(self) -> str:
        """Where this service's own messages of the thing come."""
        by_other_names = any(
            rule.pattern.startswith(f"{ROOT}/") and (rule.thing, rule.pattern.split("/")[1]) != ("{device}", "{device}")
            for rule in self.registry.decode.rules
        )
        return EVERYTHING if by_other_names or not self.thing else f"{ROOT}/{self.thing}/#"

    def filters_besides(self) -> tuple[str, ...]:
        return filters_besides(0, self.registry.topic_filters())

    def judge(self, message: Message) -> list[Verdict] | None:
        """The verdicts on all that the message says; None when it is not of the thing."""
        decoded = self.registry.decode(message.topic, message.payload)
        if self.thing and not self._concerns(decoded, message.topic):
            return None
        message.decoded = decoded
        batch = self._batch(message)
        if batch.unknown_things and self.registry.look_up(batch.unknown_things):
            batch = self._batch(message)
        found = _stored(batch)
        # A busy worker takes a moment: counted from the receipt, so that messages do not wait for each other.
        while _is_missing(batch, found) and time.time() - message.received_us / 1e6 < PATIENCE_S:
            time.sleep(0.1)
            found = _stored(batch)
        return list(self._verdicts(batch, found))

    def _concerns(self, decoded: Decoded, topic: str) -> bool:
        numbers = {str(ref.id) for ref in self.registry.things.get(self.thing, {}).values()}
        for reading in decoded.readings:
            if reading.thing == self.thing or (reading.thing == DATASTREAMS and reading.observed_property in numbers):
                return True
        if any(thing_of(rejection) == self.thing for rejection in decoded.rejections):
            return True
        return self.thing in {slug_of(level) for level in topic.split("/")}

    def _batch(self, message: Message) -> Batch:
        return build_batch([message], self.registry.things, now=datetime.now(UTC))

    def _verdicts(self, batch: Batch, found: Mapping[int, Observation]) -> Iterator[Verdict]:
        standing = {row: each.result for row, each in found.items() if each.result != batch.columns.results[row]}
        repeated, conflicts = settle(batch, standing)
        for row, origin in enumerate(Origin(*each) for each in batch.origins):
            if row not in standing:
                yield self._of_row(batch, row, origin, found.get(row))
        if repeated:
            yield Verdict("the same again in one message", f"repeated: {repeated}")
        for each in (*batch.quarantined, *conflicts):
            yield _of_rejection(each.rejection)
        if batch.ignored:
            yield Verdict(
                "no time", "ignored: it was retained by the broker, which says nothing of when it was measured"
            )
        if not batch.received:
            rule = self.registry.decode.rule_of(batch.messages[0].topic)
            advice = f"The topic rule {rule.pattern!r} takes no other names than its own." if rule else ""
            yield Verdict("nothing that is taken", "let be", advice)

    def _of_row(self, batch: Batch, row: int, origin: Origin, found: Observation | None) -> Verdict:
        columns, reading = batch.columns, origin.reading
        datastream = self.registry.things[reading.thing][reading.observed_property]
        name = (
            reading.observed_property if reading.thing == self.thing else f"{reading.thing}/{reading.observed_property}"
        )
        at = time_at(columns.phenomenon_us[row]).isoformat(timespec="seconds").replace("+00:00", "Z")
        stamped = " (of its arrival)" if columns.time_sources[row] == TIMED_ON_RECEIPT else ""
        said = f"{name} = {columns.results[row]:g} {datastream.unit} at {at}{stamped}"
        if found is None:
            return _missing(said, batch.messages[0])
        received_at = batch.messages[0].received_at
        if received_at - found.received_at > SAME_MESSAGE:
            return Verdict(said, f"repeated: it came before, {found.received_at.isoformat(timespec='seconds')}")
        if flags := [flag.name.lower() for flag in Quality if flag and found.quality & flag]:
            return Verdict(said, f"stored, and left out of sums: {', '.join(flags)}", "Is the plausible range right?")
        return Verdict(said, "stored")


def _missing(said: str, message: Message) -> Verdict:
    """Of a flood most is only counted, so that there is nothing to be found of it."""
    if DeviceLimit.objects.flooding().filter(thing=sender(message)).exists():
        return Verdict(said, "refused: its device sends more than its limit", ADVICE[Reason.FLOODING])
    return Verdict(said, "not stored", "No worker has stored it: does `ingest` run? ./pantau status tells.")


def _of_rejection(rejection: Rejection) -> Verdict:
    state = f"quarantined, {rejection.reason.value}: {rejection.detail}"
    return Verdict(shortened(rejection.payload), state, ADVICE[rejection.reason])


def _stored(batch: Batch) -> dict[int, Observation]:
    """Of each row of the batch what is stored in its place; of one without a time, what the worker stored on its receipt."""
    columns, received_at = batch.columns, batch.messages[0].received_at
    rows = range(len(columns))
    times = {row: time_at(columns.phenomenon_us[row]) for row in rows}
    exact = [row for row in rows if columns.time_sources[row] != TIMED_ON_RECEIPT]
    near = [row for row in rows if columns.time_sources[row] == TIMED_ON_RECEIPT]
    by_key = {
        (each.datastream_id, each.phenomenon_time): each
        for each in Observation.objects.filter(
            datastream_id__in={columns.datastream_ids[row] for row in exact},
            phenomenon_time__in={times[row] for row in exact},
        )
    }
    found = {row: by_key.get((columns.datastream_ids[row], times[row])) for row in exact}
    for row in near:
        found[row] = Observation.objects.filter(
            datastream_id=columns.datastream_ids[row],
            phenomenon_time__range=(times[row] - SAME_MESSAGE, times[row] + SAME_MESSAGE),
            received_at__gte=received_at - SAME_MESSAGE,
            time_source=TIMED_ON_RECEIPT,
            result=columns.results[row],
        ).first()
    return {row: each for row, each in found.items() if each is not None}


def _is_missing(batch: Batch, found: Mapping[int, Observation]) -> bool:
    return len(found) < len(batch.columns)


def listen(
    url: BrokerUrl,
    ear: Ear,
    *,
    hear: Callable[[Message, Sequence[Verdict]], None],
    on_trouble: Callable[[str], None],
    is_over: Callable[[], bool] = lambda: False,
) -> str | None:
    """Listens beside the worker until it is over, though the broker or the database is away meanwhile; a sentence where the
    broker forbids it."""
    waiting: queue.Queue[Message] = queue.Queue(MOST_WAITING)

    def take(message: Message) -> None:
        if not waiting.full():
            waiting.put(message)

    # A session of its own that ends with it: nothing is taken from the worker's.
    options = LinkOptions(
        f"pantau-listen-{secrets.token_hex(6)}", ear.topic_filter(), MOST_WAITING, qos=0, keeps_session=False
    )
    link = BrokerLink(url, options, on_delivery=take)
    link.subscribe_besides(ear.filters_besides())
    link.start()
    reloaded_at, trouble, database_trouble = time.monotonic(), "", ""
    message: Message | None = None
    try:
        while not is_over():
            if link.failure:
                return link.failure
            if (database_trouble or link.trouble) != trouble:
                trouble = database_trouble or link.trouble
                on_trouble(trouble)
            with contextlib.suppress(queue.Empty):
                message = message or waiting.get(timeout=0.2)
            try:
                if message is not None:
                    judged, verdicts, message = message, ear.judge(message), None
                    if verdicts is not None:
                        hear(judged, verdicts)
                if database_trouble or time.monotonic() - reloaded_at > RELOAD_S:
                    ear.registry.reload()
                    reloaded_at = time.monotonic()
                    link.subscribe_besides(ear.filters_besides())
                database_trouble = ""
            except (OperationalError, InterfaceError):
                # The message is kept, and judged once the database is back.
                connection.close()
                database_trouble = "the database does not answer"
                time.sleep(RETRY_S)
        return None
    finally:
        link.stop()


def shortened(payload: bytes) -> str:
    """A payload as a line of a terminal: what strangers send must not steer it."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        text = f"{len(payload)} bytes: {payload[:40].hex(' ')}"
    return printable(text)


def printable(text: str) -> str:
    shown = text if len(text) <= PAYLOAD_CHARACTERS else f"{text[:PAYLOAD_CHARACTERS]} …"
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in shown)
