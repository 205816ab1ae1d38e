"""Rates that small populations do not throw about."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def empirical_bayes(counts: ArrayLike, populations: ArrayLike) -> NDArray[np.float64]:
    """The rate of each area, drawn towards the rate of all of them, the more so the fewer people it has.

    Shape:  counts (n,), populations (n,); returns (n,).
    Units:  reports per person. NaN where the population is unknown or 0, or the count unknown; such an area has no
            part in the common rate either.
    Errors: ValueError on lengths that differ and on negative numbers.
    Source: Marshall 1991, the global estimator (esda's `Empirical_Bayes`, GeoDa). Where the areas vary no more than
            chance alone makes them, the estimated variance is negative; it is taken as 0, and every area gets the
            common rate. esda does not do this and extrapolates beyond the common rate there.
    """
    counted, people = np.asarray(counts, dtype=float), np.asarray(populations, dtype=float)
    if counted.ndim != 1 or counted.shape != people.shape:
        raise ValueError("counts and populations must be two lists of the same length")
    known = (people != 0) & np.isfinite(people) & np.isfinite(counted)
    if np.any(counted[known] < 0) or np.any(people[known] < 0):
        raise ValueError("counts and populations must not be negative")
    smoothed = np.full(people.shape, np.nan)
    if known.any():
        smoothed[known] = _shrunk(counted[known], people[known])
    return smoothed


def _shrunk(counted: NDArray[np.float64], people: NDArray[np.float64]) -> NDArray[np.float64]:
    common = counted.sum() / people.sum()
    if common == 0:
        return np.zeros(len(counted))
    rates = counted / people
    between = np.sum(people * (rates - common) ** 2) / people.sum() - common / people.mean()
    between = max(float(between), 0.0)
    trust = between / (between + common / people)
    return trust * rates + (1 - trust) * common
