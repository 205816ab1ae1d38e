"""What stands inside the files: types, names, metadata."""

import io
import json
import sqlite3
import struct
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
from django.contrib.gis.geos import Point
from django.test import Client

from geo.areas.models import City
from geo.layers.export import making
from geo.layers.export.child.short_names import short_names
from tests.factories import make_datastream, make_report, make_thing
from tests.http.downloading import get

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_home(settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path


def test_a_sheet_that_excel_cannot_hold_is_refused_with_the_name_of_one_that_can(
    client: Client, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        make_report()
    monkeypatch.setattr(making, "MOST_EXCEL_ROWS", 2)
    refused = get(client, "/layers/reports.xlsx")
    assert (refused.status_code, refused["Content-Type"]) == (400, "application/problem+json")
    assert "CSV" in refused.json()["detail"]
    assert get(client, "/layers/reports.xlsx?limit=2").status_code == 200


def test_a_workbook_has_numbers_dates_of_the_city_and_a_sheet_that_explains_them(client: Client, city: City) -> None:
    report = make_report(now=datetime(2026, 3, 1, 18, 0, tzinfo=UTC), support_count=4)
    type(report).objects.filter(pk=report.pk).update(public_description="=1+1")
    response = get(client, "/layers/reports.xlsx?lang=en")
    book = openpyxl.load_workbook(io.BytesIO(response.body))
    assert book.sheetnames == ["reports", "about"]
    header, row = [[cell.value for cell in line] for line in book["reports"].iter_rows()]
    cells = dict(zip(header, row, strict=True))
    assert header[:2] == ["feature_id", "id"]
    assert header[-2:] == ["lon", "lat"]
    # 18:00 UTC on the first is one in the morning of the second in Jakarta.
    assert cells["reported_at"] == datetime(2026, 3, 2, 1, 0)  # noqa: DTZ001
    assert (cells["support_count"], cells["is_simulated"], cells["agency"]) == (4, False, None)
    assert (cells["lon"], cells["lat"]) == (106.93, -6.25)
    described = book["reports"].cell(2, header.index("description") + 1)
    assert (described.value, described.data_type) == ("=1+1", "s")
    about = {line[0].value: line[1].value for line in book["about"].iter_rows() if line[0].value}
    assert about["times"] == "Asia/Jakarta"
    assert about["support_count"] == "Supporters"


def test_a_workbook_of_an_empty_layer_has_its_header(client: Client, city: City) -> None:
    book = openpyxl.load_workbook(io.BytesIO(get(client, "/layers/reports.xlsx?properties=kind").body))
    assert list(book["reports"].values) == [("feature_id", "kind", "lon", "lat")]


def test_a_geoparquet_of_an_empty_layer_is_valid(client: Client, city: City) -> None:
    file = pq.ParquetFile(io.BytesIO(get(client, "/layers/reports.parquet").body))
    assert (file.metadata.num_rows, file.schema_arrow.names[-2:]) == (0, ["geom", "bbox"])
    assert "bbox" not in json.loads(file.metadata.metadata[b"geo"])["columns"]["geom"]


def test_a_geoparquet_has_its_crs_its_extent_and_a_box_for_each_geometry(
    client: Client, city: City, settings: Any
) -> None:
    settings.LICENSE_URL = "https://peta.example/licence"
    make_report(location=Point(106.93, -6.25, srid=4326))
    make_report(location=Point(107.05, -6.21, srid=4326))
    response = get(client, "/layers/reports.parquet?kind=laporan&lang=en")
    file = pq.ParquetFile(io.BytesIO(response.body))
    said = {key.decode(): json.loads(text) for key, text in file.metadata.metadata.items() if key != b"ARROW:schema"}
    geo = said["geo"]
    assert (geo["version"], geo["primary_column"]) == ("1.1.0", "geom")
    column = geo["columns"]["geom"]
    assert (column["encoding"], column["geometry_types"]) == ("WKB", ["Point"])
    assert "crs" not in column  # CRS84
    assert column["bbox"] == [106.93, -6.25, 107.05, -6.21]
    assert column["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
    assert said["pantau"]["licence"] == "https://peta.example/licence"
    assert json.loads(said["pantau"]["parameters"]) == {"kind": "laporan"}
    rows = file.read().to_pylist()
    projected = get(client, "/layers/reports.parquet?crs=EPSG:32748")
    geo = json.loads(pq.ParquetFile(io.BytesIO(projected.body)).metadata.metadata[b"geo"])
    assert geo["columns"]["geom"]["crs"]["id"] == {"authority": "EPSG", "code": 32748}
    assert rows[1]["bbox"] == {"xmin": 106.93, "ymin": -6.25, "xmax": 106.93, "ymax": -6.25}
    assert rows[1]["reported_at"] == datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
    assert rows[1]["agency"] is None


def test_a_geopackage_says_what_its_columns_and_its_question_are(client: Client, city: City, tmp_path: Path) -> None:
    make_datastream(make_thing(), "pm25")
    (tmp_path / "s.gpkg").write_bytes(get(client, "/layers/sensors.gpkg?domain=environment&lang=en").body)
    base = sqlite3.connect(tmp_path / "s.gpkg")
    columns = dict(base.execute("SELECT column_name, name FROM gpkg_data_columns"))
    assert columns["result"] == "Latest result"
    described = dict(base.execute("SELECT column_name, description FROM gpkg_data_columns"))
    assert described["result"] == "[unit_ucum]"
    assert base.execute("SELECT identifier FROM gpkg_contents").fetchone() == ("Sensors",)
    metadata = " ".join(text for (text,) in base.execute("SELECT metadata FROM gpkg_metadata"))
    assert "environment" in metadata
    assert "as_of" in metadata
    base.close()


def opened(client: Client, path: str, tmp_path: Path) -> sqlite3.Connection:
    (tmp_path / "layer.gpkg").write_bytes(get(client, path).body)
    return sqlite3.connect(tmp_path / "layer.gpkg")


def test_a_geopackage_keeps_types_and_tells_an_empty_text_from_none(client: Client, city: City, tmp_path: Path) -> None:
    odd = 'Kata "banjir" \\N \\ dan é中,\r\n\tlalu baris kedua'
    first = make_report(now=datetime(2026, 3, 1, 18, 0, 0, 120_000, tzinfo=UTC), support_count=4)
    second = make_report(now=datetime(2026, 3, 1, 5, 0, tzinfo=UTC))
    type(first).objects.filter(pk=first.pk).update(public_description="")
    type(first).objects.filter(pk=second.pk).update(public_description=odd)
    base = opened(client, "/layers/reports.gpkg?sortby=reported_at", tmp_path)
    names = "feature_id, description, agency, is_simulated, support_count, reported_at"
    assert base.execute(f"SELECT fid, {names} FROM reports ORDER BY fid").fetchall() == [
        (1, second.public_id, odd, None, 0, 0, "2026-03-01T05:00:00.000Z"),
        (2, first.public_id, "", None, 0, 4, "2026-03-01T18:00:00.120Z"),
    ]
    types = {name: kind for _, name, kind, *_rest in base.execute("PRAGMA table_info(reports)")}
    assert (types["is_simulated"], types["reported_at"], types["support_count"]) == ("BOOLEAN", "DATETIME", "INTEGER")
    assert list(types)[:4] == ["fid", "geom", "feature_id", "id"]
    base.close()


def test_a_geopackage_has_its_extent_its_count_and_an_index_that_later_edits_keep(
    client: Client, city: City, tmp_path: Path
) -> None:
    make_report(location=Point(106.93, -6.25, srid=4326))
    make_report(location=Point(107.05, -6.21, srid=4326))
    base = opened(client, "/layers/reports.gpkg?sortby=reported_at", tmp_path)
    extent = base.execute("SELECT min_x, min_y, max_x, max_y, srs_id FROM gpkg_contents").fetchone()
    assert extent == (106.93, -6.25, 107.05, -6.21, 4326)
    assert base.execute("SELECT feature_count FROM gpkg_ogr_contents").fetchone() == (2,)
    assert base.execute("SELECT rtreecheck('main', 'rtree_reports_geom')").fetchone() == ("ok",)
    assert base.execute("SELECT id FROM rtree_reports_geom WHERE minx > 107").fetchone() in [(1,), (2,)]
    triggers = {name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    # GeoPackage 1.2, annex F.3.
    assert {f"rtree_reports_geom_{event}" for event in (
        "insert", "update1", "update2", "update3", "update4", "delete")} <= triggers  # fmt: skip
    base.close()


def test_a_geopackage_of_areas_says_the_box_of_each_before_it(client: Client, city: City, tmp_path: Path) -> None:
    base = opened(client, "/layers/districts.gpkg", tmp_path)
    blob, west, east = base.execute(
        "SELECT geom, minx, maxx FROM districts JOIN rtree_districts_geom ON id = fid WHERE fid = 1"
    ).fetchone()
    # GP, version 0, flags 3 (little-endian, with a box of x and y), 4326; then minx, maxx, miny, maxy.
    assert blob[:8] == b"GP\x00\x03\xe6\x10\x00\x00"
    assert struct.unpack("<4d", blob[8:40]) == (106.9, 107.0, -6.3, -6.2)
    assert (west, east) == pytest.approx((106.9, 107.0), abs=0.0001)
    base.close()


def test_a_geopackage_without_geometry_is_a_table_of_attributes(client: Client, city: City, tmp_path: Path) -> None:
    make_report()
    base = opened(client, "/layers/reports.gpkg?skipGeometry=true&properties=kind", tmp_path)
    assert base.execute("SELECT * FROM reports").fetchone()[2:] == ("laporan",)
    assert base.execute("SELECT data_type, srs_id FROM gpkg_contents").fetchone()[0] == "attributes"
    base.close()


def test_a_zipped_shapefile_explains_its_short_names(client: Client, city: City) -> None:
    make_report()
    archive = zipfile.ZipFile(io.BytesIO(get(client, "/layers/reports.shp.zip").body))
    assert sorted(archive.namelist()) == [f"reports.{end}" for end in ("cpg", "dbf", "prj", "shp", "shx", "txt")]
    assert archive.read("reports.cpg") == b"UTF-8"
    said = archive.read("reports.txt").decode()
    assert "cat_nam_id  category_name_id" in said
    assert archive.testzip() is None


def test_short_names_are_different_and_at_most_ten_characters() -> None:
    names = ["category", "category_name_id", "category_name_en", "reports_per_km2", "abcdefghijkl", "abcdefghijxx"]
    assert list(short_names(names).values()) == [
        "category", "cat_nam_id", "cat_nam_en", "re_per_km2", "abcdefghij", "abcdefgh_1"]  # fmt: skip
