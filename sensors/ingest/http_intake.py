"""Readings that come by HTTP: they become the messages that they would have been over MQTT, and take the same way from there."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sensors.ingest.batch import Message, Quarantined
from sensors.ingest.decoders import MAX_READINGS, Decoded, Decoder, Rejection, decode_native, json_values
from sensors.ingest.decoders.rules import Rule
from sensors.ingest.models import IngestStatus, TopicRule
from sensors.ingest.pending.noting import keep_and_note
from sensors.ingest.reasons import Reason
from sensors.ingest.store import Outcome, Store, again
from sensors.ingest.topics import ROOT
from sensors.observations.columns import microseconds
from sensors.observations.writer import StoredRowVanished
from server.core.errors import BadParameter

# What came by HTTP is counted under a slot of its own, between the workers' and the sources'.
SLOT, SOURCE = 999, "http"
NATIVE = "application/json"
# Of the other media types the last level of the topic under which a thing would have published the same body.
LEVELS = {"application/senml+json": "senml", "application/senml+cbor": "senml-cbor", "text/csv": "csv"}
MEDIA_TYPES = (NATIVE, *LEVELS)
# Where no topic rule says how these are read, they are read as what they are.
_PLAIN_RULES = tuple(Rule(f"{ROOT}/{{device}}/{level}", level) for level in LEVELS.values())
# The topic of what names no thing: no decoder reads it, so that it stays in quarantine whoever feeds it again.
NOBODY_S = "http/observations"


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a body. All of it is committed: stored, or in quarantine with its reason."""

    outcome: Outcome
    rejections: Sequence[Rejection]


def store_body(body: bytes, media_type: str, *, thing: str) -> Kept:
    """Stores what a body of one of MEDIA_TYPES says of `thing`; "" where the body is to name the things itself.

    Errors: BadParameter where the body says nothing, or nothing says of which thing it is.
    """
    if not body.strip():
        raise BadParameter("body", "the body is empty; a reading is expected")
    now_us = microseconds(datetime.now(UTC))
    if media_type == NATIVE:
        return _store(native_messages(body, thing, now_us))
    if not thing:
        raise BadParameter(
            "thing", f"a body of {media_type} names no thing: say ?thing=… or /api/things/…/observations/"
        )
    return store_message(Message(f"{ROOT}/{thing}/{LEVELS[media_type]}", body, now_us))


def store_message(message: Message) -> Kept:
    """Stores what a message says by the topic rules of now."""
    message.decoded = Decoder((*TopicRule.objects.in_force(), *_PLAIN_RULES))(message.topic, message.payload)
    return _store([message])


def _store(messages: Sequence[Message]) -> Kept:
    rejections: list[Rejection] = []

    def keep(of: Sequence[Message], rejected: Sequence[Quarantined]) -> Counter[str]:
        kept = keep_and_note(of, rejected)
        rejections.extend(each.rejection for each in rejected)
        return kept

    IngestStatus.objects.get_or_create(slot=SLOT, defaults={"source": SOURCE, "started_at": datetime.now(UTC)})
    # It looks up the things that are named and no others, so that a request knows the registry of now.
    store = Store(SLOT, keep)
    try:
        return Kept(store.store(messages), rejections)
    except StoredRowVanished:
        return Kept(store.store(again(messages)), rejections)


def native_messages(body: bytes, thing: str, now_us: int) -> list[Message]:
    """A message for each element of a body in this service's own JSON, in which `thing` and `observed_property` may stand.

    `thing` is whose the body is, "" where it names them itself; each message is decoded already. Pure.
    Errors: BadParameter where nothing says of which thing the body is.
    """
    try:
        value = json_values.parse(body)
    except json_values.BadJson as why:
        if not thing:
            raise BadParameter("body", f"no JSON, so it names no thing: {why}") from None
        return [_message(f"{ROOT}/{thing}", body, now_us)]
    elements = value if isinstance(value, list) else [value]
    if not elements or len(elements) > MAX_READINGS:
        if not thing:
            raise BadParameter("body", f"an array of 1 to {MAX_READINGS} readings is expected, not of {len(elements)}")
        return [_message(f"{ROOT}/{thing}", body, now_us)]
    return [_element(each, json_values.serialise(each), thing, now_us, body) for each in elements]


def _element(value: Any, written: bytes, thing: str, now_us: int, body: bytes) -> Message:
    if not written:
        return _nobody_s(body, Reason.BAD_PAYLOAD, "nested too deeply", now_us)
    if not isinstance(value, dict):
        if not thing:
            return _nobody_s(written, Reason.BAD_PAYLOAD, "names no thing", now_us)
        # An array stays wrapped: alone it would be read as an array of readings.
        return _message(f"{ROOT}/{thing}", b"[%b]" % written if isinstance(value, list) else written, now_us)
    named, code = value.get("thing", thing), value.get("observed_property", "")
    # Half a surrogate pair is a text of JSON's, and none that a database can be asked about.
    if not isinstance(named, str) or not named or "/" in named or not named.isprintable():
        return _nobody_s(written, Reason.BAD_PAYLOAD, "names no thing", now_us)
    if thing and named != thing:
        return _nobody_s(written, Reason.FOREIGN_IDENTITY, f"names {named[:64]!r}; it was sent for {thing!r}", now_us)
    if not isinstance(code, str) or "/" in code:
        return _nobody_s(written, Reason.BAD_PAYLOAD, "observed_property is to be a property's code", now_us)
    members = {key: member for key, member in value.items() if key not in ("thing", "observed_property")}
    topic = f"{ROOT}/{named}/{code}" if code else f"{ROOT}/{named}"
    return _message(topic, json_values.serialise(members), now_us)


def _message(topic: str, payload: bytes, now_us: int) -> Message:
    # The media type has said what it is: a topic rule must not read it as something else.
    return Message(topic, payload, now_us, decoded=decode_native(topic, payload))


def _nobody_s(payload: bytes, reason: Reason, detail: str, now_us: int) -> Message:
    rejection = Rejection(NOBODY_S, payload, reason, detail)
    return Message(NOBODY_S, payload, now_us, decoded=Decoded((), (rejection,)))
