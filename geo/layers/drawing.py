"""The rows of a layer of areas as shapes on paper: SVG paths in millimetres, each with the colour of its class."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from geo.layers.breaks import quantile_edges
from geo.layers.layer import Layer
from geo.layers.legend import CHANCE, NO_VALUE, P_VALUE, Entry, has_chance, is_number, legend
from geo.layers.select import Selection, selected_sql

# What is smaller on paper than this is left out of an outline.
TOLERANCE_MM = 0.25
PALE, SOLID = 0.25, 0.8


@dataclass(frozen=True, slots=True)
class Shape:
    """`path` is an SVG path, relative, in millimetres from the upper left corner."""

    path: str
    colour: str
    opacity: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """`width` and `height` are millimetres that the shapes take; `metres_per_mm` is the scale, 0 where there are none.

    `shown` counts the rows, `with_figure` those of which the styled property has a value. `is_schematic`: some of the
    boundaries are.
    """

    shapes: Sequence[Shape]
    entries: Sequence[Entry]
    width: float
    height: float
    metres_per_mm: float
    shown: int
    with_figure: int
    is_schematic: bool = False


def draw(selection: Selection, *, srid: int, width_mm: float, height_mm: float) -> Drawing:
    """The selected rows, as large as fits in a box; `srid` is a projection whose unit is the metre."""
    layer = selection.layer
    entries = legend(layer, _edges(selection))
    where, params = selected_sql(selection)
    params["srid"] = srid
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e)"
            f" FROM (SELECT ST_Extent(ST_Transform(s.geom, %(srid)s)) {where}) found(e)",
            params,
        )
        west, south, east, north = cursor.fetchone()
        if west is None:
            return Drawing([], entries, width_mm, height_mm, 0.0, 0, 0)
        metres_per_mm = max((east - west) / width_mm, (north - south) / height_mm, 1e-9)
        # SVG counts downward, and ST_AsSVG turns the axis over.
        params |= {"dx": -west, "dy": -north, "scale": 1 / metres_per_mm, "tolerance": TOLERANCE_MM * metres_per_mm}
        style = layer.style.property
        value = f"s.{style}" if style else "NULL"
        chance = f"s.{P_VALUE}" if has_chance(layer) else "NULL"
        schematic = "s.is_schematic" if layer.property_named("is_schematic") else "false"
        cursor.execute(
            "SELECT ST_AsSVG(ST_TransScale(ST_SimplifyPreserveTopology(ST_Transform(s.geom, %(srid)s), %(tolerance)s),"
            f" %(dx)s, %(dy)s, %(scale)s, %(scale)s), 1, 2), {value}, {chance}, {schematic} {where} ORDER BY s.key",
            params,
        )
        rows = cursor.fetchall()
    shapes = [Shape(path, *look_of(layer, entries, value, chance)) for path, value, chance, _drawn in rows if path]
    return Drawing(
        shapes,
        entries,
        width=(east - west) / metres_per_mm,
        height=(north - south) / metres_per_mm,
        metres_per_mm=metres_per_mm,
        shown=len(rows),
        with_figure=sum(value is not None for _path, value, *_rest in rows),
        is_schematic=any(drawn for *_rest, drawn in rows),
    )


def look_of(layer: Layer, entries: Sequence[Entry], value: Any, chance: float | None) -> tuple[str, float]:
    """The colour and opacity of a row, as the layer's style has them everywhere else."""
    if layer.style.property is None:
        return layer.style.colours[0], SOLID
    if value is None:
        return NO_VALUE, SOLID
    is_pale = has_chance(layer) and (chance is None or chance >= CHANCE)
    opacity = PALE if is_pale else SOLID
    if not is_number(layer):
        return next((entry.colour for entry in entries if entry.value == str(value)), NO_VALUE), opacity
    for entry in entries:
        is_class = not entry.is_pale and (entry.lower, entry.upper) != (None, None)
        if is_class and _holds(entry, float(value)):
            return entry.colour, opacity
    return NO_VALUE, opacity


def _holds(entry: Entry, value: float) -> bool:
    return (entry.lower is None or value >= entry.lower) and (entry.upper is None or value < entry.upper)


def _edges(selection: Selection) -> list[float]:
    """The classes of a layer that declares colours alone."""
    style = selection.layer.style
    if style.property is None or style.classes or not is_number(selection.layer):
        return []
    return quantile_edges(selection, style.property, len(style.colours))
