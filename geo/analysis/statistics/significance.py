"""How rare a strongest correlation is among the shifts of the same two series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

Floats = NDArray[np.float64]

# Twenty shifts are the fewest of which a share of one in twenty can be told.
MIN_SHIFTS = 20
# FFT sums differ from direct ones in the last digits; a shifted value this close to the observed one equals it.
TIE_TOLERANCE = 1e-9
# Fewer shifts than this beyond the observed one, and their count says less than the course of the tail.
ENOUGH_BEYOND = 10
TAIL = 0.1
# A model of a tail is not believed beyond one in a million.
LEAST_P = 1e-6
CONFIDENCE = 0.95
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


@dataclass(frozen=True, slots=True)
class Null:
    """What the shifts of K pairs say; arrays (K,).

    `p` pays for the choice among the lags. `n_effective` is the number of independent intervals whose correlation would
    scatter as much as the shifts' does. `critical` is how many standard errors the strongest of the lags exceeds in one
    case of twenty. NaN where there are fewer than MIN_SHIFTS shifts.
    """

    p: Floats
    n_effective: Floats
    critical: Floats
    shifts: NDArray[np.int64]


def null_of_shifts(rho: Floats, n: Floats, *, shortest: int, longest: int, minimum: int) -> Null:
    """The strongest correlation over the lags shortest..longest against the same over every circular shift.

    Shape:  rho and n (K, length): the correlation (NaN where undefined) and its pairs at every offset; offset d is lag d.
    Shifts: all whose offsets lie outside the lags and have `minimum` pairs each. The statistic is |rho| sqrt(n), so that
            shifts that lose pairs to the seam of the circle or to gaps are compared on the same footing.
    p:      the larger of two. (a) The shifts that reach the observed value: (1 + k) / (1 + shifts); where k is below 10,
            the exponential tail, in the square of the statistic, of the strongest tenth. (b) A bound for a Gaussian
            process with the shifts' own variance and smoothness. Neighbouring shifts are near copies of each other: their
            count alone promises too much, above all in short series; (b) alone would for rare counts.
    Source: Phipson & Smyth 2010 for the 1 + …; Knijnenburg et al. 2009 for tails of permutations; docs/statistics.md.
    """
    length, span = rho.shape[1], longest - shortest
    usable = (n >= minimum) & ~np.isnan(rho)
    scaled = np.where(usable, rho * np.sqrt(n), 0.0)
    strongest = _forward(np.abs(scaled), span, np.maximum)
    complete = _forward(usable, span, np.logical_and)
    shifts = np.arange(shortest + span + 1, shortest + length - span) % length
    observed, lengths = strongest[:, shortest % length], n[:, shortest : longest + 1].max(axis=1)
    is_shift = complete[:, shifts]
    counts = is_shift.sum(axis=1)
    enough = counts >= MIN_SHIFTS

    squares = np.where(is_shift, scaled[:, shifts] ** 2, 0.0)
    variance = squares.sum(axis=1) / np.maximum(counts, 1) / np.maximum(lengths, 1)
    n_effective = np.minimum(1.0 + 1.0 / np.maximum(variance, 1e-12), lengths)
    neighbours = (shifts + 1) % length
    both = is_shift & usable[:, neighbours]
    products = np.where(both, scaled[:, shifts] * scaled[:, neighbours], 0.0)
    smoothness = np.clip(products.sum(axis=1) / np.maximum(squares.sum(axis=1), 1e-12), -0.999, 0.999)

    counted = _share_of_shifts(observed, np.where(is_shift, strongest[:, shifts], -1.0), counts)
    modelled = gaussian_bound(observed / np.sqrt(np.maximum(lengths, 1)), n_effective, smoothness, span)
    p = np.maximum(np.maximum(counted, modelled), LEAST_P)
    return Null(
        np.where(enough, p, np.nan),
        np.where(enough, n_effective, np.nan),
        np.where(enough, critical_level(smoothness, span), np.nan),
        counts,
    )


def _forward(array: NDArray, span: int, combine: np.ufunc) -> NDArray:
    """`combine` over the offsets d to d + span of each d, round the circle, in log2(span) steps."""
    width, result = 1, array
    while width < span + 1:
        step = min(width, span + 1 - width)
        result = combine(result, np.roll(result, -step, axis=1))
        width += step
    return result


def _share_of_shifts(observed: Floats, strongest: Floats, counts: NDArray[np.int64]) -> Floats:
    """The share of shifts as strong as the observed one, its tail smoothed; `strongest` is -1 where there is no shift."""
    if strongest.shape[1] == 0:
        return np.ones(len(observed))
    beyond = (strongest >= observed[:, None] - TIE_TOLERANCE).sum(axis=1)
    share = (1 + beyond) / (1 + counts)
    # The strongest tenth, of few shifts at least twenty, never more than half.
    members = np.minimum(np.maximum(np.ceil(TAIL * counts), 20), np.ceil(counts / 2)).astype(np.int64)
    squares = np.where(strongest >= 0, strongest**2, 0.0)
    most = min(int(members.max(initial=0)) + 1, squares.shape[1])
    ordered = -np.sort(np.partition(-squares, most - 1, axis=1)[:, :most], axis=1)
    edge = np.take_along_axis(ordered, np.minimum(members, ordered.shape[1] - 1)[:, None], axis=1)[:, 0]
    in_tail = np.arange(ordered.shape[1]) < members[:, None]
    excess = np.where(in_tail, ordered - edge[:, None], 0.0).sum(axis=1) / np.maximum(members, 1)
    past = np.maximum(observed**2 - edge, 0.0)
    tail = members / np.maximum(counts, 1) * np.exp(-past / np.maximum(excess, 1e-12))
    return np.where(beyond < ENOUGH_BEYOND, np.minimum(tail, 1.0), share)


def gaussian_bound(rho: Floats, n_effective: Floats, smoothness: Floats, span: int) -> Floats:
    """At most how often |rho| is reached at any of span + 1 lags.

    It is reached at the first lag, or it is passed upwards between two lags: P(first) + span P(below, then above).
    """
    rho = np.minimum(rho, 1.0 - 1e-12)
    freedom = np.maximum(n_effective - 2.0, 1.0)
    single = 2.0 * student.sf(rho * np.sqrt(freedom / (1.0 - rho * rho)), freedom)
    level = norm.isf(np.clip(single, 1e-300, 1.0) / 2.0)
    return np.minimum(single + span * _passes(level, smoothness), 1.0)


def _passes(level: Floats, smoothness: Floats) -> Floats:
    """P(|u| < level <= |v|) of two standard normal variables with correlation `smoothness`."""
    same = both_above(level, smoothness) + both_above(level, -smoothness)
    return np.maximum(2.0 * (norm.sf(level) - same), 0.0)


def both_above(level: Floats, correlation: Floats) -> Floats:
    """P(u > level, v > level), by the integral over the angle (Sheppard; Drezner & Wesolowsky 1990, eq. 1)."""
    half = np.arcsin(correlation)[:, None] / 2.0
    heights = np.exp(-(level[:, None] ** 2) / (1.0 + np.sin(half * (NODES + 1.0))))
    return np.asarray(norm.sf(level) ** 2 + (half * WEIGHTS * heights).sum(axis=1) / (2.0 * np.pi))


def critical_level(smoothness: Floats, span: int) -> Floats:
    """The level that the strongest of span + 1 lags exceeds in one case of twenty: 1.96 for one lag, by halving."""
    low, high = np.full(len(smoothness), 1.0), np.full(len(smoothness), 8.0)
    for _ in range(25):
        middle = (low + high) / 2.0
        too_often = 2.0 * norm.sf(middle) + span * _passes(middle, smoothness) > 1.0 - CONFIDENCE
        low, high = np.where(too_often, middle, low), np.where(too_often, high, middle)
    return (low + high) / 2.0


def fisher_interval(
    rho: Floats, n_effective: Floats, critical: Floats | float, *, is_ranked: bool
) -> tuple[Floats, Floats]:
    """The interval of rho by Fisher's z: `critical` standard errors either way; NaN up to 3 effective intervals.

    Source: Fisher 1921, variance 1 / (n - 3); for ranks Bonett & Wright 2000, variance (1 + rho²/2) / (n - 3).
    """
    factor = 1.0 + rho * rho / 2.0 if is_ranked else np.ones_like(rho)
    freedom = np.where(n_effective > 3.0, n_effective - 3.0, np.nan)
    z = np.arctanh(np.clip(rho, -1 + 1e-15, 1 - 1e-15))
    half = critical * np.sqrt(factor / freedom)
    return np.tanh(z - half), np.tanh(z + half)
