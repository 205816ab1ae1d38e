"""The private Mosquitto: its configuration from the project's template, its credentials, and whether it answers.

Its folder holds `config/` (written at each start), `data/` (its queue) and `credentials/`, which is PANTAU_BROKER_DIR:
its format is described in server/core/broker_credentials.py.
"""

import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from server.core import broker_credentials
from server.run.broker_tls import BrokerTls
from server.run.home import Home
from server.run.said import Failed, wait_until

HERE = Path(__file__).parent
INGEST = "pantau.ingest"
GATEWAY = "pantau.gateway"
CONNACK_ACCEPTED = b"\x20\x02\x00\x00"


@dataclass(frozen=True)
class Broker:
    """A Mosquitto in home.broker, listening on bind:port, with Pantau's two users."""

    home: Home
    port: int
    ingest_password: str
    gateway_password: str
    bind: str = "127.0.0.1"
    tls: BrokerTls | None = None

    @property
    def credentials(self) -> Path:
        return self.home.broker / "credentials"

    @property
    def _config(self) -> Path:
        return self.home.broker / "config"

    @property
    def _data(self) -> Path:
        return self.home.broker / "data"

    @property
    def url(self) -> str:
        """The ingest worker's MQTT_URL."""
        return f"mqtt://{INGEST}:{self.ingest_password}@{self.host}:{self.port}"

    @property
    def gateway_url(self) -> str:
        return f"mqtt://{GATEWAY}:{self.gateway_password}@{self.host}:{self.port}"

    @property
    def host(self) -> str:
        """Where a client on this machine finds it."""
        return "127.0.0.1" if self.bind in {"0.0.0.0", ""} else self.bind

    @property
    def command(self) -> list[str]:
        return [_program(), "-c", str(self.home.broker / "config" / "mosquitto.conf")]

    def prepare(self) -> None:
        """Write the configuration and the two users' passwords; devices' credentials stay as they are."""
        for folder in (self._config, self._data, self.credentials):
            folder.mkdir(exist_ok=True, mode=0o700)
            self._give(folder)
        broker_credentials.write_access_list(self.credentials)
        if self.tls:
            self.tls.place(self._config, self._give)
        file = self._config / "mosquitto.conf"
        file.write_text(self._configuration())
        file.chmod(0o600)
        self._give(file)
        (self.credentials / "mosquitto.pid").unlink(missing_ok=True)
        self.set_passwords()

    def _configuration(self) -> str:
        values = {
            "PORT": str(self.port),
            "BIND": self.bind,
            "CREDENTIALS": str(self.credentials),
            "ACL": str(self.credentials / "acl"),
            "DATA": str(self._data),
            "PID_FILE": f"pid_file {self.credentials / 'mosquitto.pid'}",
        }
        configuration = render((HERE / "mosquitto.conf.template").read_text(), values)
        return configuration + self.tls.listener(self._config) if self.tls else configuration

    def has_other_settings(self) -> bool:
        """Whether it was started with another configuration than it would be started with now."""
        file = self._config / "mosquitto.conf"
        return not file.exists() or file.read_text() != self._configuration()

    def renew_certificate(self) -> bool:
        """Hand a running broker the certificate as it is now, if it is another: no connection ends by it. Errors: Failed."""
        has_changed = self.tls is not None and self.tls.place(self._config, self._give)
        return has_changed and broker_credentials.reload(self.credentials)

    def set_passwords(self) -> None:
        passwords = {INGEST: self.ingest_password, GATEWAY: self.gateway_password}
        broker_credentials.set_passwords(self.credentials, passwords)

    def is_ready(self) -> bool:
        """Whether it accepts the ingest user: then it is our broker, with our credentials, and not a stranger's."""
        return accepts(self.host, self.port, INGEST, self.ingest_password)

    def wait_ready(self, seconds: float = 30) -> bool:
        return wait_until(self.is_ready, seconds=seconds)

    def _give(self, path: Path) -> None:
        if os.geteuid() == 0:
            owner = self.home.broker.stat()
            os.chown(path, owner.st_uid, owner.st_gid)


def render(template: str, values: dict[str, str]) -> str:
    """Fill in the template's @NAMES@. Errors: Failed for a path that the file's format cannot hold."""
    for name, value in values.items():
        if "\n" in value:
            raise Failed(f"Mosquitto's configuration cannot hold a path with a line break: {value!r}")
        template = template.replace(f"@{name}@", value)
    return template


def accepts(host: str, port: int, user: str, password: str, *, seconds: float = 2) -> bool:
    """Whether a broker there accepts this user: one CONNECT of MQTT 3.1.1 with an empty client id, then goodbye."""
    body = _field("MQTT") + bytes([4, 0b1100_0010]) + (10).to_bytes(2) + _field("") + _field(user) + _field(password)
    try:
        with socket.create_connection((host, port), timeout=seconds) as connection:
            connection.sendall(b"\x10" + _length(len(body)) + body)
            answer = connection.recv(4)
            connection.sendall(b"\xe0\x00")
    except OSError:
        return False
    return answer == CONNACK_ACCEPTED


def _field(text: str) -> bytes:
    return len(text.encode()).to_bytes(2) + text.encode()


def _length(number: int) -> bytes:
    """MQTT's variable byte integer: seven bits a byte, the highest bit says that another follows."""
    out = bytearray()
    while True:
        number, low = divmod(number, 128)
        out.append(low | (128 if number else 0))
        if not number:
            return bytes(out)


def _program() -> str:
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if not found:
        raise Failed("Mosquitto is not installed (Debian: mosquitto).")
    return found
