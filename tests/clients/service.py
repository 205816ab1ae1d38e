"""The real service, in processes of its own, over a database of its own that is full of reports: for clients to talk to.

    python -m tests.clients.service COMMAND …    runs a command beside it; PANTAU_CLIENTS_URL tells where it is

The database stands beside the one that DATABASE_URL names, and is dropped afterwards. What is in it: tests.clients.city_data.
"""

import os
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from server.run import owned
from server.run.home import CHECKOUT
from server.run.ports import unused_port
from server.run.private import Child
from server.run.processes import GUNICORN
from server.run.said import last_lines, wait_until
from tests.clients.requests_seen import LOG_VARIABLE, URL_VARIABLE, RequestLog
from tests.databases import another_database


@dataclass(frozen=True)
class Service:
    """A service that answers: where, what it was asked, and its database."""

    url: str
    log: RequestLog
    dsn: str


@contextmanager
def filled_service() -> Iterator[Service]:
    """The service with tests.clients.city_data in it."""
    with (
        another_database(f"test_clients_{os.getpid()}") as dsn,
        tempfile.TemporaryDirectory(prefix="pantau-clients-") as folder,
    ):
        log = Path(folder) / "requests.log"
        log.touch()
        environment = {**os.environ, "DATABASE_URL": dsn, LOG_VARIABLE: str(log)}
        subprocess.run([sys.executable, "-m", "tests.clients.city_data"], env=environment, cwd=CHECKOUT, check=True)
        with _web(environment, Path(folder) / "web.log") as url:
            yield Service(url, RequestLog(log), dsn)


@contextmanager
def _web(environment: Mapping[str, str], log: Path) -> Iterator[str]:
    """The service's own web server, just as `up` starts it, but for who writes down what it is asked."""
    url = f"http://127.0.0.1:{unused_port()}"
    served = ["tests.clients.counted_service:application" if ":application" in part else part for part in GUNICORN]
    command = [sys.executable, *served, "--bind", urlsplit(url).netloc, "--log-level", "warning"]
    # Marked as one of the run's own servers: where this process is killed, the next run clears it away with them.
    environment = {**environment, owned.MARK: f"run:{environment['PANTAU_HOME']}"}
    web = Child(command, log, environment, CHECKOUT, signal.SIGTERM)
    web.start()
    try:
        if not wait_until(lambda: _answers(url), seconds=60):
            raise RuntimeError(f"The service did not start:\n{last_lines(log)}")
        yield url
    finally:
        web.stop(seconds=30)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/health/live", timeout=30).close()
    except urllib.error.URLError:
        return False
    return True


def main(command: list[str]) -> int:
    with filled_service() as service:
        environment = {**os.environ, URL_VARIABLE: service.url, LOG_VARIABLE: str(service.log.path)}
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
