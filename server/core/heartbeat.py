"""A process that serves no port tells that it lives: it touches a file whenever the database has answered it.

docker-compose.yml's health checks look at how old that file is. Every worker asks the database at least twice a minute, with
nothing to do as well, and the file stays as it was while the database is away.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

EVERY_S = 5.0


class Heartbeat:
    """Touches `file` after a statement that was answered, at most every five seconds of `clock`."""

    def __init__(self, file: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._touched_at: float | None = None

    def start(self) -> None:
        """Listens on every connection that is made from now on, in each thread."""
        connection_created.connect(self._listen, weak=False, dispatch_uid="server.core.heartbeat")

    def _listen(self, connection: BaseDatabaseWrapper, **_sent: object) -> None:
        if self._after not in connection.execute_wrappers:
            connection.execute_wrappers.append(self._after)

    def _after(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        now = self._clock()
        # Two threads at once touch it twice, which is no harm.
        if self._touched_at is None or now - self._touched_at >= EVERY_S:
            self._touched_at = now
            self._file.touch()
        return answer
