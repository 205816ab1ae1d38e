"""The hours of a working week, as a city writes them down: read once, and refused where they make no sense."""

import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60
_CLOCK = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])")

# From and to in minutes since midnight of the city's time, in order, none touching the next.
Hours = tuple[tuple[int, int], ...]


def read_hours(value: Any) -> Hours:
    """The hours of one day from pairs such as ["07:30", "16:00"]; 24:00 is the end of the day.

    Errors: ValidationError that quotes the pair which is not a span of time, or begins before the one above it has ended.
    """
    if not isinstance(value, list):
        raise ValidationError(_("Hours are a list of pairs such as %(pair)s."), params={"pair": '["07:30", "16:00"]'})
    hours: list[tuple[int, int]] = []
    for pair in value:
        start, end = _read_pair(pair)
        if hours and start < hours[-1][1]:
            says = _("%(pair)s begins before the hours that stand before it have ended.")
            raise ValidationError(says, params={"pair": pair})
        if hours and start == hours[-1][1]:
            hours[-1] = (hours[-1][0], end)
        else:
            hours.append((start, end))
    return tuple(hours)


def read_weekly_hours(value: Any) -> tuple[Hours, ...]:
    """The hours of each day, Monday first; a day that is not named is free.

    Errors: ValidationError for what is no day, what are no hours, and for a week without any.
    """
    if not isinstance(value, Mapping):
        raise ValidationError(_("Weekly hours are an object with the days mon to sun."))
    if unknown := set(value) - set(DAYS):
        raise ValidationError(_("%(day)s is no day: use mon to sun."), params={"day": min(map(str, unknown))})
    week = tuple(read_hours(value.get(day, [])) for day in DAYS)
    if not any(week):
        raise ValidationError(_("A calendar needs hours on at least one day."))
    return week


def check_weekly_hours(value: Any) -> None:
    read_weekly_hours(value)


def check_hours(value: Any) -> None:
    read_hours(value)


def _read_pair(pair: Any) -> tuple[int, int]:
    if isinstance(pair, list) and len(pair) == 2:
        start, end = (_minutes(text) for text in pair)
        if start is not None and end is not None and start < end:
            return start, end
    raise ValidationError(_("%(pair)s is no pair of times, the earlier first."), params={"pair": pair})


def _minutes(text: Any) -> int | None:
    found = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    minutes = int(found[1]) * 60 + int(found[2]) if found else None
    return minutes if minutes is not None and minutes <= DAY_MINUTES else None
