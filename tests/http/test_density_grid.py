"""The density surface as a compact grid: numbers from the north-west, and the same as a GeoTIFF."""

from typing import Any

import pytest
from django.contrib.gis.gdal import GDALRaster
from django.contrib.gis.geos import Point
from django.test import Client

from geo.areas.models import City
from geo.models import Area
from tests.factories import NOW, make_report

pytestmark = pytest.mark.django_db
URL = "/api/analysis/density-grid/?start=2026-02-01&end=2026-03-01&bandwidth_m=1000&cell_m=200"


@pytest.fixture
def report(city: City) -> Any:
    """In the middle of the cell whose south-west corner is (715000, 9308000) in EPSG:32748."""
    place = Point(715_100.0, 9_308_100.0, srid=32748)
    place.transform(4326)
    return make_report(location=place, reported_at=NOW)


def test_values_come_row_by_row_from_the_north_west(client: Client, report: Any) -> None:
    answer = client.get(URL).json()
    assert (answer["crs"], answer["cell_m"], answer["unit"]) == ("EPSG:32748", 200, "1/km2")
    assert len(answer["values"]) == answer["columns"] * answer["rows"]
    column = (715_000 - answer["west"]) / 200
    from_north = (answer["south"] + answer["rows"] * 200 - 9_308_200) / 200
    here = int(from_north * answer["columns"] + column)
    # 3 / π under the report, and (1 - 0.16)² = 0.7056 of it two cells away.
    assert answer["values"][here] == answer["peak"] == 0.95493
    assert answer["values"][here + 2] == answer["values"][here - 2 * answer["columns"]] == 0.6738
    assert max(value for value in answer["values"] if value is not None) == 0.95493


def test_the_grid_holds_nothing_outside_the_city_and_zero_where_nobody_reports(client: Client, report: Any) -> None:
    values = client.get(URL).json()["values"]
    assert values.count(None) > 0
    # Less than five cells from the report lie 69 cells.
    assert sum(value is not None and value > 0 for value in values) == 69
    assert values.count(0.0) == len(values) - values.count(None) - 69


def test_the_document_says_how_it_was_made(client: Client, report: Any) -> None:
    answer = client.get(URL).json()
    assert answer["analysis"] == "density-grid"
    assert (answer["bandwidth_m"], answer["bandwidth_rule"], answer["kernel"]) == (1000.0, "given", "quartic")
    assert (answer["reports"], answer["reports_without_place"], answer["places_rounded_to_m"]) == (1, 0, 0)
    assert (answer["start"], answer["end"]) == ("2026-01-31T17:00:00+00:00", "2026-03-01T17:00:00+00:00")


def test_a_geotiff_holds_the_same_numbers_in_the_same_place(client: Client, report: Any) -> None:
    answer = client.get(URL).json()
    response = client.get(f"{URL}&f=tif")
    assert (response.status_code, response["Content-Type"]) == (200, "image/tiff")
    raster = GDALRaster(response.content)
    assert (raster.srs.srid, raster.width, raster.height) == (32748, answer["columns"], answer["rows"])
    north = answer["south"] + answer["rows"] * 200
    assert raster.geotransform == [answer["west"], 200.0, 0.0, north, 0.0, -200.0]
    band = raster.bands[0]
    assert band.nodata_value == -9999.0
    found = [None if value == -9999.0 else round(float(value), 5) for value in band.data().ravel()]
    assert found == answer["values"]


def test_the_same_geotiff_is_the_same_bytes(client: Client, report: Any) -> None:
    assert client.get(f"{URL}&f=tif").content == client.get(f"{URL}&f=tif").content


def test_no_reports_are_zeros(client: Client, city: City) -> None:
    answer = client.get(URL).json()
    assert (answer["reports"], answer["peak"]) == (0, 0.0)
    assert set(answer["values"]) == {None, 0.0}
    assert client.get(f"{URL}&f=tif").status_code == 200


def test_a_city_without_an_area_has_an_empty_grid(client: Client, city: City) -> None:
    Area.objects.update(retired_at=NOW)
    answer = client.get(URL).json()
    assert (answer["columns"], answer["rows"], answer["values"]) == (0, 0, [])
    raster = GDALRaster(client.get(f"{URL}&f=tif").content)
    assert (raster.width, raster.height, float(raster.bands[0].data()[0, 0])) == (1, 1, -9999.0)


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ("&f=png", "f"),
        ("&cell_m=25&bandwidth_m=50", "cell_m"),
        ("&bandwidth_m=1", "bandwidth_m"),
        ("&status=x", "status"),
    ],
)
def test_bad_parameters_are_named(client: Client, city: City, change: str, parameter: str) -> None:
    response = client.get(f"/api/analysis/density-grid/?start=2026-02-01{change}")
    assert (response.status_code, response.json()["parameter"]) == (400, parameter)


def test_a_city_that_is_not_there_is_named(client: Client, city: City) -> None:
    response = client.get(f"{URL}&city=atlantis")
    assert (response.status_code, response.json()["parameter"]) == (400, "city")


def test_the_grid_may_be_finer_than_the_layer(client: Client, city: City) -> None:
    query = "start=2026-02-01&end=2026-03-01&bandwidth_m=250&cell_m=50"
    assert client.get(f"/api/analysis/density-grid/?{query}").json()["columns"] > 400
    refused = client.get(f"/layers/surface.geojson?{query}")
    assert (refused.status_code, refused.json()["parameter"]) == (400, "cell_m")
    assert "at most 30000" in refused.json()["detail"]


def test_number_of_queries_has_a_ceiling(client: Client, report: Any, django_assert_max_num_queries: Any) -> None:
    client.get(URL)
    with django_assert_max_num_queries(6):
        client.get(URL)
