"""A report's clock over its history, each deadline reckoned by hand. 1 is an office (7.5 h a day), 2 never closes."""

from datetime import timedelta

import pytest

from geo.operations.clocks.clock import Deadlines, Line, NotLaidOut, Targets, replay
from geo.reports.workflow import Status
from tests.unit.test_calendars import ALWAYS, at, working_time

OFFICE, ALWAYS_OPEN, NONE = 1, 2, None
CALENDARS = {OFFICE: working_time(), ALWAYS_OPEN: working_time(ALWAYS)}
S = Status


def due(*steps: tuple[str, Status, int | None], hours: int | None = 10, response: int | None = 2) -> Deadlines:
    targets = Targets(*(None if n is None else timedelta(hours=n) for n in (response, hours)))
    return replay([Line(at(moment), status, calendar) for moment, status, calendar in steps], targets, CALENDARS)


# Monday the 9th, 08:00: 4 h before noon, 3 h after it, 3 h of Tuesday: due on Tuesday at 10:30.
SUBMITTED = ("03-09 08:00", S.SUBMITTED, OFFICE)
DUE = at("03-10 10:30")


def test_a_report_is_due_its_working_hours_after_it_came_in():
    assert due(SUBMITTED) == Deadlines(due_at=DUE, response_due_at=at("03-09 10:00"))


def test_steps_in_which_the_clock_runs_change_nothing():
    steps = [("03-09 09:00", S.ASSIGNED, OFFICE), ("03-10 08:00", S.IN_PROGRESS, OFFICE)]
    assert due(SUBMITTED, *steps) == Deadlines(due_at=DUE, response_due_at=at("03-09 10:00"))


def test_nothing_is_due_while_a_report_waits_and_what_was_left_runs_on_from_then():
    waits = ("03-09 14:00", S.WAITING, OFFICE)  # 4 h and 1 h are gone, 5 h are left
    assert due(SUBMITTED, waits).due_at is None
    # Wednesday 9 to 12, and 13 to 15.
    assert due(SUBMITTED, waits, ("03-11 09:00", S.IN_PROGRESS, OFFICE)).due_at == at("03-11 15:00")


def test_two_pauses_take_nothing_from_each_other():
    steps = [
        ("03-09 14:00", S.WAITING, OFFICE),  # 5 h left
        ("03-11 09:00", S.IN_PROGRESS, OFFICE),
        ("03-11 10:00", S.WAITING, OFFICE),  # 4 h left
        ("03-12 13:00", S.IN_PROGRESS, OFFICE),  # 3 h of Thursday, 1 h of Friday
    ]
    assert due(SUBMITTED, *steps).due_at == at("03-13 08:30")


def test_what_was_late_before_it_waits_stays_late_by_the_deadline_that_it_missed():
    waits, works = ("03-10 11:00", S.WAITING, OFFICE), ("03-12 08:00", S.IN_PROGRESS, OFFICE)
    assert due(SUBMITTED, waits).due_at == DUE
    assert due(SUBMITTED, waits, works).due_at == DUE


def test_a_closed_report_keeps_its_deadline():
    assert due(SUBMITTED, ("03-10 09:00", S.RESOLVED, OFFICE)).due_at == DUE
    assert due(SUBMITTED, ("03-12 09:00", S.REJECTED, OFFICE)).due_at == DUE


def test_a_report_that_closes_out_of_a_pause_was_in_time():
    waits, closes = ("03-09 14:00", S.WAITING, OFFICE), ("03-11 09:00", S.RESOLVED, OFFICE)
    assert due(SUBMITTED, waits, closes).due_at == at("03-11 15:00")


def test_a_reopening_starts_the_whole_time_anew_but_not_that_of_the_first_response():
    closed, reopened = ("03-10 09:00", S.RESOLVED, OFFICE), ("03-13 15:30", S.REOPENED, OFFICE)
    # Friday 1 h, Monday 7.5 h, Tuesday 1.5 h.
    assert due(SUBMITTED, closed, reopened) == Deadlines(due_at=at("03-17 09:00"), response_due_at=at("03-09 10:00"))


def test_a_report_that_was_closed_late_stays_late_when_it_is_opened_again():
    late, reopened = ("03-10 10:31", S.RESOLVED, OFFICE), ("03-10 10:32", S.REOPENED, OFFICE)
    assert due(SUBMITTED, late, reopened).due_at == DUE
    # Closed once more, and opened: nothing makes it another one.
    steps = [("03-10 11:00", S.RESOLVED, OFFICE), ("03-13 15:30", S.REOPENED, OFFICE)]
    assert due(SUBMITTED, late, reopened, *steps).due_at == DUE


def test_a_report_that_was_late_before_it_was_merged_into_a_closed_one_stays_late_when_it_is_split():
    works, merged = ("03-11 09:00", S.IN_PROGRESS, OFFICE), ("03-12 09:00", S.RESOLVED, OFFICE)
    assert due(SUBMITTED, works, merged, ("03-13 15:30", S.IN_PROGRESS, OFFICE)).due_at == DUE


def test_a_report_that_is_split_from_a_closed_one_starts_anew():
    merged, split = ("03-09 09:00", S.RESOLVED, OFFICE), ("03-13 15:30", S.SUBMITTED, OFFICE)
    assert due(SUBMITTED, merged, split).due_at == at("03-17 09:00")


def test_a_report_that_was_split_to_wait_has_its_whole_time_left():
    steps = [("03-09 09:00", S.RESOLVED, OFFICE), ("03-10 09:00", S.WAITING, OFFICE)]
    assert due(SUBMITTED, *steps).due_at is None
    assert due(SUBMITTED, *steps, ("03-13 15:30", S.IN_PROGRESS, OFFICE)).due_at == at("03-17 09:00")


def test_what_is_left_goes_on_in_the_calendar_of_the_agency_that_takes_over():
    handed = ("03-09 15:00", S.COORDINATION, ALWAYS_OPEN)  # 6 h are gone, 4 h are left
    assert due(SUBMITTED, handed).due_at == at("03-09 19:00")
    # Back at 18:00 with 1 h left, which the office has on Tuesday.
    assert due(SUBMITTED, handed, ("03-09 18:00", S.COORDINATION, OFFICE)).due_at == at("03-10 08:30")


def test_a_late_report_is_as_late_for_who_takes_it_over():
    assert due(SUBMITTED, ("03-10 11:00", S.COORDINATION, ALWAYS_OPEN)).due_at == DUE


def test_what_was_handed_over_while_it_waited_goes_on_in_the_new_calendar():
    waits, works = ("03-09 14:00", S.WAITING, OFFICE), ("03-14 09:00", S.ASSIGNED, ALWAYS_OPEN)  # 5 h, on a Saturday
    assert due(SUBMITTED, waits, works).due_at == at("03-14 14:00")


def test_the_first_response_follows_the_agency_only_as_long_as_nobody_has_answered():
    # Given to another agency at 9:00, with 1 h of its 2 h gone; then, after an answer, at 15:00.
    assert due(SUBMITTED, ("03-09 09:00", S.SUBMITTED, ALWAYS_OPEN)).response_due_at == at("03-09 10:00")
    late = ("03-09 15:30", S.SUBMITTED, OFFICE)
    assert due(late).response_due_at == at("03-10 09:00")
    assert due(late, ("03-09 15:45", S.SUBMITTED, ALWAYS_OPEN)).response_due_at == at("03-09 17:30")
    assert due(late, ("03-09 15:45", S.COORDINATION, ALWAYS_OPEN)).response_due_at == at("03-10 09:00")


def test_without_a_target_nothing_is_due_and_with_none_at_all_it_is_due_at_once():
    assert due(SUBMITTED, hours=None, response=None) == Deadlines()
    assert due(SUBMITTED, hours=0, response=None) == Deadlines(due_at=at("03-09 08:00"))


def test_without_a_calendar_the_time_begins_with_the_agency_that_has_one():
    nobody = ("03-09 08:00", S.SUBMITTED, NONE)
    assert due(nobody) == Deadlines()
    assert due(nobody, ("03-12 08:00", S.ASSIGNED, ALWAYS_OPEN)).due_at == at("03-12 18:00")
    # And it is not lost by going back to one that has none.
    assert due(SUBMITTED, ("03-09 09:00", S.COORDINATION, NONE)).due_at == DUE


def test_a_deadline_beyond_what_is_laid_out_is_told_and_not_guessed():
    with pytest.raises(NotLaidOut):
        due(("12-30 08:00", S.SUBMITTED, OFFICE), hours=100)
    with pytest.raises(NotLaidOut):
        due(("03-09 08:00", S.SUBMITTED, 3))
