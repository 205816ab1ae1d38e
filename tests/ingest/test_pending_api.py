"""`/api/pending-things/`: who sees unknown devices, and what approving, rejecting and reopening one answers."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from sensors.ingest.models import RejectedMessage, TopicRule
from sensors.ingest.pending.models import PendingThing
from sensors.ingest.store import Store
from sensors.observations.models import Observation
from sensors.registry.models import Thing
from server.core import broker_credentials
from tests.sensor_factories import NOON, make_datastream, make_property, message

pytestmark = pytest.mark.django_db

PENDING = "/api/pending-things/"
AT = "2026-03-01T05:00:00Z"


@pytest.fixture(autouse=True)
def broker_dir(settings: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "broker"
    folder.mkdir(mode=0o700)
    settings.BROKER_DIR = str(folder)
    settings.AUTO_PROVISION = "pending"
    return folder


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("kepala", password="kuda-lumping-77"))
    return client


def publish(topic: str, payload: str) -> None:
    store = Store()
    store.refresh()
    store.store([message(topic, payload)])


def post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(f"{PENDING}{path}/", json.dumps(body or {}), "application/json")


def test_pending_devices_are_listed_with_what_they_send_and_how_it_is_read(staff: Client) -> None:
    publish("sensors/pos-9/rain", json.dumps({"result": 0.4, "unit": "mm", "phenomenon_time": AT}))
    TopicRule.objects.create(pattern="zigbee/{device}", format="zigbee2mqtt")
    publish("zigbee/ruang-server", json.dumps({"temperature": 31, "last_seen": AT}))
    answer = staff.get(PENDING)
    assert "private" in answer["Cache-Control"]
    native, zigbee = answer.json()["results"]
    assert native == {
        "slug": "pos-9",
        "state": "pending",
        "first_seen": "2026-03-01T05:00:00Z",
        "last_seen": "2026-03-01T05:00:00Z",
        "messages": 1,
        "topic": "sensors/pos-9/rain",
        "format": "native",
        "topic_rule": None,
        "seen": [{"name": "rain", "result": 0.4, "unit": "mm", "time": "2026-03-01T05:00:00+00:00"}],
    }
    assert (zigbee["slug"], zigbee["format"], zigbee["topic_rule"]) == (
        "ruang-server",
        "zigbee2mqtt",
        "zigbee/{device}",
    )


def test_list_says_whether_devices_are_noted_at_all(staff: Client, settings: Any) -> None:
    assert staff.get(PENDING).json() == {"auto_provision": "pending", "next": None, "results": []}
    settings.AUTO_PROVISION = "off"
    assert staff.get(PENDING).json()["auto_provision"] == "off"


def test_pages_join_without_a_gap_and_ask_no_more_for_more_rows(
    staff: Client, django_assert_max_num_queries: Any
) -> None:
    PendingThing.objects.bulk_create(
        PendingThing(slug=f"pos-{n}", topic="t", first_seen=NOON, last_seen=NOON) for n in range(7)
    )
    seen, url = [], f"{PENDING}?limit=3"
    while url:
        # The session, the user, the devices, the rules.
        with django_assert_max_num_queries(4):
            page = staff.get(url).json()
        seen += [row["slug"] for row in page["results"]]
        url = page["next"]
    assert seen == [f"pos-{n}" for n in range(7)]


def test_token_of_the_pending_is_no_position_among_the_rejected(staff: Client) -> None:
    PendingThing.objects.bulk_create(
        PendingThing(slug=f"pos-{n}", topic="t", first_seen=NOON, last_seen=NOON) for n in range(2)
    )
    url = staff.get(f"{PENDING}?limit=1").json()["next"]
    assert staff.get(f"{url}&state=rejected").json()["parameter"] == "next"
    assert staff.get(f"{PENDING}?state=lost").json()["parameter"] == "state"


def test_approval_answers_with_the_thing_what_was_stored_and_the_password(staff: Client, broker_dir: Path) -> None:
    make_property("air_temperature")
    make_datastream("pos-1", "rain", unit_ucum="mm")
    publish("sensors/pos-9", json.dumps({"phenomenon_time": AT, "results": {"rain": 0.4, "temp": 31, "batt": 3.3}}))
    body = {
        "name": "Pos 9",
        "location": {"type": "Point", "coordinates": [106.9, -6.3]},
        "observed_properties": {"temp": {"observed_property": "air_temperature", "unit_ucum": "Cel"}},
    }
    answer = post(staff, "pos-9/approve", body)
    assert answer.status_code == 200
    approved = answer.json()
    assert (approved["thing"]["name"], approved["thing"]["location"]) == ("Pos 9", body["location"])
    assert approved["datastreams"] == {"rain": "rain", "temp": "air_temperature"}
    assert approved["left"] == {"batt": "there is no observed property 'batt'"}
    assert approved["replayed"] == {"stored": 2, "repeated": 0, "ignored": 0, "quarantined": 1, "waiting": 0}
    assert approved["broker"]["password"] == broker_credentials.devices(broker_dir)["pos-9"]
    assert sorted(row.result for row in Observation.objects.all()) == [0.4, 31.0]
    assert post(staff, "pos-9/approve").status_code == 404


def test_approval_without_a_word_takes_what_was_seen(staff: Client) -> None:
    make_property("rain")
    publish("sensors/pos-9/rain", json.dumps({"result": 0.4, "unit": "mm", "phenomenon_time": AT}))
    answer = staff.generic("POST", f"{PENDING}pos-9/approve/")
    assert (answer.status_code, answer.json()["replayed"]["stored"]) == (200, 1)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"observed_properties": {"wind": None}}, "wind"),
        ({"observed_properties": {"rain": {"observed_property": "nothing"}}}, "rain"),
        ({"observed_properties": {"rain": {"unit_ucum": "drops"}}}, "observed_properties"),
        ({"observed_properties": {"rain": {"unit": "mm"}}}, "observed_properties"),
        ({"observed_properties": {"rain": 5}}, "observed_properties"),
        ({"observed_properties": ["rain"]}, "observed_properties"),
        ({"location": [1, 2]}, "location"),
        ({"nama": "Pos"}, "nama"),
    ],
)
def test_approval_that_cannot_be_is_refused_and_nothing_is_registered(
    staff: Client, body: dict[str, Any], named: str
) -> None:
    make_property("rain")
    publish("sensors/pos-9/rain", '{"result": 0.4, "unit": "mm"}')
    answer = post(staff, "pos-9/approve", body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [named])
    assert (Thing.objects.count(), PendingThing.objects.count()) == (0, 1)


def test_rejected_device_is_listed_apart_until_it_is_reopened(staff: Client) -> None:
    publish("sensors/pos-9/rain", "1")
    assert post(staff, "pos-9/reject").status_code == 204
    publish("sensors/pos-9/rain", "2")
    assert staff.get(PENDING).json()["results"] == []
    assert [row["slug"] for row in staff.get(f"{PENDING}?state=rejected").json()["results"]] == ["pos-9"]
    assert RejectedMessage.objects.count() == 2
    assert post(staff, "pos-9/reopen").status_code == 204
    assert [row["slug"] for row in staff.get(PENDING).json()["results"]] == ["pos-9"]
    for step in ("reject", "reopen"):
        assert post(staff, f"pos-8/{step}").status_code == 404


def test_strangers_see_and_approve_nothing(client: Client) -> None:
    publish("sensors/pos-9/rain", "1")
    asked = [client.get(PENDING), *(post(client, f"pos-9/{step}") for step in ("approve", "reject", "reopen"))]
    assert [answer.status_code for answer in asked] == [401] * 4
    user = User.objects.create_user("tamu", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="change_pendingthing"))
    client.force_login(user)
    # Approving registers a thing, and lists are for those who may see them.
    assert [client.get(PENDING).status_code, post(client, "pos-9/approve").status_code] == [403, 403]
    assert post(client, "pos-9/reject").status_code == 204
