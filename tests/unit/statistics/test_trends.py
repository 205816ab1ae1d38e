"""Mann-Kendall and Sen's slope: by hand, and against scipy row by row."""

import numpy as np
import pytest
from scipy.stats import kendalltau, theilslopes

from geo.analysis.statistics import trends
from geo.analysis.statistics.trends import mann_kendall


def test_five_values_with_a_tie_worked_by_hand():
    # 10 15 14 20 20: 8 pairs rise, 1 falls, 1 is tied; S = 7.
    # Variance (5·4·15 - 2·1·9) / 18 = 15.6667; z = 6 / 3.95811 = 1.51588; two-sided p from a table of the normal 0.1296.
    # tau-b = 7 / sqrt(10·9). Slopes -1 0 5/3 2 2.5 2.5 3 10/3 5 6, median 2.5.
    found = mann_kendall([[10, 15, 14, 20, 20]])
    assert (found.s[0], found.n[0]) == (7, 5)
    assert found.variance[0] == pytest.approx(47 / 3)
    assert found.z[0] == pytest.approx(1.51588, abs=1e-5)
    assert found.p[0] == pytest.approx(0.1296, abs=5e-5)
    assert found.tau[0] == pytest.approx(0.737865, abs=1e-6)
    assert found.slope[0] == pytest.approx(2.5)


def test_falling_row_is_the_mirror_image_of_a_rising_one():
    found = mann_kendall([[1, 2, 4, 8, 16, 32], [32, 16, 8, 4, 2, 1]])
    assert found.s.tolist() == [15, -15]
    assert found.tau.tolist() == [1, -1]
    assert found.z[0] == -found.z[1] > 0
    assert found.p[0] == found.p[1] < 0.05


def test_tau_and_slope_are_scipys_for_rows_with_many_ties():
    rows = np.random.default_rng(3).integers(0, 6, size=(40, 17)).astype(float)
    found = mann_kendall(rows)
    time = np.arange(17)
    assert found.tau == pytest.approx([kendalltau(time, row).statistic for row in rows], abs=1e-12)
    assert found.slope == pytest.approx([theilslopes(row, time).slope for row in rows], abs=1e-12)


def test_missing_slices_are_left_out_and_keep_their_place_in_time():
    rng = np.random.default_rng(4)
    rows = rng.integers(0, 9, size=(40, 15)).astype(float)
    rows[rng.random(rows.shape) < 0.3] = np.nan
    found = mann_kendall(rows)
    for index, row in enumerate(rows):
        time = np.flatnonzero(~np.isnan(row))
        assert found.n[index] == len(time)
        assert found.tau[index] == pytest.approx(kendalltau(time, row[time]).statistic, abs=1e-12)
        assert found.slope[index] == pytest.approx(theilslopes(row[time], time).slope, abs=1e-12)
        alone = mann_kendall(row[time][None])
        assert (found.z[index], found.p[index]) == (alone.z[0], alone.p[0])


def test_constant_row_has_no_trend_and_no_tau():
    found = mann_kendall([[4, 4, 4, 4, 4]])
    assert (found.s[0], found.z[0], found.p[0], found.slope[0]) == (0, 0, 1, 0)
    assert np.isnan(found.tau[0])


def test_rows_with_fewer_than_three_values_have_no_figures():
    found = mann_kendall([[np.nan, np.nan, np.nan, np.nan], [1, np.nan, 2, np.nan], [1, 2, 3, np.nan]])
    for part in (found.s, found.tau, found.variance, found.z, found.p, found.slope):
        assert np.isnan(part).tolist() == [True, True, False]
    assert found.n.tolist() == [0, 2, 3]


def test_no_areas_and_no_slices_are_answered():
    assert mann_kendall(np.empty((0, 8))).p.shape == (0,)
    assert np.isnan(mann_kendall(np.empty((2, 0))).p).all()


def test_slopes_are_the_same_however_many_rows_are_taken_at_once(monkeypatch):
    rows = np.random.default_rng(5).standard_normal((23, 12))
    whole = mann_kendall(rows).slope
    monkeypatch.setattr(trends, "PAIRS_AT_ONCE", 200)
    assert mann_kendall(rows).slope.tolist() == whole.tolist()


def test_share_of_small_p_without_a_trend_is_the_stated_one():
    # The test is a little conservative: S takes whole values only.
    p = mann_kendall(np.random.default_rng(6).standard_normal((5000, 24))).p
    assert 0.04 <= np.mean(p < 0.05) <= 0.055


@pytest.mark.parametrize("slices", [[1, 2, 3], [[1, 2, np.inf]]])
def test_bad_slices_are_refused_by_name(slices):
    with pytest.raises(ValueError, match="slices must"):
        mann_kendall(slices)
