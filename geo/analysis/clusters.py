"""Clusters and outliers: local Moran's I of each area or cell, and the global one of the city."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from geo.analysis.computed import Progress, no_progress
from geo.analysis.hotspots import moran_of
from geo.analysis.statistics.discovery import benjamini_hochberg
from geo.analysis.statistics.errors import TooFewAreas
from geo.analysis.statistics.moran import GlobalMoran, MoranClass, classify, local_moran
from geo.analysis.statistics.neighbours import Floats
from geo.analysis.survey import Question, Reason, Survey, take_survey

# Of the city's one figure; its z under randomisation is exact in any case, and shuffling 5,000 cells is dear.
GLOBAL_PERMUTATIONS = 999


@dataclass(frozen=True, slots=True, eq=False)
class ClusterMap:
    """Shape: i, z, p, q, classes (units,); NaN and None where there is no figure. `reason` says why nobody has one."""

    survey: Survey
    i: Floats
    z: Floats
    p: Floats
    q: Floats
    classes: tuple[str | None, ...]
    n: int
    moran: GlobalMoran | None
    reason: str | None = None

    def number(self, name: MoranClass) -> int:
        return sum(1 for each in self.classes if each == name.value)


def find_clusters(question: Question, start: datetime, end: datetime, progress: Progress = no_progress) -> ClusterMap:
    """Where a unit and its neighbours are alike or opposite, in [start, end)."""
    survey = take_survey(question, [start, end])
    progress(0.3)
    values, neighbours = survey.values[:, 0], survey.neighbours
    n = int(survey.is_present.sum())
    permutations = min(question.permutations, GLOBAL_PERMUTATIONS)
    moran = moran_of(values, neighbours, permutations, question.seed)
    progress(0.5)
    try:
        found = local_moran(values, neighbours, permutations=question.permutations, seed=question.seed)
    except TooFewAreas:
        nothing = np.full(len(values), np.nan)
        classes: tuple[str | None, ...] = (None,) * len(values)
        return ClusterMap(survey, nothing, nothing, nothing, nothing, classes, n, moran, str(Reason.TOO_FEW_AREAS))
    q = benjamini_hochberg(found.p)
    kept = classify(found, q)
    # An island is said as the reason: it is neither a cluster nor an outlier.
    named = np.where(kept == MoranClass.ISLAND.value, MoranClass.NONE.value, kept)
    has_class = ~np.isnan(found.i) | (survey.is_island & (found.reason is None))
    classes = tuple(str(name) if has else None for name, has in zip(named, has_class, strict=True))
    reason = str(found.reason) if found.reason else None
    return ClusterMap(survey, found.i, found.z, found.p, q, classes, n, moran, reason)
