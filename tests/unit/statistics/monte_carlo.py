"""When two simulated p-values of the same figure agree."""

import numpy as np


def agree(p, permutations, smaller, simulations):
    """Whether each two-sided p agrees with the smaller one-sided share of an independent simulation.

    Agreement: within four binomial standard errors of the difference, at the share that both together suggest.
    `simulations` is infinite where the share is exact. The count of one that a pseudo p adds is allowed for.
    """
    if np.isinf(simulations):
        share = smaller
    else:
        share = (smaller * simulations + p / 2 * permutations) / (simulations + permutations)
    error = 4 * np.sqrt(share * (1 - share) * (1 / permutations + 1 / simulations)) + 1 / permutations
    return np.abs(p - np.minimum(1, 2 * smaller)) <= 2 * error
