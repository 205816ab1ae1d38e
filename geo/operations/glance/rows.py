"""Named rows of this room's statements."""

from pathlib import Path
from typing import Any

from django.db import connection

from server.core.sql import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


def rows_of(statement: str, **params: Any) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
