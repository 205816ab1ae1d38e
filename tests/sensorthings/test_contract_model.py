"""The entities and the paths to them (OGC 18-088, clauses 8 and 9.2), over HTTP."""

import re
from typing import Any

import pytest

from tests.sensorthings.contract import Service, Town, meets

pytestmark = pytest.mark.django_db

MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
# Tables 3 to 18: what each entity must have, what it may have, and its relations, to one or to many.
MODEL: dict[str, tuple[dict[str, type], dict[str, type], dict[str, type]]] = {
    "Things": (
        {"name": str, "description": str},
        {"properties": dict},
        {"Locations": list, "HistoricalLocations": list, "Datastreams": list},
    ),
    "Locations": (
        {"name": str, "description": str, "encodingType": str, "location": dict},
        {"properties": dict},
        {"Things": list, "HistoricalLocations": list},
    ),
    "HistoricalLocations": ({"time": str}, {}, {"Thing": dict, "Locations": list}),
    "Datastreams": (
        {"name": str, "description": str, "unitOfMeasurement": dict, "observationType": str},
        {"observedArea": dict, "phenomenonTime": str, "resultTime": str, "properties": dict},
        {"Thing": dict, "Sensor": dict, "ObservedProperty": dict, "Observations": list},
    ),
    "Sensors": (
        {"name": str, "description": str, "encodingType": str, "metadata": str},
        {"properties": dict},
        {"Datastreams": list},
    ),
    "ObservedProperties": (
        {"name": str, "definition": str, "description": str},
        {"properties": dict},
        {"Datastreams": list},
    ),
    "Observations": (
        {"phenomenonTime": str, "result": float, "resultTime": str},
        {"resultQuality": str, "validTime": str, "parameters": dict},
        {"Datastream": dict, "FeatureOfInterest": dict},
    ),
    "FeaturesOfInterest": (
        {"name": str, "description": str, "encodingType": str, "feature": dict},
        {"properties": dict},
        {"Observations": list},
    ),
}


@pytest.fixture(autouse=True)
def _filled(town: Town) -> None:
    pass


def first(service: Service, name: str) -> dict[str, Any]:
    found: dict[str, Any] = service.get(name, top="1")["value"][0]
    return found


# Properties


@meets(
    "datamodel",
    "datamodel/thing/properties",
    "datamodel/location/properties",
    "datamodel/historical-location/properties",
    "datamodel/datastream/properties",
    "datamodel/sensor/properties",
    "datamodel/observed-property/properties",
    "datamodel/observation/properties",
    "datamodel/feature-of-interest/properties",
)
@pytest.mark.parametrize("name", MODEL)
def test_an_entity_has_its_mandatory_properties_and_no_unknown_ones(service: Service, name: str) -> None:
    mandatory, optional, _relations = MODEL[name]
    for entity in service.get(name, top="20")["value"]:
        shown = {key: value for key, value in entity.items() if "@iot." not in key}
        assert {key: type(shown.get(key)) for key in mandatory} == mandatory
        more = {key: type(value) for key, value in shown.items() if key not in mandatory}
        assert more.items() <= optional.items()


def test_a_unit_has_name_symbol_and_definition(service: Service, town: Town) -> None:
    """req/datamodel/datastream/properties"""
    assert service.get(f"Datastreams({town.pressure})/unitOfMeasurement") == {
        "unitOfMeasurement": {
            "name": "hectopascal",
            "symbol": "hPa",
            "definition": "http://www.opengis.net/def/uom/UCUM/0/hPa",
        }
    }


def test_a_datastream_of_numbers_is_of_measurements(service: Service) -> None:
    """req/datamodel/datastream/properties: the result of an OM_Measurement is a number."""
    assert set(service.values("Datastreams", "observationType")) == {MEASUREMENT}


def test_a_datastream_says_when_and_where_it_has_observed(service: Service, town: Town) -> None:
    """req/datamodel/datastream/properties: an interval of ISO 8601, and a GeoJSON geometry."""
    stream = service.get(f"Datastreams({town.pressure})")
    # 205 minutes, of which the last begins at 03:24.
    assert stream["phenomenonTime"] == "2026-03-03T00:00:00Z/2026-03-03T03:24:00Z"
    assert stream["observedArea"] == {"type": "Point", "coordinates": [107, -6.6]}


def test_times_are_of_iso_8601_with_their_offset(service: Service) -> None:
    """req/datamodel/observation/properties, req/datamodel/historical-location/properties"""
    times = service.values("HistoricalLocations", "time") + service.values("Observations", "phenomenonTime")
    assert [time for time in times if not TIME.fullmatch(time)] == []


def test_places_are_geojson_and_say_so(service: Service) -> None:
    """req/datamodel/location/properties, table 7: the value code of GeoJSON."""
    place = service.get("Locations", filter="name eq 'Atap'")["value"][0]
    assert place["encodingType"] in ("application/geo+json", "application/vnd.geo+json")
    assert place["location"] == {"type": "Point", "coordinates": [107, -6.6]}


# Relations


@meets(
    "datamodel/thing/relations",
    "datamodel/location/relations",
    "datamodel/historical-location/relations",
    "datamodel/datastream/relations",
    "datamodel/sensor/relations",
    "datamodel/observed-property/relations",
    "datamodel/observation/relations",
    "datamodel/feature-of-interest/relations",
)
@pytest.mark.parametrize("name", MODEL)
def test_an_entity_has_its_relations_to_one_or_to_many(service: Service, name: str) -> None:
    _mandatory, _optional, relations = MODEL[name]
    entity = first(service, name)
    links = {key.partition("@")[0] for key in entity if key.endswith("@iot.navigationLink")}
    assert links == set(relations)
    for relation, kind in relations.items():
        related = service.get(entity[f"{relation}@iot.navigationLink"])
        assert ("value" in related) == (kind is list)
        inline = service.get(entity["@iot.selfLink"], expand=relation)[relation]
        assert inline == (related["value"] if kind is list else related)


@pytest.mark.parametrize(
    ("there", "back"),
    [
        ("Things({station})/Datastreams", "Thing"),
        ("Things({station})/HistoricalLocations", "Thing"),
        ("Things({station})/Locations", "Things"),
        ("Datastreams({pressure})/Observations", "Datastream"),
        ("Sensors({barometer})/Datastreams", "Sensor"),
    ],
)
def test_a_relation_leads_back(service: Service, town: Town, there: str, back: str) -> None:
    """req/datamodel: relations are of both sides."""
    path = there.format(station=town.station, pressure=town.pressure, barometer=town.barometer)
    start = service.get(path.partition("/")[0])["@iot.selfLink"]
    for related in service.get(path, top="3")["value"]:
        found = service.get(related[f"{back}@iot.navigationLink"])
        assert [each["@iot.selfLink"] for each in found.get("value", [found])] == [start]


# Control information


@meets("datamodel/entity-control-information/common-control-information")
@pytest.mark.parametrize("name", MODEL)
def test_an_entity_is_found_by_its_self_link_and_has_an_id_of_its_own(service: Service, name: str) -> None:
    entities = service.get(name, top="10")["value"]
    assert len({entity["@iot.id"] for entity in entities}) == len(entities)
    for entity in entities:
        key = repr(entity["@iot.id"])
        assert entity["@iot.selfLink"] == f"{service.root}/{name}({key})"
        assert service.get(entity["@iot.selfLink"]) == entity


# Addressing


@meets("resource-path/resource-path-to-entities")
def test_the_root_leads_to_every_entity_set(service: Service) -> None:
    """Usage 1 and 2."""
    for path in ("", "/"):
        sets = service.get(service.root + path)["value"]
        assert {each["name"] for each in sets} == set(MODEL)
        for each in sets:
            assert service.get(each["url"], top="1")["value"]


@meets("resource-path/resource-path-to-entities")
def test_an_entity_is_addressed_by_its_id(service: Service, town: Town) -> None:
    """Usage 3."""
    assert service.get(f"Things({town.station})")["name"] == "Stasiun Cuaca"
    # 2026-03-03T00:01:00Z
    one = f"Observations('{town.pressure}-1772496060000000')"
    assert service.get(one)["result"] == 1001


@meets("resource-path/resource-path-to-entities")
def test_a_property_is_addressed_by_its_name(service: Service, town: Town) -> None:
    """Usage 4."""
    assert service.get(f"Things({town.station})/name") == {"name": "Stasiun Cuaca"}
    assert service.get(f"Things({town.nowhere})/properties")["properties"]["n"] == 5
    answer = service.ask("GET", f"Observations('{town.pressure}-1772496060000000')/validTime")
    assert (answer.status, answer.body) == (204, b"")  # null


@meets("resource-path/resource-path-to-entities")
def test_the_bare_value_of_a_property_is_plain_text(service: Service, town: Town) -> None:
    """Usage 5."""
    name = service.ask("GET", f"Things({town.station})/name/$value")
    assert (name.status, name.body) == (200, b"Stasiun Cuaca")
    assert name.headers["Content-Type"].startswith("text/plain")
    result = service.ask("GET", f"Observations('{town.pressure}-1772496060000000')/result/$value")
    assert result.body == b"1001.0"


@meets("resource-path/resource-path-to-entities")
def test_related_entities_are_addressed_by_their_relation(service: Service, town: Town) -> None:
    """Usage 6."""
    assert service.values(f"Things({town.river.thing})/Datastreams", "@iot.id") == [town.river.level, town.river.rain]
    assert service.get(f"Datastreams({town.pressure})/Thing")["@iot.id"] == town.station
    assert service.get(f"Things({town.nowhere})/Datastreams")["value"] == []


@meets("resource-path/resource-path-to-entities")
def test_references_to_related_entities_are_their_self_links(service: Service, town: Town) -> None:
    """Usage 7."""
    path = f"Things({town.river.thing})/Datastreams"
    links = [{"@iot.selfLink": each["@iot.selfLink"]} for each in service.get(path)["value"]]
    assert service.get(f"{path}/$ref")["value"] == links
    assert len(links) == 2


@meets("resource-path/resource-path-to-entities")
def test_paths_are_nested(service: Service, town: Town) -> None:
    """Usage 8."""
    river = town.river
    inside = f"Things({river.thing})/Datastreams({river.level})/Observations('{river.level}-1772323200000000')"
    assert service.get(inside)["result"] == 1.5
    assert service.get(f"{inside}/FeatureOfInterest/feature")["feature"]["coordinates"] == [106.8, -6.5]
    assert service.get(f"{inside}/Datastream/Thing/Locations")["value"][0]["name"] == "Katulampa"
    # The other thing's datastream is not there.
    assert service.status(f"Things({river.thing})/Datastreams({town.pressure})") == 404


@pytest.mark.parametrize("path", ["Things%28{station}%29", "Things({station})?", "Things({station})/"])
def test_a_path_is_read_as_a_url_is(service: Service, town: Town, path: str) -> None:
    """req/resource-path/resource-path-to-entities: percent-encoded characters are those that they stand for (RFC 3986, 2.1)."""
    assert service.get(path.format(station=town.station))["@iot.id"] == town.station


# What is not there


@meets("request-data/status-code")
@pytest.mark.parametrize(
    "path",
    [
        "Thing",
        "things",
        "Things(0)",
        "Things(999999)",
        "Things('x')",
        "Things({station})/nothing",
        "Things({station})/Observations",
        "Things({station})/name/nothing",
        "Things(999999)/Datastreams",
        "Datastreams({pressure})/Things",
        "Observations('{pressure}-1')",
        "$metadata",
    ],
)
def test_what_is_not_there_is_a_404(service: Service, town: Town, path: str) -> None:
    answer = service.ask("GET", path.format(station=town.station, pressure=town.pressure))
    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert answer.json["detail"]


@meets("request-data/status-code")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ""),
        ("DELETE", ""),
        ("PATCH", "Things"),
        ("PUT", "Things"),
        ("DELETE", "Things"),
        ("POST", "Things({station})"),
        ("DELETE", "Things({station})/name"),
        ("GET", "$batch"),
        ("GET", "CreateObservations"),
    ],
)
def test_a_method_that_a_path_does_not_have_is_a_405(editor: Service, town: Town, method: str, path: str) -> None:
    answer = editor.ask(method, path.format(station=town.station), None if method == "GET" else {})
    assert answer.status == 405
    assert method not in answer.headers["Allow"]


def test_a_head_is_a_get_without_a_body(service: Service, town: Town) -> None:
    """RFC 9110, 9.3.2"""
    answer = service.ask("HEAD", f"Things({town.station})")
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (200, b"", "application/json")
