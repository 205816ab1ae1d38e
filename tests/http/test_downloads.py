"""Downloads over HTTP: which rows, in which form, under which name; and files that can be resumed."""

import csv
import io
import json
import os
import socket
import sqlite3
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
from django.contrib.gis.geos import Point
from django.db import connection
from django.test import Client, RequestFactory

from geo.areas.models import City
from geo.layers.catalogue import layer_by_id
from geo.layers.export import making, spool
from geo.layers.export.child.short_names import short_names
from geo.layers.select import snapshot
from geo.ogc import downloads
from geo.ogc.files import client_is_gone
from tests.factories import make_category, make_city, make_datastream, make_report, make_thing

pytestmark = pytest.mark.django_db

SPOOLED = {"fgb": "flatgeobuf", "gpkg": "gpkg", "shp.zip": "shp-zip", "parquet": "geoparquet", "xlsx": "xlsx"}
ODD = 'Kata "banjir" \\ dan é中,\r\nlalu baris kedua'


@pytest.fixture(autouse=True)
def _own_home(settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path


@pytest.fixture
def city() -> City:
    return make_city()


def get(client: Client, path: str, **headers: str) -> Any:
    """The response with its body read to the end, as a client would."""
    response = client.get(path, headers=headers)
    response.body = b"".join(response.streaming_content) if response.streaming else response.content
    return response


def table(client: Client, path: str) -> list[dict[str, str]]:
    response = get(client, path)
    assert response.status_code == 200, response.body
    return list(csv.DictReader(io.StringIO(response.body.decode(), newline="")))


def kept(tmp_path: Path) -> list[str]:
    folder = tmp_path / "downloads"
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock") if folder.exists() else []


def test_a_csv_has_a_line_for_each_feature_with_longitude_and_latitude(client: Client, city: City) -> None:
    make_report(location=Point(106.93, -6.25, srid=4326), description="Sampah", support_count=3)
    response = get(client, "/layers/reports.csv")
    header, line, end = response.body.decode().split("\r\n")
    assert header.startswith("feature_id,id,category,")
    assert header.endswith("support_count,lon,lat")
    assert line.endswith(',"laporan","submitted","Sampah","web",false,"kota-uji.1.1","Kota-Uji 1 1",,'
                         '2026-03-01T05:00:00+00:00,2026-03-01T05:00:00+00:00,,3,106.9300000,-6.2500000')  # fmt: skip
    assert end == ""
    assert response["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert response["Content-Crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
    assert response["Accept-Ranges"] == "none"


def test_quotes_newlines_and_other_scripts_survive_a_csv(client: Client, city: City) -> None:
    make_report(description=ODD)
    assert table(client, "/layers/reports.csv")[0]["description"] == ODD


def test_the_same_form_is_reached_by_f_and_by_accept(client: Client, city: City) -> None:
    make_report()
    by_f = get(client, "/ogc/collections/reports/items?f=csv")
    by_accept = get(client, "/ogc/collections/reports/items", accept="text/csv")
    assert by_f.body == by_accept.body == get(client, "/layers/reports.csv").body


def test_a_download_holds_all_that_matches_unless_a_limit_is_given(client: Client, city: City) -> None:
    for _ in range(5):
        make_report()
    assert len(table(client, "/layers/reports.csv")) == 5
    assert len(table(client, "/layers/reports.csv?limit=2")) == 2
    assert len(table(client, "/layers/reports.csv?limit=4&offset=3")) == 2


def test_the_pages_limit_does_not_bind_a_download(client: Client, city: City) -> None:
    make_report()
    with connection.cursor() as cursor:
        cursor.execute("SELECT array_agg(attname) FROM pg_attribute WHERE attrelid = 'geo_report'::regclass AND attnum > 0"
                       " AND NOT attisdropped AND attname NOT IN ('id', 'public_id')")  # fmt: skip
        names = ", ".join(cursor.fetchone()[0])
        cursor.execute(f"INSERT INTO geo_report (public_id, {names}) SELECT 'n' || n, {names}"
                       " FROM geo_report, generate_series(1, 10050) n")  # fmt: skip
    assert len(table(client, "/layers/reports.csv?limit=10020")) == 10_020
    assert len(table(client, "/layers/reports.csv")) == 10_051


def test_a_download_takes_the_questions_of_items(client: Client, city: City) -> None:
    make_report(location=Point(106.93, -6.25, srid=4326), description="a", support_count=1)
    make_report(location=Point(107.05, -6.25, srid=4326), description="b", support_count=2)
    make_report(location=Point(107.06, -6.25, srid=4326), description="c", support_count=3,
                category=make_category("banjir"))  # fmt: skip

    def said(query: str) -> list[str]:
        return [row["description"] for row in table(client, f"/layers/reports.csv?{query}")]

    assert said("bbox=107,-6.3,107.1,-6.2&sortby=support_count") == ["b", "c"]
    assert said("filter=support_count<3&sortby=support_count") == ["a", "b"]
    assert said("category=banjir") == ["c"]
    assert said("description=b") == ["b"]
    assert said("sortby=-support_count") == ["c", "b", "a"]


def test_only_the_properties_that_are_asked_for_are_in_a_download(client: Client, city: City) -> None:
    make_report(description="a")
    assert list(table(client, "/layers/reports.csv?properties=description")[0]) == [
        "feature_id", "description", "lon", "lat"]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("geometry=none", []),
        ("skipGeometry=true", []),
        ("geometry=wkt", ["WKT"]),
        ("geometry=lonlat,wkt", ["lon", "lat", "WKT"]),
        ("crs=EPSG:32748", ["x", "y"]),
    ],
)
def test_a_csv_has_the_geometry_that_is_asked_for(client: Client, city: City, query: str, columns: list[str]) -> None:
    make_report()
    assert list(table(client, f"/layers/reports.csv?properties=kind&{query}")[0]) == ["feature_id", "kind", *columns]


def test_an_area_is_wkt_in_a_csv_and_a_point_inside_it_where_lonlat_is_asked(client: Client, city: City) -> None:
    row = table(client, "/layers/districts.csv")[0]
    assert row["WKT"] == "MULTIPOLYGON(((106.9 -6.3,106.9 -6.2,107 -6.2,107 -6.3,106.9 -6.3)))"
    row = table(client, "/layers/districts.csv?geometry=lonlat")[0]
    assert (row["lon"], row["lat"]) == ("106.9500000", "-6.2500000")


def test_coordinates_of_a_projected_crs_are_east_first(client: Client, city: City) -> None:
    # 105 E is the central meridian of UTM zone 48 (500,000 m east); south of the equator north counts from 10,000,000 m.
    make_report(location=Point(105, -6, srid=4326))
    response = get(client, "/layers/reports.csv?crs=EPSG:32748&properties=kind")
    assert response["Content-Crs"] == "<http://www.opengis.net/def/crs/EPSG/0/32748>"
    x, y = response.body.decode().splitlines()[1].split(",")[-2:]
    # The meridian's arc to 6 degrees on WGS 84: 111132.95 * 6 - 16038.5 sin 12 + 16.8 sin 24 = 663,470.0 m; times 0.9996.
    assert x == "500000.00"
    assert float(y) == pytest.approx(9_336_795.4, abs=0.5)


def test_a_file_in_epsg_4326_is_longitude_first_and_says_so(client: Client, city: City) -> None:
    make_report(location=Point(106.93, -6.25, srid=4326))
    response = get(client, "/layers/reports.geojsonl?crs=EPSG:4326")
    assert json.loads(response.body)["geometry"]["coordinates"] == [106.93, -6.25]
    assert response["Content-Crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"


@pytest.mark.parametrize("text", ["=1+1", "+62 21", "-5", "@cmd", "\tx", "'=1+1"])
def test_text_that_a_spreadsheet_would_compute_is_made_harmless(client: Client, city: City, text: str) -> None:
    report = make_report()
    type(report).objects.filter(pk=report.pk).update(public_description=text)
    assert table(client, "/layers/reports.csv")[0]["description"] == "'" + text
    assert table(client, "/layers/reports.csv?formulas=kept")[0]["description"] == text


@pytest.mark.parametrize("text", ["", "'", "''", "5=5", "Jl. A - B", "'kutip'"])
def test_text_that_is_harmless_is_left_as_it_is(client: Client, city: City, text: str) -> None:
    report = make_report()
    type(report).objects.filter(pk=report.pk).update(public_description=text)
    assert table(client, "/layers/reports.csv")[0]["description"] == text


def test_an_empty_text_is_told_from_none_in_a_csv(client: Client, city: City) -> None:
    report = make_report()
    type(report).objects.filter(pk=report.pk).update(public_description="")
    line = get(client, "/layers/reports.csv?properties=description,agency&geometry=none").body.decode().splitlines()[1]
    assert line == f'"{report.public_id}","",'


def test_a_line_of_geojson_is_a_feature_and_a_sequence_has_a_separator_before_each(client: Client, city: City) -> None:
    report = make_report(description=ODD)
    make_report()
    lines = get(client, "/layers/reports.geojsonl")
    assert lines["Content-Type"] == "application/x-ndjson"
    features = [json.loads(line) for line in lines.body.decode().split("\n")[:-1]]
    assert features[1]["id"] == report.public_id
    assert features[1]["properties"]["description"] == ODD
    sequence = get(client, "/ogc/collections/reports/items?f=geojsonseq")
    assert sequence["Content-Type"] == "application/geo+json-seq"
    assert [json.loads(text) for text in sequence.body.decode().split("\x1e")[1:]] == features
    assert sequence.body.decode().count("\x1e") == 2


@pytest.mark.parametrize("extension", ["csv", "geojsonl", "geojsons"])
def test_a_stream_of_an_empty_layer_is_complete(client: Client, city: City, extension: str) -> None:
    response = get(client, f"/layers/reports.{extension}")
    assert response.status_code == 200
    assert response.body.count(b"\n") == (1 if extension == "csv" else 0)


@pytest.mark.parametrize("extension", ["csv", "geojsonl", *SPOOLED])
def test_a_download_is_an_attachment_with_the_day_in_its_name(client: Client, city: City, extension: str) -> None:
    make_report()
    today = datetime.now(UTC).astimezone(city.zone).date().isoformat()
    response = get(client, f"/layers/reports.{extension}")
    assert response["Content-Disposition"] == f'attachment; filename="pantau-reports-{today}.{extension}"'


@pytest.mark.parametrize("extension", ["csv", "geojsonl", *SPOOLED])
def test_a_download_that_the_client_has_is_not_sent_again(client: Client, city: City, extension: str) -> None:
    make_report()
    etag = get(client, f"/layers/reports.{extension}")["ETag"]
    again = get(client, f"/layers/reports.{extension}", if_none_match=etag)
    assert (again.status_code, again.body, again["ETag"]) == (304, b"", etag)
    make_report()
    assert get(client, f"/layers/reports.{extension}", if_none_match=etag).status_code == 200


def test_another_question_has_another_tag(client: Client, city: City) -> None:
    make_report()
    paths = ["reports.csv", "reports.csv?geometry=wkt", "reports.csv?formulas=kept", "reports.csv?limit=1",
             "reports.geojsonl", "reports.geojsons", "districts.csv"]  # fmt: skip
    assert len({get(client, f"/layers/{path}")["ETag"] for path in paths}) == len(paths)


def test_an_answer_not_changed_costs_neither_rows_nor_a_file(
    client: Client, city: City, tmp_path: Path, django_assert_max_num_queries: Any
) -> None:
    make_report()
    etag = get(client, "/layers/reports.gpkg")["ETag"]
    for name in kept(tmp_path):
        (tmp_path / "downloads" / name).unlink()
    with django_assert_max_num_queries(2):
        assert get(client, "/layers/reports.gpkg", if_none_match=etag).status_code == 304
    assert kept(tmp_path) == []


@pytest.mark.parametrize("name", SPOOLED.values())
def test_a_file_says_its_length_and_takes_ranges(client: Client, city: City, name: str) -> None:
    make_report()
    path = f"/ogc/collections/reports/items?f={name}"
    whole = get(client, path)
    assert whole["Accept-Ranges"] == "bytes"
    assert whole["Content-Length"] == str(len(whole.body))
    part = get(client, path, range="bytes=10-19", if_range=whole["ETag"])
    assert (part.status_code, part.body) == (206, whole.body[10:20])
    assert part["Content-Range"] == f"bytes 10-19/{len(whole.body)}"
    assert part["Content-Length"] == "10"


def test_the_forms_of_a_range(client: Client, city: City) -> None:
    make_report()
    whole = get(client, "/layers/reports.gpkg").body
    size = len(whole)

    def part(text: str) -> tuple[int, bytes]:
        response = get(client, "/layers/reports.gpkg", range=text)
        return response.status_code, response.body

    assert part(f"bytes={size - 5}-") == (206, whole[-5:])
    assert part("bytes=-5") == (206, whole[-5:])
    assert part(f"bytes=0-{size + 100}") == (206, whole)
    for ignored in ("bytes=5-2", "bytes=-", "lines=1-2", "bytes=0-1,4-5", "bytes=a-b"):
        assert part(ignored) == (200, whole)
    for outside in (f"bytes={size}-", "bytes=-0"):
        response = get(client, "/layers/reports.gpkg", range=outside)
        assert response.status_code == 416
        assert response["Content-Range"] == f"bytes */{size}"


def test_a_range_of_another_file_is_answered_with_the_whole(client: Client, city: City) -> None:
    make_report()
    before = get(client, "/layers/reports.gpkg")
    make_report()
    after = get(client, "/layers/reports.gpkg", range="bytes=10-19", if_range=before["ETag"])
    assert after.status_code == 200
    assert after["ETag"] != before["ETag"]


def test_a_file_made_again_has_another_tag_so_that_its_bytes_are_never_mixed(
    client: Client, city: City, tmp_path: Path
) -> None:
    make_report()
    before = get(client, "/layers/reports.gpkg")
    assert get(client, "/layers/reports.gpkg")["ETag"] == before["ETag"]
    (tmp_path / "downloads" / kept(tmp_path)[0]).unlink()
    after = get(client, "/layers/reports.gpkg", range="bytes=10-19", if_range=before["ETag"])
    assert (after.status_code, after["ETag"] == before["ETag"]) == (200, False)


def test_a_file_is_not_compressed_for_its_ranges_sake(client: Client, city: City) -> None:
    make_report()
    assert "Content-Encoding" not in get(client, "/layers/reports.gpkg", accept_encoding="gzip").headers
    for _ in range(20):
        make_report()
    assert get(client, "/layers/reports.csv", accept_encoding="gzip")["Content-Encoding"] == "gzip"


def test_head_of_a_file_tells_its_length_without_a_body(client: Client, city: City) -> None:
    make_report()
    head = client.head("/layers/reports.gpkg")
    assert b"".join(head.streaming_content) == b""
    whole = get(client, "/layers/reports.gpkg")
    assert (head["Content-Length"], head["ETag"]) == (str(len(whole.body)), whole["ETag"])


def test_old_files_are_removed_and_so_are_the_oldest_beyond_the_bound(
    client: Client, city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_report()
    sizes = []
    for i, limit in enumerate((1, 2, 3)):
        sizes.append(len(get(client, f"/layers/reports.gpkg?limit={limit}").body))
        for name in kept(tmp_path):
            path = tmp_path / "downloads" / name
            os.utime(path, (path.stat().st_mtime - 10, path.stat().st_mtime - 10))
        assert len(kept(tmp_path)) == i + 1
    monkeypatch.setattr(spool, "MOST_BYTES", sizes[1] + sizes[2])
    spool.remove_old()
    assert len(kept(tmp_path)) == 2
    monkeypatch.setattr(spool, "KEEP_S", 15)
    spool.remove_old()
    assert len(kept(tmp_path)) == 1


def test_no_more_files_are_made_at_once_than_may_be(
    client: Client, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "WAIT_S", 0.0)
    with spool._slot("making", 2) as first, spool._slot("making", 2) as second:
        assert (first, second) == (True, True)
        busy = get(client, "/layers/reports.gpkg")
        assert (busy.status_code, busy["Retry-After"]) == (503, "10")
        assert get(client, "/layers/reports.csv").status_code == 200
    assert get(client, "/layers/reports.gpkg").status_code == 200


def test_a_stream_holds_its_place_until_it_ends_or_is_closed(
    client: Client, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_report()
    monkeypatch.setattr(spool, "WAIT_S", 0.0)
    monkeypatch.setattr(spool, "MOST_STREAMING", 1)
    pieces = downloads._pieces(_asked("csv"))
    next(pieces)
    assert get(client, "/layers/reports.csv").status_code == 503
    pieces.close()
    assert get(client, "/layers/reports.csv").status_code == 200
    assert get(client, "/layers/reports.csv").status_code == 200


def test_a_client_that_went_away_ends_the_making(
    client: Client, city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        make_report()
    monkeypatch.setattr(making, "ROWS_BETWEEN_LOOKS", 1)
    path = tmp_path / "file"
    export = _export("gpkg")
    with pytest.raises(making.Abandoned), snapshot():
        making.make_file(export, path, is_abandoned=lambda: True)
    # The connection is not left in the midst of a COPY.
    assert len(table(client, "/layers/reports.csv")) == 3


def test_a_connection_that_was_closed_is_noticed_without_taking_what_was_sent() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        request = RequestFactory().get("/", **{"gunicorn.socket": ours})
        assert not client_is_gone(request)
        theirs.send(b"GET")
        assert not client_is_gone(request)
        assert ours.recv(3) == b"GET"
        theirs.close()
        assert client_is_gone(request)
    assert not client_is_gone(RequestFactory().get("/"))


def _asked(name: str) -> downloads.Download:
    return downloads.read_download(RequestFactory().get("/layers/reports"), layer_by_id("reports"), name, {})


def _export(name: str) -> making.Export:
    found = _asked(name)
    return making.Export(name, found.rows(), found.asked.output, "Laporan", "", {}, "Asia/Jakarta")


def test_an_encoder_that_fails_leaves_nothing_behind_and_is_no_success(
    client: Client, city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_report()
    monkeypatch.setattr(making, "BLOCK_BYTES", -1)
    client.raise_request_exception = False
    assert get(client, "/layers/reports.gpkg").status_code == 500
    assert kept(tmp_path) == []
    monkeypatch.undo()


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


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("reports.csv?geometry=circle", "geometry"),
        ("reports.csv?geometry=none,wkt", "geometry"),
        ("reports.csv?geometry=wkt&geometry=none", "geometry"),
        ("reports.gpkg?geometry=wkt", "geometry"),
        ("reports.xlsx?geometry=wkt", "geometry"),
        ("reports.gpkg?formulas=kept", "formulas"),
        ("reports.csv?limit=0", "limit"),
        ("reports.csv?limit=x", "limit"),
        ("reports.csv?next=abc", "next"),
        ("reports.csv?f=gpkg", "f"),
        ("reports.csv?unknown=1", "unknown"),
        ("reports.fgb?skipGeometry=true", "skipGeometry"),
        ("reports.shp.zip?skipGeometry=true", "skipGeometry"),
        ("reports.gpkg?crs=EPSG:9", "crs"),
        ("correlation.csv", "property"),
    ],
)
def test_what_a_form_cannot_do_is_refused_by_name(client: Client, city: City, path: str, parameter: str) -> None:
    refused = get(client, f"/layers/{path}")
    assert (refused.status_code, refused.json()["parameter"]) == (400, parameter)


def test_an_unknown_extension_is_not_found(client: Client, city: City) -> None:
    assert get(client, "/layers/reports.docx").status_code == 404
    assert get(client, "/layers/nothing.csv").status_code == 404


def test_the_prefix_of_an_address_holds_in_its_downloads(client: Client, city: City) -> None:
    make_report(description="a")
    make_report(description="b", category=make_category("banjir"))
    rows = table(client, "/ogc/with/category=banjir/collections/reports/items?f=csv")
    assert [row["description"] for row in rows] == ["b"]
