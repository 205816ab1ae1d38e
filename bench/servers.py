"""A database and a web server of a benchmark's own."""

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from server.run.ports import unused_port
from server.run.processes import GUNICORN


@contextmanager
def bench_database(name: str) -> Iterator[str]:
    """A fresh, migrated database beside the one that DATABASE_URL names; Django is set up on it. Dropped afterwards."""
    import psycopg2

    base = os.environ["DATABASE_URL"]
    database = f"bench_{name}"
    admin = psycopg2.connect(base)
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {database}")
    url = urlunsplit(urlsplit(base)._replace(path=f"/{database}"))
    os.environ["DATABASE_URL"] = url
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    import django
    from django.core.management import call_command
    from django.db import connection

    django.setup()
    try:
        call_command("migrate", verbosity=0)
        yield url
    finally:
        connection.close()
        os.environ["DATABASE_URL"] = base
        with admin.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        admin.close()


def take_off(cursor: Any, table: str) -> list[str]:
    """Drops a table's foreign keys and plain indexes, by which a million rows go in minutes; what puts the indexes back."""
    cursor.execute("SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'", [table])
    for (name,) in cursor.fetchall():
        cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    cursor.execute(
        "SELECT indexrelid::regclass, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = %s::regclass AND NOT indisunique",
        [table],
    )
    indexes = cursor.fetchall()
    for name, _definition in indexes:
        cursor.execute(f"DROP INDEX {name}")
    return [definition for _name, definition in indexes]


@dataclass(frozen=True, slots=True)
class Serving:
    """A web server that answers; `pid` is its first process, the parent of its workers."""

    url: str
    pid: int


@contextmanager
def serving(
    name: str, command: Sequence[str], port: int, *, ready: str, environment: Mapping[str, str] | None = None
) -> Iterator[Serving]:
    """A web server's process, from when `ready` (a path) answers. Its output is shown if it does not start."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        url = f"http://127.0.0.1:{port}"
        try:
            deadline = time.monotonic() + 60
            while not _answers(url + ready):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise RuntimeError(f"{name} did not start: {log.read()[-2000:].decode(errors='replace')}")
                time.sleep(0.1)
            yield Serving(url, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=60).close()
    except OSError:
        return False
    return True


def gunicorn(port: int) -> list[str]:
    """The command of the service's own web server, just as `up` starts it."""
    return [sys.executable, *GUNICORN, "--bind", f"127.0.0.1:{port}", "--log-level", "error"]


@contextmanager
def web_server() -> Iterator[str]:
    """The service as it runs in production, on a free port of loopback."""
    with served() as server:
        yield server.url


@contextmanager
def served() -> Iterator[Serving]:
    """As `web_server`, with its process."""
    port = unused_port()
    with serving("the web server", gunicorn(port), port, ready="/health/live") as server:
        yield server
