"""Weeks of a city: from Monday to Monday by its own clock, named as ISO 8601 does (2026-W47). Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from server.core.errors import BadParameter

WEEK = timedelta(days=7)
# At this time of a Monday the week before is told of.
SENT_AT_HOUR = 6


@dataclass(frozen=True, slots=True)
class Week:
    """A week by its Monday."""

    monday: date

    @property
    def label(self) -> str:
        year, number, _weekday = self.monday.isocalendar()
        return f"{year}-W{number:02}"

    @property
    def before(self) -> "Week":
        return Week(self.monday - WEEK)

    def start(self, zone: ZoneInfo) -> datetime:
        return datetime.combine(self.monday, datetime.min.time(), zone).astimezone(UTC)

    def end(self, zone: ZoneInfo) -> datetime:
        return Week(self.monday + WEEK).start(zone)


def week_of(moment: datetime, zone: ZoneInfo) -> Week:
    day = moment.astimezone(zone).date()
    return Week(day - timedelta(days=day.weekday()))


def last_week(now: datetime, zone: ZoneInfo) -> Week:
    """The latest that is over."""
    return week_of(now, zone).before


def week_to_send(now: datetime, zone: ZoneInfo) -> Week:
    """The latest week whose brief is due: from the Monday after it, 06:00 of the city, on."""
    last = last_week(now, zone)
    return last if now >= due_at(last, zone) else last.before


def due_at(week: Week, zone: ZoneInfo) -> datetime:
    """From when on the brief of a week is sent."""
    return datetime.combine(week.monday + WEEK, time(SENT_AT_HOUR), zone).astimezone(UTC)


def read_week(text: str, *, now: datetime, zone: ZoneInfo) -> Week:
    """BadParameter for what is no week of ISO 8601, and for one that has not begun."""
    found = re.fullmatch(r"(\d{4})-W(\d{2})", text.strip().upper())
    try:
        if found is None:
            raise ValueError
        week = Week(date.fromisocalendar(int(found[1]), int(found[2]), 1))
        begins = week.start(zone)
    except (ValueError, OverflowError):
        raise BadParameter("week", _("week is written as 2026-W47, and must be one that there is.")) from None
    if week.monday.year < 2000:
        raise BadParameter("week", _("week is written as 2026-W47, and must be one that there is."))
    if begins > now:
        raise BadParameter("week", _("This week has not begun yet."))
    return week
