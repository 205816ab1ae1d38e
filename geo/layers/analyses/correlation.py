"""The layer that correlates complaints with readings, by area."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from geo.analysis.computed import Computed, Progress, Row
from geo.analysis.correlation import AreaCorrelation, CorrelationParams, correlate
from geo.analysis.statistics.correlation import MAX_LAG
from geo.layers import parameters as p
from geo.layers.analyses.periods import resolve_series
from geo.layers.analyses.stored import AREA, stored_rows
from geo.layers.area_layers import SCHEMATIC
from geo.layers.layer import Layer, Property, Query, RowSource, Style
from geo.reports.models import Category

DEPENDS_ON = {"geo_dataversion": ["reports", "areas"], "sensors_dataversion": ["rollups", "registry"]}
CAVEAT = gettext_noop("An association, not a cause: two things go together, one of them first.")
METHOD = gettext_noop(
    "Spearman's rho of reports at t and the property at t - lag, drift and shared rhythm of day and week removed from both;"
    " p from circular shifts of the maximum over the lags that were tried, q by Benjamini-Hochberg over the areas."
)


def correlation_rows(query: Query) -> RowSource:
    source = stored_rows(query, PROPERTIES)
    asked: dict[str, Any] = {"interval": query.values["interval"], "property": query.values["property"]}
    if analysis := source.members.get("analysis"):
        # A stored result has no language.
        asked["analysis"] = {**analysis, "method": gettext(METHOD), "caveat": gettext(CAVEAT)}
    return replace(source, members={**source.members, **asked})


def compute_correlation(query: Query, progress: Progress) -> Computed:
    values = query.values
    found = correlate(
        CorrelationParams(
            city_id=query.city.pk,
            zone=query.city.timezone,
            level=values["level"],
            category_ids=values.get("category") or list(Category.objects.values_list("id", flat=True)),
            observed_property=values["property"],
            start=values["start"],
            end=values["end"],
            interval=values["interval"],
            lag=None if values["lag"] == "auto" else values["lag"],
            max_distance_m=values["max_distance_m"],
            now=query.now,
        )
    )
    return Computed(
        [Row(row.area_id, figures_of(row)) for row in found.areas],
        {
            "analysis": {
                "method": METHOD,
                "caveat": CAVEAT,
                "intervals": found.intervals,
                "tests": found.tests,
                "city": figures_of(found.city) if found.city else None,
            }
        },
    )


def figures_of(row: AreaCorrelation) -> Mapping[str, Any]:
    found, measured = row.found, row.measured
    return {
        "reports": row.reports,
        "mean": row.mean,
        "intervals": found.n,
        "effective_intervals": found.n_effective,
        "rho": found.rho,
        "low": found.low,
        "high": found.high,
        "lag": found.lag,
        "p_value": found.p,
        "q_value": row.q,
        "rho_by_lag": ["" if rho is None else f"{rho:.4f}" for _lag, rho in found.by_lag],
        "rho_with_rhythm": found.rho_raw,
        "pearson": found.pearson,
        "pearson_lag": found.pearson_lag,
        "pearson_p": found.pearson_p,
        "reason": None if row.reason is None else str(row.reason),
        "value_source": measured.source,
        "things": list(measured.things),
        "distance_m": measured.distances_m[0] if measured.distances_m else None,
        "distances_m": [f"{distance:.1f}" for distance in measured.distances_m],
        "error": measured.error,
    }


PROPERTIES = [
    *AREA,
    Property("reports", "integer", _("Reports"), _("Public reports of the category in the area and period.")),
    Property(
        "mean",
        "number",
        _("Mean of the property"),
        _("Over the intervals; for a level that differs between gauges the mean difference from each gauge's median."),
    ),
    Property("intervals", "integer", _("Intervals with both"), _("How many intervals the rho stands on.")),
    Property(
        "effective_intervals",
        "number",
        _("Effective intervals"),
        _("How many independent intervals would scatter as much: each interval resembles the one before."),
        decimals=1,
    ),
    Property(
        "rho",
        "number",
        _("Spearman's rho"),
        _("-1 to 1, shared rhythm and drift removed; null with a reason where there is too little."),
        decimals=4,
    ),
    Property("low", "number", _("rho, lower bound"), _("95 %, the choice of the lag included."), decimals=4),
    Property("high", "number", _("rho, upper bound"), _("95 %, the choice of the lag included."), decimals=4),
    Property("lag", "integer", _("Lag"), _("Intervals by which the reports come after the property.")),
    Property(
        "p_value",
        "number",
        _("p-value"),
        _("Circular-shift permutation of the maximum over the lags that were tried."),
        decimals=6,
    ),
    Property(
        "q_value",
        "number",
        _("q-value"),
        _("The false discovery rate at which this area still counts as found, over all areas (Benjamini-Hochberg)."),
        decimals=6,
    ),
    Property(
        "rho_by_lag",
        "array",
        _("rho at each lag"),
        _("Numbers as text, from the shortest lag that was tried; empty where there is none."),
    ),
    Property(
        "rho_with_rhythm", "number", _("rho with rhythm"), _("At the same lag, nothing removed before."), decimals=4
    ),
    Property(
        "pearson",
        "number",
        _("Pearson's r"),
        _("At its own strongest lag: it speaks of the size of peaks, rho of their order."),
        decimals=4,
    ),
    Property("pearson_lag", "integer", _("Lag of Pearson's r")),
    Property("pearson_p", "number", _("p-value of Pearson's r"), decimals=6),
    Property("reason", "string", _("Why there is no figure")),
    Property("value_source", "string", _("Where the values come from"), _("inside, nearest, interpolated or none")),
    Property("things", "array", _("Things"), _("Those whose values were taken.")),
    Property(
        "distance_m",
        "number",
        _("Distance"),
        _("To the nearest of the things: from the area's border, where interpolated from its middle; 0 inside."),
        unit="m",
        decimals=1,
    ),
    Property(
        "distances_m", "array", _("Distances"), _("Numbers as text, those of the things in the same order."), unit="m"
    ),
    Property(
        "error",
        "number",
        _("Error of interpolation"),
        _("Root mean square at the things themselves, each left out in turn; in the property's unit."),
        decimals=4,
    ),
    SCHEMATIC,
]

CORRELATION = Layer(
    id="correlation",
    title=_("Complaints against readings"),
    description=_(
        "For each area: do reports of a category follow an observed property, and how many intervals later? "
        "Spearman's rho at the lag, with a p-value that pays for the choice of the lag. A correlation is not a cause."
    ),
    geometry_type="MultiPolygon",
    properties=PROPERTIES,
    parameters=[
        p.level("kecamatan"),
        p.CATEGORY,
        p.PROPERTY,
        p.choice("interval", _("Length of an interval, in the city's own time."), ["hour", "day", "week"], "day"),
        p.lag(MAX_LAG),
        p.START,
        p.END,
        p.number(
            "max_distance_m",
            _("How far away, in metres, the nearest thing may be for an area that has none."),
            minimum=0,
            maximum=100_000,
            default="10000",
        ),
    ],
    rows=correlation_rows,
    compute=compute_correlation,
    is_stored=True,
    resolve=resolve_series,
    versions=DEPENDS_ON,
    style=Style("fill", "rho", ("#2166ac", "#92c5de", "#f7f7f7", "#f4a582", "#b2182b"), (-0.5, -0.2, 0.2, 0.5)),
)
