"""Eight officers at one report: one wins, and the others are told what happened."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from geo.models import Agency, Report
from geo.reports.access.principals import Grant, Principal, Role
from geo.reports.merging import merge_reports
from geo.reports.revision import revise_report
from geo.reports.status import ChangedMeanwhile, change_status
from geo.reports.workflow import Status
from server.core.errors import Forbidden
from tests.db.test_merging import while_it_waits
from tests.factories import NOW, make_agency, make_category, make_city, make_report
from tests.workflow_paths import DISPATCHER

pytestmark = pytest.mark.django_db(transaction=True)
OFFICERS = 8
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def report() -> Report:
    make_agency(make_city(), "dlh", make_category())
    return make_report()


def all_at_once(work: Callable[[int], Any]) -> list[Any]:
    """What each of eight threads returned, or the conflict that it was told; they begin together."""
    begin = threading.Barrier(OFFICERS)
    results: list[Any] = [None] * OFFICERS

    def run(number: int) -> None:
        try:
            begin.wait(timeout=30)
            results[number] = work(number)
        except Exception as error:  # what was raised is looked at by the test
            results[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(OFFICERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    return results


def officer(report: Report, number: int) -> Principal:
    return Principal(user_id=100 + number, grants=(Grant(Role.OFFICER, report.city_id, report.agency_id),))


@pytest.mark.parametrize(("status", "agency"), [("in_progress", "dlh"), ("coordination", "dbmsda")])
def test_of_eight_officers_with_the_same_step_one_wins_and_seven_are_told_what_changed(
    report: Report, status: str, agency: str
) -> None:
    other = make_agency(report.city, "dbmsda") if agency == "dbmsda" else None

    def step(number: int) -> Report:
        by = officer(report, number)
        return change_status(
            report=report, status=Status(status), by=by, now=LATER, note="Alasan", agency=other, as_of=report.updated_at
        )

    results = all_at_once(step)
    (winner,) = [number for number, result in enumerate(results) if isinstance(result, Report)]
    told = [result.extra["current"] for result in results if isinstance(result, ChangedMeanwhile)]
    assert told == 7 * [
        {
            "status": status,
            "agency": agency,
            "updated_at": "2026-03-01T06:00:00Z",
            "last": {"action": "status", "at": "2026-03-01T06:00:00Z", "agency": agency},
        }
    ]
    lines = list(report.history.order_by("id").values_list("action", "user_id", "new__status"))
    assert lines == [("submitted", None, "submitted"), ("status", 100 + winner, status)]
    report.refresh_from_db()
    assert (report.status, report.handover_count, report.notes.count()) == (status, int(other is not None), 1)


def test_a_step_that_waited_for_a_revision_is_taken_with_the_new_category(report: Report) -> None:
    flood = make_category("banjir")
    revised = lambda: revise_report(report=report, by=DISPATCHER, now=LATER, category=flood)  # noqa: E731
    stepped = lambda: change_status(report=report, status=Status.IN_PROGRESS, by=DISPATCHER, now=LATER)  # noqa: E731
    assert while_it_waits(revised, stepped) == []
    report.refresh_from_db()
    assert (report.status, report.category) == ("in_progress", flood)


def test_a_handover_that_waited_for_another_counts_and_names_the_agency_that_had_it_meanwhile(report: Report) -> None:
    other, third = make_agency(report.city, "dbmsda"), make_agency(report.city, "dishub")

    def hand_to(agency: Agency) -> Report:
        return change_status(
            report=report, status=Status.COORDINATION, by=DISPATCHER, now=LATER, note="Alasan", agency=agency
        )

    assert while_it_waits(lambda: hand_to(other), lambda: hand_to(third)) == []
    line = report.history.latest("id")
    assert (line.old["agency"], line.new["agency"]) == ("dbmsda", "dishub")
    report.refresh_from_db()
    assert report.handover_count == 2


def test_eight_officers_with_eight_steps_leave_a_history_without_a_gap(report: Report) -> None:
    """None has said what it has seen: each step counts that leads on from where the one before left the report."""
    child = make_report()
    merge_reports(parent=report, children=[child], by=DISPATCHER, now=NOW)
    wanted = [Status.ASSIGNED, Status.IN_PROGRESS, Status.WAITING, Status.RESOLVED] * 2

    def step(number: int) -> Report:
        return change_status(report=report, status=wanted[number], by=officer(report, number), now=LATER, note="Alasan")

    results = all_at_once(step)
    won = [result for result in results if isinstance(result, Report)]
    assert won
    # Forbidden: once it is in progress, an officer does not put it back to the agency's desk.
    assert len(won) + sum(isinstance(result, ChangedMeanwhile | Forbidden) for result in results) == OFFICERS
    for one in (report, child):
        steps = list(one.history.filter(action="status").order_by("id").values_list("old__status", "new__status"))
        assert len(steps) == len(won)
        assert [old for old, _new in steps] == ["submitted", *[new for _old, new in steps[:-1]]]
        one.refresh_from_db()
        assert one.status == steps[-1][1]
