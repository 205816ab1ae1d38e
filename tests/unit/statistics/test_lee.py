"""Lee's L and residuals: published values, PySAL on its own data sets, and maps that say nothing."""

import numpy as np
import pytest

from geo.analysis.statistics.errors import TooFewAreas, Undefined
from geo.analysis.statistics.lee import lee_l, residuals_on
from geo.analysis.statistics.neighbours import distance_band, neighbours_from_pairs

from .libpysal_data import NAMES, esda, load
from .monte_carlo import agree

GRID = distance_band([(x, y) for y in range(7) for x in range(8)], 1.5)
EVERYONE = distance_band(np.zeros((10, 2)), 1)


def test_l_of_house_values_and_crime_in_columbus_is_that_of_the_tests_of_esda():
    # esda 2.9, tests/test_lee.py: association_ [[0.30136527, -0.23625603], [-0.23625603, 0.53512008]], and the first
    # five and the last of the local ones.
    data = load("columbus")
    found = lee_l(data.y, data.x, data.neighbours, permutations=0)
    assert found.l == pytest.approx(-0.23625603, abs=1e-8)
    published = [0.10246023, -0.24169198, -0.1308714, 0.00895543, -0.16080899]
    assert found.local[:5] == pytest.approx(published, abs=1e-8)
    assert found.local[-1] == pytest.approx(0.2378127, abs=1e-7)
    assert lee_l(data.x, data.x, data.neighbours, permutations=0).l == pytest.approx(0.53512008, abs=1e-8)


def test_l_by_hand():
    # Ring of eight, deviations -2 five times, 2, 6, 2 (variance 8); of the neighbours' means: 0, -2, -2, -2, 0, 2, 2, 2.
    # Against itself: six squares of 4, over 8 areas and a variance of 8: 24 / 64 = 0.375.
    ring = neighbours_from_pairs(8, [(i, (i + 1) % 8) for i in range(8)])
    hill = np.array([0.0, 0, 0, 0, 0, 4, 8, 4])
    assert lee_l(hill, hill, ring, permutations=0).l == pytest.approx(0.375)
    assert lee_l(hill, -hill, ring, permutations=0).l == pytest.approx(-0.375)


@pytest.mark.parametrize("name", NAMES)
def test_l_agrees_with_pysal(name):
    data = load(name)
    weights = data.neighbours.row_standardised
    columns = data.x[:, np.newaxis], data.y[:, np.newaxis]
    ours = lee_l(data.x, data.y, data.neighbours, permutations=0)
    theirs = esda.Spatial_Pearson(connectivity=weights, permutations=0).fit(*columns)
    np.testing.assert_allclose(ours.l, theirs.association_[0, 1], atol=1e-9)
    theirs = esda.Spatial_Pearson_Local(connectivity=weights, permutations=0).fit(*columns)
    np.testing.assert_allclose(ours.local, theirs.associations_, atol=1e-9)


@pytest.mark.parametrize("name", ["columbus", "stl_hom", "us_income", "baltim"])
def test_permuted_p_of_l_is_that_of_pysal(name):
    data = load(name)
    rng = np.random.default_rng(1)
    y = rng.permutation(data.y)
    ours = lee_l(data.x, y, data.neighbours, permutations=4_999, seed=1)
    np.random.seed(2)
    theirs = esda.Spatial_Pearson(connectivity=data.neighbours.row_standardised, permutations=1_000).fit(
        data.x[:, np.newaxis], y[:, np.newaxis]
    )
    # PySAL's is one-sided: the smaller side.
    smaller = theirs.significance_[0, 1]
    assert agree(ours.p_permuted, 4_999, smaller, 1_000)
    assert ours.p_permuted > 0.01


@pytest.mark.parametrize("name", NAMES[:4])
def test_permuted_p_of_the_local_l_is_that_of_pysal(name):
    data = load(name)
    ours = lee_l(data.x, data.y, data.neighbours, permutations=4_999, seed=1)
    np.random.seed(3)
    theirs = esda.Spatial_Pearson_Local(connectivity=data.neighbours.row_standardised, permutations=1_000).fit(
        data.x[:, np.newaxis], data.y[:, np.newaxis]
    )
    smaller = theirs.significance_
    assert agree(ours.local_p, 4_999, smaller, 1_000).all()


def test_l_does_not_care_which_of_the_two_comes_first():
    x, y = np.random.default_rng(3).poisson(3.0, (2, 56))
    first, second = lee_l(x, y, GRID, permutations=99), lee_l(y, x, GRID, permutations=99)
    assert first.l == pytest.approx(second.l)
    assert first.p_permuted == second.p_permuted
    assert (first.local_p == second.local_p).all()


def test_missing_values_and_islands_take_no_part():
    x, y = np.random.default_rng(3).poisson(3.0, (2, 57)).astype(float)
    rows = np.repeat(np.arange(56), GRID.counts)
    with_island = neighbours_from_pairs(57, np.column_stack([rows, GRID.indices]))
    x[3] = np.nan
    found = lee_l(x, y, with_island, permutations=99)
    assert (found.n, found.islands) == (56, 1)
    assert np.isnan([found.local[3], found.local[56], found.local_p[3], found.local_p[56]]).all()
    assert np.isfinite(np.delete(found.local, [3, 56])).all()
    assert found.l == pytest.approx(np.nanmean(found.local))


def test_constant_values_and_maps_of_islands_leave_l_undefined():
    found = lee_l(np.arange(56.0), np.ones(56), GRID, permutations=9)
    assert (found.reason, found.p_permuted) == (Undefined.CONSTANT, None)
    assert np.isnan(found.l)
    assert np.isnan(found.local).all()
    lonely = neighbours_from_pairs(10, [])
    assert lee_l(np.arange(10.0), np.arange(10.0), lonely, permutations=9).reason == Undefined.NO_NEIGHBOURS


def test_where_all_are_neighbours_of_all_p_is_one():
    found = lee_l(np.arange(10.0), np.arange(10.0) ** 2, EVERYONE, permutations=99)
    assert found.p_permuted == 1.0
    assert found.local_p.tolist() == [1.0] * 10


@pytest.mark.parametrize("n", [1, 2, 7])
def test_fewer_than_eight_areas_are_refused(n):
    few = neighbours_from_pairs(n, [(i, i + 1) for i in range(n - 1)])
    with pytest.raises(TooFewAreas, match=f"{n} areas have data"):
        lee_l(np.arange(float(n)), np.arange(float(n)), few, permutations=9)


def test_residuals_by_hand():
    # Deviations -1, 0, 1 and -3, 2, 1: slope (3 + 1) / 2 = 2; residuals -3 + 2, 2, 1 - 2.
    assert residuals_on([1, 2, 3], [1, 6, 5]).tolist() == [-1, 2, -1]


def test_residuals_of_a_straight_line_are_zero_and_missing_ones_stay_missing():
    left = residuals_on([1, 2, np.nan, 4, 5], [3, 5, 7, 9, np.nan])
    assert left[[0, 1, 3]] == pytest.approx([0, 0, 0], abs=1e-12)
    assert np.isnan(left[[2, 4]]).all()
    assert np.isnan(residuals_on([np.nan, 1], [1, np.nan])).all()


def test_residuals_on_a_constant_are_deviations_from_the_mean():
    assert residuals_on([7, 7, 7], [1, 2, 6]).tolist() == [-2, -1, 3]


def test_residuals_take_a_shared_control_out_of_l():
    # Complaints and readings both follow the population, which rises along the map, and nothing else.
    rng = np.random.default_rng(5)
    population = np.tile(np.arange(8.0), 7)
    x, y = population + rng.normal(0, 1, 56), population + rng.normal(0, 1, 56)
    assert lee_l(x, y, GRID, permutations=999).p_permuted == 2 / 1000
    rest = lee_l(residuals_on(population, x), residuals_on(population, y), GRID, permutations=999)
    assert rest.p_permuted > 0.1


def test_the_logarithm_of_no_people_is_refused():
    with pytest.raises(ValueError, match="control must be finite"):
        residuals_on([1, -np.inf], [1, 2])
    with pytest.raises(ValueError, match="one element for each area"):
        residuals_on([1, 2, 3], [1, 2])
