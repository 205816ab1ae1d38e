"""OGC 18-058r1, coordinate reference systems by reference: what is declared, axis order, and the values themselves."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from shapely.geometry import shape

from geo.areas.models import City
from tests.contracts.ogc.asking import (
    COLLECTIONS,
    CRS84,
    CRS_LIST,
    EPSG_3857,
    EPSG_4326,
    EPSG_32748,
    LISTED,
    NEEDS,
    ask,
    collection_path,
    get,
    ids,
    items,
    items_path,
    refused,
    text_of,
)

pytestmark = pytest.mark.usefixtures("town")
# The report "heap", 106.93 E 6.25 S. 3857: 6378137 * radians(106.93), 6378137 * ln tan(45 + lat/2); 32748: PROJ's utm.
HEAP = {
    CRS84: (106.93, -6.25),
    EPSG_4326: (-6.25, 106.93),
    EPSG_3857: (11903393.15, -697130.73),
    EPSG_32748: (713532.38, 9308768.12),
}


@pytest.mark.parametrize("collection", LISTED)
def test_req_crs_fc_md_crs_list_each_collection_lists_its_crs_crs84_first(client: Client, collection: str) -> None:
    """`#/crs` refers to the list of the collections page (/req/crs/fc-md-crs-list-global)."""
    page = ask(client, "/ogc/collections")
    listed = {entry["id"]: entry for entry in page["collections"]}[collection]
    assert (page["crs"] if listed["crs"] == ["#/crs"] else listed["crs"]) == CRS_LIST
    assert ask(client, collection_path(collection))["crs"] == CRS_LIST


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_crs_fc_md_storagecrs_valid_value_the_storage_crs_is_one_of_the_list(
    client: Client, collection: str
) -> None:
    assert ask(client, collection_path(collection))["storageCrs"] == CRS84


@pytest.mark.parametrize("crs", CRS_LIST)
def test_req_crs_fc_crs_action_coordinates_are_those_worked_by_hand_in_the_order_of_the_axes(
    client: Client, reports: dict[str, str], crs: str
) -> None:
    for document in (
        ask(client, f"{items_path('reports')}/{reports['heap']}", {"crs": crs}),
        next(f for f in items(client, "reports", {"crs": crs})["features"] if f["id"] == reports["heap"]),
    ):
        assert document["geometry"]["coordinates"] == pytest.approx(HEAP[crs], abs=0.011, rel=0)


@pytest.mark.parametrize(
    ("crs", "srid", "flip"), [(EPSG_4326, 4326, True), (EPSG_3857, 3857, False), (EPSG_32748, 32748, False)]
)
@pytest.mark.parametrize("collection", ["districts", "subdistricts"])
def test_req_crs_geojson_polygons_are_postgis_own_in_the_order_of_the_axes(
    client: Client, collection: str, crs: str, srid: int, flip: bool
) -> None:
    for feature in items(client, collection, {"crs": crs})["features"]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT ST_AsGeoJSON(ST_Transform(boundary, %s), 9, 0) FROM geo_area WHERE code = %s",
                [srid, feature["id"]],
            )
            wanted = shape(json.loads(cursor.fetchone()[0]))
        found = shape(feature["geometry"])
        west, south, east, north = wanted.bounds
        assert found.bounds == pytest.approx(
            (south, west, north, east) if flip else (west, south, east, north), abs=0.02
        )
        assert found.area == pytest.approx(wanted.area, rel=1e-5)


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_crs_fc_crs_default_value_without_crs_it_is_crs84(client: Client, collection: str) -> None:
    asked = items(client, collection, {"crs": CRS84})["features"]
    assert items(client, collection)["features"] == asked


@pytest.mark.parametrize("crs", CRS_LIST)
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_crs_ogc_crs_header_value_content_crs_names_the_crs_of_every_answer(
    client: Client, collection: str, crs: str
) -> None:
    needs = NEEDS.get(collection, {})
    response = get(client, items_path(collection), {**needs, "crs": crs, "limit": "1"})
    assert response["Content-Crs"] == f"<{crs}>"
    fid = json.loads(text_of(response))["features"][0]["id"]
    assert get(client, f"{items_path(collection)}/{fid}", {**needs, "crs": crs})["Content-Crs"] == f"<{crs}>"


def test_req_crs_ogc_crs_header_content_crs_is_there_without_crs_without_features_and_without_a_body(
    client: Client,
) -> None:
    for params in ({}, {"bbox": "0,0,1,1"}, {"skipGeometry": "true"}):
        assert get(client, items_path("reports"), params)["Content-Crs"] == f"<{CRS84}>"
    head: Any = client.head(items_path("reports"), {"crs": EPSG_3857})
    assert head["Content-Crs"] == f"<{EPSG_3857}>"


@pytest.mark.parametrize("name", ["crs", "bbox-crs", "filter-crs"])
@pytest.mark.parametrize("value", ["http://www.opengis.net/def/crs/EPSG/0/2154", "EPSG:2154", "4326", "nonsense"])
def test_req_crs_fc_crs_valid_value_a_crs_that_is_not_listed_is_a_400(client: Client, name: str, value: str) -> None:
    assert refused(client, items_path("reports"), {name: value, "bbox": "106,-7,108,-6"}) == name


@pytest.mark.parametrize(
    ("crs", "bbox"),
    [
        # The same box around "heap", 106.925 to 106.935 E, 6.255 to 6.245 S.
        (CRS84, "106.925,-6.255,106.935,-6.245"),
        (EPSG_4326, "-6.255,106.925,-6.245,106.935"),
        (EPSG_3857, "11902836.5,-697690.7,11903949.8,-696570.8"),
        (EPSG_32748, "712977,9308213,714087,9309323"),
    ],
)
def test_req_crs_fc_bbox_crs_action_the_box_is_read_in_its_own_crs_and_axis_order(
    client: Client, reports: dict[str, str], crs: str, bbox: str
) -> None:
    assert ids(items(client, "reports", {"bbox": bbox, "bbox-crs": crs})) == [reports["heap"]]


def test_req_crs_fc_bbox_crs_default_value_without_bbox_crs_it_is_crs84_whatever_crs_says(
    client: Client, reports: dict[str, str]
) -> None:
    box = {"bbox": "106.925,-6.255,106.935,-6.245", "crs": EPSG_32748}
    assert ids(items(client, "reports", box)) == [reports["heap"]]


@pytest.mark.parametrize(
    ("crs", "bbox"),
    [
        (EPSG_4326, "106.925,-6.255,106.935,-6.245"),  # longitude first: a latitude of 106
        (EPSG_3857, "11903949,-697690,11902836,-696570"),  # corners swapped
        (EPSG_32748, "1,2,3"),
        (EPSG_32748, "a,b,c,d"),
        (EPSG_32748, "nan,nan,nan,nan"),
        (EPSG_32748, "-inf,0,inf,1"),
        (EPSG_32748, "1e300,1e300,2e300,2e300"),
    ],
)
def test_req_crs_bbox_crs_exception_a_box_that_its_crs_cannot_hold_is_a_400(
    client: Client, crs: str, bbox: str
) -> None:
    assert refused(client, items_path("reports"), {"bbox": bbox, "bbox-crs": crs}) == "bbox"


def test_req_crs_crs_uri_the_short_form_that_clients_write_is_understood(client: Client) -> None:
    long = items(client, "reports", {"crs": EPSG_32748})["features"]
    for short in ("EPSG:32748", "[EPSG:32748]"):
        assert items(client, "reports", {"crs": short})["features"] == long


def test_the_pages_of_a_crs_keep_it(client: Client, town: City) -> None:
    first = items(client, "reports", {"crs": EPSG_3857, "limit": "2"})
    following = next(link["href"] for link in first["links"] if link["rel"] == "next")
    response = get(client, following)
    assert response["Content-Crs"] == f"<{EPSG_3857}>"
    assert json.loads(text_of(response))["features"][0]["geometry"]["coordinates"][0] > 1_000_000
