"""Working time, without a database: a calendar's rules laid out as spans of time, and reckoning with them."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

import holidays

from geo.reports.weekly_hours import DAY_MINUTES, Hours

DAY = timedelta(days=1)


class Span(NamedTuple):
    """A stretch of working time, in UTC, its end not included."""

    starts_at: datetime
    ends_at: datetime


class Kind(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class SpecialDays:
    """Days, both ends included, that are closed, open in these hours, or have these hours if they are worked at all."""

    first: date
    last: date
    kind: Kind
    hours: Hours = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """All that a calendar says: the hours of each day (Monday first), days off, special days; a later start decides."""

    week: tuple[Hours, ...]
    zone: ZoneInfo
    days_off: Set[date] = frozenset()
    special: Sequence[SpecialDays] = ()

    def hours_of(self, day: date) -> Hours:
        usual = () if day in self.days_off else self.week[day.weekday()]
        said = [each for each in self.special if each.first <= day <= each.last]
        if not said:
            return usual
        decides = max(said, key=lambda each: each.first)
        if decides.kind is Kind.CHANGED:
            return decides.hours if usual else ()
        return decides.hours if decides.kind is Kind.OPEN else ()


def national_days_off(years: Iterable[int], *, public: bool, joint_leave: bool) -> frozenset[date]:
    """Indonesia's public holidays and days of joint leave (cuti bersama) in these years.

    Source: the package `holidays`, which follows the yearly decree of three ministers; dates by the moon that no decree has
            fixed yet are its estimates, and joint leave that is not decided yet is not there.
    """
    categories = (*(("public",) if public else ()), *(("government",) if joint_leave else ()))
    if not categories:
        return frozenset()
    return frozenset(holidays.country_holidays("ID", years=list(years), categories=categories))


def lay_out(rules: Rules, first: date, last: date) -> list[Span]:
    """The working time of these days, both included, in order; what touches is one span: round the clock, all of it."""
    spans: list[Span] = []
    day = first
    while day <= last:
        for start, end in rules.hours_of(day):
            span = Span(_moment(day, start, rules.zone), _moment(day, end, rules.zone))
            if spans and spans[-1].ends_at == span.starts_at:
                spans[-1] = Span(spans[-1].starts_at, span.ends_at)
            else:
                spans.append(span)
        day += DAY
    return spans


def _moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    if minutes == DAY_MINUTES:
        day, minutes = day + DAY, 0
    return datetime.combine(day, time(*divmod(minutes, 60)), zone).astimezone(UTC)


class Reckoning(Protocol):
    """What can be asked of a calendar; None beyond what is laid out. In SQL: geo_add_working and geo_working_between."""

    def add(self, since: datetime, work: timedelta) -> datetime | None:
        """When so much working time (not negative) has passed since a moment."""
        ...

    def between(self, a: datetime, b: datetime) -> timedelta | None:
        """Working time from a to b."""
        ...


class WorkingTime:
    """Reckoning in memory, for many reports at once: each answer is a search among the spans."""

    __slots__ = ("_before", "_ends", "_since", "_starts", "_until")

    def __init__(self, spans: Sequence[Span], *, since: datetime, until: datetime) -> None:
        self._since, self._until = since, until
        self._starts = [span.starts_at for span in spans]
        self._ends = [span.ends_at for span in spans]
        self._before: list[timedelta] = []
        total = timedelta(0)
        for span in spans:
            self._before.append(total)
            total += span.ends_at - span.starts_at

    def add(self, since: datetime, work: timedelta) -> datetime | None:
        had = self._had(since)
        if had is None or not work:
            return None if had is None else since
        # Before, not at: what ends with a working day is due that evening, not the next morning.
        i = bisect_left(self._before, had + work) - 1
        if i < 0:
            return None
        due = self._starts[i] + (had + work - self._before[i])
        return due if due <= self._ends[i] else None

    def between(self, a: datetime, b: datetime) -> timedelta | None:
        had_a, had_b = self._had(a), self._had(b)
        return None if had_a is None or had_b is None else had_b - had_a

    def _had(self, at: datetime) -> timedelta | None:
        """The calendar's working time up to a moment."""
        if not self._since <= at <= self._until:
            return None
        i = bisect_right(self._starts, at) - 1
        return timedelta(0) if i < 0 else self._before[i] + (min(at, self._ends[i]) - self._starts[i])
