"""The dossier of an area: a document of its reports, answers, hotspots and readings, each against what it is compared with."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from geo.analysis.computed import Computed, Progress
from geo.analysis.dossier import compile_dossier
from geo.analysis.dossier_figures import DossierParams
from geo.areas.models import Area, City
from geo.layers import parameters as p
from geo.layers.computation import Analysis
from geo.layers.layer import Parameter, Query
from geo.reports.categories import with_descendants
from server.core.errors import BadParameter
from server.core.params import parse_list

DEFAULT_DAYS = 90
# Two years, of which one may be a leap year.
MAX_DAYS = 731


def _area(text: str, name: str, city: City) -> str:
    if "\0" in text or not Area.objects.current().filter(code=text, city=city).exists():
        raise BadParameter(name, f"there is no current area {text!r} in {city.slug}; /api/areas/ lists them")
    return text


def _categories(text: str, name: str, city: City) -> list[str]:
    return list(parse_list(text, name, p.known_category))


def resolve_dossier(city: City, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Without start and end: the last 90 days of the city. Cut to hours, so that one question is one result."""
    resolved = p.DefaultPeriod(DEFAULT_DAYS)(city, values, now)
    resolved |= {name: resolved[name].replace(minute=0, second=0, microsecond=0) for name in ("start", "end")}
    if resolved["start"] >= resolved["end"]:
        raise BadParameter("end", "the period is shorter than an hour")
    if resolved["end"] - resolved["start"] > timedelta(days=MAX_DAYS):
        raise BadParameter("start", f"a dossier covers at most two years ({MAX_DAYS} days)")
    return {**resolved, "ispu_top": settings.ISPU_TOP}


def compute_dossier(query: Query, progress: Progress) -> Computed:
    values = query.values
    slugs = values.get("category")
    document = compile_dossier(
        DossierParams(
            city_id=query.city.pk,
            zone=query.city.timezone,
            code=values["area"],
            start=values["start"],
            end=values["end"],
            now=query.now,
            category_ids=tuple(with_descendants(slugs)) if slugs else None,
            ispu_top=values["ispu_top"],
        ),
        progress,
    )
    return Computed(members=document)


DOSSIER = Analysis(
    id="district-dossier",
    title=_("Dossier of an area"),
    description=_(
        "An area on a few pages: its reports against the city and against the period before, how they were answered, "
        "hotspots inside, and readings against their limits. Without start and end: the last 90 days of the city."
    ),
    parameters=[
        Parameter("area", _("Code of a current area at any level."), _area, required=True),
        Parameter("category", p.CATEGORY.description, _categories, p.CATEGORY.schema),
        p.START,
        p.END,
    ],
    versions={"geo_dataversion": ["reports", "areas"], "sensors_dataversion": ["rollups", "registry"]},
    compute=compute_dossier,
    resolve=resolve_dossier,
    # Readings come all the time; a dossier of ten minutes ago says the same.
    fresh_for=timedelta(minutes=10),
)
