"""The layer of citizens' reports."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from geo.areas.models import City
from geo.layers import parameters as p
from geo.layers.layer import Layer, Property, Query, RowSource, Style
from server.core.sql import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
FILTERS = ("category", "channel", "status", "kind", "area", "start", "end")


def reports_rows(query: Query) -> RowSource:
    params = {name: query.values.get(name) for name in FILTERS}
    return RowSource(QUERIES.reports, {**params, "city_id": query.city.pk})


def reports_freshness(city: City) -> Mapping[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.reports_freshness, {"city_id": city.pk})
        total, located, last = cursor.fetchone()
    return {
        "reports": total,
        "share_with_location": round(located / total, 4) if total else None,
        "last_report_received": last,
    }


REPORTS = Layer(
    id="reports",
    title=_("Reports"),
    description=_(
        "What citizens report, last received first: place and text as they may be shown in public. "
        "Reports without a place are not shown."
    ),
    geometry_type="Point",
    properties=[
        Property("id", "string", _("Report id")),
        Property("category", "string", _("Category")),
        Property("category_name_id", "string", _("Category (Indonesian)")),
        Property("category_name_en", "string", _("Category (English)")),
        Property("kind", "string", _("Kind"), _("laporan: something is wrong; aspirasi: a wish")),
        Property("status", "string", _("Status")),
        Property("description", "string", _("Description"), _("Personal data in the text is masked."), is_long=True),
        Property("channel", "string", _("Channel")),
        Property("is_simulated", "boolean", _("Simulated"), _("From the simulated city, not from a citizen.")),
        Property("area", "string", _("Area code"), _("The smallest area that contains the public place.")),
        Property("area_name", "string", _("Area")),
        Property("agency", "string", _("Agency")),
        Property("reported_at", "datetime", _("Reported at")),
        Property("updated_at", "datetime", _("Updated at")),
        Property("closed_at", "datetime", _("Closed at")),
        Property("support_count", "integer", _("Supporters")),
    ],
    parameters=[p.CATEGORY, p.CHANNEL, p.STATUS, p.KIND, p.AREA, p.START, p.END],
    time_field="reported_at",
    newest_first=True,
    tile_properties=(
        *("category", "category_name_id", "category_name_en", "kind", "status"),
        *("is_simulated", "area_name", "reported_at"),
    ),
    rows=reports_rows,
    versions={"geo_dataversion": ["reports", "areas"]},
    freshness=reports_freshness,
    style=Style(
        "circle", "status", ("#b2182b", "#e08214", "#1b7837"), (("submitted",), ("in_progress",), ("resolved",))
    ),
)
