"""Create, update and delete (OGC 18-088, clause 10), over HTTP."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sensorthings.contract import SETS, Service, counts, link, meets
from tests.sensorthings.writing import NOON, ONE, PRESSURE, SENSOR, datastream, place, station, thing

pytestmark = pytest.mark.django_db

LAKE = {
    "name": "Lake",
    "description": "",
    "encodingType": "application/geo+json",
    "feature": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
}


# Create


def new_entities(editor: Service, stream: dict[str, Any], owner: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A body for each entity set, with its mandatory properties and links."""
    moved = {"time": "2026-03-01T00:00:00Z", "Thing": link(editor.make("Things", thing())), "Locations": [place()]}
    linked = {"Thing": link(editor.make("Things", thing())), "Sensor": link(editor.make("Sensors", SENSOR))}
    return {
        "Things": thing(properties={"owner": "city"}),
        "Locations": place(Things=[link(owner)]),
        "HistoricalLocations": moved,
        "Datastreams": datastream(**linked),
        "Sensors": {**SENSOR, "name": f"Sensor of {owner['@iot.id']}"},
        "ObservedProperties": {**PRESSURE, "name": f"Property of {owner['@iot.id']}"},
        "Observations": {"phenomenonTime": NOON, "result": 1009.5, "Datastream": link(stream)},
        "FeaturesOfInterest": LAKE,
    }


@meets("create-update-delete", "create-update-delete/create-entity")
@pytest.mark.parametrize("name", SETS)
def test_an_entity_is_made_by_a_post_and_found_at_its_location(
    editor: Service, stream: dict[str, Any], owner: dict[str, Any], name: str
) -> None:
    body = new_entities(editor, stream, owner)[name]
    before = editor.count(name)
    answer = editor.ask("POST", name, body)
    assert answer.status == 201, answer.body
    made = editor.get(answer.headers["Location"])
    assert made["@iot.selfLink"] == answer.headers["Location"]
    assert editor.count(name) == before + 1
    for key in ("name", "description", "time", "encodingType", "location", "feature", "result", "phenomenonTime"):
        assert made.get(key) == body.get(key)


MANDATORY = [
    ("Things", ["name", "description"]),
    ("Locations", ["name", "description", "encodingType", "location"]),
    ("HistoricalLocations", ["time", "Thing", "Locations"]),
    ("Datastreams", ["name", "description", "unitOfMeasurement", "observationType", "Thing", "Sensor",
                     "ObservedProperty"]),
    ("Sensors", ["name", "description", "encodingType", "metadata"]),
    ("ObservedProperties", ["name", "definition", "description"]),
    ("Observations", ["result", "Datastream"]),
    ("FeaturesOfInterest", ["name", "description", "encodingType", "feature"]),
]  # fmt: skip


@meets("create-update-delete/create-entity")
@pytest.mark.parametrize(("name", "properties"), MANDATORY)
def test_an_entity_without_what_is_mandatory_is_not_made(
    editor: Service, stream: dict[str, Any], owner: dict[str, Any], name: str, properties: list[str]
) -> None:
    body = new_entities(editor, stream, owner)[name]
    if name == "Datastreams":
        body["ObservedProperty"] = link(editor.make("ObservedProperties", PRESSURE))
    before = editor.count(name)
    for missing in properties:
        answer = editor.ask("POST", name, {key: value for key, value in body.items() if key != missing})
        assert (answer.status, list(answer.json["errors"])) == (400, [missing]), missing
    assert editor.count(name) == before


@meets("create-update-delete/create-entity")
def test_an_observation_without_a_time_is_of_now(editor: Service, stream: dict[str, Any]) -> None:
    """10.2.2.3"""
    before = datetime.now(UTC)
    made = editor.make(f"Datastreams({stream['@iot.id']})/Observations", {"result": 1})
    assert before <= datetime.fromisoformat(made["phenomenonTime"]) <= datetime.now(UTC)
    assert made["resultTime"] == made["phenomenonTime"]


@meets("create-update-delete/create-entity")
def test_an_observation_without_a_feature_is_of_where_its_thing_is(
    editor: Service, owner: dict[str, Any], stream: dict[str, Any]
) -> None:
    """10.2.2.3"""
    editor.make(f"Things({owner['@iot.id']})/Locations", place(106.5, -6.25))
    made = editor.make("Observations", {"result": 1, "Datastream": link(stream)})
    feature = editor.get(made["FeatureOfInterest@iot.navigationLink"])
    assert feature["feature"] == {"type": "Point", "coordinates": [106.5, -6.25]}


@meets("create-update-delete/link-to-existing-entities")
def test_an_entity_is_linked_to_those_that_are_there(editor: Service, owner: dict[str, Any]) -> None:
    sensor, observed = editor.make("Sensors", SENSOR), editor.make("ObservedProperties", PRESSURE)
    before = counts(editor)
    made = editor.make(
        "Datastreams", datastream(Thing=link(owner), Sensor=link(sensor), ObservedProperty=link(observed))
    )
    related = editor.get(made["@iot.selfLink"], expand="Thing,Sensor,ObservedProperty")
    assert [related[name]["@iot.id"] for name in ("Thing", "Sensor", "ObservedProperty")] == [
        each["@iot.id"] for each in (owner, sensor, observed)
    ]
    assert counts(editor) == {**before, "Datastreams": before["Datastreams"] + 1}


@meets("create-update-delete/link-to-existing-entities")
def test_what_is_posted_to_a_relation_is_linked_by_it(editor: Service, owner: dict[str, Any]) -> None:
    made = editor.make(f"Things({owner['@iot.id']})/Datastreams", datastream())
    assert editor.get(made["Thing@iot.navigationLink"])["@iot.id"] == owner["@iot.id"]


@meets("create-update-delete/link-to-existing-entities")
def test_a_link_to_what_is_not_there_is_refused(editor: Service) -> None:
    before = counts(editor)
    answer = editor.ask("POST", "Datastreams", datastream(Thing={"@iot.id": 999999}))
    assert (answer.status, list(answer.json["errors"])) == (400, ["Thing"])
    assert counts(editor) == before


@meets("create-update-delete/deep-insert")
def test_entities_inside_an_entity_are_made_with_it_and_linked(editor: Service) -> None:
    body = station({"phenomenonTime": NOON, "result": 1}, {"phenomenonTime": ONE, "result": 2})
    body["Datastreams"][0]["Observations"][1]["FeatureOfInterest"] = LAKE
    made = editor.make("Things", body)
    shown = editor.get(
        made["@iot.selfLink"],
        select="name",
        expand="Locations($select=location),Datastreams($select=name;$expand=Sensor($select=name),"
        "ObservedProperty($select=definition),Observations($select=result;$orderby=phenomenonTime))",
    )
    assert shown == {
        "name": "Weather Station 7",
        "Locations": [{"location": {"type": "Point", "coordinates": [106.99, -6.23]}}],
        "Datastreams": [
            {
                "name": "Pressure on the roof",
                "Sensor": {"name": "BMP280"},
                "ObservedProperty": {"definition": "https://example.org/pressure"},
                "Observations": [{"result": 1.0}, {"result": 2.0}],
            }
        ],
    }
    here = f"FeatureOfInterest/name eq 'Lake' and Datastream/Thing/id eq {made['@iot.id']}"
    assert editor.values("Observations", "result", filter=here) == [2.0]


@meets("create-update-delete/deep-insert-status-code")
def test_a_deep_insert_is_a_201_or_leaves_nothing(editor: Service) -> None:
    before = counts(editor)
    for fault in ({"phenomenonTime": "noon", "result": 1}, {"phenomenonTime": NOON, "result": "high"}):
        answer = editor.ask("POST", "Things", station({"phenomenonTime": ONE, "result": 2}, fault))
        assert answer.status == 400
        (where,) = answer.json["errors"]
        assert where.startswith("Datastreams/0/Observations/1")
    assert counts(editor) == before


@meets("create-update-delete/create-entity")
@pytest.mark.parametrize("body", [b"{", b"", b"[]", b'"x"', b"\xff"])
def test_what_is_no_entity_is_a_400(editor: Service, body: bytes) -> None:
    before = editor.count("Things")
    assert editor.ask("POST", "Things", body).status == 400
    assert editor.count("Things") == before


def test_nobody_in_particular_writes_nothing(service: Service, editor: Service) -> None:
    """Who may write is the service's own to say (clause 10 takes a client that may)."""
    before = service.count("Things")
    answer = service.ask("POST", "Things", thing())
    assert (answer.status, answer.headers["WWW-Authenticate"][:6]) == (401, "Bearer")
    assert service.count("Things") == before


# Update


@meets("create-update-delete/update-entity")
def test_a_patch_changes_the_properties_that_it_names(editor: Service, owner: dict[str, Any]) -> None:
    answer = editor.ask("PATCH", f"Things({owner['@iot.id']})", {"description": "Moved"})
    assert answer.status == 200
    assert editor.get(owner["@iot.selfLink"]) == {**owner, "description": "Moved"}


PATCHES: dict[str, dict[str, Any]] = {
    "Things": {"name": "Other"},
    "Locations": {"name": "Other"},
    "Datastreams": {"description": "Other"},
    "Sensors": {"metadata": "Other"},
    "ObservedProperties": {"description": "Other"},
    "Observations": {"result": 7.0},
    "FeaturesOfInterest": {"name": "Other"},
}


@meets("create-update-delete/update-entity")
@pytest.mark.parametrize("name", PATCHES)
def test_an_entity_of_each_set_is_patched(
    editor: Service, stream: dict[str, Any], owner: dict[str, Any], name: str
) -> None:
    made = editor.make(name, new_entities(editor, stream, owner)[name])
    assert editor.ask("PATCH", made["@iot.selfLink"], PATCHES[name]).status == 200
    assert editor.get(made["@iot.selfLink"]) == {**made, **PATCHES[name]}


@meets("create-update-delete/update-entity")
def test_a_patch_links_to_another_entity_and_makes_none(editor: Service, stream: dict[str, Any]) -> None:
    other = editor.make("Sensors", {**SENSOR, "name": f"Other of {stream['@iot.id']}"})
    path = f"Datastreams({stream['@iot.id']})"
    assert editor.ask("PATCH", path, {"Sensor": link(other)}).status == 200
    assert editor.get(f"{path}/Sensor")["@iot.id"] == other["@iot.id"]
    # "SHALL NOT contain related entities as inline content" (10.3.1)
    assert editor.ask("PATCH", path, {"Sensor": {**SENSOR, "name": "Third"}}).status == 400
    assert editor.get("Sensors", filter="name eq 'Third'")["value"] == []


@meets("create-update-delete/update-entity")
def test_an_id_is_never_changed(editor: Service, owner: dict[str, Any]) -> None:
    body = {"@iot.id": 424242, "@iot.selfLink": "http://elsewhere.example/", "name": "Same"}
    assert editor.ask("PATCH", f"Things({owner['@iot.id']})", body).status in (200, 400)
    assert editor.get(owner["@iot.selfLink"])["@iot.id"] == owner["@iot.id"]
    assert editor.status("Things(424242)") == 404


@meets("create-update-delete/update-entity-put")
def test_a_put_replaces_the_whole_entity(editor: Service) -> None:
    made = editor.make("Things", thing(properties={"owner": "city"}))
    assert editor.ask("PUT", made["@iot.selfLink"], {"name": "New", "description": ""}).status == 200
    after = editor.get(made["@iot.selfLink"])
    assert (after["name"], after["description"], after["@iot.id"]) == ("New", "", made["@iot.id"])
    # What was left out is as if it had never been said; the slug is the service's own.
    assert "owner" not in after["properties"]


@meets("create-update-delete/update-entity")
@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_what_is_not_there_is_neither_changed_nor_made(editor: Service, method: str) -> None:
    assert editor.ask(method, "Things(999999)", thing()).status == 404
    assert editor.status("Things(999999)") == 404


# Delete


@meets("create-update-delete/delete-entity")
@pytest.mark.parametrize("name", SETS)
def test_a_deleted_entity_is_gone(editor: Service, stream: dict[str, Any], owner: dict[str, Any], name: str) -> None:
    made = editor.make(name, new_entities(editor, stream, owner)[name])
    answer = editor.ask("DELETE", made["@iot.selfLink"])
    assert answer.status == 200, answer.body
    assert editor.status(made["@iot.selfLink"]) == 404


@meets("create-update-delete/delete-entity")
def test_what_cannot_be_without_the_deleted_entity_goes_with_it(editor: Service) -> None:
    """Table 25: with a Thing its Datastreams and HistoricalLocations, not its Sensors and ObservedProperties."""
    made = editor.make("Things", station())
    shown = editor.get(made["@iot.selfLink"], expand="HistoricalLocations,Datastreams($expand=Sensor)")
    (stream,), (history,) = shown["Datastreams"], shown["HistoricalLocations"]
    assert editor.ask("DELETE", made["@iot.selfLink"]).status == 200
    assert [editor.status(each["@iot.selfLink"]) for each in (stream, history, stream["Sensor"])] == [404, 404, 200]


@meets("create-update-delete/delete-entity")
def test_what_was_measured_is_not_deleted_with_what_measured_it(editor: Service, stream: dict[str, Any]) -> None:
    """A history stays, and what it is of: a conflict, which says so, instead of table 25's cascade."""
    made = editor.make(f"Datastreams({stream['@iot.id']})/Observations", {"phenomenonTime": NOON, "result": 1})
    for path in (stream["@iot.selfLink"], stream["Thing@iot.navigationLink"]):
        refused = editor.ask("DELETE", path)
        assert (refused.status, "has observations" in refused.json["detail"]) == (409, True)
    assert editor.get(made["@iot.selfLink"])["result"] == 1
    # Of what is deleted itself, an audit line stays, and that has its datastream.
    assert editor.ask("DELETE", made["@iot.selfLink"]).status == 200
    assert editor.ask("DELETE", stream["@iot.selfLink"]).status == 409
    assert editor.status(stream["@iot.selfLink"]) == 200


# Historical locations


@meets("create-update-delete/historical-location-auto-creation")
def test_each_move_of_a_thing_makes_a_historical_location(editor: Service) -> None:
    made = editor.make("Things", thing(Locations=[place(106.5, -6.25)]))
    path = f"Things({made['@iot.id']})"
    (first,) = editor.get(f"{path}/HistoricalLocations", expand="Locations")["value"]
    before = datetime.now(UTC)
    there = editor.make(f"{path}/Locations", place(107.5, -6.25))
    history = editor.get(f"{path}/HistoricalLocations", expand="Locations", orderby="time")["value"]
    assert [each["Locations"][0]["location"]["coordinates"][0] for each in history] == [106.5, 107.5]
    assert history[0]["@iot.id"] == first["@iot.id"]
    assert before <= datetime.fromisoformat(history[1]["time"]) <= datetime.now(UTC)
    assert [each["@iot.id"] for each in editor.get(f"{path}/Locations")["value"]] == [there["@iot.id"]]


@meets("create-update-delete/historical-location-manual-creation")
def test_the_latest_historical_location_is_where_the_thing_is(editor: Service, owner: dict[str, Any]) -> None:
    for day, lon in (("2026-03-01", 106.5), ("2026-03-02", 107.5)):
        move = {"time": f"{day}T00:00:00Z", "Thing": link(owner), "Locations": [place(lon, -6.25)]}
        assert editor.make("HistoricalLocations", move)["time"] == f"{day}T00:00:00Z"
        (now,) = editor.get(f"Things({owner['@iot.id']})/Locations")["value"]
        assert now["location"]["coordinates"] == [lon, -6.25]
    assert len(editor.get(f"Things({owner['@iot.id']})/HistoricalLocations")["value"]) == 2
