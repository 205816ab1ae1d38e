"""The matrix as an analysis: every category against every observed property of an area."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from geo.analysis.computed import Computed, Progress
from geo.analysis.matrix import Matrix, MatrixParams, Pair, compute_matrix
from geo.analysis.statistics.correlation import MAX_LAG
from geo.areas.models import Area, City
from geo.layers import parameters as p
from geo.layers.analyses.correlation import CAVEAT, DEPENDS_ON
from geo.layers.analyses.periods import resolve_series
from geo.layers.computation import Analysis
from geo.layers.layer import Parameter, Query
from geo.reports.categories import with_descendants
from geo.reports.models import Category
from sensors import published
from server.core.errors import BadParameter
from server.core.params import parse_integer, parse_list

MAX_PAIRS = 2_000


def _slugs(text: str, name: str, city: City) -> list[str]:
    return list(dict.fromkeys(parse_list(text, name, p.known_category)))


def _codes(text: str, name: str, city: City) -> list[str]:
    return list(dict.fromkeys(parse_list(text, name, p.known_property)))


def _max_lag(text: str, name: str, city: City) -> int:
    return parse_integer(text, name, minimum=0, maximum=MAX_LAG)


def resolve_matrix(city: City, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    resolved = resolve_series(city, values, now)
    slugs = values.get("category") or list(
        Category.objects.filter(parent=None, is_active=True).order_by("slug").values_list("slug", flat=True)
    )
    codes = values.get("property") or published.observed_property_codes()
    if len(slugs) * len(codes) > MAX_PAIRS:
        raise BadParameter(
            "category",
            f"{len(slugs)} categories and {len(codes)} properties are more than {MAX_PAIRS} pairs; name fewer",
        )
    # In the few intervals of days Pearson's r calls too much significant (bench.calibration).
    by_interval = "pearson" if values["interval"] == "hour" else "spearman"
    method = by_interval if values["method"] == "auto" else values["method"]
    return {
        **resolved,
        "method": method,
        "category": slugs,
        "property": codes,
        "area": _current_area(city, values.get("area")),
    }


def _current_area(city: City, asked: int | None) -> int:
    """The id of the area that is asked for, by default that of the whole city."""
    current = Area.objects.current().filter(city=city)
    found = (
        (current.filter(parent=None) if asked is None else current.filter(pk=asked))
        .values_list("id", flat=True)
        .first()
    )
    if found is None:
        raise BadParameter(
            "area", "this area is retired" if asked else f"{city.slug} has no areas yet; import them first"
        )
    return found


def compute(query: Query, progress: Progress) -> Computed:
    values, city = query.values, query.city
    area_asked = Area.objects.select_related("level").get(pk=values["area"])
    categories = {category.slug: category for category in Category.objects.filter(slug__in=values["category"])}
    found = compute_matrix(
        MatrixParams(
            city_id=city.pk,
            zone=city.timezone,
            area_id=area_asked.pk,
            categories={categories[slug].pk: with_descendants([slug]) for slug in values["category"]},
            properties=values["property"],
            start=values["start"],
            end=values["end"],
            interval=values["interval"],
            now=query.now,
            method=values["method"],
            max_lag=values["max_lag"],
            max_distance_m=values["max_distance_m"],
        ),
        progress,
    )
    slugs = {category.pk: category.slug for category in categories.values()}
    return Computed(
        members={
            "area": {"code": area_asked.code, "name": area_asked.name, "level": area_asked.level.code},
            "start": values["start"].isoformat(),
            "end": values["end"].isoformat(),
            "time_zone": city.timezone,
            "interval": values["interval"],
            "intervals": found.intervals,
            "lags": list(range(values["max_lag"] + 1)),
            "method": values["method"],
            "alpha": values["alpha"],
            "tests": found.tests,
            "discoveries": sum(pair.q is not None and pair.q <= values["alpha"] for pair in found.pairs),
            "caveat": CAVEAT,
            "categories": _categories(values["category"], categories, found),
            "properties": _properties(values["property"], found),
            "pairs": [_pair(pair, slugs) for pair in found.pairs],
        }
    )


def _categories(slugs: Sequence[str], categories: Mapping[str, Category], found: Matrix) -> list[dict[str, Any]]:
    return [
        {
            "slug": slug,
            "name_id": categories[slug].name_id,
            "name_en": categories[slug].name_en,
            "reports": found.reports[categories[slug].pk],
        }
        for slug in slugs
    ]


def _properties(codes: Sequence[str], found: Matrix) -> list[dict[str, Any]]:
    names = {known.code: known for known in published.observed_properties()}
    return [
        {
            "code": code,
            "name_id": names[code].name_id,
            "name_en": names[code].name_en,
            "value_source": found.measured[code].source,
            "things": list(found.measured[code].things),
            "distances_m": [round(distance, 1) for distance in found.measured[code].distances_m],
            "error": found.measured[code].error,
        }
        for code in codes
    ]


def _pair(pair: Pair, slugs: Mapping[int, str]) -> dict[str, Any]:
    return {
        "category": slugs[pair.category],
        "property": pair.property,
        "coefficient": _rounded(pair.coefficient),
        "lag": pair.lag,
        "low": _rounded(pair.low),
        "high": _rounded(pair.high),
        "p_value": _rounded(pair.p, 6),
        "q_value": _rounded(pair.q, 6),
        "intervals": pair.n,
        "effective_intervals": _rounded(pair.n_effective, 1),
        "other_coefficient": _rounded(pair.other_coefficient),
        "other_lag": pair.other_lag,
        "reason": pair.reason,
        "by_lag": [_rounded(coefficient) for coefficient in pair.by_lag],
    }


def _rounded(figure: float | None, digits: int = 4) -> float | None:
    return None if figure is None else round(figure, digits)


MATRIX = Analysis(
    id="matrix",
    title=_("What goes with which complaints"),
    description=_(
        "Every category against every observed property, lag by lag: the strongest coefficient, with an interval, a p-value that "
        "pays for the choice of the lag, and the false discovery rate over the whole table. An association, not a cause."
    ),
    parameters=[
        Parameter("area", _("Code of the area; without one the whole city."), p.parse_area),
        Parameter(
            "category",
            _(
                "Categories by slug, comma separated, a row each; a category includes all below it. Default: all at the top."
            ),
            _slugs,
        ),
        Parameter("property", _("Observed properties by code, comma separated, a column each. Default: all."), _codes),
        p.choice("interval", _("Length of an interval, in the city's own time."), ["hour", "day", "week"], "hour"),
        p.START,
        p.END,
        p.choice(
            "method",
            _(
                "auto, or pearson, of the square roots of the counts, which speaks of the size of peaks, or spearman of their"
                " order; both without the shared rhythm. auto: pearson by the hour, else spearman."
            ),
            ["auto", "pearson", "spearman"],
            "auto",
        ),
        Parameter(
            "max_lag",
            _("The longest lag that is tried, in intervals."),
            _max_lag,
            {"type": "integer", "minimum": 0, "maximum": MAX_LAG},
            str(MAX_LAG),
        ),
        p.number(
            "alpha", _("False discovery rate of what counts as found."), minimum=0.001, maximum=0.5, default="0.05"
        ),
        p.number(
            "max_distance_m",
            _("How far away, in metres, the nearest thing may be for an area that has none."),
            minimum=0,
            maximum=100_000,
            default="10000",
        ),
    ],
    versions=DEPENDS_ON,
    compute=compute,
    resolve=resolve_matrix,
)
