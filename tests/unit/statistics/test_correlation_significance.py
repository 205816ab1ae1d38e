"""What the p-values, effective sizes and intervals of correlations are worth: tables, then calibration on generated cities."""

import numpy as np
import pytest

from bench.generated import ar_pair, city_of_days, city_of_hours
from geo.analysis.statistics.correlation import (
    correlate_pairs,
    correlate_table,
)
from geo.analysis.statistics.discovery import benjamini_hochberg
from geo.analysis.statistics.rhythm import hours_of_week
from geo.analysis.statistics.significance import both_above, critical_level, fisher_interval, gaussian_bound
from tests.unit.statistics.series import plain, rhythm_of, stacked

LAGS = range(15)


def array(*figures):
    return np.array(figures, dtype=float)


def test_p_of_one_lag_is_that_of_the_table_of_critical_values():
    # Fisher & Yates, table VII: |r| = 0.4438 with 18 degrees of freedom is the 5 % point, 0.5614 the 1 % point.
    found = gaussian_bound(array(0.4438, 0.5614), array(20, 20), array(0, 0), 0)
    assert found == pytest.approx([0.05, 0.01], rel=1e-3)


def test_fifteen_unrelated_lags_are_paid_for_like_fifteen_tests():
    # Sidak: 1 - 0.95^(1/15) = 0.003414, two-sided 2.928 standard errors. The bound lies a little above, one lag at 1.960.
    assert critical_level(array(0), 14) == pytest.approx([2.928], abs=0.01)
    assert critical_level(array(0.5), 0) == pytest.approx([1.960], abs=0.001)
    assert 1.96 < critical_level(array(0.99), 14)[0] < 2.5


def test_two_normal_variables_exceed_together_as_sheppard_says():
    # 1/4 + arcsin(r) / 2π: a third at r = 0.5, a sixth at r = -0.5.
    assert both_above(array(0, 0, 0), array(0.5, -0.5, 0)) == pytest.approx([1 / 3, 1 / 6, 1 / 4])


def test_interval_is_fisher_s_and_wider_for_ranks():
    # z(0.5) = 0.5493; n = 103: errors 0.1 and sqrt(1.125) / 10 = 0.1061; tanh(0.5493 ± 0.1960) and tanh(0.5493 ± 0.2079).
    low, high = fisher_interval(array(0.5), array(103), 1.96, is_ranked=False)
    assert (low[0], high[0]) == (pytest.approx(0.3393, abs=2e-4), pytest.approx(0.6323, abs=2e-4))
    low, high = fisher_interval(array(0.5), array(103), 1.96, is_ranked=True)
    assert (low[0], high[0]) == (pytest.approx(0.3287, abs=2e-4), pytest.approx(0.6394, abs=2e-4))


def test_three_effective_intervals_give_no_interval():
    assert np.isnan(fisher_interval(array(0.5), array(3), 1.96, is_ranked=True)).all()


@pytest.mark.parametrize(("first", "second", "expected"), [(0.9, 0.9, 0.10497), (0.5, 0.8, 0.42857), (0, 0.9, 1.0)])
def test_effective_sample_size_is_bartlett_s(first, second, expected):
    # n (1 - ab) / (1 + ab) with n = 2000: (1 - 0.81) / 1.81, (1 - 0.4) / 1.4, 1. Mean of 40 pairs.
    pairs = [ar_pair(seed, 2000, first, second) for seed in range(40)]
    found = [
        correlate_table(reports[None] + 99, values[None], plain(2000), method="pearson", lags=[0]).n_effective[0, 0]
        for reports, values in pairs
    ]
    assert np.mean(found) / 2000 == pytest.approx(expected, rel=0.1)


def test_the_choice_among_fifteen_lags_is_paid_for():
    # Picking the best lag and testing it as if it were the only one finds a connection far too often.
    rng = np.random.default_rng(0)
    reports, values = rng.random((100, 150)), rng.standard_normal((100, 150))
    chosen = correlate_pairs(reports, values, plain(150))
    best = np.array([one.lag for one in chosen])
    alone = []
    for lag in LAGS:
        alone += correlate_pairs(reports[best == lag], values[best == lag], plain(150), lags=[lag])
    assert sum(one.p < 0.05 for one in alone) > 30
    assert sum(one.p < 0.05 for one in chosen) <= 12


# Of 100 series with 5 % false alarms more than 12 are below 0.05 in 0.15 % of all draws (binomial), none in 0.6 %.


@pytest.mark.parametrize("memory", [0.9, 0.98])
def test_hours_that_share_day_and_week_are_seldom_found(memory):
    cities = [city_of_hours([8, seed], 60, memory=memory) for seed in range(100)]
    found = correlate_pairs(*stacked(cities), rhythm_of(cities[0]), history=14)
    assert 1 <= sum(one.p < 0.05 for one in found) <= 12
    assert sum(one.pearson_p < 0.05 for one in found) <= 12


@pytest.mark.parametrize("number", [120, 365])
def test_days_with_seasons_of_their_own_are_seldom_found(number):
    cities = [city_of_days([8, seed], number, season=1.5) for seed in range(100)]
    found = correlate_pairs(*stacked(cities), rhythm_of(cities[0]), history=14)
    assert sum(one.p < 0.05 for one in found) <= 12


def test_drift_is_taken_away_before_it_is_taken_for_a_relation():
    # Two spreads up or down, from start to end, in reports and in readings; without the running mean most look linked.
    cities = [city_of_hours([8, seed], 60, drift=2.0) for seed in range(60)]
    found = correlate_pairs(*stacked(cities), rhythm_of(cities[0]), history=14)
    # Of 60 more than 8 are below 0.05 in 0.4 % of all draws.
    assert sum(one.p < 0.05 for one in found) <= 8
    drifting = correlate_pairs(*stacked(cities), hours_of_week(cities[0].slots, trend=0), history=14)
    assert np.median([abs(one.rho) for one in drifting]) > 0.3


def test_planted_relation_is_found_at_its_lag():
    # Nine of ten are claimed; of 60 fewer than 48 would come in 0.4 % of all draws if it were so.
    lags = np.random.default_rng(9).integers(0, 15, 60).tolist()
    cities = [city_of_hours([9, s], 90, rate=2.0, planted=[(0, 0, lag)], strength=0.6) for s, lag in enumerate(lags)]
    found = correlate_pairs(*stacked(cities), rhythm_of(cities[0]), history=14)
    assert sum(one.lag == lag and one.p < 0.05 for one, lag in zip(found, lags, strict=True)) >= 48
    assert np.mean([dict(one.by_lag)[lag] for one, lag in zip(found, lags, strict=True)]) == pytest.approx(
        0.3, abs=0.03
    )
    assert all(one.low < one.rho < one.high for one in found)


def test_tables_with_nothing_planted_seldom_hold_a_discovery():
    # Of 40 tables more than 6 would hold one in 0.3 % of all draws, were it one in twenty.
    with_any = 0
    for seed in range(40):
        city = city_of_hours([10, seed], 35, series=8, properties=6)
        table = correlate_table(city.reports, city.values, rhythm_of(city), history=14)
        with_any += bool((benjamini_hochberg(table.p) <= 0.05).any())
    assert with_any <= 6
