"""Who is simulated: the things that say so in the registry, and the districts of their city."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from django.contrib.gis.geos import GEOSGeometry, Point
from django.db import connection

from geo.areas.models import City
from geo.demo.city_model import CityModel, Stream, reach_of
from geo.demo.messages import Feed
from geo.demo.noise import key_of, uniform
from geo.demo.report_model import HOTSPOTS, District
from server.core.sql import load_queries

SQL = load_queries(Path(__file__).with_name("queries.sql"))
# Candidates of which the hotspots are chosen; those well inside the district come first.
HOTSPOT_CANDIDATES = 400


@dataclass(frozen=True, slots=True)
class Network:
    """The simulated part of a city."""

    feeds: tuple[Feed, ...]
    districts: tuple[District, ...]

    @property
    def datastream_ids(self) -> list[int]:
        return [pk for feed in self.feeds for pk in feed.datastream_ids]


def model_of(city: City) -> CityModel:
    """The model in the city's time."""
    offset = datetime.now(city.zone).utcoffset()
    return CityModel(utc_offset_h=int(offset.total_seconds() // 3600) if offset else 0)


def load_network(city: City) -> Network:
    """The feeds and districts as the registry has them now: two queries."""
    feeds = tuple(
        Feed(
            thing=thing,
            interval_s=interval_s,
            datastream_ids=tuple(datastream_ids),
            streams=tuple(Stream(thing, code, district or thing) for code in codes),
        )
        for thing, interval_s, district, datastream_ids, codes in _rows(SQL.demo_feeds, city)
    )
    districts = tuple(
        _district(code, name, bytes(boundary), gauges)
        for code, name, boundary, gauges in _rows(SQL.demo_districts, city)
    )
    return Network(feeds, districts)


def _rows(sql: str, city: City) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"city_id": city.pk})
        return list(cursor.fetchall())


def _district(code: str, name: str, boundary: bytes, gauges: list[str]) -> District:
    geometry = GEOSGeometry(memoryview(boundary), srid=4326)
    prepared = geometry.prepared
    return District(
        code=code,
        name=name,
        hotspots=_hotspots(code, geometry),
        gauges=tuple(sorted({reach_of(gauge) for gauge in gauges})),
        contains=_contains(prepared),
    )


def _contains(prepared: Any) -> Callable[[float, float], bool]:
    return lambda lon, lat: bool(prepared.contains(Point(lon, lat, srid=4326)))


def _hotspots(code: str, geometry: GEOSGeometry) -> tuple[tuple[float, float], ...]:
    """The places where people report most: some of many candidates inside, and not at the border."""
    west, south, east, north = geometry.extent
    across = uniform(key_of("hotspot-x", code), np.arange(HOTSPOT_CANDIDATES))
    up = uniform(key_of("hotspot-y", code), np.arange(HOTSPOT_CANDIDATES))
    candidates = [
        Point(west + float(x) * (east - west), south + float(y) * (north - south), srid=4326)
        for x, y in zip(across, up, strict=True)
    ]
    prepared, border = geometry.prepared, geometry.boundary
    inside = [point for point in candidates if prepared.contains(point)]
    if len(inside) < HOTSPOTS:
        inside = [geometry.point_on_surface]
    deepest = max(point.distance(border) for point in inside)
    deep = [point for point in inside if point.distance(border) >= deepest / 3]
    return tuple((point.x, point.y) for point in deep[:HOTSPOTS])
