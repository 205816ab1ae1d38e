"""From a database's error to the answer over HTTP."""

import json

import psycopg2.errors
import pytest
from django.db import OperationalError
from django.utils import translation

from server.core.problems import problem_for


def wrapped(error: psycopg2.Error) -> OperationalError:
    """As Django raises it."""
    outer = OperationalError("x")
    outer.__cause__ = error
    return outer


class Deadlock(psycopg2.errors.DeadlockDetected):
    pgcode = "40P01"


class Waited(psycopg2.errors.LockNotAvailable):
    pgcode = "55P03"


class Unique(psycopg2.errors.UniqueViolation):
    pgcode = "23505"


@pytest.mark.parametrize("error", [Deadlock(), wrapped(Deadlock()), Waited(), wrapped(Waited())])
def test_whoever_lost_a_lock_to_another_writer_is_asked_to_come_again(error: Exception) -> None:
    with translation.override("en"):
        answer = problem_for(error)
    assert answer is not None
    assert (answer.status_code, json.loads(answer.content)["title"]) == (503, "Busy")
    assert answer["Retry-After"] == "5"


def test_another_error_of_the_database_has_no_answer_of_its_own() -> None:
    assert problem_for(wrapped(Unique())) is None
