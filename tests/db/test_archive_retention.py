import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from geo.schedule import JOBS
from sensors.observations.models import HourlyRollup
from sensors.observations.partitions import ensure_partitions, existing_partitions
from sensors.observations.retention import drop_rollups, due_months, keep_observations, make_months_ahead, raw_limit
from tests.db.archived_month import ALL, MARCH, March, has_march, in_table
from tests.sensor_factories import make_datastream, rollups

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]


@pytest.fixture
def march(db: None, tmp_path: Path, settings: Any) -> March:
    settings.ARCHIVE_DIR = tmp_path / "archive"
    return March(settings.ARCHIVE_DIR)


def test_this_month_and_the_next_two_are_made_ahead() -> None:
    made = ["sensors_observation_204712", "sensors_observation_204801", "sensors_observation_204802"]
    assert make_months_ahead(date(2047, 12, 31)) == made
    assert make_months_ahead(date(2047, 12, 31)) == []
    assert set(made) <= existing_partitions()


def test_raw_observations_are_kept_for_ever_unless_a_number_of_days_is_set(settings: Any) -> None:
    assert raw_limit(date(2026, 7, 1)) is None
    settings.RAW_DAYS = 90
    assert raw_limit(date(2026, 7, 1)) == date(2026, 4, 2)


@pytest.mark.parametrize(
    ("before", "today", "is_due"),
    [
        (None, date(2030, 1, 1), False),
        (date(2026, 3, 31), date(2030, 1, 1), False),
        (date(2026, 4, 1), date(2030, 1, 1), True),
        (date(2026, 4, 1), date(2026, 3, 31), False),
    ],
)
def test_a_month_is_due_once_it_ended_by_the_limit_and_is_over(before: Any, today: date, is_due: bool) -> None:
    ensure_partitions([MARCH])
    assert (MARCH in due_months(before, today=today)) is is_due


def test_the_daily_work_archives_what_is_due_and_has_nothing_to_do_the_second_time(march: March, settings: Any) -> None:
    settings.RAW_DAYS = 60
    at = datetime(2026, 6, 1, tzinfo=UTC)
    assert "4 observations of 2026-03 archived" in keep_observations(at)
    assert march.archived() == ALL
    assert keep_observations(at) == ""


def test_the_daily_work_drops_nothing_where_nothing_is_set(march: March) -> None:
    keep_observations(datetime(2050, 1, 1, tzinfo=UTC))
    assert len(in_table()) == 4


def test_it_is_done_daily() -> None:
    assert [job.every.days for job in JOBS if job.run is keep_observations] == [1]


# Rollups


def test_rollups_go_after_their_years_by_whole_months(march: March, settings: Any) -> None:
    march.archive()
    settings.ROLLUP_YEARS = 5
    assert drop_rollups(date(2031, 3, 31)) == 0
    assert drop_rollups(date(2031, 4, 1)) == 3
    assert list(rollups()) == [(march.dust.pk, "2026-04-01T00")]


def test_rollups_of_a_month_whose_observations_are_still_there_stay(march: March, settings: Any) -> None:
    settings.ROLLUP_YEARS = 5
    assert drop_rollups(date(2040, 1, 1)) == 0
    assert len(rollups()) == 4


def test_old_rollups_over_a_gap_of_years_all_go(settings: Any) -> None:
    settings.ROLLUP_YEARS = 1
    gauge = make_datastream()
    for hour in (datetime(1990, 12, 31, 23, tzinfo=UTC), datetime(1995, 6, 1, tzinfo=UTC)):
        HourlyRollup.objects.create(datastream_id=gauge.pk, hour=hour, n=1, sum=1, min=1, max=1)
    assert drop_rollups(date(2026, 1, 1)) == 2


# Settings


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"PANTAU_RAW_DAYS": "7"}, "PANTAU_RAW_DAYS must be 0 (for ever) or at least 31, not 7"),
        ({"PANTAU_ROLLUP_YEARS": "5"}, "PANTAU_ROLLUP_YEARS needs PANTAU_RAW_DAYS"),
        ({"PANTAU_ROLLUP_YEARS": "1", "PANTAU_RAW_DAYS": "400"}, "PANTAU_ROLLUP_YEARS needs PANTAU_RAW_DAYS"),
    ],
)
def test_settings_that_would_lose_something_are_refused_at_the_start(variables: dict[str, str], complaint: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import server.settings"],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert complaint in done.stderr


# By command


def test_a_dry_run_says_what_would_be_done_and_does_nothing(march: March, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("archive_observations", "--before", "2026-04-15", "--dry-run")
    assert "2026-03: 4 observations would be archived and dropped" in capsys.readouterr().out
    assert has_march()
    assert march.files() == []


def test_where_nothing_is_due_the_command_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("archive_observations")
    assert "Nothing is due: PANTAU_RAW_DAYS is not set" in capsys.readouterr().out
    call_command("archive_observations", "--before", "1980-01-01")
    assert "no observations of months that ended by 1980-01-01" in capsys.readouterr().out


@pytest.mark.parametrize(("day", "why"), [("9999-01-01", "still to come"), ("yesterday", "no day such as")])
def test_a_limit_that_cannot_be_meant_is_refused(day: str, why: str) -> None:
    with pytest.raises(CommandError, match=f"--before: .*{why}"):
        call_command("archive_observations", "--before", day)


def test_a_file_that_cannot_be_written_ends_the_command_with_its_name(march: March) -> None:
    march.folder.write_text("no folder")
    with pytest.raises(CommandError, match=r"part-0001\.parquet: Not a directory"):
        call_command("archive_observations", "--before", "2026-04-01")
