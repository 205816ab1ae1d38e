"""OGC 17-069r4, requirements class Core: landing page, definition, conformance, collections."""

import json
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from geo.areas.models import City
from geo.models import Area
from tests.contracts.ogc.asking import (
    COLLECTIONS,
    CRS84,
    GEOJSON,
    LISTED,
    NEEDS,
    PROBLEM,
    ask,
    body,
    collection_path,
    every_link,
    get,
    items_path,
    link_of,
    links_of,
    refused,
    text_of,
)

pytestmark = pytest.mark.usefixtures("town")
DOCUMENTS = [
    "/ogc/",
    "/ogc/conformance",
    "/ogc/api",
    "/ogc/collections",
    "/ogc/collections/reports",
    "/ogc/collections/reports/queryables",
    "/ogc/collections/reports/sortables",
    "/ogc/collections/reports/schema",
    "/ogc/collections/reports/items",
]
LINKED_DOCUMENTS = [
    path for path in DOCUMENTS if path.rpartition("/")[2] not in ("api", "queryables", "sortables", "schema")
]


def test_req_core_root_op_the_landing_page_answers_get(client: Client) -> None:
    assert get(client, "/ogc/").status_code == 200


def test_req_core_root_success_the_landing_page_links_to_definition_conformance_and_data(client: Client) -> None:
    document = ask(client, "/ogc/")
    assert document["title"]
    assert link_of(document, "service-desc") == "http://testserver/ogc/api"
    assert link_of(document, "service-doc", "text/html").startswith("http://testserver/ogc/api")
    assert link_of(document, "conformance") == "http://testserver/ogc/conformance"
    assert link_of(document, "data") == "http://testserver/ogc/collections"


@pytest.mark.parametrize("rel", ["service-desc", "service-doc"])
def test_req_core_api_definition_op_each_linked_definition_answers_get(client: Client, rel: str) -> None:
    document = ask(client, "/ogc/")
    for link in (link for link in document["links"] if link["rel"] == rel):
        assert get(client, link["href"], accept=link["type"]).status_code == 200


def test_req_core_api_definition_success_the_definition_has_the_type_of_its_link(client: Client) -> None:
    link = next(link for link in ask(client, "/ogc/")["links"] if link["rel"] == "service-desc")
    response = get(client, link["href"], accept=link["type"])
    assert response["Content-Type"] == link["type"] == "application/vnd.oai.openapi+json;version=3.0"


def test_req_core_conformance_success_the_conformance_page_lists_uris(client: Client) -> None:
    classes = ask(client, "/ogc/conformance")["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in classes
    assert len(classes) == len(set(classes))
    assert all(name.startswith("http://www.opengis.net/spec/") for name in classes)


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_req_core_http_a_method_that_is_not_supported_is_a_405_that_says_which_are(
    client: Client, path: str, method: str
) -> None:
    response = getattr(client, method)(path)
    assert response.status_code == 405
    assert {"GET", "HEAD"} <= {name.strip() for name in response["Allow"].split(",")}


@pytest.mark.parametrize(
    "path",
    [
        "/ogc/nonsense",
        "/ogc/collections/nonsense",
        "/ogc/collections/nonsense/items",
        "/ogc/collections/nonsense/queryables",
        "/ogc/collections/nonsense/schema",
        "/ogc/collections/reports/items/nonsense",
        "/ogc/collections/sensors/items/nonsense",
        "/ogc/collections/reports/nonsense",
    ],
)
def test_req_core_http_what_is_not_there_is_a_404_as_a_problem(client: Client, path: str) -> None:
    response = get(client, path, accept="application/json")
    assert (response.status_code, response["Content-Type"]) == (404, PROBLEM)
    assert json.loads(text_of(response))["status"] == 404


@pytest.mark.parametrize("path", [*DOCUMENTS, "/ogc/collections/districts/items/kota-uji.1"])
def test_req_core_query_param_unknown_an_unknown_parameter_is_a_400_that_names_it(client: Client, path: str) -> None:
    assert refused(client, path, {"nonsense": "1"}) == "nonsense"


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_core_query_param_unknown_names_are_told_apart_by_case(client: Client, collection: str) -> None:
    assert refused(client, items_path(collection), {**NEEDS.get(collection, {}), "LIMIT": "1"}) == "LIMIT"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"), ("limit", "-1"), ("limit", "1.5"), ("limit", "ten"), ("limit", "1e3"), ("limit", "0x10"),
        ("offset", "-1"), ("offset", "x"),
        ("bbox", "1,2,3"), ("bbox", "1,2,3,4,5"), ("bbox", "1,2,3,4,5,6,7"), ("bbox", "a,b,c,d"),
        ("bbox", "106,-6,107"), ("bbox", "106,-6,107,-7"), ("bbox", "106,-6,107,91"), ("bbox", "181,-6,182,-5"),
        ("bbox", "nan,nan,nan,nan"), ("bbox", "-inf,-6,inf,6"),
        ("datetime", "yesterday"), ("datetime", "2026-02-30"), ("datetime", "2026-03-01/2026-02-01"),
        ("datetime", "2026-01-01/2026-02-01/2026-03-01"), ("datetime", "2026-02-28T25:00:00Z"), ("datetime", ".."),
        ("crs", "EPSG:99999"), ("crs", "http://www.opengis.net/def/crs/EPSG/0/2154"), ("bbox-crs", "nonsense"),
        ("filter-crs", "nonsense"), ("filter-lang", "cql"), ("filter", "status ="), ("filter", "no_such = 1"),
        ("sortby", "no_such"), ("sortby", "+status,-status"), ("properties", "status,no_such"),
        ("skipGeometry", "perhaps"), ("next", "made-up"), ("f", "xml"), ("city", "atlantis"),
        ("support_count", "many"), ("is_simulated", "perhaps"), ("reported_at", "yesterday"),
        ("category", "no-such"), ("status", "lost"), ("start", "yesterday"), ("id", "a\0b"),
    ],
)  # fmt: skip
def test_req_core_query_param_invalid_a_bad_value_is_a_400_that_names_it(client: Client, name: str, value: str) -> None:
    assert refused(client, items_path("reports"), {name: value}) == name


@pytest.mark.parametrize("name", ["limit", "bbox", "datetime", "status", "filter", "crs", "f", "id"])
def test_req_core_query_param_invalid_a_parameter_given_twice_is_a_400_that_names_it(client: Client, name: str) -> None:
    assert refused(client, f"{items_path('reports')}?{name}=1&{name}=1") == name


def test_req_core_crs84_coordinates_are_longitude_and_latitude_unless_asked_otherwise(
    client: Client, reports: dict[str, str]
) -> None:
    feature = ask(client, f"{items_path('reports')}/{reports['heap']}")
    assert feature["geometry"] == {"type": "Point", "coordinates": [106.93, -6.25]}


def test_req_core_fc_md_success_the_collections_page_holds_each_layer(client: Client) -> None:
    """Each that can be opened here: two need a property, and are listed where the address fixes one."""
    document = ask(client, "/ogc/collections")
    assert [entry["id"] for entry in document["collections"]] == LISTED
    fixed = ask(client, "/ogc/with/property=pm25/collections")
    assert [entry["id"] for entry in fixed["collections"]] == ["sensors", "correlation", "bivariate"]


def test_req_core_fc_md_links_the_collections_page_links_to_itself_and_its_other_form(client: Client) -> None:
    document = ask(client, "/ogc/collections")
    assert link_of(document, "self", "application/json").startswith("http://testserver/ogc/collections")
    assert ask(client, link_of(document, "self", "application/json"))["collections"]
    page = get(client, link_of(document, "alternate", "text/html"))
    assert page["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("collection", LISTED)
def test_req_core_fc_md_items_links_each_collection_links_to_its_items(client: Client, collection: str) -> None:
    listed = {entry["id"]: entry for entry in ask(client, "/ogc/collections")["collections"]}[collection]
    for document in (listed, ask(client, collection_path(collection))):
        href = link_of(document, "items", GEOJSON)
        assert href == f"http://testserver{items_path(collection)}"
        assert link_of(document, "items", "text/html")
        assert get(client, href, NEEDS.get(collection))["Content-Type"] == GEOJSON


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_core_fc_md_extent_holds_every_feature_in_longitude_and_latitude(client: Client, collection: str) -> None:
    """The default town spans 106.9 to 107.1 and -6.3 to -6.2; all that is in it lies there."""
    spatial = ask(client, collection_path(collection))["extent"]["spatial"]
    west, south, east, north = spatial["bbox"][0]
    assert spatial.get("crs", CRS84) == CRS84
    assert (west, south) == pytest.approx((106.9, -6.3))
    assert (east, north) == pytest.approx((107.1, -6.2))


def test_req_core_fc_md_extent_the_interval_of_reports_holds_every_time(client: Client) -> None:
    (start, end) = ask(client, collection_path("reports"))["extent"]["temporal"]["interval"][0]
    assert datetime.fromisoformat(start) <= datetime.fromisoformat("2026-02-27T16:59:59.999999Z")
    assert datetime.fromisoformat(start) > datetime.fromisoformat("2026-02-27T16:59:58Z")
    assert end is None or datetime.fromisoformat(end) >= datetime.fromisoformat("2026-03-01T04:00:00Z")


@pytest.mark.parametrize("collection", LISTED)
def test_req_core_sfc_md_success_a_collection_is_what_the_list_says_of_it(client: Client, collection: str) -> None:
    listed = {entry["id"]: entry for entry in ask(client, "/ogc/collections")["collections"]}[collection]
    alone = ask(client, collection_path(collection))
    for name in ("id", "title", "description", "itemType", "extent", "crs", "storageCrs"):
        assert alone[name] == listed[name]
    assert (alone["id"], alone["itemType"]) == (collection, "feature")


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_an_empty_collection_still_has_extent_schema_and_crs(client: Client, town: City, collection: str) -> None:
    from geo.models import Report
    from sensors.models import ThingLocation

    Report.objects.all().update(is_public=False)
    ThingLocation.objects.all().delete()
    Area.objects.exclude(level__code="kota").update(retired_at="2026-01-01T00:00:00Z")
    document = ask(client, collection_path(collection))
    assert document["extent"]["spatial"]["bbox"][0] == pytest.approx([106.9, -6.3, 107.1, -6.2])
    assert document["crs"][0] == CRS84
    assert document["storageCrs"] == CRS84
    assert ask(client, collection_path(collection, "/schema"))["properties"]
    answer = ask(client, items_path(collection), NEEDS.get(collection))
    if collection != "cities":
        assert (answer["features"], answer["numberMatched"], answer["numberReturned"]) == ([], 0, 0)


@pytest.mark.parametrize("path", LINKED_DOCUMENTS)
def test_every_link_is_absolute_typed_and_answers(client: Client, path: str) -> None:
    """QGIS and GDAL fail on a relative href; a link without a type is no use to a client that chooses by it."""
    seen: set[str] = set()
    for link in every_link(ask(client, path)):
        href = link["href"]
        assert href.startswith(("http://testserver/", "https://")), link
        assert link["rel"]
        if "{" in href or not href.startswith("http://testserver/") or href in seen or "correlation" in href:
            continue
        assert link.get("type"), link
        if link["rel"] == "items" and "html" not in link["type"] and link["type"] != GEOJSON:
            continue  # a download, which takes long; those of the items page are followed
        seen.add(href)
        response = get(client, href)
        assert response.status_code in (200, 204), (href, response.status_code)


def test_links_begin_with_the_configured_base_url(client: Client, settings: Any) -> None:
    settings.BASE_URL = "https://peta.example"
    for path in LINKED_DOCUMENTS:
        for link in every_link(body(get(client, path))):
            assert link["href"].startswith("https://"), link
            assert "testserver" not in link["href"]


def test_a_collection_without_its_required_parameter_still_describes_itself(client: Client) -> None:
    document = ask(client, collection_path("correlation"))
    assert links_of(document, "items")
    assert refused(client, items_path("correlation")) == "property"
