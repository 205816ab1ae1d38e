"""Readings against limits: ISPU of the air, alert levels as authorities have configured them, rain classes, noise by land use.

Nothing is judged by a limit that nobody has set for the place: there it is said why there is no verdict.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log10
from typing import Any

from geo.analysis.dossier_figures import SQL, Subject, figure, iso, rounded
from geo.analysis.dossier_gauges import Gauge
from geo.analysis.reading_limits import (
    NOISE_LIMITS,
    NOISE_SOURCE,
    NOISE_UNIT,
    RAIN_CLASSES,
    RAIN_SOURCE,
    RAIN_UNIT,
    AlertTable,
    rain_class,
    read_alert_tables,
)
from sensors.published import ispu

Threshold = tuple[int, int, float]  # datastream id, location id, level
HoursAt = Mapping[Threshold, tuple[int, int]]  # hours whose greatest value reached it, hours whose mean lay above it


@dataclass(frozen=True, slots=True)
class _Air:
    """What a thing measured of the air: its means by day, and what could not be indexed."""

    means: dict[datetime, dict[str, float]]
    refused: list[dict[str, Any]]


def air_quality(gauges: Sequence[Gauge], top: int) -> dict[str, Any]:
    """The ISPU of each thing that measures a pollutant of the table: the days in each category, the latest and the worst day."""
    things: dict[str, _Air] = {}
    for gauge in gauges:
        if gauge.code not in ispu.CONCENTRATIONS:
            continue
        air = things.setdefault(str(gauge.row["thing"]), _Air({}, []))
        if gauge.unit != ispu.UNIT:
            air.refused.append({"property": gauge.code, "unit": gauge.unit, "reason": "unit_not_indexed"})
            continue
        for day in gauge.days:
            if day.is_complete and day.mean >= 0:
                air.means.setdefault(day.start, {})[gauge.code] = day.mean
    return {
        "source": ispu.SOURCE,
        "unit": ispu.UNIT,
        "top": top,
        "stations": [_station(thing, air, top) for thing, air in sorted(things.items())],
        "reason": None if things else "no_pollutant_measured",
    }


def _station(thing: str, air: _Air, top: int) -> dict[str, Any]:
    indices = {day: ispu.station_index(means, top=top) for day, means in sorted(air.means.items())}
    found = {day: index for day, index in indices.items() if index is not None}
    counted = Counter(index.category for index in found.values())
    worst = max(found, key=lambda day: (found[day].value, day), default=None)
    latest = max(found, default=None)
    return {
        "thing": thing,
        "days": figure(len(found), "d", n=len(found)),
        "days_by_category": {category.value: counted[category] for category in ispu.Category},
        "latest": None if latest is None else _index(latest, found[latest]),
        "worst": None if worst is None else _index(worst, found[worst]),
        "refused": air.refused,
        "reason": None if found else ("unit_not_indexed" if air.refused and not air.means else "no_complete_day"),
    }


def _index(day: datetime, index: ispu.Index) -> dict[str, Any]:
    return {
        "day": iso(day),
        "index": round(index.value, 1),
        "category": index.category.value,
        "pollutant": index.pollutant,
        "is_beyond_table": index.is_beyond_table,
    }


def threshold_hours(gauges: Sequence[Gauge]) -> list[Threshold]:
    """Every level whose hours are to be counted."""
    asked: set[Threshold] = set()
    for gauge in gauges:
        place = (int(gauge.row["datastream_id"]), int(gauge.row["location_id"]))
        for table in _tables(gauge) or ():
            asked |= {(*place, level.at_least) for level in table.levels if table.unit == gauge.unit}
        if (limit := _noise_limit(gauge)) is not None and gauge.unit == NOISE_UNIT:
            asked.add((*place, limit))
    return sorted(asked)


def ask_hours(subject: Subject, asked: Sequence[Threshold]) -> HoursAt:
    rows = subject.rows(
        SQL.hours_at_levels,
        numbers=list(range(len(asked))),
        datastream_ids=[datastream_id for datastream_id, _location, _level in asked],
        location_ids=[location_id for _datastream, location_id, _level in asked],
        levels=[level for _datastream, _location, level in asked],
    )
    return {asked[row["number"]]: (row["reached"], row["above"]) for row in rows}


def limits_of(gauge: Gauge, hours: HoursAt) -> list[dict[str, Any]]:
    """The limits that apply to a gauge, each with its source and what was found; air is judged by day, see `air_quality`."""
    found = _alerts(gauge, hours)
    if gauge.code == "rain":
        found.append(_rain(gauge))
    if gauge.code == "noise":
        found.append(_noise(gauge, hours))
    return found


def _tables(gauge: Gauge) -> list[AlertTable] | None:
    """The alert tables of the gauge's property; None where what is configured cannot be read."""
    try:
        return [table for table in read_alert_tables(gauge.properties) if table.observed_property == gauge.code]
    except ValueError:
        return None


def _alerts(gauge: Gauge, hours: HoursAt) -> list[dict[str, Any]]:
    tables = _tables(gauge)
    if tables is None or (not tables and gauge.code == "river_level"):
        reason = "alert_levels_unreadable" if tables is None else "no_alert_levels_configured"
        return [{"kind": "alert_levels", "authority": None, "source": None, "reason": reason}]
    return [_alert(gauge, table, hours) for table in tables]


def _alert(gauge: Gauge, table: AlertTable, hours: HoursAt) -> dict[str, Any]:
    said: dict[str, Any] = {"kind": "alert_levels", "authority": table.authority, "source": table.source}
    if table.unit != gauge.unit:
        return {**said, "unit": table.unit, "reason": "unit_differs"}
    row = gauge.row
    latest = row["latest"] if row["latest_quality"] == 0 else None

    def name_of(value: float | None) -> str | None:
        level = None if value is None else table.level_of(value)
        return None if level is None else level.name

    place = (int(row["datastream_id"]), int(row["location_id"]))
    return {
        **said,
        "unit": table.unit,
        "levels": [
            {
                "name": level.name,
                "from": level.at_least,
                "hours": figure(hours.get((*place, level.at_least), (0, 0))[0], "h", n=gauge.n_hours),
            }
            for level in table.levels
        ],
        # Null: below every level, or nothing known; `latest` and `max` of the thing tell which.
        "latest_level": name_of(latest),
        "highest_level": name_of(gauge.greatest),
        "reason": None,
    }


def _rain(gauge: Gauge) -> dict[str, Any]:
    said = {"kind": "rain_classes", "source": RAIN_SOURCE}
    if gauge.unit != RAIN_UNIT:
        return {**said, "reason": "unit_differs"}
    complete = [day for day in gauge.days if day.is_complete and day.total >= 0]
    counted = Counter(rain_class(day.total) for day in complete)
    return {
        **said,
        "days_by_class": {name: counted[name] for name in ("cloudy", *(name for name, _upper in RAIN_CLASSES))},
        "days": figure(len(complete), "d", n=len(complete)),
        "incomplete_days": len(gauge.days) - len(complete),
        "reason": None if complete else "no_complete_day",
    }


def _noise_limit(gauge: Gauge) -> float | None:
    return NOISE_LIMITS.get(str(gauge.properties.get("land_use"))) if gauge.code == "noise" else None


def _noise(gauge: Gauge, hours: HoursAt) -> dict[str, Any]:
    """Against the limit of the land's use, by the mean energy of the hourly means.

    The regulation's own figure weighs the night by 5 dB and needs a value each 5 seconds; this one is lower.
    """
    land_use, limit = gauge.properties.get("land_use"), _noise_limit(gauge)
    said: dict[str, Any] = {"kind": "noise", "source": NOISE_SOURCE, "land_use": land_use, "limit": limit}
    if gauge.unit != NOISE_UNIT:
        return {**said, "exceeds": None, "reason": "unit_differs"}
    energies = [(day.energy, day.hours) for day in gauge.days if day.energy is not None]
    counted = sum(n for _energy, n in energies)
    level = 10 * log10(sum(energy for energy, _n in energies) / counted) if counted else None
    mean = figure(level, NOISE_UNIT, n=counted, compared_with="limit", reference=limit)
    if limit is None:
        reason = "no_land_use_configured" if land_use is None else "land_use_unknown"
        return {**said, "energy_mean": mean, "exceeds": None, "reason": reason}
    place = (int(gauge.row["datastream_id"]), int(gauge.row["location_id"]))
    above = hours.get((*place, limit), (0, 0))[1]
    return {
        **said,
        "energy_mean": mean,
        "hours_above": figure(above, "h", n=gauge.n_hours),
        "exceeds": None if level is None else (rounded(level) or 0.0) > limit,
        "reason": "no_readings" if level is None else None,
    }
