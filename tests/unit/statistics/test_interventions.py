"""Before and after against comparable areas, worked by hand."""

import numpy as np
import pytest

from geo.analysis.statistics.interventions import InterventionReason, before_after

STEADY = np.full((5, 2), 10)


def test_halved_area_against_steady_ones_worked_by_hand():
    # Totals 20 and 10; the five others 100 and 100. Ratio 10.5 / 20.5 = 0.512195.
    # Variance 1 / 20.5 + 1 / 10.5 + 2 / 100.5 = 0.163919, its root 0.404869; exp(1.959964 · 0.404869) = 2.211184.
    found = before_after([10, 10], [5, 5], STEADY, STEADY)
    assert (found.comparable, found.reason, found.dispersion) == (5, None, 1.0)
    assert found.ratio == pytest.approx(0.512195, abs=1e-6)
    assert (found.low, found.high) == pytest.approx((0.231638, 1.132557), abs=1e-5)
    # None of five is as far: 1 / 6.
    assert found.placebo_p == pytest.approx(1 / 6)
    assert found.placebos == pytest.approx([1.0] * 5)
    assert found.placebo_level == pytest.approx(5 / 6)


def test_what_changed_everywhere_is_no_effect():
    # Totals 20 and 40; the others 100 and 200: (40.5 / 20.5) / (200.5 / 100.5) = 0.990268.
    found = before_after([10, 10], [20, 20], STEADY, 2 * STEADY)
    assert found.ratio == pytest.approx(0.990268, abs=1e-6)
    assert found.low < 1 < found.high


def test_placebo_counts_the_areas_that_are_as_far_from_their_others():
    # One comparable area trebled. Area: (10.5 / 20.5) / (140.5 / 100.5) = 0.366375, log -1.004098;
    # variance 0.0487805 + 0.0952381 + 1 / 140.5 + 1 / 100.5 = 0.161086, distance 2.50178.
    # Trebled against the other four: 60.5 / 20.5 = 2.951220 (80 and 80 cancel), log 1.082219;
    # variance 1 / 20.5 + 1 / 60.5 + 2 / 80.5 = 0.0901542, distance 3.60431: it is as far.
    # Each other: against (20·3 + 20) and (20·3 + 60): 80.5 / 120.5 = 0.668050, log -0.403393: distance 1.14506.
    after = STEADY.copy()
    after[4] = 30
    found = before_after([10, 10], [5, 5], STEADY, after)
    assert found.ratio == pytest.approx(0.366375, abs=1e-6)
    assert found.placebos == pytest.approx([0.668050] * 4 + [2.951220], abs=1e-6)
    assert found.placebo_p == pytest.approx(2 / 6)
    # The farthest of the five stretches the interval: exp(3.60431 · 0.401356) = 4.248755.
    assert (found.placebo_low, found.placebo_high) == pytest.approx((0.086231, 1.556637), rel=1e-4)
    assert found.placebo_level == pytest.approx(5 / 6)


def test_area_as_far_as_a_comparable_one_is_tied_with_it():
    # All six alike: nothing is farther than anything else.
    found = before_after([10, 10], [10, 10], STEADY, STEADY)
    assert (found.ratio, found.placebo_p) == (1.0, 1.0)


def test_periods_of_different_length_are_compared_by_their_level():
    # Level 10 throughout, four intervals before and two after: (20.5 / 40.5) / (100.5 / 200.5) = 1.009827.
    found = before_after([10] * 4, [10] * 2, np.full((5, 4), 10), STEADY)
    assert found.ratio == pytest.approx(1.009827, abs=1e-6)


def test_counts_that_jump_about_widen_the_interval():
    # Both periods: 0 4 / 4 0, expected 2 each: chi-square 8 on 1 degree of freedom each, so 16 / 2 = 8.
    jumping = before_after([0, 4], [0, 4], [[4, 0]], [[4, 0]])
    assert jumping.dispersion == pytest.approx(8.0)
    # Variance 8 · 4 / 4.5 = 7.111111, root 2.666667; exp(1.959964 · 2.666667) = 186.17.
    assert (jumping.ratio, jumping.high) == (1.0, pytest.approx(186.17, rel=1e-3))


def test_common_course_is_no_overdispersion():
    # A storm doubles the second interval everywhere.
    storm = np.tile([10, 20], (5, 1))
    assert before_after([10, 20], [10, 20], storm, storm).dispersion == 1.0


def test_four_comparable_areas_give_an_interval_but_no_placebo():
    found = before_after([10, 10], [5, 5], STEADY[:4], STEADY[:4])
    assert (found.comparable, found.reason) == (4, InterventionReason.TOO_FEW_COMPARABLE_AREAS)
    assert found.ratio == pytest.approx(0.512195, abs=1e-6)
    assert found.low is not None
    assert found.placebo_p is None
    assert found.placebo_low is None


def test_comparable_area_without_reports_has_no_part():
    silent = np.vstack([STEADY[:2], np.zeros((1, 2)), STEADY[2:]])
    found = before_after([10, 10], [5, 5], silent, silent)
    assert (found.comparable, found.placebo_p) == (5, pytest.approx(1 / 6))
    assert np.isnan(found.placebos).tolist() == [False, False, True, False, False, False]


def test_area_that_falls_silent_has_a_ratio_above_zero():
    # 0.5 / 20.5.
    found = before_after([10, 10], [0, 0], STEADY, STEADY)
    assert found.ratio == pytest.approx(0.0243902, abs=1e-7)
    assert found.high < 1


def test_nothing_to_compare_is_said():
    assert before_after([0, 0], [0, 0], STEADY, STEADY).reason == InterventionReason.NO_REPORTS
    assert before_after([1, 1], [1, 1], 0 * STEADY, 0 * STEADY).reason == InterventionReason.NO_COMPARABLE_AREAS
    nobody = np.empty((0, 2))
    assert before_after([1, 1], [1, 1], nobody, nobody).reason == InterventionReason.NO_COMPARABLE_AREAS
    one = before_after([10], [5], STEADY[:, :1], STEADY[:, :1])
    assert (one.reason, one.ratio) == (InterventionReason.TOO_FEW_INTERVALS, None)


def test_share_of_small_placebo_p_is_the_stated_one_where_areas_drift():
    """With 19 comparable areas p <= 0.05 happens to one in twenty; the analytic interval alone would miss far more."""
    small, missed = 0, 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        level = rng.lognormal(3, 0.5, (20, 1))
        drift = np.exp(0.2 * rng.standard_normal((20, 1)))
        first = rng.poisson(level * np.ones((20, 12)))
        second = rng.poisson(level * drift * np.ones((20, 12)))
        found = before_after(first[0], second[0], first[1:], second[1:])
        small += found.placebo_p <= 0.05
        missed += not found.low <= 1 <= found.high
    assert 0.025 <= small / 400 <= 0.08
    assert missed / 400 > 0.2


@pytest.mark.parametrize(
    ("own", "others"),
    [([1, 2], np.ones((3, 3))), ([1, np.nan], np.ones((3, 2))), ([1, -1], np.ones((3, 2))), ([1, 2], [1, 2])],
)
def test_bad_counts_are_refused_by_name(own, others):
    with pytest.raises(ValueError, match="treated"):
        before_after(own, [1, 1], others, np.ones((3, 2)))


def test_other_areas_after_than_before_are_refused():
    with pytest.raises(ValueError, match="comparable_before and comparable_after"):
        before_after([1, 1], [1, 1], np.ones((3, 2)), np.ones((4, 2)))
