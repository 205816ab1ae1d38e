"""Control of false discoveries over many tests at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import false_discovery_control


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """The q of each p: the least false discovery rate at which that test would still be called a finding.

    Shape:  p of any shape; returns the same shape. NaN stays NaN and is not counted among the tests.
    Units:  p and q in [0, 1]. To keep the rate at 5 %, call a finding what has q <= 0.05.
    Errors: ValueError where a p lies outside [0, 1].
    Source: Benjamini & Hochberg 1995; holds for independent tests and for positively dependent ones
            (Benjamini & Yekutieli 2001), which neighbouring areas are.
    """
    values = np.asarray(p, dtype=float)
    tested = ~np.isnan(values)
    if np.any((values[tested] < 0) | (values[tested] > 1)):
        raise ValueError("p must lie between 0 and 1")
    q = np.full(values.shape, np.nan)
    if tested.any():
        q[tested] = false_discovery_control(values[tested], method="bh")
    return q
