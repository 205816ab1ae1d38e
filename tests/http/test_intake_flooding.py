"""A device that sends too much by HTTP is told to wait, and is named."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from sensors.ingest.floods.intake import _limits_of
from sensors.ingest.floods.models import DeviceLimit
from sensors.observations.models import Observation
from server.core import broker_credentials
from tests.sensor_factories import make_datastream

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _limit(settings: Any, tmp_path: Path) -> None:
    settings.BROKER_DIR = str(tmp_path)
    settings.MQTT_GATEWAY_URL = "mqtt://gerbang:rahasia-gerbang@127.0.0.1:1"
    # So slow that nothing comes back while a test runs: the next reading after 1,000 s.
    settings.DEVICE_RATE, settings.DEVICE_BURST = 0.001, 10
    _limits_of.cache_clear()
    broker_credentials.set_devices(tmp_path, {"pos-1": "kata-sandi-1", "pos-2": "kata-sandi-2"})
    make_datastream("pos-1", "pm25")
    make_datastream("pos-2", "pm25")


def send(count: int, *, thing: str = "pos-1", user: str = "", password: str = "", since: int = 0) -> HttpResponse:
    readings = [
        {"result": 1, "phenomenon_time": (START + timedelta(seconds=since + second)).isoformat()}
        for second in range(count)
    ]
    credential = f"{user or thing}:{password or thing.replace('pos-', 'kata-sandi-')}"
    authorization = "Basic " + base64.b64encode(credential.encode()).decode()
    headers = {"Authorization": authorization, "Accept-Language": "en"}
    body = json.dumps([reading | {"observed_property": "pm25"} for reading in readings])
    answer: HttpResponse = Client().post(
        f"/api/things/{thing}/observations/", body, content_type="application/json", headers=headers
    )
    return answer


def test_device_beyond_its_limit_is_told_when_to_come_again_and_is_named() -> None:
    assert send(9).status_code == 200
    # Begun within the limit, it is taken whole: three too many.
    assert send(4, since=100).status_code == 200
    refused = send(1, since=200)
    assert refused.status_code == 429
    # Three to be paid back and one to be sent, at one in a thousand seconds.
    assert 3_900 <= int(refused["Retry-After"]) <= 4_000
    assert "more than its limit" in refused.json()["detail"]
    assert Observation.objects.count() == 13
    limit = DeviceLimit.objects.get()
    assert (limit.thing, limit.refused, limit.flooding_since is not None) == ("pos-1", 1, True)


def test_another_device_and_the_gateway_are_not_slowed_by_it() -> None:
    send(20)
    assert send(1, since=100).status_code == 429
    assert send(1, thing="pos-2").status_code == 200
    assert send(1, since=100, user="gerbang", password="rahasia-gerbang").status_code == 200


def test_device_whose_limit_is_lifted_sends_on() -> None:
    send(20)
    DeviceLimit.objects.create(thing="pos-1", unlimited_until=datetime.now(UTC) + timedelta(hours=1))
    assert send(1, since=100).status_code == 200


def test_without_a_limit_nobody_waits(settings: Any) -> None:
    settings.DEVICE_RATE = 0
    assert send(50).status_code == 200
    assert send(50, since=100).status_code == 200
