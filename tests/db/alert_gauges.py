"""Gauges of the first of March, their readings, and rules over them."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.utils.dateparse import parse_datetime

from geo.areas.models import City
from geo.models import Alert, AlertEvent, AlertRule
from geo.placement.services import place_things
from sensors.models import Datastream
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import write_observations
from tests.alerts import evaluate_alerts
from tests.factories import NOW, make_city, make_datastream, make_thing
from tests.sensor_factories import columns_of

SIAGA = [{"name": "Siaga 3", "from": 351}, {"name": "Siaga 2", "from": 451}, {"name": "Siaga 1", "from": 551}]
MIDNIGHT = NOW - timedelta(hours=5)


@pytest.fixture
def city() -> City:
    return make_city()


def gauge(slug: str = "river-p2c", code: str = "river_level", **more: Any) -> Any:
    """A datastream of a gauge in the west of the city, a value each 10 minutes."""
    properties = more.pop("properties", {})
    thing = make_thing(slug, name=slug.title(), properties=properties, **more)
    stream = make_datastream(thing, code, unit_ucum="cm", expected_interval_s=600)
    place_things()
    return stream


def rule(city: City, **more: Any) -> AlertRule:
    values = {
        "authority": "KP2C", "observed_property": "river_level", "unit": "cm", "levels": SIAGA, "active_since": MIDNIGHT,
        **more,
    }  # fmt: skip
    return AlertRule.objects.create(city=city, **values)


def at(clock: str) -> datetime:
    """A time of the first of March, in UTC."""
    moment = parse_datetime(f"2026-03-01T{clock}:00Z")
    assert moment is not None
    return moment


def measured(stream: Any, *values: tuple[str, float], quality: int = 0) -> None:
    """(time of the first of March, value) each."""
    ensure_partitions({date(2026, 3, 1)})
    write_observations(columns_of(*((stream, f"2026-03-01T{t}:00Z", value) for t, value in values), quality=quality))


def log_of(alert: Alert) -> list[tuple[str, str, int | None]]:
    """(time, action, new level)."""
    lines = AlertEvent.objects.filter(alert=alert).order_by("id")
    return [(f"{line.at:%H:%M}", line.action, line.new_level) for line in lines]


def open_alert(city: City, **more: Any) -> Alert:
    rule(city, **more)
    measured(gauge(), ("04:50", 400.0))
    evaluate_alerts(NOW)
    return Alert.objects.get()


def stream_of(alert: Alert) -> Any:
    return Datastream.objects.get(pk=alert.datastream_id)
