"""The quarantine: what could not be stored is kept whole, and fed again once the cause is mended."""

from collections import Counter
from collections.abc import Iterable, Sequence

from django.db import connection

from sensors.ingest.batch import Message, Quarantined
from sensors.ingest.decoders import Rejection
from sensors.ingest.models import RejectedMessage
from sensors.ingest.topics import DATASTREAMS, parse_topic

# A slug has at most 64; of a longer name no thing is registered.
THING_CHARACTERS = 100
# Of what is too large for one message only the beginning is kept, and it is not fed again.
KEPT_BYTES = 65_536

# One row per reject written: its reason. The join is one pass over the quarantine, however many are to be compared.
_INSERT_UNLESS_THERE = """
INSERT INTO sensors_rejectedmessage (topic, payload, reason, detail, thing, received_at)
SELECT topic, payload, reason, detail, thing, received_at
FROM unnest(%(topics)s::text[], %(payloads)s::bytea[], %(reasons)s::text[], %(details)s::text[], %(things)s::text[],
            %(received_at)s::timestamptz[])
    AS i(topic, payload, reason, detail, thing, received_at)
WHERE NOT EXISTS (
    SELECT FROM sensors_rejectedmessage r
    WHERE r.replayed_at IS NULL AND r.reason = i.reason AND r.topic = i.topic AND r.payload = i.payload
)
RETURNING reason
"""


def quarantine(messages: Sequence[Message], rejected: Iterable[Quarantined]) -> Counter[str]:
    """Keeps the rejected; the number of rows written, by reason.

    What may have come before (redelivered after a crash between commit and acknowledgement) is written only if it does not
    lie there already: a crash must not make two rejects of one.
    """
    first_time: list[RejectedMessage] = []
    again: list[RejectedMessage] = []
    for item in rejected:
        message = messages[item.message_index]
        (again if message.redelivered else first_time).append(_row(item, message))
    RejectedMessage.objects.bulk_create(first_time, batch_size=1000)
    kept = Counter(row.reason for row in first_time)
    return kept + _insert_unless_there(again) if again else kept


def _row(item: Quarantined, message: Message) -> RejectedMessage:
    rejection = item.rejection
    return RejectedMessage(
        topic=storable(rejection.topic),
        payload=rejection.payload[:KEPT_BYTES],
        reason=rejection.reason.value,
        detail=storable(rejection.detail),
        thing=thing_of(rejection),
        received_at=message.received_at,
    )


def thing_of(rejection: Rejection) -> str:
    """The slug of the thing that a rejected message is of; "" where neither the decoder nor the topic tells."""
    topic = None if rejection.thing else parse_topic(rejection.topic)
    thing = topic.thing if topic else rejection.thing
    return "" if thing == DATASTREAMS else storable(thing)[:THING_CHARACTERS]


def storable(text: str) -> str:
    """As PostgreSQL can keep it: its text takes no NUL, and UTF-8 no half of a surrogate pair; a JSON key may hold both."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _insert_unless_there(rows: Sequence[RejectedMessage]) -> Counter[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT_UNLESS_THERE,
            {
                "topics": [row.topic for row in rows],
                "payloads": [row.payload for row in rows],
                "reasons": [row.reason for row in rows],
                "details": [row.detail for row in rows],
                "things": [row.thing for row in rows],
                "received_at": [row.received_at for row in rows],
            },
        )
        return Counter(reason for (reason,) in cursor.fetchall())
