"""What one message says: its readings, and those of its elements that cannot be read."""

from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, NamedTuple

from sensors.ingest.decoders import json_values
from sensors.ingest.decoders.times import BadTime, parse_time
from sensors.ingest.reasons import Reason
from sensors.ingest.topics import Topic, format_topic, parse_topic

MAX_PAYLOAD_BYTES = 1_048_576
MAX_READINGS = 10_000
# A time under one of these names must not be taken for no time: the reading would be stored at the wrong one.
_MISNAMED_TIMES = {
    "time",
    "timestamp",
    "ts",
    "date",
    "datetime",
    "phenomenontime",
    "resulttime",
    "observedat",
    "measuredat",
}


class Reading(NamedTuple):
    """One result. Without a phenomenon_time it is of the moment at which it arrives."""

    thing: str
    observed_property: str
    result: float
    phenomenon_time: datetime | None

    def topic(self) -> str:
        return format_topic(self.thing, self.observed_property)

    def payload(self) -> bytes:
        """The reading as a message of its own, which `decode` reads back as the same."""
        members: dict[str, object] = {"result": self.result}
        if self.phenomenon_time is not None:
            members["phenomenon_time"] = self.phenomenon_time.isoformat()
        return json_values.serialise(members)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A message or an element that cannot be stored, as a message that can be fed again by itself."""

    topic: str
    payload: bytes
    reason: Reason
    detail: str


class Decoded(NamedTuple):
    readings: tuple[Reading, ...] = ()
    rejections: tuple[Rejection, ...] = ()


class _Unreadable(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def decode(topic: str, payload: bytes) -> Decoded:
    """The readings of a message, and what of it is to be quarantined; together never empty, and it never raises.

    Payloads: on `sensors/{thing}/{observed_property}` a number, `{"result": …, "phenomenon_time": …}`, or an array of those;
              on `sensors/{thing}` `{"phenomenon_time": …, "results": {code: number, …}}`, or an array of those.
              The time may be left out, and other members are let be. One bad element of an array is rejected alone.
    """
    parts = parse_topic(topic)
    try:
        if parts is None:
            raise _Unreadable(Reason.BAD_TOPIC, "neither sensors/{thing}/{observed_property} nor sensors/{thing}")
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise _Unreadable(Reason.TOO_LARGE, f"{len(payload)} bytes; at most {MAX_PAYLOAD_BYTES}")
        try:
            value = json_values.parse(payload)
        except json_values.BadJson as error:
            raise _Unreadable(Reason.BAD_JSON, str(error)) from None
        if not isinstance(value, list):
            return _decode_alone(parts, topic, payload, value)
        if not value:
            raise _Unreadable(Reason.BAD_PAYLOAD, "an empty array")
        if len(value) > MAX_READINGS:
            raise _Unreadable(Reason.TOO_LARGE, f"{len(value)} elements; at most {MAX_READINGS}")
    except _Unreadable as why:
        return Decoded((), (Rejection(topic, payload, why.reason, why.detail),))
    return _decode_array(parts, topic, value)


def _decode_alone(parts: Topic, topic: str, payload: bytes, value: Any) -> Decoded:
    try:
        return _decode_element(parts, topic, value)
    except _Unreadable as why:
        return Decoded((), (Rejection(topic, payload, why.reason, why.detail),))


def _decode_array(parts: Topic, topic: str, elements: list[Any]) -> Decoded:
    readings: list[Reading] = []
    rejections: list[Rejection] = []
    for element in elements:
        try:
            decoded = _decode_element(parts, topic, element)
        except _Unreadable as why:
            # An array stays wrapped: alone it would be read as an array of readings.
            alone = [element] if isinstance(element, list) else element
            rejections.append(Rejection(topic, json_values.serialise(alone), why.reason, why.detail))
        else:
            readings += decoded.readings
            rejections += decoded.rejections
    return Decoded(tuple(readings), tuple(rejections))


def _decode_element(parts: Topic, topic: str, value: Any) -> Decoded:
    if parts.observed_property is not None:
        return Decoded((_one_result(parts.thing, parts.observed_property, value),))
    members = _members(value, "results")
    time = _time_of(members)
    results = members["results"]
    if not isinstance(results, dict) or not results:
        raise _Unreadable(Reason.BAD_PAYLOAD, "results must be an object of property codes and numbers, each code once")
    if len(results) > MAX_READINGS:
        raise _Unreadable(Reason.TOO_LARGE, f"{len(results)} results; at most {MAX_READINGS}")
    readings: list[Reading] = []
    rejections: list[Rejection] = []
    for code, result in results.items():
        try:
            if not code or "/" in code:
                raise _Unreadable(Reason.UNKNOWN_DATASTREAM, f"{code[:80]!r} is no property code")
            readings.append(Reading(parts.thing, code, _number(result), time))
        except _Unreadable as why:
            alone = {key: member for key, member in members.items() if key == "phenomenon_time"} | {
                "results": {code: result}
            }
            rejections.append(Rejection(topic, json_values.serialise(alone), why.reason, why.detail))
    return Decoded(tuple(readings), tuple(rejections))


def _one_result(thing: str, observed_property: str, value: Any) -> Reading:
    if isinstance(value, dict | json_values.Ambiguous):
        members = _members(value, "result")
        return Reading(thing, observed_property, _number(members["result"]), _time_of(members))
    if isinstance(value, list):
        raise _Unreadable(Reason.BAD_PAYLOAD, "an array in an array")
    return Reading(thing, observed_property, _number(value), None)


def _members(value: Any, needed: str) -> dict[str, Any]:
    if isinstance(value, json_values.Ambiguous):
        raise _Unreadable(Reason.BAD_PAYLOAD, "a key comes twice")
    if not isinstance(value, dict) or needed not in value:
        raise _Unreadable(Reason.BAD_PAYLOAD, f"an object with {needed} is expected")
    return value


def _time_of(members: dict[str, Any]) -> datetime | None:
    if "phenomenon_time" in members:
        try:
            return parse_time(members["phenomenon_time"])
        except BadTime as why:
            raise _Unreadable(Reason.BAD_TIME, str(why)) from None
    for key in members:
        if key.lower().replace("_", "") in _MISNAMED_TIMES:
            raise _Unreadable(Reason.BAD_PAYLOAD, f"{key[:40]!r} looks like a time; its name is phenomenon_time")
    return None


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Unreadable(Reason.NOT_A_NUMBER, f"a result is a number, not {_kind(value)}")
    try:
        number = float(value)
    except OverflowError:
        raise _Unreadable(Reason.NOT_A_NUMBER, "a number beyond 1.8e308") from None
    if not isfinite(number):
        raise _Unreadable(Reason.NOT_A_NUMBER, "not a finite number")
    return number


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "a text"
        case list():
            return "an array"
    return "an object"
