"""When a series crosses a threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def upward_crossings(values: ArrayLike, threshold: float, quiet: int) -> NDArray[np.int64]:
    """The intervals in which a series comes from below the threshold to it or above.

    After a crossing the next one counts only once `quiet` intervals below the threshold have been seen without one at
    or above it between them, so a level that flickers about the threshold is one event. A series that begins at or
    above it is in an event of unknown start: no crossing, and the same quiet is asked before the next.
    A missing value is neither above nor below. A series found above right after a gap has crossed at an unknown time:
    no crossing either, since the hours before and after it could not be told apart.

    Shape:  values (n,), NaN is missing; returns the indices in order.
    Units:  threshold in the values' unit, quiet in intervals (0 and 1 alike: one interval below is enough).
    Errors: ValueError on another shape, a threshold that is not finite, a negative quiet.
    """
    series = np.asarray(values, dtype=float)
    if series.ndim != 1:
        raise ValueError("values must be one series")
    if not np.isfinite(threshold):
        raise ValueError("threshold must be a finite number")
    if quiet < 0:
        raise ValueError("quiet must not be negative")
    found: list[int] = []
    # A series that begins below may cross at once; its history is not known to be otherwise.
    needed, below = 1, 0
    previous = np.nan
    for index, value in enumerate(series):
        if value >= threshold:
            if below >= needed and previous < threshold:
                found.append(index)
            needed, below = max(quiet, 1), 0
        elif value < threshold:
            below += 1
        previous = value
    return np.array(found, dtype=np.int64)
