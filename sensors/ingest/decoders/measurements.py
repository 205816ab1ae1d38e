"""What a device says in its own words: between a foreign format and this city's things and properties."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sensors.ingest.decoders.json_values import Ambiguous
from sensors.ingest.decoders.said import MAX_READINGS, Unreadable
from sensors.ingest.decoders.times import BadTime, parse_time
from sensors.ingest.reasons import Reason

# A path of more names is no measurement that anybody has given a name to.
DEEPEST = 8
# One name may stand for thousands of values, each of which repeats it where it is rejected.
LONGEST_NAME = 256


class Measurement(NamedTuple):
    """One value under the name that the device gives it; names inside names are joined by dots.

    `device` is who the payload says that it is from, "" where it does not say. `result` is as it stands in the payload.
    Without a time it is of `ago_us` microseconds before its arrival.
    """

    name: str
    result: Any
    time: datetime | None = None
    unit: str = ""
    device: str = ""
    ago_us: int = 0


class Faulty(NamedTuple):
    """One element that cannot be read, as a payload of the same format that says nothing else."""

    payload: bytes
    reason: Reason
    detail: str


Payload = list[Measurement | Faulty]
Levels = Mapping[str, str]
FormatDecoder = Callable[[bytes, Levels], Payload]
"""From a payload, and the named levels of its topic, to what it says. Pure. Errors: Unreadable alone."""


def members_of(value: Any, what: str) -> dict[str, Any]:
    """An object's members. Errors: Unreadable for anything else, and for keys that come twice."""
    if isinstance(value, Ambiguous):
        raise Unreadable(Reason.BAD_PAYLOAD, f"{what}: a key comes twice")
    if not isinstance(value, dict):
        raise Unreadable(Reason.BAD_PAYLOAD, f"{what} is to be an object")
    return value


def text_of(members: Mapping[str, Any], key: str) -> str:
    """A text, or "" where it is left out. Errors: Unreadable for anything else."""
    value = members.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unreadable(Reason.BAD_PAYLOAD, f"{key} is to be a text")
    return value


def time_of(members: Mapping[str, Any], key: str) -> datetime | None:
    """A time, or None where it is left out. Errors: Unreadable."""
    if (value := members.get(key)) is None:
        return None
    try:
        return parse_time(value)
    except BadTime as why:
        raise Unreadable(Reason.BAD_TIME, f"{key}: {why}") from None


def flattened(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names and values of an object and the objects in it: `{"air": {"temp": 3}}` gives `air.temp`, 3.

    Errors: Unreadable for more than 10,000 values, for a nesting of more than eight, and for names that are too long.
    """
    found = 0
    ahead: list[tuple[tuple[str, ...], Mapping[str, Any]]] = [((), value)]
    while ahead:
        path, members = ahead.pop()
        if len(path) >= DEEPEST:
            raise Unreadable(Reason.BAD_PAYLOAD, f"objects in objects, more than {DEEPEST} deep")
        for key, member in members.items():
            if isinstance(member, dict | Ambiguous):
                ahead.append(((*path, key), members_of(member, ".".join((*path, key))[:80])))
                continue
            found += 1
            if found > MAX_READINGS:
                raise Unreadable(Reason.TOO_LARGE, f"more than {MAX_READINGS} values")
            yield name_of(".".join((*path, key))), member


def name_of(text: str) -> str:
    """A name as it is. Errors: Unreadable for one of more than 256 characters."""
    if len(text) > LONGEST_NAME:
        raise Unreadable(Reason.BAD_PAYLOAD, f"{text[:40]!r}… is a name of more than {LONGEST_NAME} characters")
    return text
