"""Series by area on a timeline: how many reports of a category, and what an observed property was.

An area's value comes from the things that stood in it, else from the nearest thing within reach, else from all things of the
city by inverse distance; which one, how far away and how well is said with it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from geo.analysis.statistics.interpolation import idw_weights, interpolate, leave_one_out_error
from geo.analysis.timeline import Integers, Timeline
from server.core.sql import load_queries

SQL = load_queries(Path(__file__).with_name("series.sql"))
# Fewer things than this are no field to interpolate in: a plane has three points.
MIN_THINGS = 3

Source = Literal["inside", "nearest", "interpolated", "none"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Region:
    """Whose series are asked for: current areas (id, code) of a city, and the city's own area if there is one."""

    city_id: int
    zone: str
    areas: tuple[tuple[int, str], ...]
    root_id: int | None

    @property
    def area_ids(self) -> list[int]:
        """Of the areas, and of the city as a whole where it is none of them."""
        ids = [area_id for area_id, _code in self.areas]
        return ids if self.root_id is None or self.root_id in ids else [*ids, self.root_id]


@dataclass(frozen=True, slots=True)
class Measured:
    """An observed property in an area: `values` (history + n,), NaN where nobody measured.

    `things` by slug, the nearest first where they stand outside; `distances_m` are theirs: from the area's border for the
    nearest, from a point on its surface for interpolated ones, 0 inside. `error` is the root mean square of what
    interpolation gets wrong at the things themselves, each left out in turn, in the property's unit.
    """

    values: Floats
    source: Source
    things: tuple[str, ...] = ()
    distances_m: tuple[float, ...] = ()
    error: float | None = None


@dataclass(frozen=True, slots=True)
class _Gauge:
    """A datastream while its thing stood at one place, with the asked areas that hold it."""

    datastream_id: int
    location_id: int
    thing: str
    area_ids: tuple[int, ...]
    as_anomaly: bool
    x_m: float
    y_m: float


def find_region(city_id: int, zone: str, level: str) -> Region:
    """The current areas of a level, by code."""
    rows = _rows(SQL.areas, city_id=city_id, level=level)
    asked = tuple((area_id, code) for area_id, code, is_asked in rows if is_asked)
    roots = [area_id for area_id, _code, is_asked in rows if not is_asked]
    return Region(city_id, zone, asked, roots[0] if roots else (asked[0][0] if len(asked) == 1 else None))


def report_counts(
    region: Region, timeline: Timeline, groups: Mapping[int, Sequence[int]], period: tuple[datetime, datetime]
) -> dict[tuple[int, int], tuple[Floats, int]]:
    """Public reports by (area id, group): how many in each interval (n,), and in the whole period, cut intervals included.

    `groups` names the category ids of each group. What nobody reported is there as zeros.
    """
    pairs = [(category_id, group) for group, ids in groups.items() for category_id in ids]
    counts = {(area_id, group): (np.zeros(timeline.n), 0) for area_id in region.area_ids for group in groups}
    rows = _rows(
        SQL.reports,
        city_id=region.city_id,
        area_ids=region.area_ids,
        category_ids=[category_id for category_id, _group in pairs],
        groups=[group for _category_id, group in pairs],
        edges=timeline.moments[timeline.history :],
        start=period[0],
        end=period[1],
    )
    for area_id, group, intervals, reports in rows:
        series, found = np.zeros(timeline.n), np.frombuffer(reports, dtype=">i8")
        places, is_whole = _places(intervals, timeline.n)
        series[places[is_whole]] = found[is_whole]
        counts[area_id, group] = series, int(found.sum())
    return counts


def measured_values(
    region: Region, timeline: Timeline, properties: Sequence[str], max_distance_m: float
) -> dict[str, dict[int, Measured]]:
    """Each property in each area of the region, the city as a whole included."""
    found: dict[str, list[_Gauge]] = {code: [] for code in properties}
    span = {"start": timeline.start, "first": timeline.first, "end": timeline.end}
    asked = {"city_id": region.city_id, "properties": list(properties), "area_ids": region.area_ids, **span}
    for code, datastream_id, location_id, thing, area_ids, as_anomaly, x, y in _rows(SQL.placements, **asked):
        found[code].append(_Gauge(datastream_id, location_id, thing, tuple(area_ids), as_anomaly, x, y))
    gauges = [gauge for of_property in found.values() for gauge in of_property]
    series = _gauge_series(timeline, properties, gauges)
    surfaces: dict[int, tuple[float, float]] = {}
    return {
        code: _by_area(region, timeline, of_property, series, max_distance_m, surfaces)
        for code, of_property in found.items()
    }


def mean_of(series: Sequence[Floats], length: int) -> Floats:
    """The mean of the series that have a value, per interval; NaN where none has. No series: all NaN."""
    total, present = np.zeros(length), np.zeros(length)
    for values in series:
        has = ~np.isnan(values)
        total[has] += values[has]
        present += has
    return np.divide(total, present, out=np.full(length, np.nan), where=present > 0)


def _rows(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _places(intervals: bytes, n: int) -> tuple[Integers, NDArray[np.bool_]]:
    """The places of numbered intervals in a series of n, and which of them are whole ones."""
    places = np.frombuffer(intervals, dtype=">i8").astype(np.int64) - 1
    return places, (places >= 0) & (places < n)


def _gauge_series(
    timeline: Timeline, properties: Sequence[str], gauges: Sequence[_Gauge]
) -> dict[tuple[int, int], Floats]:
    """Each gauge's value per interval, history included, NaN where none; differences from its median where levels differ."""
    length = len(timeline.edges) - 1
    series = {(gauge.datastream_id, gauge.location_id): np.full(length, np.nan) for gauge in gauges}
    rows = _rows(
        SQL.values,
        properties=list(properties),
        location_ids=sorted({gauge.location_id for gauge in gauges}),
        edges=timeline.moments,
        first=timeline.first,
        end=timeline.end,
    )
    for datastream_id, location_id, intervals, numbers in rows:
        if (values := series.get((datastream_id, location_id))) is None:
            continue
        places, is_whole = _places(intervals, length)
        values[places[is_whole]] = np.frombuffer(numbers, dtype=">f8")[is_whole]
    for gauge in gauges:
        values = series[gauge.datastream_id, gauge.location_id]
        period = values[timeline.history :]
        if gauge.as_anomaly and not np.isnan(period).all():
            values -= np.nanmedian(period)
    return series


def _by_area(
    region: Region,
    timeline: Timeline,
    gauges: Sequence[_Gauge],
    series: Mapping[tuple[int, int], Floats],
    max_distance_m: float,
    surfaces: dict[int, tuple[float, float]],
) -> dict[int, Measured]:
    length = len(timeline.edges) - 1
    inside: dict[int, list[_Gauge]] = {}
    for gauge in gauges:
        for area_id in gauge.area_ids:
            inside.setdefault(area_id, []).append(gauge)

    def mean(of: Iterable[_Gauge]) -> Floats:
        return mean_of([series[gauge.datastream_id, gauge.location_id] for gauge in of], length)

    measured = {}
    for area_id, own in inside.items():
        things = tuple(sorted({gauge.thing for gauge in own}))
        measured[area_id] = Measured(mean(own), "inside", things, (0.0,) * len(things))
    without = [area_id for area_id in region.area_ids if area_id not in measured]
    if without and gauges:
        places = sorted({gauge.location_id for gauge in gauges})
        near = _rows(SQL.nearest, area_ids=without, location_ids=places, max_distance_m=max_distance_m)
        for area_id, location_id, distance_m in near:
            at = [gauge for gauge in gauges if gauge.location_id == location_id]
            things = tuple(sorted({gauge.thing for gauge in at}))
            measured[area_id] = Measured(mean(at), "nearest", things, (distance_m,) * len(things))
        beyond = [area_id for area_id in without if area_id not in measured]
        measured |= _interpolated(beyond, gauges, mean, surfaces)
    nothing = Measured(np.full(length, np.nan), "none")
    return {area_id: measured.get(area_id, nothing) for area_id in region.area_ids}


def _interpolated(
    area_ids: Sequence[int], gauges: Sequence[_Gauge], mean: Any, surfaces: dict[int, tuple[float, float]]
) -> dict[int, Measured]:
    """The areas that no thing is near enough to, from all places that measured, by inverse distance."""
    at: dict[int, list[_Gauge]] = {}
    for gauge in gauges:
        at.setdefault(gauge.location_id, []).append(gauge)
    if not area_ids or len(at) < MIN_THINGS:
        return {}
    if missing := [area_id for area_id in area_ids if area_id not in surfaces]:
        surfaces |= {area_id: (x, y) for area_id, x, y in _rows(SQL.points_on_areas, area_ids=missing)}
    points = np.array([(own[0].x_m, own[0].y_m) for own in at.values()])
    values = np.stack([mean(own) for own in at.values()])
    names = ["+".join(sorted({gauge.thing for gauge in own})) for own in at.values()]
    to_areas = _distances(np.array([surfaces[area_id] for area_id in area_ids]), points)
    weights = idw_weights(to_areas)
    error = leave_one_out_error(values, _distances(points, points))
    fields = interpolate(values, weights)
    measured = {}
    for i, area_id in enumerate(area_ids):
        used = [j for j in np.argsort(to_areas[i], kind="stable") if weights[i, j] > 0]
        things = tuple(names[j] for j in used)
        distances = tuple(round(float(to_areas[i, j]), 1) for j in used)
        measured[area_id] = Measured(fields[i], "interpolated", things, distances, error.rmse)
    return measured


def _distances(first: Floats, second: Floats) -> Floats:
    return np.hypot(*(first[:, None, :] - second[None, :, :]).transpose(2, 0, 1))
