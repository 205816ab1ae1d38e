"""Silence: what the clock says of each datastream, without a look through its observations."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from sensors.following.follow import Following, follow_once
from sensors.following.models import Bookmark
from sensors.observations import journal
from sensors.observations.columns import IMPLAUSIBLE
from sensors.observations.corrections import correct_observation
from sensors.observations.models import JournalEntry
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import write_observations
from sensors.registry.models import Datastream
from sensors.states import judging
from sensors.states.judging import count_states, hear, judge, known_until, states_follower
from sensors.states.models import DatastreamState, DatastreamStateChange, State
from server.core.versions import data_version
from tests.sensor_factories import columns_of, make_datastream

pytestmark = pytest.mark.django_db(transaction=True)
FIVE = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _months(transactional_db: None) -> None:
    ensure_partitions([date(2026, 3, 1)])


@pytest.fixture
def stream() -> Datastream:
    """Of a value each ten minutes: late after 15, silent after 30."""
    return make_datastream("pos-1", expected_interval_s=600)


def minute(number: float) -> datetime:
    return FIVE + timedelta(minutes=number)


def arrive(stream: Datastream, *minutes: int, at: int | None = None, quality: int = 0) -> None:
    """Values of these minutes after five, each its minute as result, which come at the last of them (or at `at`)."""
    known = set(JournalEntry.objects.values_list("pk", flat=True))
    rows = [(stream, minute(number).isoformat(), float(number)) for number in minutes]
    write_observations(columns_of(*rows, quality=quality))
    JournalEntry.objects.exclude(pk__in=known).update(written_at=minute(max(minutes) if at is None else at))


def judged(stream: Datastream, now: int) -> DatastreamState:
    """After one step of a follower that starts at this minute."""
    follow_once(states_follower(), minute(now))
    return DatastreamState.objects.get(datastream=stream)


def changes(stream: Datastream) -> list[tuple[str, str, datetime]]:
    found = DatastreamStateChange.objects.filter(datastream=stream).order_by("id")
    return [(change.old, change.new, change.at) for change in found]


def test_a_new_datastream_was_never_heard(stream: Datastream) -> None:
    assert judged(stream, 0).state == State.NEVER


def test_a_first_value_is_heard_and_kept_as_the_latest(stream: Datastream) -> None:
    arrive(stream, 0)
    found = judged(stream, 1)
    assert (found.state, found.since, found.heard_at) == (State.HEARD, FIVE, FIVE)
    assert (found.latest_at, found.latest_result, found.latest_quality) == (FIVE, 0.0, 0)


@pytest.mark.parametrize(
    ("now", "state", "since"),
    [(14, State.HEARD, 0), (15, State.LATE, 15), (29, State.LATE, 15), (30, State.SILENT, 30), (500, State.SILENT, 30)],
)
def test_it_is_late_after_one_and_a_half_intervals_and_silent_after_three(
    stream: Datastream, now: int, state: str, since: int
) -> None:
    arrive(stream, 0)
    found = judged(stream, now)
    assert (found.state, found.since) == (state, minute(since))


def test_a_datastream_may_have_its_own_patience() -> None:
    stream = make_datastream("pos-1", expected_interval_s=600, silent_after_s=7200)
    arrive(stream, 0)
    assert [judged(stream, now).state for now in (59, 60, 119, 120)] == ["heard", "late", "late", "silent"]


def test_a_second_is_not_called_late_at_once() -> None:
    stream = make_datastream("pos-1", expected_interval_s=1)
    arrive(stream, 0)
    follow_once(states_follower(), FIVE + timedelta(seconds=29))
    assert DatastreamState.objects.get().state == State.HEARD
    follow_once(states_follower(), FIVE + timedelta(seconds=30))
    assert DatastreamState.objects.get().state == State.LATE


def test_what_is_expected_at_no_interval_is_never_late() -> None:
    stream = make_datastream("pos-1", expected_interval_s=0)
    arrive(stream, 0)
    assert judged(stream, 100_000).state == State.HEARD


def test_a_late_value_moves_the_latest_not_back_and_is_a_sign_of_life(stream: Datastream) -> None:
    arrive(stream, 20)
    arrive(stream, 10, at=25)
    found = judged(stream, 26)
    assert (found.latest_at, found.latest_result, found.heard_at) == (minute(20), 20.0, minute(25))


def test_old_values_that_are_brought_in_do_not_make_a_dead_gauge_look_alive(stream: Datastream) -> None:
    arrive(stream, 0)
    assert judged(stream, 60).state == State.SILENT
    arrive(stream, 5, 6, 7, at=60)
    found = judged(stream, 61)
    assert (found.state, found.heard_at) == (State.SILENT, minute(60))


def test_a_clock_that_runs_ahead_hides_no_silence(stream: Datastream) -> None:
    arrive(stream, 600, at=0)
    assert judged(stream, 31).state == State.SILENT


def test_when_the_latest_value_is_deleted_the_one_before_it_is_the_latest(stream: Datastream) -> None:
    arrive(stream, 0, 10)
    judged(stream, 11)
    correct_observation(datastream=stream, phenomenon_time=minute(10), new_result=None, reason="a test")
    assert judged(stream, 12).latest_at == FIVE
    correct_observation(datastream=stream, phenomenon_time=FIVE, new_result=None, reason="a test")
    found = judged(stream, 13)
    assert (found.state, found.latest_at, found.latest_result) == (State.NEVER, None, None)


def test_a_correction_is_the_latest_value_but_no_sign_of_life(stream: Datastream) -> None:
    arrive(stream, 0)
    judged(stream, 1)
    correct_observation(datastream=stream, phenomenon_time=FIVE, new_result=3.5, reason="misread")
    found = judged(stream, 29)
    assert (found.state, found.latest_result, found.heard_at) == (State.LATE, 3.5, FIVE)


def test_an_implausible_value_is_heard(stream: Datastream) -> None:
    arrive(stream, 0, quality=IMPLAUSIBLE)
    found = judged(stream, 1)
    assert (found.state, found.latest_quality) == (State.HEARD, IMPLAUSIBLE)


def test_one_that_comes_back_from_silence_three_times_in_a_day_flaps(stream: Datastream) -> None:
    states = []
    for start in (0, 60, 120, 180):
        arrive(stream, start)
        states += [judged(stream, start + 1).state, judged(stream, start + 31).state]
    assert states == ["heard", "silent", "heard", "silent", "heard", "silent", "flapping", "silent"]
    found = DatastreamState.objects.get()
    assert found.returned_at == [minute(60), minute(120), minute(180)]


def test_flapping_ends_a_day_after_the_first_of_its_returns(stream: Datastream) -> None:
    for start in (0, 60, 120, 180):
        arrive(stream, start)
        judged(stream, start + 1)
        judged(stream, start + 31)
    # A day and an hour after five the return of six o'clock is a day old.
    arrive(stream, 1490)
    assert judged(stream, 1491).state == State.FLAPPING
    DatastreamState.objects.update(returned_at=[minute(51), minute(120), minute(180)], state=State.FLAPPING)
    assert judged(stream, 1492).state == State.HEARD


def test_each_change_is_noted_with_its_time(stream: Datastream) -> None:
    arrive(stream, 0)
    judged(stream, 1)
    judged(stream, 16)
    judged(stream, 40)
    judged(stream, 41)
    assert changes(stream) == [
        ("never", "heard", FIVE),
        ("heard", "late", minute(15)),
        ("late", "silent", minute(30)),
    ]


def test_notes_are_dropped_after_three_months(stream: Datastream) -> None:
    DatastreamStateChange.objects.create(datastream=stream, at=FIVE - timedelta(days=91), old="late", new="silent")
    kept = DatastreamStateChange.objects.create(
        datastream=stream, at=FIVE - timedelta(days=89), old="late", new="silent"
    )
    judged(stream, 0)
    assert DatastreamStateChange.objects.get() == kept


def test_while_the_follower_lags_nobody_seems_silent(stream: Datastream) -> None:
    for at in range(0, 61, 10):
        arrive(stream, at)
    follower = states_follower()
    # An hour behind, it reads one entry: what came after is not known to it, and is not taken for silence.
    follow_once(follower, minute(61), limit=1)
    assert DatastreamState.objects.get().state == State.HEARD
    assert known_until(minute(61)) == minute(10)
    Following([follower], clock=lambda: minute(61)).run_until_read()
    assert known_until(minute(61)) == minute(61)
    assert changes(stream) == [("never", "heard", FIVE)]


def test_by_the_clock_all_are_judged_but_not_in_each_round(stream: Datastream) -> None:
    follower = states_follower()
    arrive(stream, 0)
    follow_once(follower, minute(1))
    follow_once(follower, minute(14.99))
    follow_once(follower, minute(15))  # less than five seconds later
    assert DatastreamState.objects.get().state == State.HEARD
    follow_once(follower, minute(15.1))
    assert DatastreamState.objects.get().state == State.LATE


def test_a_clock_that_is_put_back_does_not_stop_the_judging(stream: Datastream) -> None:
    follower = states_follower()
    follow_once(follower, minute(10_000))
    arrive(stream, 0)
    follow_once(follower, minute(16))
    assert DatastreamState.objects.get().state == State.LATE


def test_only_rows_whose_state_changes_are_written(stream: Datastream) -> None:
    make_datastream("pos-2")
    arrive(stream, 0)
    judged(stream, 1)
    before = data_version({"sensors_dataversion": ["states"]}).number
    assert judge(minute(2)) == 0
    assert data_version({"sensors_dataversion": ["states"]}).number == before
    assert judge(minute(15)) == 1
    assert data_version({"sensors_dataversion": ["states"]}).number > before


def test_judging_reads_no_observation() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN " + judging._SQL.judge,
            {"as_of": FIVE, "datastream_ids": None, "least_s": 60, "returns": 3, "within_s": 86400},
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "sensors_datastreamstate" in plan
    assert "sensors_observation" not in plan


def test_what_is_the_latest_is_asked_of_an_index() -> None:
    for number in range(20):
        arrive(make_datastream(f"pos-{number}"), *range(0, 3000, 10))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sensors_observation, sensors_datastreamstate")
        cursor.execute("EXPLAIN " + judging._SQL.hear, {"datastream_ids": [1, 2], "heard": [FIVE, FIVE]})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan" in plan
    assert "Seq Scan on sensors_observation_202603" not in plan


def test_any_number_of_datastreams_takes_as_many_queries(django_assert_num_queries: Any) -> None:
    for number in range(5):
        arrive(make_datastream(f"pos-{number}"), number)
    entries = journal.entries_after(journal.Position())
    with django_assert_num_queries(1):
        touched = hear(entries)
    with transaction.atomic(), django_assert_num_queries(3):  # who changes, their states, the notes
        assert judge(minute(6), touched) == 5


def test_what_is_of_no_datastream_is_passed_over() -> None:
    columns = columns_of()
    columns.append(987_654, FIVE, 1.0, FIVE, 0, 0)
    write_observations(columns)
    follow_once(states_follower(), minute(1))
    assert not DatastreamState.objects.exists()
    assert Bookmark.objects.get(name="states").failure == ""


def test_states_are_counted_each_of_them(stream: Datastream) -> None:
    make_datastream("pos-2")
    arrive(stream, 0)
    judged(stream, 31)
    assert count_states() == {"never": 1, "heard": 0, "late": 0, "silent": 1, "flapping": 0}


def test_the_published_view_has_no_exercise(stream: Datastream) -> None:
    drill = make_datastream("drill-pos-1")
    type(drill.thing).objects.filter(pk=drill.thing_id).update(is_exercise=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT datastream_id, state FROM sensors_published_state")
        assert cursor.fetchall() == [(stream.pk, "never")]
    assert count_states()["never"] == 1
