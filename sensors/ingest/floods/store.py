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
from sensors.ingest.limits import DeviceLimits, Sorted, owner
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
        read, unread = self._read(messages, now, now_s)
        short = self._limits.overdrawn(read, now=now, now_s=now_s)
        if short:
            short -= DeviceLimit.objects.unlimited(short, now)
        done = self._limits.sort(read, short, now=now, now_s=now_s) if short else Sorted(read)
        outcome = super().store(done.within)
        # After the others: where this fails, it comes again with them, and they are repeats then.
        return outcome + self._refuse(done.beyond, unread, now) if done.beyond or unread else outcome

    def _read(
        self, messages: Sequence[Message], now: datetime, now_s: float
    ) -> tuple[Sequence[Message], Sequence[Message]]:
        """All decoded, and those that are not worth it: of a device in debt, of which enough was kept to see what it sends.

        A large message costs a twentieth of a second to decode, and whoever floods sends thousands of them.
        """
        owners = {owner(message.topic) for message in messages if message.decoded is None} - {""}
        refused = {
            thing
            for thing in owners
            if self._kept_so_far(thing, now) >= KEPT_PER_MINUTE and self._limits.is_in_debt(thing, now_s=now_s)
        }
        if refused:
            refused -= DeviceLimit.objects.unlimited(refused, now)
        read, unread = [], []
        for message in messages:
            if message.decoded is None:
                if owner(message.topic) in refused and not message.redelivered:
                    unread.append(message)
                    continue
                message.decoded = self.registry.decode(message.topic, message.payload)
            read.append(message)
        return read, unread

    def _refuse(self, beyond: Mapping[str, Sequence[Message]], unread: Sequence[Message], now: datetime) -> Outcome:
        messages = [message for of_thing in beyond.values() for message in of_thing]
        rejected: list[Quarantined] = []
        # What was not even read counts as one.
        refused = Counter(_name(owner(message.topic)) for message in unread)
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
            self._count(outcome, [*messages, *unread], kept, +counted_only)
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
