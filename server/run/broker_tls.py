"""The broker's certificate: looked at before it is used, and copied to where the broker's user alone can read its key."""

import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from server.run.said import Failed

CERT, KEY, PORT, BIND, CLIENT_CA = (
    "PANTAU_MQTT_TLS_CERT",
    "PANTAU_MQTT_TLS_KEY",
    "PANTAU_MQTT_TLS_PORT",
    "PANTAU_MQTT_TLS_BIND",
    "PANTAU_MQTT_TLS_CLIENT_CA",
)
# What the broker reads, by the names that they have beside its configuration.
COPIES = {"certificate": "tls-cert.pem", "key": "tls-key.pem", "client_ca": "tls-client-ca.pem"}


@dataclass(frozen=True)
class BrokerTls:
    """A second listener, for devices from elsewhere. With `client_ca` it takes devices by their certificates alone, each as what
    its common name says; passwords open the other listener still."""

    certificate: Path
    key: Path
    port: int = 8883
    bind: str = "127.0.0.1"
    client_ca: Path | None = None

    def check(self) -> None:
        """Errors: Failed, with a sentence that names the variable, where the broker could not use them."""
        named = {CERT: self.certificate, KEY: self.key, CLIENT_CA: self.client_ca}
        for name, path in named.items():
            if path is None:
                continue
            try:
                path.read_bytes()
            except OSError as error:
                raise Failed(f"{name}: {path} cannot be read: {error.strerror}.") from None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # Without a password there is nobody to ask for one.
            context.load_cert_chain(self.certificate, self.key, password="")
        except (ssl.SSLError, ValueError) as error:
            raise Failed(f"{CERT} and {KEY} are no certificate in PEM with its unencrypted key: {error}.") from None
        if self.client_ca is not None:
            try:
                context.load_verify_locations(self.client_ca)
            except ssl.SSLError as error:
                raise Failed(f"{CLIENT_CA} is no certificate in PEM: {error}.") from None

    def place(self, folder: Path, give: Callable[[Path], None]) -> bool:
        """Copies them into this folder, for its owner; True if one of them is another than before. Errors: Failed."""
        self.check()
        has_changed = False
        for name, copy in COPIES.items():
            source: Path | None = getattr(self, name)
            if source is None:
                continue
            content, target = source.read_bytes(), folder / copy
            if not target.exists() or target.read_bytes() != content:
                has_changed = True
                _write_private(target, content, give)
        return has_changed

    def listener(self, folder: Path) -> str:
        """Lines for the end of Mosquitto's configuration."""
        lines = [
            "",
            "# With certificates.",
            f"listener {self.port} {self.bind}",
            f"certfile {folder / COPIES['certificate']}",
            f"keyfile {folder / COPIES['key']}",
        ]
        if self.client_ca is not None:
            lines += [
                f"cafile {folder / COPIES['client_ca']}",
                "require_certificate true",
                "use_identity_as_username true",
            ]
        return "\n".join(lines) + "\n"


def tls_from_environment() -> BrokerTls | None:
    """Errors: Failed where one is set and not the other."""
    cert, key, client_ca = (os.environ.get(name, "").strip() for name in (CERT, KEY, CLIENT_CA))
    if not cert and not key and not client_ca:
        return None
    if not cert or not key:
        raise Failed(f"{CERT} and {KEY} must be set together.")
    port = os.environ.get(PORT, "").strip() or "8883"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise Failed(f"{PORT} must be a port from 1 to 65535, not {port!r}.")
    bind = os.environ.get(BIND, "").strip() or "127.0.0.1"
    return BrokerTls(Path(cert), Path(key), int(port), bind, Path(client_ca) if client_ca else None)


def _write_private(target: Path, content: bytes, give: Callable[[Path], None]) -> None:
    draft = target.with_name(f".{target.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    give(draft)
    draft.replace(target)
