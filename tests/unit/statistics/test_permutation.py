"""Conditional permutation: against the enumeration of all samples, and against one simulation for each area."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import chisquare

from geo.analysis.statistics.neighbours import distance_band, neighbours_from_pairs
from geo.analysis.statistics.permutation import (
    conditional_p,
    conditional_p_of_product,
    draw_distinct,
    shuffled,
    two_sided_p,
)

from .libpysal_data import load
from .monte_carlo import agree

# Nine areas in a ring, and a tenth that touches the first seven of them: 2, 3 and 7 neighbours (more than half), no two
# sums alike.
WHEEL = neighbours_from_pairs(10, [(i, (i + 1) % 9) for i in range(9)] + [(9, i) for i in range(7)])
POWERS = np.array([1.0, 2, 4, 8, 16, 32, 64, 128, 256, 512])


def neighbours_of(neighbours, i):
    return neighbours.indices[neighbours.starts[i] : neighbours.starts[i + 1]]


def shares_of_all_samples(figure, neighbours):
    """For each area, the shares of all possible sets of other neighbours with at least, and at most, its figure."""
    shares = []
    for i in range(neighbours.n):
        mine = neighbours_of(neighbours, i)
        others = [j for j in range(neighbours.n) if j != i]
        figures = np.array([figure(list(sample)) for sample in combinations(others, len(mine))])
        shares.append((np.mean(figures >= figure(mine)), np.mean(figures <= figure(mine))))
    return np.array(shares)


def test_p_is_that_of_the_enumeration_of_all_samples():
    p = conditional_p(POWERS, WHEEL, permutations=20_000, seed=1)
    shares = shares_of_all_samples(lambda sample: POWERS[sample].sum(), WHEEL)
    assert len(set(shares.min(axis=1))) > 5
    assert agree(p, 20_000, shares.min(axis=1), np.inf).all()


def test_p_of_a_product_is_that_of_the_enumeration_of_all_samples():
    first, second = POWERS - POWERS.mean(), np.array([3.0, -1, 4, -1, 5, -9, 2, 6, -5, -4])
    p = conditional_p_of_product(first, second, WHEEL, permutations=20_000, seed=1)
    shares = shares_of_all_samples(lambda sample: first[sample].sum() * second[sample].sum(), WHEEL)
    assert agree(p, 20_000, shares.min(axis=1), np.inf).all()


def test_p_is_that_of_a_simulation_for_each_area():
    data = load("columbus")
    p = conditional_p(data.x, data.neighbours, permutations=9_999, seed=1)
    rng = np.random.default_rng(2)
    shares = []
    for i in range(data.neighbours.n):
        mine = neighbours_of(data.neighbours, i)
        others = np.delete(data.x, i)
        sums = np.array([rng.permutation(others)[: len(mine)].sum() for _ in range(2_000)])
        shares.append((np.mean(sums >= data.x[mine].sum() - 1e-9), np.mean(sums <= data.x[mine].sum() + 1e-9)))
    assert agree(p, 9_999, np.array(shares).min(axis=1), 2_000).all()


def test_the_last_area_is_drawn_for_others_and_never_for_itself():
    # Only the last area has a value. Alone with one neighbour each, seven of the others' draws in eight are 0.
    pairs = neighbours_from_pairs(9, [(0, 8), (1, 2), (3, 4), (5, 6)])
    p = conditional_p(np.array([0.0, 0, 0, 0, 0, 0, 0, 0, 1]), pairs, permutations=8_000, seed=3)
    assert p[0] == pytest.approx(2 / 8, abs=0.03)
    assert p[1:].tolist() == [1.0] * 8


def test_two_sided_p_doubles_the_rarer_side_and_stops_at_one():
    # 4 of 99 from above: 2 * 5 / 100; all on both sides: 1; none on one side: the least, 2 / 100.
    p = two_sided_p(np.array([4, 99, 0]), np.array([95, 99, 99]), 99)
    assert p.tolist() == [0.1, 1.0, 0.02]


def test_equal_values_everywhere_give_p_of_one():
    assert conditional_p(np.full(10, 0.1), WHEEL, permutations=99, seed=0).tolist() == [1.0] * 10


def test_sums_equal_but_for_rounding_count_as_ties():
    # The neighbours of area 0 hold 0.3 and 0. Of the 28 pairs of others, four hold at most that: these two, (0, 0.1),
    # (0, 0.2), and (0.1, 0.2), whose sum in floating point is 0.30000000000000004.
    pair = neighbours_from_pairs(9, [(0, 1), (0, 2)])
    p = conditional_p(np.array([9, 0.3, 0, 0.1, 0.2, 5, 5, 5, 5]), pair, permutations=20_000, seed=1)
    assert p[0] == pytest.approx(2 * 4 / 28, abs=0.02)


def test_where_everybody_is_a_neighbour_no_draw_differs():
    everyone = distance_band(np.zeros((10, 2)), 1)
    assert conditional_p(POWERS, everyone, permutations=99, seed=0).tolist() == [1.0] * 10
    p = conditional_p_of_product(POWERS, POWERS[::-1].copy(), everyone, permutations=99, seed=0)
    assert p.tolist() == [1.0] * 10


def test_an_island_has_p_of_one():
    lonely = neighbours_from_pairs(10, [(0, 1)])
    p = conditional_p(POWERS, lonely, permutations=99, seed=0)
    assert p[2:].tolist() == [1.0] * 8


def test_the_same_seed_gives_the_same_p_and_another_seed_another():
    p = conditional_p(POWERS, WHEEL, permutations=999, seed=5)
    assert (p == conditional_p(POWERS, WHEEL, permutations=999, seed=5)).all()
    assert (p != conditional_p(POWERS, WHEEL, permutations=999, seed=6)).any()


def test_many_permutations_come_in_chunks_that_add_up(monkeypatch):
    monkeypatch.setattr("geo.analysis.statistics.permutation.CHUNK_ELEMENTS", 700)
    p = conditional_p(POWERS, WHEEL, permutations=20_000, seed=1)
    shares = shares_of_all_samples(lambda sample: POWERS[sample].sum(), WHEEL)
    assert agree(p, 20_000, shares.min(axis=1), np.inf).all()


def test_no_permutations_are_refused():
    with pytest.raises(ValueError, match="permutations"):
        conditional_p(POWERS, WHEEL, permutations=0, seed=0)


@pytest.mark.parametrize(("population", "length"), [(6, 2), (5, 3)])
def test_every_ordered_sample_is_drawn_as_often_as_any_other(population, length):
    # 6 * 5 = 30 pairs by rejection, 5 * 4 * 3 = 60 triples by swaps.
    ids = draw_distinct(np.random.default_rng(4), population, length, 60_000)
    codes = ids @ population ** np.arange(length)
    samples, counts = np.unique(codes, return_counts=True)
    assert len(samples) == {2: 30, 3: 60}[length]
    assert chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize(("population", "length"), [(4999, 8), (4999, 300), (7, 7)])
def test_no_row_holds_an_index_twice(population, length):
    ids = np.sort(draw_distinct(np.random.default_rng(4), population, length, 500), axis=1)
    assert ids.shape == (500, length)
    assert (np.diff(ids, axis=1) > 0).all()
    assert ids.min() >= 0
    assert ids.max() < population


def test_a_shuffle_keeps_the_values_of_an_area_together():
    values = np.stack([POWERS, -POWERS])
    chunks = list(shuffled(values, permutations=60_000, seed=1))
    assert sum(chunk.shape[1] for chunk in chunks) == 60_000
    assert len(chunks) > 1
    for first, second in chunks:
        assert (first == -second).all()
        assert (np.sort(first, axis=1) == POWERS).all()
