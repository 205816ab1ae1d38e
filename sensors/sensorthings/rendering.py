"""Entities as JSON text, made by the database: SQL whose value is the text of a property, or null where there is none.

The parts of an entity are joined by concat_ws, which leaves out what is null: a property without a value is not shown.
"""

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from sensors.sensorthings.entities import ID_NAMES, SELF_NAMES, EntityType, Kind, Property
from sensors.sensorthings.expressions import Expressions
from sensors.sensorthings.options import Query

# Seven digits are a centimetre.
_DIGITS = 7
# What may stand in a query string as it is.
_PLAIN = "$(),;=/:*@!-._~'"


def time_text(sql: str) -> str:
    """ISO 8601 in UTC, to the microsecond where there are any."""
    return f"rtrim(to_json({sql} AT TIME ZONE 'UTC')::text, '\"') || 'Z\"'"


def value_json(expressions: Expressions, found: Property, alias: str, inside: Sequence[str] = ()) -> str:
    """The JSON text of a property, or of what lies `inside` a JSON value."""
    if found.kind is Kind.COMPLEX:
        return object_json({name: value_json(expressions, each, alias) for name, each in found.members.items()})
    sql = expressions.fill(found.sql, alias)
    if found.kind is Kind.JSON:
        if inside:
            sql = f"nullif({sql} #> {expressions.parameters.bind(list(inside))}::text[], 'null'::jsonb)"
        return f"({sql})::text"
    if found.kind is Kind.TIME:
        return time_text(sql)
    if found.kind is Kind.INTERVAL:
        end = expressions.fill(found.end, alias)
        return f"(rtrim({time_text(sql)}, '\"') || '/' || ltrim({time_text(end)}, '\"'))"
    if found.kind is Kind.GEOMETRY:
        return f"ST_AsGeoJSON({sql}, {_DIGITS})"
    if found.kind is Kind.NUMBER:
        # With a point, also where it is whole: clients take a column of such values for what the first one looks like.
        return f"({sql}::text || CASE WHEN {sql}::text ~ '[.e]' THEN '' ELSE '.0' END)"
    return f"to_json({sql})::text"


def object_json(parts: dict[str, str]) -> str:
    named = ", ".join(f"""'"{name}":' || {sql}""" for name, sql in parts.items())
    return f"('{{' || concat_ws(',', {named}) || '}}')"


def id_json(expressions: Expressions, entity: EntityType, alias: str) -> str:
    text = expressions.fill(entity.id_text, alias)
    return f"('\"' || {text} || '\"')" if len(entity.columns) > 1 else f"({text})"


def key_sql(expressions: Expressions, entity: EntityType, alias: str) -> str:
    """The id as it stands between the parentheses of a URL."""
    text = expressions.fill(entity.id_text, alias)
    return f"(quote_literal({text}))" if len(entity.columns) > 1 else f"({text})"


def url_sql(expressions: Expressions, entity: EntityType, alias: str, base: str) -> str:
    """The text of an entity's URL; `base` is the placeholder of the service root."""
    return f"{base} || '/{entity.plural}(' || {key_sql(expressions, entity, alias)} || ')'"


def entity_parts(expressions: Expressions, entity: EntityType, alias: str, query: Query, base: str) -> dict[str, str]:
    """The members of an entity by name: control information, properties, and links to what is not expanded."""
    wanted = query.select or ("id", "selfLink", *entity.properties, *entity.navigations)
    expanded = {each.name for each in query.expand}
    url = url_sql(expressions, entity, alias, base)
    parts: dict[str, str] = {}
    for name in wanted:
        if name in ID_NAMES:
            parts["@iot.id"] = id_json(expressions, entity, alias)
        elif name in SELF_NAMES:
            parts["@iot.selfLink"] = f"'\"' || {url} || '\"'"
        elif name in entity.properties:
            parts[name] = value_json(expressions, entity.properties[name], alias)
        elif name not in expanded:
            parts[f"{name}@iot.navigationLink"] = f"'\"' || {url} || '/{name}\"'"
    return parts


def data_array_row(expressions: Expressions, entity: EntityType, alias: str, components: Iterable[str]) -> str:
    values = [
        id_json(expressions, entity, alias)
        if name == "id"
        else f"coalesce({value_json(expressions, entity.properties[name], alias)}, 'null')"
        for name in components
    ]
    return f"('[' || concat_ws(',', {', '.join(values)}) || ']')"


def query_text(given: Iterable[tuple[str, str]]) -> str:
    """Query options as they stand in a link: names as they are, values escaped."""
    return "&".join(f"{name}={quote(value, safe=_PLAIN)}" for name, value in given)
