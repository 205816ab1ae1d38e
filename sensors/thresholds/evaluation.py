"""Holds what was stored against the levels that are watched, after the commit that stored it.

A follower of the journal: it learns from there which datastreams have something new, and reads the good values themselves.
What is newer than all before is followed on from where the watch stands. What comes late, is corrected, deleted or doubted
makes the series be followed again from the last time before it at which nothing was on or about to be, up to the first time
after it at which nothing was on, then or now: beyond, nothing can differ. The crossings that come out other than before are
revoked, and the others written as learnt late. So what stands is what one pass over all values would give.

What is measured in the future waits for its time, so that a clock that is wrong does not hide what comes after.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q

from sensors.following.follow import Follower
from sensors.observations.columns import time_at
from sensors.observations.journal import Entry
from sensors.observations.newer import MOST_OF_ONE, observations_after
from sensors.thresholds.levels import State, Transition, step
from sensors.thresholds.models import Watch
from server.core.sql import load_queries

SQL = load_queries(Path(__file__).with_name("queries.sql"))
# What comes later than so is not held against levels any more: a back-fill of years is no alarm.
LATEST = timedelta(days=31)
_TICK = timedelta(microseconds=1)


class Span(NamedTuple):
    """The first and the last phenomenon time at which a datastream has changed."""

    first: datetime
    last: datetime


class Standing(NamedTuple):
    """A crossing as it is written down."""

    id: int
    watch_id: int
    at: datetime
    since: datetime
    value: float
    old: int
    new: int
    peak: float
    peak_at: datetime

    def is_of(self, transition: Transition) -> bool:
        return (self.at, self.since, self.old, self.new) == (
            transition.at, transition.since, transition.old, transition.new,
        )  # fmt: skip

    def says(self, transition: Transition) -> bool:
        return (self.value, self.peak, self.peak_at) == (transition.value, transition.peak, transition.peak_at)


def handle(entries: Sequence[Entry], now: datetime) -> None:
    """What these entries did, held against every level that is watched there, in the caller's transaction."""
    watched = set(Watch.objects.values_list("datastream_id", flat=True).distinct())
    if watched:
        evaluate(_spans(entries, watched), now)


def tick(now: datetime) -> None:
    """Watches that are new, and those with a value whose time has come."""
    if Watch.objects.filter(due_at__lte=now).exists():
        evaluate({}, now)


# After the checks: what they doubt opens nothing.
FOLLOWER = Follower("thresholds", handle, tick, after="quality")


def _spans(entries: Sequence[Entry], watched: set[int]) -> dict[int, Span]:
    firsts: dict[int, int] = {}
    lasts: dict[int, int] = {}
    for entry in entries:
        for datastream_id, at_us in zip(entry.datastream_ids, entry.phenomenon_us, strict=True):
            if datastream_id in watched:
                if at_us < firsts.get(datastream_id, at_us + 1):
                    firsts[datastream_id] = at_us
                if at_us > lasts.get(datastream_id, at_us - 1):
                    lasts[datastream_id] = at_us
    return {key: Span(time_at(first), time_at(lasts[key])) for key, first in firsts.items()}


def evaluate(spans: Mapping[int, Span], now: datetime) -> None:
    """Follows the watches over these datastreams, and those that are due, from where it has to be done. So many statements
    however many they are, and one more for each 5,000 values of one of them."""
    with connection.cursor() as cursor:
        cursor.execute(SQL.lock)
    asked = Watch.objects.filter(Q(datastream_id__in=list(spans)) | Q(due_at__lte=now))
    watches = list(asked.order_by("id").select_for_update())
    courses = [_Course(watch, spans.get(watch.datastream_id), now) for watch in watches]
    _find_starts(courses)
    while waiting := [course for course in courses if not course.is_over]:
        marks: dict[int, datetime] = {}
        for course in waiting:
            marks[course.datastream_id] = min(course.mark, marks.get(course.datastream_id, course.mark))
        values = observations_after(marks, until=now)
        for course in waiting:
            course.take(values.get(course.datastream_id, []))
    _look_ahead(courses, now)
    _write_crossings(courses, now)
    _store_states([course for course in courses if course.has_changed])


@dataclass(slots=True)
class _Course:
    """One watch on its way through values."""

    watch: Watch
    span: Span | None
    now: datetime
    state: State = field(init=False)
    mark: datetime = field(init=False)
    before: list[Standing] = field(default_factory=list)
    found: list[Transition] = field(default_factory=list)
    is_over: bool = False
    # When the next value of the future comes.
    due_at: datetime | None = None
    # Where it met again what was known: crossings after it stand as they are, and so does the state.
    met_at: datetime | None = None

    def __post_init__(self) -> None:
        self.state = self.watch.state
        self.mark = self.state.evaluated_to
        if self.span is not None:
            first = max(self.span.first, self.now - LATEST, self.watch.follows_from + _TICK)
            self.span = Span(first, self.span.last) if first <= self.span.last else None

    @property
    def datastream_id(self) -> int:
        return self.watch.datastream_id

    @property
    def again_from(self) -> datetime | None:
        """The first time that was passed already and is to be looked at again."""
        is_again = self.span is not None and self.span.first <= self.watch.evaluated_to
        return self.span.first if self.span is not None and is_again else None

    @property
    def has_changed(self) -> bool:
        return self.state != self.watch.state or self.due_at != self.watch.due_at

    @property
    def may_have_more(self) -> bool:
        """Whether there may be values of the future."""
        return self.watch.due_at is not None or (self.span is not None and self.span.last > self.now)

    def start_again(self, standing: Sequence[Standing], first: datetime) -> None:
        """From where nothing was on or about to be, before this time."""
        criteria = self.watch.criteria
        last = max((one for one in standing if one.at < first), key=lambda one: one.at, default=None)
        start = first - criteria.longest_gap - criteria.hold - _TICK
        if last is not None:
            # `standing` begins with the opening of what was on; what was over by then had nothing pending at its end.
            start = standing[0].since - _TICK if last.new else max(last.at, start)
        self.mark = max(start, self.watch.follows_from)
        self.state = State(self.mark)
        self.before = [one for one in standing if one.at > self.mark]

    def take(self, values: Sequence[tuple[datetime, float]]) -> None:
        """The next values, of which there are no more when they are fewer than were asked for."""
        for at, value in values:
            if at > self.state.evaluated_to:
                self.state, transition = step(at, value, self.state, self.watch.criteria)
                if transition is not None:
                    self.found.append(transition)
                if self._meets(at):
                    self.met_at, self.state, self.is_over = at, self.watch.state, True
                    return
        self.is_over = len(values) < MOST_OF_ONE
        if values:
            self.mark = max(self.mark, values[-1][0])

    def _meets(self, at: datetime) -> bool:
        """Whether nothing is on, now or before, so long after what changed that no hold reaches back to it."""
        if self.again_from is None or self.span is None or self.state.level or at > self.watch.evaluated_to:
            return False
        if at <= self.span.last + self.watch.criteria.hold:
            return False
        level_before = next((one.new for one in reversed(self.before) if one.at <= at), 0)
        return level_before == 0

    def differences(self) -> tuple[list[int], list[tuple[int, Transition]], list[Transition]]:
        """Ids of crossings that are none, those that stand with other values, and those that are new."""
        known = {one.at: one for one in self.before if self.met_at is None or one.at <= self.met_at}
        mended, new = [], []
        for transition in self.found:
            one = known.get(transition.at)
            if one is None or not one.is_of(transition):
                new.append(transition)
                continue
            del known[transition.at]
            if not one.says(transition):
                mended.append((one.id, transition))
        return [one.id for one in known.values()], mended, new

    def is_late(self, transition: Transition) -> bool:
        return transition.at <= self.watch.evaluated_to or self.now - transition.at > self.watch.longest_gap


def _find_starts(courses: Sequence[_Course]) -> None:
    """One statement for all that are followed again."""
    again = {course.watch.pk: course for course in courses if course.again_from is not None}
    if not again:
        return
    with connection.cursor() as cursor:
        firsts = [course.again_from for course in again.values()]
        cursor.execute(SQL.standing_crossings, {"watch_ids": list(again), "firsts": firsts})
        rows = [Standing(*row) for row in cursor.fetchall()]
    found = {watch_id: list(group) for watch_id, group in groupby(rows, key=lambda row: row.watch_id)}
    for watch_id, course in again.items():
        if course.again_from is not None:
            course.start_again(found.get(watch_id, []), course.again_from)


def _look_ahead(courses: Sequence[_Course], now: datetime) -> None:
    """Finds the next value of the future of each that may have one: a probe each, in one statement."""
    marks = {course.datastream_id: now for course in courses if course.may_have_more}
    ahead = observations_after(marks, until=now + LATEST, limit=1) if marks else {}
    for course in courses:
        if course.may_have_more and (values := ahead.get(course.datastream_id)):
            course.due_at = values[0][0]


def _write_crossings(courses: Sequence[_Course], now: datetime) -> None:
    revoked: list[int] = []
    mended: list[tuple[int, Transition]] = []
    new: list[tuple[_Course, Transition]] = []
    for course in courses:
        gone, changed, added = course.differences()
        revoked += gone
        mended += changed
        new += [(course, transition) for transition in added]
    with connection.cursor() as cursor:
        if revoked:
            cursor.execute(SQL.revoke_crossings, {"ids": revoked, "now": now})
        if mended:
            given: dict[str, Any] = {"ids": [id_ for id_, _one in mended], **_columns([one for _id, one in mended])}
            cursor.execute(SQL.mend_crossings, given)
        if new:
            given = {
                **_columns([one for _course, one in new]),
                "watch_ids": [course.watch.pk for course, _one in new],
                "is_late": [course.is_late(one) for course, one in new],
                "now": now,
            }
            cursor.execute(SQL.insert_crossings, given)


def _columns(transitions: Sequence[Transition]) -> dict[str, list[Any]]:
    return {
        "at": [one.at for one in transitions],
        "since": [one.since for one in transitions],
        "values": [one.value for one in transitions],
        "old": [one.old for one in transitions],
        "new": [one.new for one in transitions],
        "peaks": [one.peak for one in transitions],
        "peaks_at": [one.peak_at for one in transitions],
    }


def _store_states(courses: Sequence[_Course]) -> None:
    if not courses:
        return
    states = [course.state for course in courses]
    given: dict[str, Any] = {
        "watch_ids": [course.watch.pk for course in courses],
        "evaluated_to": [state.evaluated_to for state in states],
        "levels": [state.level for state in states],
        "heard_at": [state.heard_at for state in states],
        "values": [state.value for state in states],
        "peaks": [state.peak for state in states],
        "peaks_at": [state.peak_at for state in states],
        "due_at": [course.due_at for course in courses],
        "changing": [json.dumps(list(_texts(state))) for state in states],
    }
    with connection.cursor() as cursor:
        cursor.execute(SQL.store_states, given)


def _texts(state: State) -> Iterator[str | None]:
    return (None if since is None else since.isoformat() for since in state.changing_since)
