"""The outbox: what has to leave is written down in the transaction that is its reason, so that neither happens without the other."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from geo.operations.outbox.models import OutboxMessage


def enqueue(
    *,
    transport: str,
    destination: str,
    topic: str,
    payload: Mapping[str, Any],
    now: datetime,
    ordering_key: str = "",
    give_up_at: datetime | None = None,
) -> OutboxMessage:
    """Writes one message down, in the caller's transaction; `manage deliver` sends it once that is committed.

    `transport` names who sends it (geo.operations.outbox.transports). `destination` is what is up or down as a whole ("channel:qlue").
    Messages of one `ordering_key` reach their destination in the order in which they were written. `payload` must hold no
    personal data. `give_up_at` is when nobody will care any more; seven days after `now` unless said otherwise.
    """
    assert connection.in_atomic_block, "an outbox message belongs into the transaction that is its reason"
    return OutboxMessage.objects.create(
        transport=transport,
        destination=destination,
        ordering_key=ordering_key,
        topic=topic,
        payload=dict(payload),
        created_at=now,
        next_attempt_at=now,
        give_up_at=give_up_at,
    )


def enqueue_many(messages: list[OutboxMessage]) -> None:
    """The same for many at once: unsaved messages, with their times set."""
    assert connection.in_atomic_block, "an outbox message belongs into the transaction that is its reason"
    OutboxMessage.objects.bulk_create(messages, batch_size=1000)
