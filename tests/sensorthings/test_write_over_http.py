"""Writing over a real connection: by access token, a deep insert, and a batch with a change set."""

import json
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from geo.reports.access.tokens import create_token
from sensors.observations.models import Observation
from sensors.registry.models import Sensor, Thing
from tests.sensor_factories import make_datastream
from tests.sensorthings.writing import NOON, ONE, SENSOR, datastream, station, thing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def headers() -> dict[str, str]:
    user = User.objects.create_superuser("dewi")
    _token, text = create_token(user=user, name="uji", scopes=["read", "write"], now=timezone.now())
    return {"Authorization": f"Bearer {text}", "Content-Type": "application/json"}


def asked(live_server: Any, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[Any, bytes]:
    connection = HTTPConnection(urlsplit(live_server.url).netloc, timeout=60)
    try:
        connection.request(method, path, body if isinstance(body, str) else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def test_a_station_is_made_read_corrected_and_deleted_over_http(live_server: Any, headers: dict[str, str]) -> None:
    body = station({"phenomenonTime": NOON, "result": 1009.5}, {"phenomenonTime": ONE, "result": 1008})
    answer, _content = asked(live_server, "POST", "/sta/v1.1/Things", body, headers)
    assert answer.status == 201
    address = answer.headers["Location"]
    assert address == f"{live_server.url}/sta/v1.1/Things({Thing.objects.get().pk})"
    path = urlsplit(address).path + "/Datastreams?$expand=Observations($orderby=phenomenonTime%20desc;$top=1)"
    _answer, content = asked(live_server, "GET", path, "", {})
    (last,) = json.loads(content)["value"][0]["Observations"]
    observation = urlsplit(last["@iot.selfLink"]).path
    assert last["result"] == 1008.0
    assert asked(live_server, "PATCH", observation, {"result": 1007}, headers)[0].status == 200
    assert json.loads(asked(live_server, "GET", observation, "", {})[1])["result"] == 1007.0
    assert asked(live_server, "DELETE", observation, "", headers)[0].status == 200
    assert [each.result for each in Observation.objects.all()] == [1009.5]
    assert asked(live_server, "DELETE", urlsplit(address).path, "", headers)[0].status == 409


def test_a_batch_over_http_by_a_token_that_only_reads_is_refused(live_server: Any, headers: dict[str, str]) -> None:
    _token, text = create_token(user=User.objects.get(), name="r", scopes=["read"], now=timezone.now())
    body = {"requests": [{"id": "1", "method": "POST", "url": "Sensors", "body": SENSOR}]}
    reading = {**headers, "Authorization": f"Bearer {text}"}
    assert asked(live_server, "POST", "/sta/v1.1/$batch", body, reading)[0].status == 403
    answer, content = asked(live_server, "POST", "/sta/v1.1/$batch", body, headers)
    assert (answer.status, json.loads(content)["responses"][0]["status"]) == (200, 201)
    assert json.loads(content)["responses"][0]["headers"]["Location"].startswith(f"{live_server.url}/sta/v1.1/Sensors(")


def test_of_two_results_for_one_time_that_come_at_once_one_is_stored(live_server: Any, headers: dict[str, str]) -> None:
    path = f"/sta/v1.1/Datastreams({make_datastream().pk})/Observations"
    bodies = [{"phenomenonTime": NOON, "result": result} for result in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda body: asked(live_server, "POST", path, body, headers)[0].status, bodies))
    assert sorted(answers) == [201, 409, 409, 409, 409, 409]
    assert [each.result for each in Observation.objects.all()] == [answers.index(201)]


def test_things_of_one_name_that_come_at_once_are_all_made(live_server: Any, headers: dict[str, str]) -> None:
    bodies = [thing(Datastreams=[datastream()]) for _n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda body: asked(live_server, "POST", "/sta/v1.1/Things", body, headers)[0].status, bodies)
        )
    assert answers == [201, 201, 201, 201]
    slugs = sorted(Thing.objects.values_list("slug", flat=True))
    assert slugs == ["weather-station-7", "weather-station-7-2", "weather-station-7-3", "weather-station-7-4"]
    assert Sensor.objects.count() == 1
