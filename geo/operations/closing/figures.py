"""How well closings stand, by agency."""

from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from geo.operations.board.figures import QUERIES as BOARD_QUERIES
from geo.operations.board.figures import Question
from server.core.sql import load_queries

CLOSINGS = load_queries(Path(__file__).with_name("queries.sql")).closings.format(asked_for=BOARD_QUERIES.asked_for)


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


def closings(question: Question) -> list[ClosingFigures]:
    """The closings of the question's period, by the agency that closed, those of none last.

    A reopening counts against the closing that it undid, whenever it came. Each report of a merged group counts.
    """
    with connection.cursor() as cursor:
        cursor.execute(CLOSINGS, question.params())
        return [ClosingFigures(*row) for row in cursor.fetchall()]
