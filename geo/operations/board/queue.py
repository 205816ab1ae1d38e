"""The work that waits, by the tabs of the board's queue: what each holds, how many, and in which order."""

from datetime import datetime
from enum import StrEnum

from django.db.models import Count, F, Q

from geo.operations.board.figures import SOON
from geo.reports.access.principals import DISPATCHING, Principal, Role
from geo.reports.models import HistoryEntry
from geo.reports.models.report import IS_OPEN
from geo.reports.querysets import ReportQuerySet


class Tab(StrEnum):
    """`due` within figures.SOON; `reopened` once at least; `mine` see `mine_of`."""

    OPEN = "open"
    DUE = "due"
    LATE = "late"
    REOPENED = "reopened"
    MINE = "mine"
    UNASSIGNED = "unassigned"


def waiting(reports: ReportQuerySet) -> ReportQuerySet:
    """What is work: open, and following no other report."""
    return reports.filter(IS_OPEN, duplicate_of=None)


def condition(tab: Tab, by: Principal, *, now: datetime) -> Q:
    """Which of the work a tab holds, for whoever looks."""
    return {
        Tab.OPEN: Q(),
        Tab.DUE: Q(due_at__gte=now, due_at__lt=now + SOON),
        Tab.LATE: Q(due_at__lt=now),
        Tab.REOPENED: Q(reopened_count__gt=0),
        Tab.MINE: mine_of(by),
        Tab.UNASSIGNED: Q(agency=None),
    }[tab]


def mine_of(by: Principal) -> Q:
    """Of an officer what their agency or area has; of an area's dispatcher what lies in it; of anybody what they arbitrate, and
    what they have taken a step of: who dispatches a whole city is not the one who has all of it."""
    wanted = Q(pk__in=())
    for grant in by.grants:
        if grant.role == Role.OFFICER or (grant.role in DISPATCHING and grant.area_id is not None):
            wanted |= grant.as_filter()
    if by.user_id is not None:
        steps = HistoryEntry.objects.filter(user=by.user_id, action__in=("status", "merged", "split"))
        wanted |= Q(arbiter_id=by.user_id) | Q(pk__in=steps.values("report_id"))
    return wanted


def counts(reports: ReportQuerySet, by: Principal, *, now: datetime) -> dict[str, int]:
    """How much each tab holds, in one statement."""
    wanted = {tab.value: Count("pk", filter=condition(tab, by, now=now)) for tab in Tab if tab is not Tab.OPEN}
    found = waiting(reports).aggregate(open=Count("pk"), **wanted)
    return {tab.value: found[tab.value] for tab in Tab}


def in_order(reports: ReportQuerySet, after: tuple[datetime | None, int] | None) -> ReportQuerySet:
    """What should have been done first stands first; what has no deadline follows, the oldest first."""
    if after is not None:
        due_at, key = after
        if due_at is None:
            reports = reports.filter(due_at=None, pk__gt=key)
        else:
            reports = reports.filter(Q(due_at__gt=due_at) | Q(due_at=due_at, pk__gt=key) | Q(due_at=None))
    return reports.order_by(F("due_at").asc(nulls_last=True), "pk")
