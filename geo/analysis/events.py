"""Reports around a thing in the hours before and after its readings cross a threshold, against the same hours of other days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from geo.analysis.computed import Progress, no_progress
from geo.analysis.statistics.crossings import upward_crossings
from geo.analysis.statistics.events import SuperposedEpochs, superposed_epochs
from server.core.sql import load_queries

SQL = load_queries(Path(__file__).with_name("events.sql"))
# A threshold that is crossed more often marks no event, and every one takes its draws.
MAX_EVENTS = 500
HOUR_S = 3600

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EventsParams:
    """What to look at. The period is half-open and cut to whole hours that are over by `now`; None is every category."""

    city_id: int
    zone: str
    thing: str
    observed_property: str
    threshold: float
    start: datetime
    end: datetime
    now: datetime
    category_ids: Sequence[int] | None = None
    radius_m: float = 3_000.0
    before: int = 24
    after: int = 24
    quiet_h: int = 12
    permutations: int = 999
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thing stands, in degrees. `since` is None for its first place, `city_id` where no area holds it."""

    lon: float
    lat: float
    since: datetime | None
    city_id: int | None


@dataclass(frozen=True, slots=True)
class Crossing:
    """The hour in which the threshold was crossed, and the highest reading until the thing had been quiet again.

    `is_used`: the hours before and after it all lie in the period. `reports_after`: those of its hour and the hours after; None
    where it is not used.
    """

    time: datetime
    peak: float
    is_used: bool
    reports_after: int | None


@dataclass(frozen=True, slots=True)
class EventStudy:
    """`start` is later than the one asked for where the thing came to its place later. `reports` counts the whole period.

    `hours` are those of the period, `hours_with_readings` of them have one. `reason` says why there is no comparison.
    """

    place: Place
    start: datetime
    end: datetime
    hours: int
    hours_with_readings: int
    reports: int
    crossings: tuple[Crossing, ...]
    epochs: SuperposedEpochs
    reason: str | None


def last_place(thing: str, end: datetime) -> Place | None:
    """Where the thing stood last before `end`; None for a thing that has no place."""
    rows = _rows(SQL.last_place, thing=thing, end=end)
    return Place(*rows[0]) if rows else None


def study_events(params: EventsParams, progress: Progress = no_progress) -> EventStudy | None:
    """The events of a datastream and the reports around them. Three queries; None for a thing that has no place.

    A thing that moved is looked at where it stood last: the period begins with the first whole hour there, so that all
    hours speak of the reports around one place.
    """
    place = last_place(params.thing, params.end)
    if place is None:
        return None
    end = _hour(min(params.end, params.now))
    start = min(_hour(max(params.start, place.since or params.start), up=True), end)
    # What came before tells whether the thing was quiet when the period began; not what it measured elsewhere.
    first = start - timedelta(hours=max(params.quiet_h, 1))
    if place.since is not None:
        first = min(max(first, _hour(place.since, up=True)), start)
    values = _readings(params, first, end)
    progress(0.2)
    counts = _counts(params, place, start, end)
    progress(0.4)
    found = upward_crossings(values, params.threshold, params.quiet_h)
    times = [first + timedelta(hours=int(index)) for index in found]
    zone = ZoneInfo(params.zone)
    indices = np.array([_local_hour(time, zone) - _local_hour(start, zone) for time in times], dtype=np.int64)
    used = (indices >= params.before) & (indices + params.after < len(counts))
    in_period = [i for i, time in enumerate(times) if time >= start]
    is_too_many = len(in_period) > MAX_EVENTS
    epochs = superposed_epochs(
        counts,
        [] if is_too_many else indices,
        before=params.before,
        after=params.after,
        permutations=params.permutations,
        seed=params.seed,
    )
    progress(1.0)
    in_hours = values[int((start - first) / timedelta(hours=1)) :]
    with_readings = int(np.sum(~np.isnan(in_hours)))
    return EventStudy(
        place=place,
        start=start,
        end=end,
        hours=len(in_hours),
        hours_with_readings=with_readings,
        reports=int(counts.sum()),
        crossings=tuple(
            Crossing(
                times[i],
                _peak(values, int(found[i]), params),
                bool(used[i]),
                int(counts[indices[i] : indices[i] + params.after + 1].sum()) if used[i] else None,
            )
            for i in in_period[:MAX_EVENTS]
        ),
        epochs=epochs,
        reason=_reason(epochs, with_readings, is_too_many),
    )


def _reason(epochs: SuperposedEpochs, hours_with_readings: int, is_too_many: bool) -> str | None:
    if hours_with_readings == 0:
        return "no_readings"
    if is_too_many:
        return "too_many_events"
    return None if epochs.reason is None else epochs.reason.value


def _peak(values: Floats, index: int, params: EventsParams) -> float:
    """The highest reading until `quiet_h` hours below the threshold have been seen."""
    highest, below = float(values[index]), 0
    for value in values[index:]:
        if value < params.threshold:
            below += 1
            if below >= max(params.quiet_h, 1):
                break
        elif value >= params.threshold:
            highest, below = max(highest, float(value)), 0
    return highest


def _readings(params: EventsParams, first: datetime, end: datetime) -> Floats:
    """The highest reading of each hour from `first` to `end`, NaN where there is none."""
    values = np.full(max(int((end - first) / timedelta(hours=1)), 0), np.nan)
    ((hours, highest),) = _rows(
        SQL.readings, thing=params.thing, observed_property=params.observed_property, first=first, end=end
    )
    starts = np.frombuffer(hours, dtype=">i8").astype(np.int64)
    values[(starts - int(first.timestamp())) // HOUR_S] = np.frombuffer(highest, dtype=">f8")
    return values


def _counts(params: EventsParams, place: Place, start: datetime, end: datetime) -> Floats:
    """Reports near the place in each hour of the city's own time.

    By the clock on the wall, so that the same hour of another day is one place in the series 24 away: the hour that a change
    to summer time skips has none, the one that comes twice in autumn has those of both.
    """
    zone = ZoneInfo(params.zone)
    first = _local_hour(start, zone)
    counts = np.zeros(max(_local_hour(end, zone) - first, 0))
    rows = _rows(
        SQL.reports_near,
        lon=place.lon,
        lat=place.lat,
        radius_m=params.radius_m,
        city_id=params.city_id,
        zone=params.zone,
        category_ids=None if params.category_ids is None else list(params.category_ids),
        start=start,
        end=end,
    )
    for local_hour, reports in rows:
        # A period that begins or ends within a repeated hour has reports by whose clock it had ended, or not begun.
        if 0 <= local_hour - first < len(counts):
            counts[local_hour - first] = reports
    return counts


def _local_hour(moment: datetime, zone: ZoneInfo) -> int:
    """Hours since 1970 began, by the clock on the wall."""
    return int(moment.astimezone(zone).replace(tzinfo=UTC).timestamp()) // HOUR_S


def _hour(moment: datetime, *, up: bool = False) -> datetime:
    """The whole hour at or before a moment, or at or after it."""
    whole = moment.replace(minute=0, second=0, microsecond=0)
    return whole + timedelta(hours=1) if up and whole < moment else whole


def _rows(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
