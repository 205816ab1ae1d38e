"""What every series of a city shares: the hours at which people are awake, the working week, the slow drift of a season.

Taken out of a series, so that what is left of two series can be compared. `docs/statistics.md` has the formulas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

DAYS_PER_WEEK = 7
HOURS_PER_WEEK = 168
# An hour of the week is met once a week: its own mean over fewer weeks would take more noise than rhythm.
MIN_WEEKS_FOR_HOURS_OF_WEEK = 8
# A slot that hardly varies (counts at four in the morning) would make one report there worth hundreds by day.
SPREAD_FLOOR = 0.5
# Hour of the day and day of the week by turns; with whole weeks one round is exact, gaps take a few more.
ROUNDS = 4
# Twice the longest lag and one: what is slower than that is no answer to a reading of 14 intervals ago.
TREND_INTERVALS = 29
TREND_HOURS = 15 * 24 + 1
# A rhythm that explains all but a billionth of the squares leaves rounding errors, not a series.
NOTHING_LEFT = 1e-9


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The slot of the week in which each interval lies, and how slow a drift is taken away.

    `slots` holds hours of the week (0 to 167) where `per_day` is 24, days of the week where it is 1, anything where it
    is 0 (weeks have no rhythm of the week). `trend` is the odd width of the running mean, in intervals; 0 keeps drifts.
    `cycle` is the length of the rhythm, to which a circle is filled up.
    """

    slots: Integers
    per_day: int
    trend: int

    @property
    def cycle(self) -> int:
        return self.per_day * DAYS_PER_WEEK or 1

    def part(self, where: slice) -> Rhythm:
        return Rhythm(self.slots[where], self.per_day, self.trend)


def hours_of_week(slots: Integers, *, trend: int = TREND_HOURS) -> Rhythm:
    """The rhythm of hours: each one's local hour of the week, 0 to 167, so that a day of 23 or 25 hours keeps in step."""
    return _checked(slots, 24, trend)


def days_of_week(slots: Integers, *, trend: int = TREND_INTERVALS) -> Rhythm:
    """The rhythm of days: each one's day of the week, 0 to 6."""
    return _checked(slots, 1, trend)


def no_rhythm(n: int, *, trend: int = TREND_INTERVALS) -> Rhythm:
    """For weeks, and for series without any rhythm of day and week."""
    return _checked(np.zeros(n, dtype=np.int64), 0, trend)


def _checked(slots: Integers, per_day: int, trend: int) -> Rhythm:
    slots = np.asarray(slots)
    if slots.ndim != 1 or not np.issubdtype(slots.dtype, np.integer):
        raise ValueError("slots must be a one-dimensional array of integers")
    most = max(per_day * DAYS_PER_WEEK, 1)
    if len(slots) and (slots.min() < 0 or slots.max() >= most):
        raise ValueError(f"slots must lie between 0 and {most - 1}")
    if trend < 0 or (trend and trend % 2 == 0):
        raise ValueError("trend must be an odd number of intervals, or 0")
    return Rhythm(slots.astype(np.int64), per_day, trend)


def remove_rhythm(series: Floats, rhythm: Rhythm) -> Floats:
    """Each series without its drift and its rhythm, over its own present values; what lacks is NaN still.

    Shape:  series (S, n), NaN is missing; rhythm.slots (n,); returns (S, n).
    Units:  those of the series divided by the spread of their slot (about 1), or the series' own without slots.
    What:   1. less the running mean of rhythm.trend intervals; 2. less the mean of the slot: the hour of the week from 8
            weeks on, else hour of the day and day of the week additively; days: the day of the week; 3. divided by the
            spread of the hour of the day (days: of the day of the week), at least half the median one. Counts vary
            more when more people are awake; two series that do so together correlate more widely by chance than
            when one is shifted, and the shifts would promise too much.
    """
    present = ~np.isnan(series)
    weights = present.astype(float)
    left = _centred(np.where(present, series, 0.0), weights)
    before = (left * left).sum(axis=1)
    if rhythm.trend and series.shape[1] > rhythm.trend:
        left = (left - _running_mean(left, weights, rhythm.trend)) * weights
    if rhythm.per_day:
        groups = _groups(rhythm, series.shape[1])
        for _ in range(ROUNDS if len(groups) > 1 else 1):
            for group in groups:
                left = (left - _means(left, weights, group)) * weights
    left[(left * left).sum(axis=1) <= NOTHING_LEFT * before] = 0.0
    if rhythm.per_day:
        left = left / _spreads(left, weights, rhythm)
    return np.where(present, _centred(left, weights), np.nan)


def _groups(rhythm: Rhythm, n: int) -> list[Integers]:
    if rhythm.per_day == 1 or n >= MIN_WEEKS_FOR_HOURS_OF_WEEK * HOURS_PER_WEEK:
        return [rhythm.slots]
    return [rhythm.slots % 24, rhythm.slots // 24]


def _centred(left: Floats, weights: Floats) -> Floats:
    means = left.sum(axis=1) / np.maximum(weights.sum(axis=1), 1.0)
    return (left - means[:, None]) * weights


def _means(left: Floats, weights: Floats, group: Integers) -> Floats:
    members = np.eye(int(group.max()) + 1)[group]
    return np.asarray((left @ members / np.maximum(weights @ members, 1.0))[:, group])


def _spreads(left: Floats, weights: Floats, rhythm: Rhythm) -> Floats:
    group = rhythm.slots % 24 if rhythm.per_day == 24 else rhythm.slots
    spreads = np.sqrt(_means(left * left, weights, group))
    floor = SPREAD_FLOOR * np.median(spreads, axis=1, keepdims=True)
    # A median of 0 (reports in a few hours of the day only) leaves the spread of the whole as the measure.
    overall = np.sqrt((left * left).sum(axis=1) / np.maximum(weights.sum(axis=1), 1.0))[:, None]
    return np.asarray(np.maximum(spreads, np.where(floor > 0, floor, np.where(overall > 0, overall, 1.0))))


def _running_mean(left: Floats, weights: Floats, width: int) -> Floats:
    """The mean of the present values within width // 2 on either side, fewer at the ends."""
    half, n = width // 2, left.shape[1]
    first, last = np.maximum(np.arange(n) - half, 0), np.minimum(np.arange(n) + half + 1, n)

    def total(array: Floats) -> Floats:
        sums = np.concatenate([np.zeros((len(array), 1)), np.cumsum(array, axis=1)], axis=1)
        return np.asarray(sums[:, last] - sums[:, first])

    return np.asarray(total(left) / np.maximum(total(weights), 1.0))
