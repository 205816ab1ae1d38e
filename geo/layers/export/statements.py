"""The statements that downloads are made of: every row of a selection, as lines of text or as typed columns."""

from dataclasses import dataclass
from typing import Any

from geo.layers.crs import STORAGE_SRID, Crs
from geo.layers.geojson import Output, chosen, feature_sql
from geo.layers.layer import Layer, Property
from geo.layers.select import Selection, order_sql, selected_sql

# The id of the feature in every other protocol; whatever properties were asked for, it is there.
ID = "feature_id"
RECORD_SEPARATOR = "\x1e"
# What a spreadsheet takes for the beginning of a formula, or strips before it looks for one.
FORMULA_STARTS = "E'=+-@\\t\\r\\n'"


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows: those of a selection in its order; `limit` None: all there are."""

    selection: Selection
    limit: int | None = None
    offset: int = 0

    @property
    def layer(self) -> Layer:
        return self.selection.layer


@dataclass(frozen=True, slots=True)
class TextColumns:
    """How a table of text is written. With `has_lonlat` two columns of coordinates, with `has_wkt` one of WKT."""

    crs: Crs
    has_lonlat: bool
    has_wkt: bool
    escapes_formulas: bool = True

    @property
    def lonlat_names(self) -> tuple[str, str]:
        return ("lon", "lat") if self.crs.srid == STORAGE_SRID else ("x", "y")


def rows_sql(rows: Rows, columns: str, beside: str = "") -> tuple[str, dict[str, Any]]:
    """`SELECT columns` of every row, with its parameters; `beside` is joined to each row."""
    where, params = selected_sql(rows.selection, beside)
    sql = f"SELECT {columns} {where} ORDER BY {order_sql(rows.selection)}"
    if rows.limit is not None:
        sql += " LIMIT %(rows_limit)s"
        params["rows_limit"] = rows.limit
    if rows.offset:
        sql += " OFFSET %(rows_offset)s"
        params["rows_offset"] = rows.offset
    return sql, params


def sequence_line_sql(layer: Layer, output: Output, *, has_separator: bool) -> str:
    """A feature as one line of JSON, `properties_sql` beside its row; `has_separator` puts RFC 8142's RS before it."""
    line = f"({feature_sql(layer, output)}) || chr(10)"
    return f"chr({ord(RECORD_SEPARATOR)}) || {line}" if has_separator else line


def csv_header(layer: Layer, output: Output, table: TextColumns) -> str:
    names = [ID, *(prop.name for prop in chosen(layer, output))]
    names += table.lonlat_names if table.has_lonlat else ()
    # GDAL takes just this name for geometry.
    names += ("WKT",) if table.has_wkt else ()
    return ",".join(names) + "\r\n"


def csv_line_sql(layer: Layer, output: Output, table: TextColumns) -> str:
    """A row as a line of RFC 4180. Text is always quoted, so that an empty one is not null and `01` not a number."""
    fields = [_csv_text("s.fid", table)]
    fields += [_csv_field(prop, table) for prop in chosen(layer, output)]
    geometry = in_crs("s.geom", table.crs)
    if table.has_lonlat:
        point = point_sql(layer, geometry)
        fields += [f"coalesce(round(ST_{axis}({point})::numeric, {table.crs.digits})::text, '')" for axis in "XY"]
    if table.has_wkt:
        fields.append(f"""coalesce('"' || ST_AsText({geometry}, {table.crs.digits}) || '"', '')""")
    return " || ',' || ".join(fields) + " || chr(13) || chr(10)"


def _csv_field(prop: Property, table: TextColumns) -> str:
    if prop.type == "string":
        return _csv_text(f"s.{prop.name}", table)
    if prop.type == "datetime":
        return f"coalesce(to_json(s.{prop.name}) #>> '{{}}', '')"
    if prop.type == "array":
        return f"""coalesce('"' || replace(to_json(s.{prop.name})::text, '"', '""') || '"', '')"""
    return f"coalesce(({value_sql(prop)})::text, '')"


def _csv_text(column: str, table: TextColumns) -> str:
    text = f"({column})::text"
    quoted = f"""'"' || replace({text}, '"', '""') || '"'"""
    if table.escapes_formulas:
        # One apostrophe more, also before those that are there already: it can be taken away again without a doubt.
        starts = f"strpos({FORMULA_STARTS}, nullif(left(ltrim({text}, ''''), 1), '')) > 0"
        quoted = f"""'"' || CASE WHEN {starts} THEN '''' ELSE '' END || replace({text}, '"', '""') || '"'"""
    return f"coalesce({quoted}, '')"


def value_sql(prop: Property) -> str:
    """The value as COPY writes it for Arrow: datetimes as microseconds since 1970, arrays as JSON."""
    column = f"s.{prop.name}"
    return {
        "string": f"{column}::text",
        "integer": f"{column}::bigint",
        "number": f"round({column}::numeric, {max(prop.decimals, 1)})",
        "boolean": f"{column}::boolean",
        "datetime": f"(extract(epoch FROM {column}) * 1000000)::bigint",
        "array": f"to_json({column})::text",
    }[prop.type]


def plain_value_sql(prop: Property) -> str:
    """The value as SQLite keeps it: datetimes in UTC with milliseconds (OGC 12-128r14, table 1), true as 1."""
    if prop.type == "datetime":
        return f"""to_char(s.{prop.name} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
    return f"{value_sql(prop)}::integer" if prop.type == "boolean" else value_sql(prop)


def in_crs(geometry: str, crs: Crs) -> str:
    """Files are x first in every CRS."""
    return geometry if crs.srid == STORAGE_SRID else f"ST_Transform({geometry}, {crs.srid:d})"


def point_sql(layer: Layer, geometry: str) -> str:
    """A point itself; of an area, a point that surely lies in it."""
    return geometry if layer.geometry_type == "Point" else f"ST_PointOnSurface({geometry})"
