"""Reports before and after an intervention in its area, against comparable areas of the same level."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection

from geo.analysis.statistics.interventions import BeforeAfter, before_after
from server.core.sql import load_queries

QUERIES = load_queries(Path(__file__).with_name("intervention_effect.sql"))
Role = Literal["area", "comparable", "too_few_reports", "own_intervention"]


@dataclass(frozen=True, slots=True)
class EffectParams:
    """The days `date - before` to `date - 1` are compared with `date + 1` to `date + after`: the day itself is of neither.

    `related` are the categories whose interventions spoil an area for the comparison. `minimum`: an area with fewer reports in
    the days before is not comparable.
    """

    intervention: int
    area: int
    category_ids: tuple[int, ...]
    related: tuple[int, ...]
    zone: str
    date: date
    before: int
    after: int
    minimum: int
    counted: Literal["incidents", "reports"]


@dataclass(frozen=True, slots=True)
class Compared:
    """An area of the level, what it is in the comparison, and its reports. `placebo` is its own ratio against the others."""

    code: str
    name: str
    population: int | None
    role: Role
    before: int
    after: int
    placebo: float | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """`areas` are in the order of their codes, the area in question first."""

    areas: Sequence[Compared]
    figures: BeforeAfter


def effect_of(params: EffectParams) -> Effect:
    """The comparison. Two queries, however many areas."""
    areas = _areas(params)
    first, second = _counts(params, [row[0] for row in areas])
    roles = [_role(params, row, int(total)) for row, total in zip(areas, first.sum(axis=1), strict=True)]
    own = roles.index("area")
    others = [i for i, role in enumerate(roles) if role == "comparable"]
    figures = before_after(first[own], second[own], first[others], second[others])
    placebos = dict(zip(others, figures.placebos, strict=True)) if figures.placebos else {}
    compared = [
        Compared(
            code=row[1],
            name=row[2],
            population=row[3],
            role=role,
            before=int(first[i].sum()),
            after=int(second[i].sum()),
            placebo=None if np.isnan(placebos.get(i, np.nan)) else placebos[i],
        )
        for i, (row, role) in enumerate(zip(areas, roles, strict=True))
    ]
    return Effect([compared[own], *(each for i, each in enumerate(compared) if i != own)], figures)


_Area = tuple[int, str, str, int | None, bool]


def _areas(params: EffectParams) -> list[_Area]:
    with connection.cursor() as cursor:
        cursor.execute(
            QUERIES.areas_of_level,
            {
                "intervention": params.intervention,
                "area": params.area,
                "related": list(params.related),
                "first": params.date - timedelta(days=params.before),
                "last": params.date + timedelta(days=params.after),
            },
        )
        return cursor.fetchall()


def _role(params: EffectParams, row: _Area, before: int) -> Role:
    if row[0] == params.area:
        return "area"
    if row[4]:
        return "own_intervention"
    return "comparable" if before >= params.minimum else "too_few_reports"


def _counts(params: EffectParams, ids: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Reports by area and day, before (areas, before) and after (areas, after)."""
    first_day, last_day = params.date - timedelta(days=params.before), params.date + timedelta(days=params.after)
    zone = ZoneInfo(params.zone)
    table = np.zeros((len(ids), params.before + 1 + params.after))
    place = {area: i for i, area in enumerate(ids)}
    with connection.cursor() as cursor:
        cursor.execute(
            QUERIES.reports_by_day,
            {
                "area": params.area,
                "zone": params.zone,
                "category_ids": list(params.category_ids),
                "start": _midnight(first_day, zone),
                "end": _midnight(last_day + timedelta(days=1), zone),
                "incidents": params.counted == "incidents",
            },
        )
        for area, day, n in cursor:
            if area in place:
                table[place[area], (day - first_day).days] = n
    return table[:, : params.before], table[:, params.before + 1 :]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, datetime.min.time(), zone)
