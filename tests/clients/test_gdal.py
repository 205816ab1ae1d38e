"""Debian's GDAL against the real service: its OAPIF driver, and plain GeoJSON over HTTP. Counts: tests.clients.city_data."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import psycopg2
import pyogrio.raw
import pytest
import shapely

from geo.layers.catalogue import LAYERS
from tests.clients.city_data import CITY_ANALYSIS, PUBLIC_ANALYSIS, SESSION
from tests.clients.service import Service

# GDAL 3.6 asks for ten features a page unless it is told.
PAGES = ("-oo", "PAGE_SIZE=10000")
# A GeoPackage has no lists.
LISTS_AS_TEXT = ("-mapFieldType", "StringList=String")


def gdal(*command: str | Path, says: str = "") -> str:
    """The output of a program of GDAL's; whatever it warns of fails, except what matches `says`."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "NO_PROXY": "127.0.0.1"}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(says, done.stderr), done.stderr
    return done.stdout


def summary(service: Service, layer: str, *more: str, api: str = "/ogc") -> str:
    return gdal("ogrinfo", "-ro", "-so", *PAGES, *more, f"OAPIF:{service.url}{api}", layer)


def count(service: Service, where: str) -> int:
    found = re.search(r"Feature Count: (\d+)", summary(service, "reports", "-where", where))
    assert found
    return int(found[1])


class Converted:
    """A layer after ogr2ogr to GeoPackage: `fields` name -> values, `types`, `shapes` and what pyogrio says of it."""

    def __init__(self, path: Path, layer: str) -> None:
        self.meta, _fids, shapes, values = pyogrio.raw.read(path, layer=layer)
        self.fields: dict[str, Any] = dict(zip(self.meta["fields"], values, strict=True))
        self.types = {name: str(dtype) for name, dtype in zip(self.meta["fields"], self.meta["dtypes"], strict=True)}
        self.shapes = shapely.from_wkb(shapes)

    def __len__(self) -> int:
        return len(self.shapes)


def convert(service: Service, path: Path, layer: str, *more: str, api: str = "/ogc") -> Converted:
    gdal("ogr2ogr", *more, path, f"OAPIF:{service.url}{api}", *([] if "-sql" in more else [layer]))
    return Converted(path, layer)


def test_ogrinfo_lists_the_collections_with_their_geometry_types(service):
    listed = gdal("ogrinfo", "-ro", f"OAPIF:{service.url}/ogc")
    # Where a layer is empty GDAL knows of no geometry.
    kinds = dict(re.findall(r"^\d+: ([\w-]+) \(title: .*?\)(?: \(([\w ]+)\))?$", listed, re.MULTILINE))
    complete = {layer.id for layer in LAYERS if not any(parameter.required for parameter in layer.parameters)}
    assert set(kinds) == {*complete, PUBLIC_ANALYSIS}
    assert (
        kinds.items()
        >= {
            "reports": "Point",
            "sensors": "Point",
            "cities": "Multi Polygon",
            "districts": "Multi Polygon",
            "subdistricts": "Multi Polygon",
            "density": "Multi Polygon",
            "titik-panas-banjir": "Multi Polygon",
        }.items()
    )


def test_ogrinfo_sees_fields_types_count_and_extent(service):
    told = summary(service, "reports")
    assert "Geometry: Point\nFeature Count: 20500\n" in told
    west, south, east, north = map(
        float, re.search(r"Extent: \(([\d.-]+), ([\d.-]+)\) - \(([\d.-]+), ([\d.-]+)\)", told).groups()
    )
    assert (west, south) == pytest.approx((106.9019, -6.3982), abs=0.001)
    assert (east, north) == pytest.approx((107.224, -6.081), abs=1e-6)
    assert 'ID["EPSG",4326]' in told
    assert re.findall(r"^(\w+): (\w+(?:\(\w+\))?) \([01]\.0\)$", told, re.MULTILINE) == [
        ("id", "String"),
        ("category", "String"),
        ("category_name_id", "String"),
        ("category_name_en", "String"),
        ("kind", "String"),
        ("status", "String"),
        ("description", "String"),
        ("channel", "String"),
        ("is_simulated", "Integer(Boolean)"),
        ("area", "String"),
        ("area_name", "String"),
        ("agency", "String"),
        ("reported_at", "DateTime"),
        ("updated_at", "DateTime"),
        ("closed_at", "DateTime"),
        ("support_count", "Integer"),
    ]


def test_ogr2ogr_takes_every_report_with_its_place_and_nulls(service, tmp_path):
    reports = convert(service, tmp_path / "reports.gpkg", "reports", *PAGES)
    assert reports.meta["geometry_type"] == "Point"
    assert reports.meta["crs"] == "EPSG:4326"
    assert len(reports) == 20_500
    with psycopg2.connect(service.dsn) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT public_id, round(ST_X(public_location)::numeric, 7)::float8, round(ST_Y(public_location)::numeric, 7)::float8"
            " FROM geo_report WHERE is_public AND public_location IS NOT NULL"
        )
        stored = {fid: (lon, lat) for fid, lon, lat in cursor.fetchall()}
    points = zip(shapely.get_x(reports.shapes), shapely.get_y(reports.shapes), strict=True)
    assert dict(zip(reports.fields["id"], points, strict=True)) == stored
    nulls = {name: sum(value is None for value in reports.fields[name]) for name in ("area", "area_name", "agency")}
    assert nulls == {"area": 500, "area_name": 500, "agency": 2500}
    assert np.isnat(reports.fields["closed_at"]).sum() == 16_500
    assert reports.types["closed_at"] == reports.types["reported_at"] == "datetime64[ms]"
    assert (reports.types["support_count"], reports.types["is_simulated"]) == ("int32", "bool")
    last = list(reports.fields["id"]).index("r20500")
    assert reports.fields["description"][last] == 'Kata "banjir" \\ dan é中,\nlalu baris kedua'


def test_a_time_keeps_its_fraction_of_a_second(service):
    told = gdal("ogrinfo", "-ro", "-q", *PAGES, f"OAPIF:{service.url}/ogc", "reports", "-where", "id = 'r00001'")
    assert "reported_at (DateTime) = 2026/01/01 00:10:00.500+00\n" in told
    assert "closed_at (DateTime) = (null)\n" in told


def test_twenty_thousand_features_take_at_most_22_requests(service, tmp_path):
    with service.log.watching() as seen:
        reports = convert(service, tmp_path / "reports.gpkg", "reports", *PAGES, api="/ogc/with/area=32.75")
    assert len(reports) == 20_000
    assert len(seen) <= 22
    assert {request.status for request in seen} == {200}


def test_pages_of_a_thousand_are_each_feature_once(service, tmp_path):
    with service.log.watching() as seen:
        reports = convert(service, tmp_path / "reports.gpkg", "reports", "-oo", "PAGE_SIZE=1000")
    assert len(reports) == 20_500
    assert len(set(reports.fields["id"])) == 20_500
    # 21 pages, the collection, and the page that GDAL takes the fields from: 22 for 20,000.
    assert len(seen) == 23


def test_spat_is_answered_by_the_service(service, tmp_path):
    spat = ("-spat", "107.1995", "-6.1005", "107.2095", "-6.0905")
    with service.log.watching() as seen:
        reports = convert(service, tmp_path / "reports.gpkg", "reports", *PAGES, *spat)
    assert len(reports) == 100
    asked = [request.query for request in seen if "bbox" in request.query]
    assert len(asked) == 1
    assert [float(part) for part in asked[0]["bbox"].split(",")] == pytest.approx(
        [107.1995, -6.1005, 107.2095, -6.0905]
    )


def test_where_and_sql_are_answered_by_the_service(service, tmp_path):
    where = "status = 'resolved' AND category = 'banjir'"
    with service.log.watching() as seen:
        reports = convert(service, tmp_path / "where.gpkg", "reports", *PAGES, "-where", where)
    assert len(reports) == 1025
    assert set(reports.fields["status"]) == {"resolved"}
    assert set(reports.fields["category"]) == {"banjir"}
    assert [request.query["filter-lang"] for request in seen if "filter" in request.query] == ["cql-text"]

    sql = "SELECT id, support_count FROM reports WHERE category = 'banjir' AND support_count >= 5"
    with service.log.watching() as seen:
        reports = convert(service, tmp_path / "sql.gpkg", "reports", *PAGES, "-sql", sql)
    assert len(reports) == 1464
    assert sorted(reports.fields) == ["id", "support_count"]
    assert [request.status for request in seen if "filter" in request.query] == [200]


def test_spat_and_where_together(service, tmp_path):
    spat = ("-spat", "107.1995", "-6.1005", "107.2095", "-6.0905")
    reports = convert(service, tmp_path / "reports.gpkg", "reports", *PAGES, *spat, "-where", "category = 'banjir'")
    # Columns 0 to 9 of rows 0 to 9: i = 20001 + 25 row + column, and i % 4 = 1 where (row + column) % 4 = 0.
    assert len(reports) == 25


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("id = 'r00001'", 1),
        ("id IN ('r00001', 'r20500', 'r20501')", 2),
        ("closed_at IS NOT NULL AND support_count > 5", 571),
        ("area IS NULL", 500),
        ("support_count BETWEEN 2 AND 3", 5858),
        ("status = 'resolved' OR agency IS NULL", 6500),
        ("NOT (category IN ('banjir', 'sampah'))", 10_250),
        ("description LIKE 'Laporan nomor 123%'", 111),
        ("description ILIKE 'laporan NOMOR 123%'", 111),
        ("is_simulated = 0", 20_500),
        ("is_simulated = 1", 0),
        ("reported_at >= '2026-02-01T00:00:00Z'", 16_037),
        ("closed_at >= '2026/05/01 00:00:00'", 573),
        # A date is a day of the city: before 2026-01-31T17:00:00Z.
        ("closed_at < '2026/02/01'", 855),
    ],
)
def test_filter(service, where, expected):
    assert count(service, where) == expected


def test_figures_are_real_numbers_even_where_the_first_ones_are_whole_or_missing(service, tmp_path):
    sensors = convert(service, tmp_path / "sensors.gpkg", "sensors", *PAGES)
    results = sensors.fields["result"]
    assert sensors.types["result"] == "float64"
    assert (np.isnan(results).sum(), (results == 5.0).sum(), (results == 7.25).sum()) == (1, 298, 1)
    assert sensors.types["id"] == "int32"


def test_areas_are_multipolygons_equal_to_the_stored_ones(service, tmp_path):
    districts = convert(service, tmp_path / "districts.gpkg", "districts", *PAGES)
    assert districts.meta["geometry_type"] == "MultiPolygon"
    assert len(districts) == 12
    with psycopg2.connect(service.dsn) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT a.code, ST_AsBinary(a.boundary) FROM geo_area a JOIN geo_arealevel l ON l.id = level_id"
                       " WHERE l.code = 'kecamatan'")  # fmt: skip
        stored = {code: shapely.from_wkb(bytes(boundary)) for code, boundary in cursor.fetchall()}
    for code, shape in zip(districts.fields["code"], districts.shapes, strict=True):
        assert shapely.hausdorff_distance(shape, stored[code]) < 1e-7, code


def test_parameters_that_the_address_fixes_reach_a_layer_of_figures(service, tmp_path):
    api = "/ogc/with/start=2026-01-01;end=2026-06-01"
    density = convert(service, tmp_path / "density.gpkg", "density", *PAGES, api=api)
    assert len(density) == 12
    assert density.fields["reports"].sum() == 20_000
    assert density.types["reports_per_km2"] == "float64"


def test_a_saved_analysis_opens_by_its_id_as_a_layer_without_parameters(service, tmp_path):
    with service.log.watching() as seen:
        saved = convert(service, tmp_path / "saved.gpkg", PUBLIC_ANALYSIS, *PAGES, *LISTS_AS_TEXT)
    assert saved.meta["geometry_type"] == "MultiPolygon"
    assert saved.meta["crs"] == "EPSG:4326"
    assert len(saved) == 12
    assert saved.types["z"] == "float64"
    # Every fourth of the 20,000 reports in the city.
    assert saved.fields["reports"].sum() == 5000
    assert {request.status for request in seen} == {200}
    again = convert(
        service, tmp_path / "where.gpkg", PUBLIC_ANALYSIS, *PAGES, *LISTS_AS_TEXT, "-where", "reports > 400"
    )
    assert 0 < len(again) == (saved.fields["reports"] > 400).sum()


def test_an_analysis_of_the_city_opens_with_the_session_of_its_staff(service, tmp_path):
    cookie = ("--config", "GDAL_HTTP_COOKIE", f"sessionid={SESSION}")
    address = f"OAPIF:{service.url}/ogc/collections/{CITY_ANALYSIS}"
    told = gdal("ogrinfo", *cookie, "-ro", "-so", *PAGES, address, CITY_ANALYSIS)
    assert "Geometry: Multi Polygon\nFeature Count: 12\n" in told
    with pytest.raises(AssertionError, match="404"):
        gdal("ogrinfo", "-ro", "-so", *PAGES, address, CITY_ANALYSIS)


def test_an_empty_layer_has_fields_and_an_extent(service):
    told = summary(service, "reports", api="/ogc/with/category=kebakaran")
    assert "Feature Count: 0\n" in told
    assert re.search(r"^Extent: \(106\.\d+, -6\.\d+\)", told, re.MULTILINE)
    fields = dict(re.findall(r"^(\w+): (\w+(?:\(\w+\))?) \([01]\.0\)$", told, re.MULTILINE))
    assert fields["status"] == "String"
    assert fields["closed_at"] == "DateTime"
    assert fields["support_count"] == "Integer"


def test_a_plain_geojson_address_opens_as_it_is(service, tmp_path):
    address = f"{service.url}/layers/reports.geojson?category=banjir"
    gdal("ogr2ogr", tmp_path / "banjir.gpkg", address)
    flooded = Converted(tmp_path / "banjir.gpkg", "reports")
    assert len(flooded) == 5125
    assert flooded.types["closed_at"] == "datetime64[ms]"
    told = gdal("ogrinfo", "-ro", "-so", f"{service.url}/layers/districts.geojson", "districts")
    assert "Geometry: Multi Polygon\nFeature Count: 12\n" in told
