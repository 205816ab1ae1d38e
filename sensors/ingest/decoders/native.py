"""JSON as this service defines it: numbers, results with a time, arrays of those, results by property."""

from datetime import datetime
from typing import Any

from sensors.ingest.decoders import json_values
from sensors.ingest.decoders.said import (
    MAX_READINGS,
    Decoded,
    Reading,
    Rejection,
    Unreadable,
    number,
    parse_json,
    refuse_larger,
)
from sensors.ingest.decoders.times import BadTime, parse_time
from sensors.ingest.reasons import Reason
from sensors.ingest.topics import Topic, parse_topic

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


def decode_native(topic: str, payload: bytes) -> Decoded:
    """The readings of a message, and what of it is to be quarantined; together never empty, and it never raises.

    Payloads: on `sensors/{thing}/{observed_property}` a number, `{"result": …, "phenomenon_time": …,
              "unit": …}`, or an array of those;
              on `sensors/{thing}` `{"phenomenon_time": …, "results": {code: number, …}}`, or an array of those.
              Time and unit may be left out, and other members are let be. One bad element of an array is rejected alone.
    """
    parts = parse_topic(topic)
    try:
        if parts is None:
            raise Unreadable(Reason.BAD_TOPIC, "neither sensors/{thing}/{observed_property} nor sensors/{thing}")
        refuse_larger(payload)
        value = parse_json(payload)
        if not isinstance(value, list):
            return _decode_alone(parts, topic, payload, value)
        if not value:
            raise Unreadable(Reason.BAD_PAYLOAD, "an empty array")
        if len(value) > MAX_READINGS:
            raise Unreadable(Reason.TOO_LARGE, f"{len(value)} elements; at most {MAX_READINGS}")
    except Unreadable as why:
        return Decoded((), (Rejection(topic, payload, why.reason, why.detail),))
    return _decode_array(parts, topic, value)


def _decode_alone(parts: Topic, topic: str, payload: bytes, value: Any) -> Decoded:
    try:
        return _decode_element(parts, topic, value)
    except Unreadable as why:
        return Decoded((), (Rejection(topic, payload, why.reason, why.detail),))


def _decode_array(parts: Topic, topic: str, elements: list[Any]) -> Decoded:
    readings: list[Reading] = []
    rejections: list[Rejection] = []
    for element in elements:
        try:
            decoded = _decode_element(parts, topic, element)
        except Unreadable as why:
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
        raise Unreadable(Reason.BAD_PAYLOAD, "results must be an object of property codes and numbers, each code once")
    if len(results) > MAX_READINGS:
        raise Unreadable(Reason.TOO_LARGE, f"{len(results)} results; at most {MAX_READINGS}")
    readings: list[Reading] = []
    rejections: list[Rejection] = []
    for code, result in results.items():
        try:
            if not code or "/" in code:
                raise Unreadable(Reason.UNKNOWN_DATASTREAM, f"{code[:80]!r} is no property code")
            readings.append(Reading(parts.thing, code, number(result), time))
        except Unreadable as why:
            alone = {key: member for key, member in members.items() if key == "phenomenon_time"} | {
                "results": {code: result}
            }
            rejections.append(Rejection(topic, json_values.serialise(alone), why.reason, why.detail))
    return Decoded(tuple(readings), tuple(rejections))


def _one_result(thing: str, observed_property: str, value: Any) -> Reading:
    if isinstance(value, dict | json_values.Ambiguous):
        members = _members(value, "result")
        unit = members.get("unit", "")
        if not isinstance(unit, str):
            raise Unreadable(Reason.BAD_UNIT, "a unit is a text, the UCUM code")
        return Reading(thing, observed_property, number(members["result"]), _time_of(members), unit)
    if isinstance(value, list):
        raise Unreadable(Reason.BAD_PAYLOAD, "an array in an array")
    return Reading(thing, observed_property, number(value), None)


def _members(value: Any, needed: str) -> dict[str, Any]:
    if isinstance(value, json_values.Ambiguous):
        raise Unreadable(Reason.BAD_PAYLOAD, "a key comes twice")
    if not isinstance(value, dict) or needed not in value:
        raise Unreadable(Reason.BAD_PAYLOAD, f"an object with {needed} is expected")
    return value


def _time_of(members: dict[str, Any]) -> datetime | None:
    if "phenomenon_time" in members:
        try:
            return parse_time(members["phenomenon_time"])
        except BadTime as why:
            raise Unreadable(Reason.BAD_TIME, str(why)) from None
    for key in members:
        if key.lower().replace("_", "") in _MISNAMED_TIMES:
            raise Unreadable(Reason.BAD_PAYLOAD, f"{key[:40]!r} looks like a time; its name is phenomenon_time")
    return None
