"""The layer of emerging hotspots: where reports come to lie together, stay so, or no longer do, over slices of time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from geo.analysis.computed import Computed, Progress
from geo.analysis.emerging import SLICES, EmergingMap, find_emerging, slice_edges
from geo.analysis.statistics.emerging import MIN_SLICES, EmergingClass
from geo.analysis.survey import finite
from geo.areas.models import City
from geo.layers import parameters as p
from geo.layers.analyses import spatial
from geo.layers.analyses.stored import stored_rows
from geo.layers.layer import Layer, Property, Query, RowSource, Style
from server.core.errors import BadParameter

MOST_SLICES, DEFAULT_SLICES = 60, 12
# Permutations of all slices together. Ten times as many, of 20,000 hexagons, took a worker ten minutes.
MOST_DRAWS = 600_000
COLOURS = {
    EmergingClass.NEW_HOT: "#ff7f00",
    EmergingClass.CONSECUTIVE_HOT: "#e31a1c",
    EmergingClass.INTENSIFYING_HOT: "#800026",
    EmergingClass.PERSISTENT_HOT: "#b2182b",
    EmergingClass.DIMINISHING_HOT: "#d6604d",
    EmergingClass.SPORADIC_HOT: "#f4a582",
    EmergingClass.OSCILLATING_HOT: "#fddbc7",
    EmergingClass.HISTORICAL_HOT: "#c9a6a0",
    EmergingClass.NONE: "#f7f7f7",
    EmergingClass.HISTORICAL_COLD: "#a0b4c9",
    EmergingClass.OSCILLATING_COLD: "#d1e5f0",
    EmergingClass.SPORADIC_COLD: "#92c5de",
    EmergingClass.DIMINISHING_COLD: "#4393c3",
    EmergingClass.PERSISTENT_COLD: "#2166ac",
    EmergingClass.INTENSIFYING_COLD: "#053061",
    EmergingClass.CONSECUTIVE_COLD: "#1f78b4",
    EmergingClass.NEW_COLD: "#33a0c8",
}

PROPERTIES = spatial.every(
    spatial.UNIT,
    [
        Property(
            "class",
            "string",
            _("Class"),
            _(
                "new, consecutive, intensifying, persistent, diminishing, sporadic, oscillating or historical, each _hot or _cold;"
                " none, or null where there is no figure."
            ),
        ),
        Property("trend_z", "number", _("Trend"), _("Mann-Kendall's z of Gi* over the slices."), decimals=4),
        Property("trend_p", "number", _("p-value of the trend"), _("Two-sided, of this one unit."), decimals=5),
        Property("hot_slices", "integer", _("Hot slices"), _("Slices with q of at most 0.05 and Gi* above 0.")),
        Property("cold_slices", "integer", _("Cold slices"), _("Slices with q of at most 0.05 and Gi* below 0.")),
        Property("last_z", "number", _("z of the last slice"), decimals=4),
        Property("values", "array", _("Value of each slice"), _("Numbers as text, the first slice first.")),
    ],
)


def resolve_emerging(city: City, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A place, and the whole slices that are over by now: those in [start, end), else the last ones."""
    start, asked = values.get("start"), values.get("slices")
    if start is not None and asked is not None:
        raise BadParameter("slices", "give slices or start, not both")
    until = values.get("end") or now
    if start is not None and start >= until:
        raise BadParameter("end", "the period ends before it starts")
    end = min(until, now)
    # One more than may be: whether there are too many is told without counting a thousand years of days.
    most = asked or (DEFAULT_SLICES if start is None else MOST_SLICES + 1)
    edges = slice_edges(city.zone, values["slice"], end=end, start=start, most=most)
    slices = max(len(edges) - 1, 0)
    if slices > MOST_SLICES:
        raise BadParameter("start", f"at most {MOST_SLICES} slices of one {values['slice']} can be asked for")
    if slices:
        start, end = edges[0], edges[-1]
    else:
        end = until
    resolved = spatial.resolve_place(city, values)
    if (draws := slices * resolved["permutations"]) > MOST_DRAWS:
        raise BadParameter(
            "permutations",
            f"{slices} slices of {resolved['permutations']} permutations each are {draws}; at most {MOST_DRAWS} can be asked for",
        )
    return {**resolved, "slices": slices, "start": start, "end": end}


def compute_emerging(query: Query, progress: Progress) -> Computed:
    values = query.values
    edges: Sequence[datetime] = [values["start"], values["end"]]
    if values["slices"]:
        edges = slice_edges(query.city.zone, values["slice"], end=edges[1], start=edges[0], most=MOST_SLICES)
    found = find_emerging(spatial.question_of(query), edges, progress)
    # Without a whole slice the period is counted for the reports alone.
    starts = found.starts if values["slices"] else ()
    figures = [_figures(found, at, len(starts)) for at in range(len(found.survey.units.rows))]
    reasons = found.survey.reasons(found.reason)
    classes = [figure["class"] for figure in figures]
    members = {
        **spatial.survey_members(query, found.survey, found.reason),
        "slice": values["slice"],
        "slices": len(starts),
        "slice_starts": [start.astimezone(UTC).isoformat().replace("+00:00", "Z") for start in starts],
        "classes": {str(name): classes.count(str(name)) for name in COLOURS if str(name) in classes},
    }
    return Computed(spatial.unit_rows(found.survey, reasons, figures), members)


def _figures(found: EmergingMap, at: int, slices: int) -> dict[str, Any]:
    """Of one unit. Without a figure in any slice it has no class."""
    over_time = found.survey.values[at, :slices]
    values = None if np.isnan(over_time).any() else [f"{value:.6g}" for value in over_time]
    figures: dict[str, Any] = {"value": finite(over_time[-1]) if slices else None, "values": values}
    if found.found is None or np.isnan(found.z[at]).all():
        return {**figures, "class": None}
    trend = found.found.trend
    return {
        **figures,
        "class": str(found.found.classes[at]),
        "trend_z": finite(trend.z[at]),
        "trend_p": finite(trend.p[at]),
        "hot_slices": int(found.found.hot_slices[at]),
        "cold_slices": int(found.found.cold_slices[at]),
        "last_z": finite(found.z[at, -1]),
    }


def emerging_rows(query: Query) -> RowSource:
    method = gettext(
        "Getis-Ord Gi* in each slice, its neighbours included; a slice is hot or cold where q by Benjamini and Hochberg over the"
        " map is at most 0.05. The trend is Mann-Kendall's over the slices' z."
    )
    return spatial.with_words(stored_rows(query, PROPERTIES), method)


EMERGING = Layer(
    id="emerging",
    title=_("Emerging hotspots of reports"),
    description=_(
        "How each area or hexagon came to be a hotspot or a coldspot over slices of time: new, consecutive, intensifying,"
        " persistent, diminishing, sporadic, oscillating or historical. Without start and end: the last 12 weeks that are over."
    ),
    geometry_type="MultiPolygon",
    properties=PROPERTIES,
    parameters=[
        *spatial.WHERE,
        p.choice("slice", _("Length of a slice, in the city's own time."), list(SLICES), "week"),
        spatial.integer(
            "slices",
            _("How many slices, 12 unless start is given; the last ends at end."),
            minimum=MIN_SLICES,
            maximum=MOST_SLICES,
        ),
        p.START,
        p.END,
        *spatial.WHAT,
    ],
    rows=emerging_rows,
    compute=compute_emerging,
    is_stored=True,
    resolve=resolve_emerging,
    versions={"geo_dataversion": ["reports", "areas"]},
    style=Style("fill", "class", tuple(COLOURS.values()), tuple(map(str, COLOURS))),
)
