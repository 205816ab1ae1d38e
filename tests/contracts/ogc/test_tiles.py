"""OGC 20-057, requirements classes Core, Mapbox Vector Tiles and OpenAPI 3.0: the tiles and what is said of them."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.gis.geos import Point
from django.core.cache import cache
from django.test import Client

from tests.contracts.ogc.asking import COLLECTIONS, POINTS, PROBLEM, ask, collection_path, get, link_of
from tests.contracts.ogc.test_openapi import parameters_of
from tests.contracts.ogc.tile_asking import MVT, TILESETS_VECTOR, TILING_SCHEMES, template, tile, tile_set, tile_sets
from tests.contracts.ogc.vector_tile import POINT, POLYGON, layers_of
from tests.factories import make_report

pytestmark = pytest.mark.usefixtures("town")
SPEC = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/"
# The town is 106.9 to 107.1 east, 6.2 to 6.3 south: of matrix 11 (2048 tiles a side) the columns (106.9 + 180) / 360 * 2048
# = 1632.14 to 1633.28, the rows 1059.34 to 1059.91, of which the areas' outlines and "heap" lie in the first.
TOWN = (11, 1059, 1632)
TILE_PATH = "/tiles/WebMercatorQuad/{tileMatrix}/{tileRow}/{tileCol}"


def ids_in(response: Any) -> list[str]:
    assert response.status_code == 200, response.status_code
    (layer,) = layers_of(response.content)
    return [feature.properties["id"] for feature in layer.features]


@pytest.mark.parametrize("name", ["core", "tileset", "tilesets-list", "geodata-tilesets", "oas30", "mvt"])
def test_req_tiles_core_conformance_success_each_class_that_is_met_is_listed(client: Client, name: str) -> None:
    listed = ask(client, "/ogc/conformance")["conformsTo"]
    assert f"{SPEC}{name}" in listed
    # Of these there is nothing: no tiles of the whole dataset, no XML, no pictures, no other encoding.
    for absent in ("dataset-tilesets", "collections-selection", "datetime", "xml", "png", "jpeg", "geojson"):
        assert f"{SPEC}{absent}" not in listed


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_tiles_core_tc_op_a_tile_is_had_by_three_variables_and_nothing_else(
    client: Client, collection: str
) -> None:
    address = template(client, collection)
    assert [address.count(f"{{{name}}}") for name in ("tileMatrix", "tileRow", "tileCol")] == [1, 1, 1]
    assert address.count("{") == 3
    response = get(client, address.format(tileMatrix=TOWN[0], tileRow=TOWN[1], tileCol=TOWN[2]))
    assert (response.status_code, response["Content-Type"]) == (200, MVT)


def test_req_tiles_core_tc_op_each_tile_within_the_limits_is_there_or_empty(client: Client) -> None:
    for collection in ("reports", "districts"):
        for matrix in ("0", "6", "11", "13"):
            limits = next(
                entry for entry in tile_set(client, collection)["tileMatrixSetLimits"] if entry["tileMatrix"] == matrix
            )
            address = template(client, collection)
            for row in range(limits["minTileRow"], limits["maxTileRow"] + 1):
                for col in range(limits["minTileCol"], limits["maxTileCol"] + 1):
                    answer = get(client, address.format(tileMatrix=matrix, tileRow=row, tileCol=col))
                    assert answer.status_code in (200, 204), (collection, matrix, row, col)


@pytest.fixture
def parameters(client: Client) -> dict[str, dict[str, Any]]:
    """Those of the tile operation of the reports, by name."""
    return parameters_of(ask(client, "/ogc/api"), f"/collections/reports{TILE_PATH}")


def test_req_tiles_core_tc_tilematrix_definition_a_required_string_in_the_path(
    client: Client, parameters: dict[str, dict[str, Any]]
) -> None:
    entry = parameters["tileMatrix"]
    assert (entry["in"], entry["required"], entry["schema"]["type"]) == ("path", True, "string")
    assert entry["description"]
    limits = tile_set(client, "reports")["tileMatrixSetLimits"]
    assert entry["schema"]["enum"] == [each["tileMatrix"] for each in limits]


@pytest.mark.parametrize("name", ["tileRow", "tileCol"])
def test_req_tiles_core_tc_tilerow_and_tilecol_definition_required_whole_numbers_in_the_path(
    parameters: dict[str, dict[str, Any]], name: str
) -> None:
    entry = parameters[name]
    assert (entry["in"], entry["required"], bool(entry["description"])) == ("path", True, True)
    # Matrix 22 is the last that has tiles; it has 4,194,304 of them along each side.
    assert entry["schema"] == {"type": "integer", "minimum": 0, "maximum": 4194303}


@pytest.mark.parametrize(("more", "accept"), [("", MVT), ("", "*/*"), ("f=mvt", "text/html"), ("", f"{MVT};q=0.5")])
def test_req_tiles_core_tc_success_1_a_tile_with_content_is_a_200_in_the_format_that_was_asked_for(
    client: Client, more: str, accept: str
) -> None:
    address = template(client, "reports").format(tileMatrix=TOWN[0], tileRow=TOWN[1], tileCol=TOWN[2])
    response = get(client, f"{address}?{more}", accept=accept)
    assert (response.status_code, response["Content-Type"]) == (200, MVT)
    assert layers_of(response.content)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        # The border of columns 1632 and 1633 is 1633 / 2048 * 360 - 180 = 107.0508 east: "wish" is east of it, "bin" just west.
        ((11, 1059, 1632), {"heap", "flood", "puddle", "lamp", "bin"}),
        ((11, 1059, 1633), {"wish"}),
        ((14, 8477, 13058), {"heap"}),
        # Column of "lamp": 287.01 / 360 * 16384 = 13062.14; row of 6.25 south: 8477.01.
        ((14, 8477, 13062), {"lamp"}),
    ],
)
def test_req_tiles_core_tc_success_2_it_holds_what_lies_in_its_extent(
    client: Client, reports: dict[str, str], address: tuple[int, int, int], expected: set[str]
) -> None:
    assert set(ids_in(tile(client, "reports", *address))) == {reports[name] for name in expected}


@pytest.mark.parametrize(
    ("matrix", "row", "col", "parameter"),
    [
        # Of matrices 23 and 24 the set has a definition, the tile set no tiles; 25 and others there are not.
        *(
            (matrix, "0", "0", "tileMatrix")
            for matrix in ("23", "24", "25", "-1", "x", "011", "+1", "1.0", "WebMercatorQuad")
        ),
        ("0", "1", "0", "tileRow"),
        ("11", "2048", "1632", "tileRow"),
        ("11", "-1", "1632", "tileRow"),
        ("11", "x", "1632", "tileRow"),
        ("0", "0", "1", "tileCol"),
        ("11", "1059", "2048", "tileCol"),
        ("11", "1059", "-1", "tileCol"),
        ("11", "1059", "1e3", "tileCol"),
    ],
)
def test_req_tiles_core_tc_error_1_out_of_the_tile_matrix_set_is_a_400(
    client: Client, matrix: str, row: str, col: str, parameter: str
) -> None:
    response = tile(client, "reports", matrix, row, col)
    assert (response.status_code, response["Content-Type"]) == (400, PROBLEM)
    assert response.json()["parameter"] == parameter


# Rows of matrix 14: 8474.72 to 8479.30; columns: 13057.14 to 13066.24.
@pytest.mark.parametrize(
    ("matrix", "row", "col"),
    [
        (14, 8473, 13060),
        (14, 8480, 13060),
        (14, 8477, 13056),
        (14, 8477, 13067),
        (11, 1059, 1634),
        (1, 0, 0),
        (22, 0, 0),
    ],
)
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_tiles_core_tc_error_1_out_of_the_limits_of_the_tile_set_is_a_404(
    client: Client, collection: str, matrix: int, row: int, col: int
) -> None:
    response = tile(client, collection, matrix, row, col)
    assert (response.status_code, response["Content-Type"]) == (404, PROBLEM)


def test_req_tiles_core_tc_error_2_an_empty_tile_within_the_limits_is_a_204(client: Client) -> None:
    # "bin", the nearest report, is in column 287.05 / 360 * 16384 = 13063.96.
    empty = tile(client, "reports", 14, 8475, 13065)
    assert (empty.status_code, empty.content, "Content-Type" in empty) == (204, b"", False)
    assert tile(client, "reports", *TOWN, more="filter=id%3D'nonsense'").status_code == 204


def test_an_empty_tile_takes_one_query_more_than_a_full_one(client: Client, django_assert_max_num_queries: Any) -> None:
    """The city of the limits; they themselves are remembered."""
    path = collection_path("reports", "/tiles/WebMercatorQuad/14/8475/13065")
    get(client, path)
    with django_assert_max_num_queries(4):
        assert get(client, path).status_code == 204


def test_a_report_beyond_the_limits_as_they_were_is_shown_all_the_same(client: Client) -> None:
    """The limits may be some minutes old. 107.5 east: 287.5 / 360 * 2048 = 1635.56."""
    assert tile(client, "reports", 11, 1059, 1635).status_code == 404
    stray = make_report(location=Point(107.5, -6.25, srid=4326))
    assert ids_in(tile(client, "reports", 11, 1059, 1635)) == [stray.public_id]
    assert tile(client, "reports", 11, 1059, 1634).status_code == 404
    cache.clear()
    assert tile(client, "reports", 11, 1059, 1634).status_code == 204


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_tiles_mvt_content_1_a_tile_is_one_layer_that_is_named_as_its_collection(
    client: Client, collection: str
) -> None:
    (layer,) = layers_of(tile(client, collection, *TOWN).content)
    assert (layer.name, layer.version, layer.extent) == (collection, 2, 4096)


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_tiles_mvt_content_2_each_feature_has_a_type_and_a_geometry_of_it(client: Client, collection: str) -> None:
    (layer,) = layers_of(tile(client, collection, *TOWN).content)
    assert layer.features
    for feature in layer.features:
        assert feature.type == (POINT if collection in POINTS else POLYGON)
        assert feature.parts
        # A point is one place; a ring is closed and has three corners at least.
        if feature.type == POINT:
            assert (len(feature.parts[0]), feature.is_closed) == (1, [False])
        else:
            assert all(feature.is_closed)
            assert all(len(part) >= 3 for part in feature.parts)


def test_req_tiles_mvt_content_3_the_grid_begins_at_the_top_left_and_is_linear_in_web_mercator(
    client: Client, reports: dict[str, str]
) -> None:
    (layer,) = layers_of(tile(client, "reports", 14, 8477, 13058).content)
    (heap,) = layer.features
    # x: 286.93 / 360 * 16384 = 13058.50311; y: 8477.01024, in Web Mercator (11903393.15, -697130.73); times 4096.
    assert heap.parts[0][0] == pytest.approx((2060.7, 41.9), abs=1)
    # Of the world: x 286.96 / 360 = 0.797111; y (20037508.34 + 700490.38) / 40075016.69 = 0.517479, where degrees would have 0.534889.
    (layer,) = layers_of(tile(client, "reports", 0, 0, 0, "status=resolved").content)
    (flood,) = layer.features
    assert flood.properties["id"] == reports["flood"]
    assert flood.parts[0][0] == pytest.approx((3265.0, 2119.6), abs=1)


def test_req_tiles_mvt_content_3_an_area_lies_where_its_corners_do(client: Client) -> None:
    (layer,) = layers_of(tile(client, "districts", 10, 529, 816).content)
    west = next(feature for feature in layer.features if feature.properties["id"] == "kota-uji.1")
    # 106.9 and 107.0 east: columns 816.0711 and 816.3556; 6.2 and 6.3 south: rows 529.6701 and 529.9562.
    assert west.box == pytest.approx((291.3, 2744.7, 1456.4, 3916.6), abs=1)


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_tiles_oas30_operation_id_each_ends_as_clause_14_says(client: Client, collection: str) -> None:
    paths = ask(client, "/ogc/api")["paths"]
    base = collection_path(collection, "").removeprefix("/ogc")
    for tail, end in {
        "/tiles": "getTileSetsList",
        "/tiles/WebMercatorQuad": "getTileSet",
        TILE_PATH: "getTile",
    }.items():
        assert paths[f"{base}{tail}"]["get"]["operationId"] == f"{collection}.collection.vector.{end}"
    assert paths["/tileMatrixSets"]["get"]["operationId"] == "getTileMatrixSetsList"
    assert paths["/tileMatrixSets/WebMercatorQuad"]["get"]["operationId"] == "getTileMatrixSet"


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_tiles_oas30_completeness_what_is_linked_is_what_is_defined(client: Client, collection: str) -> None:
    definition = ask(client, "/ogc/api")
    (server,) = definition["servers"]
    linked = [
        link_of(ask(client, "/ogc/"), TILING_SCHEMES),
        link_of(ask(client, collection_path(collection)), TILESETS_VECTOR),
        link_of(tile_sets(client, collection)["tilesets"][0], "self"),
        template(client, collection),
    ]
    for href in linked:
        place = urlsplit(href)._replace(query="").geturl()
        assert place.removeprefix(server["url"].rstrip("/")) in definition["paths"], href


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_tiles_oas30_completeness_each_parameter_and_answer_of_a_tile_is_described(
    client: Client, collection: str
) -> None:
    definition = ask(client, "/ogc/api")
    path = f"/collections/{collection}{TILE_PATH}"
    declared = parameters_of(definition, path)
    assert {"tileMatrix", "tileRow", "tileCol", "f", "filter", "bbox", "datetime", "properties"} <= set(declared)
    answers = definition["paths"][path]["get"]["responses"]
    assert MVT in answers["200"]["content"]
    assert {"204", "400", "404"} <= set(answers)
