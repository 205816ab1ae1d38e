"""Making entities: alone, one inside another, by links; and what is refused."""

from typing import Any

import pytest
from django.test import Client

from sensors.observations.models import Observation
from sensors.registry.models import Datastream, ObservedProperty, Sensor, Thing, ThingLocation
from tests.sensor_factories import make_datastream
from tests.sensorthings.writing import (
    NOON,
    ONE,
    PRESSURE,
    SENSOR,
    datastream,
    got,
    made,
    place,
    send,
    signed_in,
    station,
    thing,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor() -> Client:
    return signed_in()


def refused(client: Client, path: str, body: Any) -> tuple[str, str]:
    """The one property that a 400 names, and its sentence."""
    answer = send(client, "post", path, body)
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    ((name, sentences),) = answer.json()["errors"].items()
    return name, sentences[0]


def test_a_thing_is_made_and_answered_with_its_address(editor: Client) -> None:
    answer = send(editor, "post", "Things", thing(properties={"owner": "city"}))
    assert answer.status_code == 201
    made_here = answer.json()
    assert (
        answer["Location"] == made_here["@iot.selfLink"] == f"http://testserver/sta/v1.1/Things({made_here['@iot.id']})"
    )
    assert answer["Cache-Control"] == "private, no-store"
    assert made_here["name"] == "Weather Station 7"
    assert made_here["properties"] == {"owner": "city", "slug": "weather-station-7"}
    assert got(Client(), f"Things({made_here['@iot.id']})") == made_here


def test_two_things_of_one_name_have_slugs_of_their_own(editor: Client) -> None:
    slugs = [made(editor, "Things", thing())["properties"]["slug"] for _n in range(3)]
    assert slugs == ["weather-station-7", "weather-station-7-2", "weather-station-7-3"]


def test_a_long_name_makes_a_slug_that_fits(editor: Client) -> None:
    name = "Pos pengukuran tinggi muka air sungai di bawah jembatan utama kota"
    # Its hash: printf SLUG | sha256sum
    slugs = [made(editor, "Things", thing(name=name))["properties"]["slug"] for _n in range(2)]
    assert slugs == [
        "pos-pengukuran-tinggi-muka-air-sungai-di-bawah-jembatan-0c55b17f",
        "pos-pengukuran-tinggi-muka-air-sungai-di-bawah-jembatan-0c55b1-2",
    ]


def test_a_name_without_letters_makes_a_thing_all_the_same(editor: Client) -> None:
    assert made(editor, "Things", thing(name="温度"))["properties"]["slug"] == "thing"
    assert made(editor, "ObservedProperties", {**PRESSURE, "name": "24 h"})["properties"]["code"] == "p_24_h"


def test_a_slug_that_is_asked_for_is_taken_or_the_request_refused(editor: Client) -> None:
    assert made(editor, "Things", thing(properties={"slug": "ws-7"}))["properties"] == {"slug": "ws-7"}
    assert send(editor, "post", "Things", thing(properties={"slug": "ws-7"})).status_code == 409
    assert refused(editor, "Things", thing(properties={"slug": "WS 7"}))[0] == "body"
    assert Thing.objects.count() == 1


def test_a_whole_station_is_made_by_one_request(editor: Client) -> None:
    body = station({"phenomenonTime": NOON, "result": 1009.5}, {"phenomenonTime": ONE, "result": 1008})
    made_here = made(editor, "Things", body)
    shown = got(
        Client(),
        f"Things({made_here['@iot.id']})?$expand=Locations,Datastreams($expand=Sensor,ObservedProperty,"
        "Observations($orderby=phenomenonTime;$select=phenomenonTime,result,resultQuality))",
    )
    assert shown["Locations"][0]["location"] == {"type": "Point", "coordinates": [106.99, -6.23]}
    (stream,) = shown["Datastreams"]
    assert (stream["name"], stream["unitOfMeasurement"]["symbol"]) == ("Pressure on the roof", "hPa")
    assert (stream["Sensor"]["name"], stream["Sensor"]["metadata"]) == ("BMP280", "https://example.org/b")
    assert stream["ObservedProperty"]["properties"]["code"] == "air_pressure"
    assert stream["Observations"] == [
        {"phenomenonTime": NOON, "result": 1009.5, "resultQuality": "good"},
        {"phenomenonTime": ONE, "result": 1008.0, "resultQuality": "good"},
    ]


@pytest.mark.parametrize(
    "broken",
    [
        {"phenomenonTime": "yesterday", "result": 1},
        {"phenomenonTime": NOON},
        {"phenomenonTime": NOON, "result": "high"},
        {"phenomenonTime": NOON, "result": 1, "FeatureOfInterest": {"@iot.id": -99}},
    ],
)
def test_a_fault_deep_inside_leaves_nothing(editor: Client, broken: dict[str, Any]) -> None:
    name, _sentence = refused(editor, "Things", station({"phenomenonTime": ONE, "result": 5}, broken))
    assert name.startswith("Datastreams/0/Observations/1/")
    counts = [model.objects.count() for model in (Thing, ThingLocation, Datastream, Sensor, ObservedProperty)]
    assert counts == [0, 0, 0, 0, 0]
    assert not Observation.objects.exists()


def test_what_is_posted_to_a_thing_is_linked_to_it(editor: Client) -> None:
    id_ = made(editor, "Things", thing())["@iot.id"]
    stream = made(editor, f"Things({id_})/Datastreams", datastream())
    assert got(Client(), f"Datastreams({stream['@iot.id']})/Thing")["@iot.id"] == id_
    where = made(editor, f"Things({id_})/Locations", place())
    assert [each["@iot.id"] for each in got(Client(), f"Things({id_})/Locations")["value"]] == [where["@iot.id"]]


def test_what_is_posted_to_a_thing_that_is_not_there_is_a_404(editor: Client) -> None:
    assert send(editor, "post", "Things(99)/Datastreams", datastream()).status_code == 404
    assert not Sensor.objects.exists()


def test_what_is_posted_to_one_thing_and_names_another_is_refused(editor: Client) -> None:
    one, other = (made(editor, "Things", thing())["@iot.id"] for _n in range(2))
    body = datastream(Thing={"@iot.id": other})
    assert refused(editor, f"Things({one})/Datastreams", body)[0] == "Thing"


def test_a_datastream_links_to_what_is_there(editor: Client) -> None:
    links = {
        "Thing": {"@iot.id": made(editor, "Things", thing())["@iot.id"]},
        "Sensor": {"@iot.id": made(editor, "Sensors", SENSOR)["@iot.id"]},
        "ObservedProperty": {"@iot.id": made(editor, "ObservedProperties", PRESSURE)["@iot.id"]},
    }
    made_here = Datastream.objects.get(pk=made(editor, "Datastreams", datastream(**links))["@iot.id"])
    assert {"Thing": made_here.thing_id, "Sensor": made_here.sensor_id} == {
        "Thing": links["Thing"]["@iot.id"],
        "Sensor": links["Sensor"]["@iot.id"],
    }
    assert made_here.observed_property.code == "air_pressure"


@pytest.mark.parametrize("id_", [99, -1, "7", True, None, 2**64, [1], {"a": 1}])
def test_a_link_to_what_is_not_there_is_named(editor: Client, id_: Any) -> None:
    body = datastream(Thing={"@iot.id": made(editor, "Things", thing())["@iot.id"]}, Sensor={"@iot.id": id_})
    assert refused(editor, "Datastreams", body)[0] == "Sensor"


def test_a_sensor_told_again_as_it_is_there_is_that_one_and_another_of_its_name_a_conflict(editor: Client) -> None:
    first = made(editor, "Sensors", SENSOR)["@iot.id"]
    assert made(editor, "Sensors", SENSOR)["@iot.id"] == first
    answer = send(editor, "post", "Sensors", {**SENSOR, "metadata": "another"})
    assert (answer.status_code, f"Sensors({first})" in answer.json()["detail"]) == (409, True)
    again = made(editor, "ObservedProperties", PRESSURE)["@iot.id"]
    assert made(editor, "ObservedProperties", PRESSURE)["@iot.id"] == again
    assert send(editor, "post", "ObservedProperties", {**PRESSURE, "definition": "b"}).status_code == 409


def test_an_observed_property_says_its_code_domain_and_aggregate_in_its_properties(editor: Client) -> None:
    given = {"code": "rain", "domain": "environment", "aggregate": "sum", "note": "tipping bucket"}
    body = {**PRESSURE, "properties": given}
    first = made(editor, "ObservedProperties", body)
    assert (first["properties"], made(editor, "ObservedProperties", body)) == (given, first)
    wrong = {**PRESSURE, "properties": {"code": "rain2", "domain": "weather"}}
    assert "domain" in refused(editor, "ObservedProperties", wrong)[1]


def test_a_second_datastream_of_the_same_property_is_a_conflict(editor: Client) -> None:
    first = make_datastream("ws-7", "air_pressure")
    body = datastream(Thing={"@iot.id": first.thing_id}, ObservedProperty={"@iot.id": first.observed_property_id})
    answer = send(editor, "post", "Datastreams", body)
    assert (answer.status_code, f"Datastreams({first.pk})" in answer.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (
            {"observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_TruthObservation"},
            "observationType",
        ),
        ({"unitOfMeasurement": {"name": "degree", "symbol": "°C", "definition": ""}}, "unitOfMeasurement"),
        ({"unitOfMeasurement": {"name": "degree"}}, "unitOfMeasurement"),
        ({"unitOfMeasurement": "hPa"}, "unitOfMeasurement"),
        ({"properties": [1]}, "properties"),
        ({"properties": {"a": "\0"}}, "properties"),
        ({"properties": {"a": "\ud800"}}, "properties"),
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": None}, "name"),
        ({"colour": "red"}, "colour"),
        ({"Sensor": None}, "Sensor"),
        ({"Sensor": 7}, "Sensor"),
        ({"Sensor": {"name": "only"}}, "Sensor/description"),
        ({"Observations": {"result": 1}}, "Observations"),
        ({"Observations": [{"@iot.id": "1-1"}]}, "Observations/0"),
    ],
)
def test_a_wrong_property_is_named(editor: Client, change: dict[str, Any], name: str) -> None:
    id_ = made(editor, "Things", thing())["@iot.id"]
    assert refused(editor, f"Things({id_})/Datastreams", datastream(**change))[0] == name
    assert not Datastream.objects.exists()


@pytest.mark.parametrize("name", ["name", "description", "observationType", "unitOfMeasurement", "ObservedProperty"])
def test_a_mandatory_property_is_asked_for(editor: Client, name: str) -> None:
    id_ = made(editor, "Things", thing())["@iot.id"]
    body = {key: value for key, value in datastream().items() if key != name}
    assert refused(editor, f"Things({id_})/Datastreams", body)[0] == name


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": [106.99]},
        {"type": "Point", "coordinates": [196.99, -6]},
        {"type": "Point", "coordinates": ["a", "b"]},
        {"type": "LineString", "coordinates": [[106, -6], [107, -6]]},
        "POINT(106 -6)",
        None,
    ],
)
def test_a_place_that_is_no_point_on_earth_is_refused(editor: Client, geometry: Any) -> None:
    id_ = made(editor, "Things", thing())["@iot.id"]
    assert refused(editor, f"Things({id_})/Locations", place(location=geometry))[0] == "location"


def test_a_location_of_nobody_is_refused(editor: Client) -> None:
    name, sentence = refused(editor, "Locations", place())
    assert (name, "Things(id)/Locations" in sentence) == ("Things", True)


@pytest.mark.parametrize("body", ["[]", "7", '"a"', "null", "{", '{"a": ' * 2000, ""])
def test_a_body_that_is_no_entity_is_a_400(editor: Client, body: str) -> None:
    answer = editor.post("/sta/v1.1/Things", body, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_a_body_of_another_type_is_a_415(editor: Client) -> None:
    assert editor.post("/sta/v1.1/Things", "<a/>", content_type="text/xml").status_code == 415


@pytest.mark.parametrize("path", ["Things(1)", "Things(1)/name", "Datastreams(1)/Thing", "Things/$ref"])
def test_only_an_entity_set_is_posted_to(editor: Client, path: str) -> None:
    first = make_datastream()
    way = path.replace("Datastreams(1)", f"Datastreams({first.pk})").replace("Things(1)", f"Things({first.thing_id})")
    assert send(editor, "post", way, thing()).status_code in (404, 405)
    assert Thing.objects.count() == 1


def test_a_way_that_is_not_there_is_a_404(editor: Client) -> None:
    assert send(editor, "post", "Widgets", thing()).status_code == 404


# Who may


@pytest.mark.parametrize("path", ["Things", "Things(1)", "Widgets", "CreateObservations"])
def test_nobody_in_particular_writes_nothing_and_is_told_how_to_sign_in(path: str) -> None:
    for method in ("post",) if path == "CreateObservations" else ("post", "patch", "put", "delete"):
        answer = send(Client(), method, path, thing())
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "missing",
    ["add_thing", "add_thinglocation", "add_datastream", "add_sensor", "add_observedproperty", "add_observation"],
)
def test_each_entity_inside_needs_its_own_permission(missing: str) -> None:
    needed = [
        "add_thing",
        "add_thinglocation",
        "add_datastream",
        "add_sensor",
        "add_observedproperty",
        "add_observation",
    ]
    body = station({"phenomenonTime": NOON, "result": 1009.5})
    answer = send(signed_in(*(each for each in needed if each != missing)), "post", "Things", body)
    assert (answer.status_code, f"sensors.{missing}" in answer.json()["detail"]) == (403, True)
    assert not Thing.objects.exists()
    assert send(signed_in(*needed), "post", "Things", body).status_code == 201


def test_a_page_of_another_site_does_not_write_by_a_browsers_session() -> None:
    client = signed_in(client=Client(enforce_csrf_checks=True))
    assert send(client, "post", "Things", thing()).status_code == 403
    assert not Thing.objects.exists()
