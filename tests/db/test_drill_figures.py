"""What is of an exercise counts nowhere: each figure and each layer answers as if there were none, staff included."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from geo.areas.models import City
from geo.models import Alert, AlertRule, Closing, Report, ResultSet
from geo.operations.incidents.services import open_incident
from geo.reports.access.principals import Principal
from sensors import published
from sensors.models import Datastream
from sensors.observations.partitions import ensure_partitions
from sensors.observations.rollups import refresh_all_rollups
from sensors.observations.writer import write_observations
from tests.alerts import evaluate_alerts
from tests.factories import (
    NOW,
    centre,
    make_agency,
    make_category,
    make_channel,
    make_city,
    make_datastream,
    make_report,
)
from tests.factories import make_thing as make_place
from tests.sensor_factories import columns_of

pytestmark = pytest.mark.django_db

CITY = "city=kota-uji"
PERIOD = "start=2026-02-25&end=2026-03-02"
FIGURES = [
    f"/api/board/?{CITY}&{PERIOD}",
    f"/api/board/agencies/?{CITY}&{PERIOD}",
    f"/api/board/categories/?{CITY}&{PERIOD}",
    f"/api/board/channels/?{CITY}&{PERIOD}",
    f"/api/board/areas/?{CITY}&{PERIOD}",
    f"/api/board/closings/?{CITY}&{PERIOD}",
    f"/api/duty/situation/?{CITY}",
    f"/api/brief/?{CITY}&week=2026-W09",
    f"/api/reports/summary/?{CITY}",
    f"/api/reports/export.csv?{CITY}",
    f"/api/channels/?{CITY}",
    f"/api/analysis/districts/kota-uji.1/?{PERIOD}",
    f"/api/analysis/matrix/?{CITY}&{PERIOD}",
    f"/api/analysis/density-grid/?{CITY}&{PERIOD}",
    f"/api/analysis/events/?{CITY}&thing=river-p2c&property=river_level&threshold=300&radius_m=8000&{PERIOD}",
    f"/layers/reports.geojson?{CITY}",
    f"/layers/incidents.geojson?{CITY}&{PERIOD}",
    f"/layers/sensors.geojson?{CITY}",
    f"/layers/cities.geojson?{CITY}",
    f"/layers/districts.geojson?{CITY}",
    f"/layers/subdistricts.geojson?{CITY}",
    f"/layers/density.geojson?{CITY}&{PERIOD}",
    f"/layers/surface.geojson?{CITY}&{PERIOD}",
    f"/layers/hotspots.geojson?{CITY}&level=kelurahan&{PERIOD}",
    f"/layers/clusters.geojson?{CITY}&level=kelurahan&{PERIOD}",
    f"/layers/emerging.geojson?{CITY}&level=kelurahan&{PERIOD}",
    f"/layers/correlation.geojson?{CITY}&property=river_level&{PERIOD}",
    f"/layers/bivariate.geojson?{CITY}&property=river_level&{PERIOD}",
]
# Which may differ by the moment of asking, and by how often something was written, alone.
MOMENT = re.compile(rb'"(as_of|timeStamp|start)": ?"[^"]*"|"data_version": ?[0-9]+')


@pytest.fixture
def city() -> City:
    city = make_city(districts=4)
    make_agency(city, "bpbd", make_category("banjir"))
    make_datastream(
        make_place("river-p2c", location=centre("kota-uji.1.1")), "river_level", unit_ucum="cm", expected_interval_s=600
    )
    AlertRule.objects.create(
        city=city, authority="KP2C", observed_property="river_level", unit="cm", thing="river-p2c",
        levels=[{"name": "Siaga 3", "from": 351}], active_since=NOW - timedelta(hours=5), category=make_category("banjir"),
    )  # fmt: skip
    tell(make_channel("web"), "kota-uji.1.1", 5)
    tell(make_channel("web"), "kota-uji.3.2", 3)
    measure(Datastream.objects.get(thing__slug="river-p2c"), 300.0)
    return city


def tell(channel: Any, area: str, n: int) -> list[Report]:
    return [
        make_report(
            channel=channel, category=make_category("banjir"), location=centre(area),
            now=NOW - timedelta(hours=30 + i), reported_at=NOW - timedelta(hours=30 + i),
        )
        for i in range(n)
    ]  # fmt: skip


def measure(stream: Any, value: float) -> None:
    ensure_partitions({date(2026, 2, 1), date(2026, 3, 1)})
    times = [(NOW - timedelta(minutes=10 * i)).isoformat() for i in range(1, 24)]
    write_observations(columns_of(*((stream, time, value + i) for i, time in enumerate(times))))
    refresh_all_rollups()


def happen(city: City, *, is_exercise: bool) -> None:
    """A flood: reports, one of them closed, a river that rises, its alert, and an incident."""
    channel = make_channel("drill", is_exercise=is_exercise)
    reports = tell(channel, "kota-uji.1.2", 7)
    Report.objects.filter(pk=reports[0].pk).update(status="resolved", closed_at=NOW, responded_at=NOW)
    Closing.objects.create(report=reports[0], closed_at=NOW, answered_at=NOW, is_done=True)
    if is_exercise:
        published.make_stand_ins({"river-p2c": {"river_level"}}, mark="[LATIHAN]", said={"scenario": "flood"})
        measure(Datastream.objects.get(thing__slug="drill-river-p2c"), 400.0)
    else:
        stream = make_datastream(
            make_place("river-2", location=centre("kota-uji.1.2")),
            "river_level",
            unit_ucum="cm",
            expected_interval_s=600,
        )
        measure(stream, 400.0)
        measure_again(Datastream.objects.get(thing__slug="river-p2c"))
    evaluate_alerts(NOW)
    open_incident(city=city, title="Banjir", reports=reports, by=Principal(is_superuser=True), now=NOW)


def measure_again(stream: Any) -> None:
    """Above the rule's level, between the readings that are there."""
    times = [(NOW - timedelta(minutes=10 * i + 5)).isoformat() for i in range(1, 12)]
    write_observations(columns_of(*((stream, time, 420.0) for time in times)))
    refresh_all_rollups()


def answer(client: Client, url: str) -> bytes:
    """Whole, and computed anew, but for the moment at which it was asked for."""
    ResultSet.objects.all().delete()
    response: Any = client.get(url, headers={"Accept-Language": "en"})
    content: bytes = b"".join(response.streaming_content) if response.streaming else response.content
    assert response.status_code == 200, content
    return MOMENT.sub(b"", content)


@pytest.fixture
def superuser(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("admin", password="x"))
    return client


def different(client: Client, before: dict[str, bytes]) -> set[str]:
    return {url for url in FIGURES if answer(client, url) != before[url]}


def test_every_figure_is_the_same_with_an_exercise_as_without(city: City, superuser: Client) -> None:
    before = {url: answer(superuser, url) for url in FIGURES}
    happen(city, is_exercise=True)
    assert Report.objects.filter(is_exercise=True).count() == 7
    assert Alert.objects.filter(is_exercise=True).count() == 1
    assert different(superuser, before) == set()


def test_the_same_in_earnest_changes_every_one(city: City, superuser: Client) -> None:
    before = {url: answer(superuser, url) for url in FIGURES}
    happen(city, is_exercise=False)
    assert different(superuser, before) == set(FIGURES)
