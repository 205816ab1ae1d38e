from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from sensors.observations.archive import archive_lock
from sensors.observations.archive_files import ArchiveFailed
from sensors.observations.archive_models import ObservationArchive
from sensors.observations.archive_restore import NothingArchived, Restored, archived_months, restore_month
from sensors.observations.corrections import correct_observation
from sensors.observations.models import Correction, Observation
from sensors.observations.retention import due_months
from sensors.observations.rollups import refresh_all_rollups
from tests.db.archived_month import ALL, MARCH, UNTIL, March, flip_a_byte, has_march, in_table
from tests.sensor_factories import rollups

pytestmark = pytest.mark.django_db


@pytest.fixture
def march(db: None, tmp_path: Path, settings: Any) -> March:
    settings.ARCHIVE_DIR = tmp_path / "archive"
    return March(settings.ARCHIVE_DIR)


def rows() -> list[dict[str, Any]]:
    return list(Observation.objects.order_by("datastream_id", "phenomenon_time").values())


def test_a_month_comes_back_as_it_was_in_every_column(march: March) -> None:
    Observation.objects.filter(result=350).update(quality=1, time_source=1)
    refresh_all_rollups()
    before = rows()
    march.archive()
    assert march.restore() == Restored(rows=4)
    assert rows() == before


def test_its_rollups_are_the_same_afterwards(march: March) -> None:
    before = rollups()
    march.archive()
    march.restore()
    refresh_all_rollups()
    assert rollups() == before


def test_restoring_twice_stores_nothing_twice_and_keeps_what_was_corrected_since(march: March) -> None:
    march.archive()
    march.restore()
    at = march.water.observations.get(result=350).phenomenon_time
    correct_observation(datastream=march.water, phenomenon_time=at, new_result=35.0, reason="decimal point")
    assert march.restore() == Restored(rows=0, there_before=4)
    assert [result for _at, result in in_table()] == [1.5, 35.0, 0.1, 0.0]


def test_one_property_comes_back_alone(march: March) -> None:
    march.archive()
    assert march.restore("pm25") == Restored(rows=2)
    assert [result for _at, result in in_table()] == [1.5, 0.0]
    assert (archived_months(march.dust.pk), archived_months(march.water.pk)) == ([], [MARCH])


def test_what_came_late_meanwhile_is_counted_once_the_month_is_back(march: March) -> None:
    march.archive()
    march.write(march.water, ("2026-03-10T05:45:00Z", 20))
    march.archive()
    march.write(march.water, ("2026-03-10T05:50:00Z", 10))
    march.restore()
    refresh_all_rollups()
    assert rollups()[march.water.pk, "2026-03-10T05"] == (4, 380.1, 0.1, 350)


def test_the_first_value_of_a_time_stands_and_the_late_one_leaves_an_audit_line(march: March) -> None:
    march.archive()
    march.write(march.water, ("2026-03-10T05:00:00Z", 3.5))
    march.archive()
    march.write(march.water, ("2026-03-10T05:30:00Z", 9))
    march.restore()
    assert [result for _at, result in in_table()] == [1.5, 350.0, 0.1, 0.0]
    lines = Correction.objects.order_by("phenomenon_time").values_list("old_result", "new_result")
    assert list(lines) == [(3.5, 350.0), (9.0, 0.1)]


def test_a_damaged_file_is_named_and_nothing_of_the_month_is_restored(march: March) -> None:
    march.archive()
    damaged = march.file("property=water_level/part-0001.parquet")
    flip_a_byte(damaged)
    with pytest.raises(ArchiveFailed, match=str(damaged)):
        march.restore()
    assert in_table() == []
    assert march.paths("archived") == march.files()


def test_of_a_month_that_is_not_archived_there_is_nothing_to_restore(march: March) -> None:
    with pytest.raises(NothingArchived, match="nothing is archived of 2026-03"):
        march.restore()
    march.archive()
    with pytest.raises(NothingArchived, match="nothing of rain is archived of 2026-03"):
        march.restore("rain")


def test_a_restoration_that_was_broken_off_is_done_again(march: March) -> None:
    march.archive()

    def broken_off(count: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError), archive_lock():
        restore_month(MARCH, until=UNTIL, on_rows=broken_off)
    assert len(in_table()) == 2
    assert march.restore() == Restored(rows=4)
    assert len(in_table()) == 4
    assert not Correction.objects.exists()


def test_a_month_whose_table_was_detached_and_not_dropped_is_finished_first(march: March) -> None:
    def broken_off(step: Any, count: int) -> None:
        if step.name == "DETACHED":
            raise InterruptedError

    with pytest.raises(InterruptedError):
        march.archive(broken_off)
    march.restore()
    assert len(in_table()) == 4


# And archived again


def test_a_restored_month_is_let_be_until_its_day_has_passed(march: March) -> None:
    march.archive()
    march.restore(until=date(2026, 6, 30))
    assert MARCH not in due_months(date(2026, 6, 1), today=date(2026, 6, 30))
    assert MARCH in due_months(date(2026, 6, 1), today=date(2026, 7, 1))


def test_what_did_not_change_is_archived_again_without_being_written_again(march: March) -> None:
    march.archive()
    written = [(march.folder / path).stat().st_ino for path in march.files()]
    march.restore()
    assert march.archive() == 4
    assert march.archived() == ALL
    assert [(march.folder / path).stat().st_ino for path in march.files()] == written


def test_what_was_corrected_meanwhile_replaces_the_file(march: March) -> None:
    march.archive()
    march.restore()
    at = march.water.observations.get(result=350).phenomenon_time
    correct_observation(datastream=march.water, phenomenon_time=at, new_result=None, reason="in a workshop")
    march.archive()
    assert march.archived() == [*ALL[:2], ALL[3]]
    assert march.files() == [
        "month=2026-03/property=pm25/part-0001.parquet",
        "month=2026-03/property=water_level/part-0002.parquet",
    ]
    assert not has_march()


def test_a_property_that_stayed_in_the_archive_keeps_its_file_when_the_other_goes_back(march: March) -> None:
    march.archive()
    march.restore("pm25")
    march.archive()
    assert march.archived() == ALL


# By command


def test_the_commands_archive_and_restore_and_say_so(march: March, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("archive_observations", "--before", "2026-04-01")
    assert "2026-03: 4 observations archived and dropped" in capsys.readouterr().out
    today = datetime.now(UTC).date()
    call_command("restore_observations", "2026-03", "--property", "water_level", "--keep-days", "7")
    until = ObservationArchive.objects.get(observed_property="water_level").restored_until
    said = f"2 observations of 2026-03 restored, 0 were restored before; they stay until {until}"
    assert said in capsys.readouterr().out
    assert until - today in (timedelta(days=7), timedelta(days=8))  # midnight may have passed


@pytest.mark.parametrize("month", ["March", "2026-13", "2026-03-01"])
def test_what_is_no_month_is_refused(month: str) -> None:
    with pytest.raises(CommandError, match="is no month such as 2026-03"):
        call_command("restore_observations", month)


def test_the_command_says_what_is_missing_in_a_sentence(march: March) -> None:
    with pytest.raises(CommandError, match="nothing is archived of 2025-01"):
        call_command("restore_observations", "2025-01")
