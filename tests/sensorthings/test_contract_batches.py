"""Batches (OGC 18-088, clause 11), data arrays (12) and observations by MQTT (14), for real."""

import json
import os
from typing import Any

import pytest
from django.conf import settings

from sensors.ingest.broker_url import parse_broker_url
from sensors.ingest.models import TopicRule
from sensors.ingest.publisher import Publisher
from sensors.models import Thing
from sensors.observations.models import Observation
from tests.ingest.conftest import make_worker, options_for, running
from tests.sensorthings.contract import ROOT, Answer, Service, counts, link, meets
from tests.sensorthings.writing import NOON, ONE, datastream, place, thing
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db


# Batches


def part(request: str, body: Any = None, **headers: str) -> str:
    """A request inside a multipart/mixed body."""
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    inner = ["Content-Type: application/json", "", json.dumps(body)] if body is not None else ["", ""]
    head = [f"{name}: {value}" for name, value in {"Content-Type": "application/http", **said}.items()]
    return "\r\n".join(
        [*head, "Content-Transfer-Encoding: binary", "", f"{request} HTTP/1.1", "Host: localhost", *inner]
    )


def multipart(boundary: str, *parts: str) -> str:
    return "".join(f"--{boundary}\r\n{each}\r\n" for each in parts) + f"--{boundary}--\r\n"


def change_set(*parts: str) -> str:
    return f"Content-Type: multipart/mixed; boundary=changes\r\n\r\n{multipart('changes', *parts)}"


def send_batch(editor: Service, *parts: str) -> Answer:
    answer = editor.ask(
        "POST", "$batch", multipart("batch_1", *parts).encode(), Content_Type="multipart/mixed;boundary=batch_1"
    )
    assert (answer.status, answer.headers["Content-Type"][:15]) == (200, "multipart/mixed")
    return answer


def statuses(answer: Answer) -> list[str]:
    return [line[9:12] for line in answer.body.decode().splitlines() if line.startswith("HTTP/1.1 ")]


@meets("batch-request/batch-request")
@pytest.mark.parametrize("prefix", ["", f"{ROOT}/", "http"])
def test_requests_of_a_batch_are_named_in_all_three_ways(editor: Service, owner: dict[str, Any], prefix: str) -> None:
    """OData 4.0, 11.7.2: relative to the batch, from the host on, or as a whole URL."""
    base = f"{editor.root}/" if prefix == "http" else prefix
    answer = send_batch(
        editor, part(f"GET {base}Things({owner['@iot.id']})?$select=name"), part(f"GET {base}Things(0)")
    )
    assert statuses(answer) == ["200", "404"]
    assert b'{"name":"Weather Station 7"}' in answer.body.replace(b'": "', b'":"')


@meets("batch-request/batch-request")
def test_a_change_set_is_done_whole_and_refers_to_what_it_made(editor: Service, owner: dict[str, Any]) -> None:
    path = f"Things({owner['@iot.id']})"
    answer = send_batch(
        editor,
        change_set(
            part("POST Things", thing(name="Of a batch"), Content_ID="1"),
            part("POST $1/Datastreams", datastream(), Content_ID="2"),
            part(f"PATCH {path}", {"name": "Patched"}, Content_ID="3"),
        ),
        part(f"GET {path}/name"),
    )
    assert statuses(answer) == ["201", "201", "200", "200"]
    assert b'"Patched"' in answer.body
    (made,) = editor.get("Things", filter="name eq 'Of a batch'", expand="Datastreams")["value"]
    assert [each["name"] for each in made["Datastreams"]] == ["Pressure on the roof"]


@meets("batch-request/batch-request")
def test_a_change_set_with_a_fault_leaves_nothing(editor: Service) -> None:
    before = counts(editor)
    answer = send_batch(
        editor,
        change_set(
            part("POST Things", thing(), Content_ID="1"),
            part("POST $1/Datastreams", {"name": "half"}, Content_ID="2"),
        ),
    )
    assert statuses(answer) == ["400"]
    assert counts(editor) == before


@meets("batch-request/batch-request")
def test_a_batch_in_json(editor: Service) -> None:
    """OData 4.01 JSON format, 19."""
    requests = [
        {"id": "a", "atomicityGroup": "g", "method": "post", "url": "Things", "body": thing(name="Of JSON")},
        {"id": "b", "atomicityGroup": "g", "method": "post", "url": "$a/Locations", "body": place()},
        {"id": "c", "method": "get", "url": "Things?$filter=name eq 'Of JSON'&$expand=Locations"},
    ]
    answer = editor.ask("POST", "$batch", {"requests": requests})
    assert answer.status == 200
    responses = answer.json["responses"]
    assert {each["id"]: each["status"] for each in responses} == {"a": 201, "b": 201, "c": 200}
    (made,) = responses[2]["body"]["value"]
    assert made["Locations"][0]["location"]["coordinates"] == [106.99, -6.23]


# Data arrays


def array(stream: dict[str, Any], *rows: list[Any]) -> dict[str, Any]:
    return {
        "Datastream": link(stream),
        "components": ["phenomenonTime", "result"],
        "dataArray@iot.count": len(rows),
        "dataArray": list(rows),
    }


@meets("data-array/data-array")
def test_a_data_array_makes_an_observation_of_each_row_and_says_where(editor: Service, stream: dict[str, Any]) -> None:
    other = editor.make("Datastreams", datastream(Thing=link(editor.make("Things", thing()))))
    rows = [array(stream, [NOON, 1], [ONE, "high"], [ONE, 2]), array(other, [NOON, 3])]
    answer = editor.ask("POST", "CreateObservations", rows)
    assert answer.status == 201
    first, error, second, third = answer.json
    assert error == "error"
    assert [editor.get(each)["result"] for each in (first, second, third)] == [1, 2, 3]
    for each, of in ((second, stream), (third, other)):
        assert editor.get(editor.get(each)["Datastream@iot.navigationLink"])["@iot.id"] == of["@iot.id"]


# MQTT


@pytest.fixture(scope="module")
def _topic_rule(committed: None) -> None:
    TopicRule.objects.create(pattern="v1.1/Datastreams({datastream})/Observations", format="sensorthings")


@pytest.mark.usefixtures("_topic_rule")
def test_an_observation_published_to_its_datastreams_topic_is_made(
    editor: Service, owner: dict[str, Any], stream: dict[str, Any]
) -> None:
    """req/create-observations-via-mqtt/observations-creation; it takes a topic rule of the operator, so the service does not
    claim it."""
    path = f"Datastreams({stream['@iot.id']})/Observations"
    broker = parse_broker_url(settings.MQTT_URL or os.environ["MQTT_URL"])
    worker = make_worker(broker, options_for(Thing.objects.get(pk=owner["@iot.id"]).slug))
    with running(worker), Publisher(parse_broker_url(settings.MQTT_GATEWAY_URL)) as gateway:
        gateway.publish(f"v1.1/{path}", json.dumps({"phenomenonTime": NOON, "result": 1009.5}))
        wait_for(lambda: Observation.objects.filter(datastream_id=stream["@iot.id"]).exists(), "the observation")
    (made,) = editor.get(path)["value"]
    assert (made["phenomenonTime"], made["result"]) == (NOON, 1009.5)
