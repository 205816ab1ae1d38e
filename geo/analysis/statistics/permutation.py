"""Pseudo p-values by permutation.

Conditional permutation asks of one area: would other neighbours, drawn at random from all the rest of the city, have
given as extreme a figure? The area keeps its own value. As in PySAL, one set of random draws serves all areas, so the
work is in drawing once and in sorting once for each number of neighbours, not in a simulation for each area.

Drawing once, in detail. A permutation is a row of distinct indices out of 0..n-2. For area i, the index i in it, if
there, stands for area n-1. That maps 0..n-2 one to one onto the areas other than i, so the first k of the row are a
uniform sample without replacement of k others, whichever i it is. The sum over the first k is therefore the same for
all areas with k neighbours, but for the few (row, area) pairs in which the area itself was drawn; these are mended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from geo.analysis.statistics.neighbours import Floats, Integers, Neighbours

# Sums of the same values in another order differ in the last digits. This share of the largest possible sum is a tie.
TIE_TOLERANCE = 1e-12
# The most elements of one array of draws: 32 MB, whatever the number of permutations.
CHUNK_ELEMENTS = 4_000_000
# Whole maps are read several times each; chunks that stay in the cache took half the time of large ones.
SHUFFLED_ELEMENTS = 250_000

Combine = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """What is asked of the draws: how often they reach `observed`.

    Shape: values (v, n); drawn, observed, tolerance (n,). `drawn` is how many others are drawn for each area.
    `combine` makes a figure of the v sums (v, …) of a draw; for areas with equal `drawn` it must be the same figure.
    """

    values: Floats
    drawn: Integers
    observed: Floats
    tolerance: Floats
    combine: Combine


def conditional_p(values: Floats, neighbours: Neighbours, *, permutations: int, seed: int) -> Floats:
    """Two-sided pseudo p of each area, for any figure that is monotone in the sum over its neighbours.

    That is Gi*, local Moran's I (where the area's own deviation is not 0) and its bivariate form.
    Shape:  values (n,) without NaN; returns (n,).
    Units:  p in (0, 1]; the least is 2 / (1 + permutations). 1 for an island: no draw differs from another.
    Errors: ValueError unless permutations is positive.
    Source: Anselin 1995, conditional randomisation; shared draws as in PySAL; `two_sided_p` for the rule.
    """
    n, counts = neighbours.n, neighbours.counts
    # Who is not drawn says the same as who is, so more than half of the others are never drawn.
    complement = counts > (n - 1) // 2
    drawn = np.where(complement, n - 1 - counts, counts)
    sums = neighbours.sums(values)
    observed = np.where(complement, values.sum() - values - sums, sums)
    tolerance = TIE_TOLERANCE * counts * np.abs(values).max(initial=0.0)
    question = _Question(values[np.newaxis], drawn, observed, tolerance, _only)
    return two_sided_p(*_tails(question, permutations, seed), permutations)


def conditional_p_of_product(
    first: Floats, second: Floats, neighbours: Neighbours, *, permutations: int, seed: int
) -> Floats:
    """As `conditional_p`, for a figure monotone in the product of two sums over the same neighbours.

    That is local Lee's L. The two values of an area stay together when they are drawn.
    """
    sums = neighbours.sums(np.stack([first, second]))
    scale = np.abs(first).max(initial=0.0) * np.abs(second).max(initial=0.0)
    tolerance = TIE_TOLERANCE * neighbours.counts**2 * scale
    question = _Question(np.stack([first, second]), neighbours.counts, _product(sums), tolerance, _product)
    return two_sided_p(*_tails(question, permutations, seed), permutations)


def two_sided_p(at_least: Integers, at_most: Integers, permutations: int) -> Floats:
    """Twice the smaller one-sided pseudo p, at most 1.

    `at_least` and `at_most` count the permutations that reach the observed figure from above and from below; a tie
    counts in both. Each (1 + count) / (1 + permutations) is a valid one-sided p (Phipson & Smyth 2010), so the double
    of the smaller is valid too, and a hot area is held to half the level just as a cold one. The other common rule,
    the share at least as far from the mean, spends nearly the whole level on the long tail of skewed counts: there
    chance makes far more hot spots than cold ones. PySAL's `p_sim` is the smaller one-sided p, about half of this.
    """
    smaller = np.minimum(at_least, at_most)
    return np.minimum(1.0, 2.0 * (1.0 + smaller) / (1.0 + permutations))


def shuffled(values: Floats, *, permutations: int, seed: int) -> Iterator[Floats]:
    """The values in random orders, chunk by chunk; (v, n) gives (v, rows, n), the v values of an area together."""
    _check(permutations)
    n = values.shape[-1]
    rng = np.random.default_rng(seed)
    for rows in _chunks(permutations, n, SHUFFLED_ELEMENTS):
        if len(values) == 1:
            yield rng.permuted(np.tile(values, (rows, 1)), axis=1)[np.newaxis]
        else:
            yield values[:, rng.permuted(np.tile(np.arange(n), (rows, 1)), axis=1)]


def draw_distinct(rng: np.random.Generator, population: int, length: int, rows: int) -> Integers:
    """Random ordered samples without replacement out of 0..population-1; shape (rows, length)."""
    if length * length <= population:
        return _draw_by_rejection(rng, population, length, rows)
    return _draw_by_swaps(rng, population, length, rows)


def _draw_by_rejection(rng: np.random.Generator, population: int, length: int, rows: int) -> Integers:
    """Rows drawn with replacement, and drawn again while they hold a repeat: at least half pass at once."""
    ids = rng.integers(population, size=(rows, length))
    pending = np.arange(rows)
    while len(pending):
        ordered = np.sort(ids[pending], axis=1)
        pending = pending[(ordered[:, 1:] == ordered[:, :-1]).any(axis=1)]
        ids[pending] = rng.integers(population, size=(len(pending), length))
    return ids


def _draw_by_swaps(rng: np.random.Generator, population: int, length: int, rows: int) -> Integers:
    """The first `length` steps of a Fisher-Yates shuffle, each step for all rows at once."""
    pool = np.tile(np.arange(population)[:, np.newaxis], (1, rows))
    every = np.arange(rows)
    for step in range(length):
        chosen = rng.integers(step, population, size=rows)
        picked = pool[chosen, every]
        pool[chosen, every] = pool[step]
        pool[step] = picked
    return pool[:length].T


def _tails(question: _Question, permutations: int, seed: int) -> tuple[Integers, Integers]:
    """In how many permutations the figure of each area is at least, and at most, the observed one; ties in both."""
    _check(permutations)
    n = len(question.drawn)
    longest = int(question.drawn.max(initial=0))
    at_least, at_most = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    nothing_drawn = question.drawn == 0
    at_least[nothing_drawn] = at_most[nothing_drawn] = permutations
    if longest == 0:
        return at_least, at_most
    groups = [(k, np.flatnonzero(question.drawn == k)) for k in np.unique(question.drawn) if k > 0]
    rng = np.random.default_rng(seed)
    population = n - 1
    swaps = longest * longest > population
    for rows in _chunks(permutations, population if swaps else longest):
        ids = draw_distinct(rng, population, longest, rows)
        prefix = np.cumsum(question.values[:, ids], axis=2)
        for k, areas in groups:
            figures = np.sort(question.combine(prefix[:, :, k - 1]))
            low = question.observed[areas] - question.tolerance[areas]
            high = question.observed[areas] + question.tolerance[areas]
            at_least[areas] += rows - np.searchsorted(figures, low, side="left")
            at_most[areas] += np.searchsorted(figures, high, side="right")
        more, fewer = _mend_own_draws(question, ids, prefix)
        at_least += more
        at_most += fewer
    return at_least, at_most


def _mend_own_draws(question: _Question, ids: Integers, prefix: Floats) -> tuple[Integers, Integers]:
    """What must be added to the two counts of each area for the rows that drew the area itself in place of n-1."""
    n = len(question.drawn)
    rows, ranks = np.nonzero(np.arange(ids.shape[1]) < question.drawn[ids])
    areas = ids[rows, ranks]
    wrong = prefix[:, rows, question.drawn[areas] - 1]
    right = wrong + (question.values[:, -1:] - question.values[:, areas])
    low = question.observed[areas] - question.tolerance[areas]
    high = question.observed[areas] + question.tolerance[areas]
    before, after = question.combine(wrong), question.combine(right)
    more = (after >= low).astype(np.int64) - (before >= low)
    fewer = (after <= high).astype(np.int64) - (before <= high)
    counted = (np.bincount(areas, weights=change, minlength=n) for change in (more, fewer))
    at_least, at_most = (np.rint(count).astype(np.int64) for count in counted)
    return at_least, at_most


def _only(sums: Floats) -> Floats:
    return sums[0]


def _product(sums: Floats) -> Floats:
    return sums[0] * sums[1]


def _chunks(permutations: int, elements: int, at_most: int = CHUNK_ELEMENTS) -> Iterator[int]:
    """The permutations in portions of as many rows of `elements` as fit in a chunk."""
    rows = max(1, at_most // max(1, elements))
    for start in range(0, permutations, rows):
        yield min(rows, permutations - start)


def _check(permutations: int) -> None:
    if permutations < 1:
        raise ValueError("permutations must be a positive number")
