"""The period of an analysis of series: whole hours, by default the last days of the city, and no more intervals than bounds allow."""

from datetime import datetime
from typing import Any

from geo.areas.models import City
from geo.layers.parameters import DefaultPeriod
from server.core.errors import BadParameter

# A year and a month of hours.
MAX_INTERVALS = {"hour": 9_600, "day": 4_000, "week": 600}
HOURS = {"hour": 1, "day": 24, "week": 168}
DEFAULT_DAYS = {"hour": 60, "day": 120, "week": 730}


def resolve_series(city: City, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Without start and end: the last days of the city, as many as the interval needs."""
    interval = values["interval"]
    resolved: dict[str, Any] = DefaultPeriod(DEFAULT_DAYS[interval])(city, values, now)
    # To the hour, as the series are: a microsecond more is not another question.
    resolved |= {name: resolved[name].replace(minute=0, second=0, microsecond=0) for name in ("start", "end")}
    if resolved["start"] >= resolved["end"]:
        raise BadParameter("end", "the period is shorter than an hour")
    hours = (resolved["end"] - resolved["start"]).total_seconds() / 3600
    if hours / HOURS[interval] > MAX_INTERVALS[interval]:
        raise BadParameter("start", f"at most {MAX_INTERVALS[interval]} intervals of one {interval} can be asked for")
    return resolved
