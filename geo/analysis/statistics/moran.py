"""Moran's I: how alike neighbours are, for the city and for each area, of one variable or between two.

Weights are row-standardised throughout: what an area is compared with is the mean of its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from geo.analysis.statistics.errors import MIN_AREAS, Undefined
from geo.analysis.statistics.neighbours import Floats, Neighbours, areas_with_data, is_constant, spread_out
from geo.analysis.statistics.permutation import conditional_p, shuffled, two_sided_p

# I is of the order of 1; two of them this close differ by rounding alone.
GLOBAL_TIE = 1e-11


class MoranClass(StrEnum):
    """The area's own value, then its neighbours', against the city's mean."""

    HIGH_HIGH = "high_high"
    LOW_LOW = "low_low"
    HIGH_LOW = "high_low"
    LOW_HIGH = "low_high"
    NONE = "none"
    ISLAND = "island"


@dataclass(frozen=True, slots=True)
class GlobalMoran:
    """Moran's I of the city. NaN where `reason` says why; p_permuted is None without permutations.

    `variance`, `z` and `p` are under randomisation. `n` counts the areas with data, `islands` those without neighbours
    among them: they count in n, as in PySAL, and weigh nothing.
    """

    i: float
    expected: float
    variance: float
    z: float
    p: float
    p_permuted: float | None
    permutations: int
    n: int
    islands: int
    reason: Undefined | None = None


@dataclass(frozen=True, slots=True)
class BivariateMoran:
    """Bivariate Moran's I of the city: x here against y next door. NaN where `reason` says why."""

    i: float
    p_permuted: float | None
    permutations: int
    n: int
    islands: int
    reason: Undefined | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LocalMoran:
    """Local Moran's I of each area; NaN where an area has no data, is an island, or all values are equal.

    `reason` says why: all is NaN for equal values; z alone, and with it an analytic p, where all are neighbours of all.

    Shape: i, z, p, quadrant (n,). `quadrant` holds the MoranClass of each area whatever its p; `classify` keeps those
    that are significant. `z` is under conditional randomisation, exactly, so it needs no permutations.
    """

    i: Floats
    z: Floats
    p: Floats
    quadrant: NDArray[np.str_]
    n: int
    permutations: int
    is_analytic: bool
    reason: Undefined | None = None


def global_moran(values: ArrayLike, neighbours: Neighbours, *, permutations: int = 999, seed: int = 0) -> GlobalMoran:
    """Global Moran's I with its moments under randomisation, and both p-values, two-sided.

    Shape:  values (n,), NaN where an area has no data: it is left out, and is a neighbour of nobody.
    Errors: TooFewAreas below 8 areas with data; ValueError on infinite values or a wrong length.
    Source: Cliff & Ord 1981, ch. 2, variance under randomisation; permutation p as in `two_sided_p`.
    """
    _, among, (known,) = areas_with_data(neighbours, MIN_AREAS, values)
    n, islands = among.n, len(among.islands)
    reason = _why_undefined(among, known)
    if reason is not None:
        return GlobalMoran(np.nan, np.nan, np.nan, np.nan, np.nan, None, permutations, n, islands, reason)
    scores = _standardised(known)
    i = float(scores @ among.means(scores)) / (n - islands)
    expected = -1.0 / (n - 1)
    variance = _variance(scores, among)
    # With everybody a neighbour of everybody, I is -1 / (n - 1) in any order and its variance is rounding alone.
    z = (i - expected) / np.sqrt(variance) if variance > 1e-9 * expected**2 else np.nan
    return GlobalMoran(
        i=i,
        expected=expected,
        variance=variance,
        z=float(z),
        p=float(2.0 * norm.sf(abs(z))),
        p_permuted=_global_p(scores, scores, among, i, permutations, seed, together=True),
        permutations=permutations,
        n=n,
        islands=islands,
        reason=Undefined.ALL_NEIGHBOURS if np.isnan(z) else None,
    )


def bivariate_moran(
    x: ArrayLike, y: ArrayLike, neighbours: Neighbours, *, permutations: int = 999, seed: int = 0
) -> BivariateMoran:
    """Global bivariate Moran's I: x of an area against the mean of y over its neighbours.

    Not symmetric in x and y, and says nothing of x and y in the same area. p permutes y over the areas, two-sided.
    Shape:  x, y (n,), NaN where missing: an area without either is left out.
    Errors: as `global_moran`.
    Source: Anselin, Syabri & Smirnov 2002, as PySAL's Moran_BV: divisor n - 1 for the spread of x and y and for the sum.
    """
    _, among, (known_x, known_y) = areas_with_data(neighbours, MIN_AREAS, x, y)
    n, islands = among.n, len(among.islands)
    reason = _why_undefined(among, known_x, known_y)
    if reason is not None:
        return BivariateMoran(np.nan, None, permutations, n, islands, reason)
    scores_x, scores_y = _standardised(known_x), _standardised(known_y)
    # PySAL divides spreads and sum by n - 1; the scores here have spread 1 by n, and the two cancel to this.
    i = float(scores_x @ among.means(scores_y)) / n
    p = _global_p(scores_x, scores_y, among, i, permutations, seed, together=False)
    return BivariateMoran(i, p, permutations, n, islands)


def local_moran(values: ArrayLike, neighbours: Neighbours, *, permutations: int = 999, seed: int = 0) -> LocalMoran:
    """Local Moran's I of each area, with two-sided p by conditional permutation (the normal's with 0 permutations).

    Shape:  values (n,), NaN where an area has no data: it is left out, and is a neighbour of nobody.
    Units:  i is dimensionless, the sum of its terms (n - 1) times the global I; z in standard deviations; p in (0, 1].
    Errors: TooFewAreas below 8 areas with data; ValueError on infinite values or a wrong length.
    Source: Anselin 1995, divisor n - 1 as in PySAL esda; moments of Sokal, Oden & Thomson 1998, eqs. A7 and A8.
    """
    present, among, (known,) = areas_with_data(neighbours, MIN_AREAS, values)
    return _local(present, among, known, known, permutations, seed)


def local_bivariate_moran(
    x: ArrayLike, y: ArrayLike, neighbours: Neighbours, *, permutations: int = 999, seed: int = 0
) -> LocalMoran:
    """Local bivariate Moran's I: x of each area against the mean of y over its neighbours.

    The first word of a class is x here, the second y next door. p draws other neighbours for the area.
    Shape, errors: as `bivariate_moran`. Source: Anselin, Syabri & Smirnov 2002, as PySAL's Moran_Local_BV.
    """
    present, among, (known_x, known_y) = areas_with_data(neighbours, MIN_AREAS, x, y)
    return _local(present, among, known_x, known_y, permutations, seed)


def classify(result: LocalMoran, q: ArrayLike, *, level: float = 0.05) -> NDArray[np.str_]:
    """The quadrant of each area whose q is at most the level; `none` for the others, `island` for islands."""
    significant = np.asarray(q, dtype=np.float64) <= level
    is_island = result.quadrant == MoranClass.ISLAND.value
    return np.where(significant | is_island, result.quadrant, MoranClass.NONE.value)


def _local(
    present: NDArray[np.bool_], among: Neighbours, x: Floats, y: Floats, permutations: int, seed: int
) -> LocalMoran:
    quadrant = np.full(len(present), MoranClass.NONE.value, dtype="<U9")
    island = among.counts == 0
    reason = _why_undefined(among, x, y)
    if reason is not None:
        quadrant[present] = np.where(island, MoranClass.ISLAND.value, MoranClass.NONE.value)
        nothing = np.full(len(present), np.nan)
        return LocalMoran(nothing, nothing, nothing, quadrant, among.n, permutations, permutations == 0, reason)
    own, others = _standardised(x), _standardised(y)
    lag = among.means(others)
    z = _conditional_z(own, others, lag, among)
    if permutations == 0:
        p = 2.0 * norm.sf(np.abs(z))
    else:
        p = conditional_p(others, among, permutations=permutations, seed=seed)
        # At the mean, I is 0 whoever the neighbours are.
        p[_is_zero(own)] = 1.0
    p[island] = np.nan
    quadrant[present] = _quadrants(own, lag, island)
    i = np.where(island, np.nan, own * lag * (among.n - 1) / among.n)
    return LocalMoran(
        i=spread_out(present, i),
        z=spread_out(present, z),
        p=spread_out(present, p),
        quadrant=quadrant,
        n=among.n,
        permutations=permutations,
        is_analytic=permutations == 0,
        reason=Undefined.ALL_NEIGHBOURS if (among.counts == among.n - 1).all() else None,
    )


def _conditional_z(own: Floats, others: Floats, lag: Floats, neighbours: Neighbours) -> Floats:
    """z of own * lag when the neighbours are a simple random sample of the other areas; NaN where nothing can vary."""
    n, k = neighbours.n, neighbours.counts
    rest = n - 1
    mean = (others.sum() - others) / rest
    variance = (np.sum(others**2) - others**2) / rest - mean**2
    varies = (k > 0) & (k < rest) & (variance > 1e-12) & ~_is_zero(own)
    z = np.full(n, np.nan)
    spread = np.sqrt(variance[varies] / k[varies] * (rest - k[varies]) / (rest - 1))
    z[varies] = np.sign(own[varies]) * (lag - mean)[varies] / spread
    return z


def _quadrants(own: Floats, lag: Floats, island: NDArray[np.bool_]) -> NDArray[np.str_]:
    high, low = own > 0, own < 0
    return np.select(
        [island, _is_zero(own) | _is_zero(lag), high & (lag > 0), low & (lag < 0), high & (lag < 0), low & (lag > 0)],
        [
            MoranClass.ISLAND.value,
            MoranClass.NONE.value,
            MoranClass.HIGH_HIGH.value,
            MoranClass.LOW_LOW.value,
            MoranClass.HIGH_LOW.value,
            MoranClass.LOW_HIGH.value,
        ],
        default=MoranClass.NONE.value,
    )


def _variance(scores: Floats, neighbours: Neighbours) -> float:
    """Variance of I under randomisation, from the usual sums of the row-standardised weights."""
    n = neighbours.n
    weights = neighbours.row_standardised
    by_row, by_column = weights.sum(axis=1), weights.sum(axis=0)
    s0 = float(weights.sum())
    s1 = float(((weights + weights.T).power(2)).sum()) / 2
    s2 = float(np.sum((np.asarray(by_row).ravel() + np.asarray(by_column).ravel()) ** 2))
    kurtosis = float(np.mean(scores**4))
    plain = n * ((n * n - 3 * n + 3) * s1 - n * s2 + 3 * s0**2)
    heavy = kurtosis * ((n * n - n) * s1 - 2 * n * s2 + 6 * s0**2)
    return (plain - heavy) / ((n - 1) * (n - 2) * (n - 3) * s0**2) - 1.0 / (n - 1) ** 2


def _global_p(
    own: Floats, others: Floats, neighbours: Neighbours, i: float, permutations: int, seed: int, *, together: bool
) -> float | None:
    """p of the global I by shuffling `others` over the areas; `own` moves with it where it is the same variable."""
    if permutations == 0:
        return None
    divisor = neighbours.n if not together else neighbours.n - len(neighbours.islands)
    at_least = at_most = np.int64(0)
    for (order,) in shuffled(others[np.newaxis], permutations=permutations, seed=seed):
        fixed = order if together else own
        figures = np.einsum("...i,...i", neighbours.means(order), fixed) / divisor
        at_least += np.count_nonzero(figures >= i - GLOBAL_TIE)
        at_most += np.count_nonzero(figures <= i + GLOBAL_TIE)
    return float(two_sided_p(np.asarray(at_least), np.asarray(at_most), permutations))


def _standardised(values: Floats) -> Floats:
    return (values - values.mean()) / values.std()


def _is_zero(scores: Floats) -> NDArray[np.bool_]:
    """Standardised figures that are 0 but for rounding."""
    return np.abs(scores) < 1e-12


def _why_undefined(neighbours: Neighbours, *variables: Floats) -> Undefined | None:
    if any(is_constant(values) for values in variables):
        return Undefined.CONSTANT
    if len(neighbours.indices) == 0:
        return Undefined.NO_NEIGHBOURS
    return None
