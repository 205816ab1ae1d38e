"""Which rows of a layer's row-source are asked for, and in which order: the SQL that every encoder builds on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from geo.layers.crs import degrees_around
from geo.layers.layer import Layer, Query, RowSource
from server.core.params import BBox
from server.core.time_limits import allow_statements

# What PostgreSQL orders a property's values as; the text of a value, cast back to it, is the value.
SQL_TYPES = {
    "string": "text",
    "integer": "bigint",
    "number": "double precision",
    "boolean": "boolean",
    "datetime": "timestamptz",
}


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: the values it was sorted by, as text, and the row's key."""

    key: int
    values: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows of a layer that a query keeps."""

    layer: Layer
    query: Query
    source: RowSource


@dataclass(frozen=True, slots=True)
class Window:
    """A page of a selection: at most `limit` rows after a position, `offset` of them passed over.

    `leading` are the keys of rows that come before all others, whatever the order (see geo.layers.leading).
    """

    limit: int
    after: Position | None = None
    offset: int = 0
    leading: tuple[int, ...] = ()


def selected_sql(selection: Selection, beside: str = "") -> tuple[str, dict[str, Any]]:
    """`FROM (row-source) s WHERE …` with its parameters. Column names come from the declaration; values are parameters.

    `beside` is joined to each row, laterally.
    """
    layer, query = selection.layer, selection.query
    params: dict[str, Any] = dict(selection.source.params)
    where = []
    if query.bbox is not None:
        where.append(_bbox_sql(query.bbox, params))
    if query.interval is not None and layer.time_field:
        bounds = []
        if query.interval.start is not None:
            bounds.append(f"s.{layer.time_field} >= %(interval_start)s")
            params["interval_start"] = query.interval.start
        if query.interval.end is not None:
            bounds.append(f"s.{layer.time_field} < %(interval_end)s")
            params["interval_end"] = query.interval.end
        if bounds:
            # OGC 17-069r4, requirement fc-time-response: what has no time is not left out by one.
            timeless = [f"s.{layer.time_field} IS NULL"] if layer.has_timeless_rows else []
            where.append(f"({' OR '.join([' AND '.join(bounds), *timeless])})")
    if query.condition is not None:
        where.append(f"({query.condition.sql})")
        params |= query.condition.params
    return f"FROM ({selection.source.sql}) s {beside} WHERE {' AND '.join(where) or 'true'}", params


def _bbox_sql(bbox: BBox, params: dict[str, Any]) -> str:
    def envelope(name: str, box: tuple[float, float, float, float], srid: int) -> str:
        names = [f"{name}_{side}" for side in ("w", "s", "e", "n")]
        params.update(zip(names, box, strict=True))
        w, so, e, n = (f"%({name})s" for name in names)
        # ST_MakeEnvelope makes an invalid polygon of a box without width or height, and that meets nothing.
        return f"ST_Envelope(ST_SetSRID(ST_MakeLine(ST_MakePoint({w}, {so}), ST_MakePoint({e}, {n})), {srid:d}))"

    if bbox.srid != 4326:
        # The index finds candidates in degrees; the exact test is in the CRS in which the box is a rectangle.
        around = envelope("bbox_around", degrees_around(bbox), 4326)
        box = envelope("bbox", (bbox.west, bbox.south, bbox.east, bbox.north), bbox.srid)
        return f"(s.geom && {around} AND ST_Intersects(ST_Transform(s.geom, {bbox.srid:d}), {box}))"
    parts = [f"ST_Intersects(s.geom, {envelope(f'bbox_{i}', box, 4326)})" for i, box in enumerate(bbox.boxes())]
    return f"({' OR '.join(parts)})"


def window_sql(selection: Selection, columns: str, window: Window, beside: str = "") -> tuple[str, dict[str, Any]]:
    """A statement of a page's rows in their order. The leading rows are not in it."""
    where, params = selected_sql(selection, beside)
    if window.leading:
        where += " AND s.key <> ALL(%(leading)s)"
        params["leading"] = list(window.leading)
    if window.after is not None:
        where += f" AND {_after_sql(selection, window.after, params)}"
    params |= {"page_limit": window.limit, "page_offset": window.offset}
    sql = f"SELECT {columns} {where} ORDER BY {order_sql(selection)} LIMIT %(page_limit)s"
    return sql + (" OFFSET %(page_offset)s" if window.offset else ""), params


def leading_sql(
    selection: Selection, columns: str, keys: tuple[int, ...], beside: str = ""
) -> tuple[str, dict[str, Any]]:
    """The leading rows themselves, in the same columns."""
    where, params = selected_sql(selection, beside)
    params["leading"] = list(keys)
    return (
        f"SELECT {columns} {where} AND s.key = ANY(%(leading)s) ORDER BY {order_sql(selection)}",
        params,
    )


def order_sql(selection: Selection) -> str:
    """A total order: the properties asked for, then the layer's own order."""
    own = f"s.key {'DESC' if selection.layer.newest_first else 'ASC'}"
    asked = [
        f"{sort_value(selection.layer, by.name)} {'DESC' if by.is_descending else 'ASC'} NULLS LAST"
        for by in selection.query.order
    ]
    return ", ".join([*asked, own])


def sort_value(layer: Layer, name: str) -> str:
    prop = layer.property_named(name)
    assert prop is not None
    return f"s.{prop.name}::{SQL_TYPES[prop.type]}"


def _after_sql(selection: Selection, after: Position, params: dict[str, Any]) -> str:
    """Rows after a position in the total order, nulls last: either later in the first key, or equal there and later in the rest."""
    params["after_key"] = after.key
    condition = f"s.key {'<' if selection.layer.newest_first else '>'} %(after_key)s"
    for i, (by, value) in reversed(list(enumerate(zip(selection.query.order, after.values, strict=True)))):
        column = sort_value(selection.layer, by.name)
        if value is None:
            condition = f"({column} IS NULL AND {condition})"
            continue
        name = f"after_{i}"
        params[name] = value
        literal = f"%({name})s::{column.rpartition('::')[2]}"
        later = f"{column} {'<' if by.is_descending else '>'} {literal} OR {column} IS NULL"
        condition = f"({later} OR ({column} = {literal} AND {condition}))"
    return condition


def position_of_row(selection: Selection, window: Window) -> Position | None:
    """Where a window ends, if there are rows after it; None if it is the last one. It reads keys only."""
    shown = max(0, len(window.leading) - window.offset) if window.after is None else 0
    offset = max(0, window.offset - len(window.leading)) if window.after is None else window.offset
    rest = Window(2, window.after, offset + window.limit - shown - 1, window.leading)
    values = [f"{sort_value(selection.layer, by.name)}::text" for by in selection.query.order]
    sql, params = window_sql(selection, f"s.key, ARRAY[{', '.join(values)}]::text[]", rest)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows = cursor.fetchall()
    return Position(rows[0][0], tuple(rows[0][1])) if len(rows) == 2 else None


@contextmanager
def snapshot(*, longest_s: int | None = None) -> Iterator[None]:
    """Everything read inside sees the same data: the count, where the page ends, and its rows.

    A statement may take `longest_s`, where a whole layer takes longer than other requests may.
    """
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if longest_s is not None:
            allow_statements(longest_s)
        yield


# The first bytes should leave soon; later chunks should not be many.
FIRST_CHUNK, CHUNK = 100, 2000


def stream_rows(sql: str, params: dict[str, Any], *, chunks: Iterator[int]) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a statement in chunks of the sizes that are given, by a cursor of the server: memory stays flat.

    Inside `snapshot`: without a transaction the server would have to keep the whole result first.
    """
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, params)
        while rows := cursor.fetchmany(next(chunks)):
            yield rows


def count_rows(selection: Selection, *, most: int) -> int | None:
    """How many rows there are; None where they are more than `most`, and counting on would be dear."""
    where, params = selected_sql(selection)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM (SELECT 1 {where} LIMIT %(count_limit)s) n", {**params, "count_limit": most + 1}
        )
        counted = int(cursor.fetchone()[0])
    return counted if counted <= most else None
