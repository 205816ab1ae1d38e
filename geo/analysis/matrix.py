"""Every category against every observed property in one area: what goes with which complaints, and how much later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from geo.analysis.computed import Progress, no_progress
from geo.analysis.correlation import TOO_SPARSE, rhythm_of
from geo.analysis.series import Measured, Region, measured_values, report_counts
from geo.analysis.statistics.correlation import MAX_LAG, CorrelationTable, Method, correlate_table
from geo.analysis.statistics.coverage import is_sparse
from geo.analysis.statistics.discovery import benjamini_hochberg
from geo.analysis.timeline import Interval, make_timeline


@dataclass(frozen=True, slots=True)
class MatrixParams:
    """`categories` maps each category's key to the ids that it counts; lags 0 to `max_lag` are tried.

    The period is half-open and is cut to whole intervals of the city's time that are over by `now`. `pearson` takes the
    square roots of the counts, whose spread does not grow with their mean: one night must not decide.
    """

    city_id: int
    zone: str
    area_id: int
    categories: Mapping[int, Sequence[int]]
    properties: Sequence[str]
    start: datetime
    end: datetime
    interval: Interval
    now: datetime
    method: Method = "pearson"
    max_lag: int = MAX_LAG
    max_distance_m: float = 10_000.0


@dataclass(frozen=True, slots=True)
class Pair:
    """A category and a property. `q` is p among all pairs that have one (Benjamini-Hochberg).

    `coefficient`, its lag and its interval are those of the method asked for, `by_lag` holds it at each lag; the other
    method's coefficient and lag stand beside them for comparison: no p is claimed for those.
    """

    category: int
    property: str
    coefficient: float | None
    lag: int | None
    p: float | None
    q: float | None
    n: int
    n_effective: float | None
    low: float | None
    high: float | None
    other_coefficient: float | None
    other_lag: int | None
    reason: str | None
    by_lag: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The pairs, most certain first, of equals the strongest; what was counted; how each property was measured."""

    pairs: tuple[Pair, ...]
    reports: Mapping[int, int]
    measured: Mapping[str, Measured]
    intervals: int
    tests: int


def compute_matrix(params: MatrixParams, progress: Progress = no_progress) -> Matrix:
    """Four queries at most, however many categories, properties and things."""
    timeline = make_timeline(
        zone=params.zone,
        start=params.start,
        end=params.end,
        interval=params.interval,
        history=params.max_lag,
        now=params.now,
    )
    region = Region(params.city_id, params.zone, ((params.area_id, ""),), params.area_id)
    counts = report_counts(region, timeline, params.categories, (params.start, params.end))
    progress(0.2)
    measured = {
        code: by_area[params.area_id]
        for code, by_area in measured_values(region, timeline, params.properties, params.max_distance_m).items()
    }
    progress(0.5)
    keys, codes = list(params.categories), list(params.properties)
    reports = np.array([counts[params.area_id, key][0] for key in keys]).reshape(len(keys), timeline.n)
    values = np.array([measured[code].values for code in codes]).reshape(len(codes), len(timeline.slots))
    sparse = is_sparse(values)
    values[sparse] = np.nan
    rhythm, lags = rhythm_of(timeline, params.interval), range(params.max_lag + 1)
    other: Method = "spearman" if params.method == "pearson" else "pearson"

    def correlated(method: Method) -> CorrelationTable:
        counts = np.sqrt(reports) if method == "pearson" else reports
        return correlate_table(counts, values, rhythm, lags=lags, history=timeline.history, method=method)

    table = correlated(params.method)
    progress(0.75)
    others = correlated(other)
    q = benjamini_hochberg(table.p.ravel()).reshape(table.p.shape)
    pairs = [
        _pair(key, code, (i, j), table, others, float(q[i, j]), is_sparse=bool(sparse[j]))
        for i, key in enumerate(keys)
        for j, code in enumerate(codes)
    ]
    return Matrix(
        pairs=tuple(sorted(pairs, key=_rank)),
        reports={key: counts[params.area_id, key][1] for key in keys},
        measured=measured,
        intervals=timeline.n,
        tests=int(np.sum(~np.isnan(table.p))),
    )


def _pair(
    key: int,
    code: str,
    at: tuple[int, int],
    table: CorrelationTable,
    others: CorrelationTable,
    q: float,
    *,
    is_sparse: bool,
) -> Pair:
    reason = TOO_SPARSE if is_sparse else table.reason[at]
    return Pair(
        category=key,
        property=code,
        coefficient=_number(table.rho[at]),
        lag=int(table.lag[at]) if table.lag[at] >= 0 else None,
        p=_number(table.p[at]),
        q=_number(q),
        n=int(table.n[at]),
        n_effective=_number(table.n_effective[at]),
        low=_number(table.low[at]),
        high=_number(table.high[at]),
        other_coefficient=_number(others.rho[at]),
        other_lag=int(others.lag[at]) if others.lag[at] >= 0 else None,
        reason=None if reason is None else str(reason),
        by_lag=tuple(map(_number, table.rho_by_lag[at])),
    )


def _rank(pair: Pair) -> tuple[float, float, int, str]:
    return (2.0 if pair.p is None else pair.p, -abs(pair.coefficient or 0.0), pair.category, pair.property)


def _number(figure: float) -> float | None:
    return None if np.isnan(figure) else float(figure)
