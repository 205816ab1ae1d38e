"""Rows of any layer as Mapbox Vector Tiles, written by PostGIS in one statement.

From CLUSTER_BELOW_ZOOM on a tile holds every row. Below it points are gathered by cells of the tile's grid, so that no tile is cut
and neighbours look alike (docs/adr/008). Sources: Mapbox Vector Tile 2.1; OGC 17-083r4, annex D.1 (WebMercatorQuad).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from geo.layers.layer import Layer, Property
from geo.layers.select import SQL_TYPES, Selection, selected_sql

MAX_ZOOM = 22
EXTENT = 4096
# Units of the extent by which geometries reach over the edge, so that outlines and symbols are not cut there.
BUFFER = 64
CLUSTER_BELOW_ZOOM = 14
# Cells of a clustered tile along each side: 16 pixels of a tile that is shown at 512.
CELLS = 32
# What a cluster has besides, and a point by itself has not (as in supercluster, so that filters are the same).
POINT_COUNT, IS_CLUSTER = "point_count", "is_cluster"


@dataclass(frozen=True, slots=True)
class Tile:
    """An address in WebMercatorQuad; y counts from the north."""

    z: int
    x: int
    y: int

    def box(self, buffer: int = 0) -> tuple[float, float, float, float]:
        """West, south, east, north in degrees, grown by so many units of the extent; it ends at the antimeridian."""
        grown, across = buffer / EXTENT, 2.0**self.z
        west, east = ((self.x + d) / across * 360 - 180 for d in (-grown, 1 + grown))
        south, north = (_latitude((self.y + d) / across) for d in (1 + grown, -grown))
        return max(west, -180.0), south, min(east, 180.0), north


def tile_at(lon: float, lat: float, z: int, *, shift: int = 0) -> Tile:
    """The tile that holds a place, or the one so many units of the extent south-east of it; beyond the edge of the
    projection the nearest one."""
    across = 2**z
    sine = math.sin(math.radians(max(-85.06, min(85.06, lat))))
    place = ((lon + 180) / 360, 0.5 - math.atanh(sine) / math.pi / 2)
    x, y = (max(0, min(across - 1, math.floor(at * across + shift / EXTENT))) for at in place)
    return Tile(z, x, y)


def tiles_over(box: tuple[float, float, float, float], z: int) -> tuple[Tile, Tile]:
    """The first and the last of the tiles that show something of a box: what reaches over their edges is theirs, too."""
    west, south, east, north = box
    return tile_at(west, north, z, shift=-BUFFER), tile_at(east, south, z, shift=BUFFER)


def _latitude(down: float) -> float:
    """Of a height in the square of the projection, 0 at its northern edge and 1 at its southern one."""
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * down))))


def is_clustered(layer: Layer, z: int) -> bool:
    return layer.geometry_type == "Point" and z < CLUSTER_BELOW_ZOOM


def tile_properties(layer: Layer, asked: Sequence[str] | None = None) -> list[Property]:
    """What a feature of a tile carries beside its `id`: what was asked for, else what the layer declares, else what is short."""
    names = asked if asked is not None else layer.tile_properties
    if names is None:
        return [p for p in layer.properties if p.type in SQL_TYPES and not p.is_long and p.name != "id"]
    return [p for p in layer.properties if p.name in names and p.name != "id"]


def vector_tile(selection: Selection, tile: Tile, asked: Sequence[str] | None = None) -> bytes:
    """The tile; empty bytes where it holds nothing."""
    sql, params = tile_sql(selection, tile, asked)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return bytes(cursor.fetchone()[0] or b"")


def tile_sql(selection: Selection, tile: Tile, asked: Sequence[str] | None = None) -> tuple[str, dict[str, Any]]:
    """The statement whose one value is the tile: a layer named as the layer is, feature ids the rows' keys, in their order."""
    where, params = selected_sql(selection)
    is_gathered = is_clustered(selection.layer, tile.z)
    # The literal is in the rows' CRS, so that their index is used. Cells decide exactly; their box has a unit to spare for rounding.
    box = tile.box(1 if is_gathered else BUFFER)
    sides = dict(zip(("tile_w", "tile_s", "tile_e", "tile_n"), box, strict=True))
    params |= {**sides, "tile_z": tile.z, "tile_x": tile.x, "tile_y": tile.y, "tile_layer": selection.layer.id}
    values = _values(selection.layer, asked)
    rows = (_clusters if is_gathered else _features)(where, values, params)
    return (
        f"SELECT ST_AsMVT(t, %(tile_layer)s, {EXTENT}, 'place', 'key') FROM ({rows}) t WHERE place IS NOT NULL",
        params,
    )


_IN_BOX = "s.geom && ST_MakeEnvelope(%(tile_w)s, %(tile_s)s, %(tile_e)s, %(tile_n)s, 4326)"
_ENVELOPE = "ST_TileEnvelope(%(tile_z)s, %(tile_x)s, %(tile_y)s)"


def _features(where: str, values: dict[str, str], _params: dict[str, Any]) -> str:
    columns = ", ".join(f"{value} AS {name}" for name, value in values.items())
    place = f"ST_AsMVTGeom(ST_Transform(s.geom, 3857), {_ENVELOPE}, {EXTENT}, {BUFFER}, true)"
    return f"SELECT s.key, {columns}, {place} AS place {where} AND {_IN_BOX} ORDER BY s.key"


def _clusters(where: str, values: dict[str, str], params: dict[str, Any]) -> str:
    """A row per cell that holds points: a cluster at their mean with the least of their keys, or the one point as it is.

    A point lies in one cell of one tile, half-open, without a buffer: the counts of all tiles of a zoom add up to the rows.
    """
    across = CELLS * 2 ** params["tile_z"]
    first = {"tile_col": params["tile_x"] * CELLS, "tile_row": params["tile_y"] * CELLS}
    params |= {**first, "tile_across": float(across), "tile_last": across - 1}
    # By hand: 104 ms for 210,000 points, where ST_Transform takes 193 ms. The meridian of 180 degrees belongs to the last column.
    col = "least(floor((ST_X(s.geom) + 180) / 360 * %(tile_across)s)::bigint, %(tile_last)s)"
    row = "floor((0.5 - ln(tan(radians(ST_Y(s.geom)) / 2 + pi() / 4)) / pi() / 2) * %(tile_across)s)::bigint"
    mean = "ST_Transform(ST_SetSRID(ST_MakePoint(c.lon, c.lat), 4326), 3857)"
    own = ", ".join(f"{value} AS {name}" for name, value in values.items())
    return f"""
        WITH cells AS MATERIALIZED (
            SELECT {col} AS col, {row} AS row, count(*) AS points, min(s.key) AS key,
                   avg(ST_X(s.geom)) AS lon, avg(ST_Y(s.geom)) AS lat
            {where} AND {_IN_BOX} GROUP BY 1, 2
        ), own AS (
            SELECT * FROM cells
            WHERE col BETWEEN %(tile_col)s AND %(tile_col)s + {CELLS - 1}
              AND row BETWEEN %(tile_row)s AND %(tile_row)s + {CELLS - 1}
        ), alone AS (
            SELECT s.key, {own} {where} AND s.key = ANY(ARRAY(SELECT key FROM own WHERE points = 1))
        )
        SELECT c.key, {", ".join(f"alone.{name}" for name in values)},
               CASE WHEN c.points > 1 THEN c.points END AS {POINT_COUNT}, CASE WHEN c.points > 1 THEN true END AS {IS_CLUSTER},
               ST_AsMVTGeom({mean}, {_ENVELOPE}, {EXTENT}, 0, false) AS place
        FROM own c LEFT JOIN alone ON alone.key = c.key ORDER BY c.key"""


def _values(layer: Layer, asked: Sequence[str] | None) -> dict[str, str]:
    """The columns of a feature, `id` first: a tile has numbers for ids only, and clients want the layer's own."""
    own = layer.property_named("id")
    values = {"id": "s.fid" if own is None else _value(own)}
    return values | {prop.name: _value(prop) for prop in tile_properties(layer, asked)}


def _value(prop: Property) -> str:
    """As GeoJSON has it, in the types that a tile knows: ST_AsMVT would write a numeric or a time as it likes."""
    if prop.type == "number":
        return f"round(s.{prop.name}::numeric, {max(prop.decimals, 1)})::double precision"
    if prop.type == "datetime":
        return f"to_json(s.{prop.name}) #>> '{{}}'"
    if prop.type == "array":
        return f"to_json(s.{prop.name})::text"
    return f"s.{prop.name}::{SQL_TYPES[prop.type]}"
