"""Lagged correlation: worked by hand, against scipy at every offset, and what the data may lack."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from bench.generated import HOURS_PER_WEEK, city_of_days, city_of_hours
from geo.analysis.statistics import correlation_table
from geo.analysis.statistics.circle import correlations, prepare_series
from geo.analysis.statistics.correlation import (
    Reason,
    correlate_lagged,
    correlate_pairs,
    correlate_table,
    spearman,
)
from geo.analysis.statistics.rhythm import hours_of_week, no_rhythm
from tests.unit.statistics.series import days, hours, plain, rhythm_of

LAGS = range(15)


def array(*figures):
    return np.array(figures, dtype=float)


# What rho is


def test_rho_is_that_of_the_textbook():
    # Ranks (1 2 3 4 5) against (2 1 4 3 5): sum of d² = 4, rho = 1 - 6*4 / (5*24) = 0.8.
    assert spearman(array(10, 20, 30, 40, 50), array(0.2, 0.1, 0.4, 0.3, 9.0)) == pytest.approx(0.8)


def test_ties_take_the_average_of_their_ranks():
    # Ranks (1.5 1.5 3 4) and (1 2 3 4), about their means: cross product 4.5, squares 4.5 and 5.
    reports, values = array(7, 7, 8, 9), array(1, 2, 3, 4)
    assert spearman(reports, values) == pytest.approx(4.5 / np.sqrt(4.5 * 5))
    found = correlate_lagged(reports, values, plain(4), lags=[0], minimum_intervals=4)
    assert found.rho == pytest.approx(4.5 / np.sqrt(4.5 * 5))
    # Pearson of the values themselves: means 7.75 and 2.5, cross product 3.5, squares 2.75 and 5.
    assert found.pearson == pytest.approx(3.5 / np.sqrt(2.75 * 5))


def test_with_a_gap_each_series_is_ranked_over_its_own_values_and_rho_raw_over_the_pairs():
    # Own ranks of the four pairs: (1 2 3 5) and (2 1 4 3); about their means: cross product 3.5, squares 8.75 and 5.
    # Ranked anew over the pairs: (1 2 3 4) and (2 1 4 3), sum of d² = 4, 1 - 6*4 / (4*15) = 0.6.
    found = correlate_lagged(array(1, 2, 3, 4, 5), array(2, 1, 4, np.nan, 3), plain(5), lags=[0], minimum_intervals=4)
    assert (found.n, found.rho) == (4, pytest.approx(3.5 / np.sqrt(8.75 * 5)))
    assert found.rho_raw == pytest.approx(0.6)


def test_every_offset_of_the_circle_is_scipy_s_rho_of_the_shifted_series():
    rng = np.random.default_rng(5)
    # 60 is a length that needs no filling up.
    reports, values = rng.poisson(1.0, 60).astype(float), rng.standard_normal(60)
    first, second = (prepare_series(series[None], plain(60), ranked=True) for series in (reports, values))
    rho, n = correlations(first, second, np.array([0]), np.array([0]))
    by_hand = [spearmanr(values, np.roll(reports, -offset)).statistic for offset in range(60)]
    assert rho[0] == pytest.approx(by_hand, abs=1e-10)
    assert list(n[0]) == [60] * 60


def test_gaps_leave_pairs_out_at_every_offset():
    rng = np.random.default_rng(6)
    reports, values = rng.standard_normal(60), rng.standard_normal(60)
    reports[[3, 20, 21]], values[40:55] = np.nan, np.nan
    first, second = (prepare_series(series[None], plain(60), ranked=False) for series in (reports, values))
    rho, n = correlations(first, second, np.array([0]), np.array([0]))
    for offset in (0, 1, 17, 59):
        shifted = np.roll(reports, -offset)
        both = ~np.isnan(shifted) & ~np.isnan(values)
        assert n[0, offset] == both.sum()
        assert rho[0, offset] == pytest.approx(np.corrcoef(shifted[both], values[both])[0, 1], abs=1e-10)


# Lags


def test_lag_pairs_the_earlier_reading_with_the_later_reports():
    readings = np.random.default_rng(1).standard_normal(600)
    reports = np.concatenate([np.zeros(3), np.exp(readings[:-3])])
    found = correlate_lagged(reports, readings, plain(600))
    assert (found.lag, found.n, found.reason) == (3, 597, None)
    assert found.rho > 0.99
    assert found.p < 1e-5


def test_reports_that_come_before_the_reading_are_not_taken_for_its_effect():
    readings = np.random.default_rng(2).standard_normal(600)
    reports = np.concatenate([np.exp(readings[3:]), np.zeros(3)])
    found = correlate_lagged(reports, readings, plain(600))
    assert abs(found.rho) < 0.15
    assert found.p > 0.05


def test_history_lets_every_lag_speak_of_all_reports():
    readings = np.random.default_rng(3).standard_normal(114)
    reports = readings[14 - 5 : 114 - 5] * 2
    found = correlate_lagged(reports, readings, plain(114), history=14)
    assert (found.lag, found.n) == (5, 100)
    assert found.rho == pytest.approx(1.0, abs=0.002)
    assert found.rho_raw == pytest.approx(1.0)


def test_history_shorter_than_the_lag_costs_pairs():
    rng = np.random.default_rng(4)
    table = correlate_table(rng.random((1, 100)), rng.random((1, 105)), plain(105), history=5)
    assert table.n_by_lag[0, 0].tolist() == [100] * 6 + [99, 98, 97, 96, 95, 94, 93, 92, 91]


def test_a_single_later_lag_is_the_only_one_tried():
    readings = np.random.default_rng(7).standard_normal(200)
    found = correlate_lagged(np.roll(readings, 4) + 9, readings, plain(200), lags=[4])
    assert found.lag == 4
    assert [lag for lag, _rho in found.by_lag] == [4]
    assert found.rho == pytest.approx(1.0, abs=1e-3)


def test_of_equally_strong_lags_the_shortest_is_taken():
    clock = np.tile(array(0, 1), 50)
    found = correlate_lagged(clock, np.concatenate([clock[:14], clock]), plain(114), history=14)
    assert (found.lag, found.rho) == (0, pytest.approx(1.0))


def test_shifts_are_all_that_meet_none_of_the_observed_pairings():
    rng = np.random.default_rng(8)
    # A circle of 60 + 14, filled up to 75: itself and 14 on either side are left out, a shift being 15 offsets wide.
    assert correlate_lagged(rng.random(60), rng.random(60), plain(60)).shifts == 75 - 1 - 2 * 14
    assert correlate_lagged(rng.random(60), rng.random(60), plain(60), lags=[0]).shifts == 59
    # Hours are filled up to whole weeks: 9 of them for 60 days.
    assert correlate_lagged(rng.random(1440), rng.random(1440), hours(1440)).shifts == 9 * 168 - 29


# What the data may lack


@pytest.mark.parametrize(
    ("reports", "readings", "reason"),
    [
        (np.ones(50), np.full(50, np.nan), Reason.NO_PROPERTY_DATA),
        (np.zeros(50), np.arange(50.0), Reason.NO_REPORTS),
        (np.full(50, np.nan), np.arange(50.0), Reason.NO_REPORTS),
        (np.arange(19.0), np.arange(19.0), Reason.TOO_FEW_INTERVALS),
        (np.arange(50.0), np.where(np.arange(50) < 19, 1.5, np.nan), Reason.TOO_FEW_INTERVALS),
        (np.full(50, 2.0), np.arange(50.0), Reason.CONSTANT_REPORTS),
        (np.arange(50.0), np.full(50, 7.0), Reason.CONSTANT_PROPERTY),
        (np.array([]), np.array([]), Reason.NO_PROPERTY_DATA),
        (np.ones(1), np.ones(1), Reason.TOO_FEW_INTERVALS),
    ],
)
@pytest.mark.parametrize("rhythm", [plain, days, hours])
@pytest.mark.parametrize("lags", [[0], LAGS])
def test_what_the_data_lack_is_named_and_no_number_is_given(reports, readings, reason, rhythm, lags):
    found = correlate_lagged(reports, readings, rhythm(len(reports)), lags=lags)
    assert (found.rho, found.lag, found.p, found.reason) == (None, None, None, reason)
    assert (found.n_effective, found.low, found.high, found.rho_raw, found.pearson) == (None,) * 5


def test_the_minimum_of_intervals_is_the_caller_s():
    rng = np.random.default_rng(9)
    reports, readings = rng.random(80), rng.random(80)
    assert correlate_lagged(reports, readings, plain(80), lags=[0], minimum_intervals=80).reason is None
    found = correlate_lagged(reports, readings, plain(80), lags=[0], minimum_intervals=81)
    assert (found.n, found.reason) == (80, Reason.TOO_FEW_INTERVALS)


def test_one_lag_that_can_be_used_is_enough():
    # 25 intervals: lags beyond 5 have fewer than 20 pairs left, so they are not tried.
    rng = np.random.default_rng(9)
    found = correlate_lagged(rng.random(25), rng.random(25), plain(25))
    assert [rho is not None for _lag, rho in found.by_lag] == [True] * 6 + [False] * 9
    assert found.rho is not None
    # Of the shifts of a circle of 40 none has 20 pairs at all its 15 offsets: a rho, but nothing to compare it with.
    assert (found.p, found.low, found.reason) == (None, None, Reason.TOO_FEW_SHIFTS)


def test_readings_that_begin_late_give_the_figures_of_the_late_part():
    city = city_of_hours(11, 35)
    reports, readings, n = city.reports[0], city.values[0], len(city.slots)
    late = correlate_lagged(
        np.concatenate([np.zeros(672 + 14), reports]),
        np.concatenate([np.full(672, np.nan), readings]),
        hours(672 + n),
    )
    alone = correlate_lagged(np.concatenate([np.zeros(14), reports]), readings, hours(n))
    assert late == alone


def test_gaps_leave_the_planted_lag_to_be_found():
    city = city_of_hours(12, 60, planted=[(0, 0, 6)], strength=0.9, rate=2.0)
    readings = city.values[0].copy()
    readings[np.random.default_rng(1).random(len(readings)) < 0.3] = np.nan
    readings[300:500] = np.nan
    found = correlate_lagged(city.reports[0], readings, rhythm_of(city), history=14)
    assert (found.lag, found.p < 0.001) == (6, True)
    assert found.n < 0.75 * city.reports.shape[1]


def test_an_hour_without_reports_at_night_does_not_weigh_more_than_the_day():
    # Reports in one hour of the day only: the median spread is 0, and the spread of the whole stands in.
    n = 10 * HOURS_PER_WEEK
    reports = np.where(np.arange(n) % 24 == 12, np.random.default_rng(1).poisson(1.0, n), 0).astype(float)
    found = correlate_lagged(reports, np.random.default_rng(2).standard_normal(n), hours(n))
    assert found.reason is None
    assert 0.0 < found.p <= 1.0


# Many at once


def test_table_holds_what_each_pair_alone_gives():
    city = city_of_hours(13, 35, series=3, properties=2, memory=0.5, planted=[(2, 1, 4)], strength=0.9)
    values = np.concatenate([city.values, city.values[:1], np.full((1, city.values.shape[1]), np.nan)])
    values[2, :200] = np.nan
    table = correlate_table(city.reports, values, rhythm_of(city), history=14)
    assert table.rho_by_lag.shape == (3, 4, 15)
    assert (table.lag[2, 1], table.p[2, 1] < 0.001) == (4, True)
    for row in range(3):
        for column in range(3):
            one = correlate_lagged(city.reports[row], values[column], rhythm_of(city), history=14)
            assert table.rho[row, column] == pytest.approx(one.rho, abs=1e-10)
            assert table.p[row, column] == pytest.approx(one.p, rel=1e-6)
            assert (table.lag[row, column], table.n[row, column]) == (one.lag, one.n)
        assert (table.lag[row, 3], table.reason[row, 3]) == (-1, Reason.NO_PROPERTY_DATA)


def test_pairs_in_small_chunks_are_the_same(monkeypatch):
    city = city_of_days(14, 120, series=5)
    whole = correlate_pairs(city.reports, city.values, rhythm_of(city), history=14)
    monkeypatch.setattr(correlation_table, "CHUNK", 1)
    parts = correlate_pairs(city.reports, city.values, rhythm_of(city), history=14)
    assert [one.lag for one in parts] == [one.lag for one in whole]
    assert [one.p for one in parts] == pytest.approx([one.p for one in whole])


def test_no_series_give_no_figures():
    assert correlate_pairs(np.empty((0, 50)), np.empty((0, 50)), plain(50)) == []


# What makes no sense


@pytest.mark.parametrize("lags", [[], [-1, 0], [0, 2], [3, 2]])
def test_lags_that_make_no_sense_are_refused(lags):
    with pytest.raises(ValueError, match="lags"):
        correlate_lagged(np.ones(50), np.ones(50), plain(50), lags=lags)


def test_series_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="history"):
        correlate_lagged(np.ones(50), np.ones(50), plain(50), history=3)
    with pytest.raises(ValueError, match="slot"):
        correlate_lagged(np.ones(50), np.ones(50), plain(49))
    with pytest.raises(ValueError, match="as many"):
        correlate_pairs(np.ones((2, 50)), np.ones((1, 50)), plain(50))


def test_infinite_values_an_unknown_method_and_too_low_a_minimum_are_refused():
    with pytest.raises(ValueError, match="finite"):
        correlate_lagged(np.ones(50), np.full(50, np.inf), plain(50))
    with pytest.raises(ValueError, match="method"):
        correlate_table(np.ones((1, 50)), np.ones((1, 50)), plain(50), method="kendall")
    with pytest.raises(ValueError, match="minimum_intervals"):
        correlate_lagged(np.ones(50), np.ones(50), plain(50), minimum_intervals=3)


@pytest.mark.parametrize("slots", [np.array([0.5]), np.array([[0]]), np.array([168]), np.array([-1])])
def test_slots_that_are_no_hours_of_the_week_are_refused(slots):
    with pytest.raises(ValueError, match="slots"):
        hours_of_week(slots)


def test_an_even_running_mean_is_refused():
    with pytest.raises(ValueError, match="trend"):
        no_rhythm(50, trend=4)
