"""Calendars laid out in the database, and the deadlines that follow from them."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from django.db import connection, transaction

from geo.areas.models import City
from geo.operations.clocks.calendars import (
    DAY,
    Kind,
    Reckoning,
    Rules,
    Span,
    SpecialDays,
    WorkingTime,
    lay_out,
    national_days_off,
)
from geo.operations.clocks.clock import Deadlines, NotLaidOut, replay
from geo.operations.clocks.reading import lines_of, reports_to_recompute, targets_of
from geo.operations.clocks.sql_reckoning import QUERIES, SqlReckoning
from geo.reports.access.principals import Origin, Principal
from geo.reports.models import Report, WorkingCalendar, WorkingInterval
from geo.reports.statements import QUERIES as REPORT_QUERIES
from geo.reports.weekly_hours import read_hours, read_weekly_hours

log = logging.getLogger(__name__)

# A calendar is laid out for so many years before this one and after it: the longest clock has to end there.
YEARS_BACK = 10
YEARS_AHEAD = 10
# All of a batch is done under the lock for which intake and officers wait: see recompute_deadlines.
REPORTS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Recomputed:
    """How many reports were looked at, how many have other deadlines now, and how many lie beyond their calendar's years."""

    read: int = 0
    changed: int = 0
    beyond: int = 0


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A calendar's working time, and from when until when it is known."""

    spans: list[Span]
    since: datetime
    until: datetime


def lay_out_calendar(*, calendar: WorkingCalendar, now: datetime) -> bool:
    """Brings a calendar's working time up to its rules and to this year; False where it was so already.

    Errors: ValidationError for hours that make no sense, and for a week without any.
    """
    with transaction.atomic():
        locked = WorkingCalendar.objects.select_for_update(of=("self",)).select_related("city").get(pk=calendar.pk)
        laid_out = _by_its_rules(locked, now)
        known = WorkingInterval.objects.filter(calendar=locked)
        is_same = list(known.order_by("starts_at").values_list("starts_at", "ends_at")) == laid_out.spans
        if is_same and (locked.laid_out_from, locked.laid_out_until) == (laid_out.since, laid_out.until):
            return False
        known.delete()
        starts, ends = ([span[i] for span in laid_out.spans] for i in (0, 1))
        with connection.cursor() as cursor:
            cursor.execute(QUERIES.write_intervals, {"calendar_id": locked.pk, "starts": starts, "ends": ends})
        span = {"laid_out_from": laid_out.since, "laid_out_until": laid_out.until}
        WorkingCalendar.objects.filter(pk=locked.pk).update(**span)
    return True


def keep_calendars(now: datetime) -> str:
    """The schedule's work: calendars follow the years, and holidays that were fixed meanwhile; open reports follow them."""
    laid_out = [each for each in WorkingCalendar.objects.order_by("id") if lay_out_calendar(calendar=each, now=now)]
    by = Principal(origin=Origin.SCHEDULE)
    changed = sum(recompute_deadlines(calendar=each, by=by, now=now).changed for each in laid_out)
    return f"{len(laid_out)} calendars laid out anew, {changed} deadlines changed" if laid_out else ""


def set_deadlines(report: Report) -> None:
    """A report's deadlines as its history has them now; in the caller's transaction, which holds the report."""
    lines = lines_of([report])[report.pk]
    reckonings = {line.calendar_id: SqlReckoning(line.calendar_id) for line in lines if line.calendar_id is not None}
    try:
        found = replay(lines, targets_of([report.category_id])[report.category_id], reckonings)
    except NotLaidOut:
        # The step is worth more than its deadline, which comes with the next recompute_deadlines.
        log.error("report %s lies beyond the years of its calendar; its deadlines stay as they are", report.pk)
        return
    if (report.due_at, report.response_due_at) != (found.due_at, found.response_due_at):
        report.due_at, report.response_due_at = found.due_at, found.response_due_at
        Report.objects.filter(pk=report.pk).update(due_at=found.due_at, response_due_at=found.response_due_at)


def recompute_deadlines(
    *,
    by: Principal,
    now: datetime,
    city: City | None = None,
    calendar: WorkingCalendar | None = None,
    include_closed: bool = False,
    is_dry_run: bool = False,
    on_progress: Callable[[int], object] | None = None,
) -> Recomputed:
    """Lays out the calendars, plays the history of open reports again, and writes the deadlines that are others now.

    Each that changed has a line of history. `calendar` limits it to reports that an agency of that calendar has, or had.
    Each batch is a transaction of its own: broken off, it is begun again without harm. A dry run writes nothing. Whoever sends or
    works on a report waits for the batch that is under way: 500 reports of six lines each, all with other deadlines, took 0.3 to
    0.6 s on two busy cores (2,000 took 2.8 s).
    """
    reckonings: dict[int, Reckoning] = {}
    for each in WorkingCalendar.objects.select_related("city").order_by("id"):
        if not is_dry_run:
            lay_out_calendar(calendar=each, now=now)
        known = _by_its_rules(each, now)
        reckonings[each.pk] = WorkingTime(known.spans, since=known.since, until=known.until)
    chosen = reports_to_recompute(city=city, calendar=calendar, include_closed=include_closed)
    read = changed = beyond = after = 0
    while ids := list(chosen.filter(id__gt=after).order_by("id").values_list("id", flat=True)[:REPORTS_AT_ONCE]):
        with transaction.atomic():
            if not is_dry_run:
                with connection.cursor() as cursor:
                    # Many reports are written, in no order that others know; see lock_placement.
                    cursor.execute(REPORT_QUERIES.lock_placement_exclusive)
            others, unknown = _other_deadlines(ids, reckonings, include_closed=include_closed)
            if not is_dry_run:
                _write(others, by=by, now=now)
        read, changed, beyond, after = read + len(ids), changed + len(others), beyond + unknown, ids[-1]
        if on_progress is not None:
            on_progress(len(ids))
    return Recomputed(read, changed, beyond)


def _by_its_rules(calendar: WorkingCalendar, now: datetime) -> LaidOut:
    zone = calendar.city.zone
    year = now.astimezone(zone).year
    first, last = date(year - YEARS_BACK, 1, 1), date(year + YEARS_AHEAD, 12, 31)
    rules = Rules(
        week=read_weekly_hours(calendar.weekly_hours),
        zone=zone,
        days_off=national_days_off(
            range(first.year, last.year + 1),
            public=calendar.observes_holidays,
            joint_leave=calendar.observes_joint_leave,
        ),
        # Of two that begin on the same day, the one that was entered last is asked first.
        special=[
            SpecialDays(each.date, each.last_date or each.date, Kind(each.kind), read_hours(each.hours))
            for each in calendar.exceptions.order_by("date", "-id")
        ],
    )
    since, until = (datetime.combine(day, time(0), zone).astimezone(UTC) for day in (first, last + DAY))
    return LaidOut(lay_out(rules, first, last), since, until)


def _other_deadlines(
    ids: Sequence[int], reckonings: Mapping[int, Reckoning], *, include_closed: bool
) -> tuple[list[tuple[Report, Deadlines]], int]:
    """Of these reports the ones whose deadlines are not as they should be, with those; and how many cannot be told."""
    fields = ("id", "city_id", "category_id", "agency_id", "received_at", "status", "due_at", "response_due_at")
    # Asked again, now that nobody changes them: one that was closed meanwhile keeps what it has.
    reports = Report.objects.filter(id__in=ids).only(*fields).order_by("id")
    found = list(reports if include_closed else reports.filter(closed_at=None))
    targets, lines = targets_of(report.category_id for report in found), lines_of(found)
    others, unknown = [], 0
    for report in found:
        try:
            should = replay(lines[report.pk], targets[report.category_id], reckonings)
        except NotLaidOut:
            unknown += 1
            continue
        if (should.due_at, should.response_due_at) != (report.due_at, report.response_due_at):
            others.append((report, should))
    return others, unknown


def _write(others: Sequence[tuple[Report, Deadlines]], *, by: Principal, now: datetime) -> None:
    if not others:
        return
    values: dict[str, Any] = {
        "ids": [report.pk for report, _should in others],
        "olds": [_told(report.due_at, report.response_due_at) for report, _should in others],
        "news": [_told(should.due_at, should.response_due_at) for _report, should in others],
        "now": now,
        "user_id": by.user_id,
        "origin": str(by.origin),
    }
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.write_deadlines, values)


def _told(due_at: datetime | None, response_due_at: datetime | None) -> str:
    times = {"due_at": due_at, "response_due_at": response_due_at}
    return json.dumps({name: at.isoformat() if at is not None else None for name, at in times.items()})
