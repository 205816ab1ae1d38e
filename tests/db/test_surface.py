"""The density surface against a real PostGIS: where its cells lie, what they count, which bandwidth it takes."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.contrib.gis.geos import GEOSGeometry, MultiPolygon, Point, Polygon

from geo.analysis.surface import SurfaceParams, city_extent, default_cell, density_surface, squares
from geo.models import Area, Report
from tests.factories import make_category, make_channel, make_city

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 4, 17, tzinfo=UTC)
END = START + timedelta(days=30)
# The middle of a cell of 200 m in the city of the tests, on its plane (UTM 48 South).
X, Y = 715_100.0, 9_308_100.0


@pytest.fixture
def city():
    return make_city()


def params_for(city, **more):
    return SurfaceParams(
        **{"city_id": city.pk, "start": START, "end": END, "bandwidth_m": 1000.0, "cell_m": 200, **more}
    )


def at(x, y, srid=32748):
    point = Point(x, y, srid=srid)
    point.transform(4326)
    return point


def say(city, *points, category=None, time=START + timedelta(days=1), **more):
    """Public reports at these points, written directly: what is tested here only reads."""
    area = Area.objects.get(city=city, parent=None)
    values = {
        "city": city,
        "channel": make_channel(),
        "category": category or make_category(),
        "public_area": area,
        "area": area,
        "location_flag": "inside",
        "reported_at": time,
        "received_at": time,
        "updated_at": time,
        **more,
    }
    return Report.objects.bulk_create([Report(public_location=point, **values) for point in points])


def test_a_report_is_spread_by_the_quartic_kernel(city):
    say(city, at(X, Y))
    surface = density_surface(params_for(city))
    cells = {cell.code: cell for cell in squares(surface)}
    # 3 / π a km² under it, and (1 - 0.36)² = 0.4096 of that 600 m away; a kilometre away nothing.
    assert cells["200mE715000N9308000"].density == pytest.approx(0.95493, abs=1e-5)
    assert cells["200mE715600N9308000"].density == pytest.approx(0.39114, abs=1e-5)
    assert "200mE716000N9308000" not in cells
    assert (surface.peak, surface.total) == (pytest.approx(0.95493, abs=1e-5), 1)
    assert (cells["200mE715000N9308000"].share, cells["200mE715600N9308000"].share) == (1.0, 0.4096)
    # Centres less than five cells away: Gauss's circle problem counts 69 lattice points with x² + y² < 25.
    assert len(cells) == 69


def test_the_surface_holds_as_many_reports_as_there_are(city):
    rng = np.random.default_rng(1)
    say(city, *(at(X + x, Y + y) for x, y in rng.uniform(-2000, 2000, (200, 2))))
    surface = density_surface(params_for(city))
    # Each cell is 0.04 km²; a sum over cells stands for the integral to about a per cent at five cells a bandwidth.
    assert np.nansum(surface.density) * 0.04 == pytest.approx(200, rel=0.01)
    assert surface.reports.sum() == 200


def test_a_square_lies_where_its_code_says(city):
    say(city, at(X, Y))
    cell = next(cell for cell in squares(density_surface(params_for(city))) if cell.code == "200mE715000N9308000")
    shape = GEOSGeometry(cell.geom)
    assert (shape.geom_type, shape.srid) == ("MultiPolygon", 4326)
    shape.transform(32748)
    assert shape.extent == pytest.approx((715_000, 9_308_000, 715_200, 9_308_200), abs=0.01)


def test_cells_come_row_by_row_from_the_north_west_and_are_told_apart(city):
    say(city, at(X, Y))
    codes = [cell.code for cell in squares(density_surface(params_for(city, bandwidth_m=300.0)))]
    # Within a cell and a half of the middle one: it and its eight neighbours.
    assert codes == [f"200mE{x}N{y}" for y in (9308200, 9308000, 9307800) for x in (714800, 715000, 715200)]


def test_only_cells_with_their_centre_in_the_city_have_a_density(city):
    # A square of the plane whose western edge passes 10 m beside the cells' centres, the northern one 10 m above them.
    ring = [(715_110, 9_308_110), (717_110, 9_308_110), (717_110, 9_306_110), (715_110, 9_306_110)]
    corners = [at(x, y).coords for x, y in ring]
    Area.objects.filter(parent=None).update(boundary=MultiPolygon(Polygon([*corners, corners[0]]), srid=4326))
    say(city, at(X + 300, Y - 300))
    surface = density_surface(params_for(city))
    places = [cell.code.partition("E")[2].split("N") for cell in squares(surface)]
    assert min(int(west) for west, _south in places) == 715_200
    assert max(int(south) for _west, south in places) == 9_308_000
    # Ten of eleven columns and rows of the rectangle around it: 715200 to 717000 and 9306200 to 9308000.
    assert int((~np.isnan(surface.density)).sum()) == 100


def test_reports_at_one_place_add_up(city):
    say(city, at(X, Y), at(X, Y), at(X + 50, Y - 50), at(X + 150, Y))
    surface = density_surface(params_for(city))
    cells = {cell.code: cell.reports for cell in squares(surface)}
    assert (cells["200mE715000N9308000"], cells["200mE715200N9308000"]) == (3, 1)
    assert sum(cells.values()) == surface.total == 4


def test_duplicates_are_left_out_of_incidents_and_counted_as_reports(city):
    (first, second, third) = say(city, at(X, Y), at(X, Y), at(X, Y))
    Report.objects.filter(pk=second.pk).update(status="duplicate")
    Report.objects.filter(pk=third.pk).update(duplicate_of=first)
    assert density_surface(params_for(city)).total == 1
    assert density_surface(params_for(city, counted="reports")).total == 3


def test_only_public_reports_of_the_question_count(city):
    flood, rubbish = make_category("banjir"), make_category("sampah")
    web, qlue = make_channel("web"), make_channel("qlue")
    say(city, at(X, Y), category=flood, channel=web)
    say(city, at(X, Y), category=flood, channel=qlue)
    say(city, at(X, Y), category=rubbish, channel=web)
    say(city, at(X, Y), is_public=False)
    say(city, at(X, Y), time=END)
    say(city, at(X, Y), time=START - timedelta(seconds=1))
    assert density_surface(params_for(city)).total == 3
    assert density_surface(params_for(city, category_ids=[flood.pk])).total == 2
    assert density_surface(params_for(city, category_ids=[flood.pk], channel_ids=[qlue.pk])).total == 1
    assert density_surface(params_for(city, category_ids=[])).total == 0


def test_reports_without_a_place_in_the_city_are_left_out_and_said(city):
    say(city, at(X, Y))
    say(city, None)
    say(city, at(X, Y), at(X + 50_000, Y), public_area=None)
    surface = density_surface(params_for(city))
    assert (surface.total, surface.without_place) == (1, 3)


def test_the_period_may_cross_the_end_of_a_year(city):
    for time in (datetime(2025, 12, 31, 16, 59, tzinfo=UTC), datetime(2025, 12, 31, 17, tzinfo=UTC)):
        say(city, at(X, Y), time=time)
    new_year = datetime(2025, 12, 31, 17, tzinfo=UTC)
    week = timedelta(days=7)
    assert density_surface(params_for(city, start=new_year - week, end=new_year + week)).total == 2
    assert density_surface(params_for(city, start=new_year, end=new_year + week)).total == 1


def test_the_bandwidth_follows_the_rule_of_thumb_and_says_so(city):
    say(city, at(X, Y), at(X + 2000, Y), at(X, Y + 2000), at(X + 2000, Y + 2000))
    surface = density_surface(params_for(city, bandwidth_m=None, cell_m=None))
    # SD = Dm = 1414.2 m, sqrt(1 / ln 2) = 1.2011, so SD is the less: 0.9 · 1414.2 · 4^-0.2 = 964.6.
    assert (surface.bandwidth_m, surface.bandwidth_rule) == (965.0, "reference")
    # A fifth is 193 m.
    assert surface.grid.cell_m == 100.0


@pytest.mark.parametrize("points", [0, 1, 3])
def test_without_a_spread_there_is_a_bandwidth_to_fall_back_on(city, points):
    say(city, *[at(X, Y)] * points)
    surface = density_surface(params_for(city, bandwidth_m=None, cell_m=None))
    assert (surface.bandwidth_m, surface.bandwidth_rule, surface.total) == (1000.0, "fallback", points)


def test_the_chosen_bandwidth_is_no_finer_than_places_are_rounded_to(city):
    health = make_category("kesehatan", public_grid_m=500)
    say(city, at(X, Y), at(X + 100, Y), at(X + 200, Y + 100), category=health)
    surface = density_surface(params_for(city, bandwidth_m=None, cell_m=None))
    assert (surface.bandwidth_m, surface.bandwidth_rule, surface.rounded_to_m) == (500.0, "bounded", 500)


def test_no_reports_give_a_surface_of_zeros_and_no_squares(city):
    surface = density_surface(params_for(city))
    assert surface.peak == 0.0
    assert np.nanmax(surface.density) == 0.0
    assert squares(surface) == []


def test_a_city_without_an_area_has_no_surface(city):
    Area.objects.update(retired_at=START)
    assert density_surface(params_for(city)) is None


def test_another_city_has_its_own_plane_and_its_own_reports(city):
    other = make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    say(city, at(X, Y))
    say(other, at(766_100.0, 9_430_100.0, 32750), at(766_100.0, 9_430_100.0, 32750))
    surface = density_surface(params_for(other))
    assert (surface.srid, surface.total) == (32750, 2)
    peak = max(squares(surface), key=lambda cell: cell.density)
    assert (peak.code, peak.reports) == ("200mE766000N9430000", 2)
    # 2 · 3 / π.
    assert peak.density == pytest.approx(1.9099, abs=1e-4)


def test_default_cells_are_round_a_fifth_of_the_bandwidth_and_within_the_bound(city):
    extent = city_extent(city.pk)
    assert [default_cell(extent, bandwidth, 250_000) for bandwidth in (1000.0, 999.0, 5000.0, 10_000.0)] == [
        200,
        100,
        1000,
        2000,
    ]
    # 22 km by 11 km in cells of 25 m would be 390,000.
    assert default_cell(extent, 125.0, 250_000) == 50
    assert default_cell(extent, 125.0, 30_000) == 100


def test_grids_of_one_size_match_whatever_the_boundary(city):
    first = city_extent(city.pk).grid(250)
    assert (first.west_m % 250, first.south_m % 250) == (0, 0)


def test_progress_is_passed_on(city):
    say(city, at(X, Y), at(X + 500, Y))
    shares: list[float] = []
    density_surface(params_for(city), shares.append)
    assert shares[-1] == 1.0


@pytest.mark.parametrize("reports", [1, 40])
def test_number_of_queries_does_not_grow(city, django_assert_num_queries, reports):
    say(city, *(at(X + 100 * i, Y) for i in range(reports)))
    with django_assert_num_queries(4):
        squares(density_surface(params_for(city)))
