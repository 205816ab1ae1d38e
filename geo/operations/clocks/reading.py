"""What a report's clock is played from: its steps, its category's targets, and whose calendar is which."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q

from geo.areas.models import City
from geo.operations.clocks.clock import Line, Targets
from geo.reports.models import Agency, Category, HistoryEntry, Report, WorkingCalendar
from geo.reports.querysets import ReportQuerySet
from geo.reports.workflow import Status

# Beside the lines that name a status or an agency: those after which another agency may have the report.
PLACING_ACTIONS = ("revised", "refreshed")

CalendarOf = Callable[[int | None, int], int | None]


def lines_of(reports: Sequence[Report]) -> dict[int, list[Line]]:
    """The steps of each report that matter to its clock. One without any, as no service leaves it, is as it came in."""
    entries = (
        HistoryEntry.objects.filter(report__in=[report.pk for report in reports])
        .filter(Q(new__has_any_keys=["status", "agency"]) | Q(action__in=PLACING_ACTIONS))
        .order_by("report_id", "id")
        .values_list("report_id", "at", "new", "agency_id")
    )
    by_report: dict[int, list[tuple[datetime, Any, int | None]]] = {report.pk: [] for report in reports}
    for report_id, at, new, agency_id in entries:
        by_report[report_id].append((at, new, agency_id))
    calendar_of = calendars_of({report.city_id for report in reports})
    return {
        report.pk: list(_as_lines(by_report[report.pk] or [_as_it_came(report)], calendar_of, report.city_id))
        for report in reports
    }


def _as_it_came(report: Report) -> tuple[datetime, Any, int | None]:
    return report.received_at, {"status": report.status}, report.agency_id


def _as_lines(
    entries: Sequence[tuple[datetime, Any, int | None]], calendar_of: CalendarOf, city_id: int
) -> Iterator[Line]:
    status = Status.SUBMITTED
    for at, new, agency_id in entries:
        status = Status(new.get("status", status))
        yield Line(at, status, calendar_of(agency_id, city_id))


def calendars_of(city_ids: Iterable[int]) -> CalendarOf:
    """An agency's own calendar, else its city's default, by (agency, city). A city has dozens of agencies."""
    cities = list(city_ids)
    agencies = Agency.objects.filter(city__in=cities).exclude(calendar=None).order_by()
    own = dict(agencies.values_list("id", F("calendar_id")))
    default = dict(WorkingCalendar.objects.filter(city__in=cities, is_default=True).values_list("city_id", "id"))
    return lambda agency_id, city_id: own.get(agency_id or 0, default.get(city_id))


def targets_of(category_ids: Iterable[int]) -> dict[int, Targets]:
    """What each of these categories aims at: what it says itself, else the nearest above it that says anything."""
    said = {
        pk: (parent_id, response, resolution)
        for pk, parent_id, response, resolution in Category.objects.values_list(
            "id", "parent_id", "response_working_hours", "sla_working_hours"
        )
    }
    found = {}
    for pk in set(category_ids):
        response = resolution = None
        above: int | None = pk
        for _step in said:  # no more steps than there are categories, should they ever form a ring
            if above is None:
                break
            above, first, whole = said[above]
            response = first if response is None else response
            resolution = whole if resolution is None else resolution
        found[pk] = Targets(_hours(response), _hours(resolution))
    return found


def _hours(n: int | None) -> timedelta | None:
    return None if n is None else timedelta(hours=n)


def reports_to_recompute(
    *, city: City | None = None, calendar: WorkingCalendar | None = None, include_closed: bool = False
) -> ReportQuerySet:
    """Open ones, or all; of a city; of the agencies of a calendar, now or at any time before."""
    found = Report.objects.all() if include_closed else Report.objects.filter(closed_at=None)
    if city is not None:
        found = found.filter(city=city)
    if calendar is None:
        return found
    whose, nobodys = Q(calendar=calendar), Q()
    if calendar.is_default:
        whose, nobodys = whose | Q(calendar=None), Q(agency=None)
    agencies = Agency.objects.filter(whose, city_id=calendar.city_id).values("id")
    had = HistoryEntry.objects.filter(report=OuterRef("pk"), agency_id__in=agencies)
    return found.filter(Q(agency__in=agencies) | Exists(had) | nobodys, city_id=calendar.city_id)
