"""The layer that lays complaints and readings over each other, area by area."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from geo.analysis.bivariate import BivariateMap, BivariateParams, map_both
from geo.analysis.computed import Computed, Progress
from geo.analysis.hotspots import undefined
from geo.analysis.survey import finite
from geo.layers import parameters as p
from geo.layers.analyses import spatial
from geo.layers.analyses.clusters import COLOURS
from geo.layers.analyses.correlation import DEPENDS_ON
from geo.layers.analyses.stored import stored_rows
from geo.layers.layer import Layer, Property, Query, RowSource, Style

PROPERTIES = spatial.every(
    spatial.UNIT,
    [
        Property("reading", "number", _("Reading"), _("The property over the period, in its unit."), decimals=4),
        Property("value_source", "string", _("Where the values come from"), _("inside, nearest, interpolated or none")),
        Property("things", "array", _("Things"), _("Those whose values were taken.")),
        Property("distance_m", "number", _("Distance"), _("To the nearest of the things; 0 inside."), "m", decimals=1),
        Property("i", "number", _("Local bivariate Moran's I"), _("The reading here against complaints next door.")),
        spatial.Z,
        spatial.P,
        spatial.Q,
        Property(
            "class",
            "string",
            _("Class"),
            _("high_high, low_low, high_low or low_high: the reading here, then the complaints next door; or none."),
        ),
        Property("lee_l", "number", _("Local Lee's L"), _("Both, smoothed over the neighbours."), decimals=4),
        Property("lee_p", "number", _("p-value of Lee's L"), decimals=5),
    ],
)
PARAMETERS = [
    p.level("kecamatan"),
    p.PROPERTY,
    p.choice(
        "statistic",
        _("What the days of the period come to: their mean, or the highest one."),
        ["mean", "max"],
        "mean",
    ),
    p.choice(
        "control",
        _("population: both without what the logarithm of the population explains; areas without a figure stay out."),
        ["none", "population"],
        "none",
    ),
    p.number(
        "max_distance_m",
        _("How far away, in metres, the nearest thing may be for an area that has none."),
        minimum=0,
        maximum=100_000,
        default="10000",
    ),
    p.CATEGORY,
    p.CHANNEL,
    p.START,
    p.END,
    *spatial.WHAT,
]


def compute_bivariate(query: Query, progress: Progress) -> Computed:
    values = query.values
    found = map_both(
        BivariateParams(
            question=spatial.question_of(query),
            zone=query.city.timezone,
            observed_property=values["property"],
            statistic=values["statistic"],
            start=values["start"],
            end=values["end"],
            now=query.now,
            max_distance_m=values["max_distance_m"],
            by_population=values["control"] == "population",
        ),
        progress,
    )
    survey = found.survey
    z = np.full(len(found.x), np.nan) if found.local is None else found.local.z
    of_all = [own or found.reason for own in found.missing]
    islands = survey.is_island
    reasons = [reason or ("island" if islands[i] else None) for i, reason in enumerate(of_all)]
    present = np.array([own is None for own in found.missing], dtype=np.bool_)
    figures = [_figures(found, at) for at in range(len(found.x))]
    return Computed(spatial.unit_rows(survey, undefined(z, reasons, present), figures), _members(query, found))


def _figures(found: BivariateMap, at: int) -> Mapping[str, Any]:
    measured, local, lee = found.measured[at], found.local, found.lee
    return {
        "value": finite(found.y[at]),
        "reading": finite(found.x[at]),
        "value_source": measured.source,
        "things": list(measured.things),
        "distance_m": measured.distances_m[0] if measured.distances_m else None,
        "i": None if local is None else finite(local.i[at]),
        "z": None if local is None else finite(local.z[at]),
        "p_value": None if local is None else finite(local.p[at]),
        "q_value": finite(found.q[at]),
        "class": found.classes[at],
        "lee_l": None if lee is None else finite(lee.local[at]),
        "lee_p": None if lee is None else finite(lee.local_p[at]),
    }


def _members(query: Query, found: BivariateMap) -> dict[str, Any]:
    asked = {name: query.values[name] for name in ("property", "statistic", "control")}
    borrowed = sum(one.source in ("nearest", "interpolated") for one in found.measured)
    moran, lee = found.moran, found.lee
    return {
        **spatial.survey_members(query, found.survey, found.reason),
        **asked,
        "n": found.n,
        "borrowed": borrowed,
        "without_value": sum(1 for own in found.missing if own),
        "bivariate_moran": None if moran is None else {"i": finite(moran.i), "p_permuted": moran.p_permuted},
        "lee": None if lee is None else {"l": finite(lee.l), "p_permuted": lee.p_permuted},
        "spearman": found.rho,
    }


def bivariate_rows(query: Query) -> RowSource:
    method = gettext(
        "Local bivariate Moran's I of the reading here and the complaints next door, and Lee's L of both smoothed over the"
        " neighbours; two-sided p-values by conditional permutation, q-values by Benjamini and Hochberg over the map."
        " An association between places, not a cause."
    )
    source = spatial.with_words(stored_rows(query, PROPERTIES), method)
    count = source.members.get("borrowed", 0)
    if not count:
        return source
    note = ngettext(
        "%(count)d area has no thing of its own and takes its reading from elsewhere: it resembles its neighbours for that alone.",
        "%(count)d areas have no thing of their own and take their readings from elsewhere: they resemble their neighbours for"
        " that alone.",
        count,
    )
    notes = [*source.members["notes"], note % {"count": count}]
    return replace(source, members={**source.members, "notes": notes})


BIVARIATE = Layer(
    id="bivariate",
    title=_("Complaints and readings across space"),
    description=_(
        "Do areas with worse readings have more complaints around them? Bivariate local Moran's I and Lee's L by area, with"
        " population as a control where it is known. Without start and end: the last 90 days of the city."
    ),
    geometry_type="MultiPolygon",
    properties=PROPERTIES,
    parameters=PARAMETERS,
    rows=bivariate_rows,
    compute=compute_bivariate,
    is_stored=True,
    resolve=spatial.resolve_period,
    versions=DEPENDS_ON,
    style=Style("fill", "class", tuple(COLOURS.values()), tuple(COLOURS)),
)
