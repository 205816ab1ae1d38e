"""Hotspots: the local Getis-Ord Gi*."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from geo.analysis.statistics.errors import MIN_AREAS, Undefined
from geo.analysis.statistics.neighbours import Floats, Neighbours, areas_with_data, is_constant, spread_out
from geo.analysis.statistics.permutation import conditional_p


class HotspotClass(StrEnum):
    """How sure it is that high (hot) or low (cold) values lie together here, in percent."""

    HOT_99 = "hot_99"
    HOT_95 = "hot_95"
    HOT_90 = "hot_90"
    COLD_99 = "cold_99"
    COLD_95 = "cold_95"
    COLD_90 = "cold_90"
    NONE = "none"


@dataclass(frozen=True, slots=True, eq=False)
class Hotspots:
    """Gi* of each area; NaN where an area has no data or the figure is undefined.

    Shape: z, p, is_island (n,); `used` (n,) counts the neighbours with data, the area itself not among them.
    `is_analytic`: p is that of the normal distribution, as no permutations were asked for.
    `n` counts the areas with data; `reason` says why all figures are NaN.
    """

    z: Floats
    p: Floats
    used: NDArray[np.int64]
    is_island: NDArray[np.bool_]
    n: int
    permutations: int
    is_analytic: bool
    reason: Undefined | None = None


def getis_ord_star(values: ArrayLike, neighbours: Neighbours, *, permutations: int = 999, seed: int = 0) -> Hotspots:
    """Local Getis-Ord Gi* of each area, binary weights, the area itself included, with two-sided p.

    Shape:  values (n,), NaN where an area has no data: it is left out, and is a neighbour of nobody.
    Units:  z in standard deviations; p in (0, 1]. p by conditional permutation, or, with 0 permutations, the normal's.
    Island: its Gi* is of itself alone. Permuting its neighbours says nothing, so its permuted p is 1.
    Errors: TooFewAreas below 8 areas with data; ValueError on infinite values or a wrong length.
    Source: Ord & Getis 1995, Gi* in standardised form; conditional permutation as in PySAL esda.
    """
    present, among, (known,) = areas_with_data(neighbours, MIN_AREAS, values)
    used = np.zeros(len(present), dtype=np.int64)
    used[present] = among.counts
    is_island = present & (used == 0)
    z = star_scores(known, among)
    reason = _why_undefined(known, among)
    if reason is not None:
        p = np.full(among.n, np.nan)
    elif permutations == 0:
        p = 2.0 * norm.sf(np.abs(z))
    else:
        p = np.where(np.isnan(z), np.nan, conditional_p(known, among, permutations=permutations, seed=seed))
    return Hotspots(
        z=spread_out(present, z),
        p=spread_out(present, p),
        used=used,
        is_island=is_island,
        n=among.n,
        permutations=permutations,
        is_analytic=permutations == 0,
        reason=reason,
    )


def star_scores(values: Floats, neighbours: Neighbours) -> Floats:
    """z of Gi* for complete values, however few; NaN where the values are equal or all areas are neighbours of one.

    z_i = (sum_j w_ij x_j - W_i mean) / (s sqrt((n W_i - W_i²) / (n - 1))), W_i neighbours counted with i itself,
    s the standard deviation with divisor n.
    """
    n = len(values)
    if n < 2 or is_constant(values):
        return np.full(n, np.nan)
    deviations = values - values.mean()
    size = neighbours.counts + 1.0
    free = n * size - size**2
    z = np.full(n, np.nan)
    varies = free > 0
    scale = values.std() * np.sqrt(free[varies] / (n - 1))
    z[varies] = (neighbours.sums(deviations) + deviations)[varies] / scale
    return z


def classify(z: ArrayLike, q: ArrayLike) -> NDArray[np.str_]:
    """The class of each area: hot where z > 0, cold where z < 0, at 99, 95 or 90 percent by q; `none` else.

    q are p-values adjusted for the number of areas, or plain ones where no adjustment is wanted. NaN gives `none`.
    """
    z, q = np.asarray(z, dtype=np.float64), np.asarray(q, dtype=np.float64)
    hot, cold = z > 0, z < 0
    levels = [q <= 0.01, q <= 0.05, q <= 0.10]
    hot_classes = [HotspotClass.HOT_99, HotspotClass.HOT_95, HotspotClass.HOT_90]
    cold_classes = [HotspotClass.COLD_99, HotspotClass.COLD_95, HotspotClass.COLD_90]
    return np.select(
        [hot & level for level in levels] + [cold & level for level in levels],
        [str(name) for name in hot_classes + cold_classes],
        default=str(HotspotClass.NONE),
    )


def _why_undefined(values: Floats, neighbours: Neighbours) -> Undefined | None:
    if is_constant(values):
        return Undefined.CONSTANT
    if (neighbours.counts == neighbours.n - 1).all():
        return Undefined.ALL_NEIGHBOURS
    return None
