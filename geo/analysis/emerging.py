"""Emerging hotspots: Gi* slice by slice, and how each area or cell came to be hot or cold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np

from geo.analysis.computed import Progress, no_progress
from geo.analysis.hotspots import LocalScores, local_scores
from geo.analysis.statistics.emerging import MIN_SLICES, EmergingHotspots, emerging_class
from geo.analysis.statistics.neighbours import Floats
from geo.analysis.survey import Question, Reason, Survey, take_survey

Slice = Literal["day", "week", "month"]
SLICES = ("day", "week", "month")
# A slice is hot or cold where its q is at most this.
ALPHA = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class EmergingMap:
    """`z` (units, slices), NaN where a slice has no figure. `found` is None where `reason` says why nobody has a class.

    `starts` are those of the slices; none where no whole slice lies in the period.
    """

    survey: Survey
    starts: tuple[datetime, ...]
    z: Floats
    found: EmergingHotspots | None
    n: int
    reason: str | None = None


def find_emerging(question: Question, edges: Sequence[datetime], progress: Progress = no_progress) -> EmergingMap:
    """The class of each unit over the slices [edges[t], edges[t + 1]).

    Each slice is a hotspot map of its own: Gi* of its values, q over its units. All slices draw the same permutations.
    """
    survey = take_survey(question, edges)
    slices, starts = len(edges) - 1, tuple(edges[:-1])
    n = int(survey.is_present.sum())
    if slices < MIN_SLICES:
        return EmergingMap(survey, starts, np.full(survey.values.shape, np.nan), None, n, str(Reason.TOO_FEW_SLICES))
    scores: list[LocalScores] = []
    for t in range(slices):
        progress(0.1 + 0.9 * t / slices)
        values = survey.values[:, t]
        scores.append(local_scores(values, survey.neighbours, permutations=question.permutations, seed=question.seed))
    z = np.stack([each.z for each in scores], axis=1)
    if all(each.reason for each in scores):
        return EmergingMap(survey, starts, z, None, n, scores[-1].reason)
    is_marked = np.stack([each.q <= ALPHA for each in scores], axis=1)
    found = emerging_class(z, np.where(is_marked, np.sign(z), 0).astype(np.int64), alpha=ALPHA)
    return EmergingMap(survey, starts, z, found, n)


def slice_edges(
    zone: ZoneInfo, unit: Slice, *, end: datetime, start: datetime | None = None, most: int
) -> tuple[datetime, ...]:
    """The starts of whole slices of the city's own time, and the end of the last: the latest `most` of those in [start, end).

    Days begin at the city's midnight, weeks on Monday, months on the first. Fewer than two edges: no slice is whole.
    """
    first = _first_day(end.astimezone(zone).date(), unit)
    edges: list[datetime] = []
    while len(edges) <= most:
        edge = datetime.combine(first, time.min, zone).astimezone(UTC)
        if start is not None and edge < start:
            break
        edges.append(edge)
        first = _first_day(first - timedelta(days=1), unit)
    return tuple(reversed(edges))


def _first_day(day: date, unit: Slice) -> date:
    """Of the slice in which a day lies."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day
