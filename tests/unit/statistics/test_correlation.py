"""The statistics of the analysis layers: worked by hand, then calibrated on seeds."""

import time

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import spearmanr

from geo.analysis.statistics import Reason, lagged_spearman, spearman

LAGS = range(15)


def steady_noise(rng, n, memory=0.9):
    """A first-order autoregressive series of variance 1."""
    shocks = rng.standard_normal(n + 200) * np.sqrt(1 - memory**2)
    return lfilter([1.0], [1.0, -memory], shocks)[200:]


def unrelated_city(seed, days, *, rhythm=1.0, memory=0.9):
    """Hourly counts and readings that share nothing but the hours at which people are awake."""
    rng = np.random.default_rng(seed)
    hours = np.arange(days * 24)
    daily = rhythm * np.cos(2 * np.pi * (hours - 18) / 24)
    readings = daily + steady_noise(rng, len(hours), memory)
    reports = rng.poisson(0.5 * np.exp(daily + 0.5 * steady_noise(rng, len(hours), memory)))
    return reports.astype(float), readings


def false_alarms(seeds, days, **how):
    """How many of the seeds with nothing planted end below p = 0.05."""
    pairs = [unrelated_city(seed, days, **how) for seed in range(seeds)]
    return sum(lagged_spearman(*pair, lags=LAGS, cycles=(168, 24)).p < 0.05 for pair in pairs)


def test_rho_is_that_of_the_textbook():
    # Ranks (1 2 3 4 5) against (2 1 4 3 5): sum of d² = 4, rho = 1 - 6*4 / (5*24) = 0.8.
    assert spearman(np.array([10.0, 20, 30, 40, 50]), np.array([0.2, 0.1, 0.4, 0.3, 9.0])) == pytest.approx(0.8)


def test_ties_take_the_average_of_their_ranks():
    # Ranks (1.5 1.5 3 4) and (1 2 3 4), about their means: cross product 4.5, squares 4.5 and 5.
    assert spearman(np.array([7.0, 7, 8, 9]), np.array([1.0, 2, 3, 4])) == pytest.approx(4.5 / np.sqrt(4.5 * 5))


def test_lag_pairs_the_earlier_reading_with_the_later_reports():
    rng = np.random.default_rng(1)
    readings = rng.standard_normal(600)
    reports = np.concatenate([np.zeros(3), np.exp(readings[:-3])])
    found = lagged_spearman(reports, readings, lags=LAGS)
    assert (found.lag, found.n, found.reason) == (3, 597, None)
    assert found.rho == pytest.approx(1.0)
    assert found.p == pytest.approx(1 / (1 + found.shifts))


def test_reports_that_come_before_the_reading_are_not_taken_for_its_effect():
    rng = np.random.default_rng(2)
    readings = rng.standard_normal(600)
    reports = np.concatenate([np.exp(readings[3:]), np.zeros(3)])
    found = lagged_spearman(reports, readings, lags=LAGS)
    assert abs(found.rho) < 0.15
    assert found.p > 0.05


def test_history_lets_every_lag_speak_of_all_reports():
    readings = np.random.default_rng(3).standard_normal(114)
    reports = readings[14 - 5 : 114 - 5] * 2
    found = lagged_spearman(reports, readings, lags=LAGS, history=14)
    assert (found.lag, found.n, found.rho) == (5, 100, pytest.approx(1.0))


def test_missing_readings_leave_their_pairs_out_and_rho_is_exact():
    rng = np.random.default_rng(4)
    reports, readings = rng.poisson(2.0, 400).astype(float), rng.standard_normal(400)
    readings[rng.random(400) < 0.3] = np.nan
    found = lagged_spearman(reports, readings, lags=[2])
    earlier, later = readings[:-2], reports[2:]
    both = ~np.isnan(earlier)
    assert found.n == both.sum()
    assert found.rho == pytest.approx(spearmanr(earlier[both], later[both]).statistic, abs=1e-12)


def test_permuted_figures_are_those_of_shifting_by_hand():
    rng = np.random.default_rng(5)
    reports, readings = rng.poisson(1.0, 60).astype(float), steady_noise(rng, 62, 0.5)
    found = lagged_spearman(reports, readings, lags=[0, 1, 2], history=2)

    def strongest(shift):
        shifted = np.roll(reports, shift)
        return max(abs(spearmanr(readings[2 - k : 62 - k], shifted).statistic) for k in range(3))

    observed = strongest(0)
    as_strong = sum(strongest(shift) >= observed - 1e-9 for shift in range(3, 58))
    assert found.shifts == 55
    assert found.p == pytest.approx((1 + as_strong) / 56)


def test_hours_are_shifted_by_whole_days_and_a_long_period_by_whole_weeks():
    month = lagged_spearman(*unrelated_city(6, 35), lags=LAGS, cycles=(168, 24))
    assert (month.step, month.shifts) == (24, 34)
    half_year = lagged_spearman(*unrelated_city(6, 182), lags=LAGS, cycles=(168, 24))
    assert (half_year.step, half_year.shifts) == (168, 25)


def test_a_period_that_ends_within_a_day_keeps_the_hour_of_the_day_when_it_wraps():
    hours = np.arange(30 * 24 + 7)
    rhythm = (hours % 24).astype(float)
    found = lagged_spearman(rhythm, rhythm, lags=[0], cycles=(24,))
    # A pure rhythm correlates with itself at every whole-day shift alike: nothing but the hour of the day is shared.
    assert (found.rho, found.p) == (pytest.approx(1.0), pytest.approx(1.0))


def test_time_before_the_first_reading_is_no_part_of_the_circle():
    # Readings and reports began after 25 days; the zeros before them must not make a shared rhythm look rare.
    reports, readings = unrelated_city(11, 35, rhythm=2.0)
    late = lagged_spearman(
        np.concatenate([np.zeros(600), reports]),
        np.concatenate([np.full(600, np.nan), readings]),
        lags=LAGS,
        cycles=(24,),
    )
    assert late == lagged_spearman(reports, readings, lags=LAGS, cycles=(24,))


def test_too_short_for_whole_days_takes_any_shift():
    found = lagged_spearman(*unrelated_city(7, 10), lags=LAGS, cycles=(168, 24))
    assert (found.step, found.shifts) == (1, 240 - 1 - 2 * 14)


def test_the_same_seed_gives_the_same_p():
    reports, readings = unrelated_city(8, 200)
    same = [lagged_spearman(reports, readings, lags=LAGS, permutations=99, seed=4) for _ in range(2)]
    other = lagged_spearman(reports, readings, lags=LAGS, permutations=99, seed=5)
    assert same[0] == same[1]
    assert (other.rho, other.lag) == (same[0].rho, same[0].lag)


@pytest.mark.parametrize(
    ("reports", "readings", "reason"),
    [
        (np.ones(50), np.full(50, np.nan), Reason.NO_PROPERTY_DATA),
        (np.zeros(50), np.arange(50.0), Reason.NO_REPORTS),
        (np.arange(19.0), np.arange(19.0), Reason.TOO_FEW_INTERVALS),
        (np.arange(50.0), np.where(np.arange(50) < 19, 1.5, np.nan), Reason.TOO_FEW_INTERVALS),
        (np.full(50, 2.0), np.arange(50.0), Reason.CONSTANT_REPORTS),
        (np.arange(50.0), np.full(50, 7.0), Reason.CONSTANT_PROPERTY),
        (np.array([]), np.array([]), Reason.NO_PROPERTY_DATA),
    ],
)
def test_what_the_data_lack_is_named_and_no_number_is_given(reports, readings, reason):
    found = lagged_spearman(reports, readings, lags=[0])
    assert (found.rho, found.lag, found.p, found.reason) == (None, None, None, reason)


def test_one_lag_that_can_be_used_is_enough():
    # 25 intervals: lags beyond 5 have fewer than 20 pairs left, so they are not tried.
    rng = np.random.default_rng(9)
    found = lagged_spearman(rng.random(25), rng.random(25), lags=LAGS)
    assert [rho is not None for _lag, rho in found.by_lag] == [True] * 6 + [False] * 9
    assert found.rho is not None
    # No shift lies more than 14 away on a circle of 25: a rho, but nothing to compare it with.
    assert (found.p, found.reason) == (None, Reason.TOO_FEW_SHIFTS)


@pytest.mark.parametrize("lags", [[], [-1, 0]])
def test_lags_that_make_no_sense_are_refused(lags):
    with pytest.raises(ValueError, match="lags"):
        lagged_spearman(np.ones(50), np.ones(50), lags=lags)


def test_series_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="history"):
        lagged_spearman(np.ones(50), np.ones(50), lags=[0], history=3)


def test_nothing_planted_is_seldom_found_though_day_and_night_are_shared():
    # With nothing planted, at most 12 of 100 seeds may come out below 0.05.
    assert false_alarms(100, 35) <= 12


def test_slow_series_are_seldom_found_either():
    assert false_alarms(100, 35, memory=0.98) <= 12


def test_the_choice_among_fifteen_lags_is_paid_for():
    # Picking the best lag and testing it as if it were the only one finds a connection far too often.
    chosen_then_tested = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        reports, readings = rng.standard_normal(150), rng.standard_normal(150)
        best = lagged_spearman(reports, readings, lags=LAGS).lag
        chosen_then_tested += lagged_spearman(reports, readings, lags=[best]).p < 0.05
    assert chosen_then_tested > 30
    assert false_alarms(100, 21, rhythm=0.0, memory=0.0) <= 12


def test_a_year_of_hours_in_twelve_areas_takes_seconds():
    reports, readings = unrelated_city(10, 365)
    readings[::50] = np.nan
    started = time.process_time()
    for seed in range(12):
        lagged_spearman(reports, readings, lags=LAGS, cycles=(), permutations=999, seed=seed)
    assert time.process_time() - started < 10
