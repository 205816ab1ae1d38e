"""Dead letters: what a channel sent and could not be stored is kept as it came, and fed in again once the cause is mended."""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection as database
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from geo.channels.adapter import Item
from geo.channels.adapters import ADAPTERS
from geo.channels.intake import take_in
from geo.channels.models import ChannelConnection, DeadLetter
from geo.reports.models import Channel
from server.core.errors import Conflict
from server.core.sql import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
_BATCH = 500
_LONGEST_ID = 200
_LONGEST_REASON = 500


@dataclass(slots=True)
class Replayed:
    """What became of the letters: `read` is the sum of the others. `known`: their reports had been stored already."""

    read: int = 0
    stored: int = 0
    known: int = 0
    refused: int = 0


def keep_letters(channel: Channel, refused: Sequence[tuple[Item, str]], now: datetime) -> None:
    """Keeps what was refused, with the reasons; in the caller's transaction."""
    letters = {letter_id(item): (item, reason) for item, reason in refused}
    if not letters:
        return
    with database.cursor() as cursor:
        cursor.execute(
            QUERIES.keep_dead_letters,
            {
                "channel_id": channel.pk,
                "external_ids": list(letters),
                "payloads": [json.dumps(storable(item.payload)) for item, _reason in letters.values()],
                "reasons": [storable(reason)[:_LONGEST_REASON] for _item, reason in letters.values()],
                "now": now,
            },
        )


def close_letters(channel: Channel, external_ids: Sequence[str], now: datetime) -> int:
    """Marks the open letters of reports that are stored by now; returns how many."""
    letters = DeadLetter.objects.filter(channel=channel, replayed_at=None, external_id__in=external_ids)
    return letters.update(replayed_at=now)


def letter_id(item: Item) -> str:
    """By what a letter is known when the same thing comes again: its id, or a hash of what it is where that cannot be stored."""
    if 0 < len(item.external_id) <= _LONGEST_ID and item.external_id == storable(item.external_id):
        return item.external_id
    said = json.dumps(storable(item.payload), sort_keys=True)
    return "payload:" + hashlib.sha256(said.encode()).hexdigest()[:40]


def storable(value: Any) -> Any:
    """The same JSON without what PostgreSQL's has no room for: NUL, half characters, numbers that are none."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [storable(one) for one in value]
    if isinstance(value, dict):
        return {storable(str(name)): storable(one) for name, one in value.items()}
    return value


def replay_letters(
    letters: QuerySet[DeadLetter],
    *,
    clock: Callable[[], datetime] = timezone.now,
    on_progress: Callable[[int], object] | None = None,
) -> Replayed:
    """Feeds open letters in again. Those of reports that are stored now are marked; the others get their latest reason.

    Errors: Conflict where a letter's channel has no connection any more, by which it could be read.
    """
    replayed = Replayed()
    opened = letters.filter(replayed_at=None)
    for channel_id in opened.order_by("channel").values_list("channel", flat=True).distinct():
        connections = ChannelConnection.objects.select_related("channel__city", "default_category")
        connection = connections.filter(channel=channel_id).first()
        if connection is None:
            slug = Channel.objects.get(pk=channel_id).slug
            raise Conflict(_("The channel %(slug)s is not connected; connect it first.") % {"slug": slug})
        last = 0
        while batch := list(opened.filter(channel=channel_id, id__gt=last).order_by("id")[:_BATCH]):
            _replay_batch(connection, batch, clock(), replayed)
            last = batch[-1].pk
            if on_progress is not None:
                on_progress(len(batch))
    return replayed


def _replay_batch(connection: ChannelConnection, batch: list[DeadLetter], now: datetime, replayed: Replayed) -> None:
    adapter = ADAPTERS[connection.adapter]
    taken = take_in(connection, [adapter.item(letter.payload) for letter in batch], now=now)
    for letter, reason in zip(batch, taken.reasons, strict=True):
        if reason is None:
            letter.replayed_at = now
        else:
            letter.reason = storable(reason)[:_LONGEST_REASON]
    with transaction.atomic():
        DeadLetter.objects.bulk_update(batch, ["replayed_at", "reason"])
    replayed.read += len(batch)
    replayed.refused += sum(reason is not None for reason in taken.reasons)
    replayed.stored += taken.summary.stored
    replayed.known += taken.summary.repeated
