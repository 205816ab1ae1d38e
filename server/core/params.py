"""Query parameters, parsed once at the edge into values that know no request."""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.dateparse import parse_date, parse_datetime

from server.core.errors import BadParameter

# Times further out are a slip; and what is added to these (a day, a zone's offset, weeks of lag) still is a datetime.
EARLIEST_YEAR, LATEST_YEAR = 1000, 8999


@dataclass(frozen=True, slots=True)
class BBox:
    """A rectangle, x first: degrees in EPSG:4326 unless `srid` says otherwise.

    In degrees `west > east` means that it crosses the antimeridian.
    """

    west: float
    south: float
    east: float
    north: float
    srid: int = 4326

    def boxes(self) -> list[tuple[float, float, float, float]]:
        """One rectangle, or two where the antimeridian is crossed."""
        if self.west <= self.east:
            return [(self.west, self.south, self.east, self.north)]
        return [(self.west, self.south, 180.0, self.north), (-180.0, self.south, self.east, self.north)]


@dataclass(frozen=True, slots=True)
class Interval:
    """Times from `start` (included) to `end` (excluded); None is open."""

    start: datetime | None
    end: datetime | None


def parse_bbox(text: str, name: str = "bbox") -> BBox:
    """`west,south,east,north` in degrees, or six numbers with heights, which are ignored."""
    parts = text.split(",")
    if len(parts) not in (4, 6):
        raise BadParameter(name, f"{name} must be west,south,east,north in degrees: four numbers, not {len(parts)}")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        raise BadParameter(name, f"{name} holds something that is not a number") from None
    if not all(map(math.isfinite, numbers)):
        raise BadParameter(name, f"{name} must be finite")
    west, south, east, north = numbers if len(numbers) == 4 else (numbers[0], numbers[1], numbers[3], numbers[4])
    if not (-180 <= west <= 180 and -180 <= east <= 180):
        raise BadParameter(name, f"{name}: longitudes lie between -180 and 180 (order: west,south,east,north)")
    if not (-90 <= south <= 90 and -90 <= north <= 90):
        raise BadParameter(name, f"{name}: latitudes lie between -90 and 90 (order: west,south,east,north)")
    if south > north:
        raise BadParameter(name, f"{name}: south is greater than north")
    return BBox(west, south, east, north)


def parse_time(text: str, name: str, zone: ZoneInfo, *, end: bool = False) -> datetime:
    """An RFC 3339 time, or a date, which is the start of that day in the city (its end, where `end` is asked for)."""
    given, text = text, text.strip().upper()  # RFC 3339, section 5.6: "t" and "z" are as good
    # In a query string an unescaped "+07:00" arrives as " 07:00".
    text = re.sub(r"(T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) (\d{2}:?\d{2})$", r"\1+\2", text)
    # GDAL writes a date as "2026-03-01T", and a time of whole hours or minutes without the rest.
    text = re.sub(r"^(\d{4}-\d{2}-\d{2})T$", r"\1", text)
    text = re.sub(r"T(\d{2})Z$", r"T\1:00:00Z", text)
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            day = parse_date(text)
            if day is not None:
                _check_year(day, name)
                day = day + timedelta(days=1) if end else day
                return datetime.combine(day, datetime.min.time(), zone).astimezone(UTC)
        moment = parse_datetime(text)
        if moment is not None:
            _check_year(moment, name)
            return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise BadParameter(name, f"{name}: {given!r} is not a date (2026-03-01) or a time (2026-03-01T07:00:00Z)")


def _check_year(day: date, name: str) -> None:
    if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
        raise BadParameter(name, f"{name}: the year lies between {EARLIEST_YEAR} and {LATEST_YEAR}")


def parse_datetime_interval(text: str, zone: ZoneInfo, name: str = "datetime") -> Interval:
    """OGC `datetime`: an instant, or `start/end` in which `..` or nothing is open.

    A date means the whole day of the city. An instant that is a time is that microsecond's moment, closed on both sides;
    the end of an interval is included by OGC's rule, so a half-open Interval ends one microsecond later.
    A bound out of all reason is open: QGIS writes `0001-01-01T00:00:00Z` and `9999-12-31T00:00:00Z` for "..".
    """
    parts = text.split("/")
    if len(parts) > 2 or not text.strip():
        raise BadParameter(name, f"{name} must be a time, a date, or start/end")

    def one(part: str, end: bool) -> datetime | None:
        if part.strip() in ("", "..") or (len(parts) == 2 and _is_open_end(part.strip(), end)):
            return None
        moment = parse_time(part, name, zone, end=end)
        return moment + timedelta(microseconds=1) if end and not _is_date(part) else moment

    if len(parts) == 1:
        if text.strip() == "..":
            raise BadParameter(name, f"{name}: '..' stands in an interval only")
        return Interval(one(parts[0], False), one(parts[0], True))
    start, end = one(parts[0], False), one(parts[1], True)
    if start is not None and end is not None and start >= end:
        raise BadParameter(name, f"{name}: the interval ends before it starts")
    return Interval(start, end)


def _is_open_end(text: str, end: bool) -> bool:
    return text.startswith("9999-12-31" if end else "0001-01-01")


def _is_date(text: str) -> bool:
    return re.fullmatch(r"\s*\d{4}-\d{2}-\d{2}T?\s*", text) is not None


def parse_integer(text: str, name: str, *, minimum: int, maximum: int, clamp: bool = False) -> int:
    """A whole number in its bounds; `clamp` takes the maximum for what is larger."""
    if not re.fullmatch(r"[+-]?\d{1,18}", text.strip()):
        raise BadParameter(name, f"{name} must be a whole number from {minimum} to {maximum}, not {text!r}")
    value = int(text)
    if clamp and value > maximum:
        return maximum
    if not minimum <= value <= maximum:
        raise BadParameter(name, f"{name} must be a whole number from {minimum} to {maximum}, not {value}")
    return value


def parse_number(text: str, name: str, *, minimum: float, maximum: float) -> float:
    try:
        value = float(text)
    except ValueError:
        raise BadParameter(name, f"{name} must be a number, not {text!r}") from None
    if not minimum <= value <= maximum:
        raise BadParameter(name, f"{name} must lie between {minimum:g} and {maximum:g}, not {text}")
    return value


def parse_choice(text: str, name: str, choices: Iterable[str]) -> str:
    options = list(choices)
    if text not in options:
        raise BadParameter(name, f"{name} must be one of {', '.join(options)}; not {text!r}")
    return text


def parse_list(text: str, name: str, check: Callable[[str, str], str]) -> tuple[str, ...]:
    """A comma list, each part checked by `check(part, name)`."""
    parts = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not parts:
        raise BadParameter(name, f"{name} is empty")
    return tuple(check(part, name) for part in parts)


def refuse_unknown(given: Iterable[str], known: Iterable[str]) -> None:
    """A parameter that nobody reads is an error that names it: a typing slip must not silently widen an answer."""
    allowed = set(known)
    for name in given:
        if name not in allowed:
            raise BadParameter(name, f"there is no parameter {name!r} here; known are {', '.join(sorted(allowed))}")


def day_start(moment: datetime, zone: ZoneInfo) -> datetime:
    """The start of the city's day in which a moment lies, in UTC."""
    local: date = moment.astimezone(zone).date()
    return datetime.combine(local, datetime.min.time(), zone).astimezone(UTC)
