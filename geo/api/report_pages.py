"""Pages of reports: each is read from the index that holds its rows in the order of the list, however many there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from math import prod
from typing import Any

from django.db.models import F, Q
from django.db.models.fields.tuple_lookups import TupleGreaterThan, TupleLessThan

from geo.api.filters import ReportFilter
from geo.reports.access.principals import Principal
from geo.reports.models import Agency, Report
from geo.reports.querysets import ReportQuerySet
from geo.reports.workflow import Status
from server.core.errors import BadParameter

# Each takes the planner 0.2 ms. So many are a district of nine areas in each of nine statuses.
MOST_STREAMS = 81


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: the time by which the list is ordered, and the report's key."""

    at: datetime
    key: int

    def as_token(self) -> list[Any]:
        return [self.at.isoformat(), self.key]

    @classmethod
    def of_token(cls, value: Any) -> "Position":
        try:
            at, key = value
            return cls(datetime.fromisoformat(at), int(key))
        except (TypeError, ValueError):
            raise BadParameter("next", "next is a page token of another list") from None


@dataclass(frozen=True, slots=True)
class Order:
    """A total order of reports. `name` marks its page tokens."""

    name: str
    column: str
    is_descending: bool

    @property
    def keys(self) -> tuple[str, str]:
        return (f"-{self.column}", "-id") if self.is_descending else (self.column, "id")

    def after(self, position: Position) -> Any:
        """The condition on the reports behind a position: of the two columns together, as an index compares them."""
        compares = TupleLessThan if self.is_descending else TupleGreaterThan
        return compares((F(self.column), F("id")), (position.at, position.key))


NEWEST_FIRST = Order("reports-newest", "reported_at", True)
# What is late stands in the order in which it should have been done.
LONGEST_LATE_FIRST = Order("reports-late", "due_at", False)


def order_of(asked: ReportFilter) -> Order:
    return NEWEST_FIRST if asked.late_at is None else LONGEST_LATE_FIRST


def page_of_reports(
    asked: ReportFilter, principal: Principal, *, limit: int, after: Position | None
) -> tuple[list[Report], Position | None]:
    """The reports of a page, and where it ends if there are more. Two queries, and one for their photos."""
    order = order_of(asked)
    rest, conditions = streams(asked)
    keys = _first(rest.seen_by(principal), conditions, order, limit + 1, after)
    rows = Report.objects.for_answer().in_bulk([pk for _at, pk in keys[:limit]])
    page = [rows[pk] for _at, pk in keys[:limit] if pk in rows]
    return page, Position(*keys[limit - 1]) if len(keys) > limit else None


def _first(
    found: ReportQuerySet, conditions: Sequence[Q], order: Order, n: int, after: Position | None
) -> list[tuple[datetime, int]]:
    """The first `n` of a list, merged from its streams: PostgreSQL reads one row more of each than it takes."""
    if after is not None:
        found = found.filter(order.after(after))
    merged, *others = [
        found.filter(condition).order_by(*order.keys).values_list(order.column, "id")[:n] for condition in conditions
    ]
    if others:
        merged = merged.union(*others, all=True).order_by(*order.keys)[:n]
    return list(merged)


def streams(asked: ReportFilter) -> tuple[ReportFilter, list[Q]]:
    """A filter, and conditions that divide what it keeps so that an index holds each part in the list's order.

    One condition, which leaves nothing out, where there is no such index: PostgreSQL then walks along the times, or sorts.
    """
    if asked.late_at is not None:
        agencies = asked.agency_ids or _agencies_of(asked.city_id)
        if len(agencies) <= MOST_STREAMS:
            return replace(asked, agency_ids=None), _each(("agency_id",), agencies)
        return asked, [Q()]
    statuses = asked.statuses or Status.values
    for names, columns, values in (
        (("area_ids", "statuses"), ("public_area_id", "status"), (asked.area_ids, statuses)),
        (("agency_ids", "statuses"), ("agency_id", "status"), (asked.agency_ids, statuses)),
        (("statuses",), ("status",), (asked.statuses,)),
        (("category_ids",), ("category_id",), (asked.category_ids,)),
        (("channel_ids",), ("channel_id",), (asked.channel_ids,)),
    ):
        given = [wanted for wanted in values if wanted is not None]
        if len(given) == len(values) and prod(map(len, given)) <= MOST_STREAMS:
            settled: dict[str, Any] = dict.fromkeys(names)
            return replace(asked, **settled), _each(columns, *given)
    return asked, [Q()]


def _each(columns: Sequence[str], *values: Iterable[Any]) -> list[Q]:
    return [
        Q(**{f"{column}__isnull" if value is None else column: value is None or value for column, value in pairs})
        for pairs in (tuple(zip(columns, chosen, strict=True)) for chosen in product(*values))
    ]


def _agencies_of(city_id: int | None) -> tuple[int | None, ...]:
    there = Agency.objects.all() if city_id is None else Agency.objects.filter(city=city_id)
    return (*there.order_by("id").values_list("id", flat=True)[: MOST_STREAMS + 1], None)
