"""Randomness without a history: every draw is a hash of what it is for, so any moment can be computed by itself.

A generator that is advanced draw by draw would give other values to a back-fill than to a live run; these do not.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def key_of(*parts: object) -> int:
    """A 64-bit key for a named stream of draws; the same parts give the same key on every machine."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def uniform(key: int, index: Integers | int) -> Floats:
    """A draw in (0, 1) for each index of a stream.

    Source: the finaliser of SplitMix64 (Steele, Lea & Flood 2014), over key and counter.
    """
    counter = np.atleast_1d(np.asarray(index, dtype=np.int64)).astype(np.uint64)
    z = _mix(counter * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key))
    z = _mix(z ^ np.uint64(key))
    return ((z >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def gaussian(key: int, index: Integers | int) -> Floats:
    """A draw of the standard normal distribution for each index."""
    return np.asarray(ndtri(uniform(key, index)), dtype=np.float64)


def smooth(key: int, times: Integers, period_s: int) -> Floats:
    """A wandering value of mean 0 and variance 1 at each time, that keeps its course for about `period_s`."""
    node = np.floor_divide(times, period_s)
    part = (times - node * period_s) / period_s
    weight = part * part * (3.0 - 2.0 * part)
    mixed = (1.0 - weight) * gaussian(key, node) + weight * gaussian(key, node + 1)
    return np.asarray(mixed / np.sqrt((1.0 - weight) ** 2 + weight**2), dtype=np.float64)


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
