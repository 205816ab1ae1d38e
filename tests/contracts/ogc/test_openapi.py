"""OGC 17-069r4, requirements class OpenAPI 3.0: the definition is one, is true, and is complete."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from openapi_spec_validator import validate

from tests.contracts.ogc.asking import (
    COLLECTIONS,
    NEEDS,
    PARAMETER_VALUES,
    REQUIRED,
    ask,
    collection_path,
    get,
    ids,
    items,
    items_path,
    text_of,
)

pytestmark = pytest.mark.usefixtures("town")
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
ITEMS_PARAMETERS = {
    "limit", "offset", "next", "bbox", "bbox-crs", "crs", "datetime", "filter", "filter-lang", "filter-crs", "sortby",
    "properties", "skipGeometry", "f", "city", "lang", "geometry", "formulas",
}  # fmt: skip
WITH_CODES = ("cities", "density", "surface", "hotspots", "clusters", "emerging", "correlation", "bivariate")
OF_TABLES = {"geometry": "none", "formulas": "kept"}
MEASURED = {"measure", "counted", "neighbours", "distance_m", "k", "permutations", "seed"}
OWN_PARAMETERS = {
    "reports": {"category", "channel", "status", "kind", "area", "start", "end"},
    "incidents": {"category", "area", "start", "end", "radius_m", "hours", "min_reports"},
    "sensors": {"property", "domain", "area"},
    "density": {"level", "category", "channel", "status", "kind", "start", "end"},
    "surface": {"category", "channel", "start", "end", "counted", "bandwidth_m", "cell_m"},
    "hotspots": {"level", "cell_m", "category", "channel", "start", "end", *MEASURED},
    "clusters": {"level", "cell_m", "category", "channel", "start", "end", *MEASURED},
    "emerging": {"level", "cell_m", "category", "channel", "slice", "slices", "start", "end", *MEASURED},
    "correlation": {"level", "category", "property", "interval", "lag", "start", "end", "max_distance_m"},
    "bivariate": {
        "level",
        "category",
        "channel",
        "property",
        "statistic",
        "control",
        "start",
        "end",
        "max_distance_m",
        *MEASURED,
    },
}


@pytest.fixture
def definition(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = ask(client, "/ogc/api")
    return found


def resolved(definition: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in entry:
        return entry
    found: Any = definition
    for name in entry["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return dict(found)


def parameters_of(definition: dict[str, Any], path: str, method: str = "get") -> dict[str, dict[str, Any]]:
    operation = definition["paths"][path]
    entries = [*operation.get("parameters", []), *operation[method].get("parameters", [])]
    return {entry["name"]: entry for entry in (resolved(definition, entry) for entry in entries)}


def operations(definition: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operation in definition["paths"].items():
        for method in ("get", "post", "put", "patch", "delete", "options"):
            if method in operation:
                yield path, method, operation[method]


def address_of(client: Client, path: str) -> str:
    """The address of a templated path, for a feature that there is; under `servers` of the definition."""
    collection = path.split("/")[2] if path.startswith("/collections/") else ""
    if "{" not in path:
        return f"/ogc{path}"
    assert path == f"/collections/{collection}/items/{{featureId}}", path
    return f"/ogc/collections/{collection}/items/{ids(items(client, collection))[0]}"


def test_req_oas30_oas_definition_2_the_definition_is_valid_openapi_3_0(definition: dict[str, Any]) -> None:
    assert definition["openapi"].startswith("3.0.")
    validate(definition)


def test_req_oas30_oas_definition_1_it_is_served_as_openapi_and_as_a_page(client: Client) -> None:
    assert get(client, "/ogc/api")["Content-Type"] == OPENAPI
    assert get(client, "/ogc/api", accept="text/html")["Content-Type"].startswith("text/html")


def test_the_size_of_pages_stands_where_qgis_looks_for_it(definition: dict[str, Any]) -> None:
    """QGIS reads `components.parameters.limit` and nothing else; without it, it asks for a hundred at a time."""
    limit = definition["components"]["parameters"]["limit"]
    assert (limit["name"], limit["in"], limit["style"], limit["explode"]) == ("limit", "query", "form", False)
    schema = limit["schema"]
    assert (schema["type"], schema["minimum"], schema["default"], schema["maximum"]) == ("integer", 1, 1000, 10000)


def test_req_oas30_oas_impl_the_server_is_this_api_by_its_absolute_address(definition: dict[str, Any]) -> None:
    assert [server["url"].rstrip("/") for server in definition["servers"]] == ["http://testserver/ogc"]


def test_req_oas30_completeness_every_resource_has_its_path(definition: dict[str, Any]) -> None:
    wanted = {"/", "/conformance", "/api", "/collections"}
    for collection in COLLECTIONS:
        base = f"/collections/{collection}"
        wanted |= {
            base,
            *(f"{base}/{name}" for name in ("items", "items/{featureId}", "queryables", "schema", "sortables")),
        }
    assert wanted <= set(definition["paths"])


def test_req_oas30_oas_impl_each_path_answers(client: Client, definition: dict[str, Any]) -> None:
    for path, operation in definition["paths"].items():
        if "get" not in operation or "tile" in path:
            continue
        collection = path.split("/")[2] if path.startswith("/collections/") else ""
        needs = NEEDS.get(collection) if "/items" in path else None
        response = get(client, address_of(client, path), needs)
        assert response.status_code == 200, (path, text_of(response)[:300])
        kind = response["Content-Type"]
        documented = resolved(definition, operation["get"]["responses"]["200"])["content"]
        assert kind in documented, (path, kind)


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_oas30_completeness_each_parameter_of_items_is_declared_and_no_other(
    client: Client, definition: dict[str, Any], collection: str
) -> None:
    queryables = ask(client, collection_path(collection, "/queryables"))["properties"]
    simple = {name for name, entry in queryables.items() if "type" in entry}
    declared = parameters_of(definition, f"/collections/{collection}/items")
    assert set(declared) == ITEMS_PARAMETERS | OWN_PARAMETERS.get(collection, set()) | simple


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_oas30_oas_impl_each_declared_parameter_is_taken(
    client: Client, definition: dict[str, Any], collection: str
) -> None:
    """With a value of its kind: 200. The one that cannot be made up is the page token. Two are of tables only."""
    by_type = {"integer": "1", "number": "1.5", "boolean": "true", "string": "x"}
    for name, entry in parameters_of(definition, f"/collections/{collection}/items").items():
        schema = entry["schema"]
        if name == "next":
            continue
        if name in ("sortby", "properties"):
            value = "code" if "districts" in collection or collection in WITH_CODES else "id"
        elif name in OF_TABLES:
            value = OF_TABLES[name]
        elif name in PARAMETER_VALUES:
            value = PARAMETER_VALUES[name]
        elif schema.get("format") == "date-time":
            value = "2026-02-28T00:00:00Z"
        else:
            value = str(schema["enum"][0]) if "enum" in schema else by_type[schema["type"]]
        form = {"f": "csv"} if name in OF_TABLES else {}
        response = get(client, items_path(collection), {**REQUIRED.get(collection, {}), **form, name: value})
        assert response.status_code == 200, (name, value, text_of(response)[:300])


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_oas30_completeness_every_form_of_items_is_declared(
    client: Client, definition: dict[str, Any], collection: str
) -> None:
    declared = parameters_of(definition, f"/collections/{collection}/items")["f"]["schema"]["enum"]
    assert {"json", "html", "csv", "geojsonseq", "flatgeobuf", "gpkg", "shp-zip", "geoparquet", "xlsx"} <= set(declared)
    languages = parameters_of(definition, f"/collections/{collection}/items")["filter-lang"]["schema"]
    # "cql-text" is what GDAL 3.6 looks for before it pushes a filter down.
    assert set(languages["enum"]) == {"cql2-text", "cql2-json", "cql-text"}
    assert languages["default"] == "cql2-text"


def test_queryables_have_the_same_schema_as_their_parameters(client: Client, definition: dict[str, Any]) -> None:
    """/req/queryables-query-parameters/parameters, part A: with the same schema as the schema of the queryable."""
    for collection in COLLECTIONS:
        declared = parameters_of(definition, f"/collections/{collection}/items")
        queryables = ask(client, collection_path(collection, "/queryables"))["properties"]
        own = OWN_PARAMETERS.get(collection, set())
        for name, entry in queryables.items():
            if "type" in entry and name not in own:
                assert declared[name]["schema"]["type"] == entry["type"], (collection, name)
                assert declared[name]["schema"].get("format") == entry.get("format"), (collection, name)


def test_required_parameters_are_declared_so(definition: dict[str, Any]) -> None:
    for collection in COLLECTIONS:
        declared = parameters_of(definition, f"/collections/{collection}/items")
        required = {name for name, entry in declared.items() if entry.get("required")}
        assert required == set(REQUIRED.get(collection, {}))


def test_req_oas30_exceptions_codes_each_refusal_is_documented_as_a_problem(definition: dict[str, Any]) -> None:
    for path, method, operation in operations(definition):
        responses = {code: resolved(definition, entry) for code, entry in operation["responses"].items()}
        assert "400" in responses or "parameters" not in operation, (path, method)
        if "{" in path or "/collections/" in path:
            assert "404" in responses, (path, method)
        for code, response in responses.items():
            if code[0] in "45":
                assert "application/problem+json" in response["content"], (path, method, code)


def test_req_oas30_security_a_channels_key_is_declared_where_it_is_needed(definition: dict[str, Any]) -> None:
    schemes = definition["components"]["securitySchemes"]
    keys = {name for name, entry in schemes.items() if entry.get("name", "").lower() == "x-api-key"}
    assert keys
    writing = {
        (path, method): entry for path, method, entry in operations(definition) if method not in ("get", "options")
    }
    assert set(writing) == {
        ("/collections/reports/items", "post"),
        *(("/collections/reports/items/{featureId}", method) for method in ("put", "patch", "delete")),
    }
    for where, operation in writing.items():
        used = {name for requirement in operation["security"] for name in requirement}
        assert keys <= used, where
        assert {"401", "403", "404", "409"} & set(operation["responses"]), where


def test_operations_have_ids_of_their_own(definition: dict[str, Any]) -> None:
    names = [operation["operationId"] for _path, _method, operation in operations(definition)]
    assert len(names) == len(set(names))


def test_the_definition_is_the_same_from_one_request_to_the_next(client: Client) -> None:
    assert json.loads(text_of(get(client, "/ogc/api"))) == json.loads(text_of(get(client, "/ogc/api")))
