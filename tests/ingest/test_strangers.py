"""Devices are strangers: what the real broker lets them say, what they are answered, and what of it is stored.

Each test has a worker at work that would store whatever the broker passes on, and another device whose reading comes through:
when that one is stored, what was sent before it would have been, too.
"""

import queue
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from django.conf import settings
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from sensors.ingest.broker_url import BrokerUrl
from sensors.ingest.models import RejectedMessage, TopicRule
from sensors.ingest.publisher import NotPublished, Publisher
from sensors.ingest.store import Outcome
from sensors.ingest.worker import Worker
from sensors.observations.models import Observation
from server.core import broker_credentials
from tests.ingest.conftest import make_worker, options_for, running
from tests.sensor_factories import make_datastream
from tests.waiting import wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not settings.BROKER_DIR, reason="the broker's credentials are kept elsewhere"),
]

READING = b'{"result": 1, "phenomenon_time": 1772337600}'
PASSWORDS = {"stranger-1": "kata-sandi-satu", "stranger-2": "kata-sandi-dua"}
SUCCESS, BAD_CREDENTIALS, NOT_AUTHORISED, PACKET_TOO_LARGE = 0, 134, 135, 149
LARGEST_PAYLOAD = 262_144  # message_size_limit


class Device:
    """A device's client of MQTT 5, or of 3.1.1, which keeps what the broker says to it: reason codes and what it hears."""

    def __init__(
        self, broker: BrokerUrl, user: str = "", password: str = "", *, is_mqtt5: bool = True, will: str = ""
    ) -> None:
        self.connected: queue.Queue[int] = queue.Queue()
        self.answers: queue.Queue[int] = queue.Queue()
        self.heard: queue.Queue[str] = queue.Queue()
        self.subscribed: queue.Queue[int] = queue.Queue()
        protocol = mqtt.MQTTv5 if is_mqtt5 else mqtt.MQTTv311
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=protocol)
        if user:
            self.client.username_pw_set(user, password)
        if will:
            self.client.will_set(will, READING, qos=1)
        self.client.on_connect = lambda _c, _u, _f, reason, _p: self.connected.put(reason.value)
        self.client.on_publish = lambda _c, _u, _mid, reason, _p: self.answers.put(reason.value)
        self.client.on_message = lambda _c, _u, message: self.heard.put(message.topic)
        self.client.on_subscribe = lambda _c, _u, _mid, reasons, _p: self.subscribed.put(reasons[0].value)
        self.client.connect(broker.host, broker.port, properties=Properties(PacketTypes.CONNECT) if is_mqtt5 else None)
        self.client.loop_start()

    def publish(self, topic: str, payload: bytes = READING, *, retain: bool = False) -> int:
        """The broker's reason code: below 128 it says that it has taken it."""
        self.client.publish(topic, payload, qos=1, retain=retain)
        return self.answers.get(timeout=20)

    def subscribe(self, topic: str) -> None:
        self.client.subscribe(topic, qos=1)
        self.subscribed.get(timeout=20)

    def die(self) -> None:
        """The connection ends without a goodbye, so that the broker publishes the device's will."""
        sock: Any = self.client.socket()
        self.client.loop_stop()
        sock.close()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture(autouse=True)
def _credentials() -> None:
    for slug in PASSWORDS:
        make_datastream(slug)
    folder = Path(settings.BROKER_DIR)
    broker_credentials.set_devices(folder, PASSWORDS)
    broker_credentials.reload(folder)


@pytest.fixture
def honest(broker: BrokerUrl) -> Iterator[Device]:
    """The other device, connected once the broker knows it."""
    wait_for(lambda: can_connect(broker, "stranger-2", PASSWORDS["stranger-2"]), "the new credentials")
    device = Device(broker, "stranger-2", PASSWORDS["stranger-2"])
    assert device.connected.get(timeout=20) == SUCCESS
    yield device
    device.close()


def can_connect(broker: BrokerUrl, user: str, password: str) -> bool:
    try:
        with Publisher(BrokerUrl(broker.host, broker.port, user, password, has_tls=False), patience_s=20):
            return True
    except NotPublished:
        return False


@contextmanager
def stored_of(broker: BrokerUrl, honest: Device, *, is_last: bool = True) -> Iterator[Worker]:
    """A worker for everything; leaving sends the honest device's reading and waits until that is stored."""
    worker = make_worker(broker, options_for("+"))
    with running(worker):
        yield worker
        if is_last:
            assert honest.publish("sensors/stranger-2/pm25") == SUCCESS
            wait_for(lambda: Observation.objects.filter(datastream__thing__slug="stranger-2").exists(), "the reading")


def things_stored() -> list[str]:
    return sorted(row.datastream.thing.slug for row in Observation.objects.select_related("datastream__thing"))


@pytest.mark.parametrize("is_mqtt5", [True, False], ids=["mqtt5", "mqtt3.1.1"])
@pytest.mark.parametrize(
    ("user", "password"),
    [("", ""), ("stranger-1", ""), ("stranger-1", "kata-sandi-dua"), ("nobody-at-all", "kata-sandi-satu")],
    ids=["anonymous", "no password", "another's password", "unknown name"],
)
def test_publisher_without_a_credential_is_told_that_it_is_not_authorised_and_stores_nothing(
    broker: BrokerUrl, honest: Device, user: str, password: str, is_mqtt5: bool
) -> None:
    with stored_of(broker, honest):
        stranger = Device(broker, user, password, is_mqtt5=is_mqtt5)
        try:
            assert stranger.connected.get(timeout=20) in {BAD_CREDENTIALS, NOT_AUTHORISED}
            # Sent all the same, as an impatient device does.
            stranger.client.publish("sensors/stranger-1/pm25", READING, qos=0)
        finally:
            stranger.close()
    assert things_stored() == ["stranger-2"]
    assert not RejectedMessage.objects.exists()


def test_publish_on_a_socket_that_never_logged_in_ends_the_connection(broker: BrokerUrl, honest: Device) -> None:
    topic = b"sensors/stranger-1/pm25"
    body = len(topic).to_bytes(2) + topic + READING
    with stored_of(broker, honest), socket.create_connection((broker.host, broker.port), timeout=20) as raw:
        raw.sendall(bytes([0x30, len(body)]) + body)
        assert read_packet(raw) == b""
    assert things_stored() == ["stranger-2"]


@pytest.mark.parametrize(
    "topic",
    [
        "sensors/stranger-2/pm25",
        "sensors/stranger-10/pm25",
        "sensors",
        "sensors//pm25",
        "v3/app@ttn/devices/stranger-2/up",
        "sta/v1.1/Datastreams(1)/Observations",
        "$SYS/broker/version",
    ],
)
def test_a_topic_of_somebody_else_is_refused_with_a_reason_and_stores_nothing(
    broker: BrokerUrl, honest: Device, topic: str
) -> None:
    with stored_of(broker, honest):
        stranger = Device(broker, "stranger-1", PASSWORDS["stranger-1"])
        try:
            assert stranger.publish(topic) == NOT_AUTHORISED
        finally:
            stranger.close()
    assert things_stored() == ["stranger-2"]
    assert not RejectedMessage.objects.exists()


def test_over_mqtt_3_the_foreign_topic_is_acknowledged_and_goes_nowhere(broker: BrokerUrl, honest: Device) -> None:
    with stored_of(broker, honest):
        stranger = Device(broker, "stranger-1", PASSWORDS["stranger-1"], is_mqtt5=False)
        try:
            # Its PUBACK has no room for a reason.
            assert stranger.publish("sensors/stranger-2/pm25") == SUCCESS
        finally:
            stranger.close()
    assert things_stored() == ["stranger-2"]


def test_a_will_on_another_s_topic_is_not_published_and_one_on_its_own_is(broker: BrokerUrl, honest: Device) -> None:
    with stored_of(broker, honest, is_last=False) as worker:
        foreign = Device(broker, "stranger-1", PASSWORDS["stranger-1"], will="sensors/stranger-2/pm25")
        assert foreign.connected.get(timeout=20) == SUCCESS
        foreign.die()
        own = Device(broker, "stranger-1", PASSWORDS["stranger-1"], will="sensors/stranger-1/pm25")
        assert own.connected.get(timeout=20) == SUCCESS
        own.die()
        wait_for(lambda: worker.total.received, "the will")
    assert things_stored() == ["stranger-1"]


def test_a_retained_message_can_be_left_below_one_s_own_name_only(broker: BrokerUrl, honest: Device) -> None:
    stranger = Device(broker, "stranger-1", PASSWORDS["stranger-1"])
    try:
        assert stranger.publish("sensors/stranger-2/pm25", retain=True) == NOT_AUTHORISED
        assert stranger.publish("sensors/stranger-1/pm25", retain=True) == SUCCESS
        # It lies there for the worker that subscribes next.
        worker = make_worker(broker, options_for("+"))
        with running(worker):
            wait_for(lambda: worker.total.received, "what was retained")
        assert things_stored() == ["stranger-1"]
    finally:
        stranger.publish("sensors/stranger-1/pm25", b"", retain=True)
        stranger.close()


@pytest.mark.parametrize("topic", ["#", "sensors/#", "sensors/stranger-1/#", "$SYS/#", "$share/mine/sensors/#"])
def test_a_device_hears_nothing_whatever_it_subscribes_to(broker: BrokerUrl, honest: Device, topic: str) -> None:
    nosy = Device(broker, "stranger-1", PASSWORDS["stranger-1"])
    try:
        nosy.subscribe(topic)
        with stored_of(broker, honest):
            assert nosy.publish("sensors/stranger-1/pm25") == SUCCESS
        # What was sent to it before the answer to this would have come before the answer.
        nosy.subscribe("elsewhere")
        assert nosy.heard.empty()
    finally:
        nosy.close()


def test_an_oversized_message_is_answered_as_too_large_and_never_passed_on(broker: BrokerUrl, honest: Device) -> None:
    topic = "sensors/stranger-1/pm25"
    with stored_of(broker, honest) as worker, session(broker, "stranger-1", PASSWORDS["stranger-1"]) as raw:
        raw.sendall(publish_packet(topic, b"1".ljust(LARGEST_PAYLOAD + 1), mid=7))
        # PUBACK of message 7 with its reason code.
        assert read_packet(raw) == bytes([0x40, 3, 0, 7, PACKET_TOO_LARGE])
        assert worker.total == Outcome()
    assert things_stored() == ["stranger-2"]
    assert not RejectedMessage.objects.exists()


def test_an_oversized_message_is_acknowledged_over_mqtt_3_so_that_it_is_not_sent_for_ever(
    broker: BrokerUrl, honest: Device
) -> None:
    with stored_of(broker, honest):
        stranger = Device(broker, "stranger-1", PASSWORDS["stranger-1"], is_mqtt5=False)
        try:
            assert stranger.publish("sensors/stranger-1/pm25", b"1".ljust(LARGEST_PAYLOAD + 1)) == SUCCESS
            # The device is not cut off: its next reading is stored.
            assert stranger.publish("sensors/stranger-1/pm25") == SUCCESS
        finally:
            stranger.close()
    assert things_stored() == ["stranger-1", "stranger-2"]


def test_a_packet_of_many_megabytes_is_not_even_read(broker: BrokerUrl, honest: Device) -> None:
    with stored_of(broker, honest), session(broker, "stranger-1", PASSWORDS["stranger-1"]) as raw:
        # The head of a PUBLISH of 200 MB: the broker would set so much memory aside for it.
        raw.sendall(bytes([0x32]) + variable_length(200_000_000) + b"\x00\x01a")
        # DISCONNECT, packet too large; or no word at all.
        assert read_packet(raw) in {bytes([0xE0, 1, PACKET_TOO_LARGE]), b""}
    assert things_stored() == ["stranger-2"]


def test_a_payload_that_names_another_device_than_its_topic_is_quarantined(broker: BrokerUrl, honest: Device) -> None:
    TopicRule.objects.create(pattern="sensors/{device}/senml", format="senml", thing="{device}")
    claims = b'[{"bn": "stranger-2/", "bt": 1772337600, "n": "pm25", "u": "ug/m3", "v": 666}]'
    with stored_of(broker, honest):
        stranger = Device(broker, "stranger-1", PASSWORDS["stranger-1"])
        try:
            assert stranger.publish("sensors/stranger-1/senml", claims) == SUCCESS
        finally:
            stranger.close()
    assert [row.result for row in Observation.objects.all()] == [1]
    kept = RejectedMessage.objects.get()
    assert (kept.reason, kept.topic, bytes(kept.payload)) == ("foreign_identity", "sensors/stranger-1/senml", claims)


# Bytes of MQTT 5, where paho would not say, or refuses to read, what the broker answers.


@contextmanager
def session(broker: BrokerUrl, user: str, password: str) -> Iterator[socket.socket]:
    flags = bytes([5, 0b1100_0010]) + (60).to_bytes(2) + b"\x00"
    body = field("MQTT") + flags + field("") + field(user) + field(password)
    with socket.create_connection((broker.host, broker.port), timeout=20) as raw:
        raw.sendall(b"\x10" + variable_length(len(body)) + body)
        answer = read_packet(raw)
        assert (answer[0], answer[3]) == (0x20, SUCCESS)
        yield raw


def publish_packet(topic: str, payload: bytes, *, mid: int) -> bytes:
    body = field(topic) + mid.to_bytes(2) + b"\x00" + payload
    return b"\x32" + variable_length(len(body)) + body


def read_packet(raw: socket.socket) -> bytes:
    """A packet of less than 128 bytes, whole; b"" where the connection was closed instead."""
    try:
        head = raw.recv(2, socket.MSG_WAITALL)
        return head + raw.recv(head[1], socket.MSG_WAITALL) if len(head) == 2 else b""
    except ConnectionResetError:
        return b""


def field(text: str) -> bytes:
    return len(text).to_bytes(2) + text.encode()


def variable_length(number: int) -> bytes:
    out = bytearray()
    while True:
        number, low = divmod(number, 128)
        out.append(low | (128 if number else 0))
        if not number:
            return bytes(out)
