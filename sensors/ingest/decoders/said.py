"""What a message says, whatever it is written in: readings, and what of it cannot be read."""

from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, NamedTuple

from sensors.ingest.decoders import json_values
from sensors.ingest.reasons import Reason
from sensors.ingest.topics import format_topic

MAX_PAYLOAD_BYTES = 1_048_576
MAX_READINGS = 10_000


class Reading(NamedTuple):
    """One result. Without a phenomenon_time it is of `ago_us` microseconds before the moment at which it arrives.

    `unit` is a UCUM code where the message names one; "" is the datastream's own.
    """

    thing: str
    observed_property: str
    result: float
    phenomenon_time: datetime | None
    unit: str = ""
    ago_us: int = 0

    def topic(self) -> str:
        return format_topic(self.thing, self.observed_property)

    def payload(self) -> bytes:
        """The reading as a message of its own, which the native decoder reads back as the same; its time must be absolute."""
        members: dict[str, object] = {"result": self.result}
        if self.phenomenon_time is not None:
            members["phenomenon_time"] = self.phenomenon_time.isoformat()
        if self.unit:
            members["unit"] = self.unit
        return json_values.serialise(members)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A message or an element that cannot be stored, as a message that can be fed again by itself.

    `thing` is of which thing it is, where that is known and the topic is not this service's own, which says so itself.
    """

    topic: str
    payload: bytes
    reason: Reason
    detail: str
    thing: str = ""


class Decoded(NamedTuple):
    readings: tuple[Reading, ...] = ()
    rejections: tuple[Rejection, ...] = ()


class Unreadable(Exception):
    """A message, or one element of it, that cannot be read: the only error that a decoder raises."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def number(value: Any) -> float:
    """A result as a float. Errors: Unreadable for anything that is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable(Reason.NOT_A_NUMBER, f"a result is a number, not {_kind(value)}")
    try:
        result = float(value)
    except OverflowError:
        raise Unreadable(Reason.NOT_A_NUMBER, "a number beyond 1.8e308") from None
    if not isfinite(result):
        raise Unreadable(Reason.NOT_A_NUMBER, "not a finite number")
    return result


def refuse_larger(payload: bytes) -> None:
    """Errors: Unreadable for a payload of more than a mebibyte."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise Unreadable(Reason.TOO_LARGE, f"{len(payload)} bytes; at most {MAX_PAYLOAD_BYTES}")


def parse_json(payload: bytes) -> Any:
    """The value of a JSON text. Errors: Unreadable."""
    try:
        return json_values.parse(payload)
    except json_values.BadJson as error:
        raise Unreadable(Reason.BAD_JSON, str(error)) from None


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
