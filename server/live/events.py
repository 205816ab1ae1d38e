"""What a listener wants, and an observation as a server-sent event. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from django.http import QueryDict

from sensors.observations.columns import quality_words, time_at
from sensors.observations.journal import Entry, Position
from server.core.errors import BadParameter
from server.core.listing import read_query
from server.core.params import parse_choice, parse_number

PARAMETERS = ("area", "property", "thing", "datastream", "min", "max", "quality", "last_event_id")
EVENTS = ("observation", "changed", "deleted")
QUALITIES = ("good", "any")
LARGEST = 1e300


@dataclass(frozen=True, slots=True)
class Described:
    """What is told of a datastream with each of its observations, and by what it is filtered: the codes of all areas it lies in."""

    id: int
    thing: str
    observed_property: str
    unit: str
    areas: frozenset[str]


@dataclass(frozen=True, slots=True)
class EventId:
    """The place of a row in the journal: its entry, and its number there from 0. Written `xid-entry-row`."""

    position: Position
    row: int

    def __str__(self) -> str:
        return f"{self.position}-{self.row}"

    @classmethod
    def parse(cls, text: str) -> "EventId":
        """Errors: ValueError."""
        head, _, row = text.rpartition("-")
        if not (row.isascii() and row.isdigit() and len(row) <= 9):
            raise ValueError(f"not an event of this stream: {text[:60]!r}")
        return cls(Position.parse(head), int(row))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A listener's filter. None is no condition; `least` and `most` are of the result, inclusive."""

    area: str | None = None
    observed_property: str | None = None
    thing: str | None = None
    datastream: int | None = None
    least: float | None = None
    most: float | None = None
    only_good: bool = False

    def takes(self, datastream: Described) -> bool:
        return (
            (self.datastream is None or self.datastream == datastream.id)
            and (self.thing is None or self.thing == datastream.thing)
            and (self.observed_property is None or self.observed_property == datastream.observed_property)
            and (self.area is None or self.area in datastream.areas)
        )

    def takes_value(self, result: float, quality: int) -> bool:
        return (
            (not self.only_good or quality == 0)
            and (self.least is None or result >= self.least)
            and (self.most is None or result <= self.most)
        )


def read_wanted(given: QueryDict) -> tuple[Wanted, EventId | None]:
    """The filter and the last event seen, from a query string. Errors: BadParameter."""
    values = read_query(given, PARAMETERS)
    bounds = {
        name: parse_number(values[name], name, minimum=-LARGEST, maximum=LARGEST)
        for name in ("min", "max")
        if name in values
    }
    if "min" in bounds and "max" in bounds and bounds["min"] > bounds["max"]:
        raise BadParameter("min", "min is greater than max")
    datastream = values.get("datastream")
    if datastream is not None and not (datastream.isascii() and datastream.isdigit() and len(datastream) < 19):
        raise BadParameter("datastream", "datastream is a number, as in /api/datastreams/")
    wanted = Wanted(
        area=values.get("area"),
        observed_property=values.get("property"),
        thing=values.get("thing"),
        datastream=None if datastream is None else int(datastream),
        least=bounds.get("min"),
        most=bounds.get("max"),
        only_good=parse_choice(values.get("quality", "any"), "quality", QUALITIES) == "good",
    )
    return wanted, read_event_id(values.get("last_event_id"), "last_event_id")


def read_event_id(text: str | None, name: str) -> EventId | None:
    """Errors: BadParameter."""
    if not text:
        return None
    try:
        return EventId.parse(text)
    except ValueError as error:
        raise BadParameter(name, f"{name}: {error}") from None


class Event(NamedTuple):
    """A row of the journal as it is sent; `row` is its number in its entry."""

    datastream_id: int
    result: float
    quality: int
    row: int
    text: bytes


def events_of(entry: Entry, described: Mapping[int, Described]) -> Iterator[Event]:
    """The rows of known datastreams, in their order."""
    name, recorded_at = EVENTS[entry.kind], _iso(entry.written_at)
    rows = zip(entry.datastream_ids, entry.phenomenon_us, entry.results, entry.qualities, strict=True)
    for number, (datastream_id, phenomenon_us, result, quality) in enumerate(rows):
        of = described.get(datastream_id)
        if of is None:
            continue
        data = {
            "datastream": datastream_id,
            "thing": of.thing,
            "observed_property": of.observed_property,
            "unit": of.unit,
            "phenomenon_time": _iso(time_at(phenomenon_us)),
            "result": result,
            "quality": quality_words(quality),
            "recorded_at": recorded_at,
        }
        text = f"id: {entry.position}-{number}\nevent: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
        yield Event(datastream_id, result, quality, number, text.encode())


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
