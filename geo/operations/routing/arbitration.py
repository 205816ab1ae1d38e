"""A report that agencies hand to and fro gets somebody who decides. Follows each step, in its transaction."""

from typing import Any

from django.db.models import Q

from geo.areas.models import City
from geo.operations.routing.models import RoutingPolicy
from geo.reports.access.principals import principal_of_user
from geo.reports.models import HistoryEntry, Report
from geo.reports.querysets import ReportQuerySet
from geo.reports.status import StatusChange, status_changed
from geo.reports.workflow import CLOSED, Status

CALLED, DECIDED = "arbitration", "arbitrated"


def connect() -> None:
    status_changed.connect(follow, dispatch_uid="geo.operations.routing")


def follow(change: StatusChange, **_sent: Any) -> None:
    """Calls the arbiter once a report was handed on too often, and lets go once somebody has decided, or it is closed."""
    report = change.report
    if report.arbiter_id is not None:
        # Only dispatchers, the arbiter among them, can assign it meanwhile: geo.reports.status refuses officers.
        if change.new is Status.ASSIGNED or change.new in CLOSED or report.duplicate_of_id is not None:
            _set_arbiter(report, None, change)
    elif report.duplicate_of_id is None and _is_handover(change):
        _call(report, change)


def waiting_for_decision(city: City) -> ReportQuerySet:
    """Reports on their way between agencies that were handed on too often: with the arbiter, or with the dispatchers."""
    policy = RoutingPolicy.objects.filter(city=city).first() or RoutingPolicy(city=city)
    often = Q(handover_count__gte=policy.handovers_before_arbiter, status=Status.COORDINATION)
    return Report.objects.filter(Q(arbiter__isnull=False) | often, city=city, duplicate_of=None)


def _is_handover(change: StatusChange) -> bool:
    is_passed_on = change.old_agency_id is not None and change.old_agency_id != change.new_agency_id
    return change.action == "status" and change.new is Status.COORDINATION and is_passed_on


def _call(report: Report, change: StatusChange) -> None:
    policy = RoutingPolicy.objects.select_related("arbiter").filter(city=report.city_id).first()
    if policy is None or policy.arbiter is None:
        return
    # Who has left cannot decide: it stays with the dispatchers, as without an arbiter.
    principal = principal_of_user(policy.arbiter)
    if not (principal.is_staff and principal.may_act_in(report.city_id)):
        return
    if _handovers_since_decision(report) >= policy.handovers_before_arbiter:
        _set_arbiter(report, policy.arbiter_id, change)


def _handovers_since_decision(report: Report) -> int:
    """Handovers since somebody decided last: an arbiter, or a dispatcher who gave it to another agency.

    This one's line of history is there already.
    """
    lines = HistoryEntry.objects.filter(report=report).order_by("-id").values_list("action", "old", "new")
    count = 0
    for action, old, new in lines:
        if action == DECIDED:
            break
        if action == "status" and old.get("agency") and new.get("agency"):
            if new.get("status") == Status.ASSIGNED:
                break
            count += new.get("status") == Status.COORDINATION
    return count


def _set_arbiter(report: Report, arbiter_id: int | None, change: StatusChange) -> None:
    had_id = report.arbiter_id
    report.arbiter_id = arbiter_id
    report.save(update_fields=["arbiter"])
    # The step's own line says who took it, and from where.
    step = HistoryEntry.objects.filter(report=report, action=change.action).order_by("-id").first()
    HistoryEntry.objects.create(
        report=report,
        at=change.at,
        action=DECIDED if arbiter_id is None else CALLED,
        old={"arbiter": had_id},
        new={"arbiter": arbiter_id},
        user_id=step.user_id if step is not None else None,
        channel_id=step.channel_id if step is not None else None,
        agency_id=report.agency_id,
        origin=step.origin if step is not None else "",
    )
