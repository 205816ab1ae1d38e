import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.ingest.decoders import MAX_PAYLOAD_BYTES, MAX_READINGS, Reading
from sensors.ingest.decoders import decode_native as decode
from sensors.ingest.decoders.times import BadTime, parse_time
from sensors.ingest.reasons import Reason

TOPIC = "sensors/p2c/river_level"
NEW_YEAR = datetime(2019, 12, 31, 17, 0, tzinfo=UTC)  # midnight in Jakarta


def reasons(topic: str, payload: bytes) -> list[Reason]:
    return [rejection.reason for rejection in decode(topic, payload).rejections]


# Times


@pytest.mark.parametrize(
    "value",
    [
        "2019-12-31T17:00:00Z",
        "2019-12-31t17:00:00z",
        "2020-01-01 00:00:00+07:00",
        "2020-01-01T00:00:00.000000000+0700",
        "2019-12-31T17:00:00-00:00",
        1577811600,
        1577811600.0,
        1577811600000,
        1577811600000.0,
    ],
)
def test_one_moment_written_in_each_way_is_one_moment(value: object) -> None:
    assert parse_time(value) == NEW_YEAR


def test_fractions_are_kept_to_the_microsecond() -> None:
    assert parse_time("2020-01-01T00:00:00.1234567Z") == datetime(2020, 1, 1, microsecond=123456, tzinfo=UTC)
    assert parse_time(1577836800123) == datetime(2020, 1, 1, microsecond=123000, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2020-01-01T00:00:00",
        "2020-01-01",
        "20200101T000000Z",
        "2020-13-01T00:00:00Z",
        "2020-02-30T00:00:00Z",
        "2020-01-01T24:00:01Z",
        "2020-W01-1T00:00:00Z",
        "now",
        "",
        "٢٠٢٠-01-01T00:00:00Z",
        "0001-01-01T00:00:00+07:00",
        None,
        True,
        [],
        {},
        float("nan"),
        float("inf"),
        1e300,
        10**400,
    ],
)
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(BadTime):
        parse_time(value)


def test_size_tells_seconds_from_milliseconds() -> None:
    assert parse_time(99_999_999_999).year == 5138
    assert parse_time(100_000_000_000) == datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)


# Payloads


@pytest.mark.parametrize("payload", [b"180", b"180.0", b" 1.8e2\n", b'{"result": 180}', b"[180]", b'[{"result": 180}]'])
def test_a_number_alone_is_a_reading_without_a_time(payload: bytes) -> None:
    assert decode(TOPIC, payload).readings == (Reading("p2c", "river_level", 180.0, None),)


def test_an_object_carries_its_time() -> None:
    decoded = decode(TOPIC, b'{"result": 180, "phenomenon_time": "2020-01-01T00:00:00+07:00", "battery": 3.3}')
    assert decoded.readings == (Reading("p2c", "river_level", 180.0, NEW_YEAR),)


def test_an_array_mixes_numbers_and_objects() -> None:
    decoded = decode(TOPIC, b'[1, {"result": 2, "phenomenon_time": 1577811600}]')
    assert [(reading.result, reading.phenomenon_time) for reading in decoded.readings] == [(1.0, None), (2.0, NEW_YEAR)]


def test_a_thing_sends_several_properties_at_once() -> None:
    decoded = decode(
        "sensors/air-1", b'{"phenomenon_time": "2019-12-31T17:00:00Z", "results": {"pm25": 12.3, "temperature": 30}}'
    )
    assert decoded.readings == (
        Reading("air-1", "pm25", 12.3, NEW_YEAR),
        Reading("air-1", "temperature", 30.0, NEW_YEAR),
    )
    assert not decoded.rejections


def test_one_bad_element_of_an_array_is_rejected_alone() -> None:
    decoded = decode(TOPIC, b'[1, "x", {"result": 2}]')
    assert [reading.result for reading in decoded.readings] == [1.0, 2.0]
    (rejection,) = decoded.rejections
    assert (rejection.topic, rejection.payload, rejection.reason) == (TOPIC, b'"x"', Reason.NOT_A_NUMBER)


def test_one_bad_result_of_several_is_rejected_alone_and_can_be_fed_again() -> None:
    decoded = decode("sensors/air-1", b'{"phenomenon_time": 1577811600, "results": {"pm25": 12.3, "no2": null}}')
    assert [reading.observed_property for reading in decoded.readings] == ["pm25"]
    (rejection,) = decoded.rejections
    assert rejection.reason is Reason.NOT_A_NUMBER
    assert json.loads(rejection.payload) == {"phenomenon_time": 1577811600, "results": {"no2": None}}
    assert decode(rejection.topic, rejection.payload).rejections == (rejection,)


def test_an_array_of_several_properties_at_several_times() -> None:
    decoded = decode("sensors/a", b'[{"phenomenon_time": 0, "results": {"x": 1}}, {"results": {"x": 2}}, 3]')
    assert [reading.result for reading in decoded.readings] == [1.0, 2.0]
    assert [rejection.reason for rejection in decoded.rejections] == [Reason.BAD_PAYLOAD]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.BAD_JSON),
        (b"{", Reason.BAD_JSON),
        (b"12,3", Reason.BAD_JSON),
        (b"+5", Reason.BAD_JSON),
        (b"1 2", Reason.BAD_JSON),
        (b"\x00", Reason.BAD_JSON),
        (b"1\x00", Reason.BAD_JSON),
        (b"\xff\xfe1\x00", Reason.BAD_JSON),
        (b"\xef\xbb\xbf1", Reason.BAD_JSON),
        (b"[" * 100_000, Reason.BAD_JSON),
        (b'{"a":' * 100_000, Reason.BAD_JSON),
        (b"9" * 5_000, Reason.BAD_JSON),
        (b"[]", Reason.BAD_PAYLOAD),
        (b"{}", Reason.BAD_PAYLOAD),
        (b"[[1]]", Reason.BAD_PAYLOAD),
        (b'{"value": 1}', Reason.BAD_PAYLOAD),
        (b'{"result": 1, "result": 2}', Reason.BAD_PAYLOAD),
        (b'{"result": 1, "timestamp": "2020-01-01T00:00:00Z"}', Reason.BAD_PAYLOAD),
        (b'{"result": 1, "phenomenonTime": "2020-01-01T00:00:00Z"}', Reason.BAD_PAYLOAD),
        (b"NaN", Reason.NOT_A_NUMBER),
        (b"-Infinity", Reason.NOT_A_NUMBER),
        (b"1e999", Reason.NOT_A_NUMBER),
        (b"9" * 400, Reason.NOT_A_NUMBER),
        (b'"12.3"', Reason.NOT_A_NUMBER),
        (b"true", Reason.NOT_A_NUMBER),
        (b"null", Reason.NOT_A_NUMBER),
        (b'{"result": [1]}', Reason.NOT_A_NUMBER),
        (b'{"result": 1, "phenomenon_time": null}', Reason.BAD_TIME),
        (b'{"result": 1, "phenomenon_time": "2020-01-01T00:00:00"}', Reason.BAD_TIME),
        (b"1" + b" " * MAX_PAYLOAD_BYTES, Reason.TOO_LARGE),
        (b"[" + b"1," * MAX_READINGS + b"1]", Reason.TOO_LARGE),
    ],
)
def test_a_bad_payload_is_rejected_whole_with_its_reason(payload: bytes, reason: Reason) -> None:
    decoded = decode(TOPIC, payload)
    assert not decoded.readings
    (rejection,) = decoded.rejections
    assert rejection.reason is reason
    assert rejection.topic == TOPIC
    assert rejection.payload == payload
    assert rejection.detail


@pytest.mark.parametrize("payload", [b"1", b'{"results": {}}', b'{"results": [1]}', b'{"results": {"a": 1, "a": 2}}'])
def test_a_thing_alone_needs_an_object_of_results(payload: bytes) -> None:
    assert reasons("sensors/a", payload) == [Reason.BAD_PAYLOAD]


def test_a_property_code_with_a_slash_cannot_reach_into_another_topic() -> None:
    assert reasons("sensors/a", b'{"results": {"x/y": 1}}') == [Reason.UNKNOWN_DATASTREAM]


def test_a_bad_topic_is_the_first_complaint() -> None:
    assert reasons("sensors/a/b/c", b"{") == [Reason.BAD_TOPIC]


def test_an_ambiguous_element_keeps_both_of_its_values() -> None:
    (rejection,) = decode(TOPIC, b'[{"result": 1, "result": 2}, {"result": 3, "x": {"y": 1, "y": 2}}]').rejections
    assert rejection.payload == b'{"result": 1, "result": 2}'


def test_a_reading_as_a_message_of_its_own_reads_back_as_the_same() -> None:
    for reading in (Reading("a", "x", 0.1, NEW_YEAR), Reading("a", "x", -5e-324, None)):
        assert decode(reading.topic(), reading.payload()).readings == (reading,)


# Whatever comes

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["result", "results", "phenomenon_time", "pm25", "a/b", "\ud800"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
topics = st.sampled_from([TOPIC, "sensors/a", "sensors", "x/y/z", "sensors/\0/\0"]) | st.text(max_size=20)


@given(topics, st.binary(max_size=64) | json_values.map(lambda value: json.dumps(value).encode()))
def test_decoding_never_raises_and_never_comes_to_nothing(topic: str, payload: bytes) -> None:
    decoded = decode(topic, payload)
    assert decoded.readings or decoded.rejections
    for rejection in decoded.rejections:
        # What is fed again alone is rejected again for the same reason: nothing is lost in the quarantine.
        assert [again.reason for again in decode(rejection.topic, rejection.payload).rejections] == [rejection.reason]
