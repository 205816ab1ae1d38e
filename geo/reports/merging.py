"""Reports of the same thing made into one: the children follow the status of their parent until they are split from it.

A report that follows is followed by none, so a group has one root. Two writers never wait for each other in a circle, since
both lock in one order: first the roots, each by itself in the order of ids, then what follows them in the order of ids. A
report that follows is locked only by who holds its root; whoever finds that a supposed root follows another meanwhile lets go
of everything (MovedOn) and begins again.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _

from geo.reports.access.principals import Principal
from geo.reports.locking import lock_reports
from geo.reports.models import HistoryEntry, Report
from geo.reports.statements import QUERIES
from geo.reports.status import move_to_status
from geo.reports.workflow import CLOSED, Status
from server.core.errors import Conflict, Forbidden

MERGED, SPLIT = "merged", "split"
ATTEMPTS = 5
_NEEDED = ("channel", "agency")


class MovedOn(Exception):
    """A report is no longer in the group in which it was found."""


def merge_reports(*, parent: Report, children: Sequence[Report], by: Principal, now: datetime) -> Report:
    """Lets the children follow the parent, at once and from now on; what followed a child follows the parent instead.

    A child that follows this parent already stays as it is.
    Errors: Forbidden for who does not deal with all of them, and for officers where one would be opened again by it;
            Conflict for reports of two cities, for an open one that would follow a closed one, a parent that follows another
            report, a child that follows one that is not given, a report into itself, and for officers one that its arbiter
            decides about.
    """
    _require_right(parent, by)
    return _again_if_moved(lambda: _merge(parent.pk, [child.pk for child in children], by, now))


def split_report(*, report: Report, by: Principal, now: datetime) -> Report:
    """Lets a report stand for itself again, with the status that it had before it was merged.

    Errors: Forbidden for who does not deal with it, and for officers where it would be opened again by it; Conflict for a report
            that follows none.
    """
    _require_right(report, by)
    return _again_if_moved(lambda: _split(report.pk, by, now))


def _merge(parent_id: int, child_ids: Sequence[int], by: Principal, now: datetime) -> Report:
    if parent_id in child_ids:
        raise Conflict(_("A report cannot be merged into itself."))
    followed = _followed([parent_id, *child_ids])
    if followed[parent_id] is not None:
        raise Conflict(_("The report to merge into follows another one itself."))
    root_ids = [pk for pk in child_ids if followed[pk] is None]
    # What follows one of them, or the parent, comes along or is there.
    if any(followed[pk] not in (None, parent_id, *root_ids) for pk in child_ids):
        raise Conflict(_("A report that follows another one is split from it first."))
    roots = _lock_roots([parent_id, *root_ids])
    parent = roots.pop(parent_id)
    _require_right(parent, by)
    if any(child.city_id != parent.city_id for child in roots.values()):
        raise Conflict(_("Only reports of the same city are merged."))
    if any(child.is_exercise != parent.is_exercise for child in roots.values()):
        raise Conflict(_("Reports of an exercise and real ones are kept apart."))
    followers = lock_reports(Report.objects.filter(duplicate_of__in=list(roots)), *_NEEDED, "duplicate_of")
    for child in roots.values():
        _require_right(child, by)
        _refuse_closing(child, parent)
        _refuse_shortcut(child, Status(parent.status), by)
    for child in [*followers, *roots.values()]:
        before = child.duplicate_of
        child.duplicate_of = parent
        move_to_status(
            child,
            Status(parent.status),
            by=by,
            now=now,
            action=MERGED,
            old={"duplicate_of": before.public_id} if before is not None else {},
            new={"duplicate_of": parent.public_id},
        )
    return parent


def _split(report_id: int, by: Principal, now: datetime) -> Report:
    root_id = _followed([report_id])[report_id]
    if root_id is None:
        raise Conflict(_("This report follows no other one."))
    root = _lock_roots([root_id])[root_id]
    # Looked for as a child, now that it can be none of another: a root by now must not be waited for while this one is held.
    found = lock_reports(Report.objects.filter(pk=report_id, duplicate_of=root_id), *_NEEDED)
    if not found:
        raise MovedOn
    (report,) = found
    _require_right(report, by)
    status = _status_before_merge(report)
    _refuse_shortcut(report, status, by)
    report.duplicate_of = None
    if status is Status.SUBMITTED:
        # What answered the group was no answer to this report.
        report.responded_at = None
    move_to_status(report, status, by=by, now=now, action=SPLIT, old={"duplicate_of": root.public_id})
    return report


def _require_right(report: Report, by: Principal) -> None:
    if not (by.is_staff and by.may_handle(report)):
        raise Forbidden(_("Only those who deal with reports merge and split them."))


def _refuse_shortcut(report: Report, status: Status, by: Principal) -> None:
    """What closes a report or opens it again needs a reason or a photo, and gives it new time; what its arbiter has waits for them.
    An officer does not come round that by merging and splitting."""
    if by.may_dispatch(report):
        return
    if (report.status in CLOSED) != (status in CLOSED):
        raise Forbidden(_("This would close a report, or open it again: dispatchers do that by merging and splitting."))
    if report.arbiter_id is not None:
        raise Conflict(_("Its arbiter decides now which agency gets this report."))


def _refuse_closing(child: Report, parent: Report) -> None:
    """Who reopened a report waits for it, and nobody said why it should be closed; the photo that closed the other shows nothing
    of this one."""
    if parent.status in CLOSED and child.status not in CLOSED:
        raise Conflict(
            _(
                "Report %(child)s is open and cannot follow %(parent)s, which is closed: reopen that one first, or merge the "
                "other way round."
            )
            % {"child": child.public_id, "parent": parent.public_id}
        )


def _again_if_moved(write: Callable[[], Report]) -> Report:
    for _attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    # Before any report's own lock: who refreshes the public places of many reports locks them in no order.
                    cursor.execute(QUERIES.lock_placement)
                return write()
        except MovedOn:
            continue
    raise Conflict(_("The report is being merged or split by others; try again."))


def _followed(report_ids: Sequence[int]) -> dict[int, int | None]:
    """Which report each of these follows at the moment, by ids; nothing is locked."""
    return dict(Report.objects.filter(pk__in=report_ids).values_list("id", "duplicate_of_id"))


def _lock_roots(report_ids: Sequence[int]) -> dict[int, Report]:
    """Locks reports that follow none, one after the other. MovedOn as soon as one does: nothing is waited for while it is held."""
    roots = {}
    for pk in sorted(set(report_ids)):
        (roots[pk],) = lock_reports(Report.objects.filter(pk=pk), *_NEEDED)
        if roots[pk].duplicate_of_id is not None:
            raise MovedOn
    return roots


def _status_before_merge(report: Report) -> Status:
    """The status with which it was merged after it stood for itself last: it may have moved from parent to parent since."""
    status = Status(report.status)
    lines = HistoryEntry.objects.filter(report=report, action__in=(MERGED, SPLIT)).order_by("-id")
    for action, old in lines.values_list("action", "old"):
        if action == SPLIT:
            break
        status = Status(old["status"])
    return status
