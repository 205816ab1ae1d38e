"""How well closings stand, by agency."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import connection

from geo.areas.models import City
from server.core.sql import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


@dataclass(frozen=True, slots=True)
class ClosingFigures:
    """Of one agency (its slug; None: of none). `contested` are those that were disputed, reopened, or both.

    Most closings nobody answers: neither confirmed nor disputed.
    """

    agency: str | None
    resolved: int
    confirmed: int
    disputed: int
    reopened: int
    contested: int

    @property
    def contested_share(self) -> float:
        """Of all that were resolved, from 0 to 1."""
        return self.contested / self.resolved


def closings(city: City, start: datetime, end: datetime) -> list[ClosingFigures]:
    """The closings of a city from `start` on and before `end`, by agency, those of none last.

    A reopening counts against the closing that it undid, whenever it came. Each report of a merged group counts.
    """
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.closings, {"city_id": city.pk, "start": start, "end": end})
        return [ClosingFigures(*row) for row in cursor.fetchall()]
