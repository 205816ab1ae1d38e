"""Where and when the rows of a layer lie."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import connection

from geo.areas.models import City
from geo.layers.layer import Layer, Query
from geo.layers.results import parameters_of
from geo.layers.select import Selection, selected_sql

# An extent takes a pass over the rows; one that is some minutes old does no harm.
FRESH_FOR_S = 300
WORLD = (-180.0, -90.0, 180.0, 90.0)


@dataclass(frozen=True, slots=True)
class Extent:
    """`box` is west, south, east, north in degrees; `start` and `end` are of the layer's time field, None where it has none.

    `has_rows` is None where nobody looked.
    """

    box: tuple[float, float, float, float]
    start: datetime | None = None
    end: datetime | None = None
    has_rows: bool | None = None


def extent_of(layer: Layer, query: Query | None) -> Extent:
    """The extent of what a query finds, the city's own included: an empty layer has one as well.

    Without a query (a parameter that is required is missing) it is that of the cities alone.
    """
    if query is None or layer.is_stored:
        return Extent(cities_box(query.city if query else None))
    identity = json.dumps([layer.id, parameters_of(query), query.bbox, query.interval, query.condition], default=str)
    key = f"extent-{hashlib.sha256(identity.encode()).hexdigest()}"
    found: Extent | None = cache.get(key)
    if found is None:
        found = _rows_extent(layer, query)
        cache.set(key, found, FRESH_FOR_S)
    return found


def _rows_extent(layer: Layer, query: Query) -> Extent:
    city = cities_box(query.city)
    where, params = selected_sql(Selection(layer, query, layer.rows(query)))
    time = f"min(s.{layer.time_field}), max(s.{layer.time_field})" if layer.time_field else "NULL, NULL"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e), first, last"
            f" FROM (SELECT ST_Extent(s.geom), {time} {where}) found(e, first, last)",
            params,
        )
        west, south, east, north, start, end = cursor.fetchone()
    if west is None:
        return Extent(city, has_rows=False)
    box = (min(west, city[0]), min(south, city[1]), max(east, city[2]), max(north, city[3]))
    return Extent(box if city != WORLD else (west, south, east, north), start, end, has_rows=True)


def cities_box(city: City | None) -> tuple[float, float, float, float]:
    """The extent of the root areas of a city, or of all of them; the world where there is none yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) FROM (SELECT ST_Extent(boundary) FROM geo_area"
            " WHERE parent_id IS NULL AND retired_at IS NULL AND (%(city)s::bigint IS NULL OR city_id = %(city)s)) r(e)",
            {"city": city.pk if city else None},
        )
        box: Any = cursor.fetchone()
    return WORLD if box[0] is None else (box[0], box[1], box[2], box[3])
