"""Reports and things in their areas, after every kind of change."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg2
import pytest
from django.contrib.gis.geos import Point
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from geo.models import Agency, Area, AreaLevel, City, HistoryEntry, Report, ThingPlacement
from geo.placement.services import place_things, placement_lock_shared, rebuild_placements, save_area
from sensors.models import Thing, ThingLocation
from tests.db.squares import assert_placed_as_by_brute_force, box, make_report, make_square_city

pytestmark = pytest.mark.django_db

EARLY, LATE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


def make_thing(*point: float, slug: str = "a") -> ThingLocation:
    thing = Thing.objects.create(slug=slug, name=slug)
    return ThingLocation.objects.create(thing=thing, location=Point(*point, srid=4326), valid_from=EARLY)


def codes(report: Report) -> tuple[str | None, str | None, str]:
    report.refresh_from_db()
    exact, public = report.area, report.public_area
    return exact and exact.code, public and public.code, report.location_flag


def retire(*area_codes: str) -> None:
    Area.objects.filter(code__in=area_codes).update(retired_at=timezone.now())


def test_a_thing_is_placed_by_whoever_writes_its_location():
    make_square_city()
    make_thing(1, 1)
    assert ThingPlacement.objects.get().area.code == "32.99.01.1001"


def test_a_moved_thing_keeps_its_past_where_it_was_measured():
    make_square_city()
    first = make_thing(1, 1)
    ThingLocation.objects.filter(pk=first.pk).update(valid_to=LATE)
    ThingLocation.objects.create(thing=first.thing, location=Point(3, 3, srid=4326), valid_from=LATE)
    placements = ThingPlacement.objects.order_by("valid_from").values_list("area__code", "valid_from", "valid_to")
    assert list(placements) == [("32.99.01.1001", EARLY, LATE), ("32.99.02", LATE, None)]


def test_a_location_that_is_deleted_takes_its_placement_with_it():
    make_square_city()
    make_thing(1, 1).delete()
    assert not ThingPlacement.objects.exists()


def test_a_thing_outside_every_area_is_kept_in_none():
    make_square_city()
    make_thing(9, 9)
    assert ThingPlacement.objects.get().area is None


def test_placements_of_things_that_were_lost_come_back():
    make_square_city()
    make_thing(1, 1)
    ThingPlacement.objects.all().delete()
    assert place_things() == 1
    assert place_things() == 0


def test_reports_go_inside_and_outside_with_the_boundaries():
    city = make_square_city()
    inside, outside = make_report(city, (3, 3)), make_report(city, (9, 9))
    summary = rebuild_placements()
    assert (summary.reports, summary.reports_outside, summary.reports_changed) == (2, 1, 1)
    assert codes(inside) == ("32.99.02", "32.99.02", "inside")
    assert codes(outside) == (None, None, "outside")
    retire("32.99.02", "32.99")
    rebuild_placements(city)
    assert codes(inside) == (None, None, "outside")


def test_the_public_place_has_an_area_of_its_own():
    city = make_square_city()
    report = make_report(city, (1.9, 1), public_location=Point(2.5, 1, srid=4326))
    rebuild_placements()
    assert codes(report) == ("32.99.01.1001", "32.99.02", "inside")


def test_a_second_rebuild_writes_no_row():
    city = make_square_city()
    make_report(city, (3, 3))
    make_thing(1, 1)
    rebuild_placements()
    summary = rebuild_placements()
    assert (summary.reports_changed, summary.things_changed) == (0, 0)


def test_a_wish_for_an_area_keeps_it_while_it_is_current():
    city = make_square_city()
    kecamatan = Area.objects.get(code="32.99.01")
    wish = make_report(city, area=kecamatan, public_area=kecamatan, location_flag="area", kind="aspirasi")
    rebuild_placements()
    assert codes(wish) == ("32.99.01", "32.99.01", "area")


def test_a_wish_for_a_retired_area_goes_to_its_successor_but_no_deeper():
    city = make_square_city()
    kecamatan = Area.objects.get(code="32.99.01")
    wish = make_report(city, area=kecamatan, public_area=kecamatan, location_flag="area", kind="aspirasi")
    retire("32.99.01")
    rebuild_placements()
    assert codes(wish) == ("32.99", "32.99", "area")  # not the kelurahan that lies under a point of it


def test_a_wish_for_a_retired_area_that_nothing_covers_keeps_its_name():
    city = make_square_city()
    kecamatan = Area.objects.get(code="32.99.02")
    wish = make_report(city, area=kecamatan, public_area=kecamatan, location_flag="area", kind="aspirasi")
    Area.objects.update(retired_at=timezone.now())
    rebuild_placements()
    assert codes(wish) == ("32.99.02", "32.99.02", "area")


def test_every_row_is_where_brute_force_puts_it_borders_and_corners_too():
    city = make_square_city()
    for step in range(-1, 18):
        for rise in range(-1, 18, 2):
            make_report(city, (step / 4, rise / 4), public_location=Point(rise / 4, step / 4, srid=4326))
    for number, place in enumerate([(0, 0), (2, 2), (4, 1), (2, 4), (5, 5)]):
        make_thing(*place, slug=f"t{number}")
    rebuild_placements()
    assert_placed_as_by_brute_force()


def other_city() -> City:
    city = City.objects.create(slug="lain", name="Lain")
    level = AreaLevel.objects.get(code="kota")
    Area.objects.create(code="99", name="Lain", level=level, city=city, boundary=box(4, 0, 8, 4), area_km2=1)
    return city


def test_a_report_belongs_to_the_city_in_which_it_lies():
    city = make_square_city()
    report, lost = make_report(city, (6, 1)), make_report(city, (20, 1))
    other = other_city()
    rebuild_placements(other)  # it lies about the other city's areas, so that city's rebuild finds it
    report.refresh_from_db()
    lost.refresh_from_db()
    assert (report.city, report.area.code, lost.city) == (other, "99", city)


def test_a_report_that_comes_to_another_city_leaves_its_agency_and_says_so():
    city = make_square_city()
    agency = Agency.objects.create(city=city, slug="dlh", name_id="DLH", name_en="DLH")
    report, staying = make_report(city, (6, 1), agency=agency), make_report(city, (1, 1), agency=agency)
    other_city()
    rebuild_placements()
    report.refresh_from_db()
    staying.refresh_from_db()
    assert (report.agency, staying.agency) == (None, agency)
    line = HistoryEntry.objects.get()
    assert (line.report, line.action, line.old) == (report, "agency_withdrawn", {"agency": "dlh"})


def test_saving_an_area_places_anew():
    city = make_square_city()
    report = make_report(city, (5, 1))
    root = Area.objects.get(code="32.99")
    root.boundary = box(0, 0, 6, 4)
    save_area(root)
    assert codes(report) == ("32.99", "32.99", "inside")


def test_the_command_mends_what_was_changed_by_hand(capsys):
    city = make_square_city()
    make_report(city, (3, 3))
    ThingPlacement.objects.all().delete()
    call_command("rebuild_placements")
    assert "reports: 1 placed, 1 of them anew, 0 outside every area" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_a_rebuild_waits_for_writers_of_places_and_writers_for_a_rebuild():
    with _another_session() as other:
        other.execute("SELECT pg_advisory_xact_lock_shared(hashtext('geo.placement'))")
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        with pytest.raises(OperationalError, match="lock timeout"):
            rebuild_placements()
        with transaction.atomic():
            placement_lock_shared()  # writers do not wait for each other
            other.execute("SET lock_timeout = '200ms'")
            with pytest.raises(psycopg2.OperationalError, match="lock timeout"):
                other.execute("SELECT pg_advisory_xact_lock(hashtext('geo.placement'))")
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")


@contextmanager
def _another_session() -> Iterator[Any]:
    database: dict[str, Any] = connection.settings_dict
    names = {"HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password", "NAME": "dbname"}
    other = psycopg2.connect(**{ours: database[theirs] for theirs, ours in names.items()})
    try:
        yield other.cursor()
    finally:
        other.close()
