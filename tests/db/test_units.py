"""The units of a spatial analysis: which there are, what each is like, and which of them are neighbours."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from django.contrib.gis.geos import GEOSGeometry

from geo.analysis.units import NeighbourRule, Units, estimate_cells, find_neighbours, find_units
from geo.areas.models import City, PopulationFigure
from geo.models import Area
from tests.factories import make_area, make_city, square
from tests.spatial_city import lattice_city

pytestmark = pytest.mark.django_db

TOUCHING = NeighbourRule("contiguity")


def areas(city: City, level: str = "kelurahan") -> Units:
    return find_units(city.pk, level=level, cell_m=None)


def cells(city: City, cell_m: int = 1000) -> Units:
    return find_units(city.pk, level=None, cell_m=cell_m)


def neighbours(units: Units, rule: NeighbourRule = TOUCHING, without: tuple[str, ...] = ()) -> dict[str, list[str]]:
    codes = [unit.code for unit in units.rows]
    found = find_neighbours(units, rule, np.array([code not in without for code in codes]))
    rows = (found.indices[found.starts[i] : found.starts[i + 1]] for i in range(found.n))
    return {code: [codes[j] for j in row] for code, row in zip(codes, rows, strict=True)}


def test_areas_come_by_code_with_their_surface_and_latest_population() -> None:
    city = make_city()
    west = Area.objects.get(code="kota-uji.1")
    for year, population in ((2020, 900), (2024, 1000), (2022, 950)):
        PopulationFigure.objects.create(area=west, year=year, population=population, source="BPS")
    rows = areas(city, "kecamatan").rows
    assert [(row.key, row.code, row.name, row.area_km2, row.population) for row in rows] == [
        (west.pk, "kota-uji.1", "Kota-Uji 1", 1.0, 1000),
        (Area.objects.get(code="kota-uji.2").pk, "kota-uji.2", "Kota-Uji 2", 1.0, None),
    ]
    assert [(row.geom, row.is_schematic) for row in rows] == [(None, False), (None, False)]


def test_retired_areas_and_those_of_another_city_are_no_units() -> None:
    city = make_city()
    make_city("timur", west=110.0)
    Area.objects.filter(code="kota-uji.1.2").update(retired_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert [row.code for row in areas(city).rows] == ["kota-uji.1.1", "kota-uji.2.1", "kota-uji.2.2"]


def test_areas_that_share_a_corner_only_are_neighbours() -> None:
    city = City.objects.create(slug="papan", name="Papan", metric_srid=32748)
    root = make_area(city, "papan", square(106, -6, 106.04, -5.98), level="kota")
    for code, west, south in (("sw", 0, 0), ("se", 1, 0), ("nw", 0, 1), ("far", 3, 1)):
        box = square(106 + west / 100, -6 + south / 100, 106.01 + west / 100, -5.99 + south / 100)
        make_area(city, code, box, level="kelurahan", parent=root)
    assert neighbours(areas(city)) == {"far": [], "nw": ["se", "sw"], "se": ["nw", "sw"], "sw": ["nw", "se"]}


def test_a_gap_of_less_than_a_metre_is_a_border_and_one_of_three_metres_is_not() -> None:
    city = City.objects.create(slug="celah", name="Celah", metric_srid=32748)
    root = make_area(city, "celah", square(106.0, -6.0, 106.01, -5.96), level="kota")
    # A degree of latitude is 110.6 km here: 0.000005 of it are 0.55 m, 0.00003 are 3.3 m.
    make_area(city, "a", square(106.0, -6.0, 106.01, -5.99), level="kelurahan", parent=root)
    make_area(city, "b", square(106.0, -5.989995, 106.01, -5.98), level="kelurahan", parent=root)
    make_area(city, "c", square(106.0, -5.97997, 106.01, -5.97), level="kelurahan", parent=root)
    # An overlap is a border as well.
    make_area(city, "d", square(106.0, -5.971, 106.01, -5.96), level="kelurahan", parent=root)
    assert neighbours(areas(city)) == {"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]}


def test_an_area_without_data_is_nobodys_neighbour() -> None:
    city = make_city()
    assert neighbours(areas(city), without=("kota-uji.1.2",)) == {
        "kota-uji.1.1": [],
        "kota-uji.1.2": [],
        "kota-uji.2.1": ["kota-uji.2.2"],
        "kota-uji.2.2": ["kota-uji.2.1"],
    }


def test_the_nearest_are_sought_among_those_with_data() -> None:
    """Four in a row: without the second, the third's nearest is the fourth, and the first's is the third."""
    city = make_city()
    found = neighbours(areas(city), NeighbourRule("nearest", k=1), without=("kota-uji.1.2",))
    assert found == {
        "kota-uji.1.1": ["kota-uji.2.1"],
        "kota-uji.1.2": [],
        "kota-uji.2.1": ["kota-uji.2.2"],
        "kota-uji.2.2": ["kota-uji.2.1"],
    }


def test_more_nearest_than_there_are_is_everybody_else() -> None:
    found = neighbours(areas(make_city(), "kecamatan"), NeighbourRule("nearest", k=6))
    assert found == {"kota-uji.1": ["kota-uji.2"], "kota-uji.2": ["kota-uji.1"]}
    assert neighbours(areas(City.objects.get(), "kota"), NeighbourRule("nearest", k=6)) == {"kota-uji": []}


def test_a_distance_is_between_centroids() -> None:
    """Half districts are 0.05 degrees wide: 5 533 m at 6.25 degrees south."""
    city = make_city()
    assert neighbours(areas(city), NeighbourRule("distance", distance_m=5_400.0))["kota-uji.1.1"] == []
    assert neighbours(areas(city), NeighbourRule("distance", distance_m=5_600.0))["kota-uji.1.2"] == [
        "kota-uji.1.1",
        "kota-uji.2.1",
    ]


def test_hexagons_are_numbered_by_their_place_in_the_grid() -> None:
    """The one in the middle is even in i, so its neighbours to both sides are at j and j - 1."""
    rows = cells(lattice_city()).rows
    assert [(row.key, row.code) for row in rows] == [
        (1, "hex-1000.449.5375"),
        (2, "hex-1000.449.5376"),
        (3, "hex-1000.450.5375"),
        (4, "hex-1000.450.5376"),
        (5, "hex-1000.450.5377"),
        (6, "hex-1000.451.5375"),
        (7, "hex-1000.451.5376"),
    ]
    assert (rows[3].x_m, rows[3].y_m) == (675_000.0, pytest.approx(9_311_505.141, abs=0.001))
    assert (rows[5].x_m, rows[5].y_m) == (676_500.0, pytest.approx(9_310_639.116, abs=0.001))


def test_hexagons_are_clipped_to_the_city() -> None:
    """The middle one is whole, 3 sqrt(3) / 2 km²; all together are the rectangle, 2.02 km by 1.9 km (the plane's scale is near 1)."""
    city = lattice_city()
    rows = cells(city).rows
    assert rows[3].area_km2 == pytest.approx(2.5981, rel=1e-3)
    assert sum(row.area_km2 for row in rows) == pytest.approx(3.838, rel=1e-3)
    # A strip of 950 - 866.03 m with oblique ends: (1000 + 2 * 83.97 / sqrt(3) / 2) * 83.97 m².
    assert rows[4].area_km2 == pytest.approx(0.08804, rel=2e-3)
    shapes = [GEOSGeometry(row.geom) for row in rows if row.geom]
    assert [(shape.geom_type, shape.srid, shape.valid) for shape in shapes] == [("MultiPolygon", 4326, True)] * 7
    whole = Area.objects.get(code="kisi").boundary
    # Some square metres (1e-9 square degrees are 12): what is straight on the plane is a bent line in degrees.
    assert max(shape.difference(whole).area for shape in shapes) < 1e-9


def test_hexagons_around_one_are_its_neighbours_in_even_and_odd_columns() -> None:
    found = neighbours(cells(lattice_city()))
    middle = "hex-1000.450.5376"
    assert found[middle] == [code for code in found if code != middle]
    assert found["hex-1000.450.5377"] == ["hex-1000.449.5376", middle, "hex-1000.451.5376"]
    assert found["hex-1000.449.5375"] == ["hex-1000.449.5376", "hex-1000.450.5375", middle]


def test_hexagons_within_a_distance_are_as_many_as_touch() -> None:
    """Middles of neighbours are sqrt(3) km apart, those of the next ring 3 km and more."""
    city = lattice_city()
    found = cells(city)
    assert neighbours(found, NeighbourRule("distance", distance_m=1_733.0)) == neighbours(found)
    assert neighbours(found, NeighbourRule("distance", distance_m=1_731.0))["hex-1000.450.5376"] == []


def test_a_sliver_of_a_hexagon_is_no_unit() -> None:
    """Of the strips above and below the middle one a metre is left: 1 / 2600 of a hexagon."""
    codes = [row.code for row in cells(lattice_city(half_height_m=867.0)).rows]
    assert codes == [f"hex-1000.{place}" for place in ("449.5375", "449.5376", "450.5376", "451.5375", "451.5376")]


def test_a_hole_in_the_city_has_no_hexagons() -> None:
    city = lattice_city(10_000, 10_000)
    before = {row.code for row in cells(city).rows}
    root = Area.objects.get(code="kisi")
    middle = root.boundary.centroid
    middle.transform(32748)
    hole = middle.buffer(3_000)
    hole.transform(4326)
    root.boundary = GEOSGeometry(f"MULTIPOLYGON({root.boundary.difference(hole).wkt[8:]})", srid=4326)
    root.save()
    after = {row.code for row in cells(city).rows}
    # Those that lie in the circle altogether: the middle one and its six neighbours, whose far corners are 2.65 km away.
    assert sorted(before - after) == [
        f"hex-1000.{place}"
        for place in ("449.5375", "449.5376", "450.5375", "450.5376", "450.5377", "451.5375", "451.5376")
    ]


def test_a_city_that_is_one_hexagon_or_has_no_area_yet() -> None:
    city = lattice_city(100, 100)
    assert [row.code for row in cells(city, 5000).rows] == ["hex-5000.90.1075"]
    nowhere = City.objects.create(slug="kosong", name="Kosong")
    assert (cells(nowhere).rows, areas(nowhere).rows, estimate_cells(nowhere.pk, 50)) == ((), (), 0)
    assert neighbours(cells(nowhere)) == neighbours(areas(nowhere)) == {}


def test_the_number_of_hexagons_is_told_before_they_are_made() -> None:
    """20 km by 20 km in hexagons of 2.598 km²: 154 of them."""
    assert estimate_cells(lattice_city(10_000, 10_000).pk, 1000) == 154


@pytest.mark.parametrize("given", [{"level": None, "cell_m": None}, {"level": "kota", "cell_m": 100}])
def test_units_are_areas_or_cells(given: Any) -> None:
    with pytest.raises(ValueError, match="level or cell_m"):
        find_units(1, **given)


def test_units_and_neighbours_take_a_query_each(django_assert_num_queries: Any) -> None:
    city = make_city(districts=5)
    with django_assert_num_queries(2):
        neighbours(areas(city))
    with django_assert_num_queries(1):
        neighbours(cells(city, 2000))
