"""Vector tiles over HTTP, at the address that web maps use."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.test import Client

from geo.areas.models import City
from geo.layers.catalogue import LAYERS
from geo.layers.tiles import Tile
from geo.models import Area, Report
from tests.factories import (
    centre,
    make_category,
    make_city,
    make_datastream,
    make_report,
    make_thing,
)
from tests.vector_tiles import AT_10, AT_14, MVT, features, path_of, read_tile

pytestmark = pytest.mark.django_db

PROBLEM = "application/problem+json"


@pytest.fixture
def city() -> City:
    return make_city()


def ids(found: Sequence[dict[str, Any]]) -> list[str]:
    return [feature["properties"]["id"] for feature in found]


def test_a_report_is_a_feature_of_its_tile(client: Client, city: City, tmp_path: Path) -> None:
    report = make_report(location=Point(106.93, -6.25, srid=4326), category=make_category("sampah"))
    (feature,) = features(client, tmp_path, "reports")
    assert feature["geometry"]["coordinates"] == pytest.approx([106.93, -6.25], abs=0.000003)
    properties = feature["properties"]
    assert (properties["id"], properties["mvt_id"]) == (report.public_id, report.pk)
    assert (properties["category"], properties["status"], properties["is_simulated"]) == ("sampah", "submitted", False)
    assert "description" not in properties


def test_the_layer_in_a_tile_is_named_as_the_layer_is(client: Client, city: City) -> None:
    make_report()
    # Mapbox Vector Tile 2.1: the first field of a tile is a layer (tag 0x1a, a length); a layer's field 1 (0x0a) is its name.
    content = client.get(path_of("reports")).content
    assert content[0] == 0x1A
    assert b"\x0a\x07reports" in content


def test_an_empty_tile_is_204_to_get_and_head(client: Client, city: City) -> None:
    for response in (client.get(path_of("reports")), client.head(path_of("reports"))):
        assert (response.status_code, response.content) == (204, b"")
        assert "Content-Type" not in response
        assert response["ETag"]


def test_head_answers_as_get_without_the_body(client: Client, city: City) -> None:
    make_report()
    got, head = client.get(path_of("reports")), client.head(path_of("reports"))
    assert (head.status_code, head.content, head["Content-Type"]) == (200, b"", MVT)
    assert head["ETag"] == got["ETag"]


@pytest.mark.parametrize(
    ("address", "parameter"),
    [
        ("23/0/0", "z"),
        ("-1/0/0", "z"),
        ("x/0/0", "z"),
        ("1.0/0/0", "z"),
        ("0/1/0", "x"),
        ("3/8/0", "x"),
        ("3/0/8", "y"),
        ("3/0/-1", "y"),
        ("3/0/1e1", "y"),
        ("3/99999999999999999999/0", "x"),
    ],
)
def test_an_address_out_of_range_is_a_problem_that_names_its_part(
    client: Client, city: City, address: str, parameter: str
) -> None:
    response = client.get(f"/tiles/reports/{address}.mvt")
    assert (response.status_code, response["Content-Type"]) == (400, PROBLEM)
    assert response.json()["parameter"] == parameter


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("categroy=sampah", "categroy"),
        ("category=unknown", "category"),
        ("bbox=1,2,3", "bbox"),
        ("filter=nonsense%20%3D%201", "filter"),
        ("properties=nonsense", "properties"),
        ("limit=10", "limit"),
        ("sortby=status", "sortby"),
        ("crs=http://www.opengis.net/def/crs/EPSG/0/3857", "crs"),
        ("skipGeometry=true", "skipGeometry"),
        ("f=mvt", "f"),
    ],
)
def test_what_a_tile_does_not_take_is_a_problem_that_names_it(
    client: Client, city: City, query: str, parameter: str
) -> None:
    for path in (path_of("reports"), "/tiles/reports.json", "/tiles/reports/style.json"):
        response = client.get(f"{path}?{query}")
        assert (response.status_code, response["Content-Type"]) == (400, PROBLEM)
        assert response.json()["parameter"] == parameter


def test_a_layer_that_is_not_there_has_no_tiles(client: Client, city: City) -> None:
    for path in (path_of("nonsense"), "/tiles/nonsense.json", "/tiles/nonsense/style.json"):
        assert client.get(path).status_code == 404


def test_a_tile_cannot_be_written_to(client: Client, city: City) -> None:
    assert client.post(path_of("reports")).status_code == 405


def test_tiles_take_the_filters_and_parameters_of_items(client: Client, city: City, tmp_path: Path) -> None:
    flood = make_category("banjir")
    wet = make_report(category=make_category("genangan", parent=flood), reported_at=datetime(2026, 2, 1, tzinfo=UTC))
    dry = make_report(category=make_category("sampah"), reported_at=datetime(2026, 2, 20, tzinfo=UTC))
    Report.objects.filter(pk=dry.pk).update(status="resolved")
    for query, expected in {
        "?category=banjir": wet,
        "?status=resolved": dry,
        "?kind=laporan&datetime=2026-02-10/..": dry,
        "?filter=status%3D'submitted'": wet,
        "?filter=status%3D'resolved'&filter-lang=cql2-text&bbox=106.9,-6.3,107,-6.2": dry,
    }.items():
        assert ids(features(client, tmp_path, "reports", AT_14, query)) == [expected.public_id], query
        assert ids(features(client, tmp_path, "reports", AT_10, query)) == [expected.public_id], query
    assert features(client, tmp_path, "reports", AT_14, "?bbox=107,-6.3,107.1,-6.2") == []


def test_properties_chooses_what_features_carry(client: Client, city: City, tmp_path: Path) -> None:
    make_report(description="Lampu mati")
    (feature,) = features(client, tmp_path, "reports", AT_14, "?properties=description,support_count")
    assert set(feature["properties"]) == {"mvt_id", "id", "description", "support_count"}


def test_what_is_hidden_is_in_no_tile_and_counted_in_no_cluster(client: Client, city: City, tmp_path: Path) -> None:
    shown = make_report()
    make_report(is_public=False)
    for tile in (AT_10, AT_14):
        assert ids(features(client, tmp_path, "reports", tile)) == [shown.public_id]


def test_clusters_end_where_all_points_begin(client: Client, city: City, tmp_path: Path) -> None:
    for _ in range(3):
        make_report()
    (cluster,) = features(client, tmp_path, "reports", Tile(13, 6529, 4238))
    assert cluster["properties"]["point_count"] == 3
    assert len(features(client, tmp_path, "reports", AT_14)) == 3


def test_nothing_of_another_city_is_in_a_tile(client: Client, city: City, tmp_path: Path) -> None:
    make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    here = make_report()
    there = make_report(location=centre("makassar.1.1"))
    world = Tile(0, 0, 0)
    assert client.get(path_of("reports", world)).json()["parameter"] == "city"
    assert ids(features(client, tmp_path, "reports", world, "?city=kota-uji")) == [here.public_id]
    assert ids(features(client, tmp_path, "reports", world, "?city=makassar")) == [there.public_id]
    response = client.get("/ogc/with/city=makassar/collections/reports/tiles/WebMercatorQuad/0/0/0")
    assert ids(read_tile(response.content, world, tmp_path)) == [there.public_id]


def test_areas_are_polygons_with_their_figures(client: Client, city: City, tmp_path: Path) -> None:
    make_report(location=centre("kota-uji.1.1"))
    found = {feature["properties"]["id"]: feature for feature in features(client, tmp_path, "districts", AT_10)}
    assert set(found) == {"kota-uji.1", "kota-uji.2"}
    first = found["kota-uji.1"]
    assert first["geometry"]["type"] == "Polygon"
    # A unit of zoom 10 is 0.0000858 degrees.
    xs = [x for x, _y in first["geometry"]["coordinates"][0]]
    assert (min(xs), max(xs)) == pytest.approx((106.9, 107.0), abs=0.0001)
    assert (first["properties"]["reports"], first["properties"]["area_km2"]) == (1, 1.0)
    assert first["properties"]["mvt_id"] == Area.objects.get(code="kota-uji.1").pk


def test_a_computed_layer_has_tiles_of_its_stored_result(client: Client, city: City, tmp_path: Path) -> None:
    make_datastream(make_thing("pos-udara", location=centre("kota-uji.1.1")), "pm25")
    found = features(client, tmp_path, "correlation", AT_10, "?property=pm25&level=kecamatan")
    assert sorted(ids(found)) == ["kota-uji.1", "kota-uji.2"]
    assert all(feature["properties"]["reason"] for feature in found)
    assert client.get(path_of("correlation", AT_10)).json()["parameter"] == "property"


def test_an_unchanged_tile_is_not_sent_again(client: Client, city: City) -> None:
    report = make_report()
    tag = client.get(path_of("reports"))["ETag"]
    response = client.get(path_of("reports"), headers={"if-none-match": tag})
    assert (response.status_code, response.content, response["ETag"]) == (304, b"", tag)
    Report.objects.filter(pk=report.pk).update(status="resolved")
    assert client.get(path_of("reports"), headers={"if-none-match": tag}).status_code == 200


def test_an_empty_tile_that_is_filled_is_another(client: Client, city: City) -> None:
    tag = client.get(path_of("reports"))["ETag"]
    assert client.get(path_of("reports"), headers={"if-none-match": tag}).status_code == 304
    make_report()
    assert client.get(path_of("reports"), headers={"if-none-match": tag}).status_code == 200


def test_the_etag_belongs_to_address_and_parameters(client: Client, city: City) -> None:
    make_report()
    paths = [path_of("reports"), path_of("reports", AT_10), path_of("reports", AT_14, "?status=submitted")]
    paths += [path_of("reports", AT_14, "?properties=status"), path_of("reports", AT_14, "?bbox=106,-7,108,-6")]
    assert len({client.get(path)["ETag"] for path in paths}) == 5


def test_a_tile_may_be_kept_compressed_and_read_by_any_origin(client: Client, city: City) -> None:
    for _ in range(20):
        make_report()
    headers = {"accept-encoding": "gzip", "origin": "https://peta.example"}
    response = client.get(path_of("reports"), headers=headers)
    assert (response["Content-Encoding"], response["Cache-Control"]) == ("gzip", "public, max-age=5")
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "Accept-Encoding" in response["Vary"]


@pytest.mark.parametrize("layer_id", [layer.id for layer in LAYERS if not layer.is_stored])
@pytest.mark.parametrize("tile", [AT_10, AT_14])
def test_a_tile_takes_a_bounded_number_of_queries(
    client: Client, city: City, layer_id: str, tile: Tile, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        make_report()
    # City and data version, what parameters and row-source ask for themselves (density: two), and one statement for the tile.
    with django_assert_max_num_queries(5 if layer_id == "density" else 4):
        client.get(path_of(layer_id, tile))


def test_a_304_asks_for_city_and_version_alone(client: Client, city: City, django_assert_max_num_queries: Any) -> None:
    make_report()
    tag = client.get(path_of("reports"))["ETag"]
    with django_assert_max_num_queries(2):
        client.get(path_of("reports"), headers={"if-none-match": tag})


def test_a_style_is_paler_where_a_figure_may_be_chance(client: Client, city: City) -> None:
    make_datastream(make_thing("pos-udara"), "pm25")
    fill = client.get("/tiles/correlation/style.json?property=pm25").json()["layers"][1]
    is_chance_unlikely = ["all", ["has", "p_value"], ["<", ["get", "p_value"], 0.05]]
    assert fill["paint"]["fill-opacity"] == ["case", ["!", ["has", "rho"]], 0.8, is_chance_unlikely, 0.8, 0.25]
    assert client.get("/tiles/density/style.json").json()["layers"][1]["paint"]["fill-opacity"] == 0.8


def test_a_style_says_what_its_colours_mean(client: Client, city: City) -> None:
    make_report(reported_at=datetime(2026, 2, 10, tzinfo=UTC))
    make_datastream(make_thing("pos-udara"), "pm25")

    def legend(path: str) -> list[dict[str, Any]]:
        return client.get(f"/tiles/{path}").json()["metadata"]["pantau:legend"]

    assert legend("reports/style.json?lang=id") == [
        {"color": "#b2182b", "label": "menunggu"},
        {"color": "#e08214", "label": "proses"},
        {"color": "#1b7837", "label": "selesai"},
        {"color": "#b9b9b9", "label": "lainnya"},
    ]
    # One district of 1 km² has a report, the other none.
    assert legend("density/style.json?start=2026-02-01&end=2026-02-28&lang=id")[:2] == [
        {"color": "#fd8d3c", "label": "≥ 1"},
        {"color": "#eceae4", "label": "0 (tidak ada laporan)"},
    ]
    pale = {"color": "#b2182b", "label": "not significant (p ≥ 0.05)", "opacity": 0.25}
    assert pale in legend("correlation/style.json?property=pm25&lang=en")
    assert legend("districts/style.json") == []
