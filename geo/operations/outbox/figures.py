"""How what is to be sent out stands, for whoever runs the service."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from geo.operations.outbox.models import Destination, OutboxMessage


@dataclass(frozen=True, slots=True)
class OutboxFigures:
    """`waiting` are to be sent, the oldest since `waiting_since`; `given_up` will not be any more. By transport."""

    waiting: Mapping[str, int]
    given_up: Mapping[str, int]
    waiting_since: datetime | None
    failing_destinations: int


def outbox_figures() -> OutboxFigures:
    counted = (
        OutboxMessage.objects.filter(state__in=(OutboxMessage.State.PENDING, OutboxMessage.State.DEAD))
        .order_by()
        .values_list("state", "transport")
        .annotate(n=Count("pk"), since=Min("created_at"))
    )
    rows = list(counted)
    waiting = [(transport, n, since) for state, transport, n, since in rows if state == OutboxMessage.State.PENDING]
    return OutboxFigures(
        waiting={transport: n for transport, n, _since in waiting},
        given_up={transport: n for state, transport, n, _since in rows if state == OutboxMessage.State.DEAD},
        waiting_since=min((since for _transport, _n, since in waiting), default=None),
        failing_destinations=Destination.objects.filter(failures__gt=0).count(),
    )
