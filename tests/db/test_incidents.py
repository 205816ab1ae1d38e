"""Bursts of reports of one event, each shown as one: the layer `incidents`, on a real PostGIS.

Distances: a degree of latitude is 110,587 m here (see test_duplicates), a degree of longitude 110,660 m (cos 6.25° of
111,320 m). UTM zone 48S is 0.04 % off at most in these places.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.db import connection
from django.test import Client

from geo.layers.catalogue import layer_by_id
from geo.layers.layer import Query
from geo.models import Area, Category, Report
from tests.factories import make_category, make_city, make_report

pytestmark = pytest.mark.django_db
DAY = datetime(2026, 2, 10, 1, 0, tzinfo=UTC)
LON, LAT = 106.93, -6.25
PERIOD = {"start": "2026-02-01", "end": "2026-02-28"}


@pytest.fixture(autouse=True)
def _city() -> None:
    make_city()


def burst(
    n: int,
    *,
    lon: float = LON,
    lat: float = LAT,
    begins: datetime = DAY,
    every: timedelta = timedelta(minutes=20),
    category: Category | None = None,
    **more: Any,
) -> list[Report]:
    """`n` reports on a street to the east, 11 m from one to the next, one after the other."""
    flood = category or make_category("banjir")
    return [
        make_report(
            category=flood,
            location=Point(lon + i * 0.0001, lat, srid=4326),
            reported_at=begins + i * every,
            **more,
        )
        for i in range(n)
    ]


def incidents(**params: str) -> list[dict[str, Any]]:
    answer: Any = Client().get("/layers/incidents.geojson", {**PERIOD, **params})
    assert answer.status_code == 200, answer.content
    features = json.loads(b"".join(answer.streaming_content))["features"]
    return [{**feature["properties"], "geometry": feature["geometry"], "fid": feature["id"]} for feature in features]


def sizes(found: Sequence[dict[str, Any]]) -> list[int]:
    return [incident["reports"] for incident in found]


def test_forty_reports_of_one_flood_are_one_incident_that_names_all_forty() -> None:
    flood = burst(40)
    Report.objects.filter(pk__in=[report.pk for report in flood[:10]]).update(status="resolved", support_count=3)
    make_report(category=make_category("sampah"), reported_at=DAY)
    (incident,) = incidents()
    assert incident["id"] == incident["fid"] == flood[0].public_id
    assert incident["report_ids"].split(",") == [report.public_id for report in flood]
    assert (incident["reports"], incident["open_reports"], incident["closed_reports"]) == (40, 30, 10)
    assert (incident["category"], incident["supporters"]) == ("banjir", 30)
    assert incident["first_reported_at"] == "2026-02-10T01:00:00+00:00"
    # 39 times 20 minutes later
    assert incident["last_reported_at"] == "2026-02-10T14:00:00+00:00"
    assert (incident["area"], incident["geometry"]["type"]) == ("kota-uji.1.1", "Point")
    # The middle of the street, 0.00195° east of its beginning, and 215.8 m from both ends.
    assert incident["geometry"]["coordinates"] == pytest.approx([LON + 0.00195, LAT], abs=1e-6)
    assert incident["extent_m"] == pytest.approx(215.8, abs=0.3)


def test_two_floods_3_km_apart_are_two() -> None:
    west, east = burst(8), burst(6, lon=LON + 0.0271)
    found = incidents()
    assert {incident["id"]: incident["reports"] for incident in found} == {west[0].public_id: 8, east[0].public_id: 6}


def test_the_same_place_a_week_later_is_another() -> None:
    burst(8)
    burst(6, begins=DAY + timedelta(days=7))
    assert sizes(incidents()) == [8, 6]


def test_a_pause_of_just_the_longest_is_no_end_and_one_longer_is() -> None:
    burst(5, every=timedelta(hours=12))
    assert sizes(incidents()) == [5]
    assert sizes(incidents(hours="11.9")) == []
    assert sizes(incidents(hours="11.9", min_reports="1")) == [1] * 5


def test_two_categories_at_one_place_are_two() -> None:
    burst(5)
    burst(6, category=make_category("sampah"))
    assert sorted(sizes(incidents())) == [5, 6]
    assert sizes(incidents(category="sampah")) == [6]


def test_fewer_than_asked_for_are_no_incident() -> None:
    burst(4)
    assert incidents() == []
    assert sizes(incidents(min_reports="4")) == [4]


def test_places_further_apart_than_the_radius_are_not_joined() -> None:
    """Four at one place and four 0.0028° (309.8 m) to the east; half an hour between the two."""
    for east in (0, 0.0028):
        for i in range(4):
            make_report(
                category=make_category("banjir"),
                location=Point(LON + east, LAT, srid=4326),
                reported_at=DAY + timedelta(minutes=i),
            )
    assert sizes(incidents(min_reports="4")) == [4, 4]
    assert sizes(incidents(min_reports="4", radius_m="311")) == [8]


def test_a_cut_in_time_that_leaves_places_apart_is_followed_by_another_in_space() -> None:
    """Two places 600 m apart, joined by a third between them on another day: without it they are two."""
    for east, day in ((0, 0), (0.0054, 0), (0.0027, 3)):
        for i in range(5):
            make_report(
                category=make_category("banjir"),
                location=Point(LON + east, LAT, srid=4326),
                reported_at=DAY + timedelta(days=day, minutes=i),
            )
    assert sizes(incidents(hours="100")) == [15]
    assert sizes(incidents()) == [5, 5, 5]


def test_the_rounds_end_with_those_that_one_more_would_not_change() -> None:
    """A chain that each round shortens: five places in a row, each joined to the next by its own hours alone."""
    for place in range(5):
        for visit in (2 * place, 2 * place + 1):
            for i in range(5):
                make_report(
                    category=make_category("banjir"),
                    location=Point(LON + place * 0.0027, LAT, srid=4326),
                    reported_at=DAY + timedelta(days=visit, minutes=i),
                )
    assert sizes(incidents()) == [5] * 10


def test_what_is_not_public_is_no_part_of_an_incident() -> None:
    flood = burst(7)
    Report.objects.filter(pk=flood[0].pk).update(is_public=False)
    Report.objects.filter(pk=flood[1].pk).update(public_location=None)
    (incident,) = incidents()
    assert incident["report_ids"].split(",") == [report.public_id for report in flood[2:]]


def test_a_snapped_category_is_grouped_by_its_public_places() -> None:
    """All in one cell: the incident stands on its middle, without any extent, wherever the reports really are."""
    private = make_category("kekerasan", public_grid_m=1000)
    reports = burst(6, category=private)
    (incident,) = incidents()
    shown = reports[0].public_location
    assert {report.public_location.coords for report in reports} == {shown.coords}
    assert incident["geometry"]["coordinates"] == pytest.approx([shown.x, shown.y], abs=1e-7)
    assert incident["extent_m"] == 0
    Report.objects.update(location=Point(107.0, -6.29, srid=4326))
    assert incidents() == [incident]


def test_the_area_is_the_one_in_which_most_of_its_reports_lie() -> None:
    """Eight reports across the border at 106.95° between two subdistricts: three west of it, five east."""
    burst(8, lon=106.95 - 0.00025)
    (incident,) = incidents()
    assert (incident["area"], incident["reports"]) == ("kota-uji.1.2", 8)
    assert sizes(incidents(area="kota-uji.1.2")) == [8]
    assert sizes(incidents(area="kota-uji.1")) == [8]
    assert incidents(area="kota-uji.1.1") == []


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"start": "2026-01-01", "end": "2026-02-01"}, "start"),
        ({"end": "2026-01-01"}, "end"),
        ({"radius_m": "9"}, "radius_m"),
        ({"hours": "0"}, "hours"),
        ({"min_reports": "0"}, "min_reports"),
        ({"min_reports": "2.5"}, "min_reports"),
        ({"category": "nothing"}, "category"),
        ({"area": "nowhere"}, "area"),
    ],
)
def test_a_bad_parameter_is_named(client: Client, params: dict[str, str], name: str) -> None:
    answer = client.get("/layers/incidents.geojson", {**PERIOD, **params})
    assert (answer.status_code, answer.json()["parameter"]) == (400, name)


def test_31_days_can_be_asked_for_and_a_start_alone_means_as_many() -> None:
    burst(5, begins=DAY + timedelta(days=15))
    # Days of the city, which is seven hours ahead.
    whole = {"start": "2026-02-01", "end": "2026-03-03"}
    for asked in (whole, {"start": "2026-02-01"}):
        answer: Any = Client().get("/layers/incidents.geojson", asked)
        told = json.loads(b"".join(answer.streaming_content))
        assert (told["start"], told["end"]) == ("2026-01-31T17:00:00Z", "2026-03-03T17:00:00Z")
        assert len(told["features"]) == 1


def test_the_reports_of_the_period_are_found_by_their_time() -> None:
    burst(5)
    city = Area.objects.get(code="kota-uji").city
    layer = layer_by_id("incidents")
    values = {"radius_m": 300, "hours": 12, "min_reports": 5, "start": DAY, "end": DAY + timedelta(days=1)}
    source = layer.rows(Query(city=city, values=values, now=DAY))
    same = Report.objects.values().first()
    Report.objects.bulk_create(
        Report(**{**same, "id": None, "public_id": f"t{i}", "reported_at": DAY - timedelta(hours=i)})
        for i in range(2000)
    )
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("REINDEX TABLE geo_report")
        cursor.execute("ANALYZE geo_report")
        cursor.execute(f"EXPLAIN {source.sql}", dict(source.params))
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "report_city" in plan or "report_time" in plan
