"""Who is whose neighbour: worked by hand on small maps, then against libpysal."""

import numpy as np
import pytest

from geo.analysis.statistics.neighbours import (
    directed_neighbours,
    distance_band,
    k_nearest,
    neighbours_from_pairs,
)

from .libpysal_data import column, contiguity, libpysal, neighbours_of

# 0 and 1 touch, 1 and 2 touch, 3 is an island.
CHAIN = neighbours_from_pairs(4, [(0, 1), (2, 1)])


def row(neighbours, i):
    return neighbours.indices[neighbours.starts[i] : neighbours.starts[i + 1]].tolist()


def rows(neighbours):
    return [row(neighbours, i) for i in range(neighbours.n)]


def test_pairs_count_both_ways_and_rows_are_sorted():
    assert rows(CHAIN) == [[1], [0, 2], [1], []]
    assert CHAIN.starts.tolist() == [0, 1, 3, 4, 4]
    assert (CHAIN.n, CHAIN.counts.tolist(), CHAIN.islands.tolist()) == (4, [1, 2, 1, 0], [3])


def test_a_pair_given_twice_or_with_itself_counts_once_or_not_at_all():
    assert rows(neighbours_from_pairs(3, [(0, 1), (1, 0), (0, 1), (2, 2)])) == [[1], [0], []]


def test_without_pairs_everybody_is_an_island():
    assert neighbours_from_pairs(3, []).islands.tolist() == [0, 1, 2]
    assert neighbours_from_pairs(0, []).n == 0


def test_one_way_pairs_stay_one_way():
    assert rows(directed_neighbours(3, [0, 2], [1, 1])) == [[1], [], [1]]


@pytest.mark.parametrize("pairs", [[(0, 4)], [(-1, 0)]])
def test_an_index_outside_the_areas_is_refused(pairs):
    with pytest.raises(ValueError, match="indices from 0 to 3"):
        neighbours_from_pairs(4, pairs)


def test_pairs_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="two columns"):
        neighbours_from_pairs(4, [(0, 1, 2)])


def test_sums_and_means_are_over_the_neighbours_without_the_area_itself():
    values = np.array([1.0, 10, 100, 1000])
    assert CHAIN.sums(values).tolist() == [10, 101, 10, 0]
    assert CHAIN.means(values).tolist() == [10, 50.5, 10, 0]


def test_sums_of_several_variables_are_each_ones_own():
    both = np.array([[1.0, 10, 100, 1000], [1, 2, 3, 4]])
    assert CHAIN.sums(both).tolist() == [[10, 101, 10, 0], [2, 4, 2, 0]]


def test_sums_refuse_values_of_another_map():
    with pytest.raises(ValueError, match="4 elements"):
        CHAIN.sums(np.ones(3))


def test_an_area_left_out_is_a_neighbour_of_nobody_and_the_rest_are_numbered_anew():
    ring = neighbours_from_pairs(4, [(0, 1), (1, 2), (2, 3), (3, 0)])
    assert rows(ring.among(np.array([True, False, True, True]))) == [[2], [2], [0, 1]]


def test_k_nearest_takes_the_lowest_index_of_equally_far_points():
    # A cross: the four arms are at distance 1 of the centre, at 2 or 1.41 of each other.
    cross = [(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1)]
    assert rows(k_nearest(cross, 1)) == [[1], [0], [0], [0], [0]]
    assert rows(k_nearest(cross, 2)) == [[1, 2], [0, 2], [0, 1], [0, 2], [0, 1]]


@pytest.mark.parametrize("step", [1000.1, 333.3, 77.7, 0.3])
def test_ties_hold_for_coordinates_that_carry_rounding(step):
    # The same cross at UTM coordinates: the four distances from the centre differ in their last digits.
    cross = np.array([(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1)]) * step + (712345.678, 9310987.654)
    assert rows(k_nearest(cross, 1)) == [[1], [0], [0], [0], [0]]
    assert rows(k_nearest(cross, 2)) == [[1, 2], [0, 2], [0, 1], [0, 2], [0, 1]]
    assert row(k_nearest(cross, 3), 0) == [1, 2, 3]


def test_points_in_one_place_are_each_others_nearest():
    assert rows(k_nearest([(5, 5), (5, 5), (5, 5), (9, 9)], 2)) == [[1, 2], [0, 2], [0, 1], [0, 1]]


@pytest.mark.parametrize("k", [0, 3])
def test_k_nearest_refuses_more_neighbours_than_there_are_others(k):
    with pytest.raises(ValueError, match="k must be from 1 to 2"):
        k_nearest([(0, 0), (1, 0), (2, 0)], k)


def test_a_band_includes_its_threshold():
    assert rows(distance_band([(0, 0), (300, 400), (300, 901)], 500)) == [[1], [0], []]


def test_a_band_that_holds_everybody_is_a_complete_graph():
    assert rows(distance_band([(0, 0), (1, 0), (2, 0)], 10)) == [[1, 2], [0, 2], [0, 1]]


@pytest.mark.parametrize("threshold", [0, -1, np.nan, np.inf])
def test_a_band_needs_a_positive_threshold(threshold):
    with pytest.raises(ValueError, match="threshold_m"):
        distance_band([(0, 0), (1, 0)], threshold)


def test_points_without_coordinates_are_refused():
    with pytest.raises(ValueError, match="points_m must be finite"):
        distance_band([(0, 0), (np.nan, 0)], 10)
    with pytest.raises(ValueError, match="points_m must have two columns"):
        k_nearest([(0, 0, 0), (1, 1, 1)], 1)


def test_nearest_and_band_agree_with_libpysal_on_house_sales_in_baltimore():
    points = np.column_stack([column("baltim.dbf", "X"), column("baltim.dbf", "Y")])
    knn = libpysal.weights.KNN(points, k=7, silence_warnings=True)
    ours = k_nearest(points, 7)
    distances = np.hypot(*(points[:, np.newaxis] - points).transpose(2, 0, 1))
    for i in range(len(points)):
        # House sales share places; who of equally far ones is taken is each library's own choice.
        theirs = np.sort(distances[i, list(knn.neighbors[i])])
        assert np.allclose(np.sort(distances[i, row(ours, i)]), theirs)
    band = libpysal.weights.DistanceBand(points, threshold=20, silence_warnings=True)
    assert rows(distance_band(points, 20)) == [sorted(band.neighbors[i]) for i in range(len(points))]


def test_contiguity_of_columbus_has_the_links_of_its_published_summary():
    # spdep, summary of poly2nb(columbus): 49 regions, 236 nonzero links, the most 10.
    counts = neighbours_of(contiguity("columbus.gal")).counts
    assert (len(counts), counts.sum(), counts.max()) == (49, 236, 10)
