"""The bash script before Python: its help, and what it says to a user who may not install packages."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import NAMES
from server.run.home import CHECKOUT


@pytest.fixture
def bare_machine() -> Iterator[Path]:
    """A checkout on a machine that has none of the packages, and a sudo that does not permit us."""
    folder = Path(tempfile.mkdtemp(prefix="pantau-script-"))  # not tmp_path: its parents are closed to other users
    for name in ("dpkg-query", "sudo"):
        (folder / name).write_text("#!/bin/sh\nexit 1\n")
        (folder / name).chmod(0o755)
    shutil.copy(CHECKOUT / "pantau", folder)
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def _run(command: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **more)


def test_help_names_every_command() -> None:
    done = _run([str(CHECKOUT / "pantau"), "help"])
    assert done.returncode == 0
    for command in ("up", "down", "status", "logs", "listen", "drill", "test", "check", "bench", "manage", "lock"):
        assert f"\n  {command} " in done.stdout


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize(
    "command", ["up", "down", "status", "logs", "listen", "drill", "test", "check", "bench", "manage", "lock"]
)
def test_help_of_a_command_comes_before_any_set_up_or_setting(bare_machine: Path, command: str, flag: str) -> None:
    environment = {"PATH": f"{bare_machine}:/usr/bin:/bin", "HOME": "/nonexistent"}
    done = _run([str(bare_machine / "pantau"), command, flag], env=environment, cwd="/")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ./pantau ")
    assert sorted(path.name for path in bare_machine.iterdir()) == ["dpkg-query", "pantau", "sudo"]


@pytest.mark.parametrize("command", ["test", "bench"])
def test_help_of_tests_and_benchmarks_starts_no_server_where_all_is_set_up(command: str) -> None:
    done = _run([str(CHECKOUT / "pantau"), command, "--help"], env={"PATH": "/usr/bin:/bin"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: ./pantau {command} ")


def test_help_of_the_benchmarks_names_each() -> None:
    done = _run([str(CHECKOUT / "pantau"), "bench", "--help"])
    assert f"[{' | '.join(NAMES)}]" in done.stdout


def test_unknown_command_is_refused_with_the_help() -> None:
    done = _run([str(CHECKOUT / "pantau"), "launch"])
    assert done.returncode == 2
    assert "usage: ./pantau" in done.stderr


@pytest.mark.skipif(not shutil.which("apt-get"), reason="no Debian")
def test_user_without_sudo_is_told_the_apt_line_and_nothing_is_touched(bare_machine: Path) -> None:
    nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    environment = {"PATH": f"{bare_machine}:/usr/bin:/bin", "HOME": "/nonexistent"}
    done = _run([str(bare_machine / "pantau"), "up"], env=environment, cwd="/", **nobody)
    assert done.returncode == 1
    assert (
        "apt-get update && apt-get install --no-install-recommends ca-certificates curl gdal-bin python3-venv"
        in done.stderr
    )
    assert " mosquitto mosquitto-clients\n" in done.stderr
    assert sorted(path.name for path in bare_machine.iterdir()) == ["dpkg-query", "pantau", "sudo"]


def test_status_before_the_first_set_up_is_json_for_programs(bare_machine: Path) -> None:
    done = _run([str(bare_machine / "pantau"), "status", "--json"])
    assert done.returncode == 1
    assert done.stdout == '{"ready": false, "processes": []}\n'
