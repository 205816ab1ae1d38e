"""`./pantau status` where not all runs as it should."""

import json
from pathlib import Path

import pytest

from server.run.home import Home
from server.run.ports import unused_port
from server.run.status import status
from server.run.supervision import Supervisor


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that `up` has chosen ports in, and in which nothing runs: as after `down`."""
    home = Home(tmp_path)
    home.make_folders()
    ports = {role: unused_port() for role in ("web", "database", "broker")}
    home.write("state.json", {"ports": ports, "expected": ["postgres", "mosquitto"]})
    home.secrets()
    return home


def test_after_down_every_process_is_stopped(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(home, form="table") == 1
    assert capsys.readouterr().out.splitlines()[:2] == ["postgres   STOPPED", "mosquitto  STOPPED"]


@pytest.mark.parametrize("state", ["STOPPED", "STARTING", "BACKOFF", "EXITED", "FATAL"])
def test_a_process_without_a_pid_is_shown_by_its_state_beside_one_that_runs(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    # A day and a minute: 86,460 s.
    postgres = {"statename": "RUNNING", "pid": 4711, "start": 1_800_000_000, "now": 1_800_086_460}
    mosquitto = {"statename": state, "pid": 0, "start": 0, "now": 1_800_086_460}
    home.sockets.joinpath("supervisor.sock").touch()
    monkeypatch.setattr(Supervisor, "states", lambda self: {"postgres": postgres, "mosquitto": mosquitto})
    assert status(home, form="table") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["postgres   RUNNING   pid 4711     1 d 00:01:00", f"mosquitto  {state}"]


def test_a_stopped_process_has_no_pid_for_programs(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(home, form="json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["ready"] is False
    assert told["processes"][0] == {"name": "postgres", "state": "STOPPED", "pid": None, "uptime_s": 0}
