"""What an operation centre watches: what stands open now, and how the reports of a period went, by group."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from django.db import connection

from server.core.sql import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
FIGURES = QUERIES.figures.format(asked_for=QUERIES.asked_for)
# What is due within it is due soon.
SOON = timedelta(hours=24)

By = Literal["status", "agency", "category", "channel", "area"]


@dataclass(frozen=True, slots=True)
class Question:
    """Which reports of a city: None is all of them; of `agency_ids` None is no agency. The period is half-open."""

    city_id: int
    start: datetime
    end: datetime
    now: datetime
    area_ids: tuple[int, ...] | None = None
    category_ids: tuple[int, ...] | None = None
    agency_ids: tuple[int | None, ...] | None = None
    channel_ids: tuple[int, ...] | None = None

    def params(self) -> dict[str, Any]:
        """As the statements name them; no agency has the id 0."""
        agencies = self.agency_ids
        return {
            "city_id": self.city_id,
            "start": self.start,
            "end": self.end,
            "now": self.now,
            "area_ids": _array(self.area_ids),
            "category_ids": _array(self.category_ids),
            "channel_ids": _array(self.channel_ids),
            "agency_ids": None if agencies is None else [pk or 0 for pk in agencies],
        }


@dataclass(frozen=True, slots=True)
class Hours:
    """How long something took, in hours of the calendar: of `n` reports the median and the 90th percentile; None of none."""

    n: int
    median: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Open at this moment, whenever it was reported: `due_soon` within SOON; `reopened` once at least."""

    open: int
    due_soon: int
    late: int
    late_first_response: int
    reopened: int
    without_agency: int


@dataclass(frozen=True, slots=True)
class Period:
    """Of the reports of the period: `late` are those of `with_target` that were closed too late, or are open and past their time.

    Only those that had an answer, or were resolved, are in the hours; `handed_over` twice at least.
    """

    reported: int
    resolved: int
    reopened: int
    handed_over: int
    with_target: int
    late: int
    with_response_target: int
    late_first_response: int
    first_response_h: Hours
    resolution_h: Hours

    @property
    def late_share(self) -> float | None:
        """From 0 to 1; None where no report has a target."""
        return self.late / self.with_target if self.with_target else None

    @property
    def late_first_response_share(self) -> float | None:
        return self.late_first_response / self.with_response_target if self.with_response_target else None


@dataclass(frozen=True, slots=True)
class Group:
    """`key` is a status, or the id of an agency, a category, a channel, an area; None: it has none. None, too, of the total."""

    key: str | None
    now: Standing
    period: Period


@dataclass(frozen=True, slots=True)
class Board:
    total: Group
    groups: tuple[Group, ...]


def board(question: Question, *, by: By, level_id: int | None = None) -> Board:
    """The figures in one statement. Groups without an open report and without one in the period are not there.

    `level_id`: of the areas, when they are the groups. Reports outside every area of the level are the group of no key.
    """
    params = {**question.params(), "by": by, "level_id": level_id, "soon": question.now + SOON}
    with connection.cursor() as cursor:
        cursor.execute(FIGURES, params)
        (_is_total, *whole), *groups = cursor.fetchall()
    return Board(_group(*whole), tuple(_group(*row) for _is_total, *row in groups))


def _array(ids: tuple[int, ...] | None) -> list[int] | None:
    return None if ids is None else list(ids)


def _group(key: str | None, *counts: int | list[float | None] | None) -> Group:
    *plain, answered, response_h, closed, resolution_h = counts
    standing, period = plain[:6], plain[6:]
    hours = Hours(answered, *(response_h or (None, None))), Hours(closed, *(resolution_h or (None, None)))  # type: ignore
    return Group(key, Standing(*standing), Period(*period, *hours))  # type: ignore
