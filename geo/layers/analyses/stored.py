"""The row-source of a stored result: made from the declared properties, so that a computed layer has no query of its own."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from geo.analysis.models import ResultSet
from geo.layers.area_layers import period_members
from geo.layers.layer import Property, Query, RowSource
from geo.layers.select import SQL_TYPES

# What an area is called now, where the row does not keep a name of its own as a cell does.
OF_THE_AREA = {"code": "a.code", "name": "a.name", "level": "lv.code", "is_schematic": "a.is_schematic"}
AREA = (
    Property("code", "string", _("Area code")),
    Property("name", "string", _("Name")),
    Property("level", "string", _("Level")),
)
FROM = """
FROM geo_resultrow r
LEFT JOIN geo_area a ON r.geom IS NULL AND a.id = r.key
LEFT JOIN geo_arealevel lv ON lv.id = a.level_id
WHERE r.result_set_id = %(result_set)s AND (r.geom IS NOT NULL OR a.retired_at IS NULL)
"""


def stored_rows(query: Query, properties: Sequence[Property]) -> RowSource:
    """The rows of the query's result set. A figure is taken by the name of its property; a frozen row brings its own shape."""
    columns = ", ".join(f"{_column(prop)} AS {prop.name}" for prop in properties)
    members = ResultSet.objects.filter(pk=query.result_set or 0).values_list("members", flat=True).first() or {}
    return RowSource(
        "SELECT r.key, coalesce(r.figures ->> 'code', a.code) AS fid, coalesce(r.geom, a.boundary) AS geom,"
        f" {columns}{FROM}",
        {"result_set": query.result_set},
        {**period_members(query.values), **members},
    )


def _column(prop: Property) -> str:
    if prop.type == "array":
        return f"r.figures -> '{prop.name}'"
    figure = f"(r.figures ->> '{prop.name}')::{SQL_TYPES[prop.type]}"
    own = OF_THE_AREA.get(prop.name)
    return f"coalesce({figure}, {own})" if own else figure
