"""Several requests in one: both forms, references between them, change sets, and what a stranger can do with it."""

import json
from typing import Any

import pytest
from django.test import Client

from sensors.observations.models import Observation
from sensors.registry.models import Datastream, Sensor, Thing
from tests.sensor_factories import make_datastream
from tests.sensorthings.writing import NOON, ONE, SENSOR, datastream, place, send, signed_in, thing

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor() -> Client:
    return signed_in()


def batch(client: Client, *requests: dict[str, Any], **headers: str) -> list[dict[str, Any]]:
    """The answers to a batch in JSON."""
    answer = send(client, "post", "$batch", {"requests": list(requests)}, **headers)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["responses"]
    return found


def post(id_: str, url: str, body: Any, **more: Any) -> dict[str, Any]:
    return {"id": id_, "method": "post", "url": url, "body": body, **more}


def statuses(answers: list[dict[str, Any]]) -> dict[str, int]:
    return {answer["id"]: answer["status"] for answer in answers}


def test_requests_are_done_in_order_and_answered_as_by_themselves(editor: Client) -> None:
    one, two = batch(
        editor, post("a", "Things", thing()), {"id": "b", "method": "get", "url": "Things?$select=name&$count=true"}
    )
    assert (one["status"], one["headers"]["Location"]) == (201, one["body"]["@iot.selfLink"])
    assert (two["status"], two["body"]) == (200, {"@iot.count": 1, "value": [{"name": "Weather Station 7"}]})


def test_what_a_request_made_is_referred_to_by_its_id(editor: Client) -> None:
    answers = batch(
        editor,
        post("thing", "Things", thing()),
        post("sensor", "/sta/v1.1/Sensors", SENSOR),
        post("stream", "$thing/Datastreams", datastream(Sensor={"@iot.id": "$sensor"})),
        post("one", "$stream/Observations", {
            "phenomenonTime": NOON, "result": 1}),
        {"id": "two", "method": "patch", "url": "$one", "body": {"result": 2}},
        {"id": "gone", "method": "delete", "url": "$one"},
    )  # fmt: skip
    assert statuses(answers) == {"thing": 201, "sensor": 201, "stream": 201, "one": 201, "two": 200, "gone": 200}
    stream = Datastream.objects.get()
    assert (stream.thing, stream.sensor) == (Thing.objects.get(), Sensor.objects.get())
    assert not Observation.objects.exists()


def test_the_first_failure_ends_a_batch_unless_it_is_to_go_on(editor: Client) -> None:
    requests = [post("1", "Things", thing()), post("2", "Things", {"name": "half"}), post("3", "Things", thing())]
    assert statuses(batch(editor, *requests)) == {"1": 201, "2": 400}
    assert statuses(batch(editor, *requests, Prefer="continue-on-error")) == {"1": 201, "2": 400, "3": 201}
    assert Thing.objects.count() == 3


def test_a_group_is_done_all_or_not_at_all(editor: Client) -> None:
    stream = make_datastream("ws-7")
    requests = [
        post("1", "Things", thing(), atomicityGroup="g"),
        post("2", f"Datastreams({stream.pk})/Observations", {"phenomenonTime": NOON, "result": 1}, atomicityGroup="g"),
        post("3", "$1/Locations", place(location={"type": "Point", "coordinates": [999, 0]}), atomicityGroup="g"),
        post("4", "Sensors", SENSOR, atomicityGroup="g"),
    ]
    assert statuses(batch(editor, *requests)) == {"1": 424, "2": 424, "3": 400, "4": 424}
    assert (Thing.objects.count(), Observation.objects.count(), Sensor.objects.count()) == (1, 0, 0)
    requests[2]["body"] = place()
    assert statuses(batch(editor, *requests)) == {"1": 201, "2": 201, "3": 201, "4": 201}
    assert (Thing.objects.count(), Observation.objects.count(), Sensor.objects.count()) == (2, 1, 1)


def test_what_a_failed_group_made_is_referred_to_by_nobody(editor: Client) -> None:
    answers = batch(
        editor,
        post("1", "Things", thing(), atomicityGroup="g"),
        post("2", "Things", {}, atomicityGroup="g"),
        post("3", "$1/Datastreams", datastream()),
        Prefer="odata.continue-on-error=true",
    )
    assert statuses(answers) == {"1": 424, "2": 400, "3": 404}


def test_data_arrays_go_in_a_batch(editor: Client) -> None:
    body = [{"Datastream": {"@iot.id": make_datastream().pk}, "components": ["phenomenonTime", "result"],
             "dataArray": [[NOON, 1], [ONE, 2]]}]  # fmt: skip
    (answer,) = batch(editor, post("1", "CreateObservations", body))
    assert (answer["status"], Observation.objects.count()) == (201, 2)


# Who may


def test_anybody_reads_in_a_batch_and_nobody_in_particular_writes() -> None:
    make_datastream("ws-7")
    answers = batch(Client(), {"id": "1", "method": "GET", "url": "Things"}, post("2", "Things", thing()))
    assert statuses(answers) == {"1": 200, "2": 401}
    assert answers[1]["headers"]["WWW-Authenticate"].startswith("Bearer")


def test_a_batch_gives_no_more_rights_than_its_sender_has() -> None:
    answers = batch(signed_in("add_thing"), post("1", "Things", thing()), post("2", "Sensors", SENSOR))
    assert statuses(answers) == {"1": 201, "2": 403}


def test_a_page_of_another_site_sends_no_batch_by_a_browsers_session() -> None:
    client = signed_in(client=Client(enforce_csrf_checks=True))
    answer = send(client, "post", "$batch", {"requests": [post("1", "Things", thing())]})
    assert (answer.status_code, Thing.objects.count()) == (403, 0)


@pytest.mark.parametrize(
    "url", ["/api/things/", "/admin/", "../../api/things/", "http://elsewhere.example/sta/v1.1/Things", "$batch", "",
            "/sta/v1.1/../../admin/", "%2e%2e/%2e%2e/admin/", "$99", "//elsewhere.example/sta/v1.1/Things"],
)  # fmt: skip
def test_a_batch_reaches_nothing_but_this_service(editor: Client, url: str) -> None:
    request = {"id": "1", "method": "GET", "url": url or "?"}
    (answer,) = batch(editor, request)
    if url:
        assert answer["status"] == 404, answer
    else:
        assert answer["body"]["serverSettings"]


def test_a_part_cannot_say_that_it_comes_from_somebody_else() -> None:
    headers = {"Authorization": "Bearer x", "Cookie": "sessionid=x", "X-Forwarded-For": "10.0.0.1", "Host": "evil"}
    (answer,) = batch(Client(), {"id": "1", "method": "GET", "url": "Things", "headers": headers})
    assert answer["status"] == 200


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        "{}",
        '{"requests": []}',
        '{"requests": [7]}',
        '{"requests": [{"id": "1", "method": "GET"}]}',
        '{"requests": [{"id": 1, "method": "GET", "url": "Things"}]}',
        '{"requests": [{"id": "1", "method": "GET", "url": "Things", "more": 1}]}',
        '{"requests": [{"id": "1", "method": "GET", "url": "Things", "headers": []}]}',
        '{"requests": [{"id": "1", "method": "GET", "url": "a"}, {"id": "1", "method": "GET", "url": "b"}]}',
        json.dumps({"requests": [{"id": str(n), "method": "GET", "url": "Things"} for n in range(1001)]}),
        json.dumps({"requests": [{"id": str(n), "method": "GET", "url": "a", "atomicityGroup": g} for n, g in
                                 enumerate("aba")]}),
    ],
)  # fmt: skip
def test_a_batch_that_cannot_be_read_is_a_400(editor: Client, body: str) -> None:
    answer = editor.post("/sta/v1.1/$batch", body, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


# multipart/mixed

MULTIPART = "\r\n".join(
    [
        "--batch_1",
        "Content-Type: application/http",
        "",
        "GET /sta/v1.1/Things?$count=true&$top=0 HTTP/1.1",
        "Host: testserver",
        "",
        "",
        "--batch_1",
        "Content-Type: multipart/mixed; boundary=changeset_1",
        "",
        "--changeset_1",
        "Content-Type: application/http",
        "Content-ID: 1",
        "",
        "POST Things HTTP/1.1",
        "Content-Type: application/json",
        "",
        json.dumps(thing(name="Pos Météo")),
        "--changeset_1",
        "Content-Type: application/http",
        "Content-ID: 2",
        "",
        "POST $1/Datastreams HTTP/1.1",
        "Content-Type: application/json",
        "",
        "@BODY@",
        "--changeset_1--",
        "--batch_1--",
        "",
    ]
)


def multipart(client: Client, text: str, content_type: str = "multipart/mixed; boundary=batch_1") -> Any:
    return client.post("/sta/v1.1/$batch", text.encode(), content_type=content_type)


def test_a_multipart_batch_with_a_change_set(editor: Client) -> None:
    answer = multipart(editor, MULTIPART.replace("@BODY@", json.dumps(datastream())))
    assert (answer.status_code, answer["Content-Type"].startswith("multipart/mixed; boundary=batch_")) == (200, True)
    text = answer.content.decode()
    lines = [line for line in text.splitlines() if line.startswith(("HTTP/1.1", "Content-ID", "Location"))]
    made = Thing.objects.get()
    assert lines == [
        "HTTP/1.1 200 OK",
        "Content-ID: 1",
        "HTTP/1.1 201 Created",
        f"Location: http://testserver/sta/v1.1/Things({made.pk})",
        "Content-ID: 2",
        "HTTP/1.1 201 Created",
        f"Location: http://testserver/sta/v1.1/Datastreams({Datastream.objects.get().pk})",
    ]
    assert (made.name, text.count('"@iot.count":0')) == ("Pos Météo", 1)


def test_a_change_set_that_fails_is_answered_once_and_leaves_nothing(editor: Client) -> None:
    answer = multipart(editor, MULTIPART.replace("@BODY@", '{"name": "half"}'))
    lines = [line for line in answer.content.decode().splitlines() if line.startswith(("HTTP/1.1", "Content-ID"))]
    assert lines == ["HTTP/1.1 200 OK", "Content-ID: 2", "HTTP/1.1 400 Bad Request"]
    assert not Thing.objects.exists()


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        ("nothing", "multipart/mixed; boundary=batch_1"),
        (MULTIPART, "multipart/mixed"),
        (MULTIPART, "multipart/mixed; boundary=another"),
        ("--b\r\nContent-Type: text/plain\r\n\r\nGET Things HTTP/1.1\r\n\r\n--b--", "multipart/mixed; boundary=b"),
        ("--b\r\nContent-Type: application/http\r\n\r\nhello\r\n\r\n--b--", "multipart/mixed; boundary=b"),
        ("--b\r\nContent-Type: application/http\r\n\r\n\r\n--b--", "multipart/mixed; boundary=b"),
        (
            "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\n\r\n"
            "GET Things HTTP/1.1\r\n\r\n--c--\r\n--b--",
            "multipart/mixed; boundary=b",
        ),
    ],
)
def test_a_multipart_batch_that_cannot_be_read_is_a_400(editor: Client, text: str, content_type: str) -> None:
    assert multipart(editor, text, content_type).status_code == 400


def test_a_batch_of_another_type_is_a_415(editor: Client) -> None:
    assert multipart(editor, "a=1", "application/x-www-form-urlencoded").status_code == 415
