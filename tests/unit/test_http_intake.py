"""Bodies that come by HTTP, as messages: nothing that anybody sends is lost, and nobody speaks for another."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.ingest.batch import Message
from sensors.ingest.decoders import Decoded, decode_native
from sensors.ingest.hooks import NOBODY_S, message_of_chirpstack, message_of_the_things_stack
from sensors.ingest.http_intake import native_messages
from sensors.ingest.reasons import Reason
from server.core.errors import BadParameter

NAMES = st.sampled_from(["thing", "observed_property", "result", "results", "phenomenon_time", "unit", "pm25"])
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(),
    st.text(max_size=8),
    st.sampled_from(["pos-1", "pos-2", "pm25"]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=6)),
    max_leaves=12,
)
BODIES = st.one_of(st.binary(max_size=60), VALUES.map(lambda value: json.dumps(value).encode()))


def decoded(message: Message) -> Decoded:
    assert message.decoded is not None
    return message.decoded


@given(BODIES)
def test_whatever_a_device_sends_is_of_itself_or_kept(body: bytes) -> None:
    for message in native_messages(body, "pos-1", 0):
        said = decoded(message)
        assert said.readings or said.rejections
        assert {reading.thing for reading in said.readings} <= {"pos-1"}


@given(BODIES, st.sampled_from(["", "pos-1"]))
def test_what_was_refused_is_no_reading_of_anybody_when_it_is_fed_again(body: bytes, thing: str) -> None:
    try:
        messages = native_messages(body, thing, 0)
    except BadParameter:
        assert not thing
        return
    for rejection in (each for message in messages for each in decoded(message).rejections):
        assert decode_native(rejection.topic, rejection.payload).readings == ()


def test_element_that_is_nested_too_deeply_to_be_written_again_is_kept_with_its_body() -> None:
    body = ('[{"results": ' + "[" * 600 + "]" * 600 + "}]").encode()
    (message,) = native_messages(body, "pos-1", 0)
    (rejection,) = decoded(message).rejections
    assert (rejection.reason, rejection.payload) == (Reason.BAD_PAYLOAD, body)


def test_more_elements_than_a_message_may_have_are_kept_as_one_that_is_too_large() -> None:
    (message,) = native_messages(b"[" + b"1," * 10_000 + b"1]", "pos-1", 0)
    assert [each.reason for each in decoded(message).rejections] == [Reason.TOO_LARGE]
    with pytest.raises(BadParameter):
        native_messages(b"[" + b"1," * 10_000 + b"1]", "", 0)


@given(BODIES)
def test_webhook_takes_any_body_for_an_uplink_or_for_nobody_s(body: bytes) -> None:
    for message in (message_of_the_things_stack(body), message_of_chirpstack(body, "up")):
        assert message is not None
        assert (message.topic, message.payload) == (NOBODY_S, body)


def test_tenant_of_the_things_stack_stands_in_the_topic_where_the_uplink_names_it() -> None:
    ids = {"device_id": "pos-1", "application_ids": {"application_id": "bekasi"}}
    named = {"end_device_ids": ids, "uplink_message": {"network_ids": {"tenant_id": "ttn"}}}
    unnamed = {"end_device_ids": ids, "uplink_message": {}}
    found = [message_of_the_things_stack(json.dumps(each).encode()) for each in (named, unnamed)]
    assert [each.topic for each in found if each] == [
        "v3/bekasi@ttn/devices/pos-1/up",
        "v3/bekasi/devices/pos-1/up",
    ]


@pytest.mark.parametrize("device", ["a/b", "+", "#", "", "a\0"])
def test_device_that_is_no_level_of_a_topic_is_nobody_s(device: str) -> None:
    ids = {"device_id": device, "application_ids": {"application_id": "bekasi"}}
    found = message_of_the_things_stack(json.dumps({"end_device_ids": ids, "uplink_message": {}}).encode())
    assert found is not None
    assert found.topic == NOBODY_S
