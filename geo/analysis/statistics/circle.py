"""Two series on a circle: their correlation at every offset at once, by six products of Fourier transforms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.stats import rankdata

from geo.analysis.statistics.rhythm import Rhythm, remove_rhythm

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Series ready for any number of pairings: transforms of mask, value and squared value, (S, length // 2 + 1) each.

    `has_residual` tells which series vary at all once their rhythm is gone, `varies` which did before.
    """

    length: int
    mask: Complexes
    value: Complexes
    square: Complexes
    varies: NDArray[np.bool_]
    has_residual: NDArray[np.bool_]


def prepare_series(series: Floats, rhythm: Rhythm, *, ranked: bool, room: int = 0) -> Prepared:
    """Each series ranked over its own present values where asked, its rhythm taken out, scaled to variance 1, transformed.

    Shape:  series (S, n), NaN is missing; rhythm.slots (n,). `room` missing intervals follow at least, so that lags up to
            it do not meet across the seam.
    The circle is filled up with missing intervals to whole cycles of the rhythm, so that the wrapped part meets the
    same slot of the week as the rest: else the slot means of the two series would be taken out twice in a shifted
    pairing and once in the observed one.
    """
    count, n = series.shape
    least = max(n + room, 1)
    length = -(-least // rhythm.cycle) * rhythm.cycle
    if rhythm.cycle == 1:
        length = int(fft.next_fast_len(least, real=True))
    left = _ranked(series) if ranked else np.array(series, dtype=float)
    varies = _variance(left) > 0
    left = remove_rhythm(left, rhythm) if n else left
    variance = _variance(left)
    has_residual = varies & (variance > 0)
    scale = np.sqrt(np.where(has_residual, variance, 1.0))[:, None]
    mask = np.zeros((count, length))
    value = np.zeros((count, length))
    mask[:, :n] = ~np.isnan(left)
    value[:, :n] = np.where(has_residual[:, None], np.nan_to_num(left) / scale, 0.0)
    return Prepared(length, fft.rfft(mask), fft.rfft(value), fft.rfft(value * value), varies, has_residual)


def correlations(
    first: Prepared, second: Prepared, one: slice | NDArray, other: slice | NDArray
) -> tuple[Floats, Floats]:
    """Pearson's correlation of second[t] and first[t + d] over the t that have both, for every offset d.

    Shape:  `one` and `other` pick K series of first and second; returns (rho, n), each (K, length). rho is NaN where
            it is not defined (fewer than two pairs, or one of the two constant over them).
    """
    m, v, s = (np.conj(part[other]) for part in (second.mask, second.value, second.square))
    mask, value, square = first.mask[one], first.value[one], first.square[one]

    def over_offsets(product: Complexes) -> Floats:
        return np.asarray(fft.irfft(product, n=first.length, axis=-1))

    n = np.round(over_offsets(mask * m))
    x, y = over_offsets(mask * v), over_offsets(value * m)
    xx, yy = over_offsets(mask * s), over_offsets(square * m)
    spread = (n * xx - x * x) * (n * yy - y * y)
    is_defined = (n >= 2) & (spread > 1e-9 * n**4)
    covariance = n * over_offsets(value * v) - x * y
    rho = np.clip(covariance / np.sqrt(np.where(is_defined, spread, 1.0)), -1.0, 1.0)
    return np.where(is_defined, rho, np.nan), n


def _ranked(series: Floats) -> Floats:
    ranks = np.full(series.shape, np.nan)
    for row, values in enumerate(series):
        present = ~np.isnan(values)
        ranks[row, present] = rankdata(values[present])
    return ranks


def _variance(series: Floats) -> Floats:
    n = np.maximum((~np.isnan(series)).sum(axis=1), 1)
    filled = np.nan_to_num(series)
    mean = filled.sum(axis=1) / n
    centred = np.where(np.isnan(series), 0.0, series - mean[:, None])
    return np.asarray((centred * centred).sum(axis=1) / n)
