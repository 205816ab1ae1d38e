"""Readings by HTTP: who may send them, in which forms, and what becomes of each."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cbor2
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from geo.reports.access.tokens import create_token
from sensors.ingest.broker_url import parse_broker_url
from sensors.ingest.models import IngestStatus, RejectedMessage, TopicRule
from sensors.ingest.reasons import Reason
from sensors.ingest.replay import open_rejects, replay_rejects
from sensors.observations.models import Observation
from server.core import broker_credentials
from tests.sensor_factories import make_datastream

pytestmark = pytest.mark.django_db

URL = "/api/observations/"
T = "2026-03-01T05:00:00Z"
READING = {"thing": "pos-1", "observed_property": "pm25", "result": 35.5, "phenomenon_time": T}
NOTHING = {"received": 0, "stored": 0, "repeated": 0, "quarantined": []}


@pytest.fixture(autouse=True)
def _broker(settings: Any, tmp_path: Path) -> None:
    """A broker's folder with two devices, and a gateway."""
    settings.BROKER_DIR = str(tmp_path)
    settings.MQTT_GATEWAY_URL = "mqtt://gerbang:rahasia-gerbang@127.0.0.1:1"
    broker_credentials.set_devices(tmp_path, {"pos-1": "kata-sandi-1", "pos-2": "kata-sandi-2"})
    make_datastream("pos-1", "pm25")
    make_datastream("pos-1", "rain", unit_ucum="mm")
    make_datastream("pos-2", "pm25")


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


GATEWAY = basic("gerbang", "rahasia-gerbang")
DEVICE = basic("pos-1", "kata-sandi-1")


def person(*, is_superuser: bool = True, scopes: tuple[str, ...] = ("write",)) -> dict[str, str]:
    user = User.objects.create_user("sari", is_superuser=is_superuser, is_staff=True)
    return {"Authorization": f"Bearer {create_token(user=user, name='uji', scopes=scopes, now=timezone.now())[1]}"}


def send(
    body: Any, who: dict[str, str] = DEVICE, *, url: str = URL, kind: str = "application/json", status: int = 200
) -> Any:
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    answer = Client().post(url, content, content_type=kind, headers=who)
    assert answer.status_code == status, answer.content
    return answer.json()


def stored() -> list[tuple[str, str, float]]:
    rows = Observation.objects.select_related("datastream__thing", "datastream__observed_property")
    return sorted((row.datastream.thing.slug, row.datastream.observed_property.code, row.result) for row in rows)


def counts() -> tuple[int, int, int, int]:
    row = IngestStatus.objects.get(source="http")
    return row.received, row.stored, row.repeated, row.quarantined


# Forms


def test_one_reading_is_stored_at_its_time_and_counted() -> None:
    assert send(READING) == {"received": 1, "stored": 1, "repeated": 0, "quarantined": []}
    assert stored() == [("pos-1", "pm25", 35.5)]
    assert Observation.objects.get().phenomenon_time == datetime(2026, 3, 1, 5, tzinfo=UTC)
    assert counts() == (1, 1, 0, 0)


def test_the_same_reading_again_is_a_repeat_and_another_result_a_conflict() -> None:
    send(READING)
    assert send(READING) == {"received": 1, "stored": 0, "repeated": 1, "quarantined": []}
    answer = send({**READING, "result": 36.0}, status=202)
    assert [each["reason"] for each in answer["quarantined"]] == ["conflict"]
    assert stored() == [("pos-1", "pm25", 35.5)]
    assert counts() == (3, 1, 1, 1)


def test_object_of_several_properties_is_a_reading_of_each() -> None:
    body = {"thing": "pos-1", "phenomenon_time": T, "results": {"pm25": 35.5, "rain": 0.2}}
    assert send(body)["stored"] == 2
    assert stored() == [("pos-1", "pm25", 35.5), ("pos-1", "rain", 0.2)]


def test_array_of_several_things_is_taken_from_the_gateway() -> None:
    assert send([READING, {**READING, "thing": "pos-2", "result": 12}], GATEWAY)["stored"] == 2
    assert stored() == [("pos-1", "pm25", 35.5), ("pos-2", "pm25", 12.0)]


def test_device_need_not_say_who_it_is() -> None:
    assert send({"observed_property": "pm25", "result": 4, "phenomenon_time": T})["stored"] == 1
    assert stored() == [("pos-1", "pm25", 4.0)]


def test_address_names_the_thing() -> None:
    body = {"phenomenon_time": T, "results": {"pm25": 7}}
    assert send(body, GATEWAY, url="/api/things/pos-2/observations/")["stored"] == 1
    assert stored() == [("pos-2", "pm25", 7.0)]


def test_reading_without_a_time_is_of_its_arrival() -> None:
    before = timezone.now()
    send({"observed_property": "pm25", "result": 4})
    row = Observation.objects.get()
    assert before <= row.phenomenon_time <= timezone.now()


def test_unit_that_the_reading_names_is_converted() -> None:
    assert send({"observed_property": "rain", "result": 1.5, "unit": "cm", "phenomenon_time": T})["stored"] == 1
    assert stored() == [("pos-1", "rain", 15.0)]


def test_senml_in_json_is_read() -> None:
    pack = [{"bt": 1772341200, "n": "pm25", "v": 35.5}, {"n": "rain", "u": "cm", "v": 0.5}]
    assert send(pack, kind="application/senml+json")["stored"] == 2
    assert stored() == [("pos-1", "pm25", 35.5), ("pos-1", "rain", 5.0)]


def test_senml_in_cbor_is_read() -> None:
    pack = cbor2.dumps([{-3: 1772341200, 0: "pm25", 2: 35.5}])
    assert send(pack, kind="application/senml+cbor")["stored"] == 1
    assert stored() == [("pos-1", "pm25", 35.5)]


def test_csv_is_read() -> None:
    lines = f"time;pm25;rain\n{T};35,5;0,2\n"
    assert send(lines, kind="text/csv; charset=utf-8")["stored"] == 2
    assert stored() == [("pos-1", "pm25", 35.5), ("pos-1", "rain", 0.2)]


def test_meanings_of_the_topic_rule_hold_for_what_comes_by_http() -> None:
    TopicRule.objects.create(pattern="sensors/{device}/csv", format="csv", meanings={"PM": "pm25"})
    assert send(f"time,PM\n{T},35.5\n", kind="text/csv")["stored"] == 1
    assert stored() == [("pos-1", "pm25", 35.5)]


def test_csv_of_a_thing_that_only_the_query_names() -> None:
    lines = f"time,pm25\n{T},9\n"
    assert send(lines, GATEWAY, url=f"{URL}?thing=pos-2", kind="text/csv")["stored"] == 1
    assert stored() == [("pos-2", "pm25", 9.0)]


# What cannot be stored


def test_one_bad_reading_is_quarantined_alone_and_says_why() -> None:
    answer = send([READING, {**READING, "result": "rusak"}, {**READING, "observed_property": "ozon"}], status=202)
    assert (answer["received"], answer["stored"]) == (3, 1)
    assert answer["quarantined"] == [
        {"reason": "not_a_number", "detail": "a result is a number, not a text"},
        {"reason": "unknown_datastream", "detail": "pos-1 measures no 'ozon'"},
    ]
    assert RejectedMessage.objects.count() == 2


def test_body_that_is_no_json_is_kept_whole_where_its_thing_is_known() -> None:
    answer = send('{"result": 35.5', status=202)
    assert [each["reason"] for each in answer["quarantined"]] == ["bad_json"]
    assert bytes(RejectedMessage.objects.get().payload) == b'{"result": 35.5'


def test_body_that_is_no_json_and_of_no_thing_is_a_400() -> None:
    assert send('{"result": 35.5', GATEWAY, status=400)["parameter"] == "body"
    assert not RejectedMessage.objects.exists()


def test_csv_of_no_thing_is_a_400_that_says_how_to_name_it() -> None:
    answer = send(f"time,pm25\n{T},9\n", GATEWAY, kind="text/csv", status=400)
    assert (answer["parameter"], "?thing=" in answer["detail"]) == ("thing", True)


@pytest.mark.parametrize("body", ["", "  \n"])
def test_empty_body_is_a_400(body: str) -> None:
    assert send(body, status=400)["detail"] == "the body is empty; a reading is expected"


def test_reading_that_names_no_thing_is_quarantined_and_no_replay_gives_it_to_anybody() -> None:
    answer = send([{"results": {"pm25": 1}}, READING], GATEWAY, status=202)
    assert (answer["stored"], answer["quarantined"]) == (1, [{"reason": "bad_payload", "detail": "names no thing"}])
    assert replay_rejects(open_rejects()).quarantined == 1


def test_reading_of_another_thing_is_quarantined_and_no_replay_gives_it_to_anybody() -> None:
    other = {"thing": "pos-2", "phenomenon_time": T, "results": {"pm25": 1}}
    answer = send([other, READING], status=202)
    assert (answer["stored"], [each["reason"] for each in answer["quarantined"]]) == (1, ["foreign_identity"])
    assert replay_rejects(open_rejects()).stored == 0
    assert stored() == [("pos-1", "pm25", 35.5)]


def test_what_an_unknown_thing_sent_is_stored_once_it_is_registered() -> None:
    send({**READING, "thing": "pos-9"}, GATEWAY, status=202)
    assert RejectedMessage.objects.get().reason == Reason.UNKNOWN_THING
    make_datastream("pos-9", "pm25")
    assert replay_rejects(open_rejects()).stored == 1


def test_senml_that_was_quarantined_is_fed_again_by_the_topic_rule() -> None:
    TopicRule.objects.create(pattern="sensors/{device}/senml", format="senml")
    send([{"bt": 1772341200, "n": "ozon", "v": 3}], kind="application/senml+json", status=202)
    make_datastream("pos-1", "ozon")
    assert replay_rejects(open_rejects()).stored == 1


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "application/xml", "multipart/form-data"])
def test_other_content_types_are_a_415_that_names_those_that_are_read(kind: str) -> None:
    assert "application/senml+cbor" in send("a=b", kind=kind, status=415)["detail"]


def test_body_of_more_than_a_mebibyte_is_a_413() -> None:
    assert send("[" + " " * 1_048_576 + "]", status=413)["status"] == 413


def test_array_in_an_array_a_doubled_key_and_a_bare_number_are_each_quarantined() -> None:
    answer = send('[[1], {"result": 1, "result": 2}, 5]', status=202)
    assert [each["reason"] for each in answer["quarantined"]] == ["bad_payload"] * 3


def test_thing_and_property_of_another_kind_than_text_are_quarantined() -> None:
    answer = send([{**READING, "thing": 5}, {**READING, "observed_property": ["pm25"]}], GATEWAY, status=202)
    assert [each["reason"] for each in answer["quarantined"]] == ["bad_payload"] * 2


def test_nul_and_half_a_surrogate_pair_in_names_are_quarantined() -> None:
    body = '[{"thing": "a\\u0000", "result": 1}, {"thing": "\\ud800", "observed_property": "\\ud800", "result": 1}]'
    assert len(send(body, GATEWAY, status=202)["quarantined"]) == 2


# Who


@pytest.mark.parametrize(
    "who",
    [{}, basic("pos-1", "salah"), basic("pos-1", "kata-sandi-2"), basic("gerbang", ""), {"Authorization": "Basic x"}],
)
def test_without_the_right_credential_it_is_a_401_with_a_challenge(who: dict[str, str]) -> None:
    answer = Client().post(URL, json.dumps(READING), content_type="application/json", headers=who)
    assert answer.status_code == 401
    assert "Basic" in answer["WWW-Authenticate"] or "Bearer" in answer["WWW-Authenticate"]
    assert not Observation.objects.exists()


def test_device_may_not_write_under_another_ones_address() -> None:
    send({"results": {"pm25": 1}}, url="/api/things/pos-2/observations/", status=403)
    send(READING, url=f"{URL}?thing=pos-2", status=403)
    assert not RejectedMessage.objects.exists()


def test_page_of_another_site_does_not_write_by_a_browser_s_basic() -> None:
    send(READING, {**DEVICE, "Origin": "https://jahat.example"}, status=403)
    assert send(READING, {**DEVICE, "Origin": "http://testserver"})["stored"] == 1


def test_credential_that_is_given_while_the_service_runs_counts_at_once(tmp_path: Path) -> None:
    send(READING)
    broker_credentials.set_devices(tmp_path, {"pos-2": "sandi-baru"})
    send({**READING, "thing": "pos-2"}, basic("pos-2", "sandi-baru"))
    send({**READING, "thing": "pos-2"}, basic("pos-2", "kata-sandi-2"), status=401)


def test_person_who_may_add_observations_sends_by_token() -> None:
    assert send(READING, person())["stored"] == 1


def test_person_without_the_permission_is_a_403() -> None:
    send(READING, person(is_superuser=False), status=403)


def test_token_that_only_reads_is_a_403() -> None:
    send(READING, person(scopes=("read",)), status=403)


def test_answer_is_kept_by_nobody() -> None:
    answer = Client().post(URL, json.dumps(READING), content_type="application/json", headers=DEVICE)
    assert answer["Cache-Control"] == "private, no-store"


def test_broker_that_another_system_keeps_knows_no_devices_here(settings: Any) -> None:
    settings.BROKER_DIR = ""
    send(READING, status=401)


def test_one_reading_takes_few_queries(django_assert_max_num_queries: Any) -> None:
    send(READING)
    with django_assert_max_num_queries(16):
        send({**READING, "phenomenon_time": "2026-03-01T05:01:00Z"})


# Webhooks


def uplink(values: dict[str, Any], **more: Any) -> dict[str, Any]:
    """As The Things Stack's documentation shows it ("Data formats"), shortened."""
    ids = {"device_id": "pos-1", "application_ids": {"application_id": "bekasi"}, "dev_eui": "0004A30B001C0530"}
    message = {"f_port": 1, "decoded_payload": values, "received_at": T, "network_ids": {"tenant_id": "ttn"}}
    return {"end_device_ids": ids, "received_at": "2026-03-01T05:00:00.25Z", "uplink_message": message, **more}


@pytest.fixture
def rules() -> None:
    TopicRule.objects.create(
        pattern="v3/{application}/devices/{device}/up", format="the-things-stack", meanings={"dust": "pm25"}
    )
    TopicRule.objects.create(pattern="application/{application}/device/{device}/event/up", format="chirpstack")


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize("url", ["/api/hooks/the-things-stack/", "/api/hooks/the-things-stack"])
def test_uplink_of_the_things_stack_is_read_by_the_rule_of_its_topic(url: str) -> None:
    assert send(uplink({"dust": 35.5}), GATEWAY, url=url)["stored"] == 1
    assert stored() == [("pos-1", "pm25", 35.5)]
    assert Observation.objects.get().phenomenon_time == datetime(2026, 3, 1, 5, tzinfo=UTC)


def test_uplink_lies_in_quarantine_under_the_topic_of_its_mqtt_until_a_rule_reads_it() -> None:
    answer = send(uplink({"pm25": 1}), GATEWAY, url="/api/hooks/the-things-stack/", status=202)
    assert [each["reason"] for each in answer["quarantined"]] == ["bad_topic"]
    assert RejectedMessage.objects.get().topic == "v3/bekasi@ttn/devices/pos-1/up"
    TopicRule.objects.create(pattern="v3/{application}/devices/{device}/up", format="the-things-stack")
    assert replay_rejects(open_rejects()).stored == 1


@pytest.mark.usefixtures("rules")
def test_join_of_the_things_stack_is_taken_and_says_nothing() -> None:
    event = {key: value for key, value in uplink({}).items() if key != "uplink_message"} | {"join_accept": {}}
    assert send(event, GATEWAY, url="/api/hooks/the-things-stack/") == NOTHING


@pytest.mark.usefixtures("rules")
def test_uplink_of_chirpstack_is_read_by_the_rule_of_its_topic() -> None:
    event = {"deviceInfo": {"applicationId": "17c82e96", "devEui": "pos-1"}, "time": T, "object": {"pm25": 3}}
    assert send(event, GATEWAY, url="/api/hooks/chirpstack/?event=up")["stored"] == 1
    assert stored() == [("pos-1", "pm25", 3.0)]
    assert send(event, GATEWAY, url="/api/hooks/chirpstack/?event=status") == NOTHING


@pytest.mark.parametrize("url", ["/api/hooks/the-things-stack/", "/api/hooks/chirpstack/?event=up"])
@pytest.mark.parametrize("body", ["no json", "[]", '{"end_device_ids": {"device_id": "a/b"}}'])
def test_body_that_a_network_server_would_not_send_is_kept(url: str, body: str) -> None:
    assert [each["reason"] for each in send(body, GATEWAY, url=url, status=202)["quarantined"]] == ["bad_topic"]


def test_webhook_takes_nothing_from_a_device_nor_from_nobody() -> None:
    for url in ("/api/hooks/the-things-stack/", "/api/hooks/chirpstack/?event=up"):
        send(uplink({"pm25": 1}), DEVICE, url=url, status=403)
        send(uplink({"pm25": 1}), {}, url=url, status=401)


def test_webhook_takes_a_person_s_token() -> None:
    send(uplink({"pm25": 1}), person(), url="/api/hooks/the-things-stack/", status=202)


def test_gateway_of_the_run_is_the_broker_s_own(settings: Any) -> None:
    """The name that `broker_credential --gateway` prints opens the door."""
    url = parse_broker_url("mqtt://pantau.gateway:x%40y@127.0.0.1:1883")
    settings.MQTT_GATEWAY_URL = "mqtt://pantau.gateway:x%40y@127.0.0.1:1883"
    assert send(READING, basic(url.username or "", "x@y"))["stored"] == 1
