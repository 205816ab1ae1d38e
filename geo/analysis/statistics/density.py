"""Kernel density of points on a grid of square cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

SQUARE_METRES_PER_KM2 = 1e6
# Points handled at once. Their arrays stay in the processor's cache: with 250,000 at once it takes a third longer.
POINTS_AT_ONCE = 16_384


@dataclass(frozen=True, slots=True)
class Grid:
    """Square cells in a metric frame. Row 0 is the southernmost, column 0 the westernmost."""

    west_m: float
    south_m: float
    cell_m: float
    columns: int
    rows: int

    def __post_init__(self) -> None:
        if not (np.isfinite([self.west_m, self.south_m, self.cell_m]).all() and self.cell_m > 0):
            raise ValueError("grid must have finite corners and a cell size above 0")
        if self.columns < 1 or self.rows < 1:
            raise ValueError("grid must have at least one column and one row")


def reference_bandwidth(points_m: ArrayLike, weights: ArrayLike) -> float | None:
    """The bandwidth by the rule of thumb that GIS programs use; None where all points coincide.

        h = 0.9 · min(SD, Dm · sqrt(1 / ln 2)) · n^-0.2

    SD is the standard distance (root of the mean squared distance from the mean centre), Dm the median distance from
    it, n the sum of the weights. Where more than half the weight lies on the centre itself, Dm is 0 and SD is taken.

    Shape:  points_m (n, 2), weights (n,) whole numbers above 0.
    Units:  metres.
    Errors: ValueError on shapes that do not fit, coordinates that are not finite, weights below 1, and no points.
    Source: after Silverman 1986, section 4.3; SD and Dm as GIS programs put them in place of the normal's spread.
    """
    points, weighed = _checked(points_m, weights)
    n = int(weighed.sum())
    if n == 0:
        raise ValueError("points_m must hold at least one point")
    centre = weighed @ points / n
    distances = np.hypot(*(points - centre).T)
    spread = float(np.sqrt(weighed @ distances**2 / n))
    # A millimetre is below what any report is placed by; rounding of the mean must not pass for a spread.
    if spread < 1e-3:
        return None
    typical = _weighted_median(distances, weighed) * np.sqrt(1 / np.log(2))
    return float(0.9 * (min(spread, typical) if typical > 1e-3 else spread) * n**-0.2)


def kernel_density(
    points_m: ArrayLike,
    weights: ArrayLike,
    grid: Grid,
    *,
    bandwidth_m: float,
    progress: Callable[[float], None] | None = None,
) -> Floats:
    """Reports per km² at the centre of each cell, each report spread over a disc by the quartic kernel.

        K(d) = 3 / (π h²) · (1 − d² / h²)²  for d < h, else 0; it integrates to 1.

    Shape:  points_m (n, 2) as x and y, weights (n,) whole numbers above 0 (points that coincide are merged); returns
            (rows, columns). Points outside the grid count where their disc reaches in.
    Units:  metres in, reports per km² out.
    Work:   proportional to points · (h / cell)²; memory to the points and the grid, not to their product.
            `progress` is called with the share that is done after every few thousand points, at last with 1.
    Errors: ValueError on shapes that do not fit, coordinates that are not finite, weights below 1, a bandwidth not
            above 0 or less than half the diagonal of a cell, where a report could fall between all centres.
    Source: Silverman 1986, eq. 4.5 (K2), in two dimensions.
    """
    points, weighed = _checked(points_m, weights)
    if not (np.isfinite(bandwidth_m) and bandwidth_m >= grid.cell_m * np.sqrt(0.5)):
        raise ValueError("bandwidth_m must be at least half the diagonal of a cell (cell size · 0.71)")
    # The farthest column whose centre a point in this one can reach: (reach - 0.5) cells < h.
    reach = int(np.floor(bandwidth_m / grid.cell_m + 0.5))
    columns, rows = _cells(points, grid)
    near = (columns >= -reach) & (columns < grid.columns + reach) & (rows >= -reach) & (rows < grid.rows + reach)
    points, weighed, columns, rows = points[near], weighed[near], columns[near], rows[near]
    # A frame around the grid takes what falls beside it, so that no offset needs a mask.
    frame = 2 * reach
    width = grid.columns + 2 * frame
    density = np.zeros((grid.rows + 2 * frame) * width)
    cells = (rows + frame) * width + columns + frame
    offsets = _offsets(points, columns, rows, grid, bandwidth_m)
    cells, offsets, weighed = _merged(cells, offsets, weighed)
    for start in range(0, len(cells), POINTS_AT_ONCE):
        part = slice(start, start + POINTS_AT_ONCE)
        _spread(density, cells[part], offsets[part], weighed[part], grid.cell_m / bandwidth_m, reach, width)
        if progress is not None:
            progress(min(1.0, (start + POINTS_AT_ONCE) / len(cells)))
    if progress is not None and len(cells) == 0:
        progress(1.0)
    inside = density.reshape(-1, width)[frame : frame + grid.rows, frame : frame + grid.columns]
    return inside * (3 / (np.pi * bandwidth_m**2) * SQUARE_METRES_PER_KM2)


def _checked(points_m: ArrayLike, weights: ArrayLike) -> tuple[Floats, Floats]:
    points, weighed = np.asarray(points_m, dtype=float), np.asarray(weights, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2 or weighed.shape != (len(points),):
        raise ValueError("points_m must be pairs of x and y, and weights one for each")
    if not np.isfinite(points).all():
        raise ValueError("points_m must be finite")
    if not (np.isfinite(weighed).all() and np.all(weighed >= 1) and np.all(weighed == np.floor(weighed))):
        raise ValueError("weights must be whole numbers from 1 on")
    return points, weighed


def _weighted_median(values: Floats, weighed: Floats) -> float:
    """The median of the values, each repeated as often as its weight says."""
    order = np.argsort(values, kind="stable")
    upto = np.cumsum(weighed[order])
    n = int(upto[-1])
    middle = np.searchsorted(upto, [(n - 1) // 2, n // 2], side="right")
    return float(values[order][middle].mean())


def _cells(points: Floats, grid: Grid) -> tuple[Whole, Whole]:
    """Column and row of each point; a point far outside keeps a number that fits an integer."""
    places = np.floor((points - (grid.west_m, grid.south_m)) / grid.cell_m)
    columns, rows = np.clip(places, -(2.0**40), 2.0**40).astype(np.int64).T
    return columns, rows


def _offsets(points: Floats, columns: Whole, rows: Whole, grid: Grid, bandwidth_m: float) -> Floats:
    """From each point to its own cell's centre, in bandwidths."""
    centres = (np.column_stack([columns, rows]) + 0.5) * grid.cell_m + (grid.west_m, grid.south_m)
    return (centres - points) / bandwidth_m


def _merged(cells: Whole, offsets: Floats, weighed: Floats) -> tuple[Whole, Floats, Floats]:
    """Ordered by cell, points that coincide as one."""
    order = np.lexsort((offsets[:, 1], offsets[:, 0], cells))
    cells, offsets, weighed = cells[order], offsets[order], weighed[order]
    new = np.ones(len(cells), dtype=bool)
    new[1:] = (cells[1:] != cells[:-1]) | np.any(offsets[1:] != offsets[:-1], axis=1)
    starts = np.flatnonzero(new)
    if len(starts) == len(cells):
        return cells, offsets, weighed
    return cells[starts], offsets[starts], np.add.reduceat(weighed, starts)


def _spread(
    density: Floats, cells: Whole, offsets: Floats, weighed: Floats, step: float, reach: int, width: int
) -> None:
    """Adds the points' kernels to the cells around them, one offset after the other; `cells` is in order.

    Summing within the occupied cells first keeps the work apart from the size of the grid.
    """
    first = np.concatenate([[True], cells[1:] != cells[:-1]])
    occupied, which = cells[first], np.cumsum(first) - 1
    root = np.sqrt(weighed)
    across = [root * (offsets[:, 0] + column * step) ** 2 for column in range(-reach, reach + 1)]
    for row in range(-reach, reach + 1):
        # w (1 - d²)² is (√w - √w d²)², so that the weight costs nothing inside the loop.
        left = root - root * (offsets[:, 1] + row * step) ** 2
        for column in range(-reach, reach + 1):
            # The nearest that an offset of k cells comes is k - 0.5; corners of the square lie outside the disc.
            if _nearest(column) ** 2 + _nearest(row) ** 2 >= 1 / step**2:
                continue
            part = np.maximum(left - across[column + reach], 0.0)
            part *= part
            density[occupied + (row * width + column)] += np.bincount(which, weights=part, minlength=len(occupied))


def _nearest(cells: int) -> float:
    return max(abs(cells) - 0.5, 0.0)
