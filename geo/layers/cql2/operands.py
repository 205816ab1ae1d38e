"""The values that a filter compares, by kind, each as SQL that PostgreSQL evaluates without an error."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from geo.layers.cql2.reading import refuse
from geo.layers.layer import Property

# What a filter may cost for each row, in microseconds as they were measured with the usual values of a column. The worst that
# this lets through took 1 to 4 s on 7,000 areas and 40 s on 200,000 points, where server.core.time_limits ends it; the worst
# that the length of a filter alone allows, 66 ms (arithmetic) and 200 ms (S_CONTAINS) for each row.
MAX_EFFORT = 200.0
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
    effort: float = 0.0

    def bind(self, value: Any) -> str:
        name = f"cql_{len(self.params)}"
        self.params[name] = value
        return f"%({name})s"

    def spend(self, effort: float) -> None:
        """Counts what is evaluated for each row anew, in microseconds."""
        self.effort += effort
        if self.effort > MAX_EFFORT:
            raise refuse(
                "the filter takes too long for each row; fewer of CASEI, ACCENTI, LIKE, spatial functions and long"
                " arithmetic are possible"
            )


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
    within the bounds kept here: `digits` before the decimal point and `scale` after it. `usual` are the digits before and
    after it that there are with usual values of the columns: what it takes to compute with."""

    sql: str
    exact: str
    digits: int
    scale: int
    usual: tuple[int, int]
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
