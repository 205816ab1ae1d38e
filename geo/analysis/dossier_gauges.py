"""Who measured in an area in a period, and what, by day of the city."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from geo.analysis.dossier_figures import SQL, Subject
from geo.analysis.timeline import make_timeline
from sensors import published

# A day's mean stands on at least this many hours: 75 % of 24, as Directive 2008/50/EC, annex XI, asks.
MIN_HOURS = 18


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the city at a gauge. `mean` is that of the hourly means; `is_complete`: over, whole, and of enough hours."""

    start: datetime
    hours: int
    n: int
    total: float
    greatest: float
    mean: float
    energy: float | None
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Gauge:
    """A datastream while its thing stood at one place, with what it measured there in the period."""

    row: Mapping[str, Any]
    days: tuple[Day, ...]
    properties: Mapping[str, Any]

    @property
    def code(self) -> str:
        return str(self.row["observed_property"])

    @property
    def unit(self) -> str:
        return str(self.row["unit_ucum"])

    @property
    def span_hours(self) -> float:
        """How many hours one hour with readings stands for: a datastream of one value a day has one such hour a day."""
        return _span_hours(self.row)

    @property
    def n_hours(self) -> int:
        return sum(day.hours for day in self.days)

    @property
    def greatest(self) -> float | None:
        return max((day.greatest for day in self.days), default=None)


def find_gauges(subject: Subject) -> list[Gauge]:
    """Those inside the area, else the nearest, by property and distance. Three queries."""
    rows = subject.rows(SQL.gauges, max_distance_m=subject.params.max_distance_m)
    if not rows:
        return []
    pairs = {name: [row[name[:-1]] for row in rows] for name in ("datastream_ids", "location_ids")}
    spans = {row["datastream_id"]: _span_hours(row) for row in rows}
    days: dict[tuple[int, int], list[Day]] = {}
    whole = _whole_days(subject)
    for found in subject.rows(SQL.daily_readings, **pairs):
        day = Day(
            start=datetime.fromtimestamp(found["day"], UTC),
            hours=found["hours"],
            n=found["n"],
            total=found["total"],
            greatest=found["greatest"],
            mean=found["mean"],
            energy=found["energy"],
            is_complete=_is_complete(whole.get(found["day"]), found["hours"] * spans[found["datastream_id"]]),
        )
        days.setdefault((found["datastream_id"], found["location_id"]), []).append(day)
    slugs = sorted({row["thing"] for row in rows})
    settings = dict(published.things().filter(slug__in=slugs).values_list("slug", "properties"))
    return [
        Gauge(row, tuple(days.get((row["datastream_id"], row["location_id"]), ())), settings.get(row["thing"]) or {})
        for row in rows
    ]


def _whole_days(subject: Subject) -> dict[int, int]:
    """The days of the city that lie in the period as a whole and are over: start (epoch seconds) -> hours."""
    timeline = make_timeline(
        zone=subject.params.zone, start=subject.start, end=subject.end, interval="day", history=0, now=subject.end
    )
    starts, lengths = timeline.edges[:-1], np.diff(timeline.edges) // 3600
    return dict(zip(starts.tolist(), lengths.tolist(), strict=True))


def _is_complete(day_hours: int | None, hours: float) -> bool:
    """Three quarters of a day's hours, of which a day on which clocks change has 23 or 25; None is no whole day."""
    return day_hours is not None and hours * 24 >= day_hours * MIN_HOURS


def _span_hours(row: Mapping[str, Any]) -> float:
    return max(3600, int(row["expected_interval_s"])) / 3600
