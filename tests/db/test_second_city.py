"""Bekasi (UTC+7) and Makassar (UTC+8) in one instance: each report in its city, each day the city's own, nothing leaks."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.gis.geos import Point
from django.core.management import call_command
from django.test import Client

from geo.models import Agency, Area, Category, Channel, City, PopulationFigure, Report
from geo.placement.services import rebuild_placements
from geo.reports.services import submit_report
from sensors.models import Datastream, ObservedProperty, Thing, ThingLocation
from server.core.errors import InvalidFields
from tests.db.squares import assert_placed_as_by_brute_force

DATA = Path(__file__).parents[1] / "data"
pytestmark = pytest.mark.django_db
BEKASI_POINT, MAKASSAR_POINT, AT_SEA = (107.0, -6.25), (119.42, -5.16), (112.0, -4.0)
NOW = datetime(2026, 2, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _two_cities(tmp_path: Path) -> None:
    """Bekasi down to its kecamatan, with one thing; Makassar from the tests' own fixture."""
    shutil.copytree(
        Path(settings.BASE_DIR) / "fixtures/bekasi",
        tmp_path / "bekasi",
        ignore=lambda *_: ["kelurahan.geojson", "things.csv", "alert_rules.json"],
    )
    call_command("load_fixtures", root=tmp_path, verbosity=0)
    call_command("load_fixtures", city="makassar", root=DATA, verbosity=0)
    thing = Thing.objects.create(slug="air-1", name="Air 1")
    ThingLocation.objects.create(thing=thing, location=Point(*BEKASI_POINT, srid=4326), valid_from=NOW)
    pm25 = ObservedProperty.objects.create(
        code="pm25", name_id="PM2.5", name_en="PM2.5", domain="environment", aggregate="mean"
    )
    Datastream.objects.create(thing=thing, observed_property=pm25, unit_ucum="ug/m3")


def submit(point: tuple[float, float], at: datetime, category: str = "sampah", **values: Any) -> Report:
    report, _new = submit_report(
        channel=Channel.objects.get(slug="web"),
        category=Category.objects.get(slug=category),
        now=NOW,
        location=Point(*point, srid=4326),
        reported_at=at,
        **values,
    )
    return report


def total(path: str, **query: str) -> int:
    answer = Client().get(path, query)
    assert answer.status_code == 200, answer.content
    return int(answer.json()["total"])


def features(path: str, **query: str) -> list[dict[str, Any]]:
    answer = Client().get(path, query)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    assert answer.status_code == 200, body
    return list(json.loads(body)["features"])


def test_each_city_has_its_own_tree_figures_agencies_and_channels():
    makassar, bekasi = City.objects.get(slug="makassar"), City.objects.get(slug="bekasi")
    assert (makassar.zone.key, makassar.metric_srid, bekasi.zone.key) == ("Asia/Makassar", 32750, "Asia/Jakarta")
    assert sorted(makassar.areas.values_list("code", flat=True)) == [
        "73.71",
        "73.71.91",
        "73.71.92",
        "73.71.93",
        "73.71.94",
    ]
    assert bekasi.areas.count() == 13
    assert Agency.objects.filter(slug="dlh").count() == 2
    assert Channel.objects.get(slug="lorong").city == makassar
    assert Category.objects.get(slug="sampah").city is None
    assert Category.objects.get(slug="sampah-kanal").city == makassar
    # An empty figure of the file is unknown, not zero.
    assert list(PopulationFigure.objects.filter(area__city=makassar).values_list("area__code", flat=True)) == ["73.71"]


def test_a_report_is_the_citys_in_which_it_lies_whichever_it_was_sent_to():
    bekasi, makassar = City.objects.get(slug="bekasi"), City.objects.get(slug="makassar")
    there = submit(MAKASSAR_POINT, NOW, city=bekasi)
    here = submit(BEKASI_POINT, NOW, city=makassar)
    lost = submit(AT_SEA, NOW, city=makassar)
    for report in (there, here, lost):
        report.refresh_from_db()
    assert (there.city, there.area.code, there.agency.city) == (makassar, "73.71.91", makassar)
    assert (here.city, here.area.city, here.agency.city) == (bekasi, bekasi, bekasi)
    assert (lost.city, lost.area, lost.location_flag) == (makassar, None, "outside")
    summary = rebuild_placements()
    assert (summary.reports, summary.reports_changed) == (3, 0)
    assert_placed_as_by_brute_force()


def test_a_category_of_one_city_is_not_taken_in_the_other():
    submit(MAKASSAR_POINT, NOW, category="sampah-kanal")
    with pytest.raises(InvalidFields):
        submit(BEKASI_POINT, NOW, category="sampah-kanal")


def test_rebuilding_one_city_leaves_the_reports_of_the_other_alone():
    makassar_report, bekasi_report = submit(MAKASSAR_POINT, NOW), submit(BEKASI_POINT, NOW)
    Report.objects.update(area=None)
    assert rebuild_placements(City.objects.get(slug="makassar")).reports_changed == 1
    makassar_report.refresh_from_db()
    bekasi_report.refresh_from_db()
    assert makassar_report.area is not None
    assert bekasi_report.area is None


def test_a_day_is_the_citys_own():
    """16:30 UTC on 31 January is 23:30 of that day in Bekasi, and 00:30 of 1 February in Makassar; half an hour earlier and later
    they agree again."""
    for at in (datetime(2026, 1, 31, 15, 59, 59, tzinfo=UTC), datetime(2026, 1, 31, 16, 30, tzinfo=UTC)):
        submit(BEKASI_POINT, at)
        submit(MAKASSAR_POINT, at)
    submit(BEKASI_POINT, datetime(2026, 1, 31, 17, tzinfo=UTC))
    submit(MAKASSAR_POINT, datetime(2026, 1, 31, 16, tzinfo=UTC))

    def of_day(city: str, day: str) -> int:
        return total("/api/reports/summary/", city=city, start=day, end=day)

    assert (of_day("bekasi", "2026-01-31"), of_day("bekasi", "2026-02-01")) == (2, 1)
    assert (of_day("makassar", "2026-01-31"), of_day("makassar", "2026-02-01")) == (1, 2)


def test_a_layer_of_one_city_shows_nothing_of_the_other():
    submit(BEKASI_POINT, NOW - timedelta(days=1))
    submit(MAKASSAR_POINT, NOW - timedelta(days=1))
    submit(MAKASSAR_POINT, NOW - timedelta(days=1), category="sampah-kanal")
    period = {"start": "2026-02-01", "end": "2026-02-28"}
    assert len(features("/layers/reports.geojson", city="bekasi", **period)) == 1
    assert len(features("/layers/reports.geojson", city="makassar", **period)) == 2
    density = features("/layers/density.geojson", city="makassar", level="kecamatan", **period)
    counts = {item["properties"]["code"]: item["properties"]["reports"] for item in density}
    assert counts == {"73.71.91": 2, "73.71.92": 0, "73.71.93": 0, "73.71.94": 0}
    assert len(features("/layers/districts.geojson", city="bekasi")) == 12
    assert len(features("/layers/sensors.geojson", city="bekasi")) == 1
    assert features("/layers/sensors.geojson", city="makassar") == []


def test_boundaries_of_one_city_are_replaced_without_touching_the_other(capsys):
    submit(MAKASSAR_POINT, NOW)
    before = list(Area.objects.filter(city__slug="bekasi").order_by("id").values())
    path = str(DATA / "makassar/kecamatan.geojson")
    call_command("import_areas", path, level="kecamatan", city="makassar", replace=True, source="official")
    assert "kecamatan: 0 added, 4 changed, 0 unchanged, 0 retired" in capsys.readouterr().out
    assert list(Area.objects.filter(city__slug="bekasi").order_by("id").values()) == before
