"""Gi*: published values, PySAL on its own data sets, calibration, and maps on which it has nothing to say."""

import warnings

import numpy as np
import pytest

from geo.analysis.statistics.errors import TooFewAreas, Undefined
from geo.analysis.statistics.hotspots import classify, getis_ord_star, star_scores
from geo.analysis.statistics.neighbours import distance_band, neighbours_from_pairs

from .libpysal_data import NAMES, contiguity, esda, load, neighbours_of


def grid(columns, rows):
    """Areas in a grid, each a neighbour of the eight that touch it (queen)."""
    points = [(x, y) for y in range(rows) for x in range(columns)]
    return distance_band(points, 1.5)


def test_scores_are_those_of_the_example_in_esda():
    # esda 2.9, docstring of G_Local with transform='B', star=True.
    points = [(10, 10), (20, 10), (40, 10), (15, 20), (30, 20), (30, 30)]
    z = star_scores(np.array([2, 3, 3.2, 5, 8, 7]), distance_band(points, 15))
    published = [-1.39727626, -0.28917762, 0.65064964, -0.28917762, 1.23452088, 2.02424331]
    assert z == pytest.approx(published, abs=1e-8)


def test_score_by_hand():
    # Ten areas in a row, 5 in the first, else 0: mean 0.5, variance 2.5 - 0.25 = 2.25, s = 1.5.
    # First: 2 areas hold 5; (5 - 2 * 0.5) / (1.5 * sqrt((20 - 4) / 9)) = 4 / 2 = 2.
    # Third: 3 areas hold 0; (0 - 1.5) / (1.5 * sqrt((30 - 9) / 9)) = -0.654653...
    row = neighbours_from_pairs(10, [(i, i + 1) for i in range(9)])
    found = getis_ord_star([5, 0, 0, 0, 0, 0, 0, 0, 0, 0], row, permutations=0)
    assert found.z[0] == pytest.approx(2.0)
    assert found.z[2] == pytest.approx(-0.6546536707)
    # 2 * (1 - Phi(2)) from the table of the normal distribution.
    assert found.p[0] == pytest.approx(0.0455002639)
    assert found.is_analytic
    assert found.used.tolist() == [1, 2, 2, 2, 2, 2, 2, 2, 2, 1]


@pytest.mark.parametrize("name", NAMES)
def test_scores_agree_with_pysal(name):
    data = load(name)
    theirs = esda.G_Local(data.x, data.w, transform="B", star=True, permutations=0)
    ours = getis_ord_star(data.x, data.neighbours, permutations=0)
    np.testing.assert_allclose(ours.z, theirs.Zs, atol=1e-9)
    np.testing.assert_allclose(ours.p, 2 * theirs.p_norm, atol=1e-9)


def test_scores_agree_with_pysal_on_a_map_with_an_island():
    w = contiguity("10740_rook.gal")
    values = np.random.default_rng(1).poisson(4.0, w.n)
    neighbours = neighbours_of(w)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The weights matrix is not fully connected")
        theirs = esda.G_Local(values, w, transform="B", star=True, permutations=0)
    ours = getis_ord_star(values, neighbours, permutations=0)
    assert ours.is_island.sum() == 1
    np.testing.assert_allclose(ours.z, theirs.Zs, atol=1e-9)


def test_permuted_p_finds_the_planted_hotspot_and_keeps_to_its_floor():
    values = np.zeros(56)
    values[[0, 1, 8, 9]] = [20.0, 21, 22, 23]
    found = getis_ord_star(values, grid(8, 7), permutations=999, seed=1)
    # The corner's three neighbours hold 66 of what is left; a draw that large is one in C(55, 3) = 26235.
    assert found.p[0] == 2 / 1000
    assert found.z[0] > 4
    assert found.p[55] > 0.3
    assert not found.is_analytic


def test_random_counts_are_rarely_called_significant_and_hot_no_more_than_cold_allows():
    hot = cold = 0
    for seed in range(150):
        values = np.random.default_rng(seed).poisson(2.0, 56)
        found = getis_ord_star(values, grid(8, 7), permutations=499, seed=seed)
        below = found.p < 0.05
        hot += np.count_nonzero(below & (found.z > 0))
        cold += np.count_nonzero(below & (found.z < 0))
    tests = 150 * 56
    assert 0.03 < (hot + cold) / tests < 0.055
    assert 0.01 < hot / tests < 0.032
    assert 0.01 < cold / tests < 0.032


def test_same_seed_same_p():
    values = np.random.default_rng(3).poisson(2.0, 56)
    first = getis_ord_star(values, grid(8, 7), permutations=199, seed=7)
    again = getis_ord_star(values, grid(8, 7), permutations=199, seed=7)
    other = getis_ord_star(values, grid(8, 7), permutations=199, seed=8)
    assert (first.p == again.p).all()
    assert (first.p != other.p).any()


def test_an_area_without_data_is_as_if_it_were_not_on_the_map():
    values = np.random.default_rng(3).poisson(2.0, 56).astype(float)
    values[20] = np.nan
    whole = grid(8, 7)
    found = getis_ord_star(values, whole, permutations=99, seed=1)
    without = whole.among(np.arange(56) != 20)
    expected = getis_ord_star(np.delete(values, 20), without, permutations=99, seed=1)
    assert np.isnan(found.z[20])
    assert np.isnan(found.p[20])
    assert found.n == 55
    assert (np.delete(found.z, 20) == expected.z).all()
    assert (np.delete(found.p, 20) == expected.p).all()
    # Area 21 lies right of area 20, inside the grid: seven of its eight neighbours are left.
    assert (found.used[21], found.used[20]) == (7, 0)


def test_an_island_is_marked_and_compared_by_itself_alone():
    # One 10 and nine 0: mean 1, variance 10 - 1 = 9, s = 3. The island: (10 - 1) / (3 * sqrt((10 - 1) / 9)) = 3.
    row = neighbours_from_pairs(10, [(i, i + 1) for i in range(8)])
    found = getis_ord_star([0, 0, 0, 0, 0, 0, 0, 0, 0, 10], row, permutations=99)
    assert found.is_island.tolist() == [False] * 9 + [True]
    assert found.z[9] == pytest.approx(3.0)
    assert found.p[9] == 1.0


@pytest.mark.parametrize("value", [0.0, 0.1, 7.0])
def test_equal_values_have_no_hotspots_and_the_reason_is_given(value):
    found = getis_ord_star(np.full(56, value), grid(8, 7), permutations=99)
    assert found.reason == Undefined.CONSTANT
    assert np.isnan(found.z).all()
    assert np.isnan(found.p).all()


def test_values_equal_but_for_rounding_have_no_hotspots():
    values = np.where(np.arange(56) % 2 == 0, 0.1 + 0.2, 0.3)
    assert getis_ord_star(values, grid(8, 7), permutations=99).reason == Undefined.CONSTANT


def test_where_all_are_neighbours_of_all_there_is_nothing_to_compare():
    everyone = distance_band(np.zeros((10, 2)), 1)
    found = getis_ord_star(np.arange(10.0), everyone, permutations=99)
    assert found.reason == Undefined.ALL_NEIGHBOURS
    assert np.isnan(found.z).all()
    assert np.isnan(found.p).all()


def test_an_area_that_neighbours_all_others_has_no_figure_and_the_others_have():
    star = neighbours_from_pairs(10, [(0, i) for i in range(1, 10)])
    found = getis_ord_star(np.arange(10.0), star, permutations=99)
    assert found.reason is None
    assert np.isnan([found.z[0], found.p[0]]).all()
    assert np.isfinite([found.z[1:], found.p[1:]]).all()


@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_fewer_than_eight_areas_are_refused(n):
    pairs = [(i, i + 1) for i in range(n - 1)]
    with pytest.raises(TooFewAreas, match=f"{n} areas have data") as caught:
        getis_ord_star(np.arange(float(n)), neighbours_from_pairs(n, pairs), permutations=9)
    assert (caught.value.n, caught.value.minimum) == (n, 8)


def test_areas_without_data_do_not_count_towards_the_minimum():
    values = np.arange(56.0)
    values[7:] = np.nan
    with pytest.raises(TooFewAreas, match="7 areas"):
        getis_ord_star(values, grid(8, 7), permutations=9)


def test_eight_areas_are_enough():
    ring = neighbours_from_pairs(8, [(i, (i + 1) % 8) for i in range(8)])
    found = getis_ord_star([9.0, 9, 9, 0, 0, 1, 0, 0], ring, permutations=999, seed=1)
    # Area 1: both neighbours are the two 9s left among seven; 1 of 21 pairs reaches 18, so p is near 2 / 21.
    assert found.p[1] == pytest.approx(2 / 21, abs=0.03)


def test_infinite_values_and_wrong_lengths_are_refused():
    with pytest.raises(ValueError, match="finite"):
        getis_ord_star(np.append(np.arange(55.0), np.inf), grid(8, 7))
    with pytest.raises(ValueError, match="56 elements"):
        getis_ord_star(np.arange(55.0), grid(8, 7))


def test_classes_follow_the_sign_and_the_level():
    z = [3, 3, 3, 3, -3, -3, -3, -3, np.nan, 0, 3]
    q = [0.01, 0.05, 0.1, 0.11, 0.001, 0.02, 0.06, 0.5, np.nan, 0.001, np.nan]
    assert classify(z, q).tolist() == [
        "hot_99",
        "hot_95",
        "hot_90",
        "none",
        "cold_99",
        "cold_95",
        "cold_90",
        "none",
        "none",
        "none",
        "none",
    ]
