"""Reports that may tell of the same thing: open, public, of the same category, near in space and time.

Found by the index `report_open_near` on the public places, so that a search tells nobody more than the map does.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.contrib.gis.geos import Point
from django.db import connection

from geo.areas.models import City
from geo.reports.models import Category, Report
from geo.reports.personal_data.masking import mask
from server.core.sql import load_queries

QUERIES = load_queries(Path(__file__).with_name("duplicates.sql"))

DEFAULT_RADIUS_M = 100
DEFAULT_DAYS = 14
# What a rank is made of.
CLOSENESS, RECENCY, SIMILARITY = 0.5, 0.2, 0.3
# So many of the nearest are ranked for each one that is answered; those beyond are further away than all of them.
RANKED_PER_ANSWER = 10
# How far a snapped place lies from the real one at most, in cells: the diagonal of one, which is 1.11 m for each of the grid's
# metres far from the city (see public_point in queries.sql).
SNAPPED_AWAY = 1.6
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near a report has to be, of a category: metres, and days before or after."""

    radius_m: int
    days: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A report that may be the same. `distance_m` is in whole metres; to a snapped place in whole cells of its grid, rounded up.

    `similarity` and `score` lie between 0 and 1.
    """

    report: Report
    distance_m: int
    age: timedelta
    similarity: float
    score: float


def nearness_of(category: Category) -> Nearness:
    """Each of the two from the category itself, else from the nearest above it that says, else the default."""
    radius_m, days, above = category.duplicate_radius_m, category.duplicate_days, category.parent_id
    for _level in range(_DEEPEST):
        if above is None or (radius_m is not None and days is not None):
            break
        parent = Category.objects.get(pk=above)
        radius_m = parent.duplicate_radius_m if radius_m is None else radius_m
        days = parent.duplicate_days if days is None else days
        above = parent.parent_id
    return Nearness(
        DEFAULT_RADIUS_M if radius_m is None else radius_m,
        DEFAULT_DAYS if days is None else days,
    )


def score_of(distance_m: float, age: timedelta, similarity: float, *, reach_m: float, period: timedelta) -> float:
    """The rank of a candidate: 0.5 closeness + 0.2 recency + 0.3 similarity, each from 0 to 1.

    Closeness and recency fall in a straight line, from 1 at the same place and time to 0 at the end of the reach and period.
    Similarity is pg_trgm's of the two public texts: the share of three-letter pieces that they have in common.
    """
    closeness = max(0.0, 1 - distance_m / reach_m) if reach_m > 0 else 1.0
    recency = max(0.0, 1 - age / period) if period else 1.0
    return CLOSENESS * closeness + RECENCY * recency + SIMILARITY * similarity


def find_duplicates(
    *,
    category: Category,
    location: Point,
    at: datetime,
    text: str = "",
    exclude: Report | None = None,
    city: City | None = None,
    limit: int = 5,
    exact: bool = False,
) -> list[Candidate]:
    """Open public reports of the category near a place and a time, most likely first; of equal ones the earlier id.

    Units:  `location` in EPSG:4326, longitude first. Near is what `nearness_of(category)` says, either way in time.
    Public: distances are to the public places. Where the category's are snapped, the search reaches further by the diagonal of
            a cell, so that the same real place is always found, and so are others in the cells around.
    Staff:  `exact` asks by the real places of reports; for those who may see them, with a `location` that is exact itself.
    """
    near = nearness_of(category)
    grid_m = category.public_grid_m
    searched_m = near.radius_m + SNAPPED_AWAY * grid_m
    reach_m = near.radius_m if exact else searched_m
    period = timedelta(days=near.days)
    with connection.cursor() as cursor:
        cursor.execute(
            QUERIES.near,
            {
                "category_id": category.pk,
                "exclude_id": exclude.pk if exclude is not None else 0,
                "city_id": city.pk if city is not None else None,
                "lon": location.x,
                "lat": location.y,
                "reach_m": searched_m,
                "start": at - period,
                "end": at + period,
                "text": mask(text),
                "exact": exact,
                "most": RANKED_PER_ANSWER * limit,
            },
        )
        rows = [row for row in cursor.fetchall() if row[1] <= reach_m]
    ranked = []
    for pk, distance_m, similarity, reported_at in rows:
        age = abs(at - reported_at)
        score = score_of(distance_m, age, similarity, reach_m=reach_m, period=period)
        ranked.append((-score, pk, distance_m, age, similarity))
    ranked = sorted(ranked)[:limit]
    reports = Report.objects.for_answer().in_bulk([row[1] for row in ranked])
    shown_in_m = 1 if exact else max(1, grid_m)
    return [
        Candidate(reports[pk], _shown(distance_m, shown_in_m), age, round(similarity, 3), round(-negative, 3))
        for negative, pk, distance_m, age, similarity in ranked
    ]


def duplicates_of(report: Report, *, limit: int = 5, exact: bool = False) -> list[Candidate]:
    """Reports that may tell of the same as this one; none where it has no place.

    For the public the search begins at its public place: from distances to its real one, that one could be computed.
    """
    location = report.location if exact else report.public_location
    if location is None:
        return []
    return find_duplicates(
        category=report.category,
        location=location,
        at=report.reported_at,
        text=report.public_description,
        exclude=report,
        # An officer sees exact places in the own city alone, and merges there alone.
        city=report.city if exact else None,
        limit=limit,
        exact=exact,
    )


def _shown(distance_m: float, step_m: int) -> int:
    """In whole metres, or in whole cells of a grid, rounded up."""
    return round(distance_m) if step_m == 1 else max(1, math.ceil(distance_m / step_m)) * step_m
