"""Who wants to be told of an event: one statement, and then the filters of those few that have one."""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.gis.geos import Point
from django.db import connection

from geo.areas.models import City
from geo.operations.notifications.models import Event, Subscription
from server.core.sql import load_queries

log = logging.getLogger(__name__)

SQL = load_queries(Path(__file__).with_name("matching.sql"))


@dataclass(frozen=True, slots=True)
class Notice:
    """An event as subscriptions are held against it. Place, area and category are those that the public sees.

    `facts` go into the message: ids, words of code and what is public, nothing of a person.
    """

    event: Event
    city_id: int
    at: datetime
    report_id: int | None = None
    area_id: int | None = None
    category_id: int | None = None
    place: Point | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """A subscription that an event has met."""

    id: int
    key: UUID
    kind: str
    email: str
    filter: str


@dataclass(frozen=True, slots=True)
class Filters:
    """What knows the layer of reports: `check(text, city)` raises BadParameter("filter"); `match(report_id, city, texts)`
    says which of these filters the report meets."""

    check: Callable[[str, City], None]
    match: Callable[[int, City, Collection[str]], set[str]]


_filters: list[Filters] = []


def register_filters(filters: Filters) -> None:
    """From the app's `ready`: layers lie above this room, which therefore cannot ask for them."""
    _filters[:] = [filters]


def filters() -> Filters:
    return _filters[0]


def subscriptions_of(notice: Notice) -> list[Found]:
    """Confirmed subscriptions that this event meets, by id; of those of one e-mail address the first alone."""
    found = [Found(*row) for row in _candidates(notice)]
    texts = {each.filter for each in found if each.filter}
    if texts and notice.report_id is not None:
        met = filters().match(notice.report_id, City.objects.get(pk=notice.city_id), texts)
        found = [each for each in found if not each.filter or each.filter in met]
    told: set[str] = set()
    return [each for each in found if each.kind == Subscription.Kind.WEBHOOK or _is_first(each.email, told)]


def _candidates(notice: Notice) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            SQL.subscriptions_of,
            {
                "event": notice.event.value,
                "city_id": notice.city_id,
                "report_id": notice.report_id,
                "area_id": notice.area_id,
                "category_id": notice.category_id,
                "place": notice.place.hexewkb.decode() if notice.place is not None else None,
            },
        )
        return cursor.fetchall()


def _is_first(email: str, told: set[str]) -> bool:
    address = email.lower()
    is_first = address not in told
    told.add(address)
    return is_first
