"""Which levels a series reaches: P2C's, by KP2C's table (from 351, 451 and 551 cm). Worked by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sensors.thresholds.levels import Criteria, State, follow

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
SIAGA = (351.0, 451.0, 551.0)


def criteria(**more: Any) -> Criteria:
    return Criteria(**{"thresholds": SIAGA, "longest_gap": timedelta(minutes=30), **more})


def minutes(n: int) -> timedelta:
    return timedelta(minutes=n)


def series(*values: tuple[int, float]) -> list[tuple[datetime, float]]:
    """(minutes after midnight, value)."""
    return [(MIDNIGHT + minutes(minute), value) for minute, value in values]


START = State(MIDNIGHT - minutes(10))


def steps(given: list[tuple[datetime, float]], rule: Criteria, state: State = START) -> list[tuple[int, int, int]]:
    """(minute, old level, new level) of each transition."""
    return [(int((one.at - MIDNIGHT).total_seconds() // 60), one.old, one.new) for one in follow(given, state, rule)[1]]


def test_a_threshold_that_is_just_reached_counts() -> None:
    assert steps(series((0, 350.9)), criteria()) == []
    assert steps(series((0, 351.0)), criteria()) == [(0, 0, 1)]


def test_levels_are_entered_and_left_one_by_one_or_several_at_once() -> None:
    given = series((0, 300), (10, 400), (20, 600), (30, 500), (40, 100))
    assert steps(given, criteria()) == [(10, 0, 1), (20, 1, 3), (30, 3, 2), (40, 2, 0)]


def test_a_level_is_left_only_beyond_the_hysteresis() -> None:
    given = series((0, 355), (10, 349), (20, 341), (30, 340.9), (40, 345), (50, 351))
    assert steps(given, criteria(hysteresis=10.0)) == [(0, 0, 1), (30, 1, 0), (50, 0, 1)]


def test_without_hysteresis_the_same_series_flaps() -> None:
    given = series((0, 355), (10, 349), (20, 352), (30, 349))
    assert steps(given, criteria()) == [(0, 0, 1), (10, 1, 0), (20, 0, 1), (30, 1, 0)]


def test_a_level_opens_once_it_has_held_long_enough() -> None:
    given = series((0, 360), (10, 360), (19, 360), (20, 360))
    rule = criteria(opens_after=minutes(20))
    assert steps(given, rule) == [(20, 0, 1)]
    (opened,) = follow(given, START, rule)[1]
    assert opened.since == MIDNIGHT


def test_one_value_short_of_the_threshold_begins_the_hold_anew() -> None:
    given = series((0, 360), (10, 350), (20, 360), (30, 360), (40, 360))
    assert steps(given, criteria(opens_after=minutes(20))) == [(40, 0, 1)]


def test_each_level_has_a_hold_of_its_own() -> None:
    # 351 has held since 0, 451 since 10.
    given = series((0, 400), (10, 460), (20, 460), (30, 460))
    assert steps(given, criteria(opens_after=minutes(20))) == [(20, 0, 1), (30, 1, 2)]


def test_a_level_closes_once_it_has_been_left_long_enough() -> None:
    given = series((0, 360), (10, 300), (20, 360), (30, 300), (40, 300), (50, 300))
    assert steps(given, criteria(closes_after=minutes(20))) == [(0, 0, 1), (50, 1, 0)]


def test_nothing_has_held_through_a_gap() -> None:
    rule = criteria(opens_after=minutes(20))
    assert steps(series((0, 360), (30, 360)), rule) == [(30, 0, 1)]
    assert steps(series((0, 360), (31, 360), (41, 360), (51, 360)), rule) == [(51, 0, 1)]


def test_a_level_outlasts_a_gap() -> None:
    assert steps(series((0, 360), (300, 360), (310, 300)), criteria()) == [(0, 0, 1), (310, 1, 0)]


def test_what_is_not_newer_than_the_state_is_passed_over() -> None:
    state, _opened = follow(series((0, 360)), START, criteria())
    late = series((-5, 600), (0, 100))
    assert follow(late, state, criteria()) == (state, [])


def test_a_series_in_pieces_gives_the_same_as_in_one() -> None:
    rule = criteria(hysteresis=10.0, opens_after=minutes(10), closes_after=minutes(20))
    values = [340, 360, 460, 470, 440, 430, 345, 330, 320, 310, 360, 560, 570, 100, 100, 100, 100]
    given = series(*((10 * i, value) for i, value in enumerate(values)))
    whole = follow(given, START, rule)
    state, found = START, []
    for one in given:
        state, some = follow([one], state, rule)
        found += some
    assert (state, found) == whole
    # Held: 351 from minute 10 to 20, 451 to 30. Left: 441 from 40 to 60, 341 from 70 to 90. Held: 351 from 100 to 110, the other
    # two from 110 to 120. Left: all three from 130 to 150.
    assert [(one.old, one.new) for one in found] == [(0, 1), (1, 2), (2, 1), (1, 0), (0, 1), (1, 3), (3, 0)]


def test_falling_values_are_followed_downwards() -> None:
    rule = criteria(thresholds=(100.0, 50.0), is_below=True, hysteresis=5.0)
    given = series((0, 101), (10, 100), (20, 40), (30, 55), (40, 56), (50, 105.5))
    assert steps(given, rule) == [(10, 0, 1), (20, 1, 2), (40, 2, 1), (50, 1, 0)]


def test_the_peak_of_a_level_counts_from_the_beginning_of_its_hold_to_its_end() -> None:
    given = series((0, 700), (10, 300), (20, 360), (30, 390), (40, 370), (50, 300), (60, 355))
    opened, closed = follow(given, START, criteria(opens_after=minutes(20)))[1]
    assert (opened.value, opened.peak, opened.peak_at) == (370.0, 390.0, MIDNIGHT + minutes(30))
    assert (closed.value, closed.peak, closed.peak_at) == (300.0, 390.0, MIDNIGHT + minutes(30))


def test_the_peak_of_falling_values_is_the_lowest() -> None:
    rule = criteria(thresholds=(100.0,), is_below=True)
    state, (opened,) = follow(series((0, 90), (10, 40), (20, 60)), START, rule)
    assert (opened.peak, state.peak, state.peak_at) == (90.0, 40.0, MIDNIGHT + minutes(10))
