"""The density surface: how thick public reports lie, on square cells of the city's plane whose centres are in the city."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import shapely
from django.db import connection
from numpy.typing import NDArray

from geo.analysis.computed import Progress, no_progress
from geo.analysis.statistics.density import Grid, kernel_density, reference_bandwidth
from server.core.sql import load_queries

SQL = load_queries(Path(__file__).with_name("surface.sql"))

MIN_BANDWIDTH_M, MAX_BANDWIDTH_M = 50.0, 10_000.0
# Where there is no spread to take a bandwidth from: no report, or all at one place.
FALLBACK_BANDWIDTH_M = 1_000.0
MIN_CELL_M, MAX_CELL_M = 25, 10_000
# Of the rectangle around the city: a surface that is kept as numbers, and one whose cells are stored rows, which take long to write.
MAX_CELLS, MAX_SQUARES = 250_000, 30_000
CELL_SIZES_M = (25, 50, 100, 200, 250, 500, 1_000, 2_000, 5_000, 10_000)
# A smooth surface needs no more cells than this to a bandwidth, and the work grows with the square of it.
CELLS_PER_BANDWIDTH, MAX_CELLS_PER_BANDWIDTH = 5, 25
SIGNIFICANT_DIGITS = 5

Floats = NDArray[np.float64]
Counted = Literal["incidents", "reports"]
# given; reference (the rule of thumb); bounded (the rule of thumb, kept within what is possible); fallback (no spread).
BandwidthRule = Literal["given", "reference", "bounded", "fallback"]


@dataclass(frozen=True, slots=True)
class SurfaceParams:
    """What to draw. The period is half-open; None: every category, every channel, the rule's bandwidth, a cell that fits it.

    `max_cells` keeps such a cell from becoming too small; one that is given is taken as it is.
    """

    city_id: int
    start: datetime
    end: datetime
    category_ids: Sequence[int] | None = None
    channel_ids: Sequence[int] | None = None
    counted: Counted = "incidents"
    bandwidth_m: float | None = None
    cell_m: int | None = None
    max_cells: int = MAX_CELLS


@dataclass(frozen=True, slots=True)
class Extent:
    """The rectangle around a city in metres on its plane."""

    west_m: float
    south_m: float
    east_m: float
    north_m: float
    srid: int

    def grid(self, cell_m: int) -> Grid:
        """Its cells; their corners are multiples of the size, so that surfaces of one size always match."""
        west, south = math.floor(self.west_m / cell_m) * cell_m, math.floor(self.south_m / cell_m) * cell_m
        columns, rows = math.ceil((self.east_m - west) / cell_m), math.ceil((self.north_m - south) / cell_m)
        return Grid(float(west), float(south), float(cell_m), max(columns, 1), max(rows, 1))

    def cells(self, cell_m: int) -> int:
        grid = self.grid(cell_m)
        return grid.columns * grid.rows


@dataclass(frozen=True, slots=True)
class DensitySurface:
    """`density` (rows, columns) in reports per km², NaN outside the city; `reports` counts what lies in each cell.

    Row 0 is the southernmost. Densities keep five significant digits of the peak; what is less than that is 0.
    `rounded_to_m` is the coarsest grid that public places were rounded to, 0 where they are exact.
    """

    grid: Grid
    srid: int
    density: Floats
    reports: NDArray[np.int64]
    bandwidth_m: float
    bandwidth_rule: BandwidthRule
    total: int
    without_place: int
    rounded_to_m: int

    @property
    def peak(self) -> float:
        return 0.0 if np.isnan(self.density).all() else float(np.nanmax(self.density))


@dataclass(frozen=True, slots=True)
class Square:
    """A cell with reports near it. `code` is its size and south-west corner, as in `100mE732000N9307000`."""

    code: str
    geom: str
    density: float
    share: float
    reports: int


def city_extent(city_id: int) -> Extent | None:
    """None for a city without a root area."""
    row = _row(SQL.extent, city_id=city_id)
    return None if row is None else Extent(*row)


def default_cell(extent: Extent, bandwidth_m: float, max_cells: int) -> int:
    """The largest round size of at most a fifth of the bandwidth, or the next one that keeps the bound of cells."""
    wanted = bandwidth_m / CELLS_PER_BANDWIDTH
    fine = max((size for size in CELL_SIZES_M if size <= wanted), default=MIN_CELL_M)
    fitting = (size for size in CELL_SIZES_M if size >= fine and extent.cells(size) <= max_cells)
    return next(fitting, CELL_SIZES_M[-1])


def density_surface(params: SurfaceParams, progress: Progress = no_progress) -> DensitySurface | None:
    """Reports per km² by the quartic kernel. Three queries, however many reports; None for a city without a root area.

    Reports whose public place lies outside every area are left out and counted.
    """
    extent = city_extent(params.city_id)
    if extent is None:
        return None
    places, reports, rounded_to_m, without_place = _places(params)
    bandwidth_m, rule = _bandwidth(params, places, reports, rounded_to_m)
    cell_m = params.cell_m or default_cell(extent, bandwidth_m, params.max_cells)
    if params.bandwidth_m is None and bandwidth_m < cell_m:
        bandwidth_m, rule = float(cell_m), "bounded"
    grid = extent.grid(cell_m)
    density = kernel_density(places, reports, grid, bandwidth_m=bandwidth_m, progress=progress)
    density[~_in_city(params.city_id, grid)] = np.nan
    return DensitySurface(
        grid=grid,
        srid=extent.srid,
        density=_rounded(density),
        reports=_in_cells(places, reports, grid),
        bandwidth_m=bandwidth_m,
        bandwidth_rule=rule,
        total=int(reports.sum()),
        without_place=without_place,
        rounded_to_m=rounded_to_m,
    )


def squares(surface: DensitySurface) -> list[Square]:
    """The cells with a density above 0, row by row from the north-west. One query."""
    grid, peak = surface.grid, surface.peak
    rows, columns = np.nonzero(np.nan_to_num(surface.density) > 0)
    order = np.lexsort((columns, -rows))
    rows, columns = rows[order], columns[order]
    west, south = grid.west_m + columns * grid.cell_m, grid.south_m + rows * grid.cell_m
    shapes = _rows(SQL.squares, x=west.tolist(), y=south.tolist(), cell_m=grid.cell_m, srid=surface.srid)
    return [
        Square(
            code=f"{grid.cell_m:.0f}mE{x:.0f}N{y:.0f}",
            geom=shape,
            density=float(surface.density[row, column]),
            share=round(float(surface.density[row, column]) / peak, 4),
            reports=int(surface.reports[row, column]),
        )
        for row, column, x, y, (shape,) in zip(rows, columns, west, south, shapes, strict=True)
    ]


def _places(params: SurfaceParams) -> tuple[Floats, NDArray[np.int64], int, int]:
    row = _row(
        SQL.places,
        city_id=params.city_id,
        start=params.start,
        end=params.end,
        category_ids=None if params.category_ids is None else list(params.category_ids),
        channel_ids=None if params.channel_ids is None else list(params.channel_ids),
        only_incidents=params.counted == "incidents",
    )
    assert row is not None
    x, y = (np.frombuffer(row[i], dtype=">f8").astype(float) for i in (0, 1))
    reports = np.frombuffer(row[2], dtype=">i8").astype(np.int64)
    return np.column_stack([x, y]), reports, int(row[3]), int(row[4])


def _bandwidth(
    params: SurfaceParams, places: Floats, reports: NDArray[np.int64], rounded_to_m: int
) -> tuple[float, BandwidthRule]:
    """In whole metres, where it is not given; never less than what places are rounded to, which would show that grid."""
    if params.bandwidth_m is not None:
        return params.bandwidth_m, "given"
    least = max(MIN_BANDWIDTH_M, float(rounded_to_m), float(params.cell_m or 0))
    reference = reference_bandwidth(places, reports) if len(places) else None
    if reference is None:
        return max(FALLBACK_BANDWIDTH_M, least), "fallback"
    bounded = max(min(float(round(reference)), MAX_BANDWIDTH_M), least)
    return bounded, "reference" if bounded == round(reference) else "bounded"


def _in_city(city_id: int, grid: Grid) -> NDArray[np.bool_]:
    """Which cells have their centre in the city, (rows, columns)."""
    row = _row(SQL.city_shape, city_id=city_id)
    assert row is not None
    shape = shapely.from_wkb(bytes(row[0]))
    shapely.prepare(shape)
    x = grid.west_m + (np.arange(grid.columns) + 0.5) * grid.cell_m
    y = grid.south_m + (np.arange(grid.rows) + 0.5) * grid.cell_m
    inside: NDArray[np.bool_] = shapely.intersects_xy(shape, *np.meshgrid(x, y))
    return inside


def _in_cells(places: Floats, reports: NDArray[np.int64], grid: Grid) -> NDArray[np.int64]:
    counts = np.zeros((grid.rows, grid.columns), dtype=np.int64)
    columns, rows = np.floor((places - (grid.west_m, grid.south_m)) / grid.cell_m).astype(np.int64).T
    # The last edge belongs to the last cell, and transforming a point may move it across by a hair.
    columns, rows = np.clip(columns, 0, grid.columns - 1), np.clip(rows, 0, grid.rows - 1)
    np.add.at(counts, (rows, columns), reports)
    return counts


def _rounded(density: Floats) -> Floats:
    peak = 0.0 if np.isnan(density).all() else float(np.nanmax(density))
    if peak == 0:
        return density
    return np.round(density, SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(peak)))


def _row(sql: str, **values: Any) -> tuple[Any, ...] | None:
    rows = _rows(sql, **values)
    return rows[0] if rows else None


def _rows(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
