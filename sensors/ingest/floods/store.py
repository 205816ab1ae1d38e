"""A store before which each device has its limit."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction

from sensors.ingest.batch import Message, Origin, Quarantined, quarantined
from sensors.ingest.floods.models import DeviceLimit
from sensors.ingest.floods.noting import (
    block,
    end_floods,
    note_floods,
    own_allowances,
    say_who_floods,
    usual_allowance,
)
from sensors.ingest.limits import DeviceLimits
from sensors.ingest.pending.noting import keep_and_note
from sensors.ingest.reasons import Reason
from sensors.ingest.rejects import THING_CHARACTERS, storable
from sensors.ingest.store import Keep, Outcome, Store

# Of a flood so many readings of each thing are kept in a minute, so that it can be seen what it sends; the others are counted.
KEPT_PER_MINUTE = 100


class LimitedStore(Store):
    """Stores what is within each device's limit, and refuses the rest: into quarantine as `flooding`, or only counted.

    Each worker counts for itself: where several share the load, a device may send that many times as much.
    """

    def __init__(self, slot: int | None = None, keep: Keep = keep_and_note) -> None:
        super().__init__(slot, keep)
        self._limits = DeviceLimits(usual_allowance())
        self._kept: Counter[str] = Counter()
        self._kept_minute = 0

    def refresh(self) -> None:
        super().refresh()
        self._limits.own = own_allowances()
        end_floods(datetime.now(UTC))

    def store(self, messages: Sequence[Message]) -> Outcome:
        now, now_s = datetime.now(UTC), time.monotonic()
        short = self._limits.overdrawn(messages, now=now, now_s=now_s)
        if short:
            short -= DeviceLimit.objects.unlimited(short, now)
        if not short:
            return super().store(messages)
        done = self._limits.sort(messages, short, now=now, now_s=now_s)
        outcome = super().store(done.within)
        # After the others: where this fails, it comes again with them, and they are repeats then.
        return outcome + self._refuse(done.beyond, now) if done.beyond else outcome

    def _refuse(self, beyond: Mapping[str, Sequence[Message]], now: datetime) -> Outcome:
        messages = [message for of_thing in beyond.values() for message in of_thing]
        rejected: list[Quarantined] = []
        refused: Counter[str] = Counter()
        index = 0
        for thing, of_thing in beyond.items():
            room = KEPT_PER_MINUTE - self._kept_so_far(thing, now)
            for message in of_thing:
                items = _rejections(index, message)[:room] if room else []
                rejected += items
                room -= len(items)
                self._kept[thing] += len(items)
                refused[_name(thing)] += readings_of(message)
                index += 1
        counted_only = Counter({Reason.FLOODING.value: refused.total() - len(rejected)})
        with transaction.atomic():
            kept = self._keep(messages, rejected)
            outcome = Outcome(repeated=len(rejected) - kept.total(), quarantined=kept.total() + counted_only.total())
            self._count(outcome, messages, kept, +counted_only)
            begins = note_floods(refused, now)
        say_who_floods(begins)
        if settings.FLOOD_BLOCK:
            block(refused, now)
        return outcome

    def _kept_so_far(self, thing: str, now: datetime) -> int:
        minute = int(now.timestamp() // 60)
        if minute != self._kept_minute:
            self._kept_minute = minute
            self._kept.clear()
        return self._kept[thing]


def _name(thing: str) -> str:
    """As the table can keep it: a gateway may speak of anything."""
    return storable(thing)[:THING_CHARACTERS]


def readings_of(message: Message) -> int:
    """How many readings a decoded message says or tries to say."""
    decoded = message.decoded
    return len(decoded.readings) + len(decoded.rejections) if decoded else 0


def _rejections(index: int, message: Message) -> list[Quarantined]:
    """Each of its readings as a message of its own; what could not be read keeps its own reason."""
    decoded = message.decoded
    assert decoded is not None
    is_alone = readings_of(message) == 1
    rejected = [
        quarantined(message, Origin(index, reading, is_alone), Reason.FLOODING, "its device sends more than its limit")
        for reading in decoded.readings
    ]
    return rejected + [Quarantined(index, rejection) for rejection in decoded.rejections]
