"""How often a series has a value at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Readings of a day have a value in one hour of twenty-four; a gauge that fails now and then has most of its hours.
LEAST_SHARE = 0.5


def is_sparse(series: ArrayLike) -> NDArray[np.bool_]:
    """Which series lack more than half of their intervals between the first and the last value.

    What is measured once a day has one pair a day whatever the interval: read by the hour it would be compared with the
    reports of one hour of the day, and a lag of hours would choose which.
    Shape: series (S, n), NaN is missing; returns (S,). A series without any value is not sparse: it is missing.
    """
    present: NDArray[np.bool_] = np.logical_not(np.isnan(np.asarray(series, dtype=float)))
    if present.shape[1] == 0:
        return np.zeros(len(present), dtype=np.bool_)
    first, last = present.argmax(axis=1), present.shape[1] - 1 - present[:, ::-1].argmax(axis=1)
    share = present.sum(axis=1) / (last - first + 1)
    return np.asarray(present.any(axis=1) & (share < LEAST_SHARE))
