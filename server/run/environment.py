"""The environment of every process of one home: the same variables as in .env.example, from the home's ports and secrets."""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from server.core.installation import installation_mark
from server.run.broker_tls import tls_from_environment
from server.run.home import Home
from server.run.mosquitto import Broker
from server.run.ports import FIRST, known_port
from server.run.postgres import Cluster

LOCALE = "C.UTF-8"


@dataclass(frozen=True)
class Installation:
    """What runs in a home: its own servers, or those that the environment names instead."""

    home: Home
    web_port: int
    stream_port: int
    cluster: Cluster | None
    broker: Broker | None

    @property
    def bind(self) -> str:
        return os.environ.get("PANTAU_BIND", "").strip() or "127.0.0.1"

    @property
    def url(self) -> str:
        """Where this machine finds the page."""
        host = "127.0.0.1" if self.bind == "0.0.0.0" else self.bind
        return f"http://{host}:{self.web_port}"

    @property
    def stream_url(self) -> str:
        """Where this machine finds the live stream."""
        host = "127.0.0.1" if self.bind == "0.0.0.0" else self.bind
        return f"http://{host}:{self.stream_port}"

    @property
    def mark(self) -> str:
        """What the servers' health pages say where it is ours that answer."""
        return installation_mark(self.home.secrets()["instance"])

    @property
    def dsn(self) -> str:
        return self.cluster.dsn if self.cluster else os.environ["DATABASE_URL"]

    @property
    def database_mark(self) -> str:
        """Names the database in stamps, without its password."""
        return (
            hashlib.sha256(re.sub(r"//[^@/]*@", "//", self.dsn).encode()).hexdigest()[:12]
            if not self.cluster
            else "own"
        )

    def variables(self) -> dict[str, str]:
        """The whole environment of a process."""
        secrets = self.home.secrets()
        out = base_environment(os.environ)
        out["PANTAU_HOME"] = str(self.home.folder)
        out.setdefault("PANTAU_SECRET_KEY", secrets["secret_key"])
        out["PANTAU_ADMIN_PASSWORD"] = admin_password(self.home)
        out["PANTAU_PORT"] = str(self.web_port)
        out["PANTAU_STREAM_PORT"] = str(self.stream_port)
        out["DATABASE_URL"] = self.dsn
        if self.broker:
            out["MQTT_URL"] = self.broker.url
            out["MQTT_GATEWAY_URL"] = self.broker.gateway_url
            out["PANTAU_BROKER_DIR"] = str(self.broker.credentials)
        return out


def base_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without what would lead our processes astray: PG*, PYTHON* and a foreign locale."""
    out = {name: value for name, value in inherited.items() if not re.match(r"PG[A-Z]+$|PYTHON|LC_|LANG", name)}
    out["LANG"] = out["LC_ALL"] = LOCALE
    out["PYTHONUNBUFFERED"] = "1"
    out["DJANGO_SETTINGS_MODULE"] = "server.settings"
    out["PATH"] = ":".join(
        dict.fromkeys([*filter(None, out.get("PATH", "").split(":")), "/usr/sbin", "/usr/bin", "/sbin", "/bin"])
    )
    return {
        name: value for name, value in out.items() if value or not name.startswith(("PANTAU_", "DATABASE_", "MQTT_"))
    }


def admin_password(home: Home) -> str:
    return os.environ.get("PANTAU_ADMIN_PASSWORD", "").strip() or home.secrets()["admin_password"]


def wants_own_database() -> bool:
    return not os.environ.get("DATABASE_URL", "").strip()


def wants_own_broker() -> bool:
    return not os.environ.get("MQTT_URL", "").strip()


def installation(home: Home, *, web: int, stream: int, database: int | None, broker: int | None) -> Installation:
    """The installation on these ports; a server that the environment names instead has none."""
    secrets = home.secrets()
    return Installation(
        home=home,
        web_port=web,
        stream_port=stream,
        cluster=Cluster(home, database, secrets["database_password"], secrets["gis_password"]) if database else None,
        broker=Broker(
            home,
            broker,
            secrets["ingest_password"],
            secrets["gateway_password"],
            os.environ.get("PANTAU_MQTT_BIND", "").strip() or "127.0.0.1",
            tls_from_environment(),
        )
        if broker
        else None,
    )


def known_installation(home: Home) -> Installation | None:
    """What an earlier `up` has chosen; None if there was none. One of before the stream gets its port by the next `up`."""
    web, stream, database, broker = (known_port(home, role) for role in ("web", "stream", "database", "broker"))
    if not web or (wants_own_database() and not database) or (wants_own_broker() and not broker):
        return None
    return installation(
        home,
        web=web,
        stream=stream or FIRST["stream"],
        database=database if wants_own_database() else None,
        broker=broker if wants_own_broker() else None,
    )
