"""OGC 17-069r4, requirements class HTML, and which form is answered to whom."""

import json
import re
from html.parser import HTMLParser

import pytest
from django.test import Client

from tests.contracts.ogc.asking import (
    COLLECTIONS,
    GEOJSON,
    LISTED,
    NEEDS,
    PROBLEM,
    get,
    header_links,
    items_path,
    refused,
    text_of,
)
from tests.factories import make_report

pytestmark = pytest.mark.usefixtures("town")
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
DOCUMENTS = {
    "/ogc/": "application/json",
    "/ogc/conformance": "application/json",
    "/ogc/collections": "application/json",
    "/ogc/collections/reports": "application/json",
    "/ogc/collections/correlation": "application/json",
    "/ogc/collections/reports/queryables": "application/schema+json",
    "/ogc/collections/reports/sortables": "application/schema+json",
    "/ogc/collections/reports/schema": "application/schema+json",
    "/ogc/collections/reports/items": GEOJSON,
    "/ogc/collections/districts/items": GEOJSON,
    "/ogc/collections/districts/items/kota-uji.1": GEOJSON,
    "/ogc/api": "application/vnd.oai.openapi+json;version=3.0",
}


class Page(HTMLParser):
    """The text and the links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.tags: set[str] = set()
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "a":
            self.hrefs += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.words += data


def page_of(client: Client, path: str, **headers: str) -> Page:
    response = get(client, path, **(headers or {"accept": BROWSER}))
    assert (response.status_code, response["Content-Type"].split(";")[0]) == (200, "text/html")
    text = text_of(response)
    assert text.lstrip().lower().startswith("<!doctype html>")
    return Page(text)


@pytest.mark.parametrize("path", DOCUMENTS)
def test_req_html_definition_each_resource_is_a_page_to_who_wants_one(client: Client, path: str) -> None:
    assert "title" in page_of(client, path).tags
    response = get(client, path, {"f": "html"}, accept="application/json")
    assert response["Content-Type"].split(";")[0] == "text/html"


@pytest.mark.parametrize("path", DOCUMENTS)
def test_each_resource_is_its_own_kind_of_json_to_anybody_else(client: Client, path: str) -> None:
    kind = DOCUMENTS[path]
    for headers in ({}, {"accept": "*/*"}, {"accept": kind}, {"accept": "application/json"}):
        response = get(client, path, **headers)
        assert (response.status_code, response["Content-Type"]) == (200, kind), headers
        json.loads(text_of(response))
    assert get(client, path, {"f": "json"}, accept=BROWSER)["Content-Type"] == kind


@pytest.mark.parametrize("path", DOCUMENTS)
def test_an_unknown_form_is_a_400_and_an_impossible_wish_a_default_or_a_406(client: Client, path: str) -> None:
    assert refused(client, path, {"f": "docx"}) == "f"
    response = get(client, path, accept="image/png")
    assert response.status_code in (200, 406)
    assert response["Content-Type"] == (DOCUMENTS[path] if response.status_code == 200 else PROBLEM)


@pytest.mark.parametrize(
    "path", ["/ogc/collections/nonsense", "/ogc/collections/reports/items/nonsense", "/ogc/nonsense"]
)
def test_what_is_not_there_is_a_404_to_a_browser_as_well(client: Client, path: str) -> None:
    assert get(client, path, accept=BROWSER).status_code == 404


def test_req_html_content_the_landing_page_says_what_its_json_says(client: Client) -> None:
    page = page_of(client, "/ogc/")
    assert "Pantau" in page.words
    for wanted in ("/ogc/collections", "/ogc/conformance", "/ogc/api"):
        assert any(wanted in href for href in page.hrefs), wanted


def test_req_html_content_the_collections_page_links_to_each_collection(client: Client) -> None:
    hrefs = page_of(client, "/ogc/collections").hrefs
    for collection in LISTED:
        assert any(re.search(rf"/ogc/collections/{collection}(\?|$)", href) for href in hrefs), collection


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_html_content_a_collections_page_links_to_items_schema_and_queryables(
    client: Client, collection: str
) -> None:
    hrefs = page_of(client, f"/ogc/collections/{collection}").hrefs
    for tail in ("items", "schema", "queryables"):
        assert any(f"/ogc/collections/{collection}/{tail}" in href for href in hrefs), tail


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_html_content_the_items_page_shows_each_feature_and_links_to_every_form(
    client: Client, collection: str
) -> None:
    path = items_path(collection)
    needs = "&".join(f"{name}={value}" for name, value in NEEDS.get(collection, {}).items())
    document = json.loads(text_of(get(client, f"{path}?{needs}")))
    page = page_of(client, f"{path}?{needs}&f=html" if needs else f"{path}?f=html")
    for feature in document["features"]:
        assert any(f"{path}/{feature['id']}" in href for href in page.hrefs), feature["id"]
    for form in ("(geo)?json", "csv", "gpkg", "xlsx"):
        assert any(re.search(rf"[?&]f={form}\b", href) for href in page.hrefs), form


def test_req_html_content_a_features_page_shows_its_values(client: Client, reports: dict[str, str]) -> None:
    page = page_of(client, f"{items_path('reports')}/{reports['lamp']}?f=html")
    assert "Lampu mati, cafe d'Été" in page.words
    assert "lampu-jalan" in page.words


def test_the_items_page_leads_to_the_next_one(client: Client) -> None:
    page = page_of(client, f"{items_path('reports')}?f=html&limit=2")
    following = next(href for href in page.hrefs if "next=" in href)
    assert "limit=2" in following
    again = page_of(client, following)
    assert any("/items/" in href for href in again.hrefs)


def test_what_citizens_wrote_is_text_on_a_page_and_never_markup(client: Client) -> None:
    report = make_report(description="<script>alert(1)</script><b>x</b>")
    for path in (f"{items_path('reports')}?f=html", f"{items_path('reports')}/{report.public_id}?f=html"):
        text = text_of(get(client, path))
        assert "<script>alert(1)" not in text
        assert "<b>x</b>" not in text
    assert "</script>" not in re.sub(
        r"<script\b[^>]*>.*?</script>", "", text_of(get(client, f"{items_path('reports')}?f=html")), flags=re.DOTALL
    )


@pytest.mark.parametrize("path", ["/ogc/collections/reports/items", "/ogc/collections/districts/items/kota-uji.1"])
def test_req_core_fc_links_the_page_itself_is_html_and_its_alternate_geojson(client: Client, path: str) -> None:
    """/req/core/fc-links, part A: `self` is this response, in its own media type."""
    for response in (get(client, f"{path}?f=html"), get(client, path, accept=BROWSER)):
        kinds = {(link["rel"], link["type"]): link["href"] for link in header_links(response)}
        assert ("self", "text/html") in kinds
        assert ("self", GEOJSON) not in kinds
        assert get(client, kinds["alternate", GEOJSON], accept=BROWSER)["Content-Type"] == GEOJSON


@pytest.mark.parametrize("path", DOCUMENTS)
def test_no_page_needs_a_script_of_its_own_text_or_another_host(client: Client, path: str) -> None:
    text = text_of(get(client, path, {"f": "html"}))
    assert not re.search(r"<script(?![^>]*\b(src|type=\"application/(ld\+)?json\"))[^>]*>", text)
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=\"https?://(?!testserver)", text)
