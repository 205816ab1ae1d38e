"""Flags by neighbours, set after the commit that stored the values: late ones, corrected ones, deleted ones too."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg2
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from sensors.following.follow import Following, follow_once
from sensors.observations import journal
from sensors.observations.columns import DOUBTED, GOOD, IMPLAUSIBLE, RATE, SPIKE, STUCK, microseconds, quality_words
from sensors.observations.corrections import Action, correct_observation, decide_one, decide_period
from sensors.observations.journal import Kind, Position
from sensors.observations.models import Correction, DirtyHour, Observation
from sensors.observations.partitions import ensure_partitions
from sensors.observations.rollups import refresh_all_rollups
from sensors.observations.writer import write_observations
from sensors.quality import flagging
from sensors.quality.checks import Limits, Value
from sensors.quality.flagging import FOLLOWER, check, check_period, windows_of
from sensors.registry.models import Datastream
from tests.sensor_factories import columns_of, make_datastream, rollups

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
FIVE = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _months(transactional_db: None) -> None:
    ensure_partitions([date(2026, 2, 1), date(2026, 3, 1)])


@pytest.fixture
def stream() -> Datastream:
    """Of a value a minute: 5 units a minute are plausible, a spike is 10 units away, after 3 minutes it is stuck."""
    return make_datastream(most_change_per_min=5, spike_limit=10, stuck_after_s=180)


@pytest.fixture
def elsewhere() -> Iterator[Any]:
    other = psycopg2.connect(**connection.get_connection_params())
    try:
        yield other
    finally:
        other.close()


def minute(number: int) -> datetime:
    return FIVE + timedelta(minutes=number)


def write(stream: Datastream, readings: dict[int, float], quality: int = GOOD) -> None:
    """Values by their minute after five, in one batch."""
    write_observations(
        columns_of(*((stream, minute(at).isoformat(), result) for at, result in readings.items()), quality=quality)
    )


def follow() -> int:
    return Following([FOLLOWER]).run_until_read()


def flags(stream: Datastream) -> dict[int, int]:
    """What is not good, by its minute."""
    found = Observation.objects.filter(datastream=stream).exclude(quality=GOOD)
    return {(one.phenomenon_time - FIVE) // timedelta(minutes=1): one.quality for one in found}


def test_values_are_flagged_and_none_is_dropped(stream: Datastream) -> None:
    write(stream, {0: 10, 1: 11, 2: 40, 3: 12, 4: 13, 5: 30})
    follow()
    assert flags(stream) == {2: SPIKE, 5: RATE}
    assert Observation.objects.count() == 6


def test_it_does_not_matter_how_the_values_came(stream: Datastream) -> None:
    other = make_datastream(code="pm10", most_change_per_min=5, spike_limit=10, stuck_after_s=180)
    values = {at: float(value) for at, value in enumerate([10, 11, 40, 12, 12, 12, 12, 12, 30, 31, 5, 5, 9, 9, 9])}
    write(stream, values)
    follow()
    for at in (14, 3, 0, 7, 8, 1, 12, 2, 13, 11, 4, 10, 6, 5, 9):
        write(other, {at: values[at]})
        follow()
    # Worked by hand: 12 stands from minute 3 to 7; at 8 it jumps and stays; at 10 it falls.
    assert flags(stream) == {2: SPIKE, 6: STUCK, 7: STUCK, 8: RATE, 10: RATE}
    assert flags(other) == flags(stream)


def test_a_value_that_comes_late_is_seen_with_its_neighbours(stream: Datastream) -> None:
    write(stream, {0: 10, 1: 11, 3: 12, 4: 13})
    follow()
    assert flags(stream) == {}
    write(stream, {2: 40})
    follow()
    assert flags(stream) == {2: SPIKE}


def test_of_a_last_value_that_jumps_it_is_known_later_whether_it_was_a_spike(stream: Datastream) -> None:
    write(stream, {0: 10, 1: 40})
    follow()
    assert flags(stream) == {1: RATE}
    write(stream, {2: 11})
    follow()
    assert flags(stream) == {1: SPIKE}


def test_a_standstill_is_found_over_the_end_of_a_month() -> None:
    stream = make_datastream(stuck_after_s=7200)
    times = ["2026-02-28T22:30:00Z", "2026-02-28T23:30:00Z", "2026-03-01T00:30:00Z", "2026-03-01T01:30:00Z"]
    for time in times:
        write_observations(columns_of((stream, time, 7.0)))
        follow()
    flagged = Observation.objects.filter(quality=STUCK).order_by("phenomenon_time")
    assert [f"{one.phenomenon_time:%dT%H}" for one in flagged] == ["01T00", "01T01"]


def test_rain_may_be_nothing_for_a_day() -> None:
    stream = make_datastream(code="rain", stuck_after_s=120, stuck_except=0)
    write(stream, {0: 0, 1: 0, 2: 0, 3: 0})
    follow()
    assert flags(stream) == {}


def test_what_the_range_said_is_kept_and_not_compared_with(stream: Datastream) -> None:
    write(stream, {0: 10, 2: 11})
    write(stream, {1: -999}, quality=IMPLAUSIBLE)
    follow()
    assert flags(stream) == {1: IMPLAUSIBLE}


def test_flags_mark_their_hours_and_the_hour_counts_good_values_alone(stream: Datastream) -> None:
    write(stream, {0: 10, 1: 40, 2: 12})
    refresh_all_rollups()
    assert rollups() == {(stream.pk, "2026-03-01T05"): (3, 62, 10, 40)}
    follow()
    assert DirtyHour.objects.count() == 1
    refresh_all_rollups()
    assert rollups() == {(stream.pk, "2026-03-01T05"): (2, 22, 10, 12)}


def test_flagging_is_an_entry_of_the_journal_and_ends_there(stream: Datastream) -> None:
    write(stream, {0: 10, 1: 40, 2: 12})
    follow()
    entries = journal.entries_after(Position())
    assert [(entry.kind, entry.results, entry.qualities) for entry in entries[1:]] == [(Kind.CHANGED, [40.0], [SPIKE])]
    # Its own entry is among those that were read: it looked at it again, and had nothing to change.
    assert follow() == 0


def test_the_neighbours_of_a_corrected_value_are_looked_at_again(stream: Datastream) -> None:
    write(stream, {0: 10, 1: 11, 2: 30, 3: 31, 4: 32})
    follow()
    assert flags(stream) == {2: RATE}
    correct_observation(datastream=stream, phenomenon_time=minute(1), new_result=29, reason="misread")
    follow()
    # What was corrected is left alone, however fast it came; the next one came no longer too fast.
    assert flags(stream) == {}


def test_the_neighbours_of_a_deleted_value_are_looked_at_again(stream: Datastream) -> None:
    write(stream, {0: 10, 1: 40, 2: 12})
    follow()
    assert flags(stream) == {1: SPIKE}
    for at in (1, 0):
        correct_observation(datastream=stream, phenomenon_time=minute(at), new_result=None, reason="a test")
    write(stream, {1: 30})
    follow()
    assert flags(stream) == {2: RATE}


def test_a_value_that_a_person_confirms_stays_good(stream: Datastream) -> None:
    write(stream, {0: 10, 1: 40, 2: 12})
    follow()
    decide_one(Action.CONFIRM, datastream=stream, phenomenon_time=minute(1), reason="the tanker was here")
    write(stream, {3: 13})
    follow()
    assert flags(stream) == {}
    # Checked again by hand, too.
    assert check_period(stream, FIVE, NOW) == 0


def test_what_a_person_doubts_is_flagged_for_good_and_not_counted(stream: Datastream) -> None:
    write(stream, {0: 10, 1: 12, 2: 14})
    decide_period(Action.DOUBT, datastream=stream, start=minute(1), end=minute(3), reason="a blocked inlet")
    follow()
    refresh_all_rollups()
    assert flags(stream) == {1: DOUBTED, 2: DOUBTED}
    assert rollups() == {(stream.pk, "2026-03-01T05"): (1, 10, 10, 10)}


def test_a_value_that_is_stored_again_after_its_deletion_is_checked_again(stream: Datastream) -> None:
    write(stream, {0: 10, 1: 40, 2: 12})
    decide_one(Action.DELETE, datastream=stream, phenomenon_time=minute(1), reason="a test")
    write(stream, {1: 40})
    follow()
    assert flags(stream) == {1: SPIKE}


def test_a_confirmation_that_is_under_way_is_waited_for_and_holds(
    stream: Datastream, elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(stream, {0: 10, 1: 40, 2: 12})
    read = flagging._read

    def read_and_then_confirm(*arguments: Any) -> list[Any]:
        found = list(read(*arguments))
        # Between its look and its change a person confirms the value, which stays as it is.
        with elsewhere.cursor() as cursor:
            cursor.execute(
                "INSERT INTO sensors_correction (datastream_id, phenomenon_time, old_result, new_result, reason, corrected_at)"
                " VALUES (%s, %s, 40, 40, 'seen', now())",
                [stream.pk, minute(1)],
            )
        elsewhere.commit()
        return found

    monkeypatch.setattr(flagging, "_read", read_and_then_confirm)
    follow_once(FOLLOWER, NOW)
    assert flags(stream) == {}


def test_a_datastream_can_count_a_flag_nevertheless(stream: Datastream) -> None:
    write(stream, {0: 10, 1: 40, 2: 12})
    write(stream, {3: 1e9}, quality=IMPLAUSIBLE)
    follow()
    refresh_all_rollups()
    assert rollups() == {(stream.pk, "2026-03-01T05"): (2, 22, 10, 12)}
    Datastream.objects.filter(pk=stream.pk).update(counted_flags=SPIKE)
    # The change itself marks the hours that hold flagged values.
    refresh_all_rollups()
    assert rollups() == {(stream.pk, "2026-03-01T05"): (3, 62, 10, 40)}


def test_a_value_with_a_second_flag_that_is_not_counted_stays_out(stream: Datastream) -> None:
    Datastream.objects.filter(pk=stream.pk).update(counted_flags=STUCK)
    write(stream, {0: 7})
    write(stream, {1: 7}, quality=STUCK | DOUBTED)
    refresh_all_rollups()
    assert rollups() == {(stream.pk, "2026-03-01T05"): (1, 7, 7, 7)}


def test_datastreams_without_limits_cost_one_query(django_assert_num_queries: Any) -> None:
    write(make_datastream(), {at: at for at in range(50)})
    entries = journal.entries_after(Position())
    with django_assert_num_queries(1):
        flagging.follow_quality(entries, NOW)


def test_any_number_of_datastreams_is_read_and_flagged_in_one_go(django_assert_num_queries: Any) -> None:
    for number in range(5):
        stream = make_datastream(f"pos-{number}", most_change_per_min=5)
        write(stream, {0: 10, 1: 40, 2: 70})
    entries = journal.entries_after(Position())
    with django_assert_num_queries(5):  # limits, windows, locks, flags, the journal's entry
        flagging.follow_quality(entries, NOW)
    assert Observation.objects.filter(quality=RATE).count() == 10


def test_windows_are_read_by_index_alone() -> None:
    for number in range(20):
        write(make_datastream(f"pos-{number}"), {at: at for at in range(0, 3000, 10)})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sensors_observation")
        parameters = {"datastream_ids": [1], "firsts": [0], "lasts": [0], "arounds": [0], "tolerances": [0.0]}
        cursor.execute("EXPLAIN " + flagging._SQL.windows, {**parameters, "neighbours": 3})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan" in plan
    assert "Seq Scan on sensors_observation_202603" not in plan


def test_changes_far_apart_are_looked_at_apart() -> None:
    limits = {1: Limits(stuck_after_s=3600), 2: Limits(spike_limit=1)}
    hour = 3_600_000_000
    windows = windows_of([(1, 0), (1, 4 * hour), (1, 9 * hour), (2, 5), (2, 6 + hour)], limits)
    assert [(window.datastream_id, window.first_us, window.last_us) for window in windows] == [
        (1, 0, 4 * hour),
        (1, 9 * hour, 9 * hour),
        (2, 5, 5),
        (2, 6 + hour, 6 + hour),
    ]


def test_a_row_that_changed_meanwhile_is_left_to_its_own_entry(stream: Datastream) -> None:
    write(stream, {0: 10, 1: 40, 2: 12})
    at_us = microseconds(minute(1))
    assert flagging._set({(stream.pk, at_us): (Value(at_us, 41.0, GOOD), SPIKE)}) == 0
    assert flags(stream) == {}
    assert check([], {}) == 0


def test_the_command_checks_the_past_by_limits_that_are_new(capsys: pytest.CaptureFixture[str]) -> None:
    stream = make_datastream("pos-1")
    write(stream, {0: 10, 1: 40, 2: 12})
    follow()
    Datastream.objects.filter(pk=stream.pk).update(spike_limit=10)
    call_command("check_quality", "pos-1", "pm25", "--start", "2026-03-01", "--end", "2026-03-02")
    assert flags(stream) == {1: SPIKE}
    assert "pos-1/pm25: 1 " in capsys.readouterr().out
    Datastream.objects.filter(pk=stream.pk).update(spike_limit=None)
    call_command("check_quality", "pos-1")
    assert flags(stream) == {}


def test_the_command_names_a_thing_that_is_not_there() -> None:
    with pytest.raises(CommandError, match="no datastream of thing 'pos-9'"):
        call_command("check_quality", "pos-9")


def test_the_database_has_the_words_that_the_service_has() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT q, sensors_quality_words(q) FROM generate_series(0, 31) AS q")
        assert dict(cursor.fetchall()) == {quality: quality_words(quality) for quality in range(32)}
    assert [quality_words(quality) for quality in (0, 1, 2, 4, 8, 16, 5)] == [
        "good",
        "implausible",
        "rate",
        "stuck",
        "spike",
        "doubted",
        "implausible,stuck",
    ]


def test_a_line_keeps_the_quality_before_and_after(stream: Datastream) -> None:
    write(stream, {0: 10, 1: 40, 2: 12})
    follow()
    decide_one(Action.CONFIRM, datastream=stream, phenomenon_time=minute(1), reason="seen")
    line = Correction.objects.get()
    assert (line.old_result, line.new_result, line.old_quality, line.new_quality) == (40.0, 40.0, SPIKE, GOOD)
