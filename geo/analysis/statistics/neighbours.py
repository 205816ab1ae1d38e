"""Which areas are neighbours of which, held as compressed sparse rows.

All weights are 1 here; a statistic that standardises them by row divides by `counts`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from geo.analysis.statistics.errors import TooFewAreas

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Two distances this close, relative to each other, are a tie: coordinates in metres carry rounding of their own, and a
# tenth of a millimetre in a kilometre is no difference.
DISTANCE_TOLERANCE = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The neighbours of area i are `indices[starts[i]:starts[i + 1]]`, without i itself, in ascending order."""

    starts: Integers
    indices: Integers
    _binary: sparse.csr_array = field(init=False, repr=False)
    _row_standardised: sparse.csr_array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        shape, counts = (self.n, self.n), self.counts
        ones, shares = np.ones(len(self.indices)), np.repeat(1.0 / np.maximum(counts, 1), counts)
        object.__setattr__(self, "_binary", sparse.csr_array((ones, self.indices, self.starts), shape=shape))
        object.__setattr__(
            self, "_row_standardised", sparse.csr_array((shares, self.indices, self.starts), shape=shape)
        )

    @property
    def n(self) -> int:
        return len(self.starts) - 1

    @property
    def counts(self) -> Integers:
        """How many neighbours each area has."""
        return np.diff(self.starts)

    @property
    def islands(self) -> Integers:
        """The areas that have no neighbour."""
        return np.flatnonzero(self.counts == 0)

    @property
    def row_standardised(self) -> sparse.csr_array:
        """Weights 1 / count, (n, n); the row of an island is empty."""
        return self._row_standardised

    def sums(self, values: Floats) -> Floats:
        """The sum of `values` over the neighbours of each area; 0 for an island. Shape (n,) or (m, n), as values."""
        return self._lag(self._binary, values)

    def means(self, values: Floats) -> Floats:
        """The spatial lag with row-standardised weights: the mean over the neighbours; 0 for an island."""
        return self._lag(self._row_standardised, values)

    def _lag(self, weights: sparse.csr_array, values: Floats) -> Floats:
        if values.shape[-1] != self.n:
            raise ValueError(f"values must have {self.n} elements, one for each area")
        return np.asarray((weights @ values.T).T)

    def among(self, kept: NDArray[np.bool_]) -> Neighbours:
        """The same relation among the kept areas alone, numbered anew in their order."""
        if kept.all():
            return self
        rows = np.repeat(np.arange(self.n), self.counts)
        both = kept[rows] & kept[self.indices]
        renumbered = np.cumsum(kept) - 1
        return directed_neighbours(int(kept.sum()), renumbered[rows[both]], renumbered[self.indices[both]])


def directed_neighbours(n: int, areas: ArrayLike, neighbours: ArrayLike) -> Neighbours:
    """From one-way pairs: `neighbours[j]` is a neighbour of `areas[j]`, and not therefore the reverse.

    Repeats count once; an area is never its own neighbour.
    Errors: ValueError on an index outside 0..n-1 or on lengths that differ.
    """
    areas = np.asarray(areas, dtype=np.int64).ravel()
    neighbours = np.asarray(neighbours, dtype=np.int64).ravel()
    if len(areas) != len(neighbours):
        raise ValueError("areas and neighbours must have equal lengths")
    if len(areas) and (min(areas.min(), neighbours.min()) < 0 or max(areas.max(), neighbours.max()) >= n):
        raise ValueError(f"pairs must hold indices from 0 to {n - 1}")
    other = areas != neighbours
    keys = np.unique(areas[other] * n + neighbours[other])
    rows, indices = np.divmod(keys, max(n, 1))
    starts = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=n), out=starts[1:])
    return Neighbours(starts, indices)


def neighbours_from_pairs(n: int, pairs: ArrayLike) -> Neighbours:
    """From undirected pairs, such as those of touching areas; shape (m, 2), each pair once or twice, in any order.

    Errors: ValueError on another shape or on an index outside 0..n-1.
    """
    pairs = np.asarray(pairs, dtype=np.int64)
    if pairs.size == 0:
        pairs = pairs.reshape(0, 2)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError("pairs must have two columns")
    return directed_neighbours(n, pairs.ravel(), pairs[:, ::-1].ravel())


def k_nearest(points_m: ArrayLike, k: int) -> Neighbours:
    """The k nearest others of each point; of equally far ones, those with the lowest index.

    Not symmetric: the nearest of a remote point need not have it among theirs.
    Shape:  points_m (n, 2). Units: metres in a projected system.
    Errors: ValueError unless 1 <= k < n and all coordinates are finite.
    """
    points = _checked_points(points_m)
    n = len(points)
    if not 1 <= k < n:
        raise ValueError(f"k must be from 1 to {n - 1}, one less than the number of points")
    tree = cKDTree(points)
    # A point is found among its own nearest at distance 0, so the last of k + 1 is the k-th other one.
    reach = np.asarray(tree.query(points, k=k + 1)[0])[:, k]
    within = tree.query_ball_point(points, reach * (1 + DISTANCE_TOLERANCE))
    found = [np.sort(np.asarray(row, dtype=np.int64)) for row in within]
    return directed_neighbours(
        n,
        np.repeat(np.arange(n), k),
        np.concatenate([_nearest(points, i, found[i][found[i] != i], reach[i], k) for i in range(n)]),
    )


def _nearest(points: Floats, i: int, candidates: Integers, reach: float, k: int) -> Integers:
    distances = np.hypot(*(points[candidates] - points[i]).T)
    closer = distances < reach * (1 - DISTANCE_TOLERANCE)
    tied = candidates[~closer]
    return np.concatenate([candidates[closer], tied[: k - int(closer.sum())]])


def distance_band(points_m: ArrayLike, threshold_m: float) -> Neighbours:
    """All others within the threshold, the threshold included.

    Shape:  points_m (n, 2). Units: metres in a projected system.
    Errors: ValueError unless the threshold is positive and all coordinates are finite.
    """
    points = _checked_points(points_m)
    if not (np.isfinite(threshold_m) and threshold_m > 0):
        raise ValueError("threshold_m must be a positive number of metres")
    pairs = cKDTree(points).query_pairs(threshold_m * (1 + DISTANCE_TOLERANCE), output_type="ndarray")
    return neighbours_from_pairs(len(points), pairs)


def _checked_points(points_m: ArrayLike) -> Floats:
    points = np.asarray(points_m, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError("points_m must have two columns, x and y")
    if not np.isfinite(points).all():
        raise ValueError("points_m must be finite")
    return points


def areas_with_data(
    neighbours: Neighbours, minimum: int, *variables: ArrayLike
) -> tuple[NDArray[np.bool_], Neighbours, list[Floats]]:
    """Which areas have all the variables, the relation among them, and the variables there.

    NaN is a missing value: such an area takes no part, and is a neighbour of nobody.
    Errors: ValueError on an infinite value or a wrong length; TooFewAreas below the minimum.
    """
    arrays = [np.asarray(variable, dtype=np.float64) for variable in variables]
    for array in arrays:
        if array.shape != (neighbours.n,):
            raise ValueError(f"values must have {neighbours.n} elements, one for each area")
        if np.isinf(array).any():
            raise ValueError("values must be finite, or NaN where there are none")
    present = ~np.any([np.isnan(array) for array in arrays], axis=0)
    if int(present.sum()) < minimum:
        raise TooFewAreas(int(present.sum()), minimum)
    return present, neighbours.among(present), [array[present] for array in arrays]


def is_constant(values: Floats) -> bool:
    """Whether the values are equal up to rounding."""
    return bool(np.ptp(values) <= 1e-12 * np.abs(values).max())


def spread_out(present: NDArray[np.bool_], figures: ArrayLike) -> Floats:
    """The figures of the areas with data put back in their places, NaN elsewhere."""
    whole = np.full(len(present), np.nan)
    whole[present] = figures
    return whole
