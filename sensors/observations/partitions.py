"""The months of the observations' table. There is no default partition: a month exists before its first row is written."""

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from django.db import connection, transaction

from server.core.sql import load_queries

_SQL = load_queries(Path(__file__).parent / "queries.sql")
TABLE = "sensors_observation"
_NAME = re.compile(rf"{TABLE}_(\d{{4}})(\d{{2}})(_leaving)?")


def partition_name(month: date) -> str:
    return f"{TABLE}_{month:%Y%m}"


def leaving_name(month: date) -> str:
    """What a month's table is called between its detachment and its end."""
    return f"{partition_name(month)}_leaving"


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def existing_partitions() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(_SQL.existing_partitions)
        return {name for (name,) in cursor.fetchall()}


def months_of(names: Iterable[str]) -> set[date]:
    """The months whose partitions, attached or leaving, have these names."""
    found = filter(None, map(_NAME.fullmatch, names))
    return {date(int(match[1]), int(match[2]), 1) for match in found}


def leaving_months() -> set[date]:
    """The months whose tables are detached and not dropped yet."""
    names = connection.introspection.table_names()
    return months_of(name for name in names if name.endswith("_leaving"))


def ensure_partitions(months: Iterable[date]) -> list[str]:
    """Makes the partitions of these months (first days, of UTC) that are missing, and returns their names.

    In a transaction of its own, under a lock that lets one maker at a time look and make: any number of workers may call it.
    A table is made and then attached, which, unlike CREATE … PARTITION OF, lets other workers go on writing.
    """
    wanted = {partition_name(month): month for month in months}
    if wanted.keys() <= existing_partitions():
        return []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('sensors.partitions'))")
        missing = sorted(wanted.keys() - existing_partitions())
        for name in missing:
            month = wanted[name]
            cursor.execute(f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING ALL)")
            cursor.execute(
                f"ALTER TABLE {TABLE} ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)",
                [f"{month} 00:00+00", f"{next_month(month)} 00:00+00"],
            )
    return missing
