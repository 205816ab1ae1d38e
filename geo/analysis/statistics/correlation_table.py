"""Many series of reports against many properties, lag by lag, by one set of transforms for each series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geo.analysis.statistics.circle import Prepared, correlations, prepare_series
from geo.analysis.statistics.rhythm import Floats, Integers, Rhythm
from geo.analysis.statistics.significance import fisher_interval, null_of_shifts

Method = Literal["spearman", "pearson"]

MAX_LAG = 14
MIN_INTERVALS = 20
# Numbers in flight at once: a chunk of pairs takes about a hundred megabytes, whatever the length of the period.
CHUNK = 600_000


class Reason(StrEnum):
    """Why a figure is null."""

    NO_PROPERTY_DATA = "no_property_data"
    NO_REPORTS = "no_reports"
    TOO_FEW_INTERVALS = "too_few_intervals"
    CONSTANT_REPORTS = "constant_reports"
    CONSTANT_PROPERTY = "constant_property"
    ONLY_RHYTHM = "only_rhythm"
    TOO_FEW_SHIFTS = "too_few_shifts"


@dataclass(frozen=True, slots=True)
class CorrelationTable:
    """Figures of many pairs: arrays of one shape (R, V), with one more axis of lags where said; NaN is null.

    `lag` is -1 and `reason` says why where there is no rho; where rho stands and p lacks, `reason` says that.
    """

    lags: tuple[int, ...]
    rho_by_lag: Floats
    n_by_lag: Integers
    rho: Floats
    lag: Integers
    p: Floats
    n: Integers
    n_effective: Floats
    low: Floats
    high: Floats
    shifts: Integers
    reason: NDArray[np.object_]


def correlate_table(
    reports: Floats,
    values: Floats,
    rhythm: Rhythm,
    *,
    lags: Sequence[int] = range(MAX_LAG + 1),
    history: int = 0,
    method: Method = "spearman",
    minimum_intervals: int = MIN_INTERVALS,
) -> CorrelationTable:
    """Every series of reports against every property, at every lag.

    Shape:  reports (R, n); values (V, history + n), the first `history` before the first interval of reports; rhythm.slots
            (history + n,). NaN is missing in either; each lag uses the intervals that have both. Returns (R, V).
    Units:  lags and history in intervals; lags are consecutive. Reports at t meet values at t - lag.
    Errors: ValueError on lengths that do not fit, on lags that are negative or not consecutive, on an unknown method.
            What the data lack is a Reason, no error.
    Source: docs/statistics.md. Deterministic; no random numbers.
    """
    rows, columns = (part.ravel() for part in np.indices((len(reports), len(values))))
    task = checked(reports, values, rhythm, lags, history, method, minimum_intervals)
    return _shaped(correlate(task, rows, columns), (len(reports), len(values)))


@dataclass(frozen=True, slots=True)
class Task:
    """Checked input on one timeline: `reports` is filled with NaN to the left, so that both are (., history + n)."""

    reports: Floats
    values: Floats
    rhythm: Rhythm
    lags: range
    history: int
    is_ranked: bool
    minimum: int


def checked(
    reports: Floats,
    values: Floats,
    rhythm: Rhythm,
    lags: Sequence[int],
    history: int,
    method: str,
    minimum: int,
) -> Task:
    reports, values = np.asarray(reports, dtype=float), np.asarray(values, dtype=float)
    if not len(lags) or min(lags) < 0 or list(lags) != list(range(lags[0], lags[-1] + 1)):
        raise ValueError("lags must be consecutive numbers of intervals from 0 on")
    if reports.ndim != 2 or values.ndim != 2:
        raise ValueError("reports and values must be two-dimensional, a series a row")
    if history < 0 or values.shape[1] != history + reports.shape[1]:
        raise ValueError("values must have as many elements as reports, and history more")
    if len(rhythm.slots) != values.shape[1]:
        raise ValueError("rhythm must have a slot for each element of values")
    if method not in ("spearman", "pearson"):
        raise ValueError("method must be 'spearman' or 'pearson'")
    if minimum < 4:
        raise ValueError("minimum_intervals must be at least 4")
    if np.isinf(reports).any() or np.isinf(values).any():
        raise ValueError("reports and values must be finite, or NaN where missing")
    before = np.full((len(reports), history), np.nan)
    return Task(
        np.concatenate([before, reports], axis=1),
        values,
        rhythm,
        range(lags[0], lags[-1] + 1),
        history,
        method == "spearman",
        minimum,
    )


def correlate(task: Task, rows: Integers, columns: Integers) -> CorrelationTable:
    """The figures of K pairs; arrays (K,), and (K, lags)."""
    table = _empty(len(rows), task.lags)
    for window, members in _windows(task, columns):
        reports, values = task.reports[:, window].copy(), task.values[:, window]
        reports[:, : task.lags[0]] = np.nan
        used_rows, row = np.unique(rows[members], return_inverse=True)
        used_columns, column = np.unique(columns[members], return_inverse=True)
        rhythm = task.rhythm.part(window)
        # The longest lag of the first report reaches back into history; what history lacks must not wrap round.
        room = max(task.lags[-1] - max(task.history - window.start, 0), 0)
        first, second = (
            prepare_series(series, rhythm, ranked=task.is_ranked, room=room)
            for series in (reports[used_rows], values[used_columns])
        )
        has_reports = np.nansum(reports[used_rows], axis=1) > 0
        step = max(CHUNK // first.length, 1)
        for start in range(0, len(members), step):
            part = slice(start, start + step)
            _fill(table, members[part], first, second, row[part], column[part], task)
        _give_reasons(table, members, first, second, row, column, has_reports, task.minimum)
    return table


def _windows(task: Task, columns: Integers) -> Iterator[tuple[slice, Integers]]:
    """The pairs by the stretch of time that their values speak of: from the first value to the last and a longest lag more.

    Where the readings began late, the pairs are of the late reports only. A circle that held the early reports too would
    compare them with shifts that mix in a time of other habits, and in which half of the pairs lack.
    """
    present = ~np.isnan(task.values)
    n = present.shape[1]
    firsts = present.argmax(axis=1) if n else np.zeros(len(present), dtype=np.int64)
    ends = np.minimum(n - present[:, ::-1].argmax(axis=1) + task.lags[-1], n) if n else firsts
    spans = np.stack([firsts, ends], axis=1)[columns]
    pairs_with_data = np.flatnonzero(np.asarray(present.any(axis=1))[columns])
    for first, end in np.unique(spans[pairs_with_data], axis=0):
        is_same = np.equal(spans[pairs_with_data, 0], first) & np.equal(spans[pairs_with_data, 1], end)
        yield slice(int(first), int(end)), pairs_with_data[is_same]


def _fill(
    table: CorrelationTable,
    members: Integers,
    first: Prepared,
    second: Prepared,
    row: Integers,
    column: Integers,
    task: Task,
) -> None:
    rho, n = correlations(first, second, row, column)
    null = null_of_shifts(rho, n, shortest=task.lags[0], longest=task.lags[-1], minimum=task.minimum)
    tried = slice(task.lags[0], task.lags[-1] + 1)
    by_lag = np.where(n[:, tried] >= task.minimum, rho[:, tried], np.nan)
    counts = n[:, tried].astype(np.int64)
    table.rho_by_lag[members], table.n_by_lag[members] = by_lag, counts
    has_rho = ~np.isnan(by_lag).all(axis=1)
    # The first of equals is the shortest lag; rounding must not decide between them.
    best = np.where(
        has_rho, np.round(np.nan_to_num(np.abs(by_lag), nan=-1.0), 12).argmax(axis=1), counts.argmax(axis=1)
    )
    at = np.arange(len(members))
    table.lag[members] = np.where(has_rho, best + task.lags[0], -1)
    table.rho[members], table.n[members] = by_lag[at, best], counts[at, best]
    table.p[members] = np.where(has_rho, null.p, np.nan)
    table.n_effective[members] = np.where(has_rho, np.minimum(null.n_effective, counts[at, best]), np.nan)
    table.shifts[members] = null.shifts
    table.low[members], table.high[members] = fisher_interval(
        table.rho[members], table.n_effective[members], null.critical, is_ranked=task.is_ranked
    )


def _give_reasons(
    table: CorrelationTable,
    members: Integers,
    first: Prepared,
    second: Prepared,
    row: Integers,
    column: Integers,
    has_reports: NDArray[np.bool_],
    minimum: int,
) -> None:
    lacks = [
        (Reason.NO_REPORTS, ~has_reports[row]),
        (Reason.TOO_FEW_INTERVALS, table.n[members] < minimum),
        (Reason.CONSTANT_REPORTS, ~first.varies[row]),
        (Reason.CONSTANT_PROPERTY, ~second.varies[column]),
        (Reason.ONLY_RHYTHM, table.lag[members] < 0),
        (Reason.TOO_FEW_SHIFTS, np.isnan(table.p[members])),
        (None, np.ones(len(members), dtype=bool)),
    ]
    for k, member in enumerate(members):
        table.reason[member] = next(reason for reason, is_so in lacks if is_so[k])


def _empty(count: int, lags: range) -> CorrelationTable:
    def nothing() -> Floats:
        return np.full(count, np.nan)

    return CorrelationTable(
        lags=tuple(lags),
        rho_by_lag=np.full((count, len(lags)), np.nan),
        n_by_lag=np.zeros((count, len(lags)), dtype=np.int64),
        rho=nothing(),
        lag=np.full(count, -1),
        p=nothing(),
        n=np.zeros(count, dtype=np.int64),
        n_effective=nothing(),
        low=nothing(),
        high=nothing(),
        shifts=np.zeros(count, dtype=np.int64),
        reason=np.full(count, Reason.NO_PROPERTY_DATA, dtype=object),
    )


def _shaped(table: CorrelationTable, shape: tuple[int, int]) -> CorrelationTable:
    """The figures of all pairs as a matrix."""
    names = ("rho_by_lag", "n_by_lag", "rho", "lag", "p", "n", "n_effective", "low", "high", "shifts", "reason")
    arrays = {name: getattr(table, name) for name in names}
    return CorrelationTable(table.lags, **{name: a.reshape(shape + a.shape[1:]) for name, a in arrays.items()})
