"""The spatial units of an analysis: the areas of a level, or the hexagons of a grid, and which of them are neighbours."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from geo.analysis.statistics.neighbours import (
    Floats,
    Neighbours,
    directed_neighbours,
    distance_band,
    k_nearest,
    neighbours_from_pairs,
)
from server.core.sql import load_queries

SQL = load_queries(Path(__file__).with_name("units.sql"))
# Boundaries of neighbours are not always drawn with the same points: slivers and gaps up to this wide still touch.
TOUCH_M = 1.0
# Of a hexagon that the city's border cuts, a smaller part than this is no cell of its own.
LEAST_PART = 0.01
# To the six cells around one, by whether its column is even or odd: odd columns stand half a cell higher.
AROUND = {
    0: ((1, 0), (1, -1), (0, 1), (0, -1), (-1, 0), (-1, -1)),
    1: ((1, 0), (1, 1), (0, 1), (0, -1), (-1, 0), (-1, 1)),
}

Rule = Literal["contiguity", "distance", "nearest"]


@dataclass(frozen=True, slots=True)
class Unit:
    """An area (`key` is its id) or a cell (`key` is its number from 1, `geom` its part in the city as hex EWKB, `i`, `j` its place).

    `x_m`, `y_m` are on the city's plane: the centroid of an area, the middle of the whole hexagon.
    """

    key: int
    code: str
    name: str
    area_km2: float
    population: int | None
    is_schematic: bool
    x_m: float
    y_m: float
    geom: str | None = None
    i: int = 0
    j: int = 0


@dataclass(frozen=True, slots=True)
class Units:
    """All units of a question in a stable order: areas by code, cells by (i, j). `cell_m` None: areas of `level`."""

    city_id: int
    level: str | None
    cell_m: int | None
    rows: tuple[Unit, ...]

    @property
    def keys(self) -> list[int]:
        return [unit.key for unit in self.rows]

    @property
    def points_m(self) -> Floats:
        return np.array([(unit.x_m, unit.y_m) for unit in self.rows], dtype=np.float64).reshape(-1, 2)


@dataclass(frozen=True, slots=True)
class NeighbourRule:
    """Who is whose neighbour: touching (a corner is enough), centroids within `distance_m`, or the `k` nearest centroids."""

    rule: Rule = "contiguity"
    distance_m: float = 0.0
    k: int = 0


def find_units(city_id: int, *, level: str | None, cell_m: int | None) -> Units:
    """The current areas of a level, or the hexagons with this edge that have a part in the city. One query.

    Errors: ValueError unless just one of level and cell_m is given.
    """
    if (level is None) == (cell_m is None):
        raise ValueError("give level or cell_m, one of them")
    rows = _areas(city_id, level) if cell_m is None else _cells(city_id, cell_m)
    return Units(city_id, level, cell_m, tuple(rows))


def estimate_cells(city_id: int, cell_m: float) -> int:
    """About how many hexagons with this edge fill the city, those that its border cuts not counted apart."""
    found = _rows(SQL.root, city_id=city_id)
    return math.ceil(found[0][0] * 1e6 / cell_area_m2(cell_m)) if found else 0


def cell_area_m2(cell_m: float) -> float:
    """Of a whole hexagon with this edge."""
    return 1.5 * math.sqrt(3) * cell_m**2


def find_neighbours(units: Units, rule: NeighbourRule, present: NDArray[np.bool_]) -> Neighbours:
    """The neighbours of each unit among those that are `present`; the others have none, and are nobody's.

    Where there are not k others, all others are the nearest. One query for touching areas, none for the rest.
    """
    kept = np.flatnonzero(present)
    if rule.rule == "contiguity":
        whole = _touching_cells(units) if units.cell_m else _touching_areas(units)
        among = whole.among(present)
    elif rule.rule == "distance":
        among = distance_band(units.points_m[kept], rule.distance_m)
    elif len(kept) < 2:
        among = neighbours_from_pairs(len(kept), [])
    else:
        among = k_nearest(units.points_m[kept], min(rule.k, len(kept) - 1))
    owners = np.repeat(kept, among.counts)
    return directed_neighbours(len(units.rows), owners, kept[among.indices])


def _areas(city_id: int, level: str | None) -> list[Unit]:
    return [Unit(*row) for row in _rows(SQL.areas, city_id=city_id, level=level)]


def _cells(city_id: int, cell_m: int) -> list[Unit]:
    height = math.sqrt(3) * cell_m
    cells = []
    found = _rows(SQL.cells, city_id=city_id, cell_m=cell_m, least_m2=LEAST_PART * cell_area_m2(cell_m))
    for key, (i, j, geom, area_km2, is_schematic) in enumerate(found, start=1):
        code = f"hex-{cell_m}.{i}.{j}"
        x, y = 1.5 * cell_m * i, height * (j + i % 2 / 2)
        cells.append(Unit(key, code, code, area_km2, None, is_schematic, x, y, geom, i, j))
    return cells


def _touching_areas(units: Units) -> Neighbours:
    place = {unit.key: n for n, unit in enumerate(units.rows)}
    pairs = _rows(SQL.touching_areas, area_ids=units.keys, tolerance_m=TOUCH_M)
    return neighbours_from_pairs(len(units.rows), [(place[one], place[other]) for one, other in pairs])


def _touching_cells(units: Units) -> Neighbours:
    """By their places in the grid alone: two whose common edge the city's border cuts away count as well."""
    place = {(unit.i, unit.j): n for n, unit in enumerate(units.rows)}
    pairs: list[tuple[int, int]] = []
    for n, unit in enumerate(units.rows):
        around = ((unit.i + di, unit.j + dj) for di, dj in AROUND[unit.i % 2])
        pairs += [(n, place[at]) for at in around if at in place]
    return neighbours_from_pairs(len(units.rows), pairs)


def _rows(sql: str, **values: Any) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
