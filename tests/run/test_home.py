"""PANTAU_HOME: secrets, sockets, ports, and the knowledge of which processes are ours."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.run import owned
from server.run.home import Home
from server.run.ports import claim_port, is_free
from server.run.said import Failed, wait_until


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_secrets_are_made_once_and_only_the_owner_reads_them(home: Home) -> None:
    first = home.secrets()
    assert home.secrets() == first
    assert len(set(first.values())) == len(first)
    assert (home.folder / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_sockets_of_a_deep_checkout_lie_where_their_path_fits(tmp_path: Path) -> None:
    shallow, deep = Home(Path("/srv/pantau/.pantau")), Home(Path("/srv") / ("x" * 60) / ("y" * 60) / ".pantau")
    assert shallow.sockets == Path("/srv/pantau/.pantau/run")
    assert deep.folder not in deep.sockets.parents
    assert len(str(deep.sockets / ".s.PGSQL.54320")) < 100


def test_state_that_is_not_json_is_told_with_its_path(home: Home) -> None:
    (home.folder / "state.json").write_text("{")
    with pytest.raises(Failed, match=r"state\.json"):
        home.read("state.json")


def test_port_is_chosen_once_and_remembered(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PANTAU_PORT", raising=False)
    port = claim_port(home, "web", running=False)
    with socket.create_server(("127.0.0.1", port)):
        assert claim_port(home, "web", running=True) == port
    assert claim_port(home, "web", running=False) == port


def test_remembered_port_that_a_stranger_took_is_given_up(
    home: Home, listening: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PANTAU_PORT", raising=False)
    home.write("state.json", {"ports": {"web": listening}})
    assert claim_port(home, "web", running=False) != listening


def test_fixed_port_that_is_in_use_is_a_sentence(home: Home, listening: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTAU_PORT", str(listening))
    assert not is_free(listening)
    with pytest.raises(Failed, match=f"PANTAU_PORT={listening} is in use"):
        claim_port(home, "web", running=False)


def test_port_that_is_no_number_is_a_sentence(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTAU_MQTT_PORT", "mqtt")
    with pytest.raises(Failed, match="PANTAU_MQTT_PORT"):
        claim_port(home, "broker", running=False)


def _sleeper(mark: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, owned.MARK: mark}
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environment)
    wanted = f"{owned.MARK}={mark}".encode()
    # Until exec, the child shows its parent's environment.
    assert wait_until(lambda: wanted in Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0"), seconds=10)
    return process


def test_only_processes_with_our_mark_are_found_and_stopped(tmp_path: Path) -> None:
    ours, strangers = _sleeper("ours-1"), _sleeper("ours-10")
    try:
        found = owned.find("ours-1", tmp_path)
        assert [process.pid for process in found] == [ours.pid]
        owned.stop_all(found)
        assert ours.wait(10) == -signal.SIGTERM
        assert strangers.poll() is None
    finally:
        for process in (ours, strangers):
            process.kill()
            process.communicate()


def test_pid_that_was_given_to_another_process_is_left_alone() -> None:
    stranger = _sleeper("nobody")
    try:
        seen = owned.look_at(stranger.pid)
        assert seen is not None
        earlier = owned.Process(seen.pid, seen.started - 1, seen.command)
        assert not earlier.is_alive()
        earlier.send(signal.SIGKILL)
        assert seen.is_alive()
    finally:
        stranger.kill()
        stranger.communicate()
