"""Which levels a series of values reaches, with hysteresis and hold times. Pure: no clock, no database.

Each level is a switch of its own. It goes on once values have been at or beyond its threshold for `opens_after`, and off once
they have been short of it by more than `hysteresis` for `closes_after`; both are measured between phenomenon times. All levels
share both, so that a level is never on without those below it: how many are on says how high it stands.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

Series = Iterable[tuple[datetime, float]]


@dataclass(frozen=True, slots=True)
class Criteria:
    """When a level is reached and left.

    Units:  thresholds and hysteresis in the unit of the values. The thresholds stand from the mildest to the most severe:
            rising, or falling where `is_below`, when a level is reached from above.
    `longest_gap` is the time without a value after which nothing is known to have held.
    """

    thresholds: tuple[float, ...]
    is_below: bool = False
    hysteresis: float = 0.0
    opens_after: timedelta = timedelta(0)
    closes_after: timedelta = timedelta(0)
    longest_gap: timedelta = timedelta(minutes=30)

    @property
    def hold(self) -> timedelta:
        """The longest for which a level can be about to change."""
        return max(self.opens_after, self.closes_after)

    def reaches(self, value: float, threshold: float) -> bool:
        return value <= threshold if self.is_below else value >= threshold

    def has_left(self, value: float, threshold: float) -> bool:
        return value > threshold + self.hysteresis if self.is_below else value < threshold - self.hysteresis

    def is_worse(self, value: float, other: float) -> bool:
        return value < other if self.is_below else value > other


@dataclass(frozen=True, slots=True)
class State:
    """Up to when a series was followed, how many levels are on, and since when each of them is about to change (None: it is not)."""

    evaluated_to: datetime
    level: int = 0
    changing_since: tuple[datetime | None, ...] = ()
    # The latest value and its time; None before the first.
    heard_at: datetime | None = None
    value: float | None = None
    # The worst value since the mildest level was first reached, and its time; None while nothing is on or about to be.
    peak: float | None = None
    peak_at: datetime | None = None

    @property
    def is_calm(self) -> bool:
        return self.level == 0 and not any(self.changing_since)


@dataclass(frozen=True, slots=True)
class Transition:
    """From one level to another, at the value that settled it; `since` is when the hold began. 0 is none, 1 the mildest.

    `peak` is the worst value since the mildest level was first reached, that hold included.
    """

    at: datetime
    since: datetime
    value: float
    old: int
    new: int
    peak: float
    peak_at: datetime


def follow(series: Series, state: State, criteria: Criteria) -> tuple[State, list[Transition]]:
    """The state after these values, and the levels that were entered and left on the way.

    A value that is not newer than the state is passed over. After a gap a hold begins anew, since nobody knows what was in
    between.
    Shape:  the series in the order of time; at most one transition for each value.
    """
    transitions = []
    for at, value in series:
        if at > state.evaluated_to:
            state, transition = step(at, value, state, criteria)
            if transition is not None:
                transitions.append(transition)
    return state, transitions


def step(at: datetime, value: float, state: State, criteria: Criteria) -> tuple[State, Transition | None]:
    """The state after one newer value, and the change of level that it settled."""
    before = _still_changing(at, state, criteria)
    level, changing, began = _switch(at, value, state.level, before, criteria)
    peak, peak_at = value, at
    goes_on = state.level > 0 or before[0] is not None
    if goes_on and state.peak is not None and state.peak_at is not None and not criteria.is_worse(value, state.peak):
        peak, peak_at = state.peak, state.peak_at
    transition = None
    if level != state.level:
        transition = Transition(at, began, value, state.level, level, peak, peak_at)
    after = State(at, level, changing, at, value)
    if not after.is_calm:
        after = State(at, level, changing, at, value, peak, peak_at)
    return after, transition


def _still_changing(at: datetime, state: State, criteria: Criteria) -> Sequence[datetime | None]:
    was_silent = state.heard_at is None or at - state.heard_at > criteria.longest_gap
    if was_silent or not state.changing_since:
        return (None,) * len(criteria.thresholds)
    return state.changing_since


def _switch(
    at: datetime, value: float, stands_at: int, before: Sequence[datetime | None], criteria: Criteria
) -> tuple[int, tuple[datetime | None, ...], datetime]:
    """The level after this value, since when each is about to change, and when the earliest of those that changed began to."""
    level, changing, began = 0, [], at
    for number, (threshold, since) in enumerate(zip(criteria.thresholds, before, strict=True), start=1):
        is_on = number <= stands_at
        wants = criteria.has_left(value, threshold) if is_on else criteria.reaches(value, threshold)
        hold = criteria.closes_after if is_on else criteria.opens_after
        since = (since or at) if wants else None
        if since is not None and at - since >= hold:
            is_on, began, since = not is_on, min(began, since), None
        level += is_on
        changing.append(since)
    return level, tuple(changing), began
