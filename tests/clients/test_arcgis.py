"""The requests that ArcGIS Pro makes, in their order: Part 1 alone, `f=json`, pages by `limit` and `offset` and never by `next`."""

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.clients.service import Service

PAGE = 5000


def ask(address: str, *, kind: str, **query: Any) -> dict[str, Any]:
    with urllib.request.urlopen(f"{address}?{urlencode({'f': 'json', **query})}") as response:
        assert response.headers["Content-Type"].partition(";")[0] == kind.partition(";")[0]
        return json.load(response)


def linked(document: dict[str, Any], rel: str, kind: str) -> str:
    (found,) = [link["href"] for link in document["links"] if link["rel"] == rel and link["type"] == kind]
    return found


@pytest.fixture(scope="module")
def landing(service: Service) -> dict[str, Any]:
    return ask(f"{service.url}/ogc", kind="application/json")


def test_the_service_is_described_from_its_landing_page_on(service, landing):
    """Landing page, conformance, definition and collections, by their links: all of them absolute."""
    assert landing["title"]
    assert {link["href"].startswith(service.url) for link in landing["links"]} == {True}
    conformance = ask(linked(landing, "conformance", "application/json"), kind="application/json")
    part_1 = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/"
    assert {part_1 + "core", part_1 + "geojson", part_1 + "oas30"} <= set(conformance["conformsTo"])
    openapi = "application/vnd.oai.openapi+json;version=3.0"
    definition = ask(linked(landing, "service-desc", openapi), kind=openapi)
    limit = definition["components"]["parameters"]["limit"]["schema"]
    assert (limit["minimum"], limit["default"], limit["maximum"]) == (1, 1000, 10_000)
    collections = ask(linked(landing, "data", "application/json"), kind="application/json")["collections"]
    reports = next(collection for collection in collections if collection["id"] == "reports")
    assert reports["itemType"] == "feature"
    assert linked(reports, "items", "application/geo+json") == f"{service.url}/ogc/collections/reports/items"


def test_pages_by_a_hard_coded_offset_are_each_feature_once(service):
    items = f"{service.url}/ogc/collections/reports/items"
    ids: list[str] = []
    while True:
        page = ask(items, kind="application/geo+json", limit=PAGE, offset=len(ids))
        assert page["numberMatched"] == 20_500
        assert page["numberReturned"] == len(page["features"])
        ids += [feature["id"] for feature in page["features"]]
        assert {feature["geometry"]["type"] for feature in page["features"]} == {"Point"}
        if page["numberReturned"] < PAGE:
            break
    assert len(ids) == 20_500
    assert len(set(ids)) == 20_500


def test_a_page_past_the_end_is_empty(service):
    items = f"{service.url}/ogc/collections/reports/items"
    page = ask(items, kind="application/geo+json", limit=PAGE, offset=20_500)
    assert page["features"] == []
    assert page["numberReturned"] == 0
    assert [link for link in page["links"] if link["rel"] == "next"] == []


def test_what_is_in_view_comes_page_by_page(service):
    items = f"{service.url}/ogc/collections/reports/items"
    box = {"bbox": "107.1995,-6.1005,107.2095,-6.0905"}
    pages = [ask(items, kind="application/geo+json", limit=60, offset=offset, **box) for offset in (0, 60)]
    assert [page["numberReturned"] for page in pages] == [60, 40]
    assert len({feature["id"] for page in pages for feature in page["features"]}) == 100


def test_a_page_larger_than_the_largest_is_cut_to_it(service):
    page = ask(f"{service.url}/ogc/collections/reports/items", kind="application/geo+json", limit=100_000)
    assert page["numberReturned"] == 10_000


def test_the_first_features_show_a_value_of_each_property(service):
    """Fields are taken from the first features, and the newest reports have no area, no agency and no end."""
    page = ask(f"{service.url}/ogc/collections/reports/items", kind="application/geo+json", limit=10, offset=0)
    shown = {name for feature in page["features"] for name, value in feature["properties"].items() if value is not None}
    assert {"area", "area_name", "agency", "closed_at"} <= shown
