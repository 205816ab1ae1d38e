"""The command itself, killed with SIGKILL while it waits for the moment to detach a month, and run again."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from sensors.observations.archive_models import ObservationArchive
from tests.db.archived_month import ALL, March, has_march, in_table
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def march(transactional_db: None, tmp_path: Path, settings: Any) -> March:
    settings.ARCHIVE_DIR = tmp_path / "archive"
    return March(settings.ARCHIVE_DIR)


@pytest.fixture
def reader(transactional_db: None) -> Iterator[BaseDatabaseWrapper]:
    """A second connection, in a transaction that the test ends."""
    other = connection.copy()
    other.set_autocommit(False)
    yield other
    other.rollback()
    other.close()


def start(folder: Path) -> subprocess.Popen[str]:
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    return subprocess.Popen(
        [sys.executable, "manage.py", "archive_observations", "--before", "2026-04-01"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": urlunsplit(database), "PANTAU_ARCHIVE_DIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def is_waiting_to_detach() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
            " AND relation = 'sensors_observation'::regclass)"
        )
        return bool(cursor.fetchone()[0])


def states() -> set[str]:
    return set(ObservationArchive.objects.values_list("state", flat=True))


def test_a_run_killed_before_the_detachment_is_finished_by_the_next(march: March, reader: BaseDatabaseWrapper) -> None:
    with reader.cursor() as cursor:
        cursor.execute("LOCK TABLE ONLY sensors_observation IN ACCESS SHARE MODE")
    killed = start(march.folder)
    wait_for(lambda: killed.poll() is not None or (states() and is_waiting_to_detach()), "the moment to detach")
    killed.kill()
    killed.communicate()
    assert killed.returncode == -9
    assert states() == {"written"}
    assert len(in_table()) == 4
    march.write(march.dust, ("2026-03-05T00:00:00Z", 9))
    reader.rollback()

    said, complaints = start(march.folder).communicate(timeout=60)
    assert "2026-03: 5 observations archived and dropped" in said, complaints
    assert march.archived() == sorted([*ALL, ("pm25", "2026-03-05T00:00:00+00:00", 9.0)])
    assert not has_march()
    assert march.files() == sorted(march.paths("archived"))
