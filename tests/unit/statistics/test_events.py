"""Superposed epochs: by hand where days are alike, then calibrated and sensitive on seeds."""

import numpy as np
import pytest
from scipy.signal import lfilter

from geo.analysis.statistics.events import EventsReason, superposed_epochs

# Noon of five days of sixty.
NOONS = [day * 24 + 12 for day in (10, 20, 30, 40, 50)]


def flat_city(days=60, level=1.0):
    return np.full(days * 24, level)


def unrelated_city(seed, days, memory=0.9):
    """Reports with a daily rhythm and a memory of their own, and the hours of six events that have no part in them."""
    rng = np.random.default_rng(seed)
    hours = np.arange(days * 24)
    memory_of = lfilter([1.0], [1.0, -memory], rng.standard_normal(len(hours) + 200) * np.sqrt(1 - memory**2))[200:]
    rate = 0.5 * np.exp(np.cos(2 * np.pi * (hours - 18) / 24) + 0.5 * memory_of)
    # One in each stretch of the period, at any day of it, mostly in the evening.
    stretch = (days - 6) // 6
    day = 3 + stretch * np.arange(6) + rng.integers(stretch - 2, size=6)
    events = day * 24 + rng.integers(14, 21, size=6)
    return rate, events, rng


def test_reports_that_treble_after_events_are_found_with_their_ratio():
    counts = flat_city()
    for event in NOONS:
        counts[event : event + 3] = 3
    found = superposed_epochs(counts, NOONS, before=2, after=2, nearest=60)
    assert found.reason is None
    assert (found.events, found.free_days, found.permutations) == (5, 55, 999)
    assert found.hours.tolist() == [-2, -1, 0, 1, 2]
    assert found.mean.tolist() == [1, 1, 3, 3, 3]
    assert found.expected == pytest.approx(np.ones(5))
    assert found.p == 0.001
    assert found.ratio == pytest.approx(3.0)
    # Poisson's least variation: 45 reports, 1 / sqrt(45) = 0.149071; t(4) = 2.776445; exp(0.413888) = 1.512687.
    assert (found.ratio_low, found.ratio_high) == pytest.approx((1.983226, 4.538061), abs=1e-4)


def test_hours_are_compared_with_the_same_hours_of_other_days():
    counts = np.tile(np.repeat([0.0, 5.0], 12), 60)
    found = superposed_epochs(counts, NOONS, before=2, after=2)
    assert found.mean.tolist() == [0, 0, 5, 5, 5]
    assert found.expected.tolist() == [0, 0, 5, 5, 5]
    assert (found.p, found.ratio) == (1.0, 1.0)
    assert found.low.tolist() == found.high.tolist() == [0, 0, 5, 5, 5]
    assert found.band_low.tolist() == found.band_high.tolist() == [0, 0, 5, 5, 5]


def test_events_of_a_season_are_compared_with_its_own_days():
    counts = np.concatenate([flat_city(100, 1.0), flat_city(100, 10.0)])
    events = [day * 24 + 12 for day in (140, 150, 160)]
    found = superposed_epochs(counts, events, before=2, after=2)
    assert (found.ratio, found.p) == (1.0, 1.0)


def test_days_that_touch_an_event_are_no_days_to_compare_with():
    # Windows of 73 hours: of sixty days, the event's and the three on either side are blocked.
    events = [day * 24 + 12 for day in (15, 30, 45)]
    counts = flat_city()
    for event in events:
        counts[event - 36 : event + 37] = 9
    found = superposed_epochs(counts, events, before=36, after=36, nearest=60)
    # The windows about the noons of days 1 to 57 lie in the period; 7 about each event are blocked: 57 - 21 = 36.
    assert found.free_days == 36
    assert found.expected == pytest.approx(np.ones(73))
    assert found.ratio == pytest.approx(9.0)


def test_event_whose_window_leaves_the_period_is_not_used_but_blocks_its_days():
    counts = flat_city()
    counts[:20] = 50
    counts[-10:] = 50
    found = superposed_epochs(counts, [3, *NOONS, 60 * 24 - 5], before=6, after=6, nearest=60)
    assert found.events == 5
    # Noon of day 0 has its window from 6 to 18, and hour 3's runs to 9: they touch. Likewise on the last day:
    # hour 19's runs from 13, noon's to 18.
    assert found.free_days == 53
    assert found.expected == pytest.approx(np.ones(13))


def test_draws_are_widened_for_what_twenty_shared_free_days_leave_unsure():
    # Noon of twenty free days holds 0 or 2 in turn, 1 expected. Three drawn days are all 2 in one draw of eight, so the
    # upper edge is the mean 2, its distance of 1 widened by sqrt((1 + 3 / 20) · 20 / 19) = 1.100239.
    events = [day * 24 + 12 for day in (5, 10, 15)]
    counts = flat_city(23)
    free = [day for day in range(23) if day not in (5, 10, 15)]
    counts[np.array(free) * 24 + 12] = np.tile([0, 2], 10)
    found = superposed_epochs(counts, events, before=0, after=0)
    assert (found.mean[0], found.expected[0], found.p) == (1, 1, 1)
    assert (found.low[0], found.high[0]) == (0, pytest.approx(2.100239, abs=1e-6))


def test_repeated_event_counts_once():
    assert superposed_epochs(flat_city(), [*NOONS, NOONS[0]], before=2, after=2).events == 5


def test_two_events_are_too_few_for_a_comparison_but_have_a_mean():
    found = superposed_epochs(flat_city(), NOONS[:2], before=2, after=2)
    assert (found.reason, found.events, found.p) == (EventsReason.TOO_FEW_EVENTS, 2, None)
    assert found.mean.tolist() == [1] * 5


def test_no_event_at_all_is_said():
    found = superposed_epochs(flat_city(), [], before=2, after=2)
    assert (found.reason, found.events, found.mean) == (EventsReason.TOO_FEW_EVENTS, 0, None)


def test_period_shorter_than_a_window_has_no_events():
    assert superposed_epochs(np.ones(5), [2], before=6, after=6).reason == EventsReason.TOO_FEW_EVENTS


def test_twenty_free_days_are_needed():
    # Noon of 22 days less three events leaves 19; of 23 days 20.
    events = [day * 24 + 12 for day in (5, 10, 15)]
    assert superposed_epochs(flat_city(22), events, before=2, after=2).reason == EventsReason.TOO_FEW_FREE_DAYS
    assert superposed_epochs(flat_city(23), events, before=2, after=2).reason is None


def test_no_reports_at_all_are_said():
    assert superposed_epochs(flat_city(level=0), NOONS, before=2, after=2).reason == EventsReason.NO_REPORTS


def test_no_report_after_any_event_is_a_ratio_of_zero_without_an_interval():
    counts = flat_city()
    for event in NOONS:
        counts[event : event + 3] = 0
    found = superposed_epochs(counts, NOONS, before=2, after=2)
    assert (found.ratio, found.ratio_low, found.ratio_high) == (0.0, None, None)


def test_same_seed_gives_the_same_figures_and_another_seed_others():
    rate, events, rng = unrelated_city(1, 60)
    counts = rng.poisson(rate)
    first, again, other = (superposed_epochs(counts, events, before=6, after=12, seed=seed) for seed in (4, 4, 5))
    assert (first.p, first.high.tolist()) == (again.p, again.high.tolist())
    assert first.high.tolist() != other.high.tolist()


def test_whole_course_band_encloses_the_pointwise_one_in_most_hours():
    rate, events, rng = unrelated_city(2, 90)
    found = superposed_epochs(rng.poisson(rate), events, before=12, after=24)
    assert np.mean(found.band_high >= found.high) > 0.9
    assert np.all(found.band_low <= found.expected)
    assert np.all(found.low >= 0)


def test_share_of_small_p_among_unrelated_cities_is_the_stated_one():
    p = []
    for seed in range(300):
        rate, events, rng = unrelated_city(seed, 90)
        p.append(superposed_epochs(rng.poisson(rate), events, before=12, after=24, permutations=199, seed=seed).p)
    assert 0.03 <= np.mean(np.array(p) < 0.05) <= 0.08


def test_planted_effect_is_found_and_its_ratio_lies_in_the_interval():
    found, covered = 0, 0
    for seed in range(60):
        rate, events, rng = unrelated_city(seed, 90)
        for event in events:
            rate[event : event + 13] *= 2.5
        epochs = superposed_epochs(rng.poisson(rate), events, before=12, after=12, permutations=199, seed=seed)
        found += epochs.p < 0.05 and epochs.ratio > 1
        covered += epochs.ratio_low <= 2.5 <= epochs.ratio_high
    assert found >= 57
    assert covered >= 54


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"counts": [1.0, np.nan]}, "counts"),
        ({"counts": [1.0, -1.0]}, "counts"),
        ({"before": -1}, "before"),
        ({"after": -1}, "after"),
        ({"day": 0}, "day"),
        ({"nearest": 19}, "nearest"),
        ({"permutations": 0}, "permutations"),
    ],
)
def test_bad_parameters_are_refused_by_name(change, name):
    how = {"counts": flat_city(), "before": 2, "after": 2} | change
    with pytest.raises(ValueError, match=name):
        superposed_epochs(how.pop("counts"), NOONS, **how)
