"""Resource paths of SensorThings (OGC 18-088, clause 9.2), over HTTP."""

from typing import Any

import pytest
from django.contrib.gis.geos import LineString

from sensors.models import FeatureOfInterest, Observation, ObservationFeature, Thing
from tests.sensor_factories import make_datastream
from tests.sensorthings.reading import Post, at, city_of_sensors

pytestmark = pytest.mark.django_db
ROOT = "http://testserver/sta/v1.1"


@pytest.fixture
def post() -> Post:
    return city_of_sensors()


def test_service_root_lists_the_entity_sets(client: Any) -> None:
    for path in ("/sta/v1.1", "/sta/v1.1/"):
        root = client.get(path).json()
        assert root["value"][0] == {"name": "Things", "url": f"{ROOT}/Things"}
        assert {each["name"] for each in root["value"]} == {
            *("Things", "Locations", "HistoricalLocations", "Datastreams"),
            *("Sensors", "ObservedProperties", "Observations", "FeaturesOfInterest"),
        }
        assert (
            "http://www.opengis.net/spec/iot_sensing/1.1/req/request-data/filter"
            in root["serverSettings"]["conformance"]
        )


def test_thing(client: Any, post: Post) -> None:
    assert client.get(f"/sta/v1.1/Things({post.thing})").json() == {
        "@iot.id": post.thing,
        "@iot.selfLink": f"{ROOT}/Things({post.thing})",
        "name": "Pos Air Katulampa",
        "description": "Di jembatan",
        "properties": {"owner": "BBWS", "slug": "katulampa"},
        "Locations@iot.navigationLink": f"{ROOT}/Things({post.thing})/Locations",
        "HistoricalLocations@iot.navigationLink": f"{ROOT}/Things({post.thing})/HistoricalLocations",
        "Datastreams@iot.navigationLink": f"{ROOT}/Things({post.thing})/Datastreams",
    }


def test_location_is_geojson_and_has_the_name_of_its_thing_unless_it_has_its_own(client: Any, post: Post) -> None:
    first = client.get(f"/sta/v1.1/Locations({post.first_place})").json()
    assert first["location"] == {"type": "Point", "coordinates": [106.8, -6.5]}
    assert (first["name"], first["encodingType"]) == ("Pos Air Katulampa", "application/geo+json")
    assert first["properties"] == {"bank": "left"}
    assert client.get(f"/sta/v1.1/Locations({post.place})").json()["name"] == "Katulampa"


def test_a_thing_is_at_its_current_location_and_has_a_history_of_all(client: Any, post: Post) -> None:
    locations = client.get(f"/sta/v1.1/Things({post.thing})/Locations").json()["value"]
    assert [each["@iot.id"] for each in locations] == [post.place]
    history = client.get(f"/sta/v1.1/Things({post.thing})/HistoricalLocations").json()["value"]
    assert [(each["@iot.id"], each["time"]) for each in history] == [
        (post.first_place, "2026-03-01T00:00:00Z"),
        (post.place, "2026-03-02T00:00:00Z"),
    ]
    there = client.get(f"/sta/v1.1/HistoricalLocations({post.first_place})/Locations").json()["value"]
    assert [each["@iot.id"] for each in there] == [post.first_place]
    assert client.get(f"/sta/v1.1/Locations({post.first_place})/Things").json()["value"] == []
    assert client.get(f"/sta/v1.1/Locations({post.place})/Things").json()["value"][0]["@iot.id"] == post.thing


def test_datastream_tells_its_unit_its_area_and_its_time(client: Any, post: Post) -> None:
    stream = client.get(f"/sta/v1.1/Datastreams({post.level})").json()
    assert stream["name"] == "Pos Air Katulampa: Tinggi muka air"
    assert stream["unitOfMeasurement"] == {
        "name": "centimetre",
        "symbol": "cm",
        "definition": "http://www.opengis.net/def/uom/UCUM/0/cm",
    }
    assert stream["observationType"] == "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
    assert stream["observedArea"]["type"] == "Polygon"
    assert stream["phenomenonTime"] == "2026-03-01T00:00:00Z/2026-03-02T00:00:00Z"
    fresh = make_datastream("none-yet", code="pm10", name="Its own", description="What it says")
    answer = client.get(f"/sta/v1.1/Datastreams({fresh.pk})").json()
    assert (answer["name"], answer["description"]) == ("Its own", "What it says")
    assert not {"phenomenonTime", "observedArea", "properties"} & set(answer)


def test_names_of_observed_properties_are_in_the_language_asked_for(client: Any, post: Post) -> None:
    path = f"/sta/v1.1/Datastreams({post.level})/ObservedProperty"
    assert client.get(path).json()["name"] == "Tinggi muka air"
    answer = client.get(f"{path}?lang=en").json()
    assert (answer["name"], answer["definition"]) == ("Water level", "https://example.org/level")
    assert answer["properties"] == {"code": "water_level", "domain": "environment", "aggregate": "mean"}


def test_sensor(client: Any, post: Post) -> None:
    sensor = client.get(f"/sta/v1.1/Datastreams({post.level})/Sensor").json()
    assert sensor == {
        "@iot.id": post.sensor,
        "@iot.selfLink": f"{ROOT}/Sensors({post.sensor})",
        "name": "Ultrasonic",
        "description": "",
        "encodingType": "text/html",
        "metadata": "https://example.org/u.pdf",
        "Datastreams@iot.navigationLink": f"{ROOT}/Sensors({post.sensor})/Datastreams",
    }


def test_a_datastream_without_a_sensor_answers_with_no_content(client: Any, post: Post) -> None:
    assert client.get(f"/sta/v1.1/Datastreams({post.rain})/Sensor").status_code == 204
    assert client.get(f"/sta/v1.1/Datastreams({post.rain})?$expand=Sensor").json()["Sensor"] is None


def test_observation_has_an_id_of_its_datastream_and_its_microseconds(client: Any, post: Post) -> None:
    listed = client.get(f"/sta/v1.1/Datastreams({post.rain})/Observations").json()["value"]
    # 2026-03-01T00:30:00.5Z
    url = f"{ROOT}/Observations('{post.rain}-1772325000500000')"
    assert listed == [
        {
            "@iot.id": f"{post.rain}-1772325000500000",
            "@iot.selfLink": url,
            "phenomenonTime": "2026-03-01T00:30:00.5Z",
            "resultTime": "2026-03-01T00:30:00.5Z",
            "result": -999.0,
            "resultQuality": "implausible",
            "Datastream@iot.navigationLink": f"{url}/Datastream",
            "FeatureOfInterest@iot.navigationLink": f"{url}/FeatureOfInterest",
        }
    ]
    for path in (url, url.replace("'", ""), f"{ROOT}/Datastreams({post.rain})/{url.rpartition('/')[2]}"):
        assert client.get(path).json() == listed[0]


def test_whole_results_have_a_point(client: Any, post: Post) -> None:
    text = client.get(f"/sta/v1.1/Datastreams({post.level})/Observations?$select=result").content
    assert text == b'{"value":[{"result":1.5},{"result":2.0},{"result":3.25}]}'


def test_feature_of_interest_is_where_the_thing_stood_then(client: Any, post: Post) -> None:
    observations = f"/sta/v1.1/Datastreams({post.level})/Observations?$expand=FeatureOfInterest($select=id)"
    features = [each["FeatureOfInterest"]["@iot.id"] for each in client.get(observations).json()["value"]]
    assert features == [post.first_place, post.first_place, post.place]
    there = client.get(f"/sta/v1.1/FeaturesOfInterest({post.first_place})/Observations").json()["value"]
    assert [each["result"] for each in there] == [1.5, 2.0, -999.0]
    feature = client.get(f"/sta/v1.1/FeaturesOfInterest({post.place})").json()
    assert feature["feature"] == {"type": "Point", "coordinates": [106.9, -6.6]}


def test_a_feature_that_a_client_gave_has_a_negative_id_and_its_own_observations(client: Any, post: Post) -> None:
    own = FeatureOfInterest.objects.create(name="River", feature=LineString((106.8, -6.5), (106.9, -6.6)))
    ObservationFeature.objects.create(datastream_id=post.level, phenomenon_time=at(1, 1), feature=own)
    observation = f"/sta/v1.1/Datastreams({post.level})/Observations({post.level}-1772326800000000)"
    assert client.get(f"{observation}/FeatureOfInterest/name").json() == {"name": "River"}
    feature = client.get(f"{observation}/FeatureOfInterest").json()
    assert (feature["@iot.id"], feature["feature"]["type"]) == (-own.pk, "LineString")
    of_it = client.get(f"/sta/v1.1/FeaturesOfInterest({-own.pk})/Observations?$select=result").json()["value"]
    assert of_it == [{"result": 2.0}]
    left = client.get(f"/sta/v1.1/FeaturesOfInterest({post.first_place})/Observations?$select=result").json()["value"]
    assert left == [{"result": 1.5}, {"result": -999.0}]


def test_a_property_comes_with_its_name_and_its_value_alone(client: Any, post: Post) -> None:
    thing = f"/sta/v1.1/Things({post.thing})"
    assert client.get(f"{thing}/name").json() == {"name": "Pos Air Katulampa"}
    value = client.get(f"{thing}/name/$value")
    assert (value.content, value["Content-Type"]) == (b"Pos Air Katulampa", "text/plain; charset=utf-8")
    assert client.get(f"{thing}/properties/slug").json() == {"slug": "katulampa"}
    assert client.get(f"{thing}/properties/owner/$value").content == b"BBWS"
    assert client.get(f"{thing}/properties/none").status_code == 204
    stream = f"/sta/v1.1/Datastreams({post.level})"
    assert client.get(f"{stream}/unitOfMeasurement/symbol").json() == {"symbol": "cm"}
    assert client.get(f"{stream}/phenomenonTime/$value").content == b"2026-03-01T00:00:00Z/2026-03-02T00:00:00Z"
    assert client.get(f"{stream}/Observations({post.level}-1772323200000000)/result").json() == {"result": 1.5}
    assert client.get(f"{stream}/Observations({post.level}-1772323200000000)/result/$value").content == b"1.5"
    assert client.get(f"{stream}/Observations({post.level}-1772323200000000)/validTime").status_code == 204


def test_references_are_self_links_alone(client: Any, post: Post) -> None:
    many = client.get(f"/sta/v1.1/Things({post.thing})/Datastreams/$ref?$top=1").json()
    assert many["value"] == [{"@iot.selfLink": f"{ROOT}/Datastreams({post.level})"}]
    assert client.get(many["@iot.nextLink"]).json()["value"] == [{"@iot.selfLink": f"{ROOT}/Datastreams({post.rain})"}]
    one = client.get(f"/sta/v1.1/Datastreams({post.level})/Thing/$ref").json()
    assert one == {"@iot.selfLink": f"{ROOT}/Things({post.thing})"}
    assert client.get("/sta/v1.1/Things/$ref?$select=name").json()["parameter"] == "$select"


def test_nested_path_leads_through_related_entities_alone(client: Any, post: Post) -> None:
    other = make_datastream("other").pk
    path = f"/sta/v1.1/Things({post.thing})/Datastreams"
    assert client.get(f"{path}({post.level})/ObservedProperty/Datastreams({post.level})/Thing/name").status_code == 200
    assert client.get(f"{path}({other})").status_code == 404
    assert client.get(f"{path}({other})/Observations").status_code == 404
    assert (
        client.get(f"/sta/v1.1/Datastreams({post.rain})/Observations({post.level}-1772323200000000)").status_code == 404
    )


@pytest.mark.parametrize(
    "path",
    [
        "Things(999999)",
        "Things(999999)/name",
        "Things(999999)/Datastreams",
        "Things(999999)/Datastreams/$ref",
        "Things(x)",
        "Datastreams(999999)/Observations",
        "Datastreams(999999)/Thing",
        "Observations('1-1')",
        "Observations(1)",
        "FeaturesOfInterest(-999999)",
        "MultiDatastreams",
    ],
)
def test_what_is_not_there_is_not_found(client: Any, post: Post, path: str) -> None:
    answer = client.get(f"/sta/v1.1/{path}")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_nothing_of_an_exercise_is_shown(client: Any, post: Post) -> None:
    everything = {
        name: client.get(f"/sta/v1.1/{name}?$count=true").json()["@iot.count"]
        for name in ("Things", "Locations", "HistoricalLocations", "Datastreams", "Observations", "FeaturesOfInterest")
    }
    assert everything == {
        "Things": 1, "Locations": 2, "HistoricalLocations": 2, "Datastreams": 2, "Observations": 4, "FeaturesOfInterest": 2
    }  # fmt: skip
    Thing.objects.filter(pk=post.thing).update(is_exercise=True)
    for name in everything:
        assert client.get(f"/sta/v1.1/{name}?$count=true").json() == {"@iot.count": 0, "value": []}
    for path in (
        f"Things({post.thing})",
        f"Things({post.thing})/Datastreams",
        f"Datastreams({post.level})/Observations",
        f"Observations({post.level}-1772323200000000)",
        f"FeaturesOfInterest({post.place})/Observations",
    ):
        assert client.get(f"/sta/v1.1/{path}").status_code == 404
    levels = client.get("/sta/v1.1/ObservedProperties?$expand=Datastreams").json()["value"]
    assert [each["Datastreams"] for each in levels] == [[], []]


def test_a_simulated_thing_says_so(client: Any, post: Post) -> None:
    Thing.objects.filter(pk=post.thing).update(is_simulated=True)
    properties = client.get(f"/sta/v1.1/Things({post.thing})/properties").json()["properties"]
    assert properties == {"owner": "BBWS", "slug": "katulampa", "is_simulated": True}


def test_flags_of_quality_are_named(client: Any, post: Post) -> None:
    Observation.objects.filter(datastream_id=post.rain).update(quality=1 + 8)
    path = f"/sta/v1.1/Observations({post.rain}-1772325000500000)/resultQuality"
    assert client.get(path).json() == {"resultQuality": "implausible,spike"}


def test_an_empty_list_is_an_empty_array(client: Any) -> None:
    assert client.get("/sta/v1.1/Observations").json() == {"value": []}
    assert client.get("/sta/v1.1/Things?$count=true").json() == {"@iot.count": 0, "value": []}


def test_answers_are_open_to_pages_of_others_and_told_by_tag(client: Any, post: Post) -> None:
    path = f"/sta/v1.1/Things({post.thing})"
    answer = client.get(path)
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert client.get(path, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    head = client.head(path)
    assert (head.status_code, head["ETag"], head.content) == (200, answer["ETag"], b"")
