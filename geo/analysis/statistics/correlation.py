"""Statistics of the analysis layers: plain numpy, no Django, no clock, no database.

`docs/statistics.md` explains each figure in words, with its formula, its source and when not to trust it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.stats import rankdata

MAX_LAG = 14
# Twenty shifts are the fewest by which p < 0.05 can be reached: 1 / (1 + 20). The same floor holds for pairs.
MIN_SHIFTS = 20
MIN_INTERVALS = 20
# FFT sums differ from direct ones in the last digits; a permuted value this close to the observed one equals it.
TIE_TOLERANCE = 1e-9

Floats = NDArray[np.float64]


class Reason(StrEnum):
    """Why a figure is null."""

    NO_PROPERTY_DATA = "no_property_data"
    NO_REPORTS = "no_reports"
    TOO_FEW_INTERVALS = "too_few_intervals"
    CONSTANT_REPORTS = "constant_reports"
    CONSTANT_PROPERTY = "constant_property"
    TOO_FEW_SHIFTS = "too_few_shifts"


@dataclass(frozen=True, slots=True)
class LaggedCorrelation:
    """Spearman's rho at one lag, and what it took to choose it.

    `n` counts the intervals with both at `lag` (at the shortest lag asked for where none could be used).
    `shifts` is the number of circular shifts compared with, so `p` is at least 1 / (1 + shifts); `step` is the number
    of intervals between two of them (24 = whole days of hours, 1 = any shift).
    `by_lag` holds (lag, rho or None) for every lag tried, in order.
    """

    rho: float | None
    lag: int | None
    p: float | None
    n: int
    reason: Reason | None
    shifts: int = 0
    step: int = 1
    by_lag: tuple[tuple[int, float | None], ...] = ()


@dataclass(frozen=True, slots=True)
class _Shifts:
    """Which circular shifts form the null distribution; `length` is the circle's, padding included."""

    length: int
    step: int
    distances: NDArray[np.int64]


def spearman(first: Floats, second: Floats) -> float | None:
    """Spearman's rho of two complete series, ties by average ranks; None where either is constant or shorter than 2."""
    if len(first) < 2:
        return None
    return _pearson(rankdata(first), rankdata(second))


def lagged_spearman(
    reports: Floats,
    values: Floats,
    *,
    lags: Sequence[int],
    history: int = 0,
    cycles: Sequence[int] = (),
    permutations: int = 999,
    seed: int = 0,
) -> LaggedCorrelation:
    """Spearman's rho between `values` at t - lag and `reports` at t, at the lag where it is strongest.

    Shape:  reports (n,); values (history + n,), its first `history` elements lie before the first interval of
            reports. NaN is missing in either; each lag uses the intervals that have both.
    Units:  lags, history and cycles in intervals. `cycles` are the lengths of rhythms that both series may share
            (hours: 168 and 24; days: 7): the longest of them that leaves enough shifts is kept whole by the null.
    p:      (1 + shifts with max |rho| over the lags >= the observed) / (1 + shifts), so the choice among the lags is
            paid for. Deterministic for a seed; the seed matters only where there are more shifts than `permutations`.
    Errors: ValueError on negative or no lags, or on lengths that do not fit. What the data lack is a Reason, no error.
    Source: maximum statistic, Westfall & Young 1993; (1 + …) / (1 + …), Phipson & Smyth 2010; docs/statistics.md.
    """
    n = len(reports)
    if not lags or min(lags) < 0:
        raise ValueError("lags must be a non-empty sequence of numbers of intervals from 0 on")
    if history < 0 or len(values) != history + n:
        raise ValueError("values must have as many elements as reports, and history more")
    reports = np.asarray(reports, dtype=float)
    lagged = [_lagged(np.asarray(values, dtype=float), lag, history, n) for lag in lags]
    reports, lagged = _trim(reports, lagged)
    by_lag = [_rho_of_pairs(reports, series) for series in lagged]
    counts = [int(np.sum(~np.isnan(reports) & ~np.isnan(series))) for series in lagged]
    table = tuple(zip(lags, by_lag, strict=True))

    usable = [i for i, rho in enumerate(by_lag) if rho is not None]
    if not usable:
        most = max(range(len(lags)), key=lambda i: counts[i])
        return LaggedCorrelation(None, None, None, counts[most], _why_not(reports, lagged[most]), by_lag=table)
    best = max(usable, key=lambda i: (abs(by_lag[i] or 0.0), -lags[i]))
    rho, lag = by_lag[best], lags[best]

    shifts = _choose_shifts(
        len(reports), span=max(lags) - min(lags), cycles=cycles, permutations=permutations, seed=seed
    )
    if len(shifts.distances) == 0:
        return LaggedCorrelation(rho, lag, None, counts[best], Reason.TOO_FEW_SHIFTS, by_lag=table)
    strongest = _strongest_by_shift(reports, lagged, shifts.length)
    as_strong = int(np.sum(strongest[shifts.distances] >= strongest[0] - TIE_TOLERANCE))
    p = (1 + as_strong) / (1 + len(shifts.distances))
    return LaggedCorrelation(rho, lag, p, counts[best], None, len(shifts.distances), shifts.step, table)


def _lagged(values: Floats, lag: int, history: int, n: int) -> Floats:
    """The value at t - lag for each t of the reports; NaN where that lies before the first value."""
    if lag <= history:
        return values[history - lag : history - lag + n]
    missing = min(lag - history, n)
    return np.concatenate([np.full(missing, np.nan), values[: n - missing]])


def _trim(reports: Floats, lagged: Sequence[Floats]) -> tuple[Floats, list[Floats]]:
    """Both without what lies before the first and after the last interval that has a pair at any lag.

    Where the readings began late, the observed pairs are of the late reports only. A circle that held the early reports
    too would compare them with shifts that mix in a time of other habits, and a shared rhythm would look like an effect.
    """
    paired = np.flatnonzero(~np.isnan(reports) & np.any([~np.isnan(series) for series in lagged], axis=0))
    if len(paired) == 0:
        return reports, list(lagged)
    part = slice(paired[0], paired[-1] + 1)
    return reports[part], [series[part] for series in lagged]


def _pearson(first: Floats, second: Floats) -> float | None:
    a, b = first - first.mean(), second - second.mean()
    spread = float(np.dot(a, a) * np.dot(b, b))
    if spread <= 0.0:
        return None
    return float(np.clip(np.dot(a, b) / np.sqrt(spread), -1.0, 1.0))


def _rho_of_pairs(reports: Floats, values: Floats) -> float | None:
    both = ~np.isnan(reports) & ~np.isnan(values)
    if int(both.sum()) < MIN_INTERVALS:
        return None
    return spearman(reports[both], values[both])


def _why_not(reports: Floats, values: Floats) -> Reason:
    both = ~np.isnan(reports) & ~np.isnan(values)
    if np.isnan(values).all():
        return Reason.NO_PROPERTY_DATA
    if not np.nansum(reports) > 0:
        return Reason.NO_REPORTS
    if int(both.sum()) < MIN_INTERVALS:
        return Reason.TOO_FEW_INTERVALS
    if np.ptp(reports[both]) == 0:
        return Reason.CONSTANT_REPORTS
    return Reason.CONSTANT_PROPERTY


def _choose_shifts(n: int, *, span: int, cycles: Sequence[int], permutations: int, seed: int) -> _Shifts:
    """The null's shifts: whole cycles where the period holds enough of them, else any shift.

    Two series that share a rhythm of the day correlate at every whole-day shift alike. Shifts that break the rhythm
    would make the observed value look rare whenever people sleep at night, so they are not compared with. A shift
    within the span of the lags tried would meet the observed pairing again, so it is left out.
    The circle is padded with missing intervals to whole cycles, so that the wrapped part keeps its hour of the day.
    """
    for step in sorted(cycles, reverse=True):
        length = -(-n // step) * step
        distances = _beyond(np.arange(step, length, step), length, span)
        if len(distances) >= MIN_SHIFTS:
            break
    else:
        step, length = 1, n
        distances = _beyond(np.arange(1, n), n, span)
    if len(distances) > permutations:
        distances = np.random.default_rng(seed).choice(distances, size=permutations, replace=False)
    return _Shifts(length, step, distances)


def _beyond(distances: NDArray[np.int64], length: int, span: int) -> NDArray[np.int64]:
    return distances[(distances > span) & (length - distances > span)]


def _strongest_by_shift(reports: Floats, lagged: Sequence[Floats], length: int) -> Floats:
    """max |rho| over the lags, for every circular shift of `reports` against the lagged values; shape (length,).

    Each series is ranked once, over its own complete values, and the ranks of each pairing are correlated by Pearson's
    formula over the intervals that have both. The sums it needs at all shifts are cross-correlations of mask, rank and
    squared rank: six FFT products a lag in place of a pass over the data for every shift. With nothing missing this is
    Spearman's rho exactly; with gaps it differs from re-ranking each pairing, for the observed shift 0 just as for
    the others.
    """
    mask_r, ranks_r, squares_r = (np.conj(fft.rfft(part)) for part in _rank_parts(reports, length))
    strongest = np.zeros(length)
    for series in lagged:
        mask_v, ranks_v, squares_v = (fft.rfft(part) for part in _rank_parts(series, length))
        products = np.stack(
            [
                mask_v * mask_r,
                ranks_v * mask_r,
                squares_v * mask_r,
                mask_v * ranks_r,
                mask_v * squares_r,
                ranks_v * ranks_r,
            ]
        )
        n, v, vv, r, rr, vr = fft.irfft(products, n=length, axis=1)
        n = np.round(n)
        spread = (n * vv - v * v) * (n * rr - r * r)
        usable = (n >= MIN_INTERVALS) & (spread > 1e-9 * n**4)
        rho = np.zeros(length)
        rho[usable] = (n * vr - v * r)[usable] / np.sqrt(spread[usable])
        np.maximum(strongest, np.abs(rho), out=strongest)
    return strongest


def _rank_parts(series: Floats, length: int) -> tuple[Floats, Floats, Floats]:
    """Mask, standardised rank and its square of a series, missing as 0, padded with missing to `length`.

    Standardising keeps the FFT sums near 1, where their rounding does not matter.
    """
    mask, ranks = np.zeros(length), np.zeros(length)
    present = ~np.isnan(series)
    mask[: len(series)][present] = 1.0
    if present.any():
        ranked = rankdata(series[present])
        spread = ranked.std()
        ranks[: len(series)][present] = (ranked - ranked.mean()) / spread if spread > 0 else 0.0
    return mask, ranks, ranks * ranks
