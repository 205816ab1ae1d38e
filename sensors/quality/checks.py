"""Whether values of one series can be right beside their neighbours. Pure.

Source: the tests "rate of change", "flat line" and "spike" of QARTOD (U.S. IOOS, manuals for real-time quality control), with
limits in time as in its reference implementation ioos_qc. Its "gross range" test is the plausible range, which is looked at on
the way in. As there, a value that failed it is not compared with: the test of its neighbour is not evaluated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sensors.observations.columns import IMPLAUSIBLE, RATE, SPIKE, STUCK

_MINUTE_US = 60_000_000
CHECKED = RATE | STUCK | SPIKE
# Values before and after a changed one whose flags may depend on it, or on which those do.
NEIGHBOURS = 3


class Value(NamedTuple):
    """One observation of a series, in order of time; `is_final` where a person has decided of it."""

    at_us: int
    result: float
    quality: int
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What a datastream's values are checked for; None is not checked. Units: the datastream's, seconds, minutes."""

    most_change_per_min: float | None = None
    spike_limit: float | None = None
    stuck_after_s: int | None = None
    stuck_tolerance: float = 0.0
    stuck_except: float | None = None

    @property
    def stuck_after_us(self) -> int:
        return (self.stuck_after_s or 0) * 1_000_000


def flags_at(series: Sequence[Value], place: int, limits: Limits) -> int:
    """The flags of one value by its neighbours: RATE, STUCK, SPIKE, added up.

    What it looks at: three values before it and two after it, and as far back as `stuck_after_s`, twice, for STUCK.
    """
    if _is_out(series[place]):
        return 0
    flags = STUCK if _is_stuck(series, place, limits) else 0
    if _is_spike(series, place, limits):
        return flags | SPIKE
    return flags | (RATE if _is_too_fast(series, place, limits) else 0)


def _is_out(value: Value) -> bool:
    return bool(value.quality & IMPLAUSIBLE)


def _is_spike(series: Sequence[Value], place: int, limits: Limits) -> bool:
    """Farther than the limit from the value before and the value after, while these two are not so far from each other."""
    limit = limits.spike_limit
    if limit is None or not 0 < place < len(series) - 1:
        return False
    before, value, after = series[place - 1 : place + 2]
    if _is_out(before) or _is_out(value) or _is_out(after):
        return False
    return (
        abs(value.result - before.result) > limit
        and abs(value.result - after.result) > limit
        and abs(after.result - before.result) <= limit
    )


def _is_too_fast(series: Sequence[Value], place: int, limits: Limits) -> bool:
    """Changed by more a minute than is plausible since the value before; since the one before that, where it is a spike:
    the way back from a spike is not the good value's fault."""
    most = limits.most_change_per_min
    if most is None or place == 0:
        return False
    value, before = series[place], series[place - 1]
    if _is_spike(series, place - 1, limits):
        before = series[place - 2]
    if _is_out(before):
        return False
    return abs(value.result - before.result) * _MINUTE_US > most * (value.at_us - before.at_us)


def _is_stuck(series: Sequence[Value], place: int, limits: Limits) -> bool:
    """The values before were the same, within the tolerance, for `stuck_after_s` or longer. A gap of that length tells nothing."""
    value, allowed_us, tolerance = series[place], limits.stuck_after_us, limits.stuck_tolerance
    if not allowed_us:
        return False
    if limits.stuck_except is not None and abs(value.result - limits.stuck_except) <= tolerance:
        return False
    since_us = value.at_us
    for before in range(place - 1, -1, -1):
        earlier = series[before]
        if _is_out(earlier) or abs(earlier.result - value.result) > tolerance or since_us - earlier.at_us > allowed_us:
            return False
        since_us = earlier.at_us
        if value.at_us - since_us >= allowed_us:
            return True
    return False


def changes_in(series: Sequence[Value], first_us: int, last_us: int, limits: Limits) -> list[tuple[Value, int]]:
    """The values whose quality is to become another, and which, after something changed in [first_us, last_us].

    `series` reaches from NEIGHBOURS values before, and from the last one that tells STUCK, to twice `stuck_after_s` later and
    NEIGHBOURS values more. What else stands in a quality (IMPLAUSIBLE, DOUBTED) is kept; what a person decided of is left alone.
    """
    start = next((place for place, value in enumerate(series) if value.at_us >= first_us), len(series))
    reach_us = last_us + 2 * limits.stuck_after_us
    beyond = sum(value.at_us > reach_us for value in series)
    # Of the last of the neighbours it is not known what comes next, unless there is nothing.
    end = len(series) - (beyond >= NEIGHBOURS)
    changed = []
    for place in range(max(start - 1, 0), end):
        value = series[place]
        flags = flags_at(series, place, limits)
        if place < start:
            # Being stuck hangs on what came before alone, and of that there may be too little here.
            flags = flags & ~STUCK | value.quality & STUCK
        quality = value.quality & ~CHECKED | flags
        if quality != value.quality and not value.is_final:
            changed.append((value, quality))
    return changed
