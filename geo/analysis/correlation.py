"""Complaints against readings, by area and for the city: series from two grouped queries, the rest is numpy."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.utils import timezone

from geo.analysis.series import Measured, find_region, measured_values, report_counts
from geo.analysis.statistics.correlation import MAX_LAG, LaggedCorrelation, correlate_pairs
from geo.analysis.statistics.coverage import is_sparse
from geo.analysis.statistics.discovery import benjamini_hochberg
from geo.analysis.statistics.rhythm import Rhythm, days_of_week, hours_of_week, no_rhythm
from geo.analysis.timeline import Interval, Timeline, make_timeline

# Why there is no figure where the property is measured less often than the interval asks.
TOO_SPARSE = "too_sparse"
# The one group of categories that is counted.
ASKED = 0


@dataclass(frozen=True, slots=True)
class CorrelationParams:
    """What to correlate. `lag` None tries 0 to 14 and takes the strongest; `category_ids` lists all that count.

    The period is half-open and is cut to whole intervals of the city's time that are over by `now`.
    """

    city_id: int
    zone: str
    level: str
    category_ids: Sequence[int]
    observed_property: str
    start: datetime
    end: datetime
    interval: Interval
    lag: int | None = None
    max_distance_m: float = 10_000.0
    now: datetime | None = None

    @property
    def lags(self) -> range:
        return range(MAX_LAG + 1) if self.lag is None else range(self.lag, self.lag + 1)


@dataclass(frozen=True, slots=True)
class AreaCorrelation:
    """One area's figures. `reports` counts the whole period; `mean` is over its whole intervals.

    `q` is the p-value of `found` among those of all areas that have one (Benjamini-Hochberg); None for the city as a whole.
    """

    area_id: int
    code: str
    reports: int
    mean: float | None
    measured: Measured
    found: LaggedCorrelation
    reason: str | None
    q: float | None


@dataclass(frozen=True, slots=True)
class Correlations:
    """A row for each current area of the level, by code; `city` is the city as a whole; `tests` counts the p-values."""

    areas: tuple[AreaCorrelation, ...]
    city: AreaCorrelation | None
    tests: int
    intervals: int


def correlate(params: CorrelationParams) -> Correlations:
    """At most six queries, however many areas, things and intervals."""
    timeline = timeline_of(params)
    region = find_region(params.city_id, params.zone, params.level)
    groups = {ASKED: params.category_ids}
    counts = report_counts(region, timeline, groups, (params.start, params.end))
    code = params.observed_property
    measured = measured_values(region, timeline, [code], params.max_distance_m)[code]
    ids = region.area_ids
    values = np.array([measured[area_id].values for area_id in ids]).reshape(len(ids), len(timeline.slots))
    sparse = dict(zip(ids, is_sparse(values), strict=True))
    values[[sparse[area_id] for area_id in ids]] = np.nan
    found = correlate_pairs(
        np.array([counts[area_id, ASKED][0] for area_id in ids]).reshape(len(ids), timeline.n),
        values,
        rhythm_of(timeline, params.interval),
        lags=params.lags,
        history=timeline.history,
    )
    of_area = dict(zip(ids, found, strict=True))
    p = np.array([np.nan if (p := of_area[area_id].p) is None else p for area_id, _code in region.areas])
    q = benjamini_hochberg(p)

    def row(area_id: int, code: str, q: float) -> AreaCorrelation:
        period = measured[area_id].values[timeline.history :]
        return AreaCorrelation(
            area_id=area_id,
            code=code,
            reports=counts[area_id, ASKED][1],
            mean=None if np.isnan(period).all() else float(np.nanmean(period)),
            measured=measured[area_id],
            found=of_area[area_id],
            reason=TOO_SPARSE if sparse[area_id] else of_area[area_id].reason,
            q=None if np.isnan(q) else float(q),
        )

    return Correlations(
        areas=tuple(row(area_id, code, float(q[i])) for i, (area_id, code) in enumerate(region.areas)),
        city=None if region.root_id is None else row(region.root_id, "", np.nan),
        tests=int(np.sum(~np.isnan(p))),
        intervals=timeline.n,
    )


def timeline_of(params: CorrelationParams) -> Timeline:
    """Readings from before the period may explain reports in it, so that every lag speaks of the same reports."""
    return make_timeline(
        zone=params.zone,
        start=params.start,
        end=params.end,
        interval=params.interval,
        history=params.lags[-1],
        now=params.now or timezone.now(),
    )


def rhythm_of(timeline: Timeline, interval: Interval) -> Rhythm:
    """The rhythm that everything in a city shares, on this timeline."""
    if interval == "hour":
        return hours_of_week(timeline.slots)
    return days_of_week(timeline.slots) if interval == "day" else no_rhythm(len(timeline.slots))
