"""Generated cities whose truth is known: what is related to what, how strongly and how much later. Pure numpy, seeded.

Every series shares the hours at which people are awake and the working week, in its mean and in its spread; beyond
those, a series is a first-order autoregressive course of its own, and what is planted. Reports are Poisson counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

HOURS_PER_WEEK = 168
MAX_LAG = 14
WARM_UP = 600


@dataclass(frozen=True, slots=True)
class City:
    """Reports (R, n) and values (V, history + n); `slots` are those of the week. `planted` holds (row, column, lag)."""

    reports: Floats
    values: Floats
    slots: Integers
    history: int
    planted: tuple[tuple[int, int, int], ...] = ()


def autoregressive(rng: np.random.Generator, n: int, memory: float) -> Floats:
    """A first-order autoregressive course of variance 1."""
    shocks = rng.standard_normal(n + WARM_UP) * np.sqrt(1 - memory**2)
    return np.asarray(lfilter([1.0], [1.0, -memory], shocks)[WARM_UP:])


def awake_by_hour(slots: Integers, rhythm: float = 1.0) -> Floats:
    """How awake people are in each hour of the week: most at four in the afternoon, less on the last two days."""
    return np.asarray(rhythm * (np.cos(2 * np.pi * (slots % 24 - 16) / 24) - 0.3 * (slots // 24 >= 5)), dtype=float)


def awake_by_day(slots: Integers, rhythm: float = 1.0) -> Floats:
    return np.asarray(-0.5 * rhythm * (slots >= 5), dtype=float)


def city_of_hours(
    seed: int | Sequence[int],
    days: int,
    *,
    series: int = 1,
    properties: int | None = None,
    memory: float = 0.9,
    rate: float = 0.5,
    rhythm: float = 1.0,
    drift: float = 0.0,
    planted: Sequence[tuple[int, int, int]] = (),
    strength: float = 0.0,
) -> City:
    """A city of `days` days of hours, `series` of reports against `properties` (by default as many) series of values.

    `rate` is the number of reports an hour on average, about; `drift` how far means move from start to end, in spreads.
    Each planted (row, column, lag) makes the reports' course follow the property's with this correlation of courses.
    """
    slots = np.arange(days * 24 + MAX_LAG) % HOURS_PER_WEEK
    awake = awake_by_hour(slots, rhythm)
    spread = 1 + 0.5 * np.tanh(awake)
    return _city(seed, slots, awake, spread, series, properties, memory, rate, drift, 0.0, planted, strength)


def city_of_days(
    seed: int | Sequence[int],
    days: int,
    *,
    series: int = 1,
    properties: int | None = None,
    memory: float = 0.6,
    rate: float = 3.0,
    rhythm: float = 1.0,
    drift: float = 0.0,
    season: float = 0.0,
    planted: Sequence[tuple[int, int, int]] = (),
    strength: float = 0.0,
) -> City:
    """A city of days; each series has a season of the year of its own phase, of amplitude `season` in spreads."""
    slots = np.arange(days + MAX_LAG) % 7
    awake = awake_by_day(slots, rhythm)
    return _city(
        seed, slots, awake, np.ones(len(slots)), series, properties, memory, rate, drift, season, planted, strength
    )


def _city(
    seed: int | Sequence[int],
    slots: Integers,
    awake: Floats,
    spread: Floats,
    series: int,
    properties: int | None,
    memory: float,
    rate: float,
    drift: float,
    season: float,
    planted: Sequence[tuple[int, int, int]],
    strength: float,
) -> City:
    rng = np.random.default_rng(seed)
    n, columns = len(slots), series if properties is None else properties

    def courses(count: int) -> Floats:
        return np.stack([autoregressive(rng, n, memory) for _ in range(count)])

    def slow(count: int) -> Floats:
        phases, signs = rng.uniform(0, 2 * np.pi, (count, 1)), rng.choice([-1.0, 1.0], (count, 1))
        return season * np.cos(2 * np.pi * np.arange(n) / 365 + phases) + drift * signs * np.linspace(-1, 1, n)

    readings, moods = courses(columns), courses(series)
    for row, column, lag in planted:
        # The first lags wrap round the end: they lie in the history, of which the reports are no part.
        moods[row] = strength * np.roll(readings[column], lag) + np.sqrt(1 - strength**2) * moods[row]
    values = awake + readings * spread + slow(columns)
    reports = rng.poisson(rate * np.exp(awake + 0.5 * moods + 0.5 * slow(series)))
    return City(reports[:, MAX_LAG:].astype(float), values, slots, MAX_LAG, tuple(planted))


def ar_pair(seed: int, n: int, first: float, second: float) -> tuple[Floats, Floats]:
    """Two unrelated autoregressive series whose effective sample size is known: n (1 - ab) / (1 + ab), Bartlett 1935."""
    rng = np.random.default_rng(seed)
    return autoregressive(rng, n, first), autoregressive(rng, n, second)
