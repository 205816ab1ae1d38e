"""Which statements a database gets, by its own log: `log_statement` is the superuser's to set, through the cluster's socket."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.run.home import find_home
from server.run.said import wait_until


class StatementLog:
    """The statements of one database since `begin`, from the cluster's log."""

    def __init__(self, database: str, log: Path, port: int) -> None:
        self._log = log
        self._port = port
        self._database = database
        self._from = 0

    def begin(self) -> None:
        self._from = self._log.stat().st_size

    def statements(self) -> list[str]:
        """Each in one line, what opens and ends transactions left out."""
        mark = f"SELECT 'end of {self._from}'"
        as_superuser(self._port, self._database, mark)
        assert wait_until(lambda: mark in self._text(), seconds=10)
        entry = rf"^[^\t\n]*@{self._database} LOG:  (?:statement|execute [^:]*): ((?:.*)(?:\n\t.*)*)"
        found = [re.sub(r"\s+", " ", text) for text in re.findall(entry, self._text(), re.MULTILINE)]
        return [text for text in found if mark not in text and text not in ("BEGIN", "COMMIT", "ROLLBACK")]

    def _text(self) -> str:
        with self._log.open("rb") as file:
            file.seek(self._from)
            return file.read().decode(errors="replace")


@contextmanager
def statement_log(database: str, port: int) -> Iterator[StatementLog]:
    """Logs every statement of the sessions that begin inside."""
    log = StatementLog(database, find_home().logs / "postgres.log", port)
    as_superuser(port, "postgres", f"ALTER DATABASE {database} SET log_statement = 'all'")
    try:
        yield log
    finally:
        as_superuser(port, "postgres", f"ALTER DATABASE {database} RESET log_statement")


def as_superuser(port: int, database: str, statement: str) -> None:
    """One statement through the socket, whose folder lets only the cluster's owner in."""
    where = ["-h", str(find_home().sockets), "-p", str(port), "-U", "postgres", "-d", database]
    subprocess.run(
        ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *where, "-c", statement], check=True, capture_output=True
    )
