from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from sensors.observations import rollups as module
from sensors.observations.columns import IMPLAUSIBLE
from sensors.observations.corrections import correct_observation
from sensors.observations.models import Correction, DirtyHour, HourlyRollup, Observation
from sensors.observations.partitions import ensure_partitions
from sensors.observations.rollups import (
    Refreshed,
    mark_everything_dirty,
    refresh_all_rollups,
    refresh_rollups,
)
from sensors.observations.writer import write_observations
from sensors.registry.models import Datastream
from server.core.errors import InvalidFields, NotFound
from tests.sensor_factories import columns_of, make_datastream, rollups

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _months(db: None) -> None:
    ensure_partitions([date(2026, 2, 1), date(2026, 3, 1)])


@pytest.fixture
def datastream(_months: None) -> Datastream:
    return make_datastream()


def write(datastream: Datastream, *readings: tuple[str, float], quality: int = 0) -> None:
    write_observations(columns_of(*((datastream, time, result) for time, result in readings), quality=quality))


def test_an_hour_is_counted_summed_and_bounded(datastream: Datastream) -> None:
    write(datastream, ("2026-03-01T05:00:00Z", 1), ("2026-03-01T05:59:59.999Z", 4), ("2026-03-01T06:00:00Z", 10))
    assert refresh_rollups() == Refreshed(hours=2)
    assert rollups() == {
        (datastream.pk, "2026-03-01T05"): (2, 5, 1, 4),
        (datastream.pk, "2026-03-01T06"): (1, 10, 10, 10),
    }
    assert not DirtyHour.objects.exists()


def test_what_comes_late_changes_its_hour(datastream: Datastream) -> None:
    write(datastream, ("2026-03-01T05:00:00Z", 1))
    refresh_all_rollups()
    write(datastream, ("2026-03-01T05:30:00Z", -3))
    refresh_all_rollups()
    assert rollups() == {(datastream.pk, "2026-03-01T05"): (2, -2, -3, 1)}


def test_implausible_values_stay_out(datastream: Datastream) -> None:
    write(datastream, ("2026-03-01T05:00:00Z", 1))
    write(datastream, ("2026-03-01T05:30:00Z", 9e9), quality=IMPLAUSIBLE)
    mark_everything_dirty()
    refresh_all_rollups()
    assert rollups() == {(datastream.pk, "2026-03-01T05"): (1, 1, 1, 1)}


def test_an_hour_whose_last_observation_goes_loses_its_rollup(datastream: Datastream) -> None:
    write(datastream, ("2026-03-01T05:00:00Z", 1), ("2026-03-01T06:00:00Z", 2))
    refresh_all_rollups()
    at = datetime(2026, 3, 1, 5, tzinfo=UTC)
    correct_observation(datastream=datastream, phenomenon_time=at, new_result=None, reason="sensor was in a workshop")
    refresh_all_rollups()
    assert rollups() == {(datastream.pk, "2026-03-01T06"): (1, 2, 2, 2)}


def test_a_run_of_hours_over_the_end_of_a_month_is_exact(datastream: Datastream) -> None:
    other = make_datastream()
    write(datastream, ("2026-02-28T22:30:00Z", 1), ("2026-02-28T23:30:00Z", 2), ("2026-03-01T00:30:00Z", 3))
    write(datastream, ("2026-03-01T02:30:00Z", 5))
    write(other, ("2026-02-28T23:59:59Z", 7))
    refresh_all_rollups()
    assert {key: value[1] for key, value in rollups().items()} == {
        (datastream.pk, "2026-02-28T22"): 1,
        (datastream.pk, "2026-02-28T23"): 2,
        (datastream.pk, "2026-03-01T00"): 3,
        (datastream.pk, "2026-03-01T02"): 5,
        (other.pk, "2026-02-28T23"): 7,
    }


def test_small_rounds_end_at_the_same_rollups(datastream: Datastream) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    write(datastream, *(((start + timedelta(minutes=20 * i)).isoformat(), float(i)) for i in range(300)))
    refresh_all_rollups(limit=7)
    in_small_rounds = rollups()
    assert len(in_small_rounds) == 100
    HourlyRollup.objects.all().delete()
    mark_everything_dirty()
    refresh_all_rollups()
    assert rollups() == in_small_rounds


def test_refreshing_what_is_the_same_writes_nothing(datastream: Datastream) -> None:
    write(datastream, ("2026-03-01T05:00:00Z", 1))
    refresh_all_rollups()
    with connection.cursor() as cursor:
        cursor.execute("SELECT ctid::text FROM sensors_hourlyrollup")
        before = cursor.fetchall()
        mark_everything_dirty()
        refresh_all_rollups()
        cursor.execute("SELECT ctid::text FROM sensors_hourlyrollup")
        assert cursor.fetchall() == before


def test_the_command_recounts_everything(datastream: Datastream, capsys: pytest.CaptureFixture[str]) -> None:
    write(datastream, ("2026-03-01T05:00:00Z", 1))
    refresh_all_rollups()
    HourlyRollup.objects.update(n=99)
    call_command("refresh_rollups", "--all")
    assert rollups() == {(datastream.pk, "2026-03-01T05"): (1, 1, 1, 1)}
    assert "1 hours marked\n1 hours recomputed" in capsys.readouterr().out


# Corrections


def test_a_correction_changes_the_value_its_flag_and_its_hour_and_keeps_the_old(datastream: Datastream) -> None:
    Datastream.objects.filter(pk=datastream.pk).update(plausible_max=100)
    datastream.refresh_from_db()
    write(datastream, ("2026-03-01T05:00:00Z", 1000), quality=IMPLAUSIBLE)
    at = datetime(2026, 3, 1, 5, tzinfo=UTC)
    correct_observation(datastream=datastream, phenomenon_time=at, new_result=10.0, reason="decimal point")
    refresh_all_rollups()
    assert rollups() == {(datastream.pk, "2026-03-01T05"): (1, 10, 10, 10)}
    line = Correction.objects.get()
    assert (line.old_result, line.new_result, line.reason) == (1000.0, 10.0, "decimal point")


def test_a_correction_needs_an_observation_and_a_reason(datastream: Datastream) -> None:
    at = datetime(2026, 3, 1, 5, tzinfo=UTC)
    with pytest.raises(NotFound):
        correct_observation(datastream=datastream, phenomenon_time=at, new_result=1, reason="x")
    with pytest.raises(InvalidFields):
        correct_observation(datastream=datastream, phenomenon_time=at, new_result=1, reason=" ")
    assert not Correction.objects.exists()


def test_the_command_corrects_and_says_so(datastream: Datastream, capsys: pytest.CaptureFixture[str]) -> None:
    write(datastream, ("2026-03-01T05:00:00Z", 1))
    slug = datastream.thing.slug
    call_command("correct_observation", slug, "pm25", "2026-03-01T12:00:00+07:00", "--result", "2", "--reason", "r")
    assert Observation.objects.get().result == 2.0
    assert "1.0 -> 2.0" in capsys.readouterr().out


# Two connections


@pytest.fixture
def writer(transactional_db: None) -> Iterator[BaseDatabaseWrapper]:
    """A second connection, in a transaction that the test ends."""
    ensure_partitions([date(2026, 3, 1)])
    other = connection.copy()
    other.set_autocommit(False)
    yield other
    other.rollback()
    other.close()


def insert_by(writer: BaseDatabaseWrapper, datastream: Datastream, time: str, result: float) -> None:
    with writer.cursor() as cursor:
        cursor.execute(module._SQL.insert_observations, columns_of((datastream, time, result)).parameters())


@pytest.mark.django_db(transaction=True)
def test_a_mark_of_a_writer_still_open_waits_for_the_next_refresh(writer: BaseDatabaseWrapper) -> None:
    datastream = make_datastream()
    write(datastream, ("2026-03-01T05:00:00Z", 1))
    insert_by(writer, datastream, "2026-03-01T05:10:00Z", 10)
    refresh_all_rollups()
    assert rollups() == {(datastream.pk, "2026-03-01T05"): (1, 1, 1, 1)}
    writer.commit()
    refresh_all_rollups()
    assert rollups() == {(datastream.pk, "2026-03-01T05"): (2, 11, 1, 10)}


@pytest.mark.django_db(transaction=True)
def test_a_writer_that_commits_between_the_two_statements_is_not_lost(
    writer: BaseDatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    datastream = make_datastream()
    write(datastream, ("2026-03-01T05:00:00Z", 1))
    insert_by(writer, datastream, "2026-03-01T05:10:00Z", 10)
    insert_by(writer, datastream, "2026-03-01T06:10:00Z", 20)
    recompute = module._recompute

    def commit_first(hours: list[tuple[int, datetime]]) -> None:
        writer.commit()
        recompute(hours)

    monkeypatch.setattr(module, "_recompute", commit_first)
    assert refresh_rollups() == Refreshed(hours=1)
    monkeypatch.undo()
    assert DirtyHour.objects.count() == 2  # the marks of the one that committed in between are still there
    assert refresh_rollups() == Refreshed(hours=2)
    assert rollups() == {
        (datastream.pk, "2026-03-01T05"): (2, 11, 1, 10),
        (datastream.pk, "2026-03-01T06"): (1, 20, 20, 20),
    }


@pytest.mark.django_db(transaction=True)
def test_a_second_refresher_steps_back(writer: BaseDatabaseWrapper) -> None:
    write(make_datastream(), ("2026-03-01T05:00:00Z", 1))
    with writer.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('sensors.rollups'))")
    assert refresh_rollups() == Refreshed(is_busy=True)
    writer.rollback()
    assert refresh_rollups() == Refreshed(hours=1)
