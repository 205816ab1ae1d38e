"""What an analysis hands back, and how it tells how far it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Called with the share that is done, 0 to 1; raises Cancelled where nobody wants the rest any more.
Progress = Callable[[float], None]


class Cancelled(Exception):
    """The result was given up while it was being computed."""


def no_progress(share: float) -> None:
    """For callers that wait in any case."""


@dataclass(frozen=True, slots=True)
class Row:
    """One feature: `key` is the area's id, or the cell's number where `geom` (EWKB in hex, EPSG:4326, MultiPolygon) is given.

    `figures` are plain JSON by the names of the layer's properties; a figure that does not exist is None. An area's code,
    name and level are looked up; a cell has its own.
    """

    key: int
    figures: Mapping[str, Any]
    geom: str | None = None


@dataclass(frozen=True, slots=True)
class Computed:
    """The rows of a layer, if it is one, and what is said of the whole: plain JSON."""

    rows: Sequence[Row] = ()
    members: Mapping[str, Any] = field(default_factory=dict)
