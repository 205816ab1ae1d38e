"""Lee's L: do two variables go together across space, both smoothed over the neighbours?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from geo.analysis.statistics.errors import MIN_AREAS, Undefined
from geo.analysis.statistics.neighbours import Floats, Neighbours, areas_with_data, is_constant, spread_out
from geo.analysis.statistics.permutation import conditional_p_of_product, shuffled, two_sided_p

# L is of the order of 1; two of them this close differ by rounding alone.
GLOBAL_TIE = 1e-11


@dataclass(frozen=True, slots=True, eq=False)
class LeeL:
    """Lee's L of the city and of each area; NaN where an area has no data or is an island, or where `reason` says why.

    Shape: local, local_p (n,). The mean of `local` over the areas that have neighbours is `l`.
    p and local_p are None and NaN without permutations: there is no trusted analytic p.
    """

    l: float  # noqa: E741
    p_permuted: float | None
    local: Floats
    local_p: Floats
    permutations: int
    n: int
    islands: int
    reason: Undefined | None = None


def lee_l(x: ArrayLike, y: ArrayLike, neighbours: Neighbours, *, permutations: int = 999, seed: int = 0) -> LeeL:
    """Lee's L between x and y, row-standardised weights without the area itself, with two-sided p.

    Symmetric in x and y, unlike bivariate Moran.
    Shape:  x, y (n,), NaN where missing: an area without either is left out.
    p:      global, the pairs (x, y) of the areas stay together and are permuted over the map; local, pairs are drawn
            as other neighbours of the area.
    Errors: TooFewAreas below 8 areas with both; ValueError on infinite values or a wrong length.
    Source: Lee 2001, eqs. 18 and 22; as PySAL's Spatial_Pearson and Spatial_Pearson_Local.
    """
    present, among, (known_x, known_y) = areas_with_data(neighbours, MIN_AREAS, x, y)
    island = among.counts == 0
    islands = int(island.sum())
    reason = _why_undefined(among, known_x, known_y)
    if reason is not None:
        nothing = np.full(len(present), np.nan)
        return LeeL(np.nan, None, nothing, nothing, permutations, among.n, islands, reason)
    scores = np.stack([(known - known.mean()) / known.std() for known in (known_x, known_y)])
    local = np.prod(among.means(scores), axis=0)
    if permutations == 0:
        local_p = np.full(among.n, np.nan)
    else:
        local_p = conditional_p_of_product(scores[0], scores[1], among, permutations=permutations, seed=seed)
    local_p[island] = np.nan
    l = float(local.sum()) / (among.n - islands)  # noqa: E741
    return LeeL(
        l=l,
        p_permuted=_global_p(scores, among, l, permutations, seed),
        local=spread_out(present, np.where(island, np.nan, local)),
        local_p=spread_out(present, local_p),
        permutations=permutations,
        n=among.n,
        islands=islands,
    )


def residuals_on(control: ArrayLike, values: ArrayLike) -> Floats:
    """What is left of the values when a linear effect of the control is taken out, by least squares with an intercept.

    For "given the population", the control is its logarithm: take the residuals of both variables, then relate those.
    The fit is linear in the values as they are given; ranks in give a fit of ranks.
    Shape:  control, values (n,); NaN where either is missing. A constant control leaves deviations from the mean.
    Errors: ValueError on unequal lengths or on infinite values: where nobody lives, the logarithm is missing.
    """
    control, values = np.asarray(control, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if control.shape != values.shape or control.ndim != 1:
        raise ValueError("control and values must have one element for each area")
    if np.isinf(control).any():
        raise ValueError("control must be finite, or NaN where there is none")
    if np.isinf(values).any():
        raise ValueError("values must be finite, or NaN where there are none")
    both = ~np.isnan(control) & ~np.isnan(values)
    if not both.any():
        return np.full(len(values), np.nan)
    known, explained = values[both] - values[both].mean(), control[both] - control[both].mean()
    slope = 0.0 if is_constant(control[both]) else float(explained @ known) / float(explained @ explained)
    return spread_out(both, known - slope * explained)


def _global_p(scores: Floats, neighbours: Neighbours, l: float, permutations: int, seed: int) -> float | None:  # noqa: E741
    if permutations == 0:
        return None
    at_least = at_most = np.int64(0)
    for first, second in shuffled(scores, permutations=permutations, seed=seed):
        products = np.einsum("...i,...i", neighbours.means(first), neighbours.means(second))
        figures = products / (neighbours.n - len(neighbours.islands))
        at_least += np.count_nonzero(figures >= l - GLOBAL_TIE)
        at_most += np.count_nonzero(figures <= l + GLOBAL_TIE)
    return float(two_sided_p(np.asarray(at_least), np.asarray(at_most), permutations))


def _why_undefined(neighbours: Neighbours, x: Floats, y: Floats) -> Undefined | None:
    if is_constant(x) or is_constant(y):
        return Undefined.CONSTANT
    if len(neighbours.indices) == 0:
        return Undefined.NO_NEIGHBOURS
    return None
