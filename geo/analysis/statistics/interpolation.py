"""Values between things: inverse-distance weighting, and how wrong it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# A thing on the spot would get all weight there is, and leave none where its reading is missing. One metre is below
# what things are placed by; the next thing 100 m away then has a ten-thousandth of its weight (power 2).
LEAST_DISTANCE_M = 1.0


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """The root mean squared error in the property's unit, None where nothing could be compared; `n` comparisons
    over `things` things."""

    rmse: float | None
    n: int
    things: int


def idw_weights(distances_m: ArrayLike, *, power: float = 2.0, most: int = 8) -> Floats:
    """The share of each thing in an area's value: distance^-power, over the `most` nearest.

    Shape:  distances_m (areas, things), infinite or NaN for a thing out of reach; returns (areas, things), each row
            summing to 1, or all 0 where no thing is in reach. Of things equally far the first ones are taken.
    Units:  metres; what is nearer than 1 m counts as 1 m away.
    Errors: ValueError on another number of dimensions, negative distances, a power not above 0, most below 1.
    Source: Shepard 1968.
    """
    distances = np.asarray(distances_m, dtype=float)
    if distances.ndim != 2:
        raise ValueError("distances_m must have two dimensions, areas and things")
    if np.any(distances < 0):
        raise ValueError("distances_m must not be negative")
    if not (np.isfinite(power) and power > 0):
        raise ValueError("power must be above 0")
    if most < 1:
        raise ValueError("most must be at least 1")
    distances = np.where(np.isnan(distances), np.inf, np.maximum(distances, LEAST_DISTANCE_M))
    weights = np.zeros(distances.shape)
    if distances.shape[1] == 0:
        return weights
    taken = np.argsort(distances, axis=1, kind="stable")[:, :most]
    near = np.take_along_axis(distances, taken, axis=1)
    reached = np.isfinite(near[:, 0])
    # Relative to the nearest, so that no power overflows.
    shares = (near[reached, :1] / near[reached]) ** power
    filled = np.zeros(near.shape)
    filled[reached] = shares / shares.sum(axis=1, keepdims=True)
    np.put_along_axis(weights, taken, filled, axis=1)
    return weights


def interpolate(series: ArrayLike, weights: ArrayLike) -> Floats:
    """The value of each area in each interval: the weighted mean over the things that have one then.

    Shape:  series (things, T) with NaN for missing, weights (areas, things); returns (areas, T), NaN where no thing of
            an area has a value.
    Units:  the series'.
    Errors: ValueError on shapes that do not fit.
    """
    values, shares = np.asarray(series, dtype=float), np.asarray(weights, dtype=float)
    if values.ndim != 2 or shares.ndim != 2 or shares.shape[1] != values.shape[0]:
        raise ValueError("weights must have a column for each thing of series")
    present = ~np.isnan(values)
    total = shares @ present.astype(float)
    return np.divide(shares @ np.where(present, values, 0.0), total, out=np.full(total.shape, np.nan), where=total > 0)


def leave_one_out_error(series: ArrayLike, distances_m: ArrayLike, *, power: float = 2.0, most: int = 8) -> LeaveOneOut:
    """How far each thing's own readings lie from what the other things would have given in its place.

    Shape:  series (things, T) with NaN for missing, distances_m (things, things).
    Units:  rmse in the series' unit.
    Errors: ValueError on shapes that do not fit, and those of `idw_weights`.
    Source: leave-one-out cross-validation, Stone 1974.
    """
    values, distances = np.asarray(series, dtype=float), np.array(distances_m, dtype=float)
    if values.ndim != 2 or distances.shape != (len(values), len(values)):
        raise ValueError("distances_m must have a row and a column for each thing of series")
    np.fill_diagonal(distances, np.inf)
    errors = interpolate(values, idw_weights(distances, power=power, most=most)) - values
    compared = ~np.isnan(errors)
    n = int(compared.sum())
    if n == 0:
        return LeaveOneOut(None, 0, 0)
    return LeaveOneOut(float(np.sqrt(np.mean(errors[compared] ** 2))), n, int(compared.any(axis=1).sum()))
