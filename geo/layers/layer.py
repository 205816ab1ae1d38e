"""What a layer is. Declared once; every protocol serves it from this declaration and its row-source alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from django.utils.functional import Promise

from geo.analysis.computed import Computed, Progress
from geo.areas.models import City
from server.core.params import BBox, Interval

PropertyType = Literal["string", "integer", "number", "boolean", "datetime", "array"]
GeometryType = Literal["Point", "MultiPolygon"]
Value = Any
# Said in the language of whoever asks.
Text = str | Promise


@dataclass(frozen=True, slots=True)
class Property:
    """One property of every feature. `unit` is UCUM, or the name of a property that holds it. Numbers keep `decimals` digits.

    `is_long` marks free text: nothing to sort by, and too much for a tile.
    """

    name: str
    type: PropertyType
    title: Text
    description: Text = ""
    unit: str | None = None
    decimals: int = 3
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter of a layer. `parse(text, name, city)` gives its value or raises BadParameter.

    `choices` are values to offer, of a parameter that is required.
    """

    name: str
    description: Text
    parse: Callable[[str, str, City], Value]
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    default: str | None = None
    required: bool = False
    choices: Callable[[], Sequence[str]] = tuple


@dataclass(frozen=True, slots=True)
class Condition:
    """A boolean expression over a row-source named `s` (its columns: `s.geom` and each property); values are parameters."""

    sql: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __and__(self, other: "Condition | None") -> "Condition":
        if other is None:
            return self
        return Condition(f"({self.sql}) AND ({other.sql})", {**self.params, **other.params})


@dataclass(frozen=True, slots=True)
class OrderBy:
    """One property to sort by; rows without a value come last either way."""

    name: str
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of a layer, resolved: no request, no relative time, no default left open.

    `order` comes before the layer's own order, which makes it total.
    """

    city: City
    values: Mapping[str, Value]
    now: datetime
    bbox: BBox | None = None
    interval: Interval | None = None
    condition: Condition | None = None
    order: tuple[OrderBy, ...] = ()
    result_set: int | None = None


@dataclass(frozen=True, slots=True)
class RowSource:
    """Parameterised SQL. Its columns are `key` (bigint, unique: the order), `fid`, `geom`, and one for each property.

    `members` are foreign members of the collection: as_of, the period that was counted, what was left out.
    """

    sql: str
    params: Mapping[str, Any]
    members: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Style:
    """How the layer looks unless somebody says otherwise: one property, by colour."""

    kind: Literal["circle", "fill"]
    property: str | None = None
    colours: Sequence[str] = ()
    classes: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Pinned:
    """A frozen result, which answers whatever the data does. `values` are the resolved ones that it was computed with."""

    result_set: int
    values: Mapping[str, Value]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Settled:
    """Of a layer that is a saved analysis: whose results it shares (`base`), where, and with which texts of its parameters.

    `is_public`: listed, and the same to everybody; else its answers are for whoever asked, and kept by nobody on the way.
    `revised_at` is another whenever its title or anything else was changed.
    """

    base: "Layer"
    city: City
    texts: Mapping[str, str]
    is_public: bool
    revised_at: datetime
    pinned: Pinned | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """The declaration. `versions` are the data versions (table -> scopes) that its rows depend on.

    `resolve` fills what depends on other parameters or on the clock (a default period); `rows` gives the row-source.
    `is_stored` marks a layer whose rows numpy computed: its row-source reads a result set. `tile_properties` are what style and
    popup need of a feature in a vector tile; None: every property that is short. `has_timeless_rows`: the time field may be
    null. `is_of_every_city`: its rows are the same whichever city is asked for. `fresh_for`: a stored result this young is
    answered again even if the data moved on meanwhile, as readings do all the time. `settled`: a saved analysis, which has no
    parameters left to give.
    """

    id: str
    title: Text
    description: Text
    geometry_type: GeometryType
    properties: Sequence[Property]
    rows: Callable[[Query], RowSource]
    versions: Mapping[str, Sequence[str]]
    style: Style
    parameters: Sequence[Parameter] = ()
    time_field: str | None = None
    has_timeless_rows: bool = False
    is_of_every_city: bool = False
    newest_first: bool = False
    tile_properties: Sequence[str] | None = None
    is_stored: bool = False
    resolve: Callable[[City, dict[str, Value], datetime], dict[str, Value]] = lambda city, values, now: values
    freshness: Callable[[City], Mapping[str, Any]] = lambda city: {}
    compute: Callable[[Query, Progress], Computed] | None = None
    fresh_for: timedelta = timedelta(seconds=60)
    settled: Settled | None = None

    def parameter(self, name: str) -> Parameter | None:
        return next((p for p in self.parameters if p.name == name), None)

    def property_named(self, name: str) -> Property | None:
        return next((p for p in self.properties if p.name == name), None)

    @property
    def has_period(self) -> bool:
        """Whether `datetime` chooses the period that is counted, not which features are shown."""
        return self.time_field is None and self.parameter("start") is not None

    @property
    def counts_period(self) -> bool:
        """Whether its figures are of a period, settled or not."""
        return (self.settled.base if self.settled else self).has_period

    @property
    def follows_clock(self) -> bool:
        """Whether its answer may change with the city's day, though no data has changed."""
        return self.counts_period and not (self.settled and self.settled.pinned)
