"""What a reporter answers: that it is done, that it is not, and to open it again."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from geo.operations.closing.models import Closing
from geo.reports.access.principals import Link, Principal
from geo.reports.models import HistoryEntry, HistoryNote, Report
from geo.reports.statements import QUERIES
from geo.reports.status import change_status
from geo.reports.workflow import Actor, Status
from server.core.errors import Conflict, Forbidden

ANSWERED = "answered"


def answer_closing(*, report: Report, is_done: bool, by: Principal, now: datetime, comment: str = "") -> Closing:
    """What the reporter says of a resolved report; later they may say otherwise. The status stays as it is.

    The comment is for those who deal with the report, and can be erased; the same answer again without one changes nothing.
    Errors: Forbidden for who is not its reporter; Conflict for a report that is not resolved.
    """
    _require_reporter(report, by)
    with transaction.atomic():
        locked = _lock(report)
        if locked.status != Status.RESOLVED or locked.closed_at is None:
            raise Conflict(_("The report is not resolved: there is nothing to confirm."), extra=_now_of(locked))
        closing, _is_new = Closing.objects.get_or_create(
            report=locked, closed_at=locked.closed_at, defaults={"agency_id": locked.agency_id}
        )
        if closing.is_done == is_done and not comment:
            return closing
        old = {"is_done": closing.is_done} if closing.is_done is not None else {}
        note = HistoryNote.objects.create(report=locked, text=comment) if comment else None
        HistoryEntry.objects.create(
            report=locked,
            at=now,
            action=ANSWERED,
            old=old,
            new={"is_done": is_done},
            user_id=by.user_id,
            agency_id=closing.agency_id,
            note=note,
            origin=by.origin,
        )
        closing.is_done, closing.answered_at = is_done, now
        closing.save(update_fields=["is_done", "answered_at"])
    return closing


def reopen_report(*, report: Report, reason: str, by: Principal, now: datetime) -> None:
    """Opens a report again for its reporter; one that was merged with the group that it follows.

    Of a report that was resolved it says as well that it is not done. The reason is for those who deal with it.
    Errors: Forbidden for who is not its reporter; Conflict for one that is open, and after REOPEN_DAYS; InvalidFields without a
            reason.
    """
    _require_reporter(report, by)
    with transaction.atomic():
        root = _root_of(report)
        change_status(
            report=root,
            status=Status.REOPENED,
            by=replace(by, link=Link(root.pk, Actor.REPORTER)),
            now=now,
            note=reason,
            note_is_public=False,
        )
        # Of a report that was split from its group meanwhile, nothing was reopened.
        if Report.objects.get(pk=report.pk).status != Status.REOPENED:
            raise Conflict(_("The report is being merged or split by others; try again."))
        Closing.objects.filter(report=report, reopened_at=now).update(is_done=False, answered_at=now)


def reopenable_until(report: Report) -> datetime | None:
    """Until when its reporter can open a report again; None for one that they cannot."""
    root = _root_of(report)
    if root.status not in (Status.RESOLVED, Status.REJECTED) or root.closed_at is None:
        return None
    return root.closed_at + timedelta(days=settings.REOPEN_DAYS)


def _require_reporter(report: Report, by: Principal) -> None:
    if by.link != Link(report.pk, Actor.REPORTER):
        raise Forbidden(_("Only who sent this report answers for it."))


def _root_of(report: Report) -> Report:
    return report.duplicate_of or report


def _lock(report: Report) -> Report:
    """The report, locked in the order of all writers: what it follows first; see geo.reports.merging."""
    with connection.cursor() as cursor:
        # Before any report's own lock: when a precision changes, many reports are written in no order.
        cursor.execute(QUERIES.lock_placement)
    root_id = Report.objects.values_list("duplicate_of_id", flat=True).get(pk=report.pk)
    locking = Report.objects.select_for_update(of=("self",))
    if root_id is not None:
        locking.get(pk=root_id)
    locked = locking.get(pk=report.pk)
    if locked.duplicate_of_id != root_id:
        raise Conflict(_("The report is being merged or split by others; try again."))
    return locked


def _now_of(report: Report) -> dict[str, object]:
    return {"current": {"status": report.status}}
