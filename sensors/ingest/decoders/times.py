"""Times as devices write them: RFC 3339 with an offset, or seconds or milliseconds since 1970."""

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 10^11 s is the year 5138 and 10^11 ms is March 1973: no reading of a city lies near either, so size tells the unit.
FIRST_MILLISECONDS = 100_000_000_000
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,40})?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)


class BadTime(ValueError):
    """A sentence on why this is not a time."""


def parse_time(value: object) -> datetime:
    """An aware time in UTC from a JSON value.

    Units:  a number below 10^11 (in size) is seconds since 1970, from there on milliseconds; with fractions,
            to the microsecond.
    Errors: BadTime for anything else: no offset, a date alone, true, null, a number beyond the year 9999.
    """
    if isinstance(value, str):
        if not _RFC_3339.fullmatch(value):
            raise BadTime(f"{value[:40]!r} is not RFC 3339 with an offset")
        try:
            # RFC 3339 allows any number of decimals. 40 are read, since what is rejected repeats its message's time; what is finer than
            # a microsecond is cut off.
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise BadTime(f"{value[:40]!r}: {error}") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadTime(f"a time is a text or a number, not {type(value).__name__}")
    try:
        if abs(value) >= FIRST_MILLISECONDS:
            return EPOCH + timedelta(milliseconds=value)
        return EPOCH + timedelta(seconds=value)
    except (ValueError, OverflowError):  # NaN, infinity, beyond the calendar
        raise BadTime("a number that is no time of this calendar") from None
