"""Unknown devices are noted where their readings are put into quarantine, in the same transaction."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from sensors.ingest.batch import Message, Quarantined
from sensors.ingest.decoders import Reading
from sensors.ingest.reasons import Reason
from sensors.ingest.rejects import quarantine, storable
from sensors.registry.naming import SLUG_CHARACTERS, slug_of
from server.core.sql import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
# Whoever may publish for any device could name a million of them, and a million properties of each.
MOST_PENDING = 5_000
MOST_NAMES = 50
LONGEST_NAME = 64


@dataclass(slots=True)
class _Sighting:
    """What a batch shows of one unknown device."""

    topic: str = ""
    indices: set[int] = field(default_factory=set)
    times: list[datetime] = field(default_factory=list)
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, message_index: int, message: Message, reading: Reading) -> None:
        self.topic = storable(message.topic)
        self.indices.add(message_index)
        self.times.append(message.received_at)
        name = storable(reading.observed_property)
        if len(name) <= LONGEST_NAME and (name in self.seen or len(self.seen) < MOST_NAMES):
            at = reading.phenomenon_time or message.received_at
            self.seen[name] = {
                "result": reading.result,
                "unit": storable(reading.unit[:LONGEST_NAME]),
                "time": at.isoformat(),
            }


def keep_and_note(messages: Sequence[Message], rejected: Sequence[Quarantined]) -> Counter[str]:
    """The quarantine of readings on their way in: where PANTAU_AUTO_PROVISION says so, unknown devices are noted too."""
    kept = quarantine(messages, rejected)
    if rejected and settings.AUTO_PROVISION == "pending":
        note_unknown_devices(messages, rejected)
    return kept


def note_unknown_devices(messages: Sequence[Message], rejected: Sequence[Quarantined]) -> None:
    """One row for each, with its last values by their names; new ones only so many in an hour, and so many in all.

    A name that could be no thing's slug is left out: nobody could register it.
    """
    sightings: dict[str, _Sighting] = {}
    for item in rejected:
        reading = item.reading
        if reading is None or item.rejection.reason is not Reason.UNKNOWN_THING or not _could_be_slug(reading.thing):
            continue
        sighting = sightings.setdefault(reading.thing, _Sighting())
        sighting.add(item.message_index, messages[item.message_index], reading)
    if sightings:
        _write(sightings)


def _could_be_slug(text: str) -> bool:
    return len(text) <= SLUG_CHARACTERS and slug_of(text) == text


def _write(sightings: dict[str, _Sighting]) -> None:
    found = sightings.values()
    values: dict[str, Any] = {
        "slugs": list(sightings),
        "messages": [len(each.indices) for each in found],
        "topics": [each.topic for each in found],
        "seen": [json.dumps(each.seen) for each in found],
        "first_seen": [min(each.times) for each in found],
        "last_seen": [max(each.times) for each in found],
        "hour_ago": max(max(each.times) for each in found) - timedelta(hours=1),
        "most": MOST_PENDING,
        "most_per_hour": settings.PENDING_PER_HOUR,
        "most_names": MOST_NAMES,
    }
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.wait_for_others, values)
        # In a statement of its own, which sees what the others have added.
        cursor.execute(QUERIES.note, values)
