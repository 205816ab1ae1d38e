"""Downloads over HTTP: which rows, in which form, under which name."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.db import connection
from django.test import Client

from geo.areas.models import City
from tests.factories import make_category, make_report
from tests.http.downloading import get, table

pytestmark = pytest.mark.django_db

SPOOLED = {"fgb": "flatgeobuf", "gpkg": "gpkg", "shp.zip": "shp-zip", "parquet": "geoparquet", "xlsx": "xlsx"}
ODD = 'Kata "banjir" \\ dan é中,\r\nlalu baris kedua'


@pytest.fixture(autouse=True)
def _own_home(settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path


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


def test_another_question_has_another_tag(client: Client, city: City) -> None:
    make_report()
    paths = ["reports.csv", "reports.csv?geometry=wkt", "reports.csv?formulas=kept", "reports.csv?limit=1",
             "reports.geojsonl", "reports.geojsons", "districts.csv"]  # fmt: skip
    assert len({get(client, f"/layers/{path}")["ETag"] for path in paths}) == len(paths)


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
