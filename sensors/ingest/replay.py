"""The quarantine fed again, by the same path that messages take."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Max, Q, QuerySet

from sensors.ingest.batch import Message, Quarantined
from sensors.ingest.models import RejectedMessage
from sensors.ingest.reasons import Reason
from sensors.ingest.rejects import quarantine, storable, thing_of
from sensors.ingest.store import Outcome, Store
from sensors.observations.columns import microseconds

CHUNK = 1_000


@dataclass(slots=True)
class RejectedAgain(Message):
    """A message out of the quarantine, with its row there."""

    row_id: int = 0


def open_rejects(*, reasons: Iterable[Reason] = (), thing: str = "") -> QuerySet[RejectedMessage]:
    """What lies in quarantine and can be fed again: of what was too large only the beginning is kept."""
    rejects = RejectedMessage.objects.filter(replayed_at=None).exclude(reason=Reason.TOO_LARGE)
    if chosen := [reason.value for reason in reasons]:
        rejects = rejects.filter(reason__in=chosen)
    if thing:
        # Where the decoder could not tell, one level of the topic names it, as most rules have it.
        in_topic = Q(thing="", topic__regex=rf"(^|/){re.escape(thing)}(/|$)")
        rejects = rejects.filter(Q(thing=thing) | in_topic)
    return rejects


def replay_rejects(
    rejects: QuerySet[RejectedMessage], *, on_progress: Callable[[int], object] = lambda count: None
) -> Outcome:
    """Feeds them in the order in which they came; `quarantined` counts what is rejected again.

    A payload without a time keeps the time at which it was first received. Each chunk is a transaction: what is broken off
    goes on where it stopped. Two replays at once do no harm, since storing twice does none.
    """
    store = Store(keep=_settle)
    store.refresh()
    total = Outcome()
    # What is rejected again in part comes back as new rows: they wait for the next replay.
    last = rejects.aggregate(last=Max("id"))["last"] or 0
    done = 0
    while chunk := list(rejects.filter(id__gt=done, id__lte=last).order_by("id")[:CHUNK]):
        total += store.store([_message(row) for row in chunk])
        done = chunk[-1].id
        on_progress(len(chunk))
    return total


def _message(row: RejectedMessage) -> RejectedAgain:
    return RejectedAgain(row.topic, bytes(row.payload), microseconds(row.received_at), row_id=row.id)


def _settle(messages: Sequence[Message], rejected: Sequence[Quarantined]) -> Counter[str]:
    """Marks as replayed what is no longer rejected whole; what is, keeps its place with the reason of today."""
    rejections = defaultdict(list)
    for item in rejected:
        rejections[item.message_index].append(item)
    settled = []
    for index, message in enumerate(messages):
        assert isinstance(message, RejectedAgain)
        match rejections[index]:
            case [Quarantined(rejection=only)] if only.payload == message.payload and only.topic == message.topic:
                RejectedMessage.objects.filter(pk=message.row_id).update(
                    reason=only.reason, detail=storable(only.detail), thing=thing_of(only)
                )
            case elements:
                quarantine(messages, elements)
                settled.append(message.row_id)
    RejectedMessage.objects.filter(pk__in=settled).update(replayed_at=datetime.now(UTC))
    return Counter(item.rejection.reason.value for item in rejected)
