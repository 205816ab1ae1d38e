"""What neighbours tell of a value. Series are of one value a minute unless said otherwise."""

import pytest

from sensors.observations.columns import DOUBTED, IMPLAUSIBLE, RATE, SPIKE, STUCK
from sensors.quality.checks import Limits, Value, changes_in, flags_at

MINUTE = 60_000_000


def series(*results: float, step_us: int = MINUTE, out: tuple[int, ...] = ()) -> list[Value]:
    """Values at 0, 1, 2, … minutes; those at the places `out` are outside the plausible range."""
    return [Value(place * step_us, result, IMPLAUSIBLE if place in out else 0) for place, result in enumerate(results)]


def flags(values: list[Value], limits: Limits) -> list[int]:
    return [flags_at(values, place, limits) for place in range(len(values))]


def test_rate_of_change_finds_what_the_reference_implementation_finds() -> None:
    # Source: ioos_qc, tests/test_qartod.py, QartodRateOfChangeTest: every 15 minutes, 5 units in 15 minutes are allowed; 3 is
    # its flag "suspect".
    results = [2, 10, 2.1, 3, 4, 5, 7, 10, 0, 2, 2.2, 2, 1, 2, 3, 90, 91, 92, 93, 1, 2, 3, 4, 5]
    expected = [1, 3, 3, 1, 1, 1, 1, 1, 3, 1, 1, 1, 1, 1, 1, 3, 1, 1, 1, 3, 1, 1, 1, 1]
    found = flags(series(*results, step_us=15 * MINUTE), Limits(most_change_per_min=5 / 15))
    assert [3 if flag == RATE else 1 for flag in found] == expected


def test_a_change_of_just_as_much_as_is_plausible_is_good() -> None:
    assert flags(series(10, 12, 14.1), Limits(most_change_per_min=2)) == [0, 0, RATE]


def test_the_time_between_two_values_counts_for_their_rate() -> None:
    assert flags(series(10, 18, step_us=4 * MINUTE), Limits(most_change_per_min=2)) == [0, 0]
    assert flags(series(10, 18, step_us=3 * MINUTE), Limits(most_change_per_min=2)) == [0, RATE]


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ((10, 30, 11), [0, SPIKE, 0]),
        ((10, -10, 11), [0, SPIKE, 0]),
        # A step stays, a slope goes on: neither is a spike.
        ((10, 30, 30), [0, 0, 0]),
        ((10, 30, 50), [0, 0, 0]),
        # A peak whose flanks are not of one height may be one of the river.
        ((10, 50, 25), [0, 0, 0]),
        # Farther than the limit: not by the limit.
        ((10, 20, 10), [0, 0, 0]),
        # The last may be a spike or a step: nobody knows yet.
        ((10, 10, 30), [0, 0, 0]),
    ],
)
def test_a_spike_departs_from_both_neighbours_which_agree(results: tuple[float, ...], expected: list[int]) -> None:
    assert flags(series(*results), Limits(spike_limit=10)) == expected


def test_the_way_back_from_a_spike_is_not_the_good_values_fault() -> None:
    limits = Limits(most_change_per_min=5, spike_limit=10)
    assert flags(series(10, 30, 11, 12), limits) == [0, SPIKE, 0, 0]
    # Until it is known to be a spike, it is one that came too fast.
    assert flags(series(10, 30), limits) == [0, RATE]


def test_a_value_is_stuck_once_it_has_stood_still_for_so_long() -> None:
    assert flags(series(5, 7, 7, 7, 7, 8), Limits(stuck_after_s=120)) == [0, 0, 0, STUCK, STUCK, 0]


def test_values_within_the_tolerance_are_the_same() -> None:
    limits = Limits(stuck_after_s=120, stuck_tolerance=0.1)
    assert flags(series(7.0, 7.1, 7.05, 7.0), limits) == [0, 0, STUCK, STUCK]
    # Each is compared with all before it, not with its neighbour: a slow drift is no standstill.
    assert flags(series(7.0, 7.08, 7.16, 7.24), limits) == [0, 0, 0, 0]


def test_a_value_that_may_stand_still_is_never_stuck() -> None:
    limits = Limits(stuck_after_s=120, stuck_except=0)
    assert flags(series(0, 0, 0, 0), limits) == [0, 0, 0, 0]
    assert flags(series(2, 2, 2, 2), limits) == [0, 0, STUCK, STUCK]


def test_a_gap_tells_nothing_of_a_standstill() -> None:
    values = [Value(0, 7, 0), Value(121_000_000, 7, 0), Value(200_000_000, 7, 0), Value(241_000_000, 7, 0)]
    assert flags(values, Limits(stuck_after_s=120)) == [0, 0, 0, STUCK]


def test_an_implausible_value_is_not_compared_with() -> None:
    limits = Limits(most_change_per_min=2, spike_limit=10, stuck_after_s=120)
    assert flags(series(10, -999, 10, 10, out=(1,)), limits) == [0, 0, 0, 0]


def test_nothing_is_checked_without_limits() -> None:
    assert flags(series(1, 1e9, 1, 1, 1), Limits()) == [0] * 5


def test_the_neighbours_of_what_changed_are_looked_at_again() -> None:
    # The spike before the value that came; that value; and the one after it, which was too fast as long as it was missing.
    values = [Value(0, 10, 0), Value(MINUTE, 30, RATE), Value(2 * MINUTE, 11, 0), Value(3 * MINUTE, 12, RATE)]
    found = changes_in(values, 2 * MINUTE, 2 * MINUTE, Limits(most_change_per_min=5, spike_limit=10))
    assert [(value.at_us // MINUTE, quality) for value, quality in found] == [(1, SPIKE), (3, 0)]


def test_what_a_person_decided_and_what_the_range_said_stay() -> None:
    values = [Value(0, 10, 0), Value(MINUTE, 30, DOUBTED, is_final=True), Value(2 * MINUTE, 10, IMPLAUSIBLE | STUCK)]
    found = changes_in(values, MINUTE, 2 * MINUTE, Limits(most_change_per_min=5))
    assert [(value.at_us // MINUTE, quality) for value, quality in found] == [(2, IMPLAUSIBLE)]


def test_of_the_last_neighbour_nothing_is_said_while_more_may_follow() -> None:
    # Three neighbours were read after the change: of the third it is not known what comes next.
    values = series(10, 10, 10, 10, 30)
    assert changes_in(values, MINUTE, MINUTE, Limits(most_change_per_min=5)) == []
    found = changes_in(values[:1] + values[2:], MINUTE, 2 * MINUTE, Limits(most_change_per_min=5))
    assert [(value.at_us // MINUTE, quality) for value, quality in found] == [(4, RATE)]
