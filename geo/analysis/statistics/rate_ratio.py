"""Whether one count is high for what it is compared with: exact intervals of shares and of ratios of rates."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import beta


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval. None is what cannot be said: a ratio to nothing, an interval that has no upper end."""

    value: float | None
    low: float | None
    high: float | None


def share(part: int, whole: int, *, confidence: float = 0.95) -> Estimate:
    """part / whole with an exact interval; None throughout where whole is 0.

    Units:  0 to 1.
    Errors: ValueError on negative numbers, a part greater than the whole, a confidence outside (0, 1).
    Source: Clopper & Pearson 1934. It is conservative: it covers at least as often as it says.
    """
    if not 0 <= part <= whole:
        raise ValueError("part must lie between 0 and whole")
    if not 0 < confidence < 1:
        raise ValueError("confidence must lie between 0 and 1")
    if whole == 0:
        return Estimate(None, None, None)
    tail = (1 - confidence) / 2
    low = 0.0 if part == 0 else float(beta.ppf(tail, part, whole - part + 1))
    high = 1.0 if part == whole else float(beta.ppf(1 - tail, part + 1, whole - part))
    return Estimate(part / whole, low, high)


def ratio_to_whole(count: int, total: int, exposure: float, total_exposure: float) -> Estimate:
    """The rate of a part against the rate of the whole that it belongs to, with a 95 % interval.

    Of the whole's events, those in the part are binomial with the part's share of the exposure if its rate is the
    whole's; so the ratio is the observed share over the expected one, and its interval the share's.
    Units:  exposures in any unit, the same for both; the ratio is dimensionless.
    Errors: ValueError where the part is greater than the whole, or an exposure is not positive.
    Source: Clopper & Pearson 1934 for the share. Independent events are assumed; reports that come in bursts vary more.
    """
    if not exposure > 0 or not exposure <= total_exposure:
        raise ValueError("exposure must be positive and at most total_exposure")
    found, expected = share(count, total), exposure / total_exposure
    if found.value is None or found.low is None or found.high is None:
        return found
    return Estimate(found.value / expected, found.low / expected, found.high / expected)


def ratio_of_rates(count: int, before: int, exposure: float = 1.0, exposure_before: float = 1.0) -> Estimate:
    """The rate of one count against that of another, independent one, with a 95 % interval.

    `value` and `high` are None where `before` is 0, everything where both are.
    Units:  exposures in any unit, the same for both; the ratio is dimensionless.
    Errors: ValueError on negative counts and on exposures that are not positive.
    Source: Przyborowski & Wilenski 1940: given their sum, the first count is binomial; interval by Clopper & Pearson.
    """
    if count < 0 or before < 0:
        raise ValueError("counts must not be negative")
    if exposure <= 0 or exposure_before <= 0:
        raise ValueError("exposures must be positive")
    found, scale = share(count, count + before), exposure_before / exposure

    def odds(p: float | None) -> float | None:
        return None if p is None or p >= 1 else p / (1 - p) * scale

    return Estimate(odds(found.value), odds(found.low), odds(found.high))
