"""OGC 17-069r4, requirements class Core: features and feature; class GeoJSON."""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from shapely.geometry import shape

from geo.models import Area
from tests.contracts.ogc.asking import (
    COLLECTIONS,
    GEOJSON,
    NEEDS,
    POINTS,
    ask,
    collection_path,
    get,
    header_links,
    ids,
    items,
    items_path,
    link_of,
    links_of,
    report_ids,
    text_of,
)

pytestmark = pytest.mark.usefixtures("town")
COUNTS = {
    "reports": 6, "incidents": 6, "sensors": 2, "cities": 1, "districts": 2, "subdistricts": 4, "density": 2, "surface": 8,
    "hotspots": 4, "clusters": 4, "emerging": 4, "correlation": 2, "bivariate": 2,
}  # fmt: skip


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_core_fc_op_each_collection_answers_get_at_its_items(client: Client, collection: str) -> None:
    answer = items(client, collection)
    assert answer["type"] == "FeatureCollection"
    assert len(answer["features"]) == COUNTS[collection]


@pytest.mark.parametrize("limit", [1, 2, 5, 6, 7])
def test_req_core_fc_limit_response_1_no_more_features_than_the_limit(client: Client, limit: int) -> None:
    assert len(report_ids(client, {"limit": str(limit)})) == min(limit, 6)


@pytest.mark.parametrize("limit", ["10000", "10001", "100000", "999999999999999999"])
def test_req_core_fc_limit_definition_a_limit_above_the_maximum_is_clamped(client: Client, limit: str) -> None:
    answer = items(client, "reports", {"limit": limit})
    assert len(answer["features"]) == 6
    assert not links_of(answer, "next")


@pytest.mark.parametrize(
    ("bbox", "expected"),
    [
        ("106.9,-6.3,107.0,-6.2", {"heap", "flood", "puddle"}),
        ("107.0,-6.3,107.1,-6.2", {"lamp", "bin", "wish"}),
        ("106.93,-6.25,106.93,-6.25", {"heap"}),  # a box of no width, on the point
        ("106.96,-6.28,107.01,-6.25", {"flood", "lamp"}),  # both on its corners
        ("106.9301,-6.3,106.9599,-6.2", set()),
        ("-180,-90,180,90", {"heap", "flood", "puddle", "lamp", "bin", "wish"}),
        ("107.04,-90,106.94,90", {"heap", "bin", "wish"}),  # over the antimeridian: all but 106.94 to 107.04
        ("106.9,-6.3,-500,107.0,-6.2,9000", {"heap", "flood", "puddle"}),  # heights do not matter
    ],
)
def test_req_core_fc_bbox_response_just_the_features_that_intersect(
    client: Client, reports: dict[str, str], bbox: str, expected: set[str]
) -> None:
    answer = items(client, "reports", {"bbox": bbox})
    assert set(ids(answer)) == {reports[name] for name in expected}
    assert answer["numberMatched"] == len(expected)


@pytest.mark.parametrize(
    ("bbox", "expected"),
    [
        ("106.91,-6.29,106.92,-6.28", ["kota-uji.1"]),  # inside the polygon, no corner of it
        ("107.0,-6.25,107.0,-6.25", ["kota-uji.1", "kota-uji.2"]),  # a point of the common border
        ("106.0,-6.3,106.9,-6.2", ["kota-uji.1"]),  # touches it from the west
        ("106.0,-6.3,106.8999,-6.2", []),
    ],
)
def test_req_core_fc_bbox_response_polygons_are_tested_as_such(client: Client, bbox: str, expected: list[str]) -> None:
    assert ids(items(client, "districts", {"bbox": bbox})) == expected


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_core_fc_bbox_response_every_collection_takes_a_bbox(client: Client, collection: str) -> None:
    assert len(ids(items(client, collection, {"bbox": "106.9,-6.3,107.1,-6.2"}))) == COUNTS[collection]
    assert ids(items(client, collection, {"bbox": "0,0,1,1"})) == []


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_core_fc_links_items_link_to_themselves_and_their_other_forms(client: Client, collection: str) -> None:
    answer = items(client, collection, {"limit": "1"})
    own = link_of(answer, "self", GEOJSON)
    assert own.startswith(f"http://testserver{items_path(collection)}")
    again = ask(client, own)
    assert ids(again) == ids(answer)
    assert get(client, link_of(answer, "alternate", "text/html"))["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_core_fc_rel_type_every_link_has_a_relation_and_a_type(client: Client, collection: str) -> None:
    answer = items(client, collection, {"limit": "1"})
    assert all(link["rel"] and link["type"] and link["href"] for link in answer["links"])
    assert link_of(answer, "collection") == f"http://testserver{collection_path(collection)}"


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_rec_core_link_header_the_links_are_in_the_header_too(client: Client, collection: str) -> None:
    response = get(client, items_path(collection), {**NEEDS.get(collection, {}), "limit": "1"})
    named = {link["rel"]: link for link in header_links(response)}
    document = json.loads(text_of(response))
    assert named["self"]["href"] == link_of(document, "self")
    assert named["self"]["type"] == GEOJSON
    assert "collection" in named
    if COUNTS[collection] > 1:
        following = ask(client, named["next"]["href"])
        assert ids(following)[0] != ids(document)[0]


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_core_fc_timestamp_is_when_the_answer_was_made(client: Client, collection: str) -> None:
    text = items(client, collection)["timeStamp"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text)
    assert abs(datetime.fromisoformat(text) - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_core_fc_numbermatched_and_numberreturned_count_the_selection_and_the_page(
    client: Client, collection: str
) -> None:
    answer = items(client, collection, {"limit": "1"})
    assert (answer["numberMatched"], answer["numberReturned"]) == (COUNTS[collection], 1)


def test_req_core_fc_numbermatched_counts_what_all_parameters_together_leave(client: Client) -> None:
    answer = items(
        client,
        "reports",
        {"bbox": "106.9,-6.3,107.0,-6.2", "datetime": "2026-02-28", "category": "banjir", "limit": "1"},
    )
    assert (answer["numberMatched"], answer["numberReturned"]) == (2, 1)


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_core_f_success_each_feature_answers_at_its_own_address_as_in_the_list(
    client: Client, collection: str
) -> None:
    params = NEEDS.get(collection)
    for listed in items(client, collection)["features"]:
        response = get(client, f"{items_path(collection)}/{listed['id']}", params)
        assert (response.status_code, response["Content-Type"]) == (200, GEOJSON)
        alone = json.loads(text_of(response))
        assert (alone["type"], alone["id"]) == ("Feature", listed["id"])
        assert (alone["geometry"], alone["properties"]) == (listed["geometry"], listed["properties"])


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_core_f_links_a_feature_links_to_itself_its_page_and_its_collection(
    client: Client, collection: str
) -> None:
    params = NEEDS.get(collection)
    fid = ids(items(client, collection))[0]
    feature = ask(client, f"{items_path(collection)}/{fid}", params)
    assert link_of(feature, "self", GEOJSON).startswith(f"http://testserver{items_path(collection)}/{fid}")
    assert link_of(feature, "collection") == f"http://testserver{collection_path(collection)}"
    page = get(client, link_of(feature, "alternate", "text/html"))
    assert (page.status_code, page["Content-Type"].split(";")[0]) == (200, "text/html")


def test_req_core_f_op_a_hidden_report_is_not_found(client: Client, reports: dict[str, str]) -> None:
    from geo.models import Report

    Report.objects.filter(public_id=reports["heap"]).update(is_public=False)
    assert get(client, f"{items_path('reports')}/{reports['heap']}").status_code == 404


@pytest.mark.parametrize("collection", COLLECTIONS)
@pytest.mark.parametrize("accept", ["*/*", "application/geo+json", "application/json", "application/json, */*;q=0.1"])
def test_req_geojson_definition_items_are_served_as_geo_json_and_nothing_else(
    client: Client, collection: str, accept: str
) -> None:
    response = get(client, items_path(collection), NEEDS.get(collection), accept=accept)
    assert response["Content-Type"] == "application/geo+json"


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_geojson_content_every_feature_has_a_geometry_of_the_one_type(client: Client, collection: str) -> None:
    """The first ten features decide fields and geometry for QGIS 3.22: never a null among them."""
    wanted = "Point" if collection in POINTS else "MultiPolygon"
    for feature in items(client, collection)["features"]:
        assert feature["geometry"]["type"] == wanted
        assert shape(feature["geometry"]).is_valid
        assert isinstance(feature["id"], str)


@pytest.mark.parametrize("collection", [name for name in COLLECTIONS if name not in POINTS])
def test_req_geojson_content_outer_rings_run_counter_clockwise(client: Client, collection: str) -> None:
    for feature in items(client, collection)["features"]:
        for polygon in feature["geometry"]["coordinates"]:
            assert sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(polygon[0])) > 0


def test_a_report_without_a_place_is_not_in_the_collection(client: Client) -> None:
    from tests.factories import make_report

    placeless = make_report(kind="aspirasi", area_code="kota-uji.1")
    placeless.refresh_from_db()
    answer = items(client, "reports")
    if placeless.public_location is None:
        assert (answer["numberMatched"], placeless.public_id in ids(answer)) == (6, False)
    assert all(feature["geometry"] for feature in answer["features"])


@pytest.mark.parametrize(
    ("collection", "fields"),
    [
        ("sensors", ["result"]),
        ("districts", ["area_km2"]),
        ("density", ["area_km2", "reports_per_km2", "reports_per_10000"]),
        ("surface", ["density", "share"]),
        ("correlation", ["mean", "rho", "p_value", "distance_m"]),
    ],
)
def test_floats_always_keep_a_decimal_point(client: Client, collection: str, fields: list[str]) -> None:
    """QGIS takes 35 for an integer, makes the column one, and nulls the rest."""
    whole = text_of(get(client, items_path(collection), NEEDS.get(collection)))
    # What a result says of the whole stands elsewhere, and is no column.
    text = whole[whole.index('"features":') :]
    for name in fields:
        values = re.findall(rf'"{name}":([^,}}]+)', text)
        assert values
        assert all(value == "null" or "." in value for value in values), (name, values)


def test_the_figures_are_those_worked_by_hand(client: Client) -> None:
    """Three reports in each district of 1 km2; 20,000 people in the first: 3 / 20000 * 10000 = 1.5."""
    found = {
        feature["id"]: feature["properties"]
        for feature in items(client, "density", {"start": "2026-02-01", "end": "2026-03-01"})["features"]
    }
    first = found["kota-uji.1"]
    assert (first["reports"], first["reports_per_km2"], first["reports_per_10000"]) == (3, 3.0, 1.5)
    assert (found["kota-uji.2"]["reports"], found["kota-uji.2"]["reports_per_10000"]) == (3, None)


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_the_id_is_repeated_as_a_property_where_one_is_declared(client: Client, collection: str) -> None:
    """`feature-state` of web maps needs it. Areas repeat theirs as their code."""
    name = "id" if collection in POINTS else "code"
    for feature in items(client, collection)["features"]:
        assert str(feature["properties"][name]) == feature["id"]


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_feature_has_just_the_properties_of_the_schema(client: Client, collection: str) -> None:
    schema = ask(client, collection_path(collection, "/schema"))["properties"]
    declared = [name for name, entry in schema.items() if not entry.get("format", "").startswith("geometry-")]
    for feature in items(client, collection)["features"]:
        assert list(feature["properties"]) == declared


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_values_have_the_types_of_the_schema(client: Client, collection: str) -> None:
    schema = ask(client, collection_path(collection, "/schema"))["properties"]
    kinds: dict[str, Any] = {"string": str, "integer": int, "number": float, "boolean": bool, "array": list}
    for feature in items(client, collection)["features"]:
        for name, value in feature["properties"].items():
            if value is not None:
                assert type(value) is kinds[schema[name]["type"]], (name, value)
            if value is not None and schema[name].get("format") == "date-time":
                assert datetime.fromisoformat(value).tzinfo is not None


def test_a_retired_area_is_not_a_feature(client: Client) -> None:
    Area.objects.filter(code="kota-uji.2").update(retired_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert ids(items(client, "districts")) == ["kota-uji.1"]
    assert get(client, f"{items_path('districts')}/kota-uji.2").status_code == 404


def test_properties_keeps_the_named_ones_and_the_id(client: Client) -> None:
    for feature in items(client, "reports", {"properties": "status,category"})["features"]:
        assert set(feature["properties"]) == {"status", "category"}
        assert feature["geometry"]
        assert feature["id"]


def test_skip_geometry_leaves_null_in_its_place(client: Client) -> None:
    """RFC 7946 section 3.2: a Feature has a geometry member, null where it is unlocated or left out."""
    answer = items(client, "reports", {"skipGeometry": "true"})
    assert {json.dumps(feature["geometry"]) for feature in answer["features"]} == {"null"}
    assert all(feature["properties"]["status"] for feature in answer["features"])
    assert all(feature["geometry"] for feature in items(client, "reports", {"skipGeometry": "false"})["features"])


def test_a_feature_takes_properties_skip_geometry_and_crs_as_the_list_does(
    client: Client, reports: dict[str, str]
) -> None:
    path = f"{items_path('reports')}/{reports['heap']}"
    feature = ask(client, path, {"properties": "status", "skipGeometry": "true"})
    assert (feature["properties"], feature["geometry"]) == ({"status": "submitted"}, None)
