"""Databases beside the run's own, for services in processes of their own; with every table at once where there is a template."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2


@contextmanager
def template_of(name: str) -> Iterator[None]:
    """Inside it, a copy of that database is what others are made from: it spares each of them the migrations."""
    copy = _template()
    with _administering() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {copy}")
        cursor.execute(f'CREATE DATABASE {copy} TEMPLATE "{name}"')
    yield
    with _administering() as cursor:
        cursor.execute(f"DROP DATABASE {copy} WITH (FORCE)")


@contextmanager
def another_database(name: str) -> Iterator[str]:
    """A database beside the one that DATABASE_URL names, as its URL; dropped afterwards."""
    with _administering() as cursor:
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", [_template()])
        cursor.execute(
            f"CREATE DATABASE {name}" + (f" TEMPLATE {_template()}" if cursor.fetchone() is not None else "")
        )
    try:
        yield urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
    finally:
        with _administering() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _template() -> str:
    return f"migrated_{os.getpid()}"


@contextmanager
def _administering() -> Iterator[Any]:
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()
