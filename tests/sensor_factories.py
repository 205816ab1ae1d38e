"""Things and readings for tests."""

import itertools
from datetime import UTC, datetime
from typing import Any

from sensors.ingest.batch import Message
from sensors.observations.columns import GOOD, TIMED_BY_DEVICE, Columns, microseconds
from sensors.observations.models import HourlyRollup
from sensors.registry.models import Datastream, ObservedProperty, Thing

NOON = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)  # in Jakarta
_numbers = itertools.count(1)


def make_property(code: str = "pm25", **more: Any) -> ObservedProperty:
    values = {"name_id": code, "name_en": code, "domain": "environment", **more}
    return ObservedProperty.objects.get_or_create(code=code, defaults=values)[0]


def make_datastream(thing: str = "", code: str = "pm25", **more: Any) -> Datastream:
    """A datastream; its thing and its observed property are made if they are not there."""
    slug = thing or f"thing-{next(_numbers)}"
    owner, _created = Thing.objects.get_or_create(slug=slug, defaults={"name": slug})
    return Datastream.objects.create(
        thing=owner, observed_property=make_property(code), **{"unit_ucum": "ug/m3", **more}
    )


def columns_of(*rows: tuple[Datastream, str, float], quality: int = GOOD) -> Columns:
    """Rows of (datastream, ISO time, result)."""
    columns = Columns()
    for datastream, time, result in rows:
        at = datetime.fromisoformat(time).astimezone(UTC)
        columns.append(datastream.pk, at, result, NOON, quality, TIMED_BY_DEVICE)
    return columns


def message(topic: str, payload: str | bytes, **more: Any) -> Message:
    return Message(
        topic, payload.encode() if isinstance(payload, str) else payload, **{"received_us": microseconds(NOON), **more}
    )


def rollups() -> dict[tuple[int, str], tuple[int, float, float, float]]:
    """(datastream id, hour) -> (n, sum, min, max), as the table has them."""
    return {
        (row.datastream_id, f"{row.hour:%Y-%m-%dT%H}"): (row.n, row.sum, row.min, row.max)
        for row in HourlyRollup.objects.all()
    }
