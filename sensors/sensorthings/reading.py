"""What the service says of its entities: JSON text, without HTTP."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db import DataError, InternalError, connection
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from psycopg2.errorcodes import INTERNAL_ERROR

from sensors.sensorthings.conformance import CONFORMANCE
from sensors.sensorthings.entities import ENTITY_TYPES, EntityType
from sensors.sensorthings.ids import key_text
from sensors.sensorthings.options import Query, parse_query
from sensors.sensorthings.paths import Resource
from sensors.sensorthings.positions import position_of
from sensors.sensorthings.rendering import query_text
from sensors.sensorthings.statements import Statements, components
from server.core.errors import BadParameter, NotFound

Rows = list[tuple[Any, ...]]


def service_root(base: str) -> bytes:
    """The entity sets and what the service conforms to; `base` is its URL, without a slash at the end."""
    sets = [{"name": name, "url": f"{base}/{name}"} for name in ENTITY_TYPES]
    return json.dumps({"value": sets, "serverSettings": {"conformance": CONFORMANCE}}).encode()


def read_collection(resource: Resource, options: Mapping[str, str], *, base: str, path: str) -> bytes:
    """A page of entities, or of references to them (`$ref`). `path` is the URL that was asked, for the link to the next page.

    Errors: BadParameter, Unsupported; NotFound where the entity whose related ones are asked for is not there.
    """
    query = parse_query(resource.entity, options)
    if resource.form == "$ref":
        query = _references(query)
    position = position_of(resource.entity, query)
    statements = _statements(base)
    rows = _fetch(statements.entities(resource, query, position), statements) if query.top else []
    if not rows:
        _check_parent(resource, base)
    parts = []
    if query.count:
        counting = _statements(base)
        parts.append(f'"@iot.count":{_fetch(counting.count(resource, query), counting)[0][0]}')
    shown = rows[: query.top]
    if len(rows) > query.top:
        token = shown[-1][1] if position.keys else ""
        parts.append(f'"@iot.nextLink":{json.dumps(_next_link(path, query, options, token))}')
    value = _data_arrays(shown, query, base) if query.is_data_array else ",".join(row[0] for row in shown)
    return f'{{{",".join([*parts, ""])}"value":[{value}]}}'.encode()


def read_entity(resource: Resource, options: Mapping[str, str], *, base: str) -> bytes | None:
    """One entity, or the reference to it; None where a way to one entity leads to none (a datastream without a sensor).

    Errors: BadParameter, Unsupported; NotFound where there is no such entity.
    """
    query = parse_query(resource.entity, options, is_collection=False)
    if resource.form == "$ref":
        query = _references(query)
    statements = _statements(base)
    rows = _fetch(statements.one(resource, query), statements)
    if rows:
        return str(rows[0][0]).encode()
    if resource.steps[-1].key is not None:
        raise _no_such(resource.entity)
    _check_parent(resource, base)
    return None


def read_property(resource: Resource, *, base: str) -> str | None:
    """The JSON text of a property's value; None where it is null. Errors: NotFound where there is no such entity."""
    statements = _statements(base)
    rows = _fetch(statements.value(resource), statements)
    if not rows:
        raise _no_such(resource.entity)
    return rows[0][0] if rows[0][0] is None else str(rows[0][0])


def entity_url(entity: EntityType, id_text: str, base: str) -> str:
    return f"{base}/{entity.plural}({key_text(entity, id_text)})"


def observation_id(datastream_id: int, phenomenon_us: int) -> str:
    """The id of an observation, without quotes."""
    return f"{datastream_id}-{phenomenon_us}"


def _statements(base: str) -> Statements:
    language = "en" if (get_language() or "").startswith("en") else "id"
    return Statements(json.dumps(base)[1:-1], language)


def _fetch(sql: str, statements: Statements) -> Rows:
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql, statements.parameters.values)
            return list(cursor.fetchall())
    except (DataError, InternalError) as error:
        # What only the values show: a number out of range, a time out of all time; and what PostGIS does not do with a geometry.
        if isinstance(error, InternalError) and getattr(error.__cause__, "pgcode", None) != INTERNAL_ERROR:
            raise
        detail = str(error).partition("\n")[0]
        raise BadParameter("$filter", f"$filter or $orderby cannot be computed: {detail}") from None


def _references(query: Query) -> Query:
    if query.select or query.expand or query.is_data_array:
        raise BadParameter("$select", "$ref shows references alone: no $select, no $expand, no $resultFormat")
    return replace(query, select=("selfLink",))


def _check_parent(resource: Resource, base: str) -> None:
    statements = _statements(base)
    sql = statements.parent(resource)
    if sql is not None and not _fetch(sql, statements):
        raise _no_such(resource.steps[-2].entity)


def _no_such(entity: EntityType) -> NotFound:
    return NotFound(_("There is no such %(entity)s.") % {"entity": entity.name})


def _next_link(path: str, query: Query, options: Mapping[str, str], token: str) -> str:
    rest = [(name, text) for name, text in options.items() if name not in ("$top", "$skip", "$skiptoken")]
    place = ("$skiptoken", token) if token else ("$skip", str(query.skip + query.top))
    return f"{path}?{query_text([('$top', str(query.top)), place, *rest])}"


def _data_arrays(rows: Rows, query: Query, base: str) -> str:
    """An object per datastream, in the order in which they first come."""
    groups: dict[int, list[str]] = {}
    for row, _id, datastream_id in rows:
        groups.setdefault(datastream_id, []).append(row)
    names = json.dumps(list(components(query)))
    return ",".join(
        f'{{"Datastream@iot.navigationLink":{json.dumps(f"{base}/Datastreams({datastream_id})")},'
        f'"components":{names},"dataArray@iot.count":{len(shown)},"dataArray":[{",".join(shown)}]}}'
        for datastream_id, shown in groups.items()
    )
