"""Changing and deleting entities, and what of the past stays whatever is asked."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.test import Client

from sensors.observations.models import Correction, HourlyRollup
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import write_observations
from sensors.registry.models import Datastream, FeatureOfInterest, ObservedProperty, Sensor, Thing, ThingLocation
from tests.sensor_factories import columns_of, make_datastream, make_property
from tests.sensorthings.writing import MEASUREMENT, NOON, SENSOR, datastream, got, made, place, send, signed_in, thing

pytestmark = pytest.mark.django_db
MARCH = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def editor() -> Client:
    return signed_in()


@pytest.fixture
def stream() -> Datastream:
    """Of a thing that has stood at (106.8, -6.5) for a year."""
    found = make_datastream("ws-7", "air_pressure", unit_ucum="hPa", unit_name="hectopascal")
    since = datetime(2025, 3, 1, tzinfo=UTC)
    ThingLocation.objects.create(thing=found.thing, location=Point(106.8, -6.5), valid_from=since, name="Roof")
    return found


def measured(stream: Datastream) -> Datastream:
    ensure_partitions([MARCH.date()])
    write_observations(columns_of((stream, NOON, 1009.5)))
    return stream


def refused(answer: Any) -> str:
    """The one property that a 400 names."""
    assert answer.status_code == 400, answer.content
    (name,) = answer.json()["errors"]
    return str(name)


def test_a_patch_changes_what_it_names_and_leaves_the_rest(editor: Client) -> None:
    id_ = made(editor, "Things", thing(properties={"owner": "city"}))["@iot.id"]
    answer = send(editor, "patch", f"Things({id_})", {"description": "Moved to the yard"})
    assert (answer.status_code, answer["Location"]) == (200, f"http://testserver/sta/v1.1/Things({id_})")
    assert answer.json() == got(Client(), f"Things({id_})")
    shown = {name: answer.json()[name] for name in ("name", "description", "properties")}
    assert shown == {
        "name": "Weather Station 7",
        "description": "Moved to the yard",
        "properties": {"owner": "city", "slug": "weather-station-7"},
    }


def test_a_put_is_the_whole_entity(editor: Client) -> None:
    id_ = made(editor, "Things", thing(properties={"owner": "city"}))["@iot.id"]
    assert refused(send(editor, "put", f"Things({id_})", {"name": "Another"})) == "description"
    answer = send(editor, "put", f"Things({id_})", {"name": "Another", "description": ""})
    assert (answer.json()["name"], answer.json()["properties"]) == ("Another", {"slug": "weather-station-7"})


@pytest.mark.parametrize("name", ["Things", "Locations", "Datastreams", "Sensors", "ObservedProperties"])
def test_what_a_get_answers_can_be_put_back(editor: Client, stream: Datastream, name: str) -> None:
    Datastream.objects.update(sensor=Sensor.objects.create(name="BMP280"))
    shown = got(editor, name)["value"][0]
    answer = send(editor, "put", f"{name}({shown['@iot.id']})", shown)
    assert answer.status_code == 200, answer.content
    assert answer.json() == shown


def test_a_thing_keeps_its_slug(editor: Client, stream: Datastream) -> None:
    path = f"Things({stream.thing_id})"
    assert refused(send(editor, "patch", path, {"properties": {"slug": "ws-8"}})) == "properties/slug"
    assert send(editor, "patch", path, {"properties": {"slug": "ws-7", "a": 1}}).status_code == 200
    assert Thing.objects.get().properties == {"a": 1}


def test_an_entity_inside_a_change_is_refused(editor: Client, stream: Datastream) -> None:
    assert refused(send(editor, "patch", f"Things({stream.thing_id})", {"Locations": [place()]})) == "Locations"
    assert refused(send(editor, "patch", f"Datastreams({stream.pk})", {"Sensor": SENSOR})) == "Sensor"


# Places


def test_a_location_posted_to_a_thing_moves_it_and_its_past_stays(editor: Client, stream: Datastream) -> None:
    before = ThingLocation.objects.get()
    after = made(editor, f"Things({stream.thing_id})/Locations", place(107.0, -6.2, name="Yard"))
    assert got(Client(), f"Things({stream.thing_id})/Locations")["value"][0]["@iot.id"] == after["@iot.id"]
    history = got(Client(), f"Things({stream.thing_id})/HistoricalLocations?$orderby=time")["value"]
    assert [each["@iot.id"] for each in history] == [before.pk, after["@iot.id"]]
    old, new = ThingLocation.objects.order_by("valid_from")
    assert (old.location.coords, old.valid_to == new.valid_from, new.valid_to) == ((106.8, -6.5), True, None)


def test_another_geometry_of_a_location_is_a_move_to_another_location(editor: Client, stream: Datastream) -> None:
    before = ThingLocation.objects.get()
    there = {"type": "Point", "coordinates": [107.0, -6.2]}
    answer = send(editor, "patch", f"Locations({before.pk})", {"location": there})
    assert answer.status_code == 200
    assert (answer.json()["@iot.id"] != before.pk, answer.json()["name"], answer.json()["location"]) == (
        True,
        "Roof",
        there,
    )
    assert ThingLocation.objects.get(pk=before.pk).location.coords == (106.8, -6.5)
    past = send(editor, "patch", f"Locations({before.pk})", {"location": {"type": "Point", "coordinates": [1, 1]}})
    assert past.status_code == 409


def test_another_name_of_a_location_is_no_move(editor: Client, stream: Datastream) -> None:
    id_ = ThingLocation.objects.get().pk
    answer = send(editor, "patch", f"Locations({id_})", {"name": "Tower"})
    assert (answer.json()["@iot.id"], answer.json()["name"], ThingLocation.objects.count()) == (id_, "Tower", 1)


def test_a_thing_linked_to_a_location_stands_there_now(editor: Client, stream: Datastream) -> None:
    first = ThingLocation.objects.get()
    made(editor, f"Things({stream.thing_id})/Locations", place(107.0, -6.2))
    answer = send(editor, "patch", f"Things({stream.thing_id})", {"Locations": [{"@iot.id": first.pk}]})
    assert answer.status_code == 200
    assert [each.location.coords[0] for each in ThingLocation.objects.order_by("valid_from")] == [106.8, 107.0, 106.8]


def test_a_move_is_told_afterwards_by_a_historical_location(editor: Client, stream: Datastream) -> None:
    body = {"time": "2026-02-01T00:00:00Z", "Thing": {"@iot.id": stream.thing_id}, "Locations": [place(107.0, -6.2)]}
    assert made(editor, "HistoricalLocations", body)["time"] == "2026-02-01T00:00:00Z"
    assert ThingLocation.objects.get(valid_to=None).valid_from == datetime(2026, 2, 1, tzinfo=UTC)
    earlier = send(
        editor, "post", "HistoricalLocations", {**body, "time": "2026-01-01T00:00:00Z", "Locations": [place()]}
    )
    assert earlier.status_code == 409
    later = send(editor, "post", "HistoricalLocations", {**body, "time": "2999-01-01T00:00:00Z"})
    assert refused(later) == "time"


# Datastreams


def test_a_datastream_with_observations_keeps_its_unit_its_property_and_its_thing(
    editor: Client, stream: Datastream
) -> None:
    path, other = f"Datastreams({measured(stream).pk})", make_datastream("ws-8", "rain")
    for change in (
        {"unitOfMeasurement": {"name": "pascal", "symbol": "Pa", "definition": ""}},
        {"ObservedProperty": {"@iot.id": other.observed_property_id}},
        {"Thing": {"@iot.id": other.thing_id}},
    ):
        assert send(editor, "patch", path, change).status_code == 409, change
    same = {"name": "hectopascal", "symbol": "hPa", "definition": ""}
    answer = send(editor, "patch", path, {"unitOfMeasurement": same, "name": "Pressure"})
    assert (answer.status_code, answer.json()["name"]) == (200, "Pressure")


def test_a_datastream_whose_observations_are_in_the_archive_keeps_its_unit(editor: Client, stream: Datastream) -> None:
    HourlyRollup.objects.create(datastream=stream, hour=MARCH, n=1, sum=1, min=1, max=1)
    pascal = {"unitOfMeasurement": {"name": "pascal", "symbol": "Pa", "definition": ""}}
    assert send(editor, "patch", f"Datastreams({stream.pk})", pascal).status_code == 409


def test_a_datastream_without_observations_takes_another_unit(editor: Client, stream: Datastream) -> None:
    pascal = {"unitOfMeasurement": {"name": "pascal", "symbol": "Pa", "definition": ""}}
    answer = send(editor, "patch", f"Datastreams({stream.pk})", pascal)
    assert (answer.status_code, answer.json()["unitOfMeasurement"]["symbol"]) == (200, "Pa")


def test_a_datastream_cannot_become_the_second_of_a_property(editor: Client, stream: Datastream) -> None:
    other = make_datastream("ws-7", "rain")
    change = {"ObservedProperty": {"@iot.id": stream.observed_property_id}}
    assert send(editor, "patch", f"Datastreams({other.pk})", change).status_code == 409


def test_a_datastream_takes_another_sensor(editor: Client, stream: Datastream) -> None:
    sensor = made(editor, "Sensors", SENSOR)["@iot.id"]
    assert (
        send(editor, "patch", f"Datastreams({measured(stream).pk})", {"Sensor": {"@iot.id": sensor}}).status_code == 200
    )
    assert got(Client(), f"Datastreams({stream.pk})/Sensor")["name"] == "BMP280"


# Sensors and properties


def test_a_property_is_renamed_in_the_language_of_the_request(editor: Client) -> None:
    found = make_property("rain", name_id="Hujan", name_en="Rain", definition="https://example.org/rain")
    answer = send(editor, "patch", f"ObservedProperties({found.pk})", {"name": "Rainfall"})
    assert answer.json()["name"] == "Rainfall"
    found.refresh_from_db()
    assert (found.name_id, found.name_en) == ("Hujan", "Rainfall")


def test_a_property_keeps_its_code_and_changes_how_it_adds_up(editor: Client) -> None:
    path = f"ObservedProperties({make_property('rain').pk})"
    assert refused(send(editor, "patch", path, {"properties": {"code": "regen"}})) == "properties/code"
    assert send(editor, "patch", path, {"properties": {"aggregate": "sum"}}).status_code == 200
    assert ObservedProperty.objects.get().aggregate == "sum"


def test_a_sensor_does_not_take_the_name_of_another(editor: Client) -> None:
    made(editor, "Sensors", SENSOR)
    other = made(editor, "Sensors", {**SENSOR, "name": "SHT31"})["@iot.id"]
    assert send(editor, "patch", f"Sensors({other})", {"name": "BMP280"}).status_code == 409


# Deleting


def test_what_nothing_depends_on_is_deleted(editor: Client, stream: Datastream) -> None:
    sensor = made(editor, "Sensors", SENSOR)["@iot.id"]
    for path in (
        f"Datastreams({stream.pk})",
        f"Locations({ThingLocation.objects.get().pk})",
        f"Things({stream.thing_id})",
        f"Sensors({sensor})",
        f"ObservedProperties({stream.observed_property_id})",
    ):
        assert send(editor, "delete", path).status_code == 200, path
        assert send(editor, "delete", path).status_code == 404, path
    assert not Thing.objects.exists()


def test_what_has_observations_stays_and_says_what_to_do(editor: Client, stream: Datastream) -> None:
    measured(stream)
    for path in (
        f"Datastreams({stream.pk})",
        f"Locations({ThingLocation.objects.get().pk})",
        f"HistoricalLocations({ThingLocation.objects.get().pk})",
        f"Things({stream.thing_id})",
        f"ObservedProperties({stream.observed_property_id})",
    ):
        answer = send(editor, "delete", path)
        assert (answer.status_code, "first" in answer.json()["detail"] or "instead" in answer.json()["detail"]) == (
            409,
            True,
        )
    assert ThingLocation.objects.count() == Datastream.objects.count() == 1


def test_a_thing_goes_with_its_empty_datastreams(editor: Client, stream: Datastream) -> None:
    assert send(editor, "delete", f"Things({stream.thing_id})").status_code == 200
    assert not Datastream.objects.exists()
    assert not ThingLocation.objects.exists()


def test_a_single_related_entity_is_changed_and_deleted_by_its_way(editor: Client, stream: Datastream) -> None:
    answer = send(editor, "patch", f"Datastreams({stream.pk})/Thing", {"name": "Renamed"})
    assert (answer.status_code, answer.json()["@iot.id"], Thing.objects.get().name) == (200, stream.thing_id, "Renamed")
    assert send(editor, "delete", f"Datastreams({stream.pk})/Thing").status_code == 200
    assert not Thing.objects.exists()


def test_what_a_way_does_not_lead_to_is_neither_changed_nor_deleted(editor: Client, stream: Datastream) -> None:
    other = make_datastream("ws-8", "rain")
    path = f"Things({other.thing_id})/Datastreams({stream.pk})"
    assert send(editor, "patch", path, {"name": "Mine"}).status_code == 404
    assert send(editor, "delete", path).status_code == 404
    assert Datastream.objects.get(pk=stream.pk).name == ""


@pytest.mark.parametrize("path", ["Things", "Things({thing})/name", "Things({thing})/Datastreams"])
def test_only_an_entity_is_changed_and_deleted(editor: Client, stream: Datastream, path: str) -> None:
    way = path.format(thing=stream.thing_id)
    for method in ("patch", "put", "delete"):
        assert send(editor, method, way, thing()).status_code == 405


def test_a_historical_location_is_not_rewritten(editor: Client, stream: Datastream) -> None:
    path = f"HistoricalLocations({ThingLocation.objects.get().pk})"
    assert send(editor, "patch", path, {"time": NOON}).status_code == 405


# Features


def test_a_feature_of_its_own_is_made_changed_and_deleted(editor: Client) -> None:
    lake = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
    body = {"name": "Lake", "description": "All of it", "encodingType": "application/geo+json", "feature": lake}
    feature = made(editor, "FeaturesOfInterest", body)
    assert (feature["feature"], feature["@iot.id"] < 0) == (lake, True)
    path = f"FeaturesOfInterest({feature['@iot.id']})"
    assert send(editor, "patch", path, {"name": "Pond"}).json()["name"] == "Pond"
    assert send(editor, "delete", path).status_code == 200
    assert not FeatureOfInterest.objects.exists()


def test_the_place_of_a_thing_is_changed_as_a_location_alone(editor: Client, stream: Datastream) -> None:
    path = f"FeaturesOfInterest({ThingLocation.objects.get().pk})"
    assert send(editor, "patch", path, {"name": "Lake"}).status_code == 409
    assert send(editor, "delete", path).status_code == 409


def test_each_method_needs_its_own_permission(stream: Datastream) -> None:
    path = f"Things({stream.thing_id})"
    assert send(signed_in("add_thing", "delete_thing"), "patch", path, {"name": "x"}).status_code == 403
    assert send(signed_in("add_thing", "change_thing"), "delete", path).status_code == 403
    assert send(signed_in("change_thing"), "patch", path, {"name": "x"}).status_code == 200
    assert send(signed_in("delete_thing"), "delete", path).status_code == 200


def test_the_unit_of_a_new_datastream_is_a_measurements(editor: Client, stream: Datastream) -> None:
    body = datastream(observationType=MEASUREMENT, ObservedProperty={"@iot.id": make_property("count").pk})
    body["unitOfMeasurement"] = {"name": "vehicles per hour", "symbol": "{vehicle}/h", "definition": ""}
    made_here = made(editor, f"Things({stream.thing_id})/Datastreams", body)
    assert made_here["unitOfMeasurement"]["symbol"] == "{vehicle}/h"
    assert not Correction.objects.exists()
