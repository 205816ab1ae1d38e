"""How often a series has a value."""

import numpy as np

from geo.analysis.statistics.coverage import is_sparse

NAN = np.nan


def test_daily_reading_is_sparse_by_the_hour_and_a_failing_gauge_is_not() -> None:
    daily = np.full(240, NAN)
    daily[::24] = 5.0
    failing = np.arange(240.0)
    failing[100:180] = NAN
    assert list(is_sparse([daily, failing])) == [True, False]


def test_what_lies_before_the_first_and_after_the_last_value_does_not_count() -> None:
    late = np.full(240, NAN)
    late[200:210] = 1.0
    assert list(is_sparse([late])) == [False]


def test_half_of_the_intervals_is_enough() -> None:
    # Values at 0, 2, 4, 6: four of seven. At 0, 3, 6: three of seven.
    assert list(is_sparse([[1, NAN, 1, NAN, 1, NAN, 1], [1, NAN, NAN, 1, NAN, NAN, 1]])) == [False, True]


def test_series_without_any_value_is_missing_and_not_sparse() -> None:
    assert list(is_sparse(np.full((2, 5), NAN))) == [False, False]
    assert list(is_sparse(np.empty((2, 0)))) == [False, False]
