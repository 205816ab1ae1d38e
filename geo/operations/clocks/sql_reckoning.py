"""Reckoning with a calendar in the database: a look or two into its index."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection

from server.core.sql import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


@dataclass(frozen=True, slots=True)
class SqlReckoning:
    """A calendar as it is laid out now; answers as geo.operations.clocks.calendars.Reckoning says."""

    calendar_id: int

    def add(self, since: datetime, work: timedelta) -> datetime | None:
        found: datetime | None = self._ask(QUERIES.add_working, since=since, work=work)
        return found

    def between(self, a: datetime, b: datetime) -> timedelta | None:
        found: timedelta | None = self._ask(QUERIES.working_between, a=a, b=b)
        return found

    def _ask(self, query: str, **values: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(query, {"calendar_id": self.calendar_id, **values})
            return cursor.fetchone()[0]
