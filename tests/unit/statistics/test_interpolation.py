"""Inverse-distance weighting, by hand."""

import numpy as np
import pytest

from geo.analysis.statistics.interpolation import idw_weights, interpolate, leave_one_out_error


def test_thing_twice_as_far_has_a_quarter_of_the_weight():
    assert idw_weights([[100, 200]]) == pytest.approx(np.array([[0.8, 0.2]]))


def test_power_one_halves_it():
    assert idw_weights([[100, 200]], power=1) == pytest.approx(np.array([[2 / 3, 1 / 3]]))


def test_only_the_nearest_take_part():
    assert idw_weights([[400, 100, 300, 200]], most=2) == pytest.approx(np.array([[0, 0.8, 0, 0.2]]))


def test_of_things_equally_far_the_first_are_taken():
    assert idw_weights([[50, 50, 50]], most=2).tolist() == [[0.5, 0.5, 0]]


def test_things_out_of_reach_have_no_weight():
    weights = idw_weights([[np.inf, 100, np.nan], [np.inf, np.nan, np.inf]])
    assert weights.tolist() == [[0, 1, 0], [0, 0, 0]]


def test_thing_on_the_spot_counts_as_one_metre_away():
    # 1 to 1 / 10,000.
    assert idw_weights([[0, 100]]) == pytest.approx(np.array([[0.99990001, 0.00009999]]), abs=1e-8)


def test_large_power_neither_overflows_nor_loses_the_nearest():
    assert idw_weights([[1e6, 2e6]], power=400) == pytest.approx(np.array([[1.0, 0.0]]))


def test_no_things_give_no_weights():
    assert idw_weights(np.empty((2, 0))).shape == (2, 0)


def test_value_is_the_weighted_mean():
    assert interpolate([[10, 0], [20, 5]], [[0.8, 0.2]]) == pytest.approx(np.array([[12.0, 1.0]]))


def test_missing_reading_leaves_its_weight_to_the_others():
    # 0.5, 0.3, 0.2 without the first: 0.6 · 20 + 0.4 · 30 = 24.
    values = interpolate([[np.nan], [20], [30]], [[0.5, 0.3, 0.2]])
    assert values == pytest.approx(np.array([[24.0]]))


def test_thing_on_the_spot_that_is_silent_leaves_the_value_to_the_next():
    assert interpolate([[np.nan], [20]], idw_weights([[0, 5000]])) == pytest.approx(np.array([[20.0]]))


def test_interval_or_area_without_any_reading_has_no_value():
    values = interpolate([[np.nan, 1], [np.nan, 1]], [[0.5, 0.5], [0, 0]])
    assert np.isnan(values).tolist() == [[True, False], [True, True]]


def test_error_of_three_things_on_a_line_worked_by_hand():
    # Values 0, 10, 20 at 0, 100, 200 m. At the ends 0.8 · 10 + 0.2 · 20 = 12 in place of 0, and 8 in place of 20;
    # in the middle 10, right. sqrt((144 + 0 + 144) / 3) = 9.797959.
    found = leave_one_out_error([[0], [10], [20]], [[0, 100, 200], [100, 0, 100], [200, 100, 0]])
    assert found.rmse == pytest.approx(9.797959, abs=1e-6)
    assert (found.n, found.things) == (3, 3)


def test_error_counts_only_where_both_sides_have_a_value():
    # Second interval: the first thing is silent, the other two stand for each other: 4 and 4 apart.
    series = [[0, np.nan], [10, 6], [20, 2]]
    found = leave_one_out_error(series, [[0, 100, 200], [100, 0, 100], [200, 100, 0]])
    # sqrt((144 + 0 + 144 + 16 + 16) / 5) = 8.
    assert (found.rmse, found.n, found.things) == (pytest.approx(8.0), 5, 3)


def test_error_leaves_the_distances_of_the_caller_alone():
    distances = np.array([[0.0, 100.0], [100.0, 0.0]])
    leave_one_out_error([[1], [2]], distances)
    assert distances.tolist() == [[0, 100], [100, 0]]


def test_single_thing_has_no_error_to_give():
    found = leave_one_out_error([[1, 2, 3]], [[0]])
    assert (found.rmse, found.n, found.things) == (None, 0, 0)


@pytest.mark.parametrize(
    ("distances", "how", "name"),
    [
        ([1, 2], {}, "distances_m"),
        ([[-1, 2]], {}, "distances_m"),
        ([[1, 2]], {"power": 0}, "power"),
        ([[1, 2]], {"most": 0}, "most"),
    ],
)
def test_bad_distances_and_parameters_are_refused_by_name(distances, how, name):
    with pytest.raises(ValueError, match=name):
        idw_weights(distances, **how)


def test_weights_and_series_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="weights"):
        interpolate([[1.0]], [[0.5, 0.5]])
    with pytest.raises(ValueError, match="distances_m"):
        leave_one_out_error([[1.0], [2.0]], [[0.0]])
