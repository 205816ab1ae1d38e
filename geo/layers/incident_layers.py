"""The layer of incidents: bursts of reports of one event, each shown as one, with the ids of all that it is made of.

What an incident is: public reports of one category and city, grouped by their public places and times alone.

1. Space: DBSCAN by `radius_m` and `min_reports` (PostGIS ST_ClusterDBSCAN on the city's metric plane). A report with so many
   within the radius, itself included, is at the core of a group; those within the radius of a core belong to it; the others
   are dropped.
2. Time: in each group, in the order of their times, a pause of more than `hours` begins another group.
3. Both again within each group, since a cut in time may leave places apart, until a round leaves the group as it is.

So at the end each group is dense in space by itself and has no longer pause: ST-DBSCAN's idea (Birant & Kut 2007), with density
asked of space and unbroken succession of time. Where reports never pause, a group lasts as long as the period.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from geo.areas.models import City
from geo.layers import parameters as p
from geo.layers.area_layers import YELLOW_TO_RED, period_members
from geo.layers.layer import Layer, Parameter, Property, Query, RowSource, Style
from geo.layers.report_layers import reports_freshness
from server.core.errors import BadParameter
from server.core.params import parse_integer
from server.core.sql import load_queries

QUERIES = load_queries(Path(__file__).with_name("incidents.sql"))
FILTERS = ("category", "area", "start", "end", "radius_m", "hours", "min_reports")
# Grouped anew for each answer: of 1,000,000 reports in 23 months a week takes 0.3 s, and 31 days 2 s.
MOST_DAYS = 31
DEFAULT_MIN_REPORTS = 5


@dataclass(frozen=True, slots=True)
class BoundedPeriod(p.DefaultPeriod):
    """The last `days` days of the city unless others are asked for, and never more than `most_days`: so many from a start alone."""

    most_days: int

    def __call__(self, city: City, values: dict[str, Any], now: datetime) -> dict[str, Any]:
        resolved = p.DefaultPeriod.__call__(self, city, values, now)
        most = timedelta(days=self.most_days)
        if values.get("end") is None:
            resolved["end"] = min(resolved["end"], resolved["start"] + most)
        if resolved["end"] - resolved["start"] > most:
            raise BadParameter("start", f"at most {self.most_days} days can be asked for at once")
        return resolved


def incidents_rows(query: Query) -> RowSource:
    params = {name: query.values.get(name) for name in FILTERS} | {"city_id": query.city.pk}
    if params["min_reports"] is None:
        params["min_reports"] = DEFAULT_MIN_REPORTS
    return RowSource(QUERIES.incidents, params, period_members(query.values))


MIN_REPORTS = Parameter(
    "min_reports",
    _("How many reports within radius_m of one, itself included, make an incident."),
    lambda text, name, city: parse_integer(text, name, minimum=1, maximum=1000),
    # The API's definition wants the default of a whole number as a number, so that it stands here, and is filled in below.
    {"type": "integer", "minimum": 1, "maximum": 1000, "default": DEFAULT_MIN_REPORTS},
)

INCIDENTS = Layer(
    id="incidents",
    title=_("Incidents"),
    description=_(
        "Bursts of reports of one event (one flood, forty reports), each as one: reports of a category that lie close to each "
        "other and follow each other without a long pause. Without start and end: the last 7 days of the city; at most 31 days."
    ),
    geometry_type="Point",
    properties=[
        Property("id", "string", _("Id of the earliest report")),
        Property("category", "string", _("Category")),
        Property("category_name_id", "string", _("Category (Indonesian)")),
        Property("category_name_en", "string", _("Category (English)")),
        Property("reports", "integer", _("Reports")),
        Property("open_reports", "integer", _("Open reports")),
        Property("closed_reports", "integer", _("Closed reports")),
        Property("supporters", "integer", _("Supporters"), _("Of all its reports.")),
        Property("first_reported_at", "datetime", _("First reported at")),
        Property("last_reported_at", "datetime", _("Last reported at")),
        Property(
            "extent_m",
            "number",
            _("Extent"),
            _("From the middle to the report furthest from it."),
            unit="m",
            decimals=1,
        ),
        Property("area", "string", _("Area code"), _("The area in which most of its reports lie.")),
        Property("area_name", "string", _("Area")),
        Property(
            "report_ids",
            "string",
            _("Report ids"),
            _("Of all its reports, the earliest first, separated by commas."),
            is_long=True,
        ),
    ],
    parameters=[
        p.CATEGORY,
        p.AREA,
        p.START,
        p.END,
        p.number("radius_m", _("How near reports lie to each other."), minimum=10, maximum=5000, default="300"),
        p.number("hours", _("The longest pause between two reports, in hours."), minimum=1, maximum=168, default="12"),
        MIN_REPORTS,
    ],
    rows=incidents_rows,
    resolve=BoundedPeriod(days=7, most_days=MOST_DAYS),
    versions={"geo_dataversion": ["reports", "areas"]},
    freshness=reports_freshness,
    style=Style("circle", "reports", YELLOW_TO_RED),
)
