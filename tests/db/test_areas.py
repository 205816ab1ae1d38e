"""The area tree, the rule of the smallest area, and areas in the admin."""

import re

import pytest
from django.contrib.gis.geos import MultiPolygon, Point
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from geo.areas.ancestry import rebuild_ancestry
from geo.models import Area, AreaAncestry, City
from tests.db.squares import box, make_report, make_square_city

pytestmark = pytest.mark.django_db


def area_at(lon: float, lat: float) -> str | None:
    with connection.cursor() as cursor:
        point = Point(lon, lat, srid=4326).hexewkb.decode()
        cursor.execute("SELECT code FROM geo_area WHERE id = geo_area_at(%s::geometry)", [point])
        row = cursor.fetchone()
    return row[0] if row else None


@pytest.mark.parametrize(
    ("point", "code"),
    [
        ((1, 1), "32.99.01.1001"),
        ((3, 1), "32.99.02"),  # no kelurahan there: the kecamatan
        ((1, 2), "32.99.01.1001"),  # on the border of two kelurahan: the lower code
        ((2, 3), "32.99.01.1002"),  # on the border of a kelurahan and the next kecamatan: the deeper one
        ((2, 2), "32.99.01.1001"),  # a corner of all
        ((4, 4), "32.99.02"),  # the corner of the city
        ((4.000001, 4), None),
    ],
)
def test_a_point_lies_in_the_deepest_area_and_on_a_border_in_the_lowest_code(point, code):
    make_square_city()
    assert area_at(*point) == code


def test_a_point_in_a_hole_lies_outside():
    make_square_city()
    root = Area.objects.get(code="32.99")
    Area.objects.exclude(pk=root.pk).update(retired_at=timezone.now())
    root.boundary = MultiPolygon(root.boundary.difference(box(1, 1, 2, 2)), srid=4326)
    root.save()
    assert area_at(1.5, 1.5) is None
    assert area_at(1, 1.5) == "32.99"  # its rim still belongs to the city


def test_the_closure_has_every_area_with_itself_and_all_above():
    make_square_city()
    pairs = AreaAncestry.objects.filter(area__code="32.99.01.1002").values_list("ancestor__code", "level__code")
    assert set(pairs) == {("32.99.01.1002", "kelurahan"), ("32.99.01", "kecamatan"), ("32.99", "kota")}
    assert AreaAncestry.objects.count() == 1 + 2 * 2 + 2 * 3


def test_rebuilding_a_closure_that_holds_writes_nothing():
    make_square_city()
    assert rebuild_ancestry() == 0


def test_a_loop_in_the_tree_does_not_hang_the_rebuild():
    make_square_city()
    Area.objects.filter(code="32.99").update(parent=Area.objects.get(code="32.99.01"))
    rebuild_ancestry()
    assert AreaAncestry.objects.filter(area__code="32.99").count() == 2


def test_a_city_has_one_root():
    city = make_square_city()
    root = Area.objects.get(code="32.99")
    with pytest.raises(IntegrityError), transaction.atomic():
        Area.objects.create(code="x", name="x", level=root.level, city=city, boundary=box(0, 0, 1, 1), area_km2=1)


def test_a_time_zone_that_is_none_is_refused():
    with pytest.raises(ValidationError, match=r"Asia/Bekasi"):
        City(slug="x", name="x", timezone="Asia/Bekasi").full_clean()


def test_retiring_an_area_in_the_admin_places_its_reports_anew(admin_client: Client):
    city = make_square_city()
    area = Area.objects.get(code="32.99.01.1001")
    report = make_report(city, (1, 1), area=area, public_area=area, location_flag="inside")
    form = {"name": "Lama", "parent": area.parent_id, "retired_at_0": "2026-01-01", "retired_at_1": "00:00:00"}
    answer = admin_client.post(f"/admin/geo/area/{area.pk}/change/", form)
    assert answer.status_code == 302
    report.refresh_from_db()
    assert (report.area.code, report.public_area.code) == ("32.99.01", "32.99.01")


def test_the_admin_refuses_a_parent_that_is_not_above(admin_client: Client):
    make_square_city()
    area = Area.objects.get(code="32.99.01")
    answer = admin_client.post(
        f"/admin/geo/area/{area.pk}/change/",
        {"name": "x", "parent": Area.objects.get(code="32.99.01.1001").pk, "boundary_source": ""},
    )
    assert answer.status_code == 200
    assert b"errornote" in answer.content
    assert Area.objects.get(code="32.99.01").parent.code == "32.99"


def test_the_admin_draws_a_boundary_without_asking_another_host(admin_client: Client):
    make_square_city()
    page = admin_client.get(f"/admin/geo/area/{Area.objects.get(code='32.99.01').pk}/change/").content.decode()
    assert 'd="M0.0,360.0L' in page
    assert re.findall(r'(?:src|href)="(?:https?:)?//[^"]*"', page) == []


@pytest.mark.parametrize("path", ["city", "arealevel", "area", "populationfigure"])
def test_every_list_of_places_opens_in_the_admin(admin_client: Client, path):
    make_square_city()
    assert admin_client.get(f"/admin/geo/{path}/").status_code == 200
