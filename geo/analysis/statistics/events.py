"""Superposed epochs: how reports run in the hours around events, against the same hours of other days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

# Two events give no idea of how much events differ.
MIN_EVENTS = 3
# With fewer days to compare with, the band's edges are single days.
MIN_FREE_DAYS = 20
# Sums of the same counts in another order differ in the last digits.
TIE_TOLERANCE = 1e-9


class EventsReason(StrEnum):
    """Why there is no comparison."""

    TOO_FEW_EVENTS = "too_few_events"
    TOO_FEW_FREE_DAYS = "too_few_free_days"
    NO_REPORTS = "no_reports"


@dataclass(frozen=True, slots=True)
class SuperposedEpochs:
    """The mean of the hours around the events, and what other days would give.

    `hours` runs from -before to after; hour 0 is the event's own. `mean` (len(hours),) is None without a usable event.
    `expected`, `low`, `high` (pointwise 2.5 % and 97.5 %) and `band_low`, `band_high` (which the whole course leaves
    in 5 % of draws) describe as many ordinary days. `p` is two-sided, for the total of the hours 0 to `after`;
    `ratio` is that total over the expected one, with a 95 % interval. `free_days` is the fewest that any event has.
    """

    hours: Whole
    events: int
    free_days: int
    reason: EventsReason | None
    mean: Floats | None = None
    expected: Floats | None = None
    low: Floats | None = None
    high: Floats | None = None
    band_low: Floats | None = None
    band_high: Floats | None = None
    p: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    permutations: int = 0


def superposed_epochs(
    counts: ArrayLike,
    events: Sequence[int] | Whole,
    *,
    before: int,
    after: int,
    day: int = 24,
    nearest: int = 30,
    permutations: int = 999,
    seed: int = 0,
) -> SuperposedEpochs:
    """Compare the hours around events with the same hours of other days.

    An event is used when its whole window, `before` to `after`, lies in the period. Its free days are those on which
    the window at the same hour of the day lies in the period too and touches no event's window, used or not; of these
    the `nearest` in time, so that a wet season is compared with itself. A draw replaces every event by a free day.

    p:      two-sided, for the mean total of the hours 0 to `after`: (1 + draws at least as far from the expected total
            as the observed one) / (1 + draws).
    ratio:  of sums over events. The interval is Student's t on the log scale: from how the events differ (never less
            than Poisson's variation) and from how well the free days give what is expected.
    Shape:  counts (n,) complete; events are indices into it, others than 0 to n - 1 only block days.
    Units:  counts per interval; before, after and day in intervals (day 168 keeps the day of the week too).
    Errors: ValueError on missing or negative counts and on parameters out of range.
    Source: superposed epoch analysis, Chree 1913; Singh & Badruddin 2006 for its significance;
            (1 + ...) / (1 + ...), Phipson & Smyth 2010.
    """
    series, places = _checked(counts, events, before=before, after=after, day=day, nearest=nearest, draws=permutations)
    hours = np.arange(-before, after + 1)
    used = places[(places >= before) & (places + after < len(series))]
    if len(used) == 0:
        return SuperposedEpochs(hours, 0, 0, EventsReason.TOO_FEW_EVENTS)
    # Row i is the window of an event at i + before.
    windows = sliding_window_view(series, len(hours))
    free = _free_places(len(series), places, used, before, after, day, nearest)
    fewest = min(len(candidates) for candidates in free)
    mean = windows[used - before].mean(axis=0)
    reason = _why_not(len(used), fewest, windows, used - before, free, before)
    if reason is not None:
        return SuperposedEpochs(hours, len(used), fewest, reason, mean)

    starts = [candidates - before for candidates in free]
    expected = np.mean([windows[own].mean(axis=0) for own in starts], axis=0)
    draws = expected + _deviations(windows, starts, permutations, seed, day)
    low, high = np.maximum(np.quantile(draws, [0.025, 0.975], axis=0), 0.0)
    band_low, band_high = _simultaneous(draws, expected)
    p = _p_of_total(mean[before:].sum(), draws[:, before:].sum(axis=1), expected[before:].sum())
    totals = windows[:, before:].sum(axis=1)
    ratio, ratio_low, ratio_high = _ratio(totals[used - before], [totals[own] for own in starts])
    return SuperposedEpochs(
        hours, len(used), fewest, None, mean, expected, low, high, band_low, band_high,
        p, ratio, ratio_low, ratio_high, permutations,
    )  # fmt: skip


def _checked(
    counts: ArrayLike,
    events: Sequence[int] | Whole,
    *,
    before: int,
    after: int,
    day: int,
    nearest: int,
    draws: int,
) -> tuple[Floats, Whole]:
    series = np.asarray(counts, dtype=float)
    if series.ndim != 1 or not np.all(np.isfinite(series)) or np.any(series < 0):
        raise ValueError("counts must be one series without missing or negative values")
    if before < 0 or after < 0:
        raise ValueError("before and after must not be negative")
    if day < 1:
        raise ValueError("day must be at least one interval")
    if nearest < MIN_FREE_DAYS:
        raise ValueError(f"nearest must be at least {MIN_FREE_DAYS}")
    if draws < 1:
        raise ValueError("permutations must be at least 1")
    return series, np.unique(np.asarray(events, dtype=np.int64))


def _free_places(n: int, places: Whole, used: Whole, before: int, after: int, day: int, nearest: int) -> list[Whole]:
    """For each used event the same hour of other days, as far as no event's window is touched; nearest first taken."""
    span = before + after
    blocked = np.zeros(n + 1, dtype=np.int64)
    # Two windows touch where their events are at most `span` apart.
    np.add.at(blocked, np.clip(places - span, 0, n), 1)
    np.add.at(blocked, np.clip(places + span + 1, 0, n), -1)
    fits = np.arange(n)
    open_to = (np.cumsum(blocked[:n]) == 0) & (fits >= before) & (fits + after < n)
    free = []
    for place in used:
        same_hour = np.arange(place % day, n, day)
        candidates = same_hour[open_to[same_hour]]
        order = np.argsort(np.abs(candidates - place), kind="stable")
        free.append(np.sort(candidates[order[:nearest]]))
    return free


def _why_not(
    events: int, fewest: int, windows: Floats, used: Whole, free: Sequence[Whole], before: int
) -> EventsReason | None:
    if events < MIN_EVENTS:
        return EventsReason.TOO_FEW_EVENTS
    if fewest < MIN_FREE_DAYS:
        return EventsReason.TOO_FEW_FREE_DAYS
    if not windows[used].any() and not any(windows[candidates - before].any() for candidates in free):
        return EventsReason.NO_REPORTS
    return None


def _deviations(windows: Floats, starts: Sequence[Whole], permutations: int, seed: int, day: int) -> Floats:
    """How far the mean course of each draw lies from the expected one, (permutations, hours).

    The events are compared with means over few free days, which they may share, so what is observed varies by more than
    k drawn days do; and N days show (N - 1) / N of their variance. The draws are widened by both. Without it, p < 0.05
    on 7 to 9 % of unrelated series of 40 to 90 days.
    """
    rng = np.random.default_rng(seed)
    deviations = np.zeros((permutations, windows.shape[1]))
    # What part each day has in the sum of the means; with k events that share N days, k / N each.
    parts = np.zeros(len(windows) // day + 1)
    for own in starts:
        deviations += windows[rng.choice(own, size=permutations)] - windows[own].mean(axis=0)
        np.add.at(parts, own // day, 1 / len(own))
    k, fewest = len(starts), min(len(own) for own in starts)
    return deviations / k * np.sqrt((1 + np.sum(parts**2) / k) * fewest / (fewest - 1))


def _simultaneous(composites: Floats, expected: Floats) -> tuple[Floats, Floats]:
    """A band around what is expected that 95 % of the draws never leave, as wide everywhere in standard deviations."""
    spread = composites.std(axis=0)
    varies = spread > 0
    farthest = np.zeros(len(composites))
    if varies.any():
        farthest = np.max(np.abs(composites - expected)[:, varies] / spread[varies], axis=1)
    wide = np.quantile(farthest, 0.95, method="higher") * spread
    return np.maximum(expected - wide, 0.0), expected + wide


def _p_of_total(observed: float, drawn: Floats, expected: float) -> float:
    as_far = int(np.sum(np.abs(drawn - expected) >= abs(observed - expected) - TIE_TOLERANCE))
    return (1 + as_far) / (1 + len(drawn))


def _ratio(observed: Floats, others: Sequence[Floats]) -> tuple[float | None, float | None, float | None]:
    """Sum observed over sum expected, with its interval; the interval is None where nothing was observed."""
    each = np.array([totals.mean() for totals in others])
    expected = float(each.sum())
    if expected == 0:
        return None, None, None
    ratio = float(observed.sum()) / expected
    if ratio == 0:
        return 0.0, None, None
    k = len(observed)
    among_events = k / (k - 1) * float(np.sum((observed - ratio * each) ** 2))
    chance = float(observed.sum())
    # Events may share their free days, so the errors of what is expected add up rather than cancel.
    of_expected = float(np.sum([totals.std(ddof=1) / np.sqrt(len(totals)) for totals in others])) ** 2
    relative = np.sqrt(max(among_events, chance) / (ratio * expected) ** 2 + of_expected / expected**2)
    stretch = float(np.exp(student.ppf(0.975, k - 1) * relative))
    return ratio, ratio / stretch, ratio * stretch
