"""Emerging hotspots: how an area came to be hot or cold, in one word."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.analysis.statistics.trends import MannKendall, mann_kendall

# Below five slices not even a steady rise has p < 0.05, so nothing could intensify or diminish.
MIN_SLICES = 5


class TooFewSlices(ValueError):
    """Fewer slices than a trend can be told from."""


class EmergingClass(StrEnum):
    """The class of an area over its slices; `emerging_class` has the definitions."""

    NONE = "none"
    NEW_HOT = "new_hot"
    CONSECUTIVE_HOT = "consecutive_hot"
    INTENSIFYING_HOT = "intensifying_hot"
    PERSISTENT_HOT = "persistent_hot"
    DIMINISHING_HOT = "diminishing_hot"
    SPORADIC_HOT = "sporadic_hot"
    OSCILLATING_HOT = "oscillating_hot"
    HISTORICAL_HOT = "historical_hot"
    NEW_COLD = "new_cold"
    CONSECUTIVE_COLD = "consecutive_cold"
    INTENSIFYING_COLD = "intensifying_cold"
    PERSISTENT_COLD = "persistent_cold"
    DIMINISHING_COLD = "diminishing_cold"
    SPORADIC_COLD = "sporadic_cold"
    OSCILLATING_COLD = "oscillating_cold"
    HISTORICAL_COLD = "historical_cold"


@dataclass(frozen=True, slots=True)
class EmergingHotspots:
    """The class of each area, the trend of its z, and in how many slices it was hot and cold. All (n_areas,)."""

    classes: tuple[EmergingClass, ...]
    trend: MannKendall
    hot_slices: NDArray[np.int64]
    cold_slices: NDArray[np.int64]


def emerging_class(z: ArrayLike, significance: ArrayLike, *, alpha: float = 0.05) -> EmergingHotspots:
    """The emerging-hotspot class of each area from Gi* of every slice.

    Each area has exactly one class. In words for hot; cold is the mirror image (a falling z intensifies a cold area).
    "Nearly always" is in at least 90 % of the slices that have a value.

    The last slice is hot, and the area is nearly always hot:
        intensifying  z rises by Mann-Kendall (p < alpha)
        diminishing   z falls (p < alpha)
        persistent    neither
    The last slice is hot, and the area is hot in less than 90 %:
        oscillating   some earlier slice was cold
        new           no earlier slice was hot or cold
        consecutive   one unbroken run of at least two hot slices at the end, none hot or cold before it
        sporadic      hot on and off, never cold
    The last slice is neither hot nor cold:
        historical    nearly always hot
        none          anything else

    Shape:  z (n_areas, T) with NaN where a slice has no value; significance (n_areas, T): 1 hot, -1 cold, 0 neither,
            and 0 where z is NaN. An area whose last slice has no value counts as neither hot nor cold in it.
            An area with fewer than MIN_SLICES values is `none`.
    Errors: TooFewSlices below MIN_SLICES slices; ValueError on shapes or marks that do not fit.
    Source: the categories of emerging hot spot analysis as GIS programs define them. Where those overlap (a cold slice
            before a first hot one; 90 % hot but not in the last) the order above decides.
    """
    scores, marks = np.asarray(z, dtype=float), np.asarray(significance)
    if scores.ndim != 2 or scores.shape != marks.shape:
        raise ValueError("z and significance must have the same two dimensions, areas and slices")
    if not np.all(np.isin(marks, (-1, 0, 1))):
        raise ValueError("significance must be 1 (hot), -1 (cold) or 0 (neither)")
    if np.any(np.isnan(scores) & (marks != 0)):
        raise ValueError("significance must be 0 where z has no value")
    if scores.shape[1] < MIN_SLICES:
        raise TooFewSlices(f"emerging hotspots need at least {MIN_SLICES} slices")
    trend = mann_kendall(scores)
    directions = np.where(trend.p < alpha, np.sign(trend.s), 0.0)
    classes = tuple(
        _class_of(row, int(n), float(direction)) if n >= MIN_SLICES else EmergingClass.NONE
        for row, n, direction in zip(marks, trend.n, directions, strict=True)
    )
    return EmergingHotspots(classes, trend, np.sum(marks == 1, axis=1), np.sum(marks == -1, axis=1))


def _class_of(marks: NDArray[np.int64], n: int, direction: float) -> EmergingClass:
    last = int(marks[-1])
    if last == 0:
        for side in (1, -1):
            if _nearly_always(marks, side, n):
                return _named("historical", side)
        return EmergingClass.NONE
    return _named(_kind(marks, last, n, direction), last)


def _kind(marks: NDArray[np.int64], side: int, n: int, direction: float) -> str:
    """The kind of an area whose last slice is on `side`."""
    if _nearly_always(marks, side, n):
        if direction == 0:
            return "persistent"
        return "intensifying" if direction == side else "diminishing"
    if np.any(marks == -side):
        return "oscillating"
    where = np.flatnonzero(marks == side)
    if len(where) == 1:
        return "new"
    return "consecutive" if where[0] == len(marks) - len(where) else "sporadic"


def _nearly_always(marks: NDArray[np.int64], side: int, n: int) -> bool:
    # In whole numbers: 0.9 * 10 is not exactly 9 in every order of operations.
    return bool(10 * int(np.sum(marks == side)) >= 9 * n)


def _named(kind: str, side: int) -> EmergingClass:
    return EmergingClass(f"{kind}_{'hot' if side > 0 else 'cold'}")
