"""Locks that hold between processes, for as long as a piece of work takes."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, connection


@contextmanager
def advisory_lock(work: str, name: str) -> Iterator[bool]:
    """Whether this lock is ours until the end of the block; False, at once, while somebody else has it.

    The session's own, over many transactions: where the process or its connection dies, PostgreSQL lets it go.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s), hashtext(%s))", [work, name])
        (is_ours,) = cursor.fetchone()
    try:
        yield is_ours
    finally:
        if is_ours:
            _unlock(work, name)


def _unlock(work: str, name: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext(%s), hashtext(%s))", [work, name])
    except (DatabaseError, InterfaceError):
        connection.close()  # the lock goes with it; what broke it is on its way up already
