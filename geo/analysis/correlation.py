"""Complaints against readings, by area: the series come from two grouped queries, the rest is numpy."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection
from django.utils import timezone
from numpy.typing import NDArray

from geo.analysis.statistics.correlation import MAX_LAG, LaggedCorrelation, lagged_spearman
from server.core.sql import load_queries

SQL = load_queries(Path(__file__).with_name("queries.sql"))

Interval = Literal["hour", "day", "week"]
Source = Literal["inside", "nearest", "none"]
Floats = NDArray[np.float64]

# Rhythms that people's reports and readings share, in intervals, longest first: the week and the day.
CYCLES: Mapping[str, Sequence[int]] = {"hour": (168, 24), "day": (7,), "week": ()}


@dataclass(frozen=True, slots=True)
class CorrelationParams:
    """What to correlate. `lag` None tries 0 to 14 and takes the strongest; `category_ids` None is every category.

    The period is half-open and is cut to whole intervals of the city's time that are over by `now`.
    """

    city_id: int
    zone: str
    level: str
    category_ids: tuple[int, ...] | None
    observed_property: str
    start: datetime
    end: datetime
    interval: Interval
    lag: int | None = None
    max_distance_m: float = 10_000.0
    permutations: int = 999
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class AreaCorrelation:
    """One area's figures. `reports` counts the whole period; `mean` is over its whole intervals; `n` has both."""

    area_id: int
    code: str
    reports: int
    mean: float | None
    n: int
    rho: float | None
    lag: int | None
    p: float | None
    reason: str | None
    source: Source
    things: tuple[str, ...]
    distance_m: float | None
    shifts: int = 0
    by_lag: tuple[tuple[int, float | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    """Consecutive intervals: `edges` (history + n + 1,) in epoch seconds; the first `history` lie before the period."""

    edges: NDArray[np.int64]
    history: int

    @property
    def n(self) -> int:
        return len(self.edges) - 1 - self.history

    def places(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """The index of the interval that begins at each time, -1 where none does."""
        if len(self.edges) < 2 or len(starts) == 0:
            return np.full(len(starts), -1)
        found = np.searchsorted(self.edges[:-1], starts)
        found[found == len(self.edges) - 1] = 0
        return np.where(self.edges[found] == starts, found, -1)


@dataclass(frozen=True, slots=True)
class _Placement:
    """A datastream while its thing stood at one place, with the area of the asked level that holds it."""

    datastream_id: int
    location_id: int
    thing: str
    area_id: int | None
    aggregate: str
    as_anomaly: bool


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where an area's values come from."""

    source: Source
    placements: tuple[_Placement, ...] = ()
    distance_m: float | None = None


def correlate(params: CorrelationParams) -> list[AreaCorrelation]:
    """One row per current area of the level, by code. Five queries, however many areas, things and intervals."""
    timeline = make_timeline(params, params.now or timezone.now())
    areas = _rows(SQL.correlation_areas, params)
    counts, totals = _report_counts(params, timeline, [area_id for area_id, _code in areas])
    span = _span(timeline, history=0)
    placements = [_Placement(*row) for row in _rows(SQL.correlation_placements, params, **span)]
    origins = _origins(params, [area_id for area_id, _code in areas], placements)
    series = _series(params, timeline, placements)
    rows = []
    for area_id, code in areas:
        origin = origins[area_id]
        values = mean_of([series[(p.datastream_id, p.location_id)] for p in origin.placements], len(timeline.edges) - 1)
        found = _correlate_area(params, timeline, counts[area_id], values, code)
        period = values[timeline.history :]
        rows.append(
            AreaCorrelation(
                area_id=area_id,
                code=code,
                reports=totals[area_id],
                mean=None if np.isnan(period).all() else float(np.nanmean(period)),
                n=found.n,
                rho=found.rho,
                lag=found.lag,
                p=found.p,
                reason=found.reason,
                source=origin.source,
                things=tuple(sorted({p.thing for p in origin.placements})),
                distance_m=origin.distance_m,
                shifts=found.shifts,
                by_lag=found.by_lag,
            )
        )
    return rows


def make_timeline(params: CorrelationParams, now: datetime) -> Timeline:
    """The whole intervals of the city's time within the period that are over, and those of the lags before them.

    Property values from before the period may explain reports in it, so that every lag speaks of the same reports.
    """
    history = MAX_LAG if params.lag is None else params.lag
    zone, end = ZoneInfo(params.zone), min(params.end, now)
    if params.interval == "hour":
        first = -(-int(params.start.timestamp()) // 3600) * 3600
        last = int(end.timestamp()) // 3600 * 3600
        edges = np.arange(first - history * 3600, last + 1, 3600) if last > first else np.array([first])
    else:
        days = 1 if params.interval == "day" else 7
        start_day = params.start.astimezone(zone).date()
        if datetime.combine(start_day, time.min, zone) < params.start:
            start_day += timedelta(days=1)
        if params.interval == "week":
            start_day += timedelta(days=-start_day.weekday() % 7)
        count = max((end.astimezone(zone).date() - start_day).days // days, 0)
        steps = range(-history, count + 1) if count else range(1)
        midnights = [datetime.combine(start_day + timedelta(days=days * i), time.min, zone) for i in steps]
        edges = np.array([int(midnight.timestamp()) for midnight in midnights])
    return Timeline(edges.astype(np.int64), history if len(edges) > 1 else 0)


def mean_of(series: Sequence[Floats], length: int) -> Floats:
    """The mean of the series that have a value, per interval; NaN where none has. No series: all NaN."""
    total, present = np.zeros(length), np.zeros(length)
    for values in series:
        has = ~np.isnan(values)
        total[has] += values[has]
        present += has
    return np.divide(total, present, out=np.full(length, np.nan), where=present > 0)


def _correlate_area(
    params: CorrelationParams, timeline: Timeline, counts: Floats, values: Floats, code: str
) -> LaggedCorrelation:
    return lagged_spearman(
        counts,
        values,
        lags=range(MAX_LAG + 1) if params.lag is None else [params.lag],
        history=timeline.history,
        cycles=CYCLES[params.interval],
        permutations=params.permutations,
        seed=zlib.crc32(code.encode()),
    )


def _rows(sql: str, params: CorrelationParams, **more: Any) -> list[tuple[Any, ...]]:
    values = {
        "city_id": params.city_id,
        "zone": params.zone,
        "level": params.level,
        "category_ids": None if params.category_ids is None else list(params.category_ids),
        "observed_property": params.observed_property,
        "start": params.start,
        "end": params.end,
        "interval": params.interval,
        "max_distance_m": params.max_distance_m,
        **more,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _span(timeline: Timeline, *, history: int) -> dict[str, datetime]:
    """From the first edge (that many intervals before the period) to the last; an empty timeline spans nothing."""
    edges = timeline.edges
    first = edges[timeline.history - history]
    return {"start": datetime.fromtimestamp(int(first), UTC), "end": datetime.fromtimestamp(int(edges[-1]), UTC)}


def _report_counts(
    params: CorrelationParams, timeline: Timeline, area_ids: Sequence[int]
) -> tuple[dict[int, Floats], dict[int, int]]:
    """Reports per interval (0 where nobody reported), and in the whole period, cut intervals included."""
    counts = {area_id: np.zeros(timeline.n) for area_id in area_ids}
    totals = dict.fromkeys(area_ids, 0)
    found = np.array(_rows(SQL.correlation_reports, params), dtype=np.int64).reshape(-1, 3)
    # An interval that the period cuts begins before it, so its partial count has no place in the timeline.
    places = timeline.places(found[:, 1]) - timeline.history
    for area_id in area_ids:
        mine = found[:, 0] == area_id
        totals[area_id] = int(found[mine, 2].sum())
        inside = mine & (places >= 0)
        counts[area_id][places[inside]] = found[inside, 2]
    return counts, totals


def _origins(
    params: CorrelationParams, area_ids: Sequence[int], placements: Sequence[_Placement]
) -> dict[int, _Origin]:
    """Each area's things: those that measured inside it in the period, else the nearest one within reach."""
    inside: dict[int, list[_Placement]] = {}
    at: dict[int, list[_Placement]] = {}
    for placement in placements:
        at.setdefault(placement.location_id, []).append(placement)
        if placement.area_id is not None:
            inside.setdefault(placement.area_id, []).append(placement)
    without = [area_id for area_id in area_ids if area_id not in inside]
    nearest = {
        area_id: _Origin("nearest", tuple(at[location_id]), distance_m)
        for area_id, location_id, distance_m in _rows(
            SQL.correlation_nearest, params, area_ids=without, location_ids=sorted(at)
        )
    }
    own = {area_id: _Origin("inside", tuple(found), 0.0) for area_id, found in inside.items()}
    return {area_id: own.get(area_id) or nearest.get(area_id) or _Origin("none") for area_id in area_ids}


def _series(
    params: CorrelationParams, timeline: Timeline, placements: Sequence[_Placement]
) -> dict[tuple[int, int], Floats]:
    """Each placement's aggregate per interval, history included, NaN where none; anomalies where levels differ."""
    found = np.array(
        _rows(
            SQL.correlation_values,
            params,
            location_ids=sorted({p.location_id for p in placements}),
            **_span(timeline, history=timeline.history),
        ),
        dtype=float,
    ).reshape(-1, 6)
    found = found[np.lexsort((found[:, 1], found[:, 0]))]
    places = timeline.places(found[:, 2].astype(np.int64))
    series = {}
    for p in placements:
        first, last = np.searchsorted(found[:, 0], [p.datastream_id, p.datastream_id + 1])
        mine = np.arange(first, last)[found[first:last, 1] == p.location_id]
        mine = mine[places[mine] >= 0]
        n, total, greatest = found[mine, 3], found[mine, 4], found[mine, 5]
        values = np.full(len(timeline.edges) - 1, np.nan)
        values[places[mine]] = {"mean": total / n, "sum": total, "max": greatest}[p.aggregate]
        period = values[timeline.history :]
        if p.as_anomaly and not np.isnan(period).all():
            values -= np.nanmedian(period)
        series[(p.datastream_id, p.location_id)] = values
    return series
