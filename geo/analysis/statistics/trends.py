"""Monotonic trends of many series at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]

# With two values S is 1 or -1 and the continuity correction leaves nothing of it.
MIN_VALUES = 3
# Slopes of pairs held at once; it bounds the memory at some tens of megabytes.
PAIRS_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True)
class MannKendall:
    """The Mann-Kendall test of each row. All (n_areas,); NaN where a row has fewer than MIN_VALUES values.

    `s` pairs that rise less pairs that fall; `tau` Kendall's tau-b (NaN for a constant row); `variance` of s, ties
    accounted for; `z` with the continuity correction; `p` two-sided by the normal approximation; `slope` Sen's, in
    the series' unit per slice; `n` values used.
    """

    s: Floats
    tau: Floats
    variance: Floats
    z: Floats
    p: Floats
    slope: Floats
    n: NDArray[np.int64]


def mann_kendall(slices: ArrayLike) -> MannKendall:
    """Whether each row rises or falls over its slices, whatever the curve.

    Shape:  slices (n_areas, T), equally spaced in time; NaN is a slice without a value and is left out, its place in
            time kept for the slope.
    Units:  slope in the values' unit per slice.
    Errors: ValueError on another number of dimensions and on infinite values.
    Source: Mann 1945; Kendall 1975 for ties; Sen 1968; Gilbert 1987, chapter 16. The normal approximation is quoted
            from 10 values on; below it p is somewhat too large (5 rising values: 0.027, exactly 0.017). Neighbouring
            slices are taken as independent: a series with memory gets too small a p.
    """
    values = np.asarray(slices, dtype=float)
    if values.ndim != 2:
        raise ValueError("slices must have two dimensions, areas and slices")
    if np.any(np.isinf(values)):
        raise ValueError("slices must be finite, or NaN where there is no value")
    n = np.sum(~np.isnan(values), axis=1)
    s, alike = _pairs(values)
    pairs = n * (n - 1) / 2.0
    untied = pairs - np.nansum(alike - 1, axis=1) / 2.0
    # A sum over groups of t tied values, t (t - 1) (2t + 5), is one over values, (t - 1) (2t + 5).
    ties = np.nansum((alike - 1) * (2 * alike + 5), axis=1)
    variance = (n * (n - 1) * (2 * n + 5) - ties) / 18.0
    enough = n >= MIN_VALUES
    varies = enough & (variance > 0)
    z = np.zeros(len(values))
    z[varies] = (s - np.sign(s))[varies] / np.sqrt(variance[varies])
    tau = np.full(len(values), np.nan)
    tau[varies] = s[varies] / np.sqrt(pairs[varies] * untied[varies])
    s, variance, z, p = (np.where(enough, part, np.nan) for part in (s, variance, z, 2 * norm.sf(np.abs(z))))
    return MannKendall(s, tau, variance, z, np.minimum(p, 1.0), _sen_slopes(values, enough), n)


def _pairs(values: Floats) -> tuple[Floats, Floats]:
    """S of each row, and for each value how many of its row equal it, itself included (NaN for NaN)."""
    s = np.zeros(len(values))
    alike = np.where(np.isnan(values), np.nan, 1.0)
    for apart in range(1, values.shape[1]):
        rises = np.sign(values[:, apart:] - values[:, :-apart])
        s += np.nansum(rises, axis=1)
        tied = rises == 0
        alike[:, apart:] += tied
        alike[:, :-apart] += tied
    return s, alike


def _sen_slopes(values: Floats, enough: NDArray[np.bool_]) -> Floats:
    """The median slope of all pairs of each row."""
    earlier, later = np.triu_indices(values.shape[1], k=1)
    slopes = np.full(len(values), np.nan)
    rows = np.flatnonzero(enough)
    step = max(1, PAIRS_AT_ONCE // max(1, len(earlier)))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        ordered = np.sort((values[np.ix_(part, later)] - values[np.ix_(part, earlier)]) / (later - earlier), axis=1)
        # NaN sorts last, so the median is the middle of the first `count`.
        count = np.sum(~np.isnan(ordered), axis=1)
        each = np.arange(len(part))
        slopes[part] = (ordered[each, (count - 1) // 2] + ordered[each, count // 2]) / 2
    return slopes
