"""Moran's I, global, local and bivariate: published values, PySAL on its own data sets, and maps that say nothing."""

import warnings

import numpy as np
import pytest

from geo.analysis.statistics.errors import TooFewAreas, Undefined
from geo.analysis.statistics.moran import (
    bivariate_moran,
    classify,
    global_moran,
    local_bivariate_moran,
    local_moran,
)
from geo.analysis.statistics.neighbours import distance_band, neighbours_from_pairs

from .libpysal_data import NAMES, column, contiguity, esda, load, neighbours_of
from .monte_carlo import agree

GRID = distance_band([(x, y) for y in range(7) for x in range(8)], 1.5)
EVERYONE = distance_band(np.zeros((10, 2)), 1)
LONELY = neighbours_from_pairs(10, [])
# A ring of eight: five 0, then 4, 8 and 4.
RING = neighbours_from_pairs(8, [(i, (i + 1) % 8) for i in range(8)])
HILL = np.array([0.0, 0, 0, 0, 0, 4, 8, 4])


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def test_global_i_of_crime_in_columbus_is_that_of_spdep():
    # spdep, moran.test(columbus$CRIME, nb2listw(poly2nb(columbus))), printed in many courses: 0.500188557, -0.020833333,
    # 0.008689289; standard deviate 5.5894, one-sided p 1.139e-08. The often quoted 0.485770914 is of col.gal.nb, an older
    # list with 230 links; the file that libpysal ships has the 236 of the polygons.
    found = global_moran(load("columbus").x, load("columbus").neighbours, permutations=0)
    assert found.i == pytest.approx(0.500188557, abs=1e-9)
    assert found.expected == pytest.approx(-0.020833333, abs=1e-9)
    assert found.variance == pytest.approx(0.008689289, abs=1e-9)
    assert found.z == pytest.approx(5.5894, abs=5e-5)
    assert found.p == pytest.approx(2 * 1.139e-08, rel=1e-3)
    assert (found.n, found.islands, found.p_permuted) == (49, 0, None)


@pytest.mark.parametrize(("name", "published"), [("stl_hom", 0.24365582621771659), ("sids2", 0.24772519320480135)])
def test_global_i_is_that_of_the_tests_of_esda(name, published):
    # esda 2.9, tests/test_moran.py, test_moran and test_sids (rounded in the docstring of Moran: 0.244, 0.248).
    assert global_moran(load(name).x, load(name).neighbours, permutations=0).i == pytest.approx(published, abs=1e-12)


def test_global_i_by_hand():
    # Deviations from 2: -2 five times, 2, 6, 2; squares 20 + 4 + 36 + 4 = 64.
    # Products of neighbours round the ring: 4 * 4 = 16, then -4, 12, 12, -4: 32. I = 32 / 64.
    assert global_moran(HILL, RING, permutations=0).i == pytest.approx(0.5)


@pytest.mark.parametrize("name", NAMES)
def test_global_i_agrees_with_pysal(name):
    data = load(name)
    theirs = esda.Moran(data.x, data.w, permutations=0)
    ours = global_moran(data.x, data.neighbours, permutations=0)
    close(
        [ours.i, ours.expected, ours.variance, ours.z, ours.p],
        [theirs.I, theirs.EI, theirs.VI_rand, theirs.z_rand, theirs.p_rand],
    )


def test_global_i_agrees_with_pysal_on_a_map_with_an_island():
    w = contiguity("10740_rook.gal")
    values = np.random.default_rng(1).poisson(4.0, w.n)
    neighbours = neighbours_of(w)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The weights matrix is not fully connected")
        theirs = esda.Moran(values, w, permutations=0)
    ours = global_moran(values, neighbours, permutations=0)
    assert (ours.n, ours.islands) == (195, 1)
    close([ours.i, ours.variance, ours.z, ours.p], [theirs.I, theirs.VI_rand, theirs.z_rand, theirs.p_rand])


def smaller_share(figure, shuffle, observed, simulations):
    figures = np.array([figure(shuffle()) for _ in range(simulations)])
    return min(np.mean(figures >= observed - 1e-12), np.mean(figures <= observed + 1e-12))


@pytest.mark.parametrize("name", ["columbus", "stl_hom", "us_income", "baltim"])
def test_permuted_p_of_the_global_i_is_that_of_a_plain_simulation(name):
    data = load(name)
    # A random third of the values stays in its place, the rest is shuffled: a relation weak enough for p to vary.
    rng = np.random.default_rng(1)
    values = data.x.copy()
    moved = rng.random(len(values)) > 1 / 3
    values[moved] = rng.permutation(values[moved])
    ours = global_moran(values, data.neighbours, permutations=4_999, seed=1)
    weights = data.neighbours.row_standardised.toarray()
    scores = values - values.mean()
    smaller = smaller_share(
        lambda z: len(z) / weights.sum() * (z @ weights @ z) / (z @ z), lambda: rng.permutation(scores), ours.i, 2_000
    )
    assert agree(ours.p_permuted, 4_999, smaller, 2_000)


def test_permuted_p_of_a_strong_pattern_is_the_least_possible():
    found = global_moran(load("columbus").x, load("columbus").neighbours, permutations=999, seed=1)
    assert found.p_permuted == 2 / 1000


@pytest.mark.parametrize("name", NAMES)
def test_local_i_and_its_moments_agree_with_pysal(name):
    data = load(name)
    theirs = esda.Moran_Local(data.x, data.w, permutations=0)
    ours = local_moran(data.x, data.neighbours, permutations=0)
    close(ours.i, theirs.Is)
    n = len(data.x)
    close(ours.z, (theirs.Is * n / (n - 1) - theirs.EIc) / np.sqrt(theirs.VIc))
    words = np.array(["", "high_high", "low_high", "low_low", "high_low"])
    assert (ours.quadrant == words[theirs.q]).all()


def test_quadrants_are_those_of_the_example_in_esda():
    # esda 2.9, docstring of Moran_Local: 4 4 4 2 3 3 1 4 3 3, in PySAL's order 1 HH, 2 LH, 3 LL, 4 HL.
    found = local_moran(column("desmith.txt", "z"), neighbours_of(contiguity("desmith.gal")), permutations=0)
    words = {"1": "high_high", "2": "low_high", "3": "low_low", "4": "high_low"}
    assert found.quadrant.tolist() == [words[digit] for digit in "4442331433"]


def test_local_terms_add_up_to_the_global_i():
    # Anselin 1995: the sum of the local I is proportional to the global one, here by n - 1.
    assert local_moran(HILL, RING, permutations=0).i.sum() == pytest.approx(7 * 0.5)


def test_local_i_by_hand():
    # Variance 64 / 8 = 8. The top: 6, and 2 on both sides: 6 * 2 / 8 * 7 / 8. Beside it: 2, between -2 and 6, mean 2:
    # 2 * 2 / 8 * 7 / 8.
    found = local_moran(HILL, RING, permutations=0)
    assert found.i[6] == pytest.approx(1.3125)
    assert found.i[5] == pytest.approx(0.4375)
    # The first zero lies beside a zero and a 4: deviations -2 and 2, mean 0.
    assert found.i[0] == pytest.approx(0.0)
    assert found.quadrant.tolist() == ["none", *["low_low"] * 3, "none", *["high_high"] * 3]


def brute_force_local_p(values, neighbours, simulations, rng):
    """For each area, the share of drawn sets of neighbours with at least and with at most its own neighbours' sum."""
    shares = []
    for i in range(neighbours.n):
        mine = neighbours.indices[neighbours.starts[i] : neighbours.starts[i + 1]]
        others = np.tile(np.delete(values, i), (simulations, 1))
        sums = rng.permuted(others, axis=1)[:, : len(mine)].sum(axis=1)
        own = values[mine].sum()
        shares.append(min(np.mean(sums >= own - 1e-9), np.mean(sums <= own + 1e-9)))
    return np.array(shares)


@pytest.mark.parametrize("name", NAMES[:4])
def test_permuted_p_of_the_local_i_is_that_of_a_simulation_for_each_area(name):
    data = load(name)
    ours = local_moran(data.x, data.neighbours, permutations=4_999, seed=1)
    smaller = brute_force_local_p(data.x, data.neighbours, 1_000, np.random.default_rng(2))
    assert agree(ours.p, 4_999, smaller, 1_000).all()


def test_clusters_and_outliers_are_told_apart():
    values = np.full(56, 10.0) + np.arange(56) % 3
    values[[0, 1, 8, 9]] = 40.0
    values[45] = 0.0
    values[[36, 37, 38, 44, 46, 52, 53, 54]] = 30.0
    found = local_moran(values, GRID, permutations=999, seed=1)
    classes = classify(found, found.p)
    assert classes[0] == "high_high"
    assert classes[45] == "low_high"
    assert classes[24] == "none"


def test_an_area_at_the_mean_belongs_to_no_quadrant_and_has_p_of_one():
    # Mean 2; areas 0 and 1 are at it.
    found = local_moran([2.0, 2, 0, 0, 0, 0, 6, 6], RING, permutations=999, seed=1)
    assert found.quadrant[:2].tolist() == ["none", "none"]
    assert found.p[:2].tolist() == [1.0, 1.0]
    assert found.i[:2] == pytest.approx([0, 0])


def test_bivariate_i_is_that_of_the_docstring_and_tests_of_esda():
    # esda 2.9: Moran_BV(SIDR79, SIDR74) 0.156; Moran_BV_matrix 0.1936261 for SIDR74 and SIDR79;
    # tests/test_moran.py: first local one 1.4649221250620736.
    data = load("sids2")
    assert bivariate_moran(data.y, data.x, data.neighbours, permutations=0).i == pytest.approx(0.156, abs=5e-4)
    assert bivariate_moran(data.x, data.y, data.neighbours, permutations=0).i == pytest.approx(0.1936261, abs=5e-8)
    local = local_bivariate_moran(data.y, data.x, data.neighbours, permutations=0)
    assert local.i[0] == pytest.approx(1.4649221250620736, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_bivariate_i_agrees_with_pysal(name):
    data = load(name)
    theirs = esda.Moran_BV(data.x, data.y, data.w, permutations=0)
    close(bivariate_moran(data.x, data.y, data.neighbours, permutations=0).i, theirs.I)
    theirs = esda.Moran_Local_BV(data.x, data.y, data.w, permutations=0)
    ours = local_bivariate_moran(data.x, data.y, data.neighbours, permutations=0)
    close(ours.i, theirs.Is)
    words = np.array(["", "high_high", "low_high", "low_low", "high_low"])
    assert (ours.quadrant == words[theirs.q]).all()


@pytest.mark.parametrize("name", ["columbus", "stl_hom", "us_income", "baltim"])
def test_permuted_p_of_the_bivariate_i_is_that_of_a_plain_simulation(name):
    data = load(name)
    rng = np.random.default_rng(1)
    y = data.y.copy()
    moved = rng.random(len(y)) > 1 / 3
    y[moved] = rng.permutation(y[moved])
    ours = bivariate_moran(data.x, y, data.neighbours, permutations=4_999, seed=1)
    weights = data.neighbours.row_standardised.toarray()
    zx, zy = (data.x - data.x.mean()) / data.x.std(), (y - y.mean()) / y.std()
    smaller = smaller_share(lambda z: (zx @ weights @ z) / len(z), lambda: rng.permutation(zy), ours.i, 2_000)
    assert agree(ours.p_permuted, 4_999, smaller, 2_000)


@pytest.mark.parametrize("name", NAMES[:4])
def test_permuted_p_of_the_local_bivariate_i_is_that_of_a_simulation_for_each_area(name):
    data = load(name)
    ours = local_bivariate_moran(data.x, data.y, data.neighbours, permutations=4_999, seed=1)
    smaller = brute_force_local_p(data.y, data.neighbours, 1_000, np.random.default_rng(2))
    assert agree(ours.p, 4_999, smaller, 1_000).all()


def test_an_area_without_data_is_as_if_it_were_not_on_the_map():
    values = np.random.default_rng(3).poisson(2.0, 56).astype(float)
    values[20] = np.nan
    without, rest = GRID.among(np.arange(56) != 20), np.delete(values, 20)
    assert global_moran(values, GRID, permutations=99) == global_moran(rest, without, permutations=99)
    found, expected = local_moran(values, GRID, permutations=99), local_moran(rest, without, permutations=99)
    assert np.isnan([found.i[20], found.z[20], found.p[20]]).all()
    assert found.quadrant[20] == "none"
    assert (np.delete(found.i, 20) == expected.i).all()
    assert (np.delete(found.p, 20) == expected.p).all()


def test_an_area_that_lacks_either_variable_takes_no_part_in_the_bivariate_i():
    x, y = np.random.default_rng(3).poisson(3.0, (2, 56)).astype(float)
    x[3], y[30] = np.nan, np.nan
    kept = ~np.isin(np.arange(56), [3, 30])
    found = bivariate_moran(x, y, GRID, permutations=99)
    assert found.n == 54
    assert found == bivariate_moran(x[kept], y[kept], GRID.among(kept), permutations=99)


def test_an_island_has_no_local_i_and_is_called_one():
    chain = neighbours_from_pairs(10, [(i, i + 1) for i in range(8)])
    found = local_moran(np.arange(10.0), chain, permutations=99)
    assert np.isnan([found.i[9], found.z[9], found.p[9]]).all()
    assert found.quadrant[9] == "island"
    assert classify(found, found.p)[9] == "island"
    assert not np.isnan(found.i[:9]).any()


@pytest.mark.parametrize("statistic", [global_moran, local_moran])
def test_equal_values_have_no_pattern_and_the_reason_is_given(statistic):
    found = statistic(np.zeros(56), GRID, permutations=99)
    assert found.reason == Undefined.CONSTANT
    assert np.isnan(found.i).all()
    assert np.isnan(found.p).all()


@pytest.mark.parametrize("statistic", [bivariate_moran, local_bivariate_moran])
def test_one_constant_variable_is_enough_to_leave_the_bivariate_i_undefined(statistic):
    assert statistic(np.arange(56.0), np.full(56, 0.1), GRID, permutations=9).reason == Undefined.CONSTANT


def test_a_map_of_islands_has_no_i():
    assert global_moran(np.arange(10.0), LONELY, permutations=9).reason == Undefined.NO_NEIGHBOURS
    found = local_moran(np.arange(10.0), LONELY, permutations=9)
    assert found.reason == Undefined.NO_NEIGHBOURS
    assert found.quadrant.tolist() == ["island"] * 10


def test_where_all_are_neighbours_of_all_i_is_its_expectation_in_any_order():
    everyone = distance_band(np.zeros((56, 2)), 1)
    found = global_moran(np.random.default_rng(0).normal(size=56) * 3 + 100, everyone, permutations=99)
    assert found.i == pytest.approx(-1 / 55)
    assert np.isnan(found.z)
    assert found.p_permuted == 1.0
    assert found.reason == Undefined.ALL_NEIGHBOURS
    local = local_moran(np.arange(10.0), EVERYONE, permutations=99)
    assert np.isnan(local.z).all()
    assert local.p.tolist() == [1.0] * 10
    assert local.reason == Undefined.ALL_NEIGHBOURS


@pytest.mark.parametrize("n", [1, 2, 7])
def test_fewer_than_eight_areas_are_refused(n):
    few = neighbours_from_pairs(n, [(i, i + 1) for i in range(n - 1)])
    for statistic in (global_moran, local_moran):
        with pytest.raises(TooFewAreas, match=f"{n} areas have data"):
            statistic(np.arange(float(n)), few, permutations=9)
    with pytest.raises(TooFewAreas, match=f"{n} areas have data"):
        bivariate_moran(np.arange(float(n)), np.arange(float(n)), few, permutations=9)


def test_infinite_values_are_refused():
    with pytest.raises(ValueError, match="finite"):
        global_moran(np.append(np.arange(55.0), -np.inf), GRID)


def test_same_seed_same_p_another_seed_another():
    values = np.random.default_rng(3).poisson(2.0, 56)
    first, again, other = (local_moran(values, GRID, permutations=199, seed=seed) for seed in (7, 7, 8))
    assert (first.p == again.p).all()
    assert (first.p != other.p).any()
    first, again, other = (global_moran(values, GRID, permutations=199, seed=seed) for seed in (7, 7, 9))
    assert first == again
    assert first.p_permuted != other.p_permuted
