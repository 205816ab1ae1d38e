"""A vector tile as it is served, and the statement that makes the same one in PostGIS alone."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

EXTENT = 4096


@dataclass(frozen=True, slots=True)
class ServedTile:
    """What the first layer of a tile holds. Source of the numbers below: Mapbox Vector Tile 2.1, vector_tile.proto."""

    body: bytes
    name: str
    keys: tuple[str, ...]
    features: int
    extent: int


def read_tile(body: bytes) -> ServedTile:
    layer = next(value for number, value in _fields(body) if number == 3 and isinstance(value, bytes))
    name, keys, features, extent = "", [], 0, EXTENT
    for number, value in _fields(layer):
        if number == 1 and isinstance(value, bytes):
            name = value.decode()
        elif number == 2:
            features += 1
        elif number == 3 and isinstance(value, bytes):
            keys.append(value.decode())
        elif number == 5 and isinstance(value, int):
            extent = value
    return ServedTile(body, name, tuple(keys), features, extent)


def tile_sql(tile: ServedTile, address: tuple[int, int, int]) -> str:
    """ST_AsMVT of the view with the properties that the served tile has, in its order."""
    from geo.layers.catalogue import layer_by_id

    declared = {prop.name: prop.type for prop in layer_by_id("reports").properties}
    columns = ", ".join(
        f"to_json({key}) #>> '{{}}' AS {key}" if declared[key] == "datetime" else key
        for key in tile.keys
        if key in declared
    )
    z, x, y = address
    return (
        f"SELECT ST_AsMVT(t, '{tile.name}', {tile.extent}, 'place', 'key') FROM (SELECT key, {columns},"
        f" ST_AsMVTGeom(ST_Transform(geom, 3857), ST_TileEnvelope({z}, {x}, {y}), {tile.extent}, 64, true) AS place"
        f" FROM bench.reports WHERE geom && ST_Transform(ST_TileEnvelope({z}, {x}, {y}, margin => 64.0 / {tile.extent}), 4326)"
        " ORDER BY key) t WHERE place IS NOT NULL"
    )


def made_alone(statement: str) -> bytes:
    """The tile that the statement makes."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)
        return bytes(cursor.fetchone()[0])


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message: (number, value); bytes for what has a length."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield number, value
        elif kind == 2:
            size, at = _varint(data, at)
            yield number, data[at : at + size]
            at += size
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            yield number, int(struct.unpack_from("<Q" if size == 8 else "<I", data, at)[0])
            at += size
        else:
            raise ValueError(f"no such wire type: {kind}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
