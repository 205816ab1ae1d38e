"""The values that a filter compares, by kind, each as SQL that PostgreSQL evaluates without an error."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from geo.layers.layer import Property

# An open end of time, as SQL.
EVER = {False: "'-infinity'::timestamptz", True: "'infinity'::timestamptz"}


@dataclass(slots=True)
class Scope:
    """What a filter may speak of, and the parameters that it has bound so far."""

    properties: Mapping[str, Property]
    zone: ZoneInfo
    srid: int
    flip: bool
    params: dict[str, Any] = field(default_factory=dict)

    def bind(self, value: Any) -> str:
        name = f"cql_{len(self.params)}"
        self.params[name] = value
        return f"%({name})s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """`said` names it in a message; `is_literal` if no property is in it."""

    said: str
    is_literal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth(Operand):
    sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Operand):
    """A column, or the `value` of a literal as it was written; casei and accenti are still to be applied."""

    column: str | None = None
    value: str | None = None
    is_caseless: bool = False
    is_accentless: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Operand):
    """`sql` keeps the column's type, so that an index serves; `exact` is numeric, whose operators do not overflow
    within the bounds kept here: `digits` before the decimal point and `scale` after it."""

    sql: str
    exact: str
    digits: int
    scale: int
    is_computed: bool = False
    value: int | float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment(Operand):
    """A point of time, or a day: its first and last microsecond, and the start of what follows. A str is a column."""

    first: datetime | str
    last: datetime | str
    limit: datetime | str
    is_day: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Span(Operand):
    """An interval, closed on both sides; None is open."""

    start: Moment | None
    end: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(Operand):
    """A geometry in EPSG:4326; a mixed collection has a part for points, lines and polygons each."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Many(Operand):
    """A list of values: all that can be asked is whether it is there."""

    sql: str


def kind_of(operand: Operand) -> str:
    """What an operand is, in a sentence."""
    words: dict[type[Operand], str] = {
        Truth: "true or false",
        Text: "text",
        Number: "a number",
        Moment: "a time",
        Span: "an interval",
        Shape: "a geometry",
        Many: "a list",
    }
    return words[type(operand)]


def shortened(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
