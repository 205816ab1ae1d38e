"""A snapped report beside the border of two cities: which side it lies on is not to be read from its city or agency.

UTM zone 48 south has its central meridian at 105 degrees, easting 500,000 m. The cities meet there. A grid of 1,000 m has its
centres at 500 m past each thousand: what lies from 500,000 to 501,000 m is seen at 500,500 m, in the east.
"""

import json
from typing import Any

import pytest
from django.contrib.gis.geos import Point

from geo.models import Category, City, Report
from geo.placement.services import rebuild_placements
from geo.reports.access.principals import Principal
from geo.reports.revision import revise_report
from geo.reports.services import refresh_public_points
from tests.factories import NOW, make_agency, make_category, make_city, make_report

pytestmark = pytest.mark.django_db
# 111 and 332 m east of the meridian: 0.001 degree of longitude is 111 m here.
WEST_SIDE, EAST_SIDE = Point(105.001, -6.25, srid=4326), Point(105.003, -6.25, srid=4326)
EVERYWHERE = Principal(is_superuser=True, user_id=7)


@pytest.fixture
def cities() -> tuple[City, City]:
    """They meet at 105.002 degrees, 221 m into a cell whose centre is in the eastern one."""
    west = make_city("barat", west=104.802, south=-6.3)
    east = make_city("timur", west=105.002, south=-6.3)
    return west, east


def private(cities: tuple[City, City], **more: Any) -> Category:
    category = make_category("kekerasan", **{"public_grid_m": 1000, **more})
    for city in cities:
        make_agency(city, f"dp3a-{city.slug}", category)
    return category


def seen(report: Report) -> tuple[str, str | None]:
    report = Report.objects.select_related("city", "agency").get(pk=report.pk)
    return report.city.slug, report.agency and report.agency.slug


def test_two_reports_of_one_cell_have_the_city_and_agency_of_its_centre(cities: Any, client: Any) -> None:
    category = private(cities)
    reports = [make_report(category=category, location=place) for place in (WEST_SIDE, EAST_SIDE)]
    assert reports[0].area.code == "barat.2.2"
    assert reports[0].public_location == reports[1].public_location
    assert [seen(report) for report in reports] == [("timur", "dp3a-timur")] * 2
    for report in reports:
        shown = client.get(f"/api/reports/{report.public_id}/").json()
        assert shown["city"] == "timur"
        assert "barat" not in json.dumps(shown)
    assert client.get("/api/reports/?city=barat").json()["results"] == []
    assert len(client.get("/api/reports/?city=timur").json()["results"]) == 2


def test_a_report_whose_place_is_public_is_its_own_citys(cities: Any) -> None:
    category = private(cities, public_grid_m=0)
    assert seen(make_report(category=category, location=WEST_SIDE)) == ("barat", "dp3a-barat")


def test_a_report_that_gets_a_snapped_category_takes_the_city_of_what_is_shown(cities: Any) -> None:
    report = make_report(location=WEST_SIDE)
    assert seen(report) == ("barat", None)
    revise_report(report=report, by=EVERYWHERE, now=NOW, category=private(cities))
    assert seen(report) == ("timur", "dp3a-timur")
    revise_report(report=report, by=EVERYWHERE, now=NOW, category=make_category())
    assert seen(report) == ("barat", None)


def test_city_and_agency_follow_when_the_precision_of_a_category_changes(cities: Any) -> None:
    category = private(cities, public_grid_m=0)
    report = make_report(category=category, location=WEST_SIDE)
    for grid_m, expected in ((1000, ("timur", "dp3a-timur")), (0, ("barat", "dp3a-barat"))):
        category.public_grid_m = grid_m
        category.save()
        refresh_public_points(category=category, now=NOW)
        assert seen(report) == expected


def test_a_second_refresh_snaps_by_the_grid_of_the_city_in_which_the_report_lies(cities: Any) -> None:
    _west, east = cities
    City.objects.filter(pk=east.pk).update(metric_srid=32749)
    category = private(cities)
    report = make_report(category=category, location=WEST_SIDE)
    assert seen(report)[0] == "timur"
    refresh_public_points(category=category, now=NOW)
    assert Report.objects.get(pk=report.pk).public_location == report.public_location


def test_a_category_of_one_city_can_be_reported_up_to_its_border(cities: Any) -> None:
    category = private(cities, city=cities[0])
    report = make_report(category=category, location=WEST_SIDE)
    assert (seen(report)[0], report.public_area.code) == ("barat", "timur.1.1")


def test_a_rebuild_leaves_the_city_of_what_is_shown(cities: Any) -> None:
    category = private(cities)
    report = make_report(category=category, location=WEST_SIDE)
    assert rebuild_placements().reports_changed == 0
    assert seen(report) == ("timur", "dp3a-timur")
    Report.objects.filter(pk=report.pk).update(city=cities[0], agency=None)  # as it was stored once
    rebuild_placements(cities[1])
    assert seen(report) == ("timur", None)


def test_a_rebuild_leaves_a_report_in_the_only_city_of_its_category(cities: Any) -> None:
    report = make_report(category=private(cities, city=cities[0]), location=WEST_SIDE)
    assert rebuild_placements().reports_changed == 0
    assert seen(report) == ("barat", "dp3a-barat")
