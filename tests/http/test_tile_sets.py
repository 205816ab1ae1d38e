"""What describes the tiles: TileJSON, MapLibre styles, and the tile sets of OGC API - Tiles."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.test import Client

from geo.areas.models import City
from geo.layers.catalogue import LAYERS
from geo.ogc.landing import CLASSES
from tests.factories import (
    centre,
    make_category,
    make_city,
    make_datastream,
    make_observed_property,
    make_report,
    make_thing,
)
from tests.vector_tiles import AT_10, MVT, features, path_of

pytestmark = pytest.mark.django_db

OGC_TILES = "/ogc/collections/reports/tiles/WebMercatorQuad"
NEEDS = dict.fromkeys(("correlation", "bivariate"), "?property=pm25")


@pytest.fixture
def city() -> City:
    return make_city()


def test_tilejson_says_where_tiles_are_and_what_they_hold(client: Client, city: City) -> None:
    document = client.get("/tiles/reports.json?category=&lang=en").json()
    assert document["tilejson"] == "3.0.0"
    assert document["tiles"] == ["http://testserver/tiles/reports/{z}/{x}/{y}.mvt?category=&lang=en"]
    assert document["bounds"] == pytest.approx([106.9, -6.3, 107.1, -6.2])
    assert (document["minzoom"], document["maxzoom"], document["scheme"]) == (0, 16, "xyz")
    assert (document["name"], document["attribution"]) == ("Reports", "Pantau")
    (layer,) = document["vector_layers"]
    assert layer["id"] == "reports"
    assert list(layer["fields"].items())[:2] == [("id", "String"), ("category", "String")]
    assert (layer["fields"]["is_simulated"], layer["fields"]["point_count"]) == ("Boolean", "Number")


def test_tilejson_carries_parameters_into_its_tiles(client: Client, city: City) -> None:
    make_category("banjir")
    query = "?category=banjir&bbox=106.9,-6.3,107,-6.2&properties=status"
    document = client.get(f"/tiles/reports.json{query}").json()
    assert document["tiles"][0].endswith(".mvt?category=banjir&bbox=106.9%2C-6.3%2C107%2C-6.2&properties=status")
    assert list(document["vector_layers"][0]["fields"]) == ["id", "status", "point_count", "is_cluster"]
    template = document["tiles"][0].removeprefix("http://testserver")
    assert client.get(template.format(z=0, x=0, y=0)).status_code == 204


def test_the_licence_is_the_attribution(client: Client, city: City, settings: Any) -> None:
    settings.LICENSE_URL = "https://example.org/licence?a&b"
    attribution = client.get("/tiles/districts.json").json()["attribution"]
    assert attribution == '<a href="https://example.org/licence?a&amp;b" rel="license">Pantau</a>'


@pytest.mark.parametrize("layer_id", [layer.id for layer in LAYERS])
def test_tiles_carry_what_tilejson_and_the_tile_set_say(
    client: Client, city: City, layer_id: str, tmp_path: Path
) -> None:
    make_report()
    make_datastream(make_thing("pos-2", location=Point(106.96, -6.25, srid=4326)), "pm25")
    query = NEEDS.get(layer_id, "")
    fields = set(client.get(f"/tiles/{layer_id}.json{query}").json()["vector_layers"][0]["fields"])
    prefix = f"/with/{query[1:]}" if query else ""
    tile_set = client.get(f"/ogc{prefix}/collections/{layer_id}/tiles/WebMercatorQuad").json()
    assert set(tile_set["layers"][0]["propertiesSchema"]["properties"]) == fields
    for feature in features(client, tmp_path, layer_id, AT_10, query):
        assert set(feature["properties"]) - {"mvt_id"} <= fields


@pytest.mark.parametrize("layer_id", [layer.id for layer in LAYERS])
def test_a_style_draws_its_layer_and_asks_nobody_else(client: Client, city: City, layer_id: str) -> None:
    make_report(location=centre("kota-uji.1.1"))
    make_observed_property("pm25")
    query = NEEDS.get(layer_id, "")
    style = client.get(f"/tiles/{layer_id}/style.json{query}").json()
    assert style["version"] == 8
    source = style["sources"][layer_id]
    assert source == {"type": "vector", "url": f"http://testserver/tiles/{layer_id}.json{query}", "promoteId": "id"}
    ground, *drawn = style["layers"]
    assert ground["type"] == "background"
    assert {(each["source"], each["source-layer"]) for each in drawn} == {(layer_id, layer_id)}
    assert not {"glyphs", "sprite"} & set(style)
    assert "text-field" not in json.dumps(style)


def test_a_style_colours_by_the_declared_classes(client: Client, city: City) -> None:
    make_observed_property("pm25")
    reports = {each["id"]: each for each in client.get("/tiles/reports/style.json").json()["layers"]}
    assert reports["reports-clusters"]["filter"] == ["has", "point_count"]
    assert reports["reports"]["paint"]["circle-color"] == [
        *("match", ["get", "status"], ["submitted"], "#b2182b", ["in_progress"], "#e08214", ["resolved"], "#1b7837"),
        "#b9b9b9",
    ]
    correlation = client.get("/tiles/correlation/style.json?property=pm25").json()["layers"][1]
    assert correlation["paint"]["fill-color"] == [
        "case",
        ["has", "rho"],
        ["step", ["get", "rho"], "#2166ac", -0.5, "#92c5de", -0.2, "#f7f7f7", 0.2, "#f4a582", 0.5, "#b2182b"],
        "#b9b9b9",
    ]


def test_a_style_takes_classes_that_are_not_declared_from_the_rows(client: Client, city: City) -> None:
    for code, reports in (("kota-uji.1.1", 1), ("kota-uji.2.1", 3)):
        for _ in range(reports):
            make_report(location=centre(code), reported_at=datetime(2026, 2, 10, tzinfo=UTC))
    query = "?start=2026-02-01&end=2026-02-28"
    fill = client.get(f"/tiles/density/style.json{query}").json()["layers"][1]["paint"]["fill-color"]
    # Districts of 1 km²: one with a report, one with three; two classes take the first and the last colour.
    step = ["step", ["get", "reports_per_km2"], "#eceae4", 1.0, "#ffffcc", 3.0, "#800026"]
    assert fill == ["case", ["has", "reports_per_km2"], step, "#b9b9b9"]


def test_ogc_tiles_put_the_row_before_the_column(client: Client, city: City) -> None:
    make_report()
    response = client.get(f"{OGC_TILES}/14/8477/13058")
    assert (response.status_code, response["Content-Type"]) == (200, MVT)
    assert response.content == client.get(path_of("reports")).content
    assert client.get(f"{OGC_TILES}/14/8477/13058?f=mvt&status=resolved").status_code == 204


@pytest.mark.parametrize(
    ("address", "parameter"),
    [("23/0/0", "tileMatrix"), ("1/2/0", "tileRow"), ("1/0/2", "tileCol"), ("1/0/x", "tileCol"), ("0/0/0?f=png", "f")],
)
def test_an_ogc_address_out_of_range_names_its_part(client: Client, city: City, address: str, parameter: str) -> None:
    response = client.get(f"{OGC_TILES}/{address}")
    assert (response.status_code, response.json()["parameter"]) == (400, parameter)


def test_another_tile_matrix_set_is_not_found(client: Client, city: City) -> None:
    tiles = "/ogc/collections/reports/tiles/WorldCRS84Quad"
    for path in (tiles, f"{tiles}/0/0/0", "/ogc/tileMatrixSets/WorldCRS84Quad"):
        assert client.get(path).status_code == 404


def test_from_the_collection_a_client_finds_its_tiles(client: Client, city: City) -> None:
    make_report()
    collection = client.get("/ogc/collections/reports").json()
    tile_sets = client.get(href(collection, "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector")).json()
    (entry,) = tile_sets["tilesets"]
    assert (entry["dataType"], entry["crs"]) == ("vector", "http://www.opengis.net/def/crs/EPSG/0/3857")
    assert entry["tileMatrixSetURI"] == "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
    tile_set = client.get(href(entry, "self")).json()
    template = next(link for link in tile_set["links"] if link["rel"] == "item")
    assert (template["templated"], template["type"]) == (True, MVT)
    assert template["href"] == f"http://testserver{OGC_TILES}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    assert client.get(template["href"].format(tileMatrix=14, tileRow=8477, tileCol=13058)).status_code == 200
    scheme = client.get(href(tile_set, "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme")).json()
    assert scheme["id"] == "WebMercatorQuad"


def href(document: dict[str, Any], rel: str) -> str:
    return next(link["href"] for link in document["links"] if link["rel"] == rel)


def test_a_tile_set_says_where_its_tiles_lie(client: Client, city: City) -> None:
    tile_set = client.get(OGC_TILES).json()
    assert (tile_set["dataType"], tile_set["tileMatrixSetId"]) == ("vector", "WebMercatorQuad")
    box = tile_set["boundingBox"]
    assert [*box["lowerLeft"], *box["upperRight"]] == pytest.approx([106.9, -6.3, 107.1, -6.2])
    assert len(tile_set["tileMatrixSetLimits"]) == 23
    # By hand: (106.9 + 180) / 360 * 1024 = 816.07, (107.1 + 180) / 360 * 1024 = 816.64; both edges lie in row 529.
    limits = {"minTileRow": 529, "maxTileRow": 529, "minTileCol": 816, "maxTileCol": 816}
    assert tile_set["tileMatrixSetLimits"][10] == {"tileMatrix": "10", **limits}
    (layer,) = tile_set["layers"]
    assert (layer["id"], layer["geometryDimension"], layer["maxTileMatrix"]) == ("reports", 0, "22")
    assert layer["propertiesSchema"]["properties"]["reported_at"]["format"] == "date-time"


def test_fixed_parameters_stay_in_the_addresses_of_a_tile_set(client: Client, city: City) -> None:
    make_category("banjir")
    base = "/ogc/with/city=kota-uji;category=banjir"
    tile_set = client.get(f"{base}/collections/density/tiles/WebMercatorQuad").json()
    links = {link["rel"]: link["href"] for link in tile_set["links"]}
    assert links["item"].startswith(f"http://testserver{base}/collections/density/tiles/WebMercatorQuad/")
    assert links["describedby"] == "http://testserver/tiles/density.json?city=kota-uji&category=banjir"
    assert client.get(f"{base}/collections/density/tiles/WebMercatorQuad/10/529/816").status_code == 200


def test_the_tile_matrix_set_is_the_registered_one(client: Client, city: City) -> None:
    (entry,) = client.get("/ogc/tileMatrixSets").json()["tileMatrixSets"]
    document = client.get(href(entry, "self")).json()
    assert (entry["id"], document["uri"]) == ("WebMercatorQuad", entry["uri"])
    assert document["orderedAxes"] == ["X", "Y"]
    assert len(document["tileMatrices"]) == 25
    # OGC 17-083r4, table D.1.
    assert document["tileMatrices"][0]["scaleDenominator"] == pytest.approx(559082264.0287178, rel=1e-12)
    last = document["tileMatrices"][24]
    assert (last["id"], last["matrixWidth"], last["matrixHeight"]) == ("24", 16777216, 16777216)
    assert last["cellSize"] == pytest.approx(0.009330691929342804, rel=1e-9)
    assert last["pointOfOrigin"] == pytest.approx([-20037508.3427892, 20037508.3427892])


@pytest.mark.parametrize(
    "path",
    [
        "/collections/reports/tiles",
        "/collections/reports/tiles/WebMercatorQuad",
        "/collections/correlation/tiles/WebMercatorQuad",
        "/tileMatrixSets",
        "/tileMatrixSets/WebMercatorQuad",
    ],
)
def test_tile_sets_are_pages_as_well(client: Client, city: City, path: str) -> None:
    page = client.get(f"/ogc{path}?f=html")
    assert (page.status_code, page["Content-Type"].split(";")[0]) == (200, "text/html")
    assert client.get(f"/ogc{path}?nonsense=1").status_code == 400


def test_the_definition_of_the_api_has_every_tile_path(client: Client, city: City) -> None:
    paths = client.get("/ogc/api").json()["paths"]
    for layer in LAYERS:
        base = f"/collections/{layer.id}/tiles"
        tile = paths[f"{base}/WebMercatorQuad/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"]["get"]
        assert MVT in tile["responses"]["200"]["content"]
        assert "204" in tile["responses"]
        assert {base, f"{base}/WebMercatorQuad"} <= set(paths)
    assert {"/tileMatrixSets", "/tileMatrixSets/WebMercatorQuad"} <= set(paths)
    names = ("core", "tileset", "tilesets-list", "geodata-tilesets", "mvt")
    assert {f"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/{name}" for name in names} <= set(CLASSES)
