"""The private Mosquitto: who may say and hear what, and credentials that come without a restart."""

import queue
import shutil
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from server.core import broker_credentials
from server.run.broker_tls import BrokerTls, tls_from_environment
from server.run.mosquitto import GATEWAY, INGEST, accepts, render
from server.run.ports import unused_port
from server.run.private import PrivateServers
from server.run.said import Failed, wait_until
from tests.certificates import make_certificate
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

    def __init__(
        self, port: int, user: str, password: str, *, tls: tuple[str, str | None, str | None] | None = None
    ) -> None:
        self.connects = 0
        self.heard: queue.Queue[str] = queue.Queue()
        self.answers: queue.Queue[int] = queue.Queue()
        self.subscribed: queue.Queue[int] = queue.Queue()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        if user:
            self.client.username_pw_set(user, password)
        if tls:
            self.client.tls_set(*tls)
        self.client.on_connect = self._connected
        self.client.on_message = lambda _c, _u, message: self.heard.put(message.topic)
        self.client.on_publish = lambda _c, _u, _mid, reason, _p: self.answers.put(reason.value)
        self.client.on_subscribe = lambda _c, _u, _mid, reasons, _p: self.subscribed.put(reasons[0].value)
        self.client.connect("127.0.0.1", port, properties=Properties(PacketTypes.CONNECT))
        self.client.loop_start()

    def _connected(self, *_: Any) -> None:
        self.connects += 1

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


def with_tls(servers: PrivateServers, tls: BrokerTls) -> None:
    """The broker begins anew with this listener."""
    servers.mosquitto.stop()
    servers.broker = replace(servers.broker, tls=tls)
    servers.broker.prepare()
    servers.mosquitto.start()
    assert servers.broker.wait_ready()


@pytest.fixture
def certificate(tmp_path: Path) -> BrokerTls:
    make_certificate(tmp_path, name="127.0.0.1", alternative="IP:127.0.0.1")
    return BrokerTls(tmp_path / "cert.pem", tmp_path / "key.pem", unused_port())


def over_tls(tls: BrokerTls, user: str = "", password: str = "", *, client: Path | None = None) -> Client:
    own = (str(client / "cert.pem"), str(client / "key.pem")) if client else (None, None)
    return Client(tls.port, user, password, tls=(str(tls.certificate), *own))


needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")


@needs_openssl
def test_with_a_certificate_devices_come_in_over_tls_and_their_passwords_hold_there(
    servers: PrivateServers, certificate: BrokerTls
) -> None:
    with_tls(servers, certificate)
    assert accepts("127.0.0.1", servers.broker.port, "aqm-1", "one")
    assert not accepts("127.0.0.1", certificate.port, "aqm-1", "one")
    device = over_tls(certificate, "aqm-1", "one")
    assert device.publish("sensors/aqm-1/pm25") < 128
    assert device.publish("sensors/aqm-2/pm25") == NOT_AUTHORISED
    device.close()
    assert (servers.broker.home.broker / "config" / "tls-key.pem").stat().st_mode & 0o777 == 0o600


@needs_openssl
def test_renewed_certificate_is_shown_to_whoever_comes_and_those_who_are_there_stay(
    servers: PrivateServers, certificate: BrokerTls
) -> None:
    with_tls(servers, certificate)
    device = over_tls(certificate, "aqm-1", "one")
    assert device.publish("sensors/aqm-1/pm25") < 128
    before = ssl.get_server_certificate(("127.0.0.1", certificate.port))
    assert not servers.broker.renew_certificate()
    make_certificate(certificate.certificate.parent, name="127.0.0.1", alternative="IP:127.0.0.1")
    assert servers.broker.renew_certificate()
    renewed = certificate.certificate.read_text()
    assert wait_until(lambda: ssl.get_server_certificate(("127.0.0.1", certificate.port)) == renewed, seconds=10)
    assert before != renewed
    assert device.publish("sensors/aqm-1/pm25") < 128
    assert device.connects == 1
    device.close()


@needs_openssl
def test_running_broker_that_is_given_a_first_certificate_is_known_to_show_none(
    servers: PrivateServers, certificate: BrokerTls
) -> None:
    with_tls(servers, certificate)
    assert not servers.broker.has_other_settings()
    make_certificate(certificate.certificate.parent, name="127.0.0.1", alternative="IP:127.0.0.1")
    assert not servers.broker.has_other_settings()
    for other in (None, replace(certificate, bind="0.0.0.0")):
        assert replace(servers.broker, tls=other).has_other_settings()


@needs_openssl
def test_with_an_authority_for_clients_a_device_is_whom_its_certificate_names(
    servers: PrivateServers, certificate: BrokerTls, tmp_path: Path
) -> None:
    client = tmp_path / "client"
    client.mkdir()
    make_certificate(client, name="aqm-1", alternative="DNS:aqm-1")
    tls = replace(certificate, client_ca=client / "cert.pem")
    with_tls(servers, tls)
    # The password is not asked for; a name that is given is not believed.
    device = over_tls(tls, "aqm-2", "two", client=client)
    assert device.publish("sensors/aqm-1/pm25") < 128
    assert device.publish("sensors/aqm-2/pm25") == NOT_AUTHORISED
    device.close()


@needs_openssl
def test_certificate_that_the_broker_could_not_use_is_a_sentence_that_names_the_variable(
    certificate: BrokerTls, tmp_path: Path
) -> None:
    certificate.check()
    with pytest.raises(Failed, match=r"PANTAU_MQTT_TLS_CERT: .*nowhere\.pem cannot be read: No such file"):
        replace(certificate, certificate=tmp_path / "nowhere.pem").check()
    with pytest.raises(Failed, match=r"PANTAU_MQTT_TLS_CLIENT_CA: .*nowhere\.pem cannot be read"):
        replace(certificate, client_ca=tmp_path / "nowhere.pem").check()
    other = tmp_path / "other"
    other.mkdir()
    make_certificate(other, name="x", alternative="DNS:x")
    with pytest.raises(Failed, match="PANTAU_MQTT_TLS_CERT and PANTAU_MQTT_TLS_KEY are no certificate"):
        replace(certificate, key=other / "key.pem").check()
    with pytest.raises(Failed, match="PANTAU_MQTT_TLS_CLIENT_CA is no certificate"):
        replace(certificate, client_ca=certificate.key).check()


def test_a_certificate_without_its_key_and_a_port_that_is_none_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CERT", "KEY", "CLIENT_CA", "PORT", "BIND"):
        monkeypatch.delenv(f"PANTAU_MQTT_TLS_{name}", raising=False)
    assert tls_from_environment() is None
    monkeypatch.setenv("PANTAU_MQTT_TLS_CERT", "/a/cert.pem")
    with pytest.raises(Failed, match="PANTAU_MQTT_TLS_CERT and PANTAU_MQTT_TLS_KEY must be set together"):
        tls_from_environment()
    monkeypatch.setenv("PANTAU_MQTT_TLS_KEY", "/a/key.pem")
    assert tls_from_environment() == BrokerTls(Path("/a/cert.pem"), Path("/a/key.pem"), 8883, "127.0.0.1")
    monkeypatch.setenv("PANTAU_MQTT_TLS_PORT", "mqtts")
    with pytest.raises(Failed, match="PANTAU_MQTT_TLS_PORT must be a port"):
        tls_from_environment()
