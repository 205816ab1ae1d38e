"""What is counted per unit: whose voice is one, which slice a report falls in, and that each is in one unit."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.contrib.gis.geos import GEOSGeometry, Point

from geo.analysis.counts import Counts, ReportFilter, count_reports
from geo.analysis.units import Units, find_units
from geo.areas.models import City
from geo.models import Area, Report
from geo.reports.workflow import Status
from tests.factories import make_category, make_channel, make_city
from tests.spatial_city import PERIOD, WHEN, at_m, lattice_city, tell

pytestmark = pytest.mark.django_db


def count(units: Units, chosen: ReportFilter | None = None, edges: Any = PERIOD) -> Counts:
    return count_reports(units, chosen or ReportFilter(), edges)


def areas(city: City, level: str = "kelurahan") -> Units:
    return find_units(city.pk, level=level, cell_m=None)


def cells(city: City, cell_m: int = 1000) -> Units:
    return find_units(city.pk, level=None, cell_m=cell_m)


def by_code(units: Units, numbers: Any) -> dict[str, int]:
    """Of the units with any, by the last parts of their codes."""
    return {
        unit.code.partition(".")[2]: int(number)
        for unit, number in zip(units.rows, numbers[:, 0], strict=True)
        if number
    }


def test_duplicates_are_one_incident_and_each_a_report() -> None:
    city = make_city()
    first, *_rest = tell(city, "kota-uji.1.1", 2)
    tell(city, "kota-uji.1.1", 3, status=Status.DUPLICATE, duplicate_of=first)
    tell(city, "kota-uji.1.1", 1, duplicate_of=first)
    tell(city, "kota-uji.1.1", 1, status=Status.DUPLICATE)
    found = count(areas(city))
    assert (found.incidents[0, 0], found.reports[0, 0]) == (2, 7)


def test_a_reporter_is_a_device_else_a_telephone_else_an_address_and_nobody_is_somebody() -> None:
    city = make_city()
    tell(city, "kota-uji.1.1", 3, contact={"device_hash": "aa", "phone": "1"})
    tell(city, "kota-uji.1.1", 1, contact={"device_hash": "aa", "phone": "2"})
    tell(city, "kota-uji.1.1", 2, contact={"phone": "1", "email": "a@example.org"})
    tell(city, "kota-uji.1.1", 1, contact={"email": "a@example.org"})
    tell(city, "kota-uji.1.1", 1, contact={"email": "A@Example.org"})
    tell(city, "kota-uji.1.1", 2)
    tell(city, "kota-uji.1.1", 1, contact={"name": "Budi"})
    found = count(areas(city))
    # The device, the telephone, the address, and three without any: the device made 4 of 11.
    assert (found.reporters[0, 0], found.reports[0, 0], found.busiest[0, 0]) == (6, 11, 4)


def test_one_reporter_in_two_areas_is_one_in_each() -> None:
    city = make_city()
    for code in ("kota-uji.1.1", "kota-uji.2.2"):
        tell(city, code, 5, contact={"device_hash": "aa"})
    assert by_code(areas(city), count(areas(city)).reporters) == {"1.1": 1, "2.2": 1}
    assert by_code(areas(city, "kota"), count(areas(city, "kota")).reporters) == {"": 1}


def test_higher_levels_hold_what_lies_below_and_lower_ones_leave_out_what_has_no_part_of_theirs() -> None:
    city = make_city()
    tell(city, "kota-uji.1.1", 2)
    tell(city, "kota-uji.1", 3)
    tell(city, "kota-uji.2.1", 1)
    tell(city, None, 4)
    assert by_code(areas(city), count(areas(city)).reports) == {"1.1": 2, "2.1": 1}
    assert count(areas(city)).outside == 7
    districts = count(areas(city, "kecamatan"))
    assert (by_code(areas(city, "kecamatan"), districts.reports), districts.outside) == ({"1": 5, "2": 1}, 4)


def test_what_is_not_public_or_of_another_city_is_not_counted() -> None:
    city, other = make_city(), make_city("timur", west=110.0)
    tell(city, "kota-uji.1.1", 1)
    tell(city, "kota-uji.1.1", 2, is_public=False)
    tell(other, "timur.1.1", 4)
    found = count(areas(city))
    assert (by_code(areas(city), found.reports), found.outside) == ({"1.1": 1}, 0)
    assert by_code(areas(other), count(areas(other)).reports) == {"1.1": 4}


def test_categories_and_channels_choose_the_reports() -> None:
    city = make_city()
    tell(city, "kota-uji.1.1", 1, category="banjir", channel="qlue")
    tell(city, "kota-uji.1.1", 2, category="banjir", channel="web")
    tell(city, "kota-uji.1.1", 4, category="sampah", channel="web")
    floods = ReportFilter(category_ids=(make_category("banjir").pk,))
    assert count(areas(city), floods).reports[0, 0] == 3
    both = ReportFilter((make_category("banjir").pk,), (make_channel("web").pk,))
    assert count(areas(city), both).reports[0, 0] == 2
    assert count(areas(city), ReportFilter(channel_ids=())).reports.sum() == 0


def test_the_mix_of_channels_begins_with_the_most_used() -> None:
    city = make_city()
    for channel, times in (("qlue", 1), ("web", 3), ("app", 1)):
        tell(city, "kota-uji.1.1", times, channel=channel)
    found = count(areas(city))
    assert found.channels[0] == (("web:3", "app:1", "qlue:1"),)
    assert found.channels[1] == ((),)


def test_slices_are_half_open() -> None:
    city = make_city()
    edges = [datetime(2026, 2, day, 17, tzinfo=UTC) for day in (1, 2, 3)]
    second = timedelta(microseconds=1)
    tell(city, "kota-uji.1.1", [edges[0] - second, edges[0], edges[1] - second, edges[1], edges[2] - second, edges[2]])
    found = count(areas(city), edges=edges)
    assert found.reports[0].tolist() == [2, 2]
    assert found.channels[0] == (("web:2",), ("web:2",))


def test_a_reporter_is_one_in_each_slice() -> None:
    city = make_city()
    edges = [datetime(2026, 2, day, 17, tzinfo=UTC) for day in (1, 2, 3)]
    tell(city, "kota-uji.1.1", [edges[0], edges[0], edges[1]], contact={"device_hash": "aa"})
    found = count(areas(city), edges=edges)
    assert (found.reporters[0].tolist(), found.busiest[0].tolist()) == ([1, 1], [2, 1])


def test_a_report_is_counted_in_the_hexagon_it_lies_in_as_geometry_says() -> None:
    city = lattice_city(10_000, 10_000)
    rng = np.random.default_rng(3)
    root = Area.objects.get(code="kisi")
    points = [at_m(dx, dy) for dx, dy in rng.uniform(-9_990, 9_990, (400, 2))]
    tell(city, root, points=points)
    units = cells(city)
    shapes = {unit.code.partition(".")[2]: GEOSGeometry(unit.geom or "") for unit in units.rows}
    expected = Counter(code for point in points for code, shape in shapes.items() if shape.contains(point))
    assert by_code(units, count(units).reports) == dict(expected)
    assert sum(expected.values()) > 380


def test_a_point_on_an_edge_or_a_corner_of_hexagons_is_in_just_one() -> None:
    """Of the hexagon in the middle: its corners, the middles of its edges, and its own middle."""
    city = lattice_city(10_000, 10_000)
    root = Area.objects.get(code="kisi")
    corners = [
        (1000.0, 0.0),
        (500.0, 866.0254),
        (-500.0, 866.0254),
        (-1000.0, 0.0),
        (-500.0, -866.0254),
        (500.0, -866.0254),
    ]
    edges = [
        (750.0, 433.0127),
        (0.0, 866.0254),
        (-750.0, 433.0127),
        (-750.0, -433.0127),
        (0.0, -866.0254),
        (750.0, -433.0127),
    ]
    tell(city, root, points=[at_m(dx, dy) for dx, dy in [*corners, *edges, (0.0, 0.0)]])
    units = cells(city)
    found = by_code(units, count(units).reports)
    assert (sum(found.values()), count(units).outside) == (13, 0)
    assert set(found) <= {"450.5376", "449.5375", "449.5376", "450.5375", "450.5377", "451.5375", "451.5376"}


def test_a_report_in_a_sliver_that_is_no_hexagon_counts_in_the_next_one() -> None:
    city = lattice_city(half_height_m=867.0)
    tell(city, "kisi", points=[at_m(0, 866.5)])
    units = cells(city)
    assert by_code(units, count(units).reports) == {"450.5376": 1}


def test_reports_without_a_point_in_the_city_are_in_no_hexagon() -> None:
    city, other = lattice_city(), make_city("timur", west=110.0)
    tell(city, "kisi", 2)  # an area was named, no point
    tell(city, None, 3, points=[Point(100, 0, srid=4326)])
    # In a hexagon that reaches beyond the city, but in another city's area.
    tell(city, Area.objects.get(code="timur.1.1"), 4, points=[at_m(0, 960)])
    tell(city, "kisi", 1, points=[at_m(0, 0)])
    found = count(cells(city))
    assert (found.reports.sum(), found.outside) == (1, 9)
    assert count(areas(other)).reports.sum() == 0


def test_hexagons_of_every_size_hold_all_reports_of_the_city() -> None:
    city = lattice_city(3_000, 2_000)
    rng = np.random.default_rng(5)
    tell(city, "kisi", points=[at_m(dx * 2_990, dy * 1_990) for dx, dy in rng.uniform(-1, 1, (200, 2))])
    for cell_m in (111, 400, 1500, 5000):
        found = count(cells(city, cell_m))
        assert (found.reports.sum(), found.outside) == (200, 0), cell_m


def test_nothing_is_counted_where_nobody_reported() -> None:
    city = make_city()
    found = count(areas(city))
    assert (found.reports.tolist(), found.channels, found.outside) == ([[0]] * 4, (((),),) * 4, 0)
    empty = City.objects.create(slug="kosong", name="Kosong")
    tell(empty, None, 2)
    assert (count(areas(empty)).reports.shape, count(areas(empty)).outside) == ((0, 1), 2)


def test_counting_takes_one_query(django_assert_num_queries: Any) -> None:
    city = make_city()
    tell(city, "kota-uji.1.1", [WHEN + timedelta(days=i) for i in range(10)])
    by_area, by_cell = areas(city), cells(city, 2000)
    edges = [WHEN + timedelta(days=i) for i in range(12)]
    for units in (by_area, by_cell):
        with django_assert_num_queries(1):
            count(units, edges=edges)


def test_a_period_needs_two_ends() -> None:
    city = make_city()
    with pytest.raises(ValueError, match="edges"):
        count(areas(city), edges=[WHEN])
    assert Report.objects.count() == 0
