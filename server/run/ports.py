"""Ports: free ones are chosen at the first start and remembered, fixed ones are taken from the environment."""

import os
import socket

from server.run.home import Home
from server.run.said import Failed, say

# First candidates. Never the servers' usual ones, 5432 and 1883: a system cluster or broker may want them later.
FIRST = {"web": 8000, "stream": 8500, "database": 54320, "broker": 18830}
VARIABLE = {
    "web": "PANTAU_PORT",
    "stream": "PANTAU_STREAM_PORT",
    "database": "PANTAU_DB_PORT",
    "broker": "PANTAU_MQTT_PORT",
}


class PortTaken(Failed):
    """A port that was chosen by itself is in use by now; another may be chosen."""


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether nothing listens there (connections that linger after a close do not count)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def unused_port() -> int:
    """A port that the kernel gives; for servers that live as long as a test run."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fixed(role: str) -> int | None:
    value = os.environ.get(VARIABLE[role], "").strip()
    if not value:
        return None
    if not value.isdigit() or not 0 < int(value) < 65536:
        raise Failed(f"{VARIABLE[role]} must be a port from 1 to 65535, not {value!r}.")
    return int(value)


def known_port(home: Home, role: str) -> int | None:
    """The port that was fixed or remembered, whether or not anything listens there."""
    remembered = home.read("state.json").get("ports", {}).get(role)
    return fixed(role) or (int(remembered) if remembered else None)


def check_free(role: str, port: int, host: str = "127.0.0.1") -> None:
    """Just before a server starts: the port was free when it was claimed, which may be a minute ago.

    Errors: PortTaken, or Failed where the environment fixes the port.
    """
    if not is_free(port, host):
        raise taken(role, port)


def taken(role: str, port: int) -> Failed:
    if fixed(role):
        return Failed(f"{VARIABLE[role]}={port} is in use by another process.")
    return PortTaken(f"Port {port}, chosen for the {role}, is in use by another process.")


def claim_port(home: Home, role: str, *, running: bool, host: str = "127.0.0.1") -> int:
    """The port to listen on. `running`: our own process listens already, so that the port is in use is as it should be.

    Errors: Failed when a port that the environment fixes is taken.
    """
    state = home.read("state.json")
    ports = state.setdefault("ports", {})
    port = known_port(home, role)
    if running and ports.get(role):
        if port != ports[role]:
            raise Failed(
                f"It runs on port {ports[role]}; to move it to {VARIABLE[role]}={port}: ./pantau down, then up."
            )
        return int(ports[role])
    if port is None or not is_free(port, host):
        if wanted := fixed(role):
            raise taken(role, wanted)
        chosen = next(
            (candidate for candidate in range(FIRST[role], FIRST[role] + 1000) if is_free(candidate, host)), None
        )
        if chosen is None:
            raise Failed(f"No free port from {FIRST[role]} on; set {VARIABLE[role]}.")
        if port is not None:
            say(f"Port {port} is in use by another process now; taking {chosen} for the {role}.")
        port = chosen
    if ports.get(role) != port:
        ports[role] = port
        home.write("state.json", state)
    return port
