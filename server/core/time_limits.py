"""How long the statements of a web request may take. Workers and commands have no such bounds: imports and rollups take longer."""

from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

STATEMENT_S = 30
# Whoever waits this long for another writer is better told to come back than kept, with a thread of the web server.
LOCK_S = 5


def limit_connections() -> None:
    """Bounds the statements on every connection that this process makes from now on."""
    connection_created.connect(_limit, dispatch_uid="server.core.time_limits")


def _limit(*, connection: BaseDatabaseWrapper, **_sent: Any) -> None:
    # For the session, and outside a transaction: what is rolled back does not take it along.
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = %s; SET lock_timeout = %s", [STATEMENT_S * 1000, LOCK_S * 1000])


def allow_statements(longest_s: int) -> None:
    """Another bound until the end of the transaction in which this is called; 0 is none."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = %s", [longest_s * 1000])
