"""Hotspots: Gi* of each area or cell, with p-values, false discoveries controlled."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from geo.analysis.computed import Progress, no_progress
from geo.analysis.statistics.discovery import benjamini_hochberg
from geo.analysis.statistics.errors import TooFewAreas
from geo.analysis.statistics.hotspots import classify, getis_ord_star
from geo.analysis.statistics.moran import GlobalMoran, global_moran
from geo.analysis.statistics.neighbours import Floats, Neighbours
from geo.analysis.survey import Question, Reason, Survey, take_survey


@dataclass(frozen=True, slots=True, eq=False)
class LocalScores:
    """Gi* of every unit. z, p and q are NaN, and `classes` None, where there is no figure.

    An island has its z, of itself alone, but no p: with nobody beside it there is nothing that could lie together.
    `reason` says why nobody has a figure.
    """

    z: Floats
    p: Floats
    q: Floats
    classes: tuple[str | None, ...]
    reason: str | None = None

    def number(self, side: str) -> int:
        """How many units are `hot` or `cold`, at whatever level."""
        return sum(1 for each in self.classes if each and each.startswith(side))


@dataclass(frozen=True, slots=True, eq=False)
class HotspotMap:
    """`n` units took part; `moran` is of the same values, analytic, None where there are too few."""

    survey: Survey
    scores: LocalScores
    n: int
    moran: GlobalMoran | None


def find_hotspots(question: Question, start: datetime, end: datetime, progress: Progress = no_progress) -> HotspotMap:
    """Where high values lie together, and low ones, in [start, end)."""
    survey = take_survey(question, [start, end])
    progress(0.3)
    values = survey.values[:, 0]
    scores = local_scores(values, survey.neighbours, permutations=question.permutations, seed=question.seed)
    progress(0.9)
    return HotspotMap(survey, scores, int(survey.is_present.sum()), moran_of(values, survey.neighbours, 0, 0))


def local_scores(values: Floats, neighbours: Neighbours, *, permutations: int, seed: int) -> LocalScores:
    """Gi* and its class by q: the least false discovery rate at which the unit would be called hot or cold.

    q is over the units that have a p, islands and units without data left out.
    """
    try:
        found = getis_ord_star(values, neighbours, permutations=permutations, seed=seed)
    except TooFewAreas:
        nothing = np.full(len(values), np.nan)
        return LocalScores(nothing, nothing, nothing, (None,) * len(values), str(Reason.TOO_FEW_AREAS))
    p = np.where(found.is_island, np.nan, found.p)
    q = benjamini_hochberg(p)
    classes = tuple(None if np.isnan(z) else str(name) for z, name in zip(found.z, classify(found.z, q), strict=True))
    return LocalScores(found.z, p, q, classes, str(found.reason) if found.reason else None)


def moran_of(values: Floats, neighbours: Neighbours, permutations: int, seed: int) -> GlobalMoran | None:
    """Global Moran's I; None where there are too few units with data."""
    try:
        return global_moran(values, neighbours, permutations=permutations, seed=seed)
    except TooFewAreas:
        return None


def undefined(z: Floats, reasons: list[str | None], present: NDArray[np.bool_]) -> list[str | None]:
    """The reasons, with one for units whose own figure alone is undefined: all the others are their neighbours."""
    return [
        "all_neighbours" if reason is None and present[i] and np.isnan(z[i]) else reason
        for i, reason in enumerate(reasons)
    ]
