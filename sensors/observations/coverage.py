"""What is stored already: for those that fill gaps, and wait until what they sent has arrived."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from django.db import connection

from sensors.observations.models import HourlyRollup
from server.core.sql import load_queries

_SQL = load_queries(Path(__file__).parent / "queries.sql")


def observed_spans(datastream_ids: Iterable[int]) -> dict[int, tuple[datetime, datetime]]:
    """The first and the last phenomenon time of each datastream that has any: two index probes each."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL.observed_spans, {"datastream_ids": list(datastream_ids)})
        return {datastream_id: (first, last) for datastream_id, first, last in cursor.fetchall()}


def count_observations(datastream_ids: Iterable[int], start: datetime, end: datetime) -> int:
    """How many observations of these datastreams lie in [start, end)."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL.count_observations, {"datastream_ids": list(datastream_ids), "start": start, "end": end})
        return int(cursor.fetchone()[0])


def is_observed(datastream_id: int) -> bool:
    """Whether a datastream has observations, or had some of which rollups are left."""
    return bool(observed_spans([datastream_id])) or HourlyRollup.objects.filter(datastream=datastream_id).exists()


def count_dirty_hours() -> int:
    """How many marks wait for a refresh of the rollups."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL.count_dirty_hours)
        return int(cursor.fetchone()[0])
