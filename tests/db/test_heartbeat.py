"""The file that docker's health check of a worker looks at."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from server.core.heartbeat import Heartbeat

pytestmark = pytest.mark.django_db


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def age(file: Path) -> None:
    os.utime(file, (0, 0))


def heard(file: Path, clock: Clock) -> tuple[Heartbeat, BaseDatabaseWrapper]:
    heart = Heartbeat(file, clock=clock)
    heart._listen(connection=connection)
    return heart, connection


@pytest.fixture(autouse=True)
def no_wrapper_stays() -> Iterator[None]:
    before = list(connection.execute_wrappers)
    yield
    connection.execute_wrappers[:] = before


def ask() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_answer_of_the_database_touches_the_file(tmp_path: Path) -> None:
    file = tmp_path / "alive"
    heard(file, Clock())
    assert not file.exists()
    ask()
    assert file.exists()


def test_file_is_touched_again_after_five_seconds_and_not_before(tmp_path: Path) -> None:
    file, clock = tmp_path / "alive", Clock()
    heard(file, clock)
    ask()
    age(file)
    clock.seconds += 4.9
    ask()
    assert file.stat().st_mtime == 0
    clock.seconds += 0.1
    ask()
    assert file.stat().st_mtime > 0


def test_statement_that_fails_leaves_the_file_alone(tmp_path: Path) -> None:
    file = tmp_path / "alive"
    with transaction.atomic(), connection.cursor() as cursor:
        heard(file, Clock())
        with pytest.raises(ProgrammingError):
            cursor.execute("SELECT no_such_column")
        assert not file.exists()
        transaction.set_rollback(True)


def test_one_connection_is_listened_to_once(tmp_path: Path) -> None:
    heart, listened = heard(tmp_path / "alive", Clock())
    before = len(listened.execute_wrappers)
    heart._listen(connection=listened)
    assert len(listened.execute_wrappers) == before
