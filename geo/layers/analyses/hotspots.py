"""The layer of hotspots: Getis-Ord Gi* of reports by area or by hexagon."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from geo.analysis.computed import Computed, Progress
from geo.analysis.hotspots import find_hotspots, undefined
from geo.analysis.survey import finite
from geo.layers import parameters as p
from geo.layers.analyses import spatial
from geo.layers.analyses.stored import stored_rows
from geo.layers.layer import Layer, Property, Query, RowSource, Style

COLOURS = {
    "hot_99": "#b2182b",
    "hot_95": "#ef8a62",
    "hot_90": "#fddbc7",
    "none": "#f7f7f7",
    "cold_90": "#d1e5f0",
    "cold_95": "#67a9cf",
    "cold_99": "#2166ac",
}

PROPERTIES = spatial.every(
    spatial.UNIT,
    [spatial.Z, spatial.P, spatial.Q],
    [
        Property(
            "class",
            "string",
            _("Class"),
            _("hot or cold at 99, 95 or 90 percent by the q-value, or none; null where there is no figure."),
        )
    ],
    spatial.SHARES,
)


def compute_hotspots(query: Query, progress: Progress) -> Computed:
    found = find_hotspots(spatial.question_of(query), query.values["start"], query.values["end"], progress)
    survey, scores = found.survey, found.scores
    reasons = undefined(scores.z, survey.reasons(scores.reason), survey.is_present)
    figures = [
        {
            "value": finite(survey.values[at, 0]),
            "z": finite(scores.z[at]),
            "p_value": finite(scores.p[at]),
            "q_value": finite(scores.q[at]),
            "class": scores.classes[at],
            **spatial.shares(survey, at),
        }
        for at in range(len(survey.units.rows))
    ]
    members = {
        **spatial.survey_members(query, survey, scores.reason),
        "hot": scores.number("hot"),
        "cold": scores.number("cold"),
        **spatial.moran_members(found.moran),
    }
    return Computed(spatial.unit_rows(survey, reasons, figures), members)


def hotspot_rows(query: Query) -> RowSource:
    method = gettext(
        "Getis-Ord Gi* with binary weights, each area included among its own neighbours. Two-sided p-values by conditional"
        " permutation, or from the normal distribution with permutations=0. q-values by Benjamini and Hochberg over the map."
    )
    return spatial.with_words(stored_rows(query, PROPERTIES), method)


HOTSPOTS = Layer(
    id="hotspots",
    title=_("Hotspots of reports"),
    description=_(
        "Where many reports lie together, and where few do, by area or by hexagon: Getis-Ord Gi*, with false discoveries"
        " controlled. Without start and end: the last 90 days of the city."
    ),
    geometry_type="MultiPolygon",
    properties=PROPERTIES,
    parameters=[*spatial.WHERE, p.START, p.END, *spatial.WHAT],
    rows=hotspot_rows,
    compute=compute_hotspots,
    is_stored=True,
    resolve=spatial.resolve_period,
    versions={"geo_dataversion": ["reports", "areas"]},
    style=Style("fill", "class", tuple(COLOURS.values()), tuple(COLOURS)),
)
