"""Which levels a series of values reaches, with hysteresis and hold times. Pure: no clock, no database.

Each level is a switch of its own. It goes on once values have been at or beyond its threshold for `opens_after`, and off once
they have been short of it by more than `hysteresis` for `closes_after`; both are measured between phenomenon times. All levels
share both, so that a level is never on without those below it: how many are on says how high it stands.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from geo.analysis.reading_limits import AlertLevel, read_alert_tables

MOST_LEVELS = 10
LONGEST_NAME = 100

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
    # Since something was heard at all; None before the first value.
    heard_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """From one level to another, at the value that settled it; `since` is when the hold began. 0 is none, 1 the mildest."""

    at: datetime
    since: datetime
    value: float
    old: int
    new: int


def follow(series: Series, state: State, criteria: Criteria) -> tuple[State, list[Transition]]:
    """The state after these values, and the levels that were entered and left on the way.

    A value that is not newer than the state is passed over: what comes late neither opens nor closes. After a gap a hold
    begins anew, since nobody knows what was in between.
    Shape:  the series in the order of time; at most one transition for each value.
    """
    transitions = []
    for at, value in series:
        if at > state.evaluated_to:
            level, changing, since = _step(at, value, state, criteria)
            if level != state.level:
                transitions.append(Transition(at, since, value, state.level, level))
            state = State(at, level, changing, at)
    return state, transitions


def _step(
    at: datetime, value: float, state: State, criteria: Criteria
) -> tuple[int, tuple[datetime | None, ...], datetime]:
    """The level after this value, since when each is about to change, and when the earliest of those that changed began to."""
    was_silent = state.heard_at is None or at - state.heard_at > criteria.longest_gap
    before: Sequence[datetime | None] = state.changing_since
    if was_silent or not before:
        before = (None,) * len(criteria.thresholds)
    level, changing, began = 0, [], at
    for number, (threshold, since) in enumerate(zip(criteria.thresholds, before, strict=True), start=1):
        is_on = number <= state.level
        wants = criteria.has_left(value, threshold) if is_on else criteria.reaches(value, threshold)
        hold = criteria.closes_after if is_on else criteria.opens_after
        since = (since or at) if wants else None
        if since is not None and at - since >= hold:
            is_on, began, since = not is_on, min(began, since), None
        level += is_on
        changing.append(since)
    return level, tuple(changing), began


def read_levels(given: Any, *, is_below: bool = False) -> tuple[AlertLevel, ...]:
    """The levels of a rule, the mildest first; `from` counts in the rule's direction. ValueError says what is wrong with them."""
    if not isinstance(given, list):
        raise ValueError("levels: a list is needed")
    if not given:
        return ()
    entry = {"authority": "", "observed_property": "", "unit": "", "levels": given}
    (table,) = read_alert_tables({"alert_levels": [entry]})
    levels = table.levels[::-1] if is_below else table.levels
    if len(levels) > MOST_LEVELS:
        raise ValueError(f"levels: at most {MOST_LEVELS}")
    if len({level.name for level in levels}) < len(levels) or len({level.at_least for level in levels}) < len(levels):
        raise ValueError("levels: each needs a name and a threshold of its own")
    if any(not level.name.strip() or len(level.name) > LONGEST_NAME for level in levels):
        raise ValueError(f"levels: a name has 1 to {LONGEST_NAME} characters")
    return levels
