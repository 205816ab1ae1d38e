"""Before and after of an area in which something was done, against comparable areas."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]

# Fewer areas and the least placebo p is above 1 / 6.
MIN_COMPARABLE = 5
# The spread of counts about their level cannot be seen in one interval.
MIN_INTERVALS = 2
# Added to each of the four totals, so that none is 0 (Haldane 1956, Anscombe 1956); with many reports it does nothing.
HALF = 0.5
TIE_TOLERANCE = 1e-9


class InterventionReason(StrEnum):
    """Why a figure is null."""

    TOO_FEW_INTERVALS = "too_few_intervals"
    NO_REPORTS = "no_reports"
    NO_COMPARABLE_AREAS = "no_comparable_areas"
    TOO_FEW_COMPARABLE_AREAS = "too_few_comparable_areas"


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """How many times the reports changed beyond what they changed in the comparable areas.

    `ratio` (after / before) of the area over (after / before) of the comparable ones together; 1 is no difference.
    `low`, `high` its 95 % interval from the counts and their overdispersion. `placebo_low`, `placebo_high` its interval
    from what comparable areas show when nothing was done, at `placebo_level`; `placebo_p` the rank of the area among
    them. `placebos` the ratio of each comparable area against the others, NaN for one without reports.
    `comparable` counts those with reports. `reason` says why the ratio is None, or, with a ratio, the placebo figures.
    """

    comparable: int
    reason: InterventionReason | None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    dispersion: float | None = None
    placebo_p: float | None = None
    placebo_low: float | None = None
    placebo_high: float | None = None
    placebo_level: float | None = None
    placebos: tuple[float, ...] = ()


def before_after(
    treated_before: ArrayLike, treated_after: ArrayLike, comparable_before: ArrayLike, comparable_after: ArrayLike
) -> BeforeAfter:
    """Difference in differences of log counts, with its interval and a placebo test.

        log ratio = log (a₁ + ½) − log (a₀ + ½) − log (C₁ + ½) + log (C₀ + ½)

    a₀, a₁ are the area's reports before and after, C₀, C₁ those of the comparable areas together. The periods may differ
    in length: it cancels.

    Analytic: variance φ (1/a₀ + 1/a₁ + 1/C₀ + 1/C₁), each with its ½. φ is the overdispersion of the counts about
              area level · common course, within each period; never less than 1. It does not see slow changes of single
              areas: the placebos do.
    Placebo:  each comparable area in turn as if it were the treated one, against the others. They are compared by
              log ratio / standard error, so that small areas do not set the measure for large ones.
              p = (1 + as far from 0 as the area) / (1 + comparable areas).
    Shape:    treated_before (T₀,), treated_after (T₁,), comparable_before (m, T₀), comparable_after (m, T₁).
    Units:    reports per interval (day or week).
    Errors:   ValueError on shapes that do not fit and on missing or negative counts.
    Source:   Poisson difference in differences; quasi-Poisson, McCullagh & Nelder 1989; placebo in space, Abadie,
              Diamond & Hainmueller 2010.
    """
    first = _table(treated_before, comparable_before)
    second = _table(treated_after, comparable_after)
    if len(first) != len(second):
        raise ValueError("comparable_before and comparable_after must have the same areas")
    reported = first.sum(axis=1) + second.sum(axis=1) > 0
    m = int(reported[1:].sum())
    if min(first.shape[1], second.shape[1]) < MIN_INTERVALS:
        return BeforeAfter(m, InterventionReason.TOO_FEW_INTERVALS)
    if not reported[0]:
        return BeforeAfter(m, InterventionReason.NO_REPORTS)
    if m == 0:
        return BeforeAfter(m, InterventionReason.NO_COMPARABLE_AREAS)

    first, second = first[reported], second[reported]
    totals = np.column_stack([first.sum(axis=1), second.sum(axis=1)])
    phi = _dispersion(first, second)
    effect, error = _difference(totals[0], totals[1:].sum(axis=0), phi)
    reach = float(norm.ppf(0.975)) * error
    ratio, low, high = (float(np.exp(effect + shift)) for shift in (0.0, -reach, reach))
    if m < MIN_COMPARABLE:
        return BeforeAfter(m, InterventionReason.TOO_FEW_COMPARABLE_AREAS, ratio, low, high, phi)

    others = totals[1:].sum(axis=0)
    tried = np.array([_difference(own, others - own, phi) for own in totals[1:]])
    distances = np.abs(tried[:, 0] / tried[:, 1])
    as_far = int(np.sum(distances >= abs(effect / error) - TIE_TOLERANCE))
    # The k-th smallest of m distances is exceeded by one more with probability 1 - k / (m + 1).
    k = min(int(np.ceil(0.95 * (m + 1) - TIE_TOLERANCE)), m)
    reach = float(np.sort(distances)[k - 1]) * error
    placebos = np.full(len(reported) - 1, np.nan)
    placebos[reported[1:]] = np.exp(tried[:, 0])
    return BeforeAfter(
        m, None, ratio, low, high, phi, (1 + as_far) / (1 + m),
        float(np.exp(effect - reach)), float(np.exp(effect + reach)), k / (m + 1), tuple(placebos.tolist()),
    )  # fmt: skip


def _table(treated: ArrayLike, comparable: ArrayLike) -> Floats:
    """The treated area as row 0, the comparable ones below it."""
    own, others = np.asarray(treated, dtype=float), np.asarray(comparable, dtype=float)
    if own.ndim != 1 or others.ndim != 2 or others.shape[1] != len(own):
        raise ValueError("treated must be one series, and comparable one of the same length for each area")
    table = np.vstack([own, others])
    if not np.all(np.isfinite(table)) or np.any(table < 0):
        raise ValueError("treated and comparable must not hold missing or negative counts")
    return table


def _difference(own: Floats, others: Floats, phi: float) -> tuple[float, float]:
    """The log ratio and its standard error; `own` and `others` are totals before and after."""
    four = np.concatenate([own, others]) + HALF
    effect = float(np.log(four[1] / four[0]) - np.log(four[3] / four[2]))
    return effect, float(np.sqrt(phi * np.sum(1 / four)))


def _dispersion(first: Floats, second: Floats) -> float:
    """Pearson's chi-square over its degrees of freedom, about area level times common course in each period."""
    chi_square, freedom = 0.0, 0
    for period in (first, second):
        rows, courses = period.sum(axis=1), period.sum(axis=0)
        cells = np.outer(rows, courses) / max(period.sum(), 1.0)
        some = cells > 0
        chi_square += float(np.sum((period[some] - cells[some]) ** 2 / cells[some]))
        freedom += max(int(np.sum(rows > 0)) - 1, 0) * max(int(np.sum(courses > 0)) - 1, 0)
    return max(chi_square / freedom, 1.0) if freedom else 1.0
