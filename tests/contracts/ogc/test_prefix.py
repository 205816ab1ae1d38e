"""`/ogc/with/{key=value;…}/`: the same API with a layer's parameters fixed, for clients that cannot add any."""

from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client

from tests.contracts.ogc.asking import (
    GEOJSON,
    PROBLEM,
    ask,
    every_link,
    get,
    header_links,
    ids,
    link_of,
    pages,
    refused,
)
from tests.factories import make_city

pytestmark = pytest.mark.usefixtures("town")
FLOODS = "/ogc/with/category=banjir"


def test_the_items_are_those_of_the_parameter(client: Client, reports: dict[str, str]) -> None:
    document = ask(client, f"{FLOODS}/collections/reports/items")
    assert set(ids(document)) == {reports["flood"], reports["puddle"]}
    assert document["numberMatched"] == 2


def test_several_parameters_are_separated_by_semicolons(client: Client, reports: dict[str, str]) -> None:
    path = "/ogc/with/category=banjir,sampah;status=submitted;kind=laporan/collections/reports/items"
    assert set(ids(ask(client, path))) == {reports["heap"], reports["puddle"]}


def test_further_parameters_of_the_query_narrow_it(client: Client, reports: dict[str, str]) -> None:
    path = f"{FLOODS}/collections/reports/items"
    assert ids(ask(client, path, {"status": "resolved"})) == [reports["flood"]]
    assert ids(ask(client, path, {"filter": "support_count = 3"})) == [reports["puddle"]]
    assert ids(ask(client, path, {"bbox": "106.95,-6.3,106.97,-6.2"})) == [reports["flood"]]


def test_the_same_parameter_again_is_a_400_that_names_it(client: Client) -> None:
    assert refused(client, f"{FLOODS}/collections/reports/items", {"category": "sampah"}) == "category"
    assert refused(client, f"{FLOODS}/collections/reports/items", {"category": "banjir"}) == "category"
    assert refused(client, "/ogc/with/category=banjir;category=sampah/collections/reports/items") == "category"


def test_a_feature_outside_the_selection_is_not_found(client: Client, reports: dict[str, str]) -> None:
    path = f"{FLOODS}/collections/reports/items"
    assert ask(client, f"{path}/{reports['flood']}")["id"] == reports["flood"]
    assert get(client, f"{path}/{reports['heap']}").status_code == 404


def test_a_required_parameter_can_be_fixed(client: Client) -> None:
    document = ask(client, "/ogc/with/property=pm25/collections/correlation/items")
    assert ids(document) == ["kota-uji.1", "kota-uji.2"]


def test_values_keep_a_plus_and_a_colon(client: Client, reports: dict[str, str]) -> None:
    """RFC 3986: in a path a plus is a plus."""
    for start in ("2026-03-01T11:00:00+07:00", "2026-03-01T04:00:00Z"):
        assert ids(ask(client, f"/ogc/with/start={start}/collections/reports/items")) == [reports["wish"]]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/conformance",
        "/collections",
        "/collections/reports",
        "/collections/reports/items",
        "/collections/reports/items?limit=1",
    ],
)
def test_links_inside_stay_under_the_prefix(client: Client, path: str) -> None:
    """But for what is the same for all: licences, and the cities of the landing page."""
    response = get(client, f"{FLOODS}{path}")
    document = ask(client, f"{FLOODS}{path}")
    inside = [link for link in every_link(document) if "/ogc/" in link["href"]]
    assert inside
    assert {unquote(link["href"]).split("?")[0][: len(f"http://testserver{FLOODS}/")] for link in inside} == {
        f"http://testserver{FLOODS}/"
    }
    for link in header_links(response):
        assert "/ogc/" not in link["href"] or unquote(link["href"]).startswith(f"http://testserver{FLOODS}/")


def test_a_client_finds_its_way_from_the_landing_page_to_each_feature(client: Client, reports: dict[str, str]) -> None:
    landing = ask(client, f"{FLOODS}/")
    collections = ask(client, link_of(landing, "data", "application/json"))
    entry = next(entry for entry in collections["collections"] if entry["id"] == "reports")
    items = link_of(entry, "items", GEOJSON)
    seen = [fid for page in pages(client, f"{items}?limit=1") for fid in ids(page)]
    assert sorted(seen) == sorted([reports["flood"], reports["puddle"]])
    schema = ask(client, f"{FLOODS}/collections/reports/schema")
    assert schema["$id"] == f"http://testserver{FLOODS}/collections/reports/schema"


def test_only_layers_that_take_the_parameter_are_there(client: Client) -> None:
    listed = [entry["id"] for entry in ask(client, f"{FLOODS}/collections")["collections"]]
    assert listed == ["reports", "incidents", "density", "surface", "hotspots", "clusters", "emerging"]
    assert get(client, f"{FLOODS}/collections/cities").status_code == 404


def test_the_definition_under_the_prefix_is_that_api_without_the_fixed_parameter(client: Client) -> None:
    document: Any = ask(client, f"{FLOODS}/api")
    assert document["servers"][0]["url"].rstrip("/") == f"http://testserver{FLOODS}"
    parameters = document["paths"]["/collections/reports/items"]["get"]["parameters"]
    names = {entry.get("name") or entry["$ref"].rpartition("/")[2] for entry in parameters}
    assert "category" not in names
    assert {"status", "limit", "bbox"} <= names


def test_a_city_can_be_fixed_where_there_are_several(client: Client) -> None:
    make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    assert refused(client, "/ogc/collections/districts/items") == "city"
    document = ask(client, "/ogc/with/city=makassar/collections/districts/items")
    assert ids(document) == ["makassar.1", "makassar.2"]
    children = [link["href"] for link in ask(client, "/ogc/")["links"] if "/ogc/with/city=" in link["href"]]
    assert children == ["http://testserver/ogc/with/city=kota-uji/", "http://testserver/ogc/with/city=makassar/"]


@pytest.mark.parametrize(
    "fixed",
    [
        "category",
        "category=",
        "=banjir",
        "category=banjir;",
        ";category=banjir",
        "category=ban jir",
        "category=banjir&status=resolved",
        "category=%27",
        "category=%00",
        "category=banjir;;status=resolved",
        "category=<b>",
        "category=bänjir",
        "category=no-such",
        "no_such=1",
        "limit=5",
        "filter=status",
    ],
)
def test_what_is_no_such_prefix_is_refused(client: Client, fixed: str) -> None:
    """Only the parameters of a layer's own (and the city) can be fixed; values are `[A-Za-z0-9._:,+-]`."""
    for path in ("collections/reports", "collections/reports/items"):
        response = get(client, f"/ogc/with/{fixed}/{path}")
        assert response.status_code in (400, 404), (path, response.status_code)
        assert response["Content-Type"] == PROBLEM


def test_a_layer_whose_bounds_a_fixed_value_exceeds_is_left_out_of_the_list_and_says_so_itself(client: Client) -> None:
    """Five months are too long for incidents; the others of the city's layers still open."""
    fixed = "/ogc/with/start=2026-01-01;end=2026-06-01"
    listed = {collection["id"] for collection in ask(client, f"{fixed}/collections")["collections"]}
    assert {"reports", "density"} <= listed
    assert "incidents" not in listed
    assert refused(client, f"{fixed}/collections/incidents") == "start"


def test_a_fixed_value_that_no_layer_takes_is_a_400_of_the_list(client: Client) -> None:
    assert refused(client, "/ogc/with/category=nothing/collections") == "category"
