"""The weekly brief of a city, read in as many statements however much there is to tell."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from geo.areas.models import Area, City
from geo.operations.incidents.models import Incident
from geo.operations.mayor.brief import (
    Brief,
    Compared,
    Counts,
    Domain,
    Group,
    IncidentLine,
    InstructionLine,
    Measured,
    Name,
    Pace,
)
from geo.operations.mayor.models import Instruction, State
from geo.operations.mayor.weeks import Week
from geo.reports.access.principals import Principal
from geo.reports.models import Agency, Category, Report
from geo.reports.workflow import CLOSED, Status
from sensors import published
from server.core.sql import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
OPEN = sorted(set(Status.values) - set(CLOSED))
DOMAINS = ("environment", "traffic", "health", "economy")
MOST_NAMED = 50
SLOWEST = 10
# Who reads the brief oversees the whole city.
_EVERYTHING = Principal(is_superuser=True)
OUTSIDE = Name(None, "di luar semua wilayah", "outside every area")

# The two spans that are compared: the start and the end of the week before, and of the week.
Spans = tuple[tuple[datetime, datetime], tuple[datetime, datetime]]
Row = Mapping[str, Any]


def weekly_brief(city: City, week: Week, now: datetime) -> Brief:
    """The week against the one before. While the week is not over, what has passed of it, against as much of the one before.

    Late, open and medians are of reports as they stand now: what was reopened since is open again in the week, too.
    """
    start, end = week.start(city.zone), week.end(city.zone)
    until = min(end, now)
    before = week.before.start(city.zone)
    spans: Spans = ((before, start if until == end else before + (until - start)), (start, until))
    has_previous = Report.objects.filter(city=city, is_exercise=False, reported_at__lt=start).exists()
    figures = _figures(city, spans)
    agencies = _names(Agency, figures["agency"])
    unfulfilled = Instruction.objects.filter(city=city).unfulfilled()
    given = Instruction.objects.filter(city=city)
    return Brief(
        city=city.slug,
        city_name=city.name,
        time_zone=city.timezone,
        week=week,
        start=start,
        until=until,
        is_over=end <= now,
        as_of=now,
        has_previous=has_previous,
        totals=_counts(figures["total"].get(None, {}), has_previous),
        categories=_groups(figures["category"], _names(Category, figures["category"]), OUTSIDE, has_previous),
        areas=_groups(figures["area"], _area_names(figures["area"]), OUTSIDE, has_previous),
        agencies=_slowest(figures["agency"], agencies, has_previous),
        domains=_domains(city, spans),
        instructions_given=_per_span(given, "given_at", spans, has_previous),
        instructions_confirmed=_per_span(given.filter(state=State.CONFIRMED), "ended_at", spans, has_previous),
        unfulfilled=unfulfilled.count(),
        unfulfilled_late=unfulfilled.late(now).count(),
        instructions=_instructions(unfulfilled, now),
        incidents=_incidents(city),
    )


def _figures(city: City, spans: Spans) -> dict[str, dict[int | None, dict[int, Row]]]:
    """By kind and key the rows of both spans, by number: 1 is the week before, 2 the week."""
    (first, _end), (_start, last) = spans
    found: dict[str, dict[int | None, dict[int, Row]]] = {kind: {} for kind in ("total", "category", "area", "agency")}
    for row in _rows(QUERIES.reports, city_id=city.pk, first=first, last=last, open=OPEN, **_edges(spans)):
        found[row["kind"]].setdefault(row["key"], {})[row["number"]] = row
    return found


def _counts(rows: Mapping[int, Row], has_previous: bool) -> Counts:
    def compared(name: str) -> Compared:
        last = rows[1][name] if 1 in rows else 0
        return Compared(int(rows[2][name]) if 2 in rows else 0, int(last) if has_previous else None)

    return Counts(*(compared(name) for name in Counts.__dataclass_fields__))


def _groups(
    found: Mapping[int | None, Mapping[int, Row]], names: Mapping[int, Name], without: Name, has_previous: bool
) -> tuple[Group, ...]:
    """Those with anything to tell, most new first."""
    groups = []
    for key, rows in found.items():
        counts = _counts(rows, has_previous)
        if any(getattr(counts, name).this or getattr(counts, name).last for name in Counts.__dataclass_fields__):
            groups.append(Group(names[key] if key is not None else without, counts))
    return tuple(
        sorted(groups, key=lambda one: (-(one.counts.new.this or 0), -(one.counts.open.this or 0), one.of.id or "~"))
    )


def _slowest(
    found: Mapping[int | None, Mapping[int, Row]], names: Mapping[int, Name], has_previous: bool
) -> tuple[Pace, ...]:
    """Agencies that did anything and were late with some of it, the one with the largest late share first, then the longest median.

    Those without a target stand last: nobody knows whether they were late.
    """
    paces = []
    for key, rows in found.items():
        this, last = rows.get(2, {}), rows.get(1, {}) if has_previous else {}
        if key is None or not (this.get("responded") or this.get("resolved") or this.get("with_target")):
            continue
        if _share(this) == 0:
            continue  # whoever was late with nothing is not slow
        paces.append(
            Pace(
                agency=names[key],
                responded=this["responded"],
                first_response_h=Compared(this["response_h"], last.get("response_h")),
                resolved=this["resolved"],
                resolution_h=Compared(this["resolution_h"], last.get("resolution_h")),
                late_share=Compared(_share(this), _share(last)),
            )
        )
    paces.sort(key=lambda one: (-(one.late_share.this or 0), -(one.resolution_h.this or 0), one.agency.id or ""))
    return tuple(paces[:SLOWEST])


def _share(row: Row) -> float | None:
    return row["past_target"] / row["with_target"] if row.get("with_target") else None


def _domains(city: City, spans: Spans) -> tuple[Domain, ...]:
    properties = {one.code: one for one in published.observed_properties().order_by("code")}
    measured: dict[str, list[Measured]] = {domain: [] for domain in DOMAINS}
    seen = set()
    for row in _rows(QUERIES.readings, city_id=city.pk, **_edges(spans)):
        if not row["places"]:
            continue
        one = properties[row["observed_property"]]
        seen.add(one.code)
        value = Compared(None, None) if one.as_anomaly else Compared(row["value"], row["value_before"])
        measured[one.domain].append(
            Measured(
                property=Name(one.code, one.name_id, one.name_en),
                unit=row["unit_ucum"],
                aggregate=row["aggregate"],
                is_simulated=row["is_simulated"],
                places=row["places"],
                value=value,
                change=row["change"],
                places_in_both=row["places_both"],
            )
        )
    return tuple(
        Domain(
            domain,
            tuple(measured[domain]),
            tuple(
                Name(one.code, one.name_id, one.name_en)
                for one in properties.values()
                if one.domain == domain and one.code not in seen
            ),
        )
        for domain in DOMAINS
    )


def _per_span(found: QuerySet[Instruction], field: str, spans: Spans, has_previous: bool) -> Compared:
    last, this = (found.filter(Q((f"{field}__gte", start), (f"{field}__lt", end))).count() for start, end in spans)
    return Compared(this, last if has_previous else None)


def _instructions(unfulfilled: QuerySet[Instruction], now: datetime) -> tuple[InstructionLine, ...]:
    found = unfulfilled.select_related("agency", "report", "incident", "area").defer("area__boundary")
    lines = []
    for one in found.order_by("deadline", "id")[:MOST_NAMED]:
        if one.report is not None:
            kind, target = "report", one.report.public_id
        elif one.incident is not None:
            kind, target = "incident", one.incident.title
        else:
            kind, target = "area", one.area.name if one.area is not None else ""
        agency = Name(one.agency.slug, one.agency.name_id, one.agency.name_en)
        lines.append(InstructionLine(one.public_id, agency, target, kind, one.state, one.deadline, one.is_late(now)))
    return tuple(lines)


def _incidents(city: City) -> tuple[IncidentLine, ...]:
    found = (
        Incident.objects.filter(city=city, is_exercise=False)
        .open()
        .with_counts(_EVERYTHING)
        .order_by("opened_at", "id")[:MOST_NAMED]
    )
    areas = dict(Area.objects.filter(pk__in=[one.area_id for one in found]).values_list("pk", "name"))
    return tuple(
        IncidentLine(
            one.public_id,
            one.title,
            areas.get(one.area_id) if one.area_id is not None else None,
            one.opened_at,
            one.report_count,  # type: ignore[attr-defined]
            one.open_report_count,  # type: ignore[attr-defined]
        )
        for one in found
    )


def _names(model: type[Agency] | type[Category], found: Mapping[int | None, Any]) -> dict[int, Name]:
    rows = model.objects.filter(pk__in=[key for key in found if key is not None])
    return {one.pk: Name(one.slug, one.name_id, one.name_en) for one in rows}


def _area_names(found: Mapping[int | None, Any]) -> dict[int, Name]:
    rows = Area.objects.filter(pk__in=[key for key in found if key is not None]).values_list("pk", "code", "name")
    return {pk: Name(code, name, name) for pk, code, name in rows}


def _edges(spans: Spans) -> dict[str, list[datetime]]:
    return {"starts": [start for start, _end in spans], "ends": [end for _start, end in spans]}


def _rows(statement: str, **params: Any) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
