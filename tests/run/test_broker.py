"""The private Mosquitto: who may say and hear what, and credentials that come without a restart."""

import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from server.core import broker_credentials
from server.run.mosquitto import GATEWAY, INGEST, accepts, render
from server.run.private import PrivateServers
from server.run.said import Failed, wait_until
from tests.servers import private_servers

# Written by Debian's `mosquitto_passwd -c -b FILE alice secret`.
ALICE = (
    "alice:$7$101$lzqvghdfdHHykz2i$"
    "nlnctTlYxJDeDUZ4H4ermgBu+E+g/6NYLZToAB2/1/80kivU3/KWnniWNVJa/Cf669OEfOZQerT9osffBDSO8A=="
)
NOT_AUTHORISED = 135


@pytest.fixture(scope="module")
def servers() -> Iterator[PrivateServers]:
    with private_servers("broker", durable=False) as servers:
        broker_credentials.set_devices(servers.broker.credentials, {"aqm-1": "one", "aqm-2": "two"})
        broker_credentials.reload(servers.broker.credentials)
        assert wait_until(lambda: accepts("127.0.0.1", servers.broker.port, "aqm-2", "two"), seconds=10)
        yield servers


class Client:
    """A paho client that keeps what it hears and how its publications were answered."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self.heard: queue.Queue[str] = queue.Queue()
        self.answers: queue.Queue[int] = queue.Queue()
        self.subscribed: queue.Queue[int] = queue.Queue()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.username_pw_set(user, password)
        self.client.on_message = lambda _c, _u, message: self.heard.put(message.topic)
        self.client.on_publish = lambda _c, _u, _mid, reason, _p: self.answers.put(reason.value)
        self.client.on_subscribe = lambda _c, _u, _mid, reasons, _p: self.subscribed.put(reasons[0].value)
        self.client.connect("127.0.0.1", port, properties=Properties(PacketTypes.CONNECT))
        self.client.loop_start()

    def publish(self, topic: str) -> int:
        """The broker's reason code: below 128 it was taken."""
        self.client.publish(topic, b"1", qos=1)
        return self.answers.get(timeout=10)

    def subscribe(self, topic: str) -> int:
        self.client.subscribe(topic, qos=1)
        return self.subscribed.get(timeout=10)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def connect(servers: PrivateServers) -> Iterator[Any]:
    made: list[Client] = []

    def connect(user: str, password: str) -> Client:
        made.append(Client(servers.broker.port, user, password))
        return made[-1]

    yield connect
    for client in made:
        client.close()


def test_device_writes_below_its_own_name_only(connect: Any) -> None:
    device = connect("aqm-1", "one")
    assert device.publish("sensors/aqm-1/pm25") < 128
    assert device.publish("sensors/aqm-1") < 128
    assert device.publish("sensors/aqm-2/pm25") == NOT_AUTHORISED
    assert device.publish("sensors/aqm-10/pm25") == NOT_AUTHORISED
    assert device.publish("elsewhere") == NOT_AUTHORISED


@pytest.mark.parametrize("topic", ["sensors/#", "$share/ingest/sensors/#"])
def test_ingest_user_hears_every_device_alone_and_in_a_shared_subscription(
    servers: PrivateServers, connect: Any, topic: str
) -> None:
    ingest = connect(INGEST, servers.broker.ingest_password)
    assert ingest.subscribe(topic) < 128
    connect("aqm-2", "two").publish("sensors/aqm-2/no2")
    assert ingest.heard.get(timeout=10) == "sensors/aqm-2/no2"


def test_device_hears_nothing_not_even_in_a_shared_subscription(servers: PrivateServers, connect: Any) -> None:
    nosy, ingest = connect("aqm-1", "one"), connect(INGEST, servers.broker.ingest_password)
    nosy.subscribe("sensors/#")
    nosy.subscribe("$share/nosy/sensors/#")
    ingest.subscribe("sensors/#")
    connect("aqm-2", "two").publish("sensors/aqm-2/pm25")
    assert ingest.heard.get(timeout=10) == "sensors/aqm-2/pm25"
    assert nosy.heard.empty()


def test_gateway_speaks_for_any_device(servers: PrivateServers, connect: Any) -> None:
    assert connect(GATEWAY, servers.broker.gateway_password).publish("sensors/aqm-2/pm25") < 128


def test_nobody_is_let_in_without_a_password(servers: PrivateServers) -> None:
    assert not accepts("127.0.0.1", servers.broker.port, "", "")
    assert not accepts("127.0.0.1", servers.broker.port, "aqm-1", "two")


def test_new_device_gets_in_without_a_restart(servers: PrivateServers) -> None:
    folder, pid = servers.broker.credentials, servers.mosquitto.process
    assert not accepts("127.0.0.1", servers.broker.port, "new", "three")
    assert broker_credentials.set_devices(folder, {"new": "three"})
    assert broker_credentials.reload(folder)
    assert wait_until(lambda: accepts("127.0.0.1", servers.broker.port, "new", "three"), seconds=10)
    assert servers.mosquitto.process is pid
    assert accepts("127.0.0.1", servers.broker.port, "aqm-1", "one")
    assert not broker_credentials.set_devices(folder, {"new": "three"})


def test_password_line_is_what_mosquitto_writes() -> None:
    assert broker_credentials.line_matches(ALICE, "secret")
    assert not broker_credentials.line_matches(ALICE, "Secret")
    assert not broker_credentials.line_matches("alice:secret", "secret")


@pytest.mark.parametrize("name", ["", "a:b", "a/b", "a+", "#", "a\nb"])
def test_user_name_that_a_topic_or_the_file_could_misread_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="user name"):
        broker_credentials.password_line(name, "x")


def test_plain_passwords_are_the_owners_only(tmp_path: Path) -> None:
    broker_credentials.set_devices(tmp_path, {"a": "1"})
    broker_credentials.set_devices(tmp_path, {"b": "2"})
    assert broker_credentials.devices(tmp_path) == {"a": "1", "b": "2"}
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert len((tmp_path / "passwords").read_text().splitlines()) == 2


def test_stale_pid_file_tells_nobody_to_reload(tmp_path: Path) -> None:
    (tmp_path / "mosquitto.pid").write_text("1\n")
    assert not broker_credentials.reload(tmp_path)


def test_path_with_a_line_break_cannot_reach_the_configuration() -> None:
    with pytest.raises(Failed, match="line break"):
        render("persistence_location @DATA@", {"DATA": "/a\nb"})
