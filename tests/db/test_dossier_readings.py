"""Readings in the dossier of an area: whose they are, what they are held against, and what goes with them."""

from typing import Any

import numpy as np
import pytest

from geo.models import City
from sensors.models import ThingLocation
from tests.db.dossier_city import DAY, HERE, HOUR, START, THERE, compiled, gauge, reading, say, values
from tests.factories import centre, make_category, make_city

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> City:
    return make_city()


def test_an_area_without_things_takes_the_nearest_and_says_how_far(city: City) -> None:
    gauge("jauh", "kota-uji.2.2", "temperature", [30.0] * 24, unit_ucum="Cel")
    near = compiled(city, "kota-uji.1.1", max_distance_m=30_000.0)
    entry = reading(near, "temperature")
    assert entry["value_source"] == "nearest"
    # From 106.95 to 107.075 degrees east at 6.25 degrees south: 0.125 of 110.66 km.
    assert entry["things"][0]["distance_m"] == pytest.approx(13_833, rel=1e-3)
    far = compiled(city, "kota-uji.1.1")["readings"]
    assert (far["by_property"], far["not_measured"]) == ([], ["temperature"])
    assert far["air_quality"]["reason"] == "no_pollutant_measured"


def test_the_things_inside_come_before_nearer_ones_outside(city: City) -> None:
    gauge("dalam", HERE, "temperature", [30.0, 32.0, None, 34.0], unit_ucum="Cel")
    gauge("luar", THERE, "temperature", [10.0] * 4, unit_ucum="Cel")
    entry = reading(compiled(city, end=START + 4 * HOUR), "temperature")
    assert (entry["value_source"], [thing["thing"] for thing in entry["things"]]) == ("inside", ["dalam"])
    thing = entry["things"][0]
    assert values(thing, "mean", "max", "coverage") == [32.0, 34.0, 75.0]
    assert (thing["mean"]["n"], thing["coverage"]["reference"], thing["distance_m"]) == (3, 4, 0.0)


def test_a_citys_things_stay_out_of_another_citys_dossier(city: City) -> None:
    make_city("kota-lain", west=107.1)
    gauge("seberang", "kota-lain.1.1", "temperature", [10.0] * 4, unit_ucum="Cel")
    assert compiled(city, "kota-uji.2.2", max_distance_m=100_000.0)["readings"]["by_property"] == []


def test_the_air_is_indexed_by_day_and_by_its_worst_pollutant(city: City) -> None:
    # Three days of the city: PM2.5 of 15.5 (index 50), of 102.9 (150), then six hours only.
    gauge("udara", HERE, "pm25", [15.5] * 24 + [102.9] * 24 + [400.0] * 6)
    gauge("udara", HERE, "pm10", [100.0] * 72)
    gauge("udara", HERE, "co", [4.0] * 72, unit_ucum="mg/m3")
    air = compiled(city)["readings"]["air_quality"]
    (station,) = air["stations"]
    assert (air["source"], air["top"]) == ("P.14/MENLHK/SETJEN/KUM.1/7/2020", 500)
    # PM10 of 100 is index 75: the worst of the first and of the third day.
    assert station["days_by_category"] == {
        "baik": 0, "sedang": 2, "tidak_sehat": 1, "sangat_tidak_sehat": 0, "berbahaya": 0,
    }  # fmt: skip
    assert (station["worst"]["index"], station["worst"]["pollutant"]) == (150.0, "pm25")
    assert (station["latest"]["index"], station["latest"]["pollutant"]) == (75.0, "pm10")
    assert station["worst"]["day"] == "2026-01-05T17:00:00Z"
    assert station["refused"] == [{"property": "co", "unit": "mg/m3", "reason": "unit_not_indexed"}]


def test_the_top_of_the_air_index_is_as_it_is_set(city: City) -> None:
    gauge("udara", HERE, "pm25", [375.2] * 24)
    indices = [
        compiled(city, ispu_top=top)["readings"]["air_quality"]["stations"][0]["worst"]["index"] for top in (500, 400)
    ]
    assert indices == [400.0, 350.0]


def test_alert_levels_are_those_that_are_configured(city: City) -> None:
    levels = [{"name": "Siaga 3", "from": 351}, {"name": "Siaga 2", "from": 451}, {"name": "Siaga 1", "from": 551}]
    kp2c = {"authority": "KP2C", "observed_property": "river_level", "unit": "cm", "levels": levels}
    metres = {**kp2c, "authority": "BBWS", "unit": "m"}
    gauge(
        "p2c",
        HERE,
        "river_level",
        [300.0, 351.0, 460.0, 400.0],
        unit_ucum="cm",
        properties={"alert_levels": [kp2c, metres]},
    )
    ours, theirs = reading(compiled(city), "river_level")["things"][0]["limits"]
    assert [(level["name"], level["hours"]["value"]) for level in ours["levels"]] == [
        ("Siaga 3", 3),
        ("Siaga 2", 1),
        ("Siaga 1", 0),
    ]
    assert (ours["authority"], ours["highest_level"], ours["latest_level"]) == ("KP2C", "Siaga 2", None)
    assert (theirs["authority"], theirs["reason"]) == ("BBWS", "unit_differs")


@pytest.mark.parametrize(
    ("configured", "reason"),
    [({}, "no_alert_levels_configured"), ({"alert_levels": [{"authority": "?"}]}, "alert_levels_unreadable")],
)
def test_without_alert_levels_there_is_no_verdict(city: City, configured: dict[str, Any], reason: str) -> None:
    gauge("p2c", HERE, "river_level", [300.0], unit_ucum="cm", properties=configured)
    (limit,) = reading(compiled(city), "river_level")["things"][0]["limits"]
    assert (limit["authority"], limit["reason"]) == (None, reason)


def test_noise_has_a_verdict_only_where_the_use_of_the_land_is_configured(city: City) -> None:
    # The mean energy of 50 and 60 dB is 10 log10((10^5 + 10^6) / 2) = 57.4036 dB.
    gauge("rumah", "kota-uji.1.1", "noise", [50.0, 60.0], unit_ucum="dB[SPL]", properties={"land_use": "housing"})
    gauge("pasar", "kota-uji.1.2", "noise", [50.0, 60.0], unit_ucum="dB[SPL]")
    things = {thing["thing"]: thing["limits"][0] for thing in reading(compiled(city), "noise")["things"]}
    assert (things["rumah"]["limit"], things["rumah"]["exceeds"]) == (55.0, True)
    assert things["rumah"]["energy_mean"]["value"] == pytest.approx(57.4036)
    assert things["rumah"]["hours_above"]["value"] == 1
    assert (things["pasar"]["limit"], things["pasar"]["exceeds"]) == (None, None)
    assert things["pasar"]["reason"] == "no_land_use_configured"
    assert things["pasar"]["source"] == "Kep-48/MENLH/11/1996"


def test_rain_is_classed_by_day_of_the_city(city: City) -> None:
    gauge("hujan", HERE, "rain", [1.0] * 24 + [0.0] * 24 + [5.0] * 3, unit_ucum="mm", aggregate="sum")
    thing = reading(compiled(city), "rain")["things"][0]
    (limit,) = thing["limits"]
    # Each hour holds two values of 1 mm.
    assert {name: n for name, n in limit["days_by_class"].items() if n} == {"cloudy": 1, "moderate": 1}
    assert (limit["days"]["value"], limit["incomplete_days"]) == (2, 1)
    assert (thing["total"]["value"], thing["max"]["value"], thing["max"]["unit"]) == (78.0, 48.0, "mm/d")


def test_the_strongest_correlations_have_their_uncertainty(city: City) -> None:
    """Reports come three hours after each rise of the river; nobody complains of rubbish."""
    rng = np.random.default_rng(7)
    level = rng.normal(size=40 * 24)
    gauge("p2c", HERE, "river_level", [200 + 20 * v for v in level], unit_ucum="cm")
    make_category("sampah")
    below = make_category("banjir-rob", parent=make_category("banjir"))
    times = [START + (i + 3) * HOUR for i, v in enumerate(level) for _ in range(int(v > 0.5) * 3 + (i % 5 == 0))]
    say(city, HERE, times, category=below.slug)
    found = compiled(city, end=START + 40 * DAY)["correlations"]
    assert (found["interval"], found["tests"], found["reason"]) == ("hour", 1, None)
    (pair,) = found["pairs"]
    assert (pair["category"], pair["property"], pair["lag"]["value"]) == ("banjir", "river_level", 3)
    assert 0.3 < pair["coefficient"]["low"] < pair["coefficient"]["value"] < pair["coefficient"]["high"] < 1.0
    assert pair["q"] < 0.01
    assert (pair["value_source"], pair["things"]) == ("inside", ["p2c"])


def test_with_nothing_in_common_there_are_no_correlations(city: City) -> None:
    say(city, HERE, [START])
    assert compiled(city)["correlations"]["reason"] == "nothing_to_correlate"
    gauge("p2c", HERE, "river_level", [200.0] * 5, unit_ucum="cm")
    found = compiled(city)["correlations"]
    assert (found["pairs"], found["tests"], found["reason"]) == ([], 0, "too_little_in_common")


def test_what_a_thing_measured_before_it_was_moved_stays_where_it_stood(city: City) -> None:
    datastream = gauge("pindah", HERE, "temperature", [20.0] * 10 + [40.0] * 10, unit_ucum="Cel")
    moved = START + 10 * HOUR
    ThingLocation.objects.filter(thing=datastream.thing).update(valid_to=moved)
    ThingLocation.objects.create(thing=datastream.thing, location=centre(THERE), valid_from=moved)
    means = [values(reading(compiled(city, code), "temperature")["things"][0], "mean", "max") for code in (HERE, THERE)]
    assert means == [[20.0, 20.0], [40.0, 40.0]]


def test_one_value_a_day_is_a_whole_day_of_what_comes_daily(city: City) -> None:
    daily = [12.0 if i % 24 == 8 else None for i in range(72)]
    gauge("hujan", HERE, "rain", daily, unit_ucum="mm", aggregate="sum", expected_interval_s=86_400)
    thing = reading(compiled(city, end=START + 4 * DAY), "rain")["things"][0]
    # Each holds two values of 12 mm; three of four days have one.
    assert thing["limits"][0]["days_by_class"]["moderate"] == 3
    assert values(thing, "total", "mean", "max", "coverage") == [72.0, 24.0, 24.0, 75.0]
