"""The broker's address from `MQTT_URL`."""

import ssl
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

import paho.mqtt.client as mqtt


class BadBrokerUrl(ValueError):
    """A sentence on what is wrong with the address; it never holds the password."""


@dataclass(frozen=True, slots=True)
class BrokerUrl:
    host: str
    port: int
    username: str | None
    password: str | None
    has_tls: bool
    ca_file: str | None = None

    def __str__(self) -> str:
        return f"{'mqtts' if self.has_tls else 'mqtt'}://{self.host}:{self.port}"

    def prepare(self, client: mqtt.Client) -> None:
        """Credentials and TLS; the certificate is checked against the system's authorities or against `ca_file`."""
        if self.username is not None:
            client.username_pw_set(self.username, self.password)
        if self.has_tls:
            client.tls_set_context(ssl.create_default_context(cafile=self.ca_file))


def parse_broker_url(text: str) -> BrokerUrl:
    """`mqtt://user:password@host:1883`, or `mqtts://…` for TLS, there with `?ca=FILE` for an authority of one's own."""
    parts = urlsplit(text)
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
        raise BadBrokerUrl("must look like mqtt://user:password@host:1883, or mqtts:// for TLS")
    has_tls = parts.scheme == "mqtts"
    try:
        port = parts.port or (8883 if has_tls else 1883)
    except ValueError:
        raise BadBrokerUrl("has a port that is no number up to 65535") from None
    return BrokerUrl(
        host=parts.hostname,
        port=port,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password is not None else None,
        has_tls=has_tls,
        ca_file=parse_qs(parts.query).get("ca", [None])[0],
    )
