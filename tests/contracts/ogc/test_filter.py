"""OGC 19-079r2: queryables, queryables as query parameters, filter, features filter."""

import json

import pytest
from django.test import Client

from tests.contracts.ogc.asking import (
    COLLECTIONS,
    EPSG_3857,
    EPSG_4326,
    NEEDS,
    SCHEMA_JSON,
    ask,
    collection_path,
    get,
    ids,
    items,
    items_path,
    link_of,
    refused,
    report_ids,
    text_of,
)

pytestmark = pytest.mark.usefixtures("town")
# Queryables whose name is a parameter of the layer's own, which says more: a category includes those below it, an area
# what lies in it.
OWN = {
    "reports": {"category", "channel", "status", "kind", "area"},
    "incidents": {"category", "area"},
    "sensors": {"domain", "area"},
    "density": {"level"},
    "hotspots": {"level"},
    "clusters": {"level"},
    "emerging": {"level"},
    "correlation": {"level"},
    "bivariate": {"level"},
}


def queryables(client: Client, collection: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = ask(client, collection_path(collection, "/queryables"))["properties"]
    return found


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_queryables_queryables_link_the_collection_links_to_them(client: Client, collection: str) -> None:
    document = ask(client, collection_path(collection))
    href = link_of(document, "http://www.opengis.net/def/rel/ogc/1.0/queryables", SCHEMA_JSON)
    assert href == f"http://testserver{collection_path(collection, '/queryables')}"


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_queryables_get_queryables_response_is_a_json_schema_of_an_object(client: Client, collection: str) -> None:
    response = get(client, collection_path(collection, "/queryables"), accept=SCHEMA_JSON)
    assert (response.status_code, response["Content-Type"]) == (200, SCHEMA_JSON)
    document = json.loads(text_of(response))
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["$id"] == f"http://testserver{collection_path(collection, '/queryables')}"
    assert document["type"] == "object"
    assert document["additionalProperties"] is False
    assert document["properties"]


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_filter_expression_construction_every_queryable_can_be_named_in_a_filter(
    client: Client, collection: str
) -> None:
    everything = ids(items(client, collection))
    for name in queryables(client, collection):
        answer = items(client, collection, {"filter": f"{name} IS NULL OR {name} IS NOT NULL"})
        assert ids(answer) == everything, name


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_filter_expression_construction_what_is_not_a_queryable_is_a_400(client: Client, collection: str) -> None:
    needs = NEEDS.get(collection, {})
    assert refused(client, items_path(collection), {**needs, "filter": "no_such = 1"}) == "filter"
    assert refused(client, items_path(collection), {**needs, "filter": "key = 1"}) == "filter"


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_queryables_query_parameters_parameters_each_simple_queryable_is_a_parameter(
    client: Client, collection: str
) -> None:
    """Part A and B, with each value that there is: just the features with this value."""
    features = items(client, collection)["features"]
    for name, entry in queryables(client, collection).items():
        if entry.get("type") not in ("string", "number", "integer", "boolean"):
            continue
        for value in {feature["properties"][name] for feature in features} - {None, ""}:
            text = json.dumps(value) if isinstance(value, bool) else str(value)
            answer = items(client, collection, {name: text})
            wanted = [feature["id"] for feature in features if feature["properties"][name] == value]
            if name in OWN.get(collection, set()):
                assert set(wanted) <= set(ids(answer)), (name, value)
            else:
                assert ids(answer) == wanted, (name, value)
            assert answer["numberMatched"] == len(answer["features"])


def test_a_value_that_no_feature_has_finds_none(client: Client) -> None:
    assert report_ids(client, {"description": "nothing like it"}) == []
    assert report_ids(client, {"support_count": "77"}) == []
    assert report_ids(client, {"reported_at": "1999-01-01T00:00:00Z"}) == []


def test_a_parameter_of_the_layers_own_says_more_than_a_property(client: Client, reports: dict[str, str]) -> None:
    assert set(report_ids(client, {"category": "banjir"})) == {reports["flood"], reports["puddle"]}
    assert set(report_ids(client, {"category": "genangan,sampah"})) == {
        reports["puddle"],
        reports["heap"],
        reports["bin"],
    }
    assert report_ids(client, {"filter": "category = 'banjir'"}) == [reports["flood"]]
    assert set(report_ids(client, {"area": "kota-uji.1"})) == {reports["heap"], reports["flood"], reports["puddle"]}


def test_req_filter_filter_lang_param_text_is_understood_without_it(client: Client, reports: dict[str, str]) -> None:
    text = {"filter": "status = 'resolved'"}
    for params in (text, {**text, "filter-lang": "cql2-text"}):
        assert report_ids(client, params) == [reports["flood"]]
    as_json = json.dumps({"op": "=", "args": [{"property": "status"}, "resolved"]})
    assert report_ids(client, {"filter": as_json, "filter-lang": "cql2-json"}) == [reports["flood"]]
    assert refused(client, items_path("reports"), {"filter": as_json, "filter-lang": "cql2-text"}) == "filter"
    assert refused(client, items_path("reports"), {**text, "filter-lang": "cql2-json"}) == "filter"
    assert refused(client, items_path("reports"), {**text, "filter-lang": "ecql"}) == "filter-lang"


@pytest.mark.parametrize(
    ("crs", "point"),
    [
        (None, "POINT(106.93 -6.25)"),
        (EPSG_4326, "POINT(-6.25 106.93)"),
        (EPSG_3857, "POINT(11903393.15052 -697130.73186)"),
    ],
)
def test_req_filter_filter_crs_param_coordinates_of_the_filter_are_in_its_crs(
    client: Client, reports: dict[str, str], crs: str | None, point: str
) -> None:
    """A metre around the report: projected coordinates written with five digits do not hit a point exactly."""
    if crs == EPSG_3857:
        x, y = 11903393.15, -697130.73
        wkt = f"POLYGON(({x - 1} {y - 1},{x + 1} {y - 1},{x + 1} {y + 1},{x - 1} {y + 1},{x - 1} {y - 1}))"
    else:
        wkt = point
    params = {"filter": f"S_INTERSECTS(geometry, {wkt})", **({"filter-crs": crs} if crs else {})}
    assert report_ids(client, params) == [reports["heap"]]


def test_req_filter_filter_crs_wgs84_the_filter_is_in_crs84_whatever_crs_says(
    client: Client, reports: dict[str, str]
) -> None:
    params = {"filter": "S_INTERSECTS(geometry, POINT(106.93 -6.25))", "crs": EPSG_3857, "bbox-crs": EPSG_4326}
    assert report_ids(client, params) == [reports["heap"]]


def test_req_filter_mixing_expressions_all_parameters_hold_at_once(client: Client, reports: dict[str, str]) -> None:
    parts = {
        "filter": "status = 'submitted'",
        "bbox": "106.9,-6.3,107.0,-6.2",
        "datetime": "2026-02-28",
        "category": "banjir",
        "support_count": "3",
    }
    assert report_ids(client, parts) == [reports["puddle"]]
    for name in parts:
        less = {other: value for other, value in parts.items() if other != name}
        assert reports["puddle"] in report_ids(client, less)
    assert report_ids(client, {**parts, "filter": "status = 'resolved'"}) == []


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_features_filter_response_every_collection_takes_a_filter(client: Client, collection: str) -> None:
    everything = ids(items(client, collection))
    name = {"sensors": "thing", "reports": "status", "incidents": "category"}.get(collection, "code")
    assert ids(items(client, collection, {"filter": f"{name} <> 'no such'"})) == everything
    assert ids(items(client, collection, {"filter": f"{name} = 'no such'"})) == []


# GDAL writes these; "cql-text" is what it looks for in the definition (its OGC API - Features driver).
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(status = 'resolved')", {"flood"}),
        ("((support_count >= 1) AND (support_count < 10))", {"puddle"}),
        ("(description ILIKE 'banjir%')", {"flood"}),
        ("(description LIKE 'Lampu%')", {"lamp"}),
        ("(NOT (closed_at IS NULL))", {"flood"}),
        ("((status = 'resolved') OR (status = 'rejected'))", {"flood", "bin"}),
        ("(reported_at >= '2026-02-28T17:00:00Z')", {"bin", "wish"}),
        ("(reported_at < '2026-02-27T17Z')", {"heap"}),
        ("(reported_at >= '2026-03-01T')", {"bin", "wish"}),
    ],
)
def test_the_filters_that_gdal_writes_are_understood(
    client: Client, reports: dict[str, str], text: str, expected: set[str]
) -> None:
    found = report_ids(client, {"filter": text, "filter-lang": "cql-text"})
    assert set(found) == {reports[name] for name in expected}
