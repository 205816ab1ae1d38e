"""Upward crossings of a threshold: what is an event, and what is not."""

import numpy as np
import pytest

from geo.analysis.statistics.crossings import upward_crossings

GAP = np.nan


def crossings(values, quiet=1, threshold=10):
    return upward_crossings(values, threshold, quiet).tolist()


def test_crossing_is_where_the_series_comes_to_the_threshold_or_above_it():
    assert crossings([1, 9.9, 10, 12, 3, 11]) == [2, 5]


def test_series_that_begins_above_has_not_crossed():
    assert crossings([11, 12, 3, 11]) == [3]
    assert crossings([11, 12, 3, 11], quiet=2) == []


def test_flicker_about_the_threshold_is_one_event():
    assert crossings([1, 11, 9, 11, 9, 9, 11, 9, 9, 9, 11], quiet=3) == [1, 10]
    assert crossings([1, 11, 9, 11, 9, 9, 11, 9, 9, 9, 11], quiet=2) == [1, 6, 10]


def test_no_quiet_is_asked_before_the_first_crossing_of_a_series_that_begins_below():
    assert crossings([1, 11], quiet=24) == [1]


def test_crossing_within_a_gap_has_no_hour_and_is_left_out():
    assert crossings([1, 2, GAP, 11, 3, 12]) == [5]


def test_missing_values_neither_count_as_quiet_nor_break_it():
    assert crossings([1, 11, 2, GAP, 2, 11], quiet=2) == [1, 5]
    assert crossings([1, 11, 2, GAP, GAP, 2, 11], quiet=3) == [1]


def test_series_without_values_or_always_below_has_no_crossings():
    assert crossings([]) == []
    assert crossings([GAP, GAP]) == []
    assert crossings([1, 2, 3]) == []


@pytest.mark.parametrize(
    ("values", "threshold", "quiet", "name"),
    [([[1]], 1, 1, "values"), ([1], np.nan, 1, "threshold"), ([1], 1, -1, "quiet")],
)
def test_bad_parameters_are_refused_by_name(values, threshold, quiet, name):
    with pytest.raises(ValueError, match=name):
        upward_crossings(values, threshold, quiet)
