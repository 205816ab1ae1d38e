"""Rules applied to reports that wait, and the figures of reports that are handed to and fro."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from geo.areas.models import City
from geo.operations.board.figures import Question
from geo.operations.dispatching import require_dispatcher
from geo.operations.routing.statements import ELSEWHERE, PING_PONG
from geo.reports.access.principals import Principal
from geo.reports.locking import lock_reports
from geo.reports.models import Agency, HistoryEntry, Report
from geo.reports.statements import QUERIES as REPORT_QUERIES
from geo.reports.status import StatusChange, status_changed
from geo.reports.workflow import Status
from server.core.time_limits import allow_statements

REROUTED = "rerouted"
BATCH = 200


@dataclass(frozen=True, slots=True)
class Rerouted:
    """How many reports were given to another agency, and whether there are more."""

    reports: int
    has_more: bool


def reroute(
    *,
    city: City,
    by: Principal,
    now: datetime,
    limit: int = 1000,
    on_progress: Callable[[int], object] | None = None,
) -> Rerouted:
    """Gives the reports that nobody has taken up yet (submitted) to the agencies that the rules name today.

    At most `limit` of them and those that follow them, each batch in a transaction of its own; doing it again goes on, and
    changes nothing once all is done. One that nobody would be responsible for stays where it is. Not a handover: no agency
    has handed it on.
    Errors: Forbidden for who does not dispatch in the whole city.
    """
    require_dispatcher(by, city.pk)
    ids = [pk for pk, _to_id, _rule_id in _elsewhere(city, now, limit=limit + 1)]
    done = 0
    for start in range(0, min(len(ids), limit), BATCH):
        done += _reroute(city, ids[start : min(start + BATCH, limit)], by, now)
        if on_progress is not None:
            on_progress(done)
    return Rerouted(done, has_more=len(ids) > limit)


def _elsewhere(
    city: City, now: datetime, *, limit: int, ids: list[int] | None = None
) -> list[tuple[int, int, int | None]]:
    """(report, agency, rule) of those that would go to another agency."""
    given: dict[str, Any] = {"city_id": city.pk, "now": now, "statuses": [Status.SUBMITTED.value], "since": None}
    with transaction.atomic(), connection.cursor() as cursor:
        allow_statements(120)
        cursor.execute(ELSEWHERE, {**given, "ids": ids, "limit": limit})
        return cursor.fetchall()


def _reroute(city: City, ids: list[int], by: Principal, now: datetime) -> int:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(REPORT_QUERIES.lock_placement)
        # Roots before those that follow them, each in the order of ids, as everybody locks them: see geo.reports.merging.
        related = ("channel", "category", "agency")
        asked = Report.objects.filter(pk__in=ids, duplicate_of=None, status=Status.SUBMITTED)
        roots = {report.pk: report for report in lock_reports(asked, *related)}
        followers = lock_reports(Report.objects.filter(duplicate_of__in=list(roots)), *related)
        # Asked again, now that nobody else can change them.
        wanted = {
            pk: (to_id, rule_id) for pk, to_id, rule_id in _elsewhere(city, now, limit=len(roots), ids=list(roots))
        }
        agencies = Agency.objects.in_bulk({to_id for to_id, _rule_id in wanted.values()})
        for report in [*roots.values(), *followers]:
            to_id, rule_id = wanted.get(report.duplicate_of_id or report.pk, (None, None))
            if to_id is not None and to_id != report.agency_id:
                _give(report, agencies[to_id], rule_id, by, now)
    return len(wanted)


def _give(report: Report, agency: Agency, rule_id: int | None, by: Principal, now: datetime) -> None:
    had, status = report.agency, Status(report.status)
    report.agency = agency
    report.updated_at = max(now, report.updated_at + timedelta(microseconds=1))
    report.save(update_fields=["agency", "updated_at"])
    HistoryEntry.objects.create(
        report=report,
        at=now,
        action=REROUTED,
        old={"agency": had.slug if had is not None else ""},
        new={"agency": agency.slug, "rule": rule_id},
        user_id=by.user_id,
        channel=by.channel,
        agency=agency,
        origin=by.origin,
    )
    had_id = had.pk if had is not None else None
    change = StatusChange(report, status, status, now, "", had_id, agency.pk, REROUTED)
    status_changed.send(sender=Report, change=change)


@dataclass(frozen=True, slots=True)
class PingPong:
    """How often one agency has handed reports to another, and how many reports; both agencies by slug."""

    from_agency: str
    to_agency: str
    handovers: int
    reports: int


def ping_pong(question: Question) -> list[PingPong]:
    """The handovers of the question's period, of reports that were handed on twice at least, by pair of agencies.

    The most frequent pair first; of `agency_ids` those that one of them gave or got. A handover is counted when it happened,
    whenever the report came in.
    """
    with connection.cursor() as cursor:
        cursor.execute(PING_PONG, question.params())
        return [PingPong(*row) for row in cursor.fetchall()]
