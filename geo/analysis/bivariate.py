"""Do areas with worse readings have more complaints? Two maps of one city, laid over each other."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np

from geo.analysis.computed import Progress, no_progress
from geo.analysis.series import Measured, Region, measured_values
from geo.analysis.statistics.correlation import spearman
from geo.analysis.statistics.discovery import benjamini_hochberg
from geo.analysis.statistics.errors import TooFewAreas
from geo.analysis.statistics.lee import LeeL, lee_l, residuals_on
from geo.analysis.statistics.moran import (
    BivariateMoran,
    LocalMoran,
    MoranClass,
    bivariate_moran,
    classify,
    local_bivariate_moran,
)
from geo.analysis.statistics.neighbours import Floats
from geo.analysis.survey import Question, Reason, Survey, take_survey
from geo.analysis.timeline import make_timeline

Statistic = Literal["mean", "max"]
# Of the city's figures; the local ones take what is asked for.
GLOBAL_PERMUTATIONS = 999


@dataclass(frozen=True, slots=True)
class BivariateParams:
    """`question` says what is counted and where; `statistic` what a property's days come to over the period.

    `by_population`: both maps without what the logarithm of the population explains.
    """

    question: Question
    zone: str
    observed_property: str
    statistic: Statistic
    start: datetime
    end: datetime
    now: datetime
    max_distance_m: float
    by_population: bool


@dataclass(frozen=True, slots=True, eq=False)
class BivariateMap:
    """Arrays (units,), NaN where there is no figure. `x` are the readings, `y` the complaints, as they are; `x_used` and
    `y_used` what the statistics took. `reason` says why nobody has a figure, `missing` what a unit lacks."""

    survey: Survey
    measured: tuple[Measured, ...]
    x: Floats
    y: Floats
    x_used: Floats
    y_used: Floats
    missing: tuple[str | None, ...]
    local: LocalMoran | None
    q: Floats
    classes: tuple[str | None, ...]
    lee: LeeL | None
    moran: BivariateMoran | None
    rho: float | None
    n: int
    reason: str | None


def map_both(params: BivariateParams, progress: Progress = no_progress) -> BivariateMap:
    """Complaints and readings of the areas in [start, end), and how they go together."""
    question = params.question
    survey = take_survey(question, [params.start, params.end])
    progress(0.3)
    measured = _readings(params, survey)
    progress(0.6)
    x = np.array([_over_period(one.values, params.statistic) for one in measured])
    y = survey.values[:, 0]
    population = np.array([np.nan if not unit.population else unit.population for unit in survey.units.rows])
    missing = tuple(str(own) if own else _lack(x[i], population[i], params) for i, own in enumerate(survey.missing))
    has_both = np.array([reason is None for reason in missing])
    used = [np.where(has_both, values, np.nan) for values in (x, y)]
    if params.by_population:
        control = np.log(np.where(has_both, population, np.nan))
        used = [residuals_on(control, values) for values in used]
    nothing = np.full(len(y), np.nan)
    n = int(has_both.sum())
    try:
        local = local_bivariate_moran(
            used[0], used[1], survey.neighbours, permutations=question.permutations, seed=question.seed
        )
    except TooFewAreas:
        none: tuple[str | None, ...] = (None,) * len(y)
        return BivariateMap(
            survey, measured, x, y, used[0], used[1], missing, None, nothing, none, None, None, None, n,
            str(Reason.TOO_FEW_AREAS),
        )  # fmt: skip
    permutations = min(question.permutations, GLOBAL_PERMUTATIONS)
    lee = lee_l(used[0], used[1], survey.neighbours, permutations=question.permutations, seed=question.seed)
    moran = bivariate_moran(used[0], used[1], survey.neighbours, permutations=permutations, seed=question.seed)
    q = benjamini_hochberg(local.p)
    named = classify(local, q)
    classes = tuple(
        None if np.isnan(i) else str(MoranClass.NONE if name == MoranClass.ISLAND.value else name)
        for i, name in zip(local.i, named, strict=True)
    )
    reason = str(local.reason) if local.reason else None
    rho = spearman(used[0][has_both], used[1][has_both])
    return BivariateMap(
        survey, measured, x, y, used[0], used[1], missing, local, q, classes, lee, moran, rho, n, reason
    )  # fmt: skip


def _readings(params: BivariateParams, survey: Survey) -> tuple[Measured, ...]:
    timeline = make_timeline(
        zone=params.zone, start=params.start, end=params.end, interval="day", history=0, now=params.now
    )
    areas = tuple((unit.key, unit.code) for unit in survey.units.rows)
    region = Region(params.question.city_id, params.zone, areas, None)
    code = params.observed_property
    found = measured_values(region, timeline, [code], params.max_distance_m)[code]
    return tuple(found[area_id] for area_id, _code in areas)


def _over_period(values: Floats, statistic: Statistic) -> float:
    if np.isnan(values).all():
        return float("nan")
    return float(np.nanmean(values) if statistic == "mean" else np.nanmax(values))


def _lack(reading: float, population: float, params: BivariateParams) -> str | None:
    if np.isnan(reading):
        return "no_property_data"
    return str(Reason.NO_POPULATION) if params.by_population and np.isnan(population) else None
