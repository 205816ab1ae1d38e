"""A page of any layer's row-source as features in JSON text, built by PostGIS and streamed in chunks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from geo.layers.layer import Layer, Property, Query, RowSource

CHUNK = 1000
GEOMETRY_DIGITS = 7


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a layer: at most `limit` features after the one whose key is `after`."""

    layer: Layer
    query: Query
    source: RowSource
    limit: int
    after: int | None = None


class FeatureStream:
    """The features of a page in chunks of (count, JSON text). After the last chunk `last_key` says where the next page
    begins, or is None if there is none."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.last_key: int | None = None

    def __iter__(self) -> Iterator[tuple[int, str]]:
        sql, params = page_sql(self.page)
        left = self.page.limit
        key: int | None = None
        # A transaction lets the cursor stream without first materialising the result, as WITH HOLD would.
        with transaction.atomic(), connection.chunked_cursor() as cursor:
            cursor.execute(sql, params)
            while rows := cursor.fetchmany(CHUNK):
                more = len(rows) > left
                rows = rows[:left]
                if rows:
                    key = rows[-1][0]
                    left -= len(rows)
                    yield len(rows), ",".join([row[1] for row in rows])
                if more:
                    self.last_key = key
                    return


def page_sql(page: Page) -> tuple[str, dict[str, Any]]:
    """The statement of a page. Column names come from the declaration; every value is a parameter."""
    layer, query = page.layer, page.query
    params: dict[str, Any] = {**page.source.params, "page_limit": page.limit + 1}
    where = ["true"]
    if query.bbox is not None:
        boxes = query.bbox.boxes()
        parts = []
        for number, box in enumerate(boxes):
            names = [f"bbox_{number}_{side}" for side in ("w", "s", "e", "n")]
            params |= dict(zip(names, box, strict=True))
            envelope = f"ST_MakeEnvelope({', '.join(f'%({name})s' for name in names)}, 4326)"
            parts.append(f"ST_Intersects(s.geom, {envelope})")
        where.append(f"({' OR '.join(parts)})")
    if query.interval is not None and layer.time_field:
        if query.interval.start is not None:
            where.append(f"s.{layer.time_field} >= %(interval_start)s")
            params["interval_start"] = query.interval.start
        if query.interval.end is not None:
            where.append(f"s.{layer.time_field} < %(interval_end)s")
            params["interval_end"] = query.interval.end
    if page.after is not None:
        where.append(f"s.key {'<' if layer.newest_first else '>'} %(page_after)s")
        params["page_after"] = page.after
    direction = "DESC" if layer.newest_first else "ASC"
    sql = (
        f"SELECT s.key, {feature_sql(layer)} FROM ({page.source.sql}) s"
        f" WHERE {' AND '.join(where)} ORDER BY s.key {direction} LIMIT %(page_limit)s"
    )
    return sql, params


def feature_sql(layer: Layer) -> str:
    """The expression that is a row's feature as JSON text."""
    columns = ", ".join(f"{_value_sql(prop)} AS {prop.name}" for prop in layer.properties)
    # RFC 7946 section 3.1.6: outer rings run counter-clockwise.
    geometry = "s.geom" if layer.geometry_type == "Point" else "ST_ForcePolygonCCW(s.geom)"
    return (
        '\'{"type":"Feature","id":\' || to_json(s.fid)::text || \',"geometry":\''
        f" || coalesce(ST_AsGeoJSON({geometry}, {GEOMETRY_DIGITS}), 'null')"
        f" || ',\"properties\":' || (SELECT row_to_json(p)::text FROM (SELECT {columns}) p) || '}}'"
    )


def _value_sql(prop: Property) -> str:
    # row_to_json prints the float 5.0 as 5, and QGIS then takes the column for whole numbers: a numeric keeps its digits.
    if prop.type == "number":
        return f"round(s.{prop.name}::numeric, {max(prop.decimals, 1)})"
    return f"s.{prop.name}"
