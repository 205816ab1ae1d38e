"""A city with a river, a drill that is set up beside it, and what happens in a drill."""

from datetime import date, timedelta
from typing import Any

from django.contrib.auth.models import User

from geo.areas.models import City
from geo.demo.drill import set_up
from geo.demo.drill_scenario import Burst, Scenario, Series
from geo.models import (
    Alert,
    AlertRule,
    Report,
)
from geo.reports.access.principals import Principal, principal_of_user
from sensors.models import Datastream
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import write_observations
from tests.alerts import evaluate_alerts
from tests.factories import (
    NOW,
    make_agency,
    make_category,
    make_channel,
    make_city,
    make_datastream,
    make_report,
    make_thing,
)
from tests.sensor_factories import columns_of

SUPERUSER = Principal(is_superuser=True)
SCENARIO = Scenario(
    name="flood", city="kota-uji", title="A flood", hours=2.0, step_s=600, mark="[LATIHAN]",
    series=(Series("river-p2c", "river_level", (0.0, 1.0, 2.0), (100.0, 400.0, 200.0)),),
    bursts=(Burst("Pasar", 106.93, -6.25, 100.0, "banjir", 0.5, 1.5, 4, ("Banjir di {place}.",)),),
)  # fmt: skip


def river_city() -> City:
    """With P2C, its rule from 351 cm on, and who deals with floods."""
    city = make_city()
    flood = make_category("banjir")
    make_agency(city, "bpbd", flood)
    river = make_thing("river-p2c", name="P2C", properties={"basin": "Bekasi"})
    make_datastream(river, "river_level", unit_ucum="cm", expected_interval_s=600, plausible_max=1500.0)
    AlertRule.objects.create(
        city=city, authority="KP2C", observed_property="river_level", unit="cm", thing="river-p2c",
        levels=[{"name": "Siaga 3", "from": 351}], active_since=NOW - timedelta(hours=5), category=flood,
    )  # fmt: skip
    return city


def begin(city: City, **more: Any) -> Any:
    return set_up(SCENARIO, city, **{"now": NOW, "speed": 60.0, **more})


def tell(**more: Any) -> Report:
    """A report of the exercise."""
    return make_report(channel=make_channel("drill", is_exercise=True), category=make_category("banjir"), **more)


def rise() -> Alert:
    """The exercise's river is above Siaga 3, and the alert of it is open."""
    ensure_partitions({date(2026, 3, 1)})
    stream = Datastream.objects.get(thing__slug="drill-river-p2c")
    write_observations(columns_of((stream, "2026-03-01T04:50:00Z", 400.0)))
    evaluate_alerts(NOW)
    return Alert.objects.get(is_exercise=True)


def chief() -> Principal:
    """A superuser by name, as the history wants one."""
    user = User.objects.get_or_create(username="chief", defaults={"is_superuser": True, "is_staff": True})[0]
    return principal_of_user(user)
