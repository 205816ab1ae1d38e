"""Each layer as a view of the schema `layers`, for GIS programs that read the database itself (docs/qgis-postgis.md).

A view has no parameters: it covers every city, with each parameter at its default and with periods that end today. A computed
layer's view holds the latest result of each question that was asked lately, with the question's parameters as columns.
Everything comes from the declaration; the views are its shadow, made again after each migration (geo.apps).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import translation
from psycopg2 import sql
from psycopg2.extensions import AsIs

from geo.areas.models import City
from geo.layers.layer import Layer, Parameter, Property, Query
from geo.layers.parameters import DefaultPeriod
from geo.layers.select import SQL_TYPES
from server.core.errors import BadParameter

# Outer names that no row-source uses.
CITY, RESULT = "of_city", "of_result"
# What stands in a row-source's parameters for the city or the result set, for every row of the outer table instead.
EACH = {
    "city_id": AsIs(f"{CITY}.id"),
    "city_ids": AsIs(f"ARRAY[{CITY}.id]"),
    "result_set": AsIs(f"{RESULT}.id"),
}
# Parameters whose values are ids: the table that has their slugs, and the condition that a list of ids names only what was
# asked for (a category brings all below it).
NAMED = {
    "category": "SELECT c.slug FROM geo_category c WHERE c.id = ANY(ids) AND (c.parent_id IS NULL OR c.parent_id <> ALL(ids))",
    "channel": "SELECT c.slug FROM geo_channel c WHERE c.id = ANY(ids)",
}
# Any moment: whatever depends on it is replaced by an expression of now().
SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)

# The row-source's `fid` is called feature_id: a GeoPackage has a fid of its own, and GDAL refuses a text column of that name.
LIVE = """
SELECT s.key::bigint AS key, s.fid::text AS feature_id, {columns}, s.geom::geometry({geometry_type}, 4326) AS geom
FROM geo_city of_city CROSS JOIN LATERAL ({rows}) s"""

STORED = """
SELECT (of_result.id << 32) | s.key::bigint AS key, of_result.id || '.' || s.fid AS feature_id, {columns},
       s.geom::geometry({geometry_type}, 4326) AS geom
FROM (
    SELECT DISTINCT ON (parameters_key) id, parameters, as_of
    FROM geo_resultset WHERE analysis = {layer} AND state = 'ready' ORDER BY parameters_key, as_of DESC, id DESC
) of_result CROSS JOIN LATERAL ({rows}) s"""


@dataclass(frozen=True, slots=True)
class View:
    """`query` is finished SQL; `columns` are its columns in order, each with its comment."""

    name: str
    query: str
    comment: str
    columns: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(repr((self.query, self.comment, list(self.columns.items()))).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    expression: sql.Composable
    comment: str


def view_of(layer: Layer) -> View:
    """The view of a layer. Comments are in the instance's own language: a database has one.

    Errors: ValueError for a layer that cannot be asked without a city or a moment of its own.
    """
    with translation.override(settings.LANGUAGE_CODE):
        before = _question(layer) if layer.is_stored else _of_city(layer)
        columns = [*before, *(_column(prop) for prop in layer.properties)]
        query = _text(
            sql.SQL(STORED if layer.is_stored else LIVE).format(
                columns=sql.SQL(", ").join(
                    sql.SQL("{} AS {}").format(column.expression, sql.Identifier(column.name)) for column in columns
                ),
                geometry_type=sql.SQL(layer.geometry_type),
                layer=sql.Literal(layer.id),
                rows=sql.SQL(_rows(layer)),
            )
        )
        comments = {column.name: column.comment for column in columns}
        return View(
            name=layer.id,
            query=query,
            comment=f"{layer.title}. {layer.description}",
            columns={"key": "Id", "feature_id": "Id", **comments, "geom": f"{layer.geometry_type}, EPSG:4326"},
        )


def _rows(layer: Layer) -> str:
    """The row-source with its parameters put in by the driver: declared defaults, and EACH for what differs by row."""
    city = City(pk=0, timezone="UTC")
    values = layer.resolve(city, {p.name: _default(p, city) for p in layer.parameters}, SOME_TIME)
    source = layer.rows(Query(city=city, values=values, now=SOME_TIME, result_set=0))
    params = dict(source.params)
    each = {name: expression for name, expression in EACH.items() if name in params}
    if len(each) != 1:
        raise ValueError(f"the row-source of {layer.id} must take just one of {', '.join(EACH)}")
    params |= each
    if layer.has_period and not layer.is_stored:
        params |= _last_days(layer)
    if any(isinstance(value, datetime) for value in params.values()):
        raise ValueError(f"the row-source of {layer.id} depends on the moment in which its view is made")
    with connection.cursor() as cursor:
        return str(cursor.mogrify(source.sql, params).decode())


def _default(parameter: Parameter, city: City) -> Any:
    if parameter.default is None:
        return None
    try:
        return parameter.parse(parameter.default, parameter.name, city)
    except BadParameter:
        # A code that the fixtures have yet to bring, such as a level: the view is empty until they do.
        return parameter.default


def _last_days(layer: Layer) -> dict[str, AsIs]:
    """The default period by the clock of the city and of the query."""
    if not isinstance(layer.resolve, DefaultPeriod):
        raise ValueError(f"the default period of {layer.id} must be a DefaultPeriod")
    day = f"date_trunc('day', now() AT TIME ZONE {CITY}.timezone)"

    def moment(days: int) -> AsIs:
        return AsIs(f"(({day} + make_interval(days => {days:d})) AT TIME ZONE {CITY}.timezone)")

    return {"start": moment(1 - layer.resolve.days), "end": moment(1)}


def _of_city(layer: Layer) -> Sequence[Column]:
    if layer.property_named("city"):
        return []
    return [Column("city", sql.SQL("of_city.slug::text"), str(translation.gettext("City")))]


def _question(layer: Layer) -> Sequence[Column]:
    """What a stored result answers: its city, its parameters and its time."""
    asked = [Column("city", sql.SQL("of_result.parameters ->> 'city'"), str(translation.gettext("City")))]
    for parameter in layer.parameters:
        if not layer.property_named(parameter.name):
            asked.append(Column(parameter.name, _asked(parameter), str(parameter.description)))
    return [*asked, Column("as_of", sql.SQL("of_result.as_of"), str(translation.gettext("Computed at")))]


def _asked(parameter: Parameter) -> sql.Composable:
    """A parameter of a stored question, from the JSON in which geo.layers.results keeps it."""
    value = sql.SQL("of_result.parameters -> {}").format(sql.Literal(parameter.name))
    text = sql.SQL("of_result.parameters ->> {}").format(sql.Literal(parameter.name))
    if parameter.name in NAMED:
        return sql.SQL(
            "(SELECT (SELECT string_agg(n.slug, ',' ORDER BY n.slug) FROM ({named}) n) FROM (SELECT"
            " ARRAY(SELECT i::bigint FROM jsonb_array_elements_text(nullif({value}, 'null')) i) AS ids) given)"
        ).format(named=sql.SQL(NAMED[parameter.name]), value=value)
    if parameter.schema.get("format") == "date-time":
        return sql.SQL("({} ->> 'at')::timestamptz").format(value)
    if parameter.schema.get("type") == "number":
        return sql.SQL("({})::double precision").format(text)
    return text


def _column(prop: Property) -> Column:
    name = sql.SQL("s.{}").format(sql.Identifier(prop.name))
    if prop.type == "array":
        # Not every GIS program reads arrays or JSON.
        elements = "(SELECT string_agg(e, ',') FROM jsonb_array_elements_text(nullif(to_jsonb({}), 'null')) e)"
        expression: sql.Composable = sql.SQL(elements).format(name)
    else:
        expression = sql.SQL("{}::{}").format(name, sql.SQL(SQL_TYPES[prop.type]))
    unit = f" [{prop.unit}]" if prop.unit else ""
    comment = f"{prop.title}{unit}" + (f". {prop.description}" if prop.description else "")
    return Column(prop.name, expression, comment)


def _text(composed: sql.Composable) -> str:
    with connection.cursor() as cursor:
        return composed.as_string(cursor.cursor)
