"""The quarantine: what could not be stored is kept whole, and fed again once the cause is mended."""

from collections.abc import Iterable, Sequence

from django.db import connection

from sensors.ingest.batch import Message, Quarantined
from sensors.ingest.models import RejectedMessage

# Of what is too large for one message only the beginning is kept, and it is not fed again.
KEPT_BYTES = 65_536

# One row per reject written. The join is one pass over the quarantine, however many are to be compared.
_INSERT_UNLESS_THERE = """
INSERT INTO sensors_rejectedmessage (topic, payload, reason, detail, received_at)
SELECT topic, payload, reason, detail, received_at
FROM unnest(%(topics)s::text[], %(payloads)s::bytea[], %(reasons)s::text[], %(details)s::text[], %(received_at)s::timestamptz[])
    AS i(topic, payload, reason, detail, received_at)
WHERE NOT EXISTS (
    SELECT FROM sensors_rejectedmessage r
    WHERE r.replayed_at IS NULL AND r.reason = i.reason AND r.topic = i.topic AND r.payload = i.payload
)
"""


def quarantine(messages: Sequence[Message], rejected: Iterable[Quarantined]) -> int:
    """Keeps the rejected; the number of rows written.

    What may have come before (redelivered after a crash between commit and acknowledgement) is written only if it does not
    lie there already: a crash must not make two rejects of one.
    """
    first_time: list[RejectedMessage] = []
    again: list[RejectedMessage] = []
    for item in rejected:
        message = messages[item.message_index]
        (again if message.redelivered else first_time).append(_row(item, message))
    RejectedMessage.objects.bulk_create(first_time, batch_size=1000)
    return len(first_time) + (_insert_unless_there(again) if again else 0)


def _row(item: Quarantined, message: Message) -> RejectedMessage:
    rejection = item.rejection
    return RejectedMessage(
        topic=_storable(rejection.topic),
        payload=rejection.payload[:KEPT_BYTES],
        reason=rejection.reason.value,
        detail=_storable(rejection.detail),
        received_at=message.received_at,
    )


def _storable(text: str) -> str:
    # PostgreSQL's text takes no NUL, and UTF-8 no half of a surrogate pair; a JSON key may hold both.
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _insert_unless_there(rows: Sequence[RejectedMessage]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT_UNLESS_THERE,
            {
                "topics": [row.topic for row in rows],
                "payloads": [row.payload for row in rows],
                "reasons": [row.reason for row in rows],
                "details": [row.detail for row in rows],
                "received_at": [row.received_at for row in rows],
            },
        )
        return int(cursor.rowcount)
