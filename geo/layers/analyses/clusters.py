"""The layer of clusters and outliers: local Moran's I by area or by hexagon, with the city's global one."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from geo.analysis.clusters import find_clusters
from geo.analysis.computed import Computed, Progress
from geo.analysis.hotspots import undefined
from geo.analysis.statistics.moran import MoranClass
from geo.analysis.survey import finite
from geo.layers import parameters as p
from geo.layers.analyses import spatial
from geo.layers.analyses.stored import stored_rows
from geo.layers.layer import Layer, Property, Query, RowSource, Style

COLOURS = {
    MoranClass.HIGH_HIGH.value: "#b2182b",
    MoranClass.HIGH_LOW.value: "#f4a582",
    MoranClass.LOW_HIGH.value: "#92c5de",
    MoranClass.LOW_LOW.value: "#2166ac",
    MoranClass.NONE.value: "#f7f7f7",
}

PROPERTIES = spatial.every(
    spatial.UNIT,
    [
        Property(
            "i", "number", _("Local Moran's I"), _("Above 0 like its neighbours, below 0 unlike them."), decimals=4
        ),
        spatial.Z,
        spatial.P,
        spatial.Q,
        Property(
            "class",
            "string",
            _("Class"),
            _(
                "Its own value, then its neighbours', against the mean: high_high, low_low, high_low, low_high; none where q_value is"
                " above 0.05, null where there is no figure."
            ),
        ),
    ],
    spatial.SHARES,
)


def compute_clusters(query: Query, progress: Progress) -> Computed:
    found = find_clusters(spatial.question_of(query), query.values["start"], query.values["end"], progress)
    survey = found.survey
    reasons = undefined(found.i, survey.reasons(found.reason), survey.is_present)
    figures = [
        {
            "value": finite(survey.values[at, 0]),
            "i": finite(found.i[at]),
            "z": finite(found.z[at]),
            "p_value": finite(found.p[at]),
            "q_value": finite(found.q[at]),
            "class": found.classes[at],
            **spatial.shares(survey, at),
        }
        for at in range(len(survey.units.rows))
    ]
    counted = (MoranClass.HIGH_HIGH, MoranClass.LOW_LOW, MoranClass.HIGH_LOW, MoranClass.LOW_HIGH)
    members = {
        **spatial.survey_members(query, survey, found.reason),
        **{name.value: found.number(name) for name in counted},
        **spatial.moran_members(found.moran),
        "moran_permutations": found.moran.permutations if found.moran else None,
    }
    return Computed(spatial.unit_rows(survey, reasons, figures), members)


def cluster_rows(query: Query) -> RowSource:
    method = gettext(
        "Local and global Moran's I with weights standardised by row. Two-sided p-values by permutation (for the whole city at"
        " most 999; its z is under randomisation). q-values by Benjamini and Hochberg over the map; classes where q is at most 0.05."
    )
    return spatial.with_words(stored_rows(query, PROPERTIES), method)


CLUSTERS = Layer(
    id="clusters",
    title=_("Clusters and outliers of reports"),
    description=_(
        "Areas or hexagons that are like their neighbours (high among high, low among low) and those that stand out against"
        " them: local Moran's I, with the global one of the city. Without start and end: the last 90 days of the city."
    ),
    geometry_type="MultiPolygon",
    properties=PROPERTIES,
    parameters=[*spatial.WHERE, p.START, p.END, *spatial.WHAT],
    rows=cluster_rows,
    compute=compute_clusters,
    is_stored=True,
    resolve=spatial.resolve_period,
    versions={"geo_dataversion": ["reports", "areas"]},
    style=Style("fill", "class", tuple(COLOURS.values()), tuple(COLOURS)),
)
