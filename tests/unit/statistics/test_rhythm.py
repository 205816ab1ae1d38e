"""What is taken out of a series before it is compared: worked by hand."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from geo.analysis.statistics.correlation import (
    Reason,
    correlate_lagged,
)
from geo.analysis.statistics.rhythm import days_of_week, hours_of_week, no_rhythm, remove_rhythm
from tests.unit.statistics.series import days, hours


def array(*figures):
    return np.array(figures, dtype=float)


def test_days_lose_the_mean_of_their_day_of_the_week():
    # Means of the two slots are 3 and 22; what is left is -1, 1 and -2, 2, divided by its spread 1 and 2.
    two_days = days_of_week(np.array([0, 1, 0, 1]), trend=0)
    assert remove_rhythm(array(2, 20, 4, 24)[None], two_days)[0] == pytest.approx([-1, -1, 1, 1])


def test_a_slot_that_hardly_varies_is_divided_by_half_the_median_spread():
    # Spreads 1, 4 and 8: the median is 4, so the first slot is divided by 2.
    three_days = days_of_week(np.array([0, 1, 2, 0, 1, 2]), trend=0)
    left = remove_rhythm(array(1, 4, 8, -1, -4, -8)[None], three_days)[0]
    assert left == pytest.approx([0.5, 1, 1, -0.5, -1, -1])


def test_running_mean_is_taken_away_shorter_at_the_ends():
    # Means of neighbours: (0+3)/2, (0+3+0)/3, (3+0+0)/3, (0+0+6)/3, (0+6)/2, about the overall mean of 1.8.
    left = remove_rhythm(array(0, 3, 0, 0, 6)[None], no_rhythm(5, trend=3))[0]
    assert left == pytest.approx(array(-1.5, 2, -1, -2, 3) - 0.1)


def test_missing_values_stay_missing_and_count_in_no_mean():
    two_days = days_of_week(np.array([0, 1, 0, 1, 0]), trend=0)
    left = remove_rhythm(array(2, 20, 4, 24, np.nan)[None], two_days)[0]
    assert np.isnan(left).tolist() == [False] * 4 + [True]
    assert left[:4] == pytest.approx([-1, -1, 1, 1])


@pytest.mark.parametrize(("weeks", "rhythm"), [(5, hours), (9, hours), (5, days)])
def test_a_series_that_is_nothing_but_rhythm_says_so(weeks, rhythm):
    n = weeks * 7 * (24 if rhythm is hours else 1)
    clock = np.arange(n) % (24 if rhythm is hours else 7) + 1.0
    # Taken as it is, the rhythm is nothing but a mean by slots; no drift is there to take away.
    found = correlate_lagged(clock, np.random.default_rng(1).random(n), rhythm(n, trend=0))
    assert (found.rho, found.p, found.reason) == (None, None, Reason.ONLY_RHYTHM)


def test_days_of_23_and_25_hours_keep_their_hours_of_the_week():
    # Berlin, from Monday, 16 March 2026, over both changes of the clock, 35 weeks.
    zone, start = ZoneInfo("Europe/Berlin"), datetime(2026, 3, 15, 23, tzinfo=UTC)
    times = [(start + timedelta(hours=h)).astimezone(zone) for h in range(35 * 168)]
    local = np.array([time.weekday() * 24 + time.hour for time in times])
    awake = np.cos(2 * np.pi * (local % 24) / 24)
    noise = np.random.default_rng(1).random(len(local))
    assert correlate_lagged(awake + 1, noise, hours_of_week(local, trend=0)).reason == Reason.ONLY_RHYTHM
    assert correlate_lagged(awake + 1, noise, hours(len(local), trend=0)).reason is None
