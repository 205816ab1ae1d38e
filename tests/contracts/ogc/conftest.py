"""One small town for all contract tests, and nothing remembered from one test to the next."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.core.cache import cache
from django.db import transaction

from geo.areas.models import City, PopulationFigure
from geo.models import Area, Report
from tests.factories import (
    centre,
    make_agency,
    make_category,
    make_channel,
    make_city,
    make_datastream,
    make_report,
    make_thing,
)

# name: (lon, lat, reported at, category, what else). In Jakarta (+07:00) a day begins at 17:00Z of the day before.
REPORTS: dict[str, tuple[float, float, str, str, dict[str, Any]]] = {
    "heap": (106.93, -6.25, "2026-02-27T16:59:59.999999Z", "sampah", {"description": "Sampah menumpuk di Jalan Merdeka"}),
    "flood": (106.96, -6.28, "2026-02-27T17:00:00Z", "banjir", {"description": "BANJIR setinggi lutut", "status": "resolved"}),
    "puddle": (106.975, -6.21, "2026-02-28T05:30:00Z", "genangan", {"description": "Genangan 100% macet", "support_count": 3}),
    "lamp": (107.01, -6.25, "2026-02-28T16:59:59Z", "lampu-jalan", {"description": "Lampu mati, cafe d'Été"}),
    "bin": (107.05, -6.22, "2026-02-28T17:00:00Z", "sampah", {"description": "Café tutup", "status": "rejected"}),
    "wish": (107.09, -6.29, "2026-03-01T04:00:00Z", "lampu-jalan", {"description": "", "kind": "aspirasi"}),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """A test's rows are rolled back, the data version with them; what was counted for them must not outlive them."""
    cache.clear()


@pytest.fixture(scope="module")
def _town_of_the_module(django_db_setup: None, django_db_blocker: Any) -> Iterator[City]:
    """Made once a module, since making it takes longer than most questions to it."""
    all_of_it = transaction.atomic()
    with django_db_blocker.unblock():
        all_of_it.__enter__()
        city = make_town()
    yield city
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        all_of_it.__exit__(None, None, None)


@pytest.fixture
def town(_town_of_the_module: City, db: Any) -> City:
    """A city of two districts with six reports and two datastreams, one of them never observed.

    What a test does to it is undone with the test's own savepoint.
    """
    return _town_of_the_module


@pytest.fixture
def reports(town: City) -> dict[str, str]:
    """Public ids of the town's reports by their names here."""
    return report_names()


def make_town() -> City:
    city = make_city()
    flood = make_category("banjir")
    categories = {
        "banjir": flood,
        "genangan": make_category("genangan", parent=flood),
        "sampah": make_category("sampah"),
        "lampu-jalan": make_category("lampu-jalan"),
    }
    make_agency(city, "dlh", categories["sampah"])
    for name, (lon, lat, at, category, more) in REPORTS.items():
        reported_at = datetime.fromisoformat(at)
        closed = {"closed_at": datetime(2026, 3, 1, tzinfo=UTC)} if more.get("status") == "resolved" else {}
        make_report(
            location=Point(lon, lat, srid=4326),
            category=categories[category],
            channel=make_channel("qlue" if name in ("lamp", "bin") else "web"),
            reported_at=reported_at,
            external_id=name,
            **more,
            **closed,
        )
    PopulationFigure.objects.create(
        area=Area.objects.get(code="kota-uji.1"), year=2020, population=20_000, source="census"
    )
    _measure()
    return city


def _measure() -> None:
    from sensors.models import Observation
    from sensors.observations.partitions import ensure_partitions

    air = make_datastream(make_thing("pos-udara", location=centre("kota-uji.1.1")), "pm25")
    make_datastream(make_thing("pos-air", location=centre("kota-uji.2.1")), "river_level", unit_ucum="cm")
    ensure_partitions({date(2026, 3, 1)})
    moment = datetime(2026, 3, 1, 1, tzinfo=UTC)
    Observation.objects.create(datastream=air, phenomenon_time=moment, result=35.0, received_at=moment)


def report_names() -> dict[str, str]:
    return dict(Report.objects.values_list("external_id", "public_id"))
