"""The layer that correlates complaints with readings, by area."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from geo.analysis.computed import Computed, Progress, Row
from geo.analysis.correlation import CorrelationParams, correlate
from geo.areas.models import City
from geo.layers import parameters as p
from geo.layers.analyses.stored import AREA, stored_rows
from geo.layers.area_layers import SCHEMATIC
from geo.layers.layer import Layer, Property, Query, RowSource, Style
from server.core.errors import BadParameter

MAX_LAG = 14
# Rows of hours that a request may ask for: a year and a month.
MAX_INTERVALS = {"hour": 9_600, "day": 4_000, "week": 600}
HOURS = {"hour": 1, "day": 24, "week": 168}
DEFAULT_DAYS = {"hour": 60, "day": 120, "week": 730}


def resolve_correlation(city: City, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Without start and end: the last days of the city that are over, as many as the interval needs."""
    interval = values["interval"]
    resolved: dict[str, Any] = p.DefaultPeriod(DEFAULT_DAYS[interval])(city, values, now)
    # To the hour, as the series are: a microsecond more is not another question.
    resolved |= {name: resolved[name].replace(minute=0, second=0, microsecond=0) for name in ("start", "end")}
    if resolved["start"] >= resolved["end"]:
        raise BadParameter("end", "the period is shorter than an hour")
    hours = (resolved["end"] - resolved["start"]).total_seconds() / 3600
    if hours / HOURS[interval] > MAX_INTERVALS[interval]:
        raise BadParameter("start", f"at most {MAX_INTERVALS[interval]} intervals of one {interval} can be asked for")
    return resolved


def correlation_rows(query: Query) -> RowSource:
    source = stored_rows(query, PROPERTIES)
    asked = {"interval": query.values["interval"], "property": query.values["property"]}
    return replace(source, members={**source.members, **asked})


def compute_correlation(query: Query, progress: Progress) -> Computed:
    values = query.values
    rows = correlate(
        CorrelationParams(
            city_id=query.city.pk,
            zone=query.city.timezone,
            level=values["level"],
            category_ids=tuple(values["category"]) if values.get("category") else None,
            observed_property=values["property"],
            start=values["start"],
            end=values["end"],
            interval=values["interval"],
            lag=None if values["lag"] == "auto" else values["lag"],
            max_distance_m=values["max_distance_m"],
        )
    )
    return Computed(
        [
            Row(
                row.area_id,
                {
                    "reports": row.reports,
                    "mean": row.mean,
                    "intervals": row.n,
                    "rho": row.rho,
                    "lag": row.lag,
                    "p_value": row.p,
                    "reason": row.reason,
                    "value_source": row.source,
                    "things": list(row.things),
                    "distance_m": row.distance_m,
                },
            )
            for row in rows
        ]
    )


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
        "rho",
        "number",
        _("Spearman's rho"),
        _("-1 to 1; null with a reason where there is too little."),
        decimals=4,
    ),
    Property("lag", "integer", _("Lag"), _("Intervals by which the reports come after the property.")),
    Property(
        "p_value",
        "number",
        _("p-value"),
        _("Circular-shift permutation of the maximum over the lags that were tried."),
        decimals=4,
    ),
    Property("reason", "string", _("Why there is no figure")),
    Property("value_source", "string", _("Where the values come from"), _("inside, nearest or none")),
    Property("things", "array", _("Things"), _("Those whose values were taken.")),
    Property("distance_m", "number", _("Distance"), _("From the area to the thing; 0 inside."), unit="m", decimals=1),
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
    resolve=resolve_correlation,
    versions={"geo_dataversion": ["reports", "areas"], "sensors_dataversion": ["rollups", "registry"]},
    style=Style("fill", "rho", ("#2166ac", "#92c5de", "#f7f7f7", "#f4a582", "#b2182b"), (-0.5, -0.2, 0.2, 0.5)),
)
