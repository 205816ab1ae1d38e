"""The sensors that the tests of reading look at."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.contrib.gis.geos import Point

from sensors.models import Datastream, Sensor, Thing, ThingLocation
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import write_observations
from tests.sensor_factories import columns_of, make_property


@dataclass(frozen=True, slots=True)
class Post:
    """A river post with two datastreams, moved once; ids."""

    thing: int
    level: int
    rain: int
    sensor: int
    first_place: int
    place: int


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def city_of_sensors() -> Post:
    """Levels 1.5 at 00:00, 2 at 01:00 (both where the post first stood) and 3.25 on the 2nd, where it stands now."""
    ensure_partitions([date(2026, 2, 1), date(2026, 3, 1)])
    thing = Thing.objects.create(
        slug="katulampa", name="Pos Air Katulampa", description="Di jembatan", properties={"owner": "BBWS"}
    )
    first = ThingLocation.objects.create(
        thing=thing, location=Point(106.8, -6.5), valid_from=at(1), valid_to=at(2), properties={"bank": "left"}
    )
    now = ThingLocation.objects.create(thing=thing, name="Katulampa", location=Point(106.9, -6.6), valid_from=at(2))
    sensor = Sensor.objects.create(name="Ultrasonic", metadata="https://example.org/u.pdf")
    level = make_property(
        "water_level", name_id="Tinggi muka air", name_en="Water level", definition="https://example.org/level"
    )
    levels = Datastream.objects.create(
        thing=thing, sensor=sensor, observed_property=level, unit_ucum="cm", unit_name="centimetre"
    )
    rain = Datastream.objects.create(thing=thing, observed_property=make_property("rain"), unit_ucum="mm")
    write_observations(
        columns_of(
            (levels, "2026-03-01T00:00:00Z", 1.5),
            (levels, "2026-03-01T01:00:00Z", 2.0),
            (levels, "2026-03-02T00:00:00Z", 3.25),
        )
    )
    write_observations(columns_of((rain, "2026-03-01T00:30:00.5Z", -999.0), quality=1))
    return Post(thing.pk, levels.pk, rain.pk, sensor.pk, first.pk, now.pk)
