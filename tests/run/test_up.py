"""`./pantau up` where somebody else takes the port that it has chosen, before its server does."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from server.run.home import CHECKOUT, Home
from server.run.private import PrivateServers
from server.run.said import wait_until
from tests.servers import private_servers


@pytest.fixture
def servers() -> Iterator[PrivateServers]:
    with private_servers("up", durable=False) as servers:
        yield servers


def run(environment: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "server.run", *arguments],
        cwd=CHECKOUT,
        env=environment,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def chosen(home: Home, role: str = "web") -> int:
    return int(home.read("state.json").get("ports", {}).get(role, 0))


@pytest.mark.parametrize("role", ["web", "stream"])
def test_up_moves_on_to_another_port(servers: PrivateServers, role: str) -> None:
    home = Home(servers.home.folder / "up")
    environment = {**servers.variables(), "PANTAU_HOME": str(home.folder)}
    starting = run(environment, "up", "--detach", "--no-demo")
    try:
        assert wait_until(lambda: chosen(home, role) != 0, seconds=60)
        first = chosen(home, role)
        with socket.create_server(("127.0.0.1", first)):
            out, said = starting.communicate(timeout=300)
            assert starting.returncode == 0, said
            assert f"Port {first}, chosen for the {role}, is in use by another process. Beginning again" in said
            assert chosen(home, role) != first
            assert f"http://127.0.0.1:{chosen(home)}/" in out
            told = json.loads(run(environment, "status", "--json").communicate(timeout=60)[0])
            assert (told["ready"], told["url"]) == (True, f"http://127.0.0.1:{chosen(home)}")
    finally:
        starting.kill()
        starting.communicate()
        stopping = run(environment, "down")
        assert stopping.wait(120) == 0, stopping.communicate()
        stopping.communicate()
