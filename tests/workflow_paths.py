"""Legal ways through the workflow, for tests that need a report in some state or a step and care for nothing else of it.

`take_step` gives a step what the workflow's table asks for; `bring_to` takes the shortest way of a dispatcher, step by step.
"""

from collections import deque
from datetime import datetime
from typing import Any

from geo.models import Agency, Report
from geo.reports.access.principals import Principal
from geo.reports.status import change_status
from geo.reports.workflow import Actor, Need, Status, edge_between, steps_from
from tests.factories import NOW, make_agency

DISPATCHER = Principal(is_superuser=True, user_id=7)
REASON = "Alasan"


def agency_for(report: Report, status: Status) -> Agency:
    """The agency that has the report; for a handover, and where none has it, another one."""
    report.refresh_from_db()
    if status is not Status.COORDINATION and report.agency is not None:
        return report.agency
    slug = "dinas-a" if report.agency is None or report.agency.slug != "dinas-a" else "dinas-b"
    return make_agency(report.city, slug)


def take_step(
    report: Report, status: str, *, by: Principal = DISPATCHER, now: datetime = NOW, note: str = "", **more: Any
) -> Report:
    """One step; a reason and an agency are made up where it needs them and none is given."""
    report.refresh_from_db()
    target = Status(status)
    edge = edge_between(Status(report.status), target)
    needs = edge.needs if edge is not None else frozenset()
    if Need.AGENCY in needs and "agency" not in more:
        more["agency"] = agency_for(report, target)
    if Need.REASON in needs:
        note = note or REASON
    return change_status(report=report, status=target, by=by, now=now, note=note, **more)


def way_to(source: Status, target: Status) -> list[Status]:
    """The states on the shortest way, the target last; in the order of the table where two are as short."""
    seen: dict[Status, list[Status]] = {source: []}
    queue = deque([source])
    while queue:
        status = queue.popleft()
        for edge in steps_from(status, {Actor.DISPATCHER}):
            if edge.target not in seen:
                seen[edge.target] = [*seen[status], edge.target]
                queue.append(edge.target)
    return seen[target]


def bring_to(report: Report, status: str, *, now: datetime = NOW, **last: Any) -> Report:
    """Takes the report to a state, and returns it as it is then. `last` is for the last step alone."""
    report.refresh_from_db()
    way = way_to(Status(report.status), Status(status))
    for number, each in enumerate(way, start=1):
        take_step(report, each, now=now, **(last if number == len(way) else {}))
    report.refresh_from_db()
    return report
