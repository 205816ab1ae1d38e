"""SenML. The packs are those of RFC 8428, section 5, with what the RFC itself says that they mean."""

import json
from datetime import UTC, datetime, timedelta

import cbor2
import pytest

from sensors.ingest.decoders import Decoded, Decoder
from sensors.ingest.decoders.rules import Meaning, Rule
from sensors.ingest.reasons import Reason

TOPIC = "gw/senml"
ANY = Decoder([Rule("gw/senml", "senml"), Rule("gw/cbor", "senml-cbor"), Rule("sensors/{device}/senml", "senml")])


def senml(pack: object, decoder: Decoder = ANY, topic: str = TOPIC) -> Decoded:
    return decoder(topic, json.dumps(pack).encode())


def reasons(decoded: Decoded) -> list[Reason]:
    return [rejection.reason for rejection in decoded.rejections]


def test_single_datapoint_of_section_5_1_1() -> None:
    (reading,) = senml([{"n": "urn:dev:ow:10e2073a01080063", "u": "Cel", "v": 23.1}]).readings
    # The name ends where the property would: what follows the last colon is taken for it.
    assert (reading.observed_property, reading.result, reading.unit) == ("10e2073a01080063", 23.1, "Cel")
    assert reading.phenomenon_time is None


def test_multiple_datapoints_of_section_5_1_2_share_base_name_time_and_unit() -> None:
    pack = [
        {"bn": "urn:dev:ow:10e2073a01080063:", "n": "voltage", "u": "V", "v": 120.1},
        {"n": "current", "u": "A", "v": 1.2},
    ]
    first, second = senml(pack).readings
    assert (first.thing, first.observed_property, first.unit) == ("10e2073a01080063", "voltage", "V")
    assert (second.thing, second.observed_property, second.unit) == ("10e2073a01080063", "current", "A")


def test_times_of_section_5_1_2_count_from_the_base_time() -> None:
    pack = [
        {
            "bn": "urn:dev:ow:10e2073a0108006:",
            "bt": 1.276020076001e09,
            "bu": "A",
            "bver": 5,
            "n": "voltage",
            "u": "V",
            "v": 120.1,
        },
        {"n": "current", "t": -5, "v": 1.2},
        {"n": "current", "t": -4, "v": 1.3},
    ]
    voltage, five, four = senml(pack).readings
    at = datetime(2010, 6, 8, 18, 1, 16, 1000, tzinfo=UTC)
    assert (voltage.phenomenon_time, voltage.unit) == (at, "V")
    assert (five.phenomenon_time, five.unit, five.result) == (at - timedelta(seconds=5), "A", 1.2)
    assert four.phenomenon_time == at - timedelta(seconds=4)


def test_relative_time_is_of_before_the_arrival() -> None:
    (reading,) = senml([{"bn": "urn:dev:mac:a/", "n": "pm25", "t": -120, "v": 7}]).readings
    assert (reading.phenomenon_time, reading.ago_us) == (None, 120_000_000)


def test_relative_time_ahead_is_of_the_arrival() -> None:
    (reading,) = senml([{"bn": "urn:dev:mac:a/", "n": "pm25", "t": 120, "v": 7}]).readings
    assert (reading.phenomenon_time, reading.ago_us) == (None, 0)


def test_base_value_is_added_to_each_value() -> None:
    readings = senml([{"bn": "a/", "bv": 100, "n": "x", "v": 1.5}, {"n": "y", "v": -1}]).readings
    assert [reading.result for reading in readings] == [101.5, 99.0]


def test_record_of_base_values_alone_says_nothing_itself() -> None:
    assert len(senml([{"bn": "a/", "bt": 1.7e9}, {"n": "x", "v": 1}]).readings) == 1


def test_relative_humidity_becomes_a_percentage_of_ucum() -> None:
    assert senml([{"bn": "a/", "n": "rh", "u": "%RH", "v": 61}]).readings[0].unit == "%"


@pytest.mark.parametrize(
    "value", [{"vs": "open"}, {"vb": True}, {"vd": "AAE"}, {"s": 12}, {"v": True}, {"v": "12"}, {}]
)
def test_record_without_a_number_is_rejected_alone(value: dict[str, object]) -> None:
    decoded = senml([{"bn": "a/", "bt": 1.7e9, "n": "x", **value}, {"n": "y", "v": 2}])
    assert [reading.observed_property for reading in decoded.readings] == ["y"]
    assert reasons(decoded) == [Reason.NOT_A_NUMBER]


def test_rejected_record_is_kept_with_its_base_values_and_rejected_again_when_it_is_fed_again() -> None:
    decoded = senml([{"bn": "a/", "bt": 1.7e9, "n": "x", "vs": "open"}, {"n": "y", "v": 2}])
    (rejection,) = decoded.rejections
    assert json.loads(rejection.payload) == [{"bn": "a/", "bt": 1.7e9, "n": "x", "vs": "open"}]
    assert ANY(rejection.topic, rejection.payload).rejections == (rejection,)


def test_rejected_record_of_cbor_is_kept_in_cbor() -> None:
    (rejection,) = ANY("gw/cbor", cbor2.dumps([{-2: "a/", 0: "x", 3: "open"}, {0: "y", 2: 2}])).rejections
    assert ANY(rejection.topic, rejection.payload).rejections == (rejection,)


def test_member_that_must_be_understood_makes_its_record_unreadable() -> None:
    decoded = senml([{"bn": "a/", "n": "x", "v": 1, "future_": 2}, {"n": "y", "v": 2}])
    assert (len(decoded.readings), reasons(decoded)) == (1, [Reason.BAD_PAYLOAD])


def test_version_that_is_newer_than_the_rfc_is_not_read() -> None:
    assert reasons(senml([{"bver": 11, "bn": "a/", "n": "x", "v": 1}])) == [Reason.BAD_PAYLOAD]


@pytest.mark.parametrize("pack", [[], {}, 5, ["x"], [{"bn": 5, "n": "x", "v": 1}], [{"v": 1}], [{"n": "a/", "v": 1}]])
def test_what_is_no_pack_is_rejected(pack: object) -> None:
    assert reasons(senml(pack)) == [Reason.BAD_PAYLOAD]


def test_cbor_pack_of_section_6_reads_as_the_same_in_json() -> None:
    labels = [{-2: "urn:dev:ow:10e2073a0108006:", -3: 1276020076.001, -4: "A", -1: 5, 0: "voltage", 1: "V", 2: 120.1},
              {0: "current", 6: -5, 2: 1.2}]  # fmt: skip
    names = [{"bn": "urn:dev:ow:10e2073a0108006:", "bt": 1276020076.001, "bu": "A", "bver": 5, "n": "voltage", "u": "V", "v": 120.1},
             {"n": "current", "t": -5, "v": 1.2}]  # fmt: skip
    assert ANY("gw/cbor", cbor2.dumps(labels)).readings == senml(names).readings


@pytest.mark.parametrize("payload", [b"", b"\xff", b"\x9f\x9f\x9f", b"[]", cbor2.dumps({"a": 1})])
def test_damaged_cbor_is_rejected(payload: bytes) -> None:
    assert reasons(ANY("gw/cbor", payload)) == [Reason.BAD_PAYLOAD]


def test_payload_that_claims_another_device_than_its_topic_is_quarantined() -> None:
    decoded = senml([{"bn": "urn:dev:mac:air-2/", "n": "pm25", "v": 1}], topic="sensors/air-1/senml")
    assert reasons(decoded) == [Reason.FOREIGN_IDENTITY]


def test_payload_that_names_its_topic_s_device_or_none_is_taken() -> None:
    for base in ("urn:dev:mac:air-1/", "air-1/", ""):
        (reading,) = senml([{"bn": base, "n": "pm25", "v": 1}], topic="sensors/air-1/senml").readings
        assert (reading.thing, reading.observed_property) == ("air-1", "pm25")


def test_meaning_of_a_name_wins_and_its_unit_is_for_records_that_name_none() -> None:
    rule = Rule("gw/senml", "senml", meanings={"temp": Meaning("air_temperature", "Cel")}, takes_others=False)
    pack = [{"bn": "a/", "n": "temp", "v": 30}, {"n": "temp", "u": "K", "v": 300}, {"n": "battery", "v": 3}]
    first, second = senml(pack, Decoder([rule])).readings
    assert (first.observed_property, first.unit, second.unit) == ("air_temperature", "Cel", "K")
