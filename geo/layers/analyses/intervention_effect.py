"""The effect of a recorded intervention, as a document."""

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from geo.analysis.computed import Computed, Progress
from geo.analysis.intervention_effect import Compared, Effect, EffectParams, effect_of
from geo.analysis.interventions import Intervention
from geo.areas.models import City
from geo.layers import parameters as p
from geo.layers.computation import Analysis
from geo.layers.layer import Parameter, Query, Text
from geo.reports.categories import with_descendants
from geo.reports.models import Category
from server.core.errors import BadParameter
from server.core.params import parse_integer

# A week at least, so that each weekday is there; two years at most.
LEAST_DAYS, MOST_DAYS = 7, 730
DAYS_PER_YEAR = 365.25


def _intervention(text: str, name: str, city: City) -> int:
    number = parse_integer(text, name, minimum=1, maximum=2**62)
    if not Intervention.objects.filter(pk=number, city=city).exists():
        raise BadParameter(name, f"there is no intervention {number}; /api/analysis/interventions/ lists them")
    return number


def _whole(name: str, description: Text, *, minimum: int, maximum: int, default: str) -> Parameter:
    return Parameter(
        name,
        description,
        lambda text, name, city: parse_integer(text, name, minimum=minimum, maximum=maximum),
        {"type": "integer", "minimum": minimum, "maximum": maximum},
        default,
    )


def resolve_effect(city: City, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """What was done where, and how many of the days after it are over by now: a day that is not over counts nowhere."""
    done = Intervention.objects.select_related("category").get(pk=values["intervention"])
    days_over = (now.astimezone(city.zone).date() - done.date).days - 1
    return {
        **values,
        "after": max(0, min(values["after"], days_over)),
        "asked_after": values["after"],
        "area": done.area_id,
        "category": sorted(with_descendants([done.category.slug])),
        # What was done against a category above is done against this one, too.
        "related": sorted({*with_descendants([done.category.slug]), *_above(done.category)}),
        "date": done.date.isoformat(),
    }


def _above(category: Category) -> list[int]:
    found: list[int] = []
    above = category.parent
    while above is not None:
        found.append(above.pk)
        above = above.parent
    return found


def compute_effect(query: Query, progress: Progress) -> Computed:
    values = query.values
    params = EffectParams(
        intervention=values["intervention"],
        area=values["area"],
        category_ids=tuple(values["category"]),
        related=tuple(values["related"]),
        zone=query.city.timezone,
        date=date.fromisoformat(values["date"]),
        before=values["before"],
        after=values["after"],
        minimum=values["minimum"],
        counted=values["counted"],
    )
    return Computed(members=_document(params, effect_of(params), values["asked_after"]))


def _document(params: EffectParams, effect: Effect, asked_after: int) -> dict[str, Any]:
    figures = effect.figures
    own, *others = effect.areas
    return {
        "date": params.date.isoformat(),
        "before": _window(params.date - timedelta(days=params.before), params.before),
        "after": {**_window(params.date + timedelta(days=1), params.after), "asked_days": asked_after},
        "area": _shown(own, params),
        "comparable": [_shown(each, params) for each in others if each.role == "comparable"],
        "left_out": [{**_shown(each, params), "reason": each.role} for each in others if each.role != "comparable"],
        "rule": (
            f"All other areas of the level with at least {params.minimum} reports in the days before, and without an"
            " intervention of their own against the category in the days that are compared."
        ),
        "together": _together([each for each in others if each.role == "comparable"], params),
        "effect": {
            "ratio": figures.ratio,
            "low": figures.low,
            "high": figures.high,
            "level": 0.95,
            "log_ratio": _log(figures.ratio),
            "dispersion": figures.dispersion,
            "placebo_p": figures.placebo_p,
            "placebo_low": figures.placebo_low,
            "placebo_high": figures.placebo_high,
            "placebo_level": figures.placebo_level,
            "comparable_with_reports": figures.comparable,
            "reason": None if figures.reason is None else str(figures.reason),
        },
        "caveat": (
            "A comparison, not an experiment: whatever else changed in the area at that time is in the figure as well."
        ),
    }


def _window(first: date, days: int) -> dict[str, Any]:
    """Whole days of the city; without any, no first and no last one."""
    last = first + timedelta(days=days - 1)
    return {
        "first_day": first.isoformat() if days else None,
        "last_day": last.isoformat() if days else None,
        "days": days,
    }


def _shown(area: Compared, params: EffectParams) -> dict[str, Any]:
    return {
        "code": area.code,
        "name": area.name,
        "population": area.population,
        "before": _rates(area.before, params.before, area.population),
        "after": _rates(area.after, params.after, area.population),
        "placebo_ratio": area.placebo,
    }


def _together(areas: Sequence[Compared], params: EffectParams) -> dict[str, Any]:
    """The comparable areas as one; its population is known where that of each is."""
    known = [area.population for area in areas if area.population is not None]
    population = sum(known) if areas and len(known) == len(areas) else None
    return {
        "areas": len(areas),
        "population": population,
        "before": _rates(sum(area.before for area in areas), params.before, population),
        "after": _rates(sum(area.after for area in areas), params.after, population),
    }


def _rates(reports: int, days: int, population: int | None) -> dict[str, Any]:
    per_day = reports / days if days else None
    return {
        "reports": reports,
        "days": days,
        "per_day": per_day,
        "per_10000_people_per_year": _per_10000(per_day, population),
    }


def _per_10000(per_day: float | None, population: int | None) -> float | None:
    if per_day is None or not population:
        return None
    return per_day * DAYS_PER_YEAR / population * 10_000


def _log(ratio: float | None) -> float | None:
    return None if ratio is None else math.log(ratio)


INTERVENTION_EFFECT = Analysis(
    id="intervention-effect",
    title=_("Before and after an intervention"),
    description=_(
        "Reports of the category in the area before and after, against comparable areas of the same level: how many times they "
        "changed beyond what they changed there, with an interval, and a p-value from areas in which nothing was done."
    ),
    parameters=[
        Parameter("intervention", _("Number of the intervention."), _intervention, {"type": "integer"}, required=True),
        _whole("before", _("Days before that are compared."), minimum=LEAST_DAYS, maximum=MOST_DAYS, default="90"),
        _whole(
            "after",
            _("Days after that are compared, as far as they are over."),
            minimum=LEAST_DAYS,
            maximum=MOST_DAYS,
            default="90",
        ),
        _whole(
            "minimum",
            _("An area with fewer reports in the days before is not comparable."),
            minimum=1,
            maximum=100_000,
            default="10",
        ),
        p.choice(
            "counted",
            _("incidents, where duplicates are one, or reports."),
            ["incidents", "reports"],
            "incidents",
        ),
    ],
    versions={"geo_dataversion": ["reports", "areas", "interventions"]},
    compute=compute_effect,
    resolve=resolve_effect,
)
