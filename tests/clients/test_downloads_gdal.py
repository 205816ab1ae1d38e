"""Downloads as Debian's GDAL reads them: the same features as the layer itself has."""

import json
import os
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from geo.layers.export.child.short_names import short_names
from server.run.said import wait_until
from tests.clients.service import Service

# Of the last 1,500 reports: nulls in each column that may be null, and one of odd text (tests.clients.city_data).
SOME = "start=2026-05-13T00:00:00Z"
GDAL_READS = {
    "csv": ("&geometry=wkt&formulas=kept", ["-oo", "AUTODETECT_TYPE=YES"]),
    "geojsonl": ("", []),
    "geojsons": ("", []),
    "fgb": ("", []),
    "gpkg": ("", []),
    "shp.zip": ("", []),
    "xlsx": ("", ["-oo", "HEADERS=FORCE"]),
}
JAKARTA = ZoneInfo("Asia/Jakarta")
TIMES = ("reported_at", "updated_at", "closed_at")

Features = dict[str, dict[str, Any]]


def download(service: Service, path: str, target: Path) -> Path:
    with urllib.request.urlopen(f"{service.url}{path}", timeout=120) as answer, target.open("wb") as file:
        shutil.copyfileobj(answer, file)
    return target


def run(*command: object) -> str:
    return subprocess.run([*map(str, command)], check=True, capture_output=True, text=True).stdout


def features(text: str) -> Features:
    return {feature["id"]: feature for feature in json.loads(text)["features"]}


@pytest.fixture(scope="module")
def reports(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Features:
    path = download(service, f"/layers/reports.geojson?{SOME}", tmp_path_factory.mktemp("items") / "reports.geojson")
    found = features(path.read_text())
    assert len(found) == 1493  # 2026-05-13 is 132 days after the first: from number 132 * 144 = 19,008 to 20,500
    return found


@pytest.fixture(scope="module")
def districts(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Features:
    path = tmp_path_factory.mktemp("items") / "districts.geojson"
    return features(download(service, "/layers/districts.geojson", path).read_text())


def as_geojson(path: Path, options: list[str]) -> list[dict[str, Any]]:
    """What GDAL finds in a file, as it writes it again."""
    out = path.with_name(f"{path.name}.read.geojson")
    source = f"/vsizip/{path}" if path.suffix == ".zip" else path
    first = next(line for line in run("ogrinfo", "-q", "-ro", source).splitlines() if line.startswith("1: "))
    name = first.removeprefix("1: ").split(" (")[0]
    run("ogr2ogr", "-f", "GeoJSON", "-lco", "COORDINATE_PRECISION=9", out, source, name, *options)
    return json.loads(out.read_text())["features"]


def moment(value: str, extension: str) -> datetime:
    read = datetime.fromisoformat(value.replace("/", "-", 2).replace(" ", "T").replace("Z", "+00:00"))
    return (read if read.tzinfo else read.replace(tzinfo=JAKARTA if extension == "xlsx" else UTC)).astimezone(UTC)


def normal(name: str, value: Any, extension: str) -> Any:
    if value is None or value == "":
        return None
    if name in TIMES:
        # GDAL has milliseconds at most.
        return moment(value, extension).replace(microsecond=0)
    if name.startswith("is_"):
        return str(value).lower() in ("1", "true")
    return value


@pytest.mark.parametrize("extension", GDAL_READS)
def test_gdal_reads_the_same_points(service: Service, reports: Features, tmp_path: Path, extension: str) -> None:
    more, options = GDAL_READS[extension]
    path = download(service, f"/layers/reports.{extension}?{SOME}{more}", tmp_path / f"reports.{extension}")
    read = as_geojson(path, options)
    assert len(read) == len(reports)
    names = list(reports["r20500"]["properties"])
    spelled = short_names(["feature_id", *names]) if extension == "shp.zip" else {name: name for name in names}
    for feature in read:
        was = feature["properties"]
        original = reports[was["id"]]
        for name in names:
            assert normal(name, was.get(spelled[name]), extension) == normal(
                name, original["properties"][name], "geojson"
            )
        if extension == "xlsx":
            place = [was["lon"], was["lat"]]
        else:
            place = feature["geometry"]["coordinates"]
        assert place == pytest.approx(original["geometry"]["coordinates"], abs=6e-8)


@pytest.mark.parametrize("extension", [name for name in GDAL_READS if name != "xlsx"])
def test_gdal_reads_the_same_areas(service: Service, districts: Features, tmp_path: Path, extension: str) -> None:
    more, options = GDAL_READS[extension]
    more = more.replace("&", "?", 1)
    path = download(service, f"/layers/districts.{extension}{more}", tmp_path / f"districts.{extension}")
    read = as_geojson(path, options if extension != "csv" else [])
    assert len(read) == 12
    for feature in read:
        original = districts[feature["properties"]["code"]]
        assert feature["properties"]["name"] == original["properties"]["name"]
        assert float(feature["properties"]["area_km2"]) == original["properties"]["area_km2"]
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        expected = shapely.from_geojson(json.dumps(original["geometry"]))
        assert shapely.hausdorff_distance(shape, expected) < 1e-7


@pytest.mark.parametrize("layer", ["reports", "districts"])
def test_geoparquet_has_the_same_features(
    service: Service, reports: Features, districts: Features, tmp_path: Path, layer: str
) -> None:
    asked = f"?{SOME}" if layer == "reports" else ""
    expected = reports if layer == "reports" else districts
    path = download(service, f"/layers/{layer}.parquet{asked}", tmp_path / "layer.parquet")
    rows = pq.read_table(path).to_pylist()
    assert len(rows) == len(expected)
    for row in rows:
        original = expected[row["feature_id"]]
        for name, value in original["properties"].items():
            kept = row[name].replace(microsecond=0) if name in TIMES and row[name] else row[name]
            assert kept == normal(name, value, "geojson") or (kept, value) == ("", "")
        shape = shapely.from_wkb(row["geom"])
        assert shapely.hausdorff_distance(shape, shapely.from_geojson(json.dumps(original["geometry"]))) < 1e-7
        assert tuple(row["bbox"].values()) == shape.bounds


def test_a_later_gdal_reads_the_same_as_debians(service: Service, reports: Features, tmp_path: Path) -> None:
    for extension in ("gpkg", "fgb"):
        path = download(service, f"/layers/reports.{extension}?{SOME}", tmp_path / f"reports.{extension}")
        about = pyogrio.read_info(path)
        assert (about["features"], about["crs"], about["geometry_type"]) == (1493, "EPSG:4326", "Point")
        _about, table = pyogrio.read_arrow(path)
        odd = next(row for row in table.to_pylist() if row["id"] == "r20500")
        assert odd["description"] == reports["r20500"]["properties"]["description"]
        assert odd["agency"] is None


@pytest.mark.parametrize("extension", ["gpkg", "fgb", "shp.zip"])
def test_a_projected_file_says_its_crs_and_has_east_first(
    service: Service, reports: Features, tmp_path: Path, extension: str
) -> None:
    path = download(service, f"/layers/reports.{extension}?{SOME}&crs=EPSG:32748", tmp_path / f"reports.{extension}")
    source = f"/vsizip/{path}" if extension == "shp.zip" else path
    said = run("ogrinfo", "-so", "-al", source)
    assert 'ID["EPSG",32748]' in said
    for feature in as_geojson(path, ["-t_srs", "EPSG:4326"]):
        original = reports[feature["properties"]["id"]]
        assert feature["geometry"]["coordinates"] == pytest.approx(original["geometry"]["coordinates"], abs=1e-7)


def named(fields: list[str], spell: Callable[[list[str]], dict[str, str]] | None = None) -> list[str]:
    return [spell(fields)[name] for name in fields] if spell else fields


@pytest.mark.parametrize("extension", ["gpkg", "fgb", "shp.zip", "csv"])
def test_an_empty_layer_is_a_valid_file_with_its_fields(service: Service, tmp_path: Path, extension: str) -> None:
    path = download(service, f"/layers/reports.{extension}?bbox=0,0,1,1", tmp_path / f"reports.{extension}")
    source = f"/vsizip/{path}" if extension == "shp.zip" else path
    said = run("ogrinfo", "-so", "-al", source)
    assert "Feature Count: 0" in said
    for name in named(["feature_id", "category_name_en", "support_count"], short_names if "shp" in extension else None):
        assert f"\n{name}: " in said
    if extension in ("gpkg", "fgb", "shp.zip"):
        assert "Geometry: Point" in said
        assert 'ID["EPSG",4326]' in said


def test_a_download_holds_every_report_though_a_page_would_not(service: Service, tmp_path: Path) -> None:
    path = download(service, "/ogc/collections/reports/items?f=gpkg", tmp_path / "reports.gpkg")
    assert "Feature Count: 20500" in run("ogrinfo", "-so", path, "reports")


def test_gdal_reads_a_file_where_it_lies_by_ranges(service: Service) -> None:
    said = run("ogrinfo", "-so", "-al", f"/vsicurl/{service.url}/layers/reports.fgb?category=banjir")
    assert "Feature Count: 5125" in said


def test_a_download_that_broke_off_is_resumed(service: Service, tmp_path: Path) -> None:
    whole = download(service, "/layers/reports.gpkg", tmp_path / "whole.gpkg").read_bytes()
    part = tmp_path / "part.gpkg"
    part.write_bytes(whole[:100_000])
    run("curl", "-s", "-f", "-C", "-", "-o", part, f"{service.url}/layers/reports.gpkg")
    assert part.read_bytes() == whole


def test_a_client_that_goes_away_ends_the_child(service: Service) -> None:
    folder = Path(os.environ["PANTAU_HOME"]) / "downloads"
    address = urlsplit(service.url)
    before = set(folder.glob("*"))
    with socket.create_connection((address.hostname, address.port)) as client:
        # A workbook of 20,500 rows takes seconds; that nobody waits is noticed four times a second.
        client.sendall(b"GET /layers/reports.xlsx HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert wait_until(lambda: any(folder.glob("draft-*")), seconds=20)
    assert wait_until(lambda: not any(folder.glob("draft-*")), seconds=20)
    assert not [path for path in set(folder.glob("*")) - before if path.suffix != ".lock"]
