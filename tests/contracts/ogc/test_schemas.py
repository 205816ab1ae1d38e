"""OGC 23-058r1, Part 5: schemas, roles, returnables and receivables, queryables, sortables."""

import json
from typing import Any

import jsonschema
import pytest
from django.test import Client

from tests.contracts.ogc.asking import (
    COLLECTIONS,
    NEEDS,
    POINTS,
    SCHEMA_JSON,
    ask,
    collection_path,
    get,
    items,
    items_path,
    link_of,
    refused,
    text_of,
)

pytestmark = pytest.mark.usefixtures("town")
KINDS = ["schema", "queryables", "sortables"]


def schema_of(client: Client, collection: str, kind: str = "schema") -> dict[str, Any]:
    found: dict[str, Any] = ask(client, collection_path(collection, f"/{kind}"))
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_schemas_json_schema_is_one_and_lives_at_its_id(client: Client, collection: str, kind: str) -> None:
    response = get(client, collection_path(collection, f"/{kind}"), accept=SCHEMA_JSON)
    assert (response.status_code, response["Content-Type"]) == (200, SCHEMA_JSON)
    document = json.loads(text_of(response))
    jsonschema.Draft202012Validator.check_schema(document)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["type"] == "object"
    assert "?" not in document["$id"]
    assert json.loads(text_of(get(client, document["$id"], accept=SCHEMA_JSON))) == document


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_schemas_properties_have_a_type_and_a_geometry_a_format_in_its_place(
    client: Client, collection: str, kind: str
) -> None:
    for name, entry in schema_of(client, collection, kind)["properties"].items():
        if entry.get("format", "").startswith("geometry-"):
            assert entry["format"] == ("geometry-point" if collection in POINTS else "geometry-multipolygon")
            assert "type" not in entry
            assert "$ref" not in entry
        else:
            assert entry["type"] in ("string", "number", "integer", "boolean", "array"), name
            assert entry["title"], name


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_schemas_properties_d_times_are_date_time_strings(client: Client, collection: str) -> None:
    times = {
        "reports": {"reported_at", "updated_at", "closed_at"},
        "incidents": {"first_reported_at", "last_reported_at"},
        "sensors": {"phenomenon_time", "state_since", "heard_at"},
    }
    properties = schema_of(client, collection)["properties"]
    found = {name for name, entry in properties.items() if entry.get("format") == "date-time"}
    assert found == times.get(collection, set())
    assert all(properties[name]["type"] == "string" for name in found)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_schemas_additional_keywords_begin_with_x_ogc(client: Client, collection: str, kind: str) -> None:
    standard = {
        "title", "description", "type", "format", "items", "enum", "minimum", "maximum", "minLength", "maxLength",
        "pattern", "readOnly", "writeOnly", "default", "const", "oneOf", "anyOf",
    }  # fmt: skip
    for name, entry in schema_of(client, collection, kind)["properties"].items():
        assert all(keyword in standard or keyword.startswith("x-ogc-") for keyword in entry), (name, entry)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_schemas_property_seq_is_a_whole_number_of_its_own(client: Client, collection: str, kind: str) -> None:
    numbers = [entry["x-ogc-propertySeq"] for entry in schema_of(client, collection, kind)["properties"].values()]
    assert all(type(number) is int for number in numbers)
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(
    ("collection", "units"),
    [
        ("districts", {"area_km2": "km2"}),
        ("density", {"area_km2": "km2", "reports_per_km2": "1/km2"}),
        ("surface", {"density": "1/km2"}),
        ("correlation", {"distance_m": "m", "distances_m": "m"}),
        ("bivariate", {"area_km2": "km2", "distance_m": "m"}),
        ("sensors", {"expected_interval_s": "s"}),
        ("incidents", {"extent_m": "m"}),
        ("reports", {}),
    ],
)
def test_req_schemas_unit_is_ucum(client: Client, collection: str, units: dict[str, str]) -> None:
    """A unit that differs from row to row (`unit_ucum`) is no unit of the property."""
    properties = schema_of(client, collection)["properties"]
    assert {name: entry["x-ogc-unit"] for name, entry in properties.items() if "x-ogc-unit" in entry} == units
    assert {entry.get("x-ogc-unitLang", "UCUM") for entry in properties.values()} == {"UCUM"}


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_schemas_role_id_is_that_of_one_string_or_integer_which_is_the_features_id(
    client: Client, collection: str
) -> None:
    properties = schema_of(client, collection)["properties"]
    with_role = [name for name, entry in properties.items() if entry.get("x-ogc-role") == "id"]
    assert len(with_role) == 1
    assert properties[with_role[0]]["type"] in ("string", "integer")
    for feature in items(client, collection)["features"]:
        assert str(feature["properties"][with_role[0]]) == feature["id"]


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_core_roles_features_roles_there_is_one_primary_geometry_and_at_most_one_instant(
    client: Client, collection: str
) -> None:
    instants = {"reports": ["reported_at"], "sensors": ["phenomenon_time"]}
    properties = schema_of(client, collection)["properties"]
    roles = {name: entry["x-ogc-role"] for name, entry in properties.items() if "x-ogc-role" in entry}
    assert [name for name, role in roles.items() if role == "primary-geometry"] == ["geometry"]
    assert [name for name, role in roles.items() if role == "primary-instant"] == instants.get(collection, [])


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_returnables_and_receivables_link_the_collection_links_to_its_schema(
    client: Client, collection: str
) -> None:
    document = ask(client, collection_path(collection))
    href = link_of(document, "http://www.opengis.net/def/rel/ogc/1.0/schema", SCHEMA_JSON)
    assert href == f"http://testserver{collection_path(collection, '/schema')}"


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_returnables_and_receivables_response_every_feature_is_as_the_schema_says(
    client: Client, collection: str
) -> None:
    """The logical schema is of properties; the geometry has no type in it, and null stands for no value."""
    schema = schema_of(client, collection)
    schema["properties"].pop("geometry")
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    for feature in items(client, collection)["features"]:
        given = {name: value for name, value in feature["properties"].items() if value is not None}
        assert [error.message for error in validator.iter_errors(given)] == []
        assert set(feature["properties"]) <= set(schema["properties"])


def test_req_schemas_properties_f_what_a_writer_cannot_set_is_read_only(client: Client) -> None:
    """Part F, and 20-002r1 /req/features/schema: a report is written by its category, description and place."""
    properties = schema_of(client, "reports")["properties"]
    written = {name for name, entry in properties.items() if not entry.get("readOnly")}
    assert {"category", "description", "geometry"} <= written
    read_only = {"id", "status", "area", "area_name", "agency", "updated_at", "closed_at", "support_count", "channel"}
    assert not written & read_only


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_queryables_5_are_simple_properties_of_the_schema_and_its_geometry(client: Client, collection: str) -> None:
    whole = schema_of(client, collection)["properties"]
    found = schema_of(client, collection, "queryables")["properties"]
    assert set(found) == {name for name, entry in whole.items() if entry.get("type") != "array"}
    for name, entry in found.items():
        assert entry.get("type") == whole[name].get("type")
        assert entry.get("format") == whole[name].get("format")


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_sortables_response_are_simple_properties_that_sortby_takes(client: Client, collection: str) -> None:
    document = schema_of(client, collection, "sortables")
    assert document["additionalProperties"] is False
    everything = {feature["id"] for feature in items(client, collection)["features"]}
    for name, entry in document["properties"].items():
        assert entry["type"] not in ("object", "array")
        for sortby in (name, f"-{name}"):
            found = items(client, collection, {"sortby": sortby})
            assert {feature["id"] for feature in found["features"]} == everything
    needs = NEEDS.get(collection, {})
    assert refused(client, items_path(collection), {**needs, "sortby": "geometry"}) == "sortby"


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_sortables_link_the_collection_links_to_them(client: Client, collection: str) -> None:
    document = ask(client, collection_path(collection))
    href = link_of(document, "http://www.opengis.net/def/rel/ogc/1.0/sortables", SCHEMA_JSON)
    assert href == f"http://testserver{collection_path(collection, '/sortables')}"


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_titles_come_in_the_language_that_is_asked_for(client: Client, collection: str) -> None:
    """From `lang`, or from Accept-Language; the service is Indonesian by itself."""
    path = collection_path(collection, "/schema")
    in_english = ask(client, path, {"lang": "en"})["properties"]
    assert ask(client, path, accept_language="en")["properties"] == in_english
    assert ask(client, path, {"lang": "id"})["properties"] == ask(client, path)["properties"]
