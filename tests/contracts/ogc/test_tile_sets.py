"""OGC 20-057, requirements classes Tileset, Tilesets list and Geodata tilesets; what they ask of OGC 17-083r4."""

from typing import Any

import jsonschema
import pytest
from django.test import Client

from sensors.models import Datastream, Observation, ObservedProperty
from tests.contracts.ogc.asking import (
    COLLECTIONS,
    CRS84,
    LISTED,
    POINTS,
    ask,
    collection_path,
    get,
    link_of,
    links_of,
)
from tests.contracts.ogc.tile_asking import (
    EPSG_3857,
    GEODATA,
    MVT,
    TILESETS_VECTOR,
    TILING_SCHEME,
    TILING_SCHEMES,
    WEB_MERCATOR_QUAD,
    tile_set,
    tile_sets,
)
from tests.factories import make_city

pytestmark = pytest.mark.usefixtures("town")
JSON = "application/json"

TEXT = {"type": "string", "minLength": 1}
NUMBER = {"type": "integer", "minimum": 0}
POSITIVE = {"type": "integer", "minimum": 1}
PLACE = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
LINKS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["href", "rel"],
        "properties": {"href": TEXT, "rel": TEXT, "type": TEXT, "title": TEXT, "templated": {"type": "boolean"}},
    },
}


def object_of(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """The JSON Schema of an object that has these members and no others."""
    members = {**required, **(optional or {})}
    return {"type": "object", "required": list(required), "properties": members, "additionalProperties": False}


DATA_TYPE = {"enum": ["map", "vector", "coverage"]}
# The members that OGC 17-083r4 has for a tile set, its limits and its layers; `tileMatrixSetId` is one more, for the pages.
ENTRY = {"dataType": DATA_TYPE, "crs": TEXT, "tileMatrixSetURI": TEXT, "links": LINKS}
NAMED = {"title": TEXT, "tileMatrixSetId": TEXT}
LAYER = object_of(
    {"id": TEXT, "dataType": DATA_TYPE},
    {
        "title": TEXT,
        "geometryDimension": {"type": "integer", "minimum": 0, "maximum": 3},
        "minTileMatrix": TEXT,
        "maxTileMatrix": TEXT,
        "propertiesSchema": {"type": "object", "required": ["type", "properties"]},
    },
)
LIMITS = object_of(
    {"tileMatrix": TEXT, **dict.fromkeys(("minTileRow", "maxTileRow", "minTileCol", "maxTileCol"), NUMBER)}
)
TILE_SET = object_of(
    ENTRY,
    {
        **NAMED,
        "description": TEXT,
        "layers": {"type": "array", "items": LAYER, "minItems": 1},
        "boundingBox": object_of({"lowerLeft": PLACE, "upperRight": PLACE}, {"crs": TEXT}),
        "tileMatrixSetLimits": {"type": "array", "items": LIMITS},
        "mediaTypes": {"type": "array", "items": TEXT},
    },
)
TILE_MATRIX = object_of(
    {
        "id": TEXT,
        "scaleDenominator": {"type": "number"},
        "cellSize": {"type": "number"},
        "pointOfOrigin": PLACE,
        **dict.fromkeys(("tileWidth", "tileHeight", "matrixWidth", "matrixHeight"), POSITIVE),
    },
    {"cornerOfOrigin": {"enum": ["topLeft", "bottomLeft"]}},
)
TILE_MATRIX_SET = object_of(
    {"crs": TEXT, "tileMatrices": {"type": "array", "items": TILE_MATRIX}},
    {"id": TEXT, "title": TEXT, "uri": TEXT, "wellKnownScaleSet": TEXT, "links": LINKS}
    | {"orderedAxes": {"type": "array", "items": TEXT, "minItems": 2, "maxItems": 2}},
)


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_tileset_description_1_a_tile_set_is_what_17_083r4_has_for_one(client: Client, collection: str) -> None:
    document = tile_set(client, collection)
    jsonschema.validate(document, TILE_SET)
    assert (document["dataType"], document["crs"], document["mediaTypes"]) == ("vector", EPSG_3857, [MVT])
    (layer,) = document["layers"]
    assert (layer["id"], layer["dataType"]) == (collection, "vector")
    assert layer["geometryDimension"] == (0 if collection in POINTS else 2)
    box = document["boundingBox"]
    assert (*box["lowerLeft"], *box["upperRight"]) == pytest.approx((106.9, -6.3, 107.1, -6.2))
    assert box["crs"] == CRS84


@pytest.mark.parametrize(("accept", "kind"), [(JSON, JSON), ("*/*", JSON), ("text/html", "text/html; charset=utf-8")])
def test_req_tileset_description_1_json_is_negotiated_and_is_what_comes_unasked(
    client: Client, accept: str, kind: str
) -> None:
    response = get(client, collection_path("reports", "/tiles/WebMercatorQuad"), accept=accept)
    assert (response.status_code, response["Content-Type"]) == (200, kind)


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_tileset_description_3_it_names_the_registered_tile_matrix_set(client: Client, collection: str) -> None:
    assert tile_set(client, collection)["tileMatrixSetURI"] == WEB_MERCATOR_QUAD


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_tileset_description_4_it_links_to_the_definition_of_that_set(client: Client, collection: str) -> None:
    document = ask(client, link_of(tile_set(client, collection), TILING_SCHEME, JSON))
    jsonschema.validate(document, TILE_MATRIX_SET)
    assert (document["id"], document["uri"], document["crs"]) == ("WebMercatorQuad", WEB_MERCATOR_QUAD, EPSG_3857)
    assert [matrix["id"] for matrix in document["tileMatrices"]] == [str(z) for z in range(25)]


@pytest.mark.parametrize(
    ("matrix", "scale", "cell", "across"),
    [
        # OGC 17-083r4, table D.1.
        (0, 559082264.028717, 156543.033928041, 1),
        (1, 279541132.014358, 78271.5169640204, 2),
        (14, 34123.6733415964, 9.55462853564703, 16384),
        (22, 133.295598990611, 0.0373227677173712, 4194304),
        (24, 33.3238997476528, 0.0093306919293428, 16777216),
    ],
)
def test_req_tileset_description_4_its_matrices_are_those_of_table_d_1(
    client: Client, matrix: int, scale: float, cell: float, across: int
) -> None:
    found = ask(client, link_of(tile_set(client, "reports"), TILING_SCHEME))["tileMatrices"][matrix]
    assert (found["scaleDenominator"], found["cellSize"]) == (pytest.approx(scale, rel=1e-12), pytest.approx(cell))
    assert (found["matrixWidth"], found["matrixHeight"]) == (across, across)
    assert (found["tileWidth"], found["tileHeight"], found["cornerOfOrigin"]) == (256, 256, "topLeft")
    assert found["pointOfOrigin"] == pytest.approx([-20037508.3427892, 20037508.3427892])


@pytest.mark.parametrize("collection", LISTED)
def test_req_tileset_description_5_to_7_it_has_a_template_of_its_tiles(client: Client, collection: str) -> None:
    (template,) = [link for link in tile_set(client, collection)["links"] if link["rel"] == "item"]
    path = f"http://testserver/ogc/collections/{collection}/tiles/WebMercatorQuad"
    assert template["href"] == f"{path}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    assert (template["type"], template["templated"]) == (MVT, True)


def test_req_tileset_description_5_a_parameter_that_is_required_is_settled_in_the_template(client: Client) -> None:
    """The correlation is with one observed property: the town's datastreams measure two."""
    links = tile_set(client, "correlation")["links"]
    queries = [
        [link["href"].partition("?")[2] for link in links if link["rel"] == rel]
        for rel in ("item", "describedby", "alternate")
    ]
    wanted = ["property=pm25", "property=river_level"]
    assert [sorted(query for query in found if query.startswith("property")) for found in queries] == [wanted] * 3
    assert len(links_of(tile_set(client, "correlation"), "item")) == 2
    fixed = ask(client, "/ogc/with/property=pm25/collections/correlation/tiles/WebMercatorQuad")
    path = "http://testserver/ogc/with/property=pm25/collections/correlation/tiles/WebMercatorQuad"
    assert links_of(fixed, "item") == [f"{path}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"]


def test_req_tileset_description_5_where_nothing_is_measured_there_is_a_template_all_the_same(client: Client) -> None:
    Observation.objects.all().delete()
    Datastream.objects.all().delete()
    ObservedProperty.objects.all().delete()
    (href,) = links_of(tile_set(client, "correlation"), "item")
    assert href.endswith("/correlation/tiles/WebMercatorQuad/{tileMatrix}/{tileRow}/{tileCol}")


def test_req_tileset_description_5_with_several_cities_there_is_a_template_for_each(client: Client) -> None:
    make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    found = links_of(tile_set(client, "districts"), "item")
    assert [href.partition("?")[2] for href in found] == ["city=kota-uji", "city=makassar"]
    # Makassar, 119.4 to 119.6 east, 5.1 to 5.2 south: column 299.4 / 360 * 64 = 53.2, row 32.9 of matrix 6.
    answers = [get(client, href.format(tileMatrix=6, tileRow=32, tileCol=53)).status_code for href in found]
    assert answers == [204, 200]
    # Which cities there are is the same from every city.
    assert [href.partition("?")[2] for href in links_of(tile_set(client, "cities"), "item")] == [""]


@pytest.mark.parametrize(
    ("matrix", "rows", "cols"),
    [
        # Of 106.9 to 107.1 east, 6.2 to 6.3 south, by matrix: the numbers of matrix 0 (0.796944 to 0.797500, 0.517257 to 0.517536) doubled.
        ("0", (0, 0), (0, 0)),
        # The outline at column 51.0044 shows over the edge of column 50, by 64 of 4096 units: 0.0156.
        ("6", (33, 33), (50, 51)),
        ("10", (529, 529), (816, 816)),
        ("11", (1059, 1059), (1632, 1633)),
        ("14", (8474, 8479), (13057, 13066)),
        ("22", (2169528, 2170700), (3342627, 3344957)),
    ],
)
def test_req_tileset_description_1_the_limits_are_where_something_shows(
    client: Client, matrix: str, rows: tuple[int, int], cols: tuple[int, int]
) -> None:
    for collection in ("districts", "reports", "correlation"):
        limits = {entry["tileMatrix"]: entry for entry in tile_set(client, collection)["tileMatrixSetLimits"]}
        assert len(limits) == 23
        found = limits[matrix]
        assert (found["minTileRow"], found["maxTileRow"]) == rows
        assert (found["minTileCol"], found["maxTileCol"]) == cols


def test_nothing_shows_around_the_limits(client: Client) -> None:
    for entry in tile_set(client, "districts")["tileMatrixSetLimits"][1:14]:
        rows = range(max(0, entry["minTileRow"] - 1), entry["maxTileRow"] + 2)
        cols = range(max(0, entry["minTileCol"] - 1), entry["maxTileCol"] + 2)
        for row in rows:
            for col in cols:
                is_within = (
                    entry["minTileRow"] <= row <= entry["maxTileRow"]
                    and entry["minTileCol"] <= col <= entry["maxTileCol"]
                )
                path = collection_path("districts", f"/tiles/WebMercatorQuad/{entry['tileMatrix']}/{row}/{col}")
                expected = (200, 204) if is_within else (400, 404)
                assert get(client, path).status_code in expected, path
    # The one that is within for its edge alone.
    assert get(client, collection_path("districts", "/tiles/WebMercatorQuad/6/33/50")).status_code == 200


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_tilesets_list_tileset_path_the_list_is_had_at_tiles(client: Client, collection: str) -> None:
    assert len(ask(client, collection_path(collection, "/tiles"))["tilesets"]) == 1
    head: Any = client.head(collection_path(collection, "/tiles"))
    assert head.status_code == 200


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_tilesets_list_tileset_links_1_each_entry_says_what_it_is_and_by_which_grid(
    client: Client, collection: str
) -> None:
    document = tile_sets(client, collection)
    entries = {"type": "array", "items": object_of(ENTRY, NAMED)}
    jsonschema.validate(document, object_of({"tilesets": entries}, {"links": LINKS, "title": TEXT}))
    (entry,) = document["tilesets"]
    assert (entry["dataType"], entry["crs"]) == ("vector", EPSG_3857)
    assert entry["tileMatrixSetURI"] == WEB_MERCATOR_QUAD
    assert ask(client, link_of(entry, TILING_SCHEME))["id"] == "WebMercatorQuad"


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_tilesets_list_tileset_links_2_each_entry_leads_to_the_whole_of_itself(
    client: Client, collection: str
) -> None:
    (entry,) = tile_sets(client, collection)["tilesets"]
    # The last part of its address is the id of the tile matrix set.
    assert links_of(entry, "self") == [f"http://testserver/ogc/collections/{collection}/tiles/WebMercatorQuad"]
    whole = tile_set(client, collection)
    assert {name: whole[name] for name in entry if name != "links"} == {
        name: value for name, value in entry.items() if name != "links"
    }


@pytest.mark.parametrize(("accept", "kind"), [(JSON, JSON), ("*/*", JSON), ("text/html", "text/html; charset=utf-8")])
def test_req_tilesets_list_tileset_links_3_json_is_negotiated_and_is_what_comes_unasked(
    client: Client, accept: str, kind: str
) -> None:
    response = get(client, collection_path("reports", "/tiles"), accept=accept)
    assert (response.status_code, response["Content-Type"]) == (200, kind)


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_geodata_tilesets_desc_links_each_collection_links_to_its_tile_sets(
    client: Client, collection: str
) -> None:
    wanted = [f"http://testserver/ogc/collections/{collection}/tiles"]
    document = ask(client, collection_path(collection))
    assert links_of(document, TILESETS_VECTOR, JSON) == wanted
    listed = {entry["id"]: entry for entry in ask(client, "/ogc/collections")["collections"]}
    assert collection not in listed or links_of(listed[collection], TILESETS_VECTOR, JSON) == wanted


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_geodata_tilesets_operation_the_list_is_at_the_collections_address_and_tiles(
    client: Client, collection: str
) -> None:
    address = links_of(tile_set(client, collection), GEODATA)
    assert address == [f"http://testserver/ogc/collections/{collection}"]
    (entry,) = ask(client, f"{address[0]}/tiles")["tilesets"]
    assert entry["dataType"] == "vector"


def test_rec_tileset_tmxslink_from_the_landing_page_to_each_tile_matrix_set(client: Client) -> None:
    document = ask(client, link_of(ask(client, "/ogc/"), TILING_SCHEMES, JSON))
    (entry,) = document["tileMatrixSets"]
    assert (entry["id"], entry["uri"]) == ("WebMercatorQuad", WEB_MERCATOR_QUAD)
    assert ask(client, link_of(entry, "self"))["id"] == "WebMercatorQuad"


@pytest.mark.parametrize("name", ["WorldCRS84Quad", "webmercatorquad", "4326"])
def test_a_tile_matrix_set_that_is_not_offered_is_a_404(client: Client, name: str) -> None:
    for path in ("/ogc/tileMatrixSets", collection_path("reports", "/tiles")):
        assert get(client, f"{path}/{name}").status_code == 404
    assert get(client, collection_path("reports", f"/tiles/{name}/0/0/0")).status_code == 404
