"""Uplinks of The Things Stack and ChirpStack, states of Zigbee2MQTT: shapes from those projects' documentation."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sensors.ingest.decoders import Decoded, Decoder
from sensors.ingest.decoders.rules import Meaning, Rule
from sensors.ingest.reasons import Reason

TTS = "v3/{application}/devices/{device}/up"
TTS_TOPIC = "v3/bekasi@ttn/devices/rain-03/up"
CHIRPSTACK = "application/{application}/device/{device}/event/up"
CHIRPSTACK_TOPIC = "application/17c82e96/device/0101010101010101/event/up"


def uplink(decoded: Any, **more: Any) -> bytes:
    message = {
        "end_device_ids": {
            "device_id": "rain-03",
            "application_ids": {"application_id": "bekasi"},
            "dev_eui": "0004A30B001C0530",
        },
        "received_at": "2026-02-01T00:00:02.500000000Z",
        "uplink_message": {
            "f_port": 1,
            "frm_payload": "AQ==",
            "decoded_payload": decoded,
            "received_at": "2026-02-01T00:00:01.123456789Z",
        },
    }
    return json.dumps(message | more).encode()


def tts(payload: bytes, topic: str = TTS_TOPIC, **rule: Any) -> Decoded:
    return Decoder([Rule(TTS, "the-things-stack", **rule)])(topic, payload)


def reasons(decoded: Decoded) -> list[Reason]:
    return [rejection.reason for rejection in decoded.rejections]


def test_uplink_s_values_are_of_when_the_network_received_it() -> None:
    rain, battery = tts(uplink({"rain": 0.4, "battery": 3.31})).readings
    # Nanoseconds are cut off at the microsecond.
    at = datetime(2026, 2, 1, 0, 0, 1, 123456, tzinfo=UTC)
    assert (rain.thing, rain.observed_property, rain.result, rain.phenomenon_time) == ("rain-03", "rain", 0.4, at)
    assert battery.observed_property == "battery"


def test_nested_names_are_joined_by_dots_and_may_have_a_meaning() -> None:
    meanings = {"air.temperature": Meaning("air_temperature", "Cel")}
    (reading,) = tts(
        uplink({"air": {"temperature": 31.5, "humidity": 60}}), meanings=meanings, takes_others=False
    ).readings
    assert (reading.observed_property, reading.result, reading.unit) == ("air_temperature", 31.5, "Cel")


def test_zero_that_is_left_out_is_no_zero() -> None:
    decoded = tts(uplink({"battery": 3.3}), meanings={"rain": Meaning("rain")})
    assert [reading.observed_property for reading in decoded.readings] == ["battery"]


def test_zero_that_is_left_out_is_one_where_the_rule_says_so() -> None:
    decoded = tts(uplink({"battery": 3.3}), meanings={"rain": Meaning("rain", "mm", is_zero_if_absent=True)})
    _battery, rain = decoded.readings
    assert (rain.observed_property, rain.result, rain.unit, rain.thing) == ("rain", 0.0, "mm", "rain-03")
    assert rain.phenomenon_time == datetime(2026, 2, 1, 0, 0, 1, 123456, tzinfo=UTC)


def test_zero_that_is_said_is_said_once() -> None:
    decoded = tts(uplink({"rain": 0}), meanings={"rain": Meaning("rain", is_zero_if_absent=True)})
    assert [reading.result for reading in decoded.readings] == [0.0]


def test_texts_and_switches_among_the_values_are_let_be() -> None:
    assert [r.observed_property for r in tts(uplink({"rain": 1, "state": "ok", "door": True})).readings] == ["rain"]
    assert reasons(tts(uplink({"rain": 1, "state": "ok", "door": True}))) == []


def test_text_under_a_name_that_has_a_meaning_is_rejected_alone_and_can_be_fed_again() -> None:
    decoded = tts(uplink({"rain": "n/a", "battery": 3.3}), meanings={"rain": Meaning("rain")})
    (rejection,) = decoded.rejections
    assert (rejection.topic, rejection.reason) == ("sensors/rain-03", Reason.NOT_A_NUMBER)
    assert json.loads(rejection.payload) == {
        "phenomenon_time": "2026-02-01T00:00:01.123456+00:00",
        "results": {"rain": "n/a"},
    }
    assert len(decoded.readings) == 1


def test_uplink_of_a_device_without_a_payload_formatter_says_what_is_missing() -> None:
    message = json.loads(uplink({}))
    del message["uplink_message"]["decoded_payload"]
    (rejection,) = tts(json.dumps(message).encode()).rejections
    assert rejection.reason is Reason.BAD_PAYLOAD
    assert "payload formatter" in rejection.detail


def test_uplink_under_another_device_s_topic_is_quarantined() -> None:
    assert reasons(tts(uplink({"rain": 1}), "v3/bekasi@ttn/devices/rain-04/up")) == [Reason.FOREIGN_IDENTITY]


def test_thing_can_be_named_after_application_and_device() -> None:
    (reading,) = tts(uplink({"rain": 1}), thing="{application}-{device}").readings
    assert reading.thing == "bekasi-ttn-rain-03"


@pytest.mark.parametrize(
    "payload",
    [
        b"5",
        b"{}",
        uplink([]),
        uplink({"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": 1}}}}}}}}}),
        uplink({}, end_device_ids=5),
        uplink({}, end_device_ids={"device_id": 5}),
        b'{"end_device_ids": {"device_id": "a"}, "uplink_message": {"decoded_payload": {"x": 1, "x": 2}}}',
    ],
)
def test_uplink_of_another_shape_is_rejected_whole(payload: bytes) -> None:
    decoded = tts(payload)
    assert (decoded.readings, reasons(decoded)) == ((), [Reason.BAD_PAYLOAD])


def test_chirpstack_s_object_is_of_the_event_s_time_and_the_device_s_eui() -> None:
    event = {
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": "2022-07-18T09:34:15.775023242+00:00",
        "deviceInfo": {"deviceName": "Test device", "devEui": "0101010101010101"},
        "data": "qg==",
        "object": {"temperatureSensor": {"1": 27.2}},
    }
    (reading,) = Decoder([Rule(CHIRPSTACK, "chirpstack")])(CHIRPSTACK_TOPIC, json.dumps(event).encode()).readings
    assert (reading.thing, reading.observed_property, reading.result) == (
        "0101010101010101",
        "temperatureSensor.1",
        27.2,
    )
    assert reading.phenomenon_time == datetime(2022, 7, 18, 9, 34, 15, 775023, tzinfo=UTC)


def test_chirpstack_without_a_codec_says_what_is_missing() -> None:
    event = {"deviceInfo": {"devEui": "0101010101010101"}, "data": "qg=="}
    (rejection,) = Decoder([Rule(CHIRPSTACK, "chirpstack")])(CHIRPSTACK_TOPIC, json.dumps(event).encode()).rejections
    assert (rejection.reason, "codec" in rejection.detail) == (Reason.BAD_PAYLOAD, True)


@pytest.mark.parametrize("seen", ["2026-02-01T07:00:00+07:00", 1769904000000])
def test_zigbee_state_is_of_when_it_was_last_seen(seen: object) -> None:
    state = {"temperature": 27.34, "humidity": 44.72, "linkquality": 143, "last_seen": seen}
    decoded = Decoder([Rule("zigbee2mqtt/{device}", "zigbee2mqtt")])(
        "zigbee2mqtt/0x00A1 Server", json.dumps(state).encode()
    )
    assert [r.observed_property for r in decoded.readings] == ["temperature", "humidity", "linkquality"]
    assert {r.phenomenon_time for r in decoded.readings} == {datetime(2026, 2, 1, tzinfo=UTC)}
    assert decoded.readings[0].thing == "0x00a1-server"
