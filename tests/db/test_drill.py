"""A drill is set up beside what is real, or says why it cannot be."""

from dataclasses import replace
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from geo.areas.models import City
from geo.demo.drill import DrillError, set_up
from geo.models import (
    Channel,
)
from sensors.models import Datastream, Thing
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import write_observations
from tests.db.drills import SCENARIO, begin, river_city
from tests.factories import (
    NOW,
    make_channel,
    make_thing,
)
from tests.sensor_factories import columns_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> City:
    return river_city()


def test_a_thing_of_the_drill_stands_beside_the_one_it_stands_for_and_measures_what_is_played(city: City) -> None:
    drill = begin(city)
    twin, real = Thing.objects.get(slug="drill-river-p2c"), Thing.objects.get(slug="river-p2c")
    assert (twin.name, twin.is_exercise, twin.is_simulated) == ("[LATIHAN] P2C", True, True)
    assert (twin.properties["basin"], twin.properties["exercise"]["stands_for"]) == ("Bekasi", "river-p2c")
    assert twin.locations.get().location == real.locations.get().location
    stream = twin.datastreams.get()
    assert (stream.unit_ucum, stream.expected_interval_s, stream.plausible_max) == ("cm", 600, 1500.0)
    assert drill.datastream_ids == (stream.pk,)
    assert drill.played_s == -1


def test_the_scenario_began_so_long_ago_that_it_ends_when_it_has_been_played(city: City) -> None:
    """Two hours at 60 times take two minutes: from 05:00 it ends at 05:02."""
    assert begin(city).starts_at == NOW - timedelta(hours=1, minutes=58)


def test_of_more_hours_than_the_scenario_has_all_are_played(city: City) -> None:
    assert begin(city, hours=20.0).hours == 2.0


def test_set_up_again_it_is_the_same_drill(city: City) -> None:
    first = begin(city, seed=7)
    again = begin(city, now=NOW + timedelta(hours=3))
    assert replace(again, played_s=first.played_s) == first
    assert Thing.objects.filter(is_exercise=True).count() == 1


def test_what_is_stored_says_up_to_where_it_was_played(city: City) -> None:
    drill = begin(city)
    ensure_partitions({date(2026, 3, 1)})
    stream = Datastream.objects.get(pk=drill.datastream_ids[0])
    write_observations(
        columns_of((stream, drill.at(600).isoformat(), 150.0), (stream, drill.at(1200).isoformat(), 180.0))
    )
    assert begin(city).played_s == 1200


@pytest.mark.parametrize("other", [{"seed": 2}, {"hours": 1.0}])
def test_another_drill_beside_the_one_that_is_there_is_refused(city: City, other: dict[str, Any]) -> None:
    begin(city)
    with pytest.raises(DrillError, match=r"a drill is there already \(flood, seed 1, 2 h\)"):
        begin(city, **other)


def test_a_city_that_lacks_what_is_played_is_told_so_and_nothing_is_made(city: City) -> None:
    Thing.objects.get(slug="river-p2c").delete()
    with pytest.raises(DrillError, match="there is no thing 'river-p2c'"):
        begin(city)
    assert (Thing.objects.count(), Channel.objects.filter(slug="drill").count()) == (0, 0)


def test_a_thing_that_does_not_measure_what_is_played_is_named(city: City) -> None:
    Datastream.objects.all().delete()
    with pytest.raises(DrillError, match="'river-p2c' does not measure river_level"):
        begin(city)


def test_a_category_that_is_not_there_is_named(city: City) -> None:
    with pytest.raises(DrillError, match="there is no category genangan"):
        set_up(replace(SCENARIO, bursts=(replace(SCENARIO.bursts[0], category="genangan"),)), city, now=NOW, speed=60.0)


def test_a_real_thing_or_channel_of_its_name_is_left_alone(city: City) -> None:
    real = make_channel("drill")
    with pytest.raises(DrillError, match="a real channel is called 'drill'"):
        begin(city)
    Channel.objects.filter(pk=real.pk).delete()
    make_thing("drill-river-p2c")
    with pytest.raises(DrillError, match="a real thing is called 'drill-river-p2c'"):
        begin(city)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["storm"], "there is no drill 'storm' for kota-uji; there is: none"),
        (["../../bekasi/drills/flood"], "there is no drill"),
        (["flood", "--speed", "0.5"], "--speed takes a number from 1 to 100000"),
        (["flood", "--speed", "nan"], "--speed takes a number"),
        (["flood", "--hours", "0"], "--hours takes a number above 0"),
        (["flood", "--city", "nowhere"], "there is no city 'nowhere'"),
    ],
)
def test_a_command_that_cannot_be_followed_says_why(city: City, arguments: list[str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        call_command("drill", *arguments)


def test_without_a_drill_there_is_nothing_to_remove_and_no_harm_in_asking(city: City) -> None:
    said = StringIO()
    call_command("drill", "flood", "--remove", stdout=said)
    assert said.getvalue() == "There is no drill: nothing to remove.\n"
