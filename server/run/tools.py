"""`./pantau test`, `check` and `bench`: the developer's commands, each in the environment it needs."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from server.run.environment import base_environment
from server.run.home import CHECKOUT, find_home
from server.run.private import PrivateServers
from server.run.said import Failed, say, step

BIN = Path(sys.executable).parent
# The checks import the settings, which want a database's address; nothing may answer there.
NO_DATABASE = "postgres://pantau:unused@127.0.0.1:1/pantau"
# Debian's own, which has PyQGIS; .venv cannot.
SYSTEM_PYTHON = "/usr/bin/python3"
# Of the suite: a worker takes a gigabyte with its servers.
MOST_WORKERS = 4


def test(arguments: list[str]) -> int:
    """Run pytest, all of it in parallel; its plugin tests/servers.py starts a PostGIS and a Mosquitto of each process's own."""
    if "--qgis" in arguments:
        return _test_qgis([argument for argument in arguments if argument != "--qgis"])
    environment = base_environment(os.environ) | {"PANTAU_HOME": str(find_home().folder)}
    if not arguments:
        # The whole suite: a worker for each core, each with servers of its own, a file at a time. As collected, for that ends with
        # small files that need no database. By itself xdist ends with the files of fewest tests, and one of those takes a minute.
        workers = min(len(os.sched_getaffinity(0)), MOST_WORKERS)
        arguments = ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"]
    # As a plugin, since pytest-django reads the settings before any conftest.py is imported.
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.servers", *arguments], cwd=CHECKOUT, env=environment, check=False
    )
    return done.returncode


def _test_qgis(arguments: list[str]) -> int:
    """Run the tests of QGIS, beside a service of their own; pytest's status, which is 5 where no test was run."""
    with step("Starting a PostGIS and a Mosquitto for the tests"):
        servers = PrivateServers("qgis").__enter__()
    try:
        pytest = [SYSTEM_PYTHON, "-m", "pytest", "tests/clients/qgis", *arguments]
        command = [sys.executable, "-m", "tests.clients.service", *pytest]
        return subprocess.run(command, cwd=CHECKOUT, env=servers.variables(), check=False).returncode
    finally:
        servers.close()


def bench(arguments: list[str]) -> int:
    """Run the benchmarks against servers of their own, which are as durable as the real ones."""
    with step("Starting a PostGIS and a Mosquitto for the benchmarks"):
        servers = PrivateServers("bench", durable=True).__enter__()
    try:
        environment = servers.variables()
        with step("Making the tables"):
            _run([sys.executable, "manage.py", "migrate", "--noinput", "--verbosity", "0"], environment)
        return subprocess.run(
            [sys.executable, "-m", "bench", *arguments], cwd=CHECKOUT, env=environment, check=False
        ).returncode
    finally:
        servers.close()


def check() -> int:
    """Every static check, all of them even if one fails; 1 if any did."""
    checks = {
        "ruff check": [str(BIN / "ruff"), "check", "."],
        "ruff format": [str(BIN / "ruff"), "format", "--check", "."],
        "mypy": [str(BIN / "mypy"), "."],
        "import contracts": [
            str(BIN / "python"),
            "-c",
            "from importlinter.cli import lint_imports_command as run; run()",
        ],
        "migrations complete": [
            *(str(BIN / "python"), "-W", "ignore::RuntimeWarning", "manage.py"),
            *("makemigrations", "--check", "--dry-run"),
        ],
        **_compose_check(),
    }
    environment = base_environment(os.environ) | {
        # A name alone, where nothing is read: no server's user need be there to own it.
        "PANTAU_HOME": str(CHECKOUT / ".pantau"),
        "PANTAU_SECRET_KEY": "only-for-the-checks",
        "DATABASE_URL": NO_DATABASE,
    }
    failed = []
    for name, command in checks.items():
        start = time.monotonic()
        done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
        say(f"- {name}: {'ok' if done.returncode == 0 else 'FAILED'} ({time.monotonic() - start:.1f} s)")
        if done.returncode != 0:
            failed.append(name)
            print(done.stdout + done.stderr, flush=True)
    if failed:
        say("Failed: " + ", ".join(failed))
    return 1 if failed else 0


def _compose_check() -> dict[str, list[str]]:
    """`docker compose config`, where there is one; every variable that the file requires gets a dummy."""
    names = [
        line.partition("=")[0] for line in (CHECKOUT / ".env.example").read_text().splitlines() if line[:1].isalpha()
    ]
    dummies = [f"{name}=dummy" for name in names if name.endswith(("_PASSWORD", "_KEY"))]
    for candidate in (["docker-compose"], ["docker", "compose"]):
        program = shutil.which(candidate[0])
        if program and subprocess.run([*candidate, "version"], capture_output=True, check=False).returncode == 0:
            return {"docker-compose config": ["env", *dummies, *candidate, "-f", "docker-compose.yml", "config", "-q"]}
    say("- docker-compose config: skipped, there is no docker compose on this machine")
    return {}


def _run(command: list[str], environment: dict[str, str]) -> None:
    if subprocess.run(command, cwd=CHECKOUT, env=environment, check=False).returncode != 0:
        raise Failed(f"{' '.join(command[1:3])} failed.")
