"""`./pantau up` and `down`: bring every process up in order, wait until it is really ready, and take it down again."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from server.run import owned
from server.run.environment import Installation, installation, wants_own_broker, wants_own_database
from server.run.home import CHECKOUT, Home
from server.run.mosquitto import Broker
from server.run.ports import PortTaken, check_free, claim_port, taken
from server.run.processes import GUNICORN, PROCESSES, UVICORN
from server.run.said import Failed, last_lines, say, step, wait_until
from server.run.status import print_summary, readiness, stream_readiness, taken_by_another
from server.run.supervision import RUNNING, Supervisor

# Source maps and development builds of the npm packages: 18 MB that no page asks for.
NOT_SERVED = ("--ignore", "*.map", "--ignore", "*-dev.*")


def up(home: Home, *, detach: bool, demo: bool) -> int:
    """Idempotent: starts what does not run, and leaves alone what does."""
    os.umask(0o077)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    home.make_folders()
    with only_one(home):
        supervisor = Supervisor(home, home.secrets()["instance"])
        was_running = supervisor.is_running()
        try:
            here = _bring_up_somewhere(home, supervisor, demo=demo, was_running=was_running)
        except KeyboardInterrupt:
            return 130
    print_summary(here)
    if was_running or detach:
        return 0
    say("\nCtrl-C stops all of it.")
    return _stay(home, supervisor)


def down(home: Home) -> int:
    """Stop everything of this home, orphans of a crash included."""
    if not (home.folder / "secrets.json").exists():
        say("Nothing has been started here yet.")
        return 0
    home.make_folders()
    with only_one(home):
        supervisor = Supervisor(home, home.secrets()["instance"])
        if not supervisor.leftovers():
            say("Nothing is running.")
            return 0
        with step("Stopping all processes"):
            supervisor.stop()
        if supervisor.leftovers():
            raise Failed(
                "These do not end: " + ", ".join(f"{left.pid} {left.command[:60]}" for left in supervisor.leftovers())
            )
    return 0


@contextmanager
def only_one(home: Home) -> Iterator[None]:
    """One up or down at a time in a home; a second one waits."""
    with (home.folder / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another ./pantau is at work in this folder; waiting for it ...")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _bring_up_somewhere(
    home: Home, supervisor: Supervisor, *, demo: bool, was_running: bool, attempts: int = 4
) -> Installation:
    """Between the choice of a port and the start of its server somebody else may take it: then all of it moves on."""
    try:
        return _bring_up(home, supervisor, demo=demo, was_running=was_running)
    except BaseException as error:
        is_taken = isinstance(error, PortTaken)
        if was_running:
            if is_taken:
                raise Failed(f"{error} Another is taken after ./pantau down, then up.") from error
            raise
        say("Stopping what was started ...")
        supervisor.stop()
        if attempts == 1 or not is_taken:
            raise
        say(f"{error} Beginning again with another.")
    return _bring_up_somewhere(home, supervisor, demo=demo, was_running=False, attempts=attempts - 1)


def _bring_up(home: Home, supervisor: Supervisor, *, demo: bool, was_running: bool) -> Installation:
    if not was_running and supervisor.leftovers():
        with step("Stopping what an earlier run left behind"):
            owned.stop_all(supervisor.leftovers())
    _keep_admin_password(home)
    here = _claim(home, running=was_running)
    if not was_running:
        _prepare_servers(here)
        supervisor.start(_commands(here), here.variables())
    elif here.broker:
        _renew(here.broker)
    _start_servers(here, supervisor)
    states = supervisor.states()
    if states["web"]["statename"] != RUNNING:
        _check_free(states["web"], "web", here.web_port, here.bind)
        _prepare_application(here)
        _check_free(states["web"], "web", here.web_port, here.bind)
    _check_free(states["live"], "stream", here.stream_port, here.bind)
    wanted = [process.name for process in PROCESSES if process.name in states and (demo or not process.is_demo)]
    _remember_expected(home, wanted)
    simulated = [process.name for process in PROCESSES if process.is_demo and process.name in wanted]
    _start(supervisor, [name for name in wanted if name not in simulated])
    _wait_ready(here)
    if simulated and states["simulate"]["statename"] != RUNNING:
        _load_demo(here)
    _start(supervisor, simulated)
    return here


def _renew(broker: Broker) -> None:
    """A broker that runs takes another certificate, and nothing else. Errors: Failed."""
    if broker.tls:
        broker.tls.check()
    if broker.has_other_settings():
        say("- The broker runs on with the settings that it was started with; others are taken after ./pantau down.")
    elif broker.renew_certificate():
        say("- The broker has read its renewed certificate.")


def _claim(home: Home, *, running: bool) -> Installation:
    bind = os.environ.get("PANTAU_BIND", "").strip() or "127.0.0.1"
    mqtt_bind = os.environ.get("PANTAU_MQTT_BIND", "").strip() or "127.0.0.1"
    return installation(
        home,
        web=claim_port(home, "web", running=running, host=bind),
        stream=claim_port(home, "stream", running=running, host=bind),
        database=claim_port(home, "database", running=running) if wants_own_database() else None,
        broker=claim_port(home, "broker", running=running, host=mqtt_bind) if wants_own_broker() else None,
    )


def _commands(here: Installation) -> dict[str, list[str]]:
    """What supervisor runs: the servers of this installation, and our interpreter for the rest."""
    out = {}
    if here.cluster:
        out["postgres"] = here.cluster.command
    if here.broker:
        out["mosquitto"] = here.broker.command
    for process in PROCESSES:
        if process.python:
            out[process.name] = [sys.executable, *process.python, *_address(here, process.python)]
    return out


def _address(here: Installation, python: tuple[str, ...]) -> list[str]:
    """Where the two that serve HTTP listen."""
    if python is GUNICORN:
        return ["--bind", f"{here.bind}:{here.web_port}"]
    return ["--host", here.bind, "--port", str(here.stream_port)] if python is UVICORN else []


def _prepare_servers(here: Installation) -> None:
    if here.cluster:
        title = "Preparing PostgreSQL" if (here.cluster.data / "PG_VERSION").exists() else "Making a PostgreSQL cluster"
        with step(f"{title} in {here.cluster.data}"):
            here.cluster.prepare()
    if here.broker:
        here.broker.prepare()


def _start_servers(here: Installation, supervisor: Supervisor) -> None:
    states = supervisor.states()
    logs = here.home.logs
    if here.cluster and (states["postgres"]["statename"] != RUNNING or not here.cluster.is_ready()):
        with step(f"Starting PostgreSQL on port {here.cluster.port}"):
            _check_free(states["postgres"], "database", here.cluster.port)
            supervisor.start_process("postgres")
            if not here.cluster.wait_ready():
                raise Failed(
                    f"PostgreSQL did not get ready; {logs / 'postgres.log'} ends with:\n{last_lines(logs / 'postgres.log')}"
                )
            here.cluster.set_up()
    if here.broker and (states["mosquitto"]["statename"] != RUNNING or not here.broker.is_ready()):
        with step(f"Starting Mosquitto on port {here.broker.port}"):
            _check_free(states["mosquitto"], "broker", here.broker.port, here.broker.bind)
            supervisor.start_process("mosquitto")
            if not here.broker.wait_ready():
                log = logs / "mosquitto.log"
                raise Failed(f"Mosquitto did not get ready; {log} ends with:\n{last_lines(log)}")
    if not here.cluster:
        parts = urlsplit(here.dsn)
        with step(f"Waiting for the database at {parts.hostname}"):
            if not wait_until(lambda: _answers(parts.hostname or "localhost", parts.port or 5432), seconds=30):
                raise Failed("Nothing answers at the address in DATABASE_URL.")


def _check_free(state: dict[str, Any], role: str, port: int, host: str = "127.0.0.1") -> None:
    # Supervisor may be starting it by itself: then it is our own server that has the port.
    if state["statename"] in {"STOPPED", "FATAL"}:
        check_free(role, port, host)


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=3).close()
    except OSError:
        return False
    return True


def _prepare_application(here: Installation) -> None:
    manage(here, "Bringing the database's tables up to date", "migrate", "--noinput", "--verbosity", "0")
    manage(here, "Collecting the page's files", "collectstatic", "--noinput", "--verbosity", "0", *NOT_SERVED)
    manage(here, "Loading the fixtures of Bekasi", "load_fixtures")
    manage(here, "Making sure there is an administrator", "ensure_admin")
    if here.broker:
        here.broker.set_passwords()


def manage(here: Installation, title: str, *arguments: str) -> None:
    """Run a management command as a step; its own progress goes to the terminal. Errors: Failed."""
    say(f"- {title} ...")
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=CHECKOUT, env=here.variables(), stdout=sys.stderr, check=False
    )
    if done.returncode != 0:
        raise Failed(f"manage.py {' '.join(arguments)} ended with status {done.returncode}.")
    say(f"  done in {time.monotonic() - start:.1f} s")


def _load_demo(here: Installation) -> None:
    stamp = here.home.stamps / f"demo-{here.database_mark}"
    if stamp.exists():
        return
    say(f"The map is already at {here.url}/ while the demo's data is being filled in, once:")
    manage(here, "Loading the demo (the launch of 2015-16, then some weeks of readings and reports)", "load_demo")
    stamp.touch()


def _start(supervisor: Supervisor, names: list[str]) -> None:
    states = supervisor.states()
    missing = [name for name in names if states[name]["statename"] not in {RUNNING, "STARTING"}]
    if not missing:
        return
    with step(f"Starting {', '.join(missing)}"):
        for name in missing:
            supervisor.start_process(name)
        for name in missing:
            if not supervisor.wait_running(name):
                log = supervisor.home.logs / f"{name}.log"
                raise Failed(f"{name} does not stay up; {log} ends with:\n{last_lines(log)}")


def _wait_ready(here: Installation) -> None:
    servers = (
        ("web", "web", here.web_port, readiness),
        ("live", "stream", here.stream_port, stream_readiness),
    )
    if all(said(here) == "200" for _, _, _, said in servers):
        return
    with step("Waiting until it is ready"):
        for name, role, port, said in servers:
            _wait_for(here, name, role, port, said)


def _wait_for(here: Installation, name: str, role: str, port: int, said: Callable[[Installation], str]) -> None:
    if wait_until(lambda: said(here) in {"200", taken_by_another(port)}, seconds=90, every=0.2):
        if said(here) == "200":
            return
        raise taken(role, port)
    log = here.home.logs / f"{name}.log"
    raise Failed(f"{name} on port {port} says: {said(here)}\n{log} ends with:\n{last_lines(log)}")


def _remember_expected(home: Home, names: list[str]) -> None:
    state = home.read("state.json")
    if state.get("expected") != names:
        home.write("state.json", {**state, "expected": names})


def _keep_admin_password(home: Home) -> None:
    given = os.environ.get("PANTAU_ADMIN_PASSWORD", "").strip()
    if given and home.secrets()["admin_password"] != given:
        home.write("secrets.json", {**home.secrets(), "admin_password": given})


def _stay(home: Home, supervisor: Supervisor) -> int:
    """Tell of processes that die and come back, until somebody stops it all."""
    seen: dict[str, int] = {}
    try:
        while supervisor.is_running():
            for name, info in supervisor.states().items():
                if info["statename"] == RUNNING and seen.setdefault(name, info["pid"]) != info["pid"]:
                    say(f"{name} had died and runs again as process {info['pid']} (./pantau logs {name})")
                    seen[name] = info["pid"]
            time.sleep(2)
        say("It was stopped from elsewhere.")
        return 0
    except KeyboardInterrupt:
        say("\nStopping ...")
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient second Ctrl-C must not leave half of it running
        with only_one(home):
            supervisor.stop()
        return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
