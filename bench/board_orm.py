"""The board's figures as plain Django finds them: one aggregation with filtered counts, and the hours sorted in Python.

The ORM has no percentiles; of the times only the two columns of each are fetched, and the 90th percentile lies between two
reports as PostgreSQL's percentile_cont has it, so that both sides answer the same.
"""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import Coalesce

from geo.operations.board.figures import SOON
from geo.reports.models import Report

CLOSED = ("resolved", "rejected", "duplicate")
HOUR = timedelta(hours=1)


def figures(city_id: int, start: datetime, end: datetime, now: datetime) -> dict[Any, dict[str, Any]]:
    """By agency, None among them: the same as geo.operations.board.figures.board(…, by="agency") has in its groups."""
    of_city = Report.objects.filter(city_id=city_id)
    is_open, is_told = ~Q(status__in=CLOSED), Q(reported_at__gte=start, reported_at__lt=end)
    counts = {
        "open": Count("id", filter=is_open),
        "due_soon": Count("id", filter=is_open & Q(due_at__gte=now, due_at__lt=now + SOON)),
        "late_now": Count("id", filter=is_open & Q(due_at__lt=now)),
        "unanswered": Count("id", filter=is_open & Q(responded_at=None, response_due_at__lt=now)),
        "open_reopened": Count("id", filter=is_open & Q(reopened_count__gt=0)),
        "reported": Count("id", filter=is_told),
        "resolved": Count("id", filter=is_told & Q(status="resolved")),
        "reopened": Count("id", filter=is_told & Q(reopened_count__gt=0)),
        "handed_over": Count("id", filter=is_told & Q(handover_count__gt=1)),
        "with_target": Count("id", filter=is_told & ~Q(status="duplicate") & Q(due_at__isnull=False)),
        "late": Count("id", filter=is_told & ~Q(status="duplicate") & Q(due_at__lt=Coalesce("closed_at", now))),
        "late_first_response": Count(
            "id",
            filter=is_told & ~Q(status="duplicate") & Q(response_due_at__lt=Coalesce("responded_at", "closed_at", now)),
        ),
    }
    rows: Iterable[dict[str, Any]] = map(
        dict, of_city.filter(is_open | is_told).order_by().values("agency_id").annotate(**counts)
    )
    found = {row.pop("agency_id"): row for row in rows}
    told = of_city.filter(is_told)
    answered = told.filter(responded_at__isnull=False)
    closed = told.filter(status="resolved", closed_at__isnull=False)
    for name, times in (
        ("first_response_h", answered.values_list("agency_id", "received_at", "responded_at")),
        ("resolution_h", closed.values_list("agency_id", "received_at", "closed_at")),
    ):
        hours: dict[Any, list[float]] = {}
        for agency_id, begun, ended in times.iterator():
            assert begun is not None
            assert ended is not None
            hours.setdefault(agency_id, []).append((ended - begun) / HOUR)
        for agency_id, row in found.items():
            row[name] = percentiles(hours.get(agency_id, ()))
    return found


def percentiles(hours: Iterable[float]) -> tuple[float, float] | None:
    """The median and the 90th percentile."""
    ordered = sorted(hours)
    return (_between(ordered, 0.5), _between(ordered, 0.9)) if ordered else None


def _between(ordered: list[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
