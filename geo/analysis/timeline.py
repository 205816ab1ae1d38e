"""Consecutive intervals of a city's own time: what a series has one value of."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Interval = Literal["hour", "day", "week"]
INTERVALS = ("hour", "day", "week")
Integers = NDArray[np.int64]
_DAYS = {"day": 1, "week": 7}


@dataclass(frozen=True, slots=True)
class Timeline:
    """`edges` (history + n + 1,) in epoch seconds; the first `history` intervals lie before the period.

    `slots` (history + n,) number the places in the rhythm that people live by: the hour of the week (Monday 0 h is 0), the day
    of the week, or nothing for weeks.
    """

    edges: Integers
    history: int
    slots: Integers

    @property
    def n(self) -> int:
        return len(self.edges) - 1 - self.history

    @property
    def start(self) -> datetime:
        """The first moment of the period, history left out."""
        return datetime.fromtimestamp(int(self.edges[self.history]), UTC)

    @property
    def first(self) -> datetime:
        """The first moment of the history."""
        return datetime.fromtimestamp(int(self.edges[0]), UTC)

    @property
    def end(self) -> datetime:
        return datetime.fromtimestamp(int(self.edges[-1]), UTC)

    def places(self, starts: Integers) -> Integers:
        """The index of the interval that begins at each time, -1 where none does."""
        if len(self.edges) < 2 or len(starts) == 0:
            return np.full(len(starts), -1)
        found = np.searchsorted(self.edges[:-1], starts)
        found[found == len(self.edges) - 1] = 0
        return np.where(self.edges[found] == starts, found, -1)

    @property
    def moments(self) -> list[datetime]:
        """The edges, for SQL to number the intervals by."""
        return [datetime.fromtimestamp(edge, UTC) for edge in self.edges.tolist()]


def make_timeline(
    *, zone: str, start: datetime, end: datetime, interval: Interval, history: int, now: datetime
) -> Timeline:
    """The whole intervals of the city's time within [start, end) that are over by `now`, and `history` before them.

    A period without a whole interval gives a timeline of none.
    """
    local, end = ZoneInfo(zone), min(end, now)
    edges = _hours(start, end, history) if interval == "hour" else _days(local, start, end, interval, history)
    return Timeline(edges, history if len(edges) > 1 else 0, _slots(edges[:-1], local, interval))


def _hours(start: datetime, end: datetime, history: int) -> Integers:
    first = -(-int(start.timestamp()) // 3600) * 3600
    last = int(end.timestamp()) // 3600 * 3600
    if last <= first:
        return np.array([first], dtype=np.int64)
    return np.arange(first - history * 3600, last + 1, 3600, dtype=np.int64)


def _days(zone: ZoneInfo, start: datetime, end: datetime, interval: Interval, history: int) -> Integers:
    days = _DAYS[interval]
    first = start.astimezone(zone).date()
    if datetime.combine(first, time.min, zone) < start:
        first += timedelta(days=1)
    if interval == "week":
        first += timedelta(days=-first.weekday() % 7)
    count = max((end.astimezone(zone).date() - first).days // days, 0)
    steps = range(-history, count + 1) if count else range(1)
    midnights = [datetime.combine(first + timedelta(days=days * i), time.min, zone) for i in steps]
    return np.array([int(midnight.timestamp()) for midnight in midnights], dtype=np.int64)


def _slots(starts: Integers, zone: ZoneInfo, interval: Interval) -> Integers:
    place: dict[str, Callable[[datetime], int]] = {
        "hour": lambda at: at.weekday() * 24 + at.hour,
        "day": lambda at: at.weekday(),
        "week": lambda at: 0,
    }
    local = (datetime.fromtimestamp(int(at), zone) for at in starts)
    return np.fromiter(map(place[interval], local), dtype=np.int64, count=len(starts))
