"""Reports against an observed property, some intervals later: at every lag, with the rhythm of the city taken out of both.

`docs/statistics.md` explains each figure in words, with its formula, its source and when not to trust it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from geo.analysis.statistics.correlation_table import (
    MAX_LAG,
    MIN_INTERVALS,
    CorrelationTable,
    Method,
    Reason,
    Task,
    checked,
    correlate,
    correlate_table,
)
from geo.analysis.statistics.rhythm import Floats, Rhythm

__all__ = [
    "MAX_LAG",
    "MIN_INTERVALS",
    "CorrelationTable",
    "LaggedCorrelation",
    "Method",
    "Reason",
    "correlate_lagged",
    "correlate_pairs",
    "correlate_table",
    "spearman",
]


@dataclass(frozen=True, slots=True)
class LaggedCorrelation:
    """Reports and one property: Spearman's rho at its strongest lag, Pearson's r at its own, both without the rhythm.

    `n` counts the intervals with both at `lag` (at the best supplied lag where none could be used); `n_effective` as many
    independent ones say as much. `low` and `high` hold rho with 95 %, at whichever lag it is strongest.
    `p` includes the choice among the lags; `shifts` is the number of circular shifts that it was judged by.
    `rho_raw` is Spearman's rho at `lag` with the rhythm left in, ranked over the pairs alone.
    `by_lag` and `pearson_by_lag` hold (lag, figure or None) for every lag tried, in order.
    """

    rho: float | None
    lag: int | None
    p: float | None
    n: int
    reason: Reason | None
    n_effective: float | None = None
    low: float | None = None
    high: float | None = None
    rho_raw: float | None = None
    pearson: float | None = None
    pearson_lag: int | None = None
    pearson_p: float | None = None
    shifts: int = 0
    by_lag: tuple[tuple[int, float | None], ...] = ()
    pearson_by_lag: tuple[tuple[int, float | None], ...] = ()


def correlate_pairs(
    reports: Floats,
    values: Floats,
    rhythm: Rhythm,
    *,
    lags: Sequence[int] = range(MAX_LAG + 1),
    history: int = 0,
    minimum_intervals: int = MIN_INTERVALS,
) -> list[LaggedCorrelation]:
    """The k-th series of reports against the k-th of values, by Spearman and by Pearson; as correlate_table otherwise.

    Shape:  reports (K, n); values (K, history + n).
    """
    if len(reports) != len(values):
        raise ValueError("reports and values must be as many series")
    pairs = np.arange(len(reports))
    ranked = checked(reports, values, rhythm, lags, history, "spearman", minimum_intervals)
    plain = checked(reports, values, rhythm, lags, history, "pearson", minimum_intervals)
    spearmans, pearsons = correlate(ranked, pairs, pairs), correlate(plain, pairs, pairs)
    return [_found(ranked, spearmans, pearsons, k) for k in range(len(pairs))]


def correlate_lagged(
    reports: Floats,
    values: Floats,
    rhythm: Rhythm,
    *,
    lags: Sequence[int] = range(MAX_LAG + 1),
    history: int = 0,
    minimum_intervals: int = MIN_INTERVALS,
) -> LaggedCorrelation:
    """One series of reports (n,) against one of values (history + n,); as correlate_pairs."""
    one, other = np.asarray(reports, dtype=float)[None], np.asarray(values, dtype=float)[None]
    [found] = correlate_pairs(one, other, rhythm, lags=lags, history=history, minimum_intervals=minimum_intervals)
    return found


def spearman(first: Floats, second: Floats) -> float | None:
    """Spearman's rho of two complete series, ties by average ranks; None where either is constant or shorter than 2."""
    if len(first) < 2:
        return None
    a, b = (rankdata(series) - (len(series) + 1) / 2 for series in (first, second))
    spread = float(np.dot(a, a) * np.dot(b, b))
    return float(np.clip(np.dot(a, b) / np.sqrt(spread), -1.0, 1.0)) if spread > 0 else None


def _found(task: Task, spearmans: CorrelationTable, pearsons: CorrelationTable, k: int) -> LaggedCorrelation:
    lag = int(spearmans.lag[k])
    return LaggedCorrelation(
        rho=_number(spearmans.rho[k]),
        lag=lag if lag >= 0 else None,
        p=_number(spearmans.p[k]),
        n=int(spearmans.n[k]),
        reason=spearmans.reason[k],
        n_effective=_number(spearmans.n_effective[k]),
        low=_number(spearmans.low[k]),
        high=_number(spearmans.high[k]),
        rho_raw=_raw(task.reports[k], task.values[k], lag) if lag >= 0 else None,
        pearson=_number(pearsons.rho[k]),
        pearson_lag=int(pearsons.lag[k]) if pearsons.lag[k] >= 0 else None,
        pearson_p=_number(pearsons.p[k]),
        shifts=int(spearmans.shifts[k]),
        by_lag=_listed(spearmans, k),
        pearson_by_lag=_listed(pearsons, k),
    )


def _raw(reports: Floats, values: Floats, lag: int) -> float | None:
    later, earlier = reports[lag:], values[: len(values) - lag]
    both = ~np.isnan(later) & ~np.isnan(earlier)
    return spearman(later[both], earlier[both])


def _listed(table: CorrelationTable, k: int) -> tuple[tuple[int, float | None], ...]:
    return tuple(zip(table.lags, map(_number, table.rho_by_lag[k]), strict=True))


def _number(figure: float) -> float | None:
    return None if np.isnan(figure) else float(figure)
