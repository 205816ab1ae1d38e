"""What came in since: for those that follow datastreams, value by value."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from django.db import connection

from server.core.sql import load_queries

_SQL = load_queries(Path(__file__).parent / "queries.sql")
MOST_OF_ONE = 5000


def observations_after(
    marks: Mapping[int, datetime], *, until: datetime, limit: int = MOST_OF_ONE
) -> dict[int, list[tuple[datetime, float]]]:
    """Of each datastream the committed good observations after its mark and up to `until`, in the order of time.

    Shape:  {datastream id: [(phenomenon time, result), …]}; a datastream without any is left out.
    At most `limit` of each, the oldest: whoever gets so many asks again. One index range each.
    """
    found: dict[int, list[tuple[datetime, float]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            _SQL.observations_after,
            {"datastream_ids": list(marks), "after": list(marks.values()), "until": until, "limit": limit},
        )
        for datastream_id, at, result in cursor.fetchall():
            found.setdefault(datastream_id, []).append((at, result))
    return found
