"""The situation of a city in figures: what a duty desk reports upwards, and what a shift hands over. Read in a handful of queries."""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from geo.analysis.reading_limits import AlertLevel
from geo.areas.models import Area, City
from geo.operations.alerts.models import AlertRule
from geo.operations.alerts.reading import Reading, read_rule
from geo.operations.duty.models import Escalation
from geo.operations.duty.statements import COUNTS, OPEN_ALERTS, UNANSWERED, WATCHED_READINGS
from geo.operations.incidents.models import Incident
from geo.reports.access.principals import Principal
from geo.reports.models import Category, Report
from geo.reports.workflow import CLOSED, Status
from sensors import published

log = logging.getLogger(__name__)

OPEN = sorted(set(Status.values) - set(CLOSED))
FIGURES = ("new", "open", "late", "closed")
MOST_NAMED = 50
# Counts are of all reports of the city: all who read them are its staff.
_EVERYTHING = Principal(is_superuser=True)


def situation(city: City, start: datetime, now: datetime) -> dict[str, Any]:
    """What came in since `start`, and what is open, late, unanswered and above its level at `now`; as JSON takes it.

    Counts are of all reports, the ones that are not public included, by the areas that the public sees. Names are in both
    languages, times are RFC 3339 in UTC.
    """
    totals, categories, areas = _counts(city, start, now)
    alerts = _rows(OPEN_ALERTS, city_id=city.pk)
    sensors, unreadable = _sensors_over_levels(city, alerts, now)
    return {
        "city": city.slug,
        "city_name": city.name,
        "time_zone": city.timezone,
        "start": _iso(start),
        "as_of": _iso(now),
        "totals": totals,
        "categories": categories,
        "areas": areas,
        "unanswered": _unanswered(city, now),
        "escalations": _escalations(city, start, now),
        "incidents": _incidents(city),
        "alerts": _alerts(alerts),
        "sensors": sensors,
        "unreadable_levels": unreadable,
    }


def as_seen_by(said: dict[str, Any], by: Principal) -> dict[str, Any]:
    """The situation with the names of those reports alone that somebody sees; all of it is counted as before."""
    unanswered = said["unanswered"]
    named = [one["report"] for one in unanswered["longest"]]
    seen = set(Report.objects.visible_to(by).filter(public_id__in=named).values_list("public_id", flat=True))
    longest = [one for one in unanswered["longest"] if one["report"] in seen]
    return {**said, "unanswered": {**unanswered, "longest": longest}}


def _counts(city: City, start: datetime, now: datetime) -> tuple[dict[str, int], list[Any], list[Any]]:
    """The city's four figures, and the same for each category and area that has any, those with most open first."""
    rows = _rows(COUNTS, city_id=city.pk, start=start, now=now, open=OPEN)
    categories = {
        category.pk: category for category in Category.objects.filter(pk__in=[row["category_id"] for row in rows])
    }
    areas = dict(Area.objects.filter(pk__in=[row["area_id"] for row in rows]).values_list("pk", "code"))
    names = dict(Area.objects.filter(pk__in=areas).values_list("pk", "name"))
    by_category, by_area, totals = [], [], dict.fromkeys(FIGURES, 0)
    for row in rows:
        figures = {name: row[name] for name in FIGURES}
        if row["is_category"]:
            category = categories[row["category_id"]]
            by_category.append(
                {"category": category.slug, "name_id": category.name_id, "name_en": category.name_en, **figures}
            )
        elif row["is_area"]:
            by_area.append({"area": areas.get(row["area_id"]), "name": names.get(row["area_id"]), **figures})
        else:
            totals = figures
    by_category.sort(key=lambda one: (-one["open"], -one["new"], one["category"]))
    by_area.sort(key=lambda one: (-one["open"], -one["new"], one["area"] or ""))
    return totals, by_category, by_area


def _unanswered(city: City, now: datetime) -> dict[str, Any]:
    """How many reports nobody has taken although their first response is overdue, and those that wait longest."""
    rows = _rows(UNANSWERED, city_id=city.pk, now=now, limit=MOST_NAMED)
    return {
        "count": rows[0]["n"] if rows else 0,
        "longest": [
            {
                "report": row["public_id"],
                "category": row["category"],
                "name_id": row["name_id"],
                "name_en": row["name_en"],
                "area_name": row["area"],
                "since": _iso(row["since"]),
                "level": row["level"],
            }
            for row in rows
        ],
    }


def _escalations(city: City, start: datetime, now: datetime) -> dict[str, Any]:
    """How often something reached a level of the on-call list, by level."""
    raised = Escalation.objects.filter(level__city=city, raised_at__gte=start, raised_at__lte=now)
    counts: dict[tuple[int, str], int] = {}
    for position, name in raised.values_list("level__position", "level__name"):
        counts[position, name] = counts.get((position, name), 0) + 1
    levels = [{"position": position, "name": name, "count": n} for (position, name), n in sorted(counts.items())]
    return {"count": sum(counts.values()), "levels": levels}


def _incidents(city: City) -> list[dict[str, Any]]:
    found = (
        Incident.objects.filter(city=city, is_exercise=False).open().with_counts(_EVERYTHING).select_related("category")
    )
    areas = dict(Area.objects.filter(pk__in=found.values("area_id")).values_list("pk", "name"))
    return [
        {
            "id": incident.public_id,
            "title": incident.title,
            "category": incident.category.slug if incident.category else None,
            "area_name": areas.get(incident.area_id) if incident.area_id is not None else None,
            "opened_at": _iso(incident.opened_at),
            "report_count": incident.report_count,  # type: ignore[attr-defined]
            "open_report_count": incident.open_report_count,  # type: ignore[attr-defined]
        }
        for incident in found.order_by("id")
    ]


def _alerts(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "id": row["public_id"],
            "thing_name": row["thing_name"],
            "level": row["level_name"],
            "authority": row["authority"],
            "area_name": row["area_name"],
            "value": row["value"],
            "unit": row["unit"],
            "value_at": _iso(row["value_at"]),
            "opened_at": _iso(row["opened_at"]),
            "is_acknowledged": row["is_acknowledged"],
            "is_stale": row["is_stale"],
        }
        for row in rows
    ]


def _sensors_over_levels(
    city: City, alerts: Sequence[Mapping[str, Any]], now: datetime
) -> tuple[list[dict[str, Any]], list[str]]:
    """What has an open alert, at its level, or else stands at a level of a rule; and the things whose levels cannot be read.

    A value that has just reached a level may be held before its alert opens, and one that has sunk may still have it.
    """
    waiting = {(alert["rule_id"], alert["datastream_id"]): alert for alert in alerts}
    rows = _rows(WATCHED_READINGS, city_id=city.pk)
    readings, unreadable = _levels_of(rows)
    over = []
    for row in rows:
        reading = readings.get((row["rule_id"], row["datastream_id"]))
        alert = waiting.pop((row["rule_id"], row["datastream_id"]), None)
        level = _level(reading, row["result"], alert)
        if level is not None:
            named = {"level": level[0], "at_least": level[1], "authority": row["authority"]}
            gap = reading.criteria.longest_gap if reading is not None else None
            is_silent = gap is not None and now - row["phenomenon_time"] > gap
            over.append({**_reading(row, is_silent), **named})
    over += [_of_alert(alert) for alert in waiting.values()]
    over.sort(key=lambda one: (one["thing"], one["observed_property"], one["authority"]))
    return over, unreadable


def _levels_of(rows: list[dict[str, Any]]) -> tuple[dict[tuple[int, int], Reading], list[str]]:
    """By rule and datastream its levels; each row is told its authority."""
    rules = AlertRule.objects.in_bulk({row["rule_id"] for row in rows})
    of_things = {row["thing"] for row in rows if not rules[row["rule_id"]].levels}
    properties: Mapping[str, Any] = (
        dict(published.things().filter(slug__in=of_things).values_list("slug", "properties")) if of_things else {}
    )
    readings, unreadable = {}, set()
    for row in rows:
        rule, thing = rules[row["rule_id"]], row["thing"]
        row["authority"] = rule.authority
        try:
            found = read_rule(rule, properties.get(thing, {}), row["expected_interval_s"])
        except ValueError as error:
            log.warning("the alert levels of %s for %s cannot be read: %s", rule, thing, error)
            unreadable.add(thing)
            continue
        readings[row["rule_id"], row["datastream_id"]] = found
    return readings, sorted(unreadable)


def _level(reading: Reading | None, value: float, alert: Mapping[str, Any] | None) -> tuple[str, float | None] | None:
    """The name of a level, and from where it counts: the alert's, else the most severe that the value reaches."""
    levels: Sequence[AlertLevel] = reading.levels if reading is not None else ()
    if alert is not None:
        name: str = alert["level_name"]
        return name, next((level.at_least for level in levels if level.name == name), None)
    if reading is None:
        return None
    reached = [level for level in levels if reading.criteria.reaches(value, level.at_least)]
    return (reached[-1].name, reached[-1].at_least) if reached else None


def _reading(row: Mapping[str, Any], is_silent: bool) -> dict[str, Any]:
    return {
        "thing": row["thing"],
        "thing_name": row["thing_name"],
        "observed_property": row["observed_property"],
        "name_id": row["name_id"],
        "name_en": row["name_en"],
        "result": row["result"],
        "unit": row["unit_name"] or row["unit_ucum"],
        "phenomenon_time": _iso(row["phenomenon_time"]),
        "is_silent": is_silent,
    }


def _of_alert(alert: Mapping[str, Any]) -> dict[str, Any]:
    """What an open alert says of its sensor, where there is no good latest reading."""
    return {
        **{name: alert[name] for name in ("thing", "thing_name", "observed_property", "name_id", "name_en", "unit")},
        "result": alert["value"],
        "phenomenon_time": _iso(alert["value_at"]),
        "is_silent": alert["is_stale"],
        "level": alert["level_name"],
        "at_least": None,
        "authority": alert["authority"],
    }


def _rows(statement: str, **params: Any) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
