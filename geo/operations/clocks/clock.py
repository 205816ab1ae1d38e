"""A report's clock, without a database: its history played again, against calendars and targets.

It runs from the submission in the calendar of the agency that has the report. It stands while the report waits, and what was
left runs on from then; a handover takes what is left into the other calendar; a reopening starts it anew. What was late stays
late, by the deadline that it missed, and a closed report keeps the deadline by which it is judged. So does one that was closed late
and is open again: else whoever is late would close it and open it again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from geo.operations.clocks.calendars import Reckoning
from geo.reports.workflow import CLOSED, Status


class NotLaidOut(Exception):
    """A moment, or the deadline that follows from it, lies beyond the years for which a calendar is laid out."""


@dataclass(frozen=True, slots=True)
class Line:
    """A report from one step on: its status, and the calendar of who has it (None: there is none, and no clock)."""

    at: datetime
    status: Status
    calendar_id: int | None


@dataclass(frozen=True, slots=True)
class Targets:
    """Working time within which a report is answered first, and within which it is closed; None: as long as it takes."""

    response: timedelta | None = None
    resolution: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Deadlines:
    """None: nothing is due, since there is no target or no calendar, or (due_at) since the clock stands."""

    due_at: datetime | None = None
    response_due_at: datetime | None = None


def replay(lines: Sequence[Line], targets: Targets, calendars: Mapping[int, Reckoning]) -> Deadlines:
    """The deadlines after these lines, the submission first.

    Errors: NotLaidOut.
    """
    # The response's clock ends with the first step; a reopening does not start it again.
    unanswered = [lines[0], *takewhile(lambda line: line.status is Status.SUBMITTED, lines[1:])]
    return Deadlines(
        due_at=_Clock(calendars, targets.resolution).run(lines),
        response_due_at=_Clock(calendars, targets.response).run(unanswered),
    )


class _Clock:
    """Either runs to `due_at`, or stands with `left` to go; neither where there is nothing to reckon with."""

    __slots__ = ("_calendar_id", "_calendars", "_is_late", "_target", "due_at", "left")

    def __init__(self, calendars: Mapping[int, Reckoning], target: timedelta | None) -> None:
        self._calendars, self._target = calendars, target
        self._calendar_id: int | None = None
        # Closed after its deadline, or a step was taken after it.
        self._is_late = False
        self.due_at: datetime | None = None
        self.left: timedelta | None = None

    def run(self, lines: Sequence[Line]) -> datetime | None:
        if self._target is None:
            return None
        self._start(lines[0])
        for i, line in enumerate(lines[1:]):
            self._step(lines[i].status, line)
        return self.due_at

    def _start(self, line: Line) -> None:
        self.due_at, self.left = None, self._target
        if line.status is not Status.WAITING:
            self._go_on(line)

    def _step(self, was: Status, line: Line) -> None:
        if was in CLOSED:
            if line.status not in CLOSED and not self._is_late:
                self._start(line)
        elif self.left is not None:
            if line.status is not Status.WAITING:
                self._go_on(line)
        elif self.due_at is not None and line.at > self.due_at:
            # It is left as it is, whatever happens to it.
            self._is_late = True
        elif self.due_at is not None:
            if line.status is Status.WAITING:
                self._stand(line.at)
            elif line.status not in CLOSED and line.calendar_id not in (self._calendar_id, None):
                self._stand(line.at)
                self._go_on(line)

    def _stand(self, at: datetime) -> None:
        assert self._calendar_id is not None
        assert self.due_at is not None
        self.left, self.due_at = self._reckoning(self._calendar_id).between(at, self.due_at), None
        if self.left is None:
            raise NotLaidOut

    def _go_on(self, line: Line) -> None:
        """Lays what is left from this line on; without a calendar it stays left."""
        if line.calendar_id is None or self.left is None:
            return
        self._calendar_id = line.calendar_id
        self.due_at, self.left = self._reckoning(line.calendar_id).add(line.at, self.left), None
        if self.due_at is None:
            raise NotLaidOut

    def _reckoning(self, calendar_id: int) -> Reckoning:
        if calendar_id not in self._calendars:
            raise NotLaidOut
        return self._calendars[calendar_id]
