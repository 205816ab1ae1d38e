"""Levels are held against what was stored, in whatever order it came, and however it was changed since."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from sensors.observations.columns import Columns
from sensors.observations.corrections import correct_observation
from sensors.observations.models import Observation
from sensors.observations.newer import MOST_OF_ONE
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import write_observations
from sensors.registry.models import Datastream
from sensors.thresholds.evaluation import Span, evaluate, tick
from sensors.thresholds.levels import Criteria, State, follow
from sensors.thresholds.models import Crossing, Watch
from sensors.thresholds.watches import Wanted, crossings_after, set_watches
from tests.sensor_factories import make_datastream

pytestmark = pytest.mark.django_db

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
NOW = MIDNIGHT + timedelta(hours=12)
SIAGA = (351.0, 451.0, 551.0)
NAMES = ("Siaga 3", "Siaga 2", "Siaga 1")


@pytest.fixture
def stream() -> Datastream:
    ensure_partitions([MIDNIGHT.date().replace(day=1)])
    return make_datastream("river-p2c", "river_level", unit_ucum="cm")


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


def wanted(stream: Datastream, owner: str = "test/1", **more: Any) -> Wanted:
    criteria = Criteria(**{"thresholds": SIAGA, "longest_gap": minutes(30), **more})
    return Wanted(owner, stream.pk, NAMES[: len(criteria.thresholds)], criteria, MIDNIGHT - minutes(1))


def watch(stream: Datastream, **more: Any) -> Watch:
    set_watches("test/", [wanted(stream, **more)], MIDNIGHT)
    tick(MIDNIGHT)
    return Watch.objects.get()


def at(minute: float) -> datetime:
    return MIDNIGHT + minutes(minute)


def store(stream: Datastream, *values: tuple[float, float], now: datetime = NOW) -> None:
    """(minutes after midnight, value) in one transaction, and what the follower does with it."""
    columns = Columns()
    for minute, value in values:
        columns.append(stream.pk, at(minute), value, now, 0, 0)
    write_observations(columns)
    follow_up(stream, [minute for minute, _value in values], now)


def follow_up(stream: Datastream, changed: Sequence[float], now: datetime = NOW) -> None:
    with transaction.atomic():
        evaluate({stream.pk: Span(at(min(changed)), at(max(changed)))}, now)


def correct(stream: Datastream, minute: float, result: float | None) -> None:
    correct_observation(datastream=stream, phenomenon_time=at(minute), new_result=result, reason="a test")
    follow_up(stream, [minute])


def standing() -> list[tuple[float, int, int]]:
    """(minute, old level, new level) of each crossing that stands."""
    found = Crossing.objects.filter(revoked_at=None).order_by("at")
    return [((one.at - MIDNIGHT) / minutes(1), one.old, one.new) for one in found]


def test_levels_are_crossed_as_values_come(stream: Datastream) -> None:
    watch(stream)
    for minute, value in ((0, 300.0), (10, 400.0), (20, 600.0), (30, 300.0)):
        store(stream, (minute, value), now=at(minute + 1))
    assert standing() == [(10, 0, 1), (20, 1, 3), (30, 3, 0)]
    assert not Crossing.objects.filter(is_late=True).exists()
    (closed,) = Crossing.objects.filter(new=0)
    assert (closed.peak, closed.peak_at, closed.recorded_at) == (600.0, at(20), at(31))


def test_an_excursion_that_lay_wholly_in_the_past_is_told_with_its_own_times(stream: Datastream) -> None:
    watch(stream)
    store(stream, (0, 300.0), (60, 300.0), now=at(61))
    store(stream, (20, 400.0), (30, 300.0), now=at(62))
    assert standing() == [(20, 0, 1), (30, 1, 0)]
    assert list(Crossing.objects.values_list("is_late", "recorded_at")) == [(True, at(62)), (True, at(62))]
    assert (Watch.objects.get().level, Watch.objects.get().evaluated_to) == (0, at(60))


def test_a_late_value_before_an_excursion_leaves_it_as_it_was_told(stream: Datastream) -> None:
    watch(stream)
    store(stream, (0, 300.0), (60, 400.0), now=at(61))
    store(stream, (20, 310.0), now=at(62))
    assert Crossing.objects.count() == 1


def test_a_late_value_makes_an_excursion_begin_earlier(stream: Datastream) -> None:
    watch(stream)
    store(stream, (0, 300.0), (60, 400.0), now=at(61))
    store(stream, (50, 380.0), now=at(62))
    assert standing() == [(50, 0, 1)]
    assert list(Crossing.objects.exclude(revoked_at=None).values_list("at", "revoked_at")) == [(at(60), at(62))]


def test_a_late_value_raises_the_peak_of_an_excursion_that_is_over(stream: Datastream) -> None:
    watch(stream)
    store(stream, (0, 300.0), (10, 400.0), (30, 380.0), (40, 300.0))
    store(stream, (20, 440.0))
    (closed,) = Crossing.objects.filter(new=0)
    assert (closed.peak, closed.peak_at) == (440.0, at(20))
    assert Crossing.objects.count() == 2


def test_a_corrected_spike_takes_back_what_it_opened(stream: Datastream) -> None:
    watch(stream)
    store(stream, (0, 300.0), (10, 900.0))
    correct(stream, 10, 290.0)
    assert standing() == []
    assert (Watch.objects.get().level, Watch.objects.get().value) == (0, 290.0)


def test_a_value_that_is_doubted_later_takes_back_what_it_opened(stream: Datastream) -> None:
    watch(stream)
    store(stream, (0, 300.0), (10, 900.0), (20, 300.0))
    Observation.objects.filter(phenomenon_time=at(10)).update(quality=8)
    follow_up(stream, [10])
    assert standing() == []


def test_an_excursion_goes_on_when_the_value_that_closed_it_is_deleted(stream: Datastream) -> None:
    watch(stream)
    store(stream, (0, 400.0), (10, 300.0))
    correct(stream, 10, None)
    assert standing() == [(0, 0, 1)]
    assert (Watch.objects.get().level, Watch.objects.get().evaluated_to) == (1, at(0))


def test_a_value_of_the_future_waits_for_its_time(stream: Datastream) -> None:
    watch(stream)
    store(stream, (0, 300.0), (60, 400.0), (90, 300.0), now=at(10))
    assert standing() == []
    tick(at(59))
    assert standing() == []
    tick(at(60))
    assert standing() == [(60, 0, 1)]
    tick(at(90))
    assert standing() == [(60, 0, 1), (90, 1, 0)]
    assert Watch.objects.get().due_at is None


def test_what_comes_more_than_a_month_late_is_not_held_against_levels(stream: Datastream) -> None:
    watch(stream)
    later = NOW + timedelta(days=40)
    ensure_partitions([later.date().replace(day=1)])
    store(stream, (40 * 24 * 60, 300.0), now=later)
    store(stream, (20, 900.0), now=later)
    assert standing() == []


def test_what_was_measured_before_the_watch_counts_for_nothing(stream: Datastream) -> None:
    set_watches("test/", [replace(wanted(stream), active_since=at(15))], at(20))
    store(stream, (10, 900.0), (20, 300.0), now=at(20))
    store(stream, (15, 900.0), now=at(20))
    assert standing() == []


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_order_what_stands_is_what_one_pass_over_all_values_gives(stream: Datastream, seed: int) -> None:
    """Values of two days in batches of any order, some of them corrected, deleted or doubted since."""
    chance = random.Random(seed)
    is_below = chance.random() < 0.3
    rule = Criteria(
        SIAGA[::-1] if is_below else SIAGA, is_below, hysteresis=chance.choice([0.0, 30.0]),
        opens_after=minutes(chance.choice([0, 20, 45])), closes_after=minutes(chance.choice([0, 30, 60])),
        longest_gap=minutes(30),
    )  # fmt: skip
    one = wanted(stream)
    set_watches("test/", [replace(one, criteria=rule)], MIDNIGHT)
    level, values = 330.0, {}
    for minute in range(0, 2880, 10):
        level = min(max(level + chance.uniform(-60, 60), 100.0), 700.0)
        if chance.random() < 0.9:
            values[float(minute)] = level
    waiting = sorted(values)
    there: dict[float, float] = {}
    while waiting:
        batch = waiting[: chance.randint(1, 25)]
        if chance.random() < 0.5:
            batch = chance.sample(waiting, min(len(waiting), chance.randint(1, 12)))
        waiting = [minute for minute in waiting if minute not in batch]
        store(stream, *((minute, values[minute]) for minute in batch), now=NOW + timedelta(days=2))
        there |= {minute: values[minute] for minute in batch}
        if chance.random() < 0.4:
            minute = chance.choice(sorted(there))
            result = chance.choice([None, 200.0, 500.0, 600.0])
            correct_observation(datastream=stream, phenomenon_time=at(minute), new_result=result, reason="a test")
            follow_up(stream, [minute], NOW + timedelta(days=2))
            there.pop(minute)
            if result is not None:
                there[minute] = result
    start = State(MIDNIGHT - minutes(1))
    state, transitions = follow([(at(minute), there[minute]) for minute in sorted(there)], start, rule)
    found = Crossing.objects.filter(revoked_at=None).order_by("at")
    columns = ("at", "since", "value", "old", "new", "peak", "peak_at")
    assert list(found.values_list(*columns)) == [tuple(getattr(one, name) for name in columns) for one in transitions]
    assert Watch.objects.get().state == state
    assert len(transitions) > 0


def test_a_batch_of_ten_thousand_late_values_is_followed_in_pieces(stream: Datastream) -> None:
    watch(stream)
    store(stream, (0, 300.0), (12 * 60, 300.0))
    late = [(second / 60, 400.0 if second == 5000 else 300.0) for second in range(1, 10_001)]
    with CaptureQueriesContext(connection) as one:
        store(stream, (11 * 60, 300.0))
    with CaptureQueriesContext(connection) as many:
        store(stream, *late)
    assert standing() == [(5000 / 60, 0, 1), (5001 / 60, 1, 0)]
    # One more statement for each further piece of 5,000 values, and one that writes the crossings.
    assert MOST_OF_ONE == 5000
    assert len(many) - len(one) <= 3


def test_a_late_value_of_weeks_ago_is_followed_only_until_nothing_can_differ(stream: Datastream) -> None:
    watch(stream)
    store(stream, *((minute, 300.0) for minute in range(3 * MOST_OF_ONE)), now=NOW + timedelta(days=12))
    with CaptureQueriesContext(connection) as queries:
        store(stream, (0.5, 400.0), now=NOW + timedelta(days=12))
    assert standing() == [(0.5, 0, 1), (1, 1, 0)]
    read = [
        query["sql"]
        for query in queries
        if "observations_after" in query["sql"] or "CROSS JOIN LATERAL" in query["sql"]
    ]
    assert len(read) == 1


def test_many_watches_are_followed_with_as_many_statements_as_one(stream: Datastream) -> None:
    streams = [stream, *(make_datastream(f"river-{n}", "river_level", unit_ucum="cm") for n in range(20))]
    counts = []
    for some in (streams[:1], streams):
        set_watches("test/", [wanted(one) for one in some], MIDNIGHT)
        tick(MIDNIGHT)
        columns = Columns()
        for one in some:
            columns.append(one.pk, at(len(some)), 400.0, NOW, 0, 0)
        write_observations(columns)
        with CaptureQueriesContext(connection) as queries:
            evaluate({one.pk: Span(at(len(some)), at(len(some))) for one in some}, NOW)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert Watch.objects.filter(level=1).count() == 21


def test_two_owners_watch_one_datastream_each_with_its_own_levels(stream: Datastream) -> None:
    mild = wanted(stream, "test/2", thresholds=(100.0,))
    set_watches("test/", [wanted(stream), mild], MIDNIGHT)
    store(stream, (0, 90.0), (10, 120.0), (20, 360.0))
    found = Crossing.objects.order_by("watch__owner", "at").values_list("watch__owner", "at", "new")
    assert list(found) == [("test/1", at(20), 1), ("test/2", at(10), 1)]


def test_setting_the_same_watches_again_changes_nothing(stream: Datastream) -> None:
    assert set_watches("test/", [wanted(stream)], MIDNIGHT) == {"made": 1}
    assert set_watches("test/", [wanted(stream)], NOW) == {}
    assert set_watches("other/", [], NOW) == {}
    assert set_watches("test/", [], NOW, untouched=[("test/1", stream.pk)]) == {}
    assert set_watches("test/", [], NOW) == {"ended": 1}


def test_other_thresholds_begin_a_watch_anew_and_other_hold_times_do_not(stream: Datastream) -> None:
    first = watch(stream)
    store(stream, (0, 400.0))
    set_watches("test/", [wanted(stream, opens_after=minutes(20))], NOW)
    assert (Watch.objects.get().pk, Watch.objects.get().level) == (first.pk, 1)
    set_watches("test/", [wanted(stream, thresholds=(390.0,))], NOW)
    begun = Watch.objects.get()
    assert (begun.pk == first.pk, begun.level, begun.follows_from) == (False, 0, at(0))


def test_crossings_are_read_in_the_order_in_which_they_were_learnt_and_revoked(stream: Datastream) -> None:
    watch(stream)
    store(stream, (0, 300.0), (10, 900.0), (20, 300.0))
    first = crossings_after("test/", 0)
    assert [(one.at, one.revoked_at) for one in first] == [(at(10), None), (at(20), None)]
    correct(stream, 10, 300.0)
    second = crossings_after("test/", first[-1].change)
    assert {(one.at, one.revoked_at) for one in second} == {(at(10), NOW), (at(20), NOW)}
    assert crossings_after("test/", second[-1].change) == []
    assert crossings_after("other/", 0) == []
