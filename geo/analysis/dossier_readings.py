"""Readings of an area: what its things, else the nearest, measured in the period, and against which limits."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from geo.analysis.dossier_figures import Figure, Subject, figure, iso, rounded
from geo.analysis.dossier_gauges import Gauge, find_gauges
from geo.analysis.dossier_limits import HoursAt, air_quality, ask_hours, limits_of, threshold_hours
from sensors import published


def readings(subject: Subject) -> dict[str, Any]:
    """Five queries at most: gauges, their days, their things' own settings, hours at levels, codes of properties."""
    gauges = find_gauges(subject)
    hours = _counted_hours(subject, gauges)
    things = [_thing(gauge, subject, hours) for gauge in gauges]
    by_property = []
    for code, group in groupby(zip(gauges, things, strict=True), key=lambda pair: pair[0].code):
        pairs = list(group)
        row = pairs[0][0].row
        by_property.append(
            {
                "property": code,
                "name_id": row["property_name_id"],
                "name_en": row["property_name_en"],
                "value_source": "inside" if row["is_inside"] else "nearest",
                "things": [thing for _gauge, thing in pairs],
            }
        )
    found = {gauge.code for gauge in gauges}
    return {
        "max_distance_m": subject.params.max_distance_m,
        "by_property": by_property,
        "not_measured": [code for code in published.observed_property_codes() if code not in found],
        "air_quality": air_quality(gauges, subject.params.ispu_top),
    }


def _counted_hours(subject: Subject, gauges: Sequence[Gauge]) -> HoursAt:
    asked = threshold_hours(gauges)
    return ask_hours(subject, asked) if asked else {}


def _thing(gauge: Gauge, subject: Subject, hours: HoursAt) -> dict[str, Any]:
    row = gauge.row
    return {
        "thing": row["thing"],
        "name": row["thing_name"],
        "is_simulated": row["is_simulated"],
        "distance_m": round(row["distance_m"], 1),
        "unit": gauge.unit,
        "aggregate": row["aggregate"],
        "latest": _latest(row, gauge.unit),
        **_over_the_period(gauge),
        **_coverage(gauge, subject),
        "limits": limits_of(gauge, hours),
    }


def _latest(row: Mapping[str, Any], unit: str) -> dict[str, Any]:
    at = row["latest_at"]
    return {
        "value": rounded(row["latest"]),
        "unit": unit,
        "at": None if at is None else iso(at),
        "is_plausible": None if at is None else row["latest_quality"] == 0,
        "reason": "thing_has_moved_or_is_silent" if at is None else None,
    }


def _over_the_period(gauge: Gauge) -> dict[str, Figure | None]:
    """Mean and greatest value. What adds up (rain, cases) is given by day: mean per day, greatest day, and total."""
    reason = None if gauge.days else "no_readings"
    if gauge.row["aggregate"] != "sum":
        n = sum(day.n for day in gauge.days)
        mean = sum(day.total for day in gauge.days) / n if n else None
        return {
            "mean": figure(mean, gauge.unit, n=gauge.n_hours, reason=reason),
            "max": figure(gauge.greatest, gauge.unit, n=gauge.n_hours, reason=reason),
            "total": None,
        }
    total = sum(day.total for day in gauge.days) if gauge.days else None
    covered_days = gauge.n_hours * gauge.span_hours / 24
    return {
        "mean": figure(
            None if total is None else total / covered_days, f"{gauge.unit}/d", n=gauge.n_hours, reason=reason
        ),
        "max": figure(
            max((day.total for day in gauge.days), default=None), f"{gauge.unit}/d", n=len(gauge.days), reason=reason
        ),
        "total": figure(total, gauge.unit, n=gauge.n_hours, reason=reason),
    }


def _coverage(gauge: Gauge, subject: Subject) -> dict[str, Figure]:
    expected = int((subject.end - subject.start).total_seconds() / 3600 / gauge.span_hours)
    share = min(100.0, 100 * gauge.n_hours / expected) if expected else None
    return {
        "coverage": figure(
            share,
            "%",
            n=gauge.n_hours,
            compared_with="expected_hours",
            reference=expected,
            reason="period_too_short" if share is None else None,
        )
    }
