"""A PostGIS and a Mosquitto of one's own for the length of a test run or a benchmark: made fresh, removed afterwards.

No supervisor here: tests kill these servers and start them again themselves.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from server.run import owned
from server.run.environment import base_environment
from server.run.home import Home, find_home
from server.run.mosquitto import Broker
from server.run.ports import unused_port
from server.run.postgres import GIS_ROLE, ROLE, Cluster
from server.run.said import Failed, last_lines, wait_until


@dataclass
class Child:
    """One server process that can be stopped, killed and started again on the same port and data."""

    command: Sequence[str]
    log: Path
    environment: Mapping[str, str]
    cwd: Path
    stop_signal: signal.Signals
    as_user: Mapping[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self.process and self.process.poll() is None:
            return
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.cwd,
                env=self.environment,
                start_new_session=True,
                **self.as_user,
            )

    def stop(self, number: signal.Signals | None = None, *, seconds: float = 60) -> None:
        """End it by a signal (its own by default) and wait for it. PostgreSQL's SIGQUIT is its immediate shutdown."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(number or self.stop_signal)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class PrivateServers:
    """A context: inside it both servers run. `name` tells the folders below PANTAU_HOME/test apart.

    servers.cluster, servers.broker: addresses and set-up; servers.postgres, servers.mosquitto: the processes (a `Child`).
    After starting a stopped one again, wait by servers.cluster.wait_ready() or servers.broker.wait_ready().
    """

    def __init__(self, name: str, *, durable: bool = False) -> None:
        base = find_home()
        base.make_folders()
        runs = base.folder / "test"
        runs.mkdir(exist_ok=True)
        runs.chmod(0o711 if base.server_user else 0o700)
        _clear_dead_runs(runs)
        self.home = Home(runs / f"{name}-{os.getpid()}", base.server_user)
        self.instance = _instance(self.home.folder)
        word = self.home.folder.name.replace("-", "")
        self.cluster = Cluster(self.home, unused_port(), f"db{word}", f"gis{word}", durable=durable)
        self.broker = Broker(self.home, unused_port(), f"ingest{word}", f"gateway{word}")

    def __enter__(self) -> Self:
        shutil.rmtree(self.home.folder, ignore_errors=True)
        self.home.make_folders()
        me = owned.look_at(os.getpid())
        self.home.write("owner.json", {"pid": os.getpid(), "started": me.started if me else 0})
        try:
            self.cluster.prepare()
            self.broker.prepare()
            self.postgres = self._child("postgres", self.cluster.command, self.home.cluster, signal.SIGINT)
            self.mosquitto = self._child("mosquitto", self.broker.command, self.home.broker, signal.SIGTERM)
            self.postgres.start()
            self.mosquitto.start()
            self._wait("postgres", self.cluster.wait_ready())
            self.cluster.set_up()
            # Tests look through its eyes inside their own transactions.
            self.cluster.sql("postgres", f"GRANT {GIS_ROLE} TO {ROLE}")
            self._wait("mosquitto", self.broker.wait_ready())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop both and remove the folder."""
        for child in (getattr(self, "mosquitto", None), getattr(self, "postgres", None)):
            if child:
                child.stop(seconds=20)
        _remove(self.home, self.instance)

    def variables(self) -> dict[str, str]:
        """The environment of a process that uses these servers."""
        kept = {name: value for name, value in base_environment(os.environ).items() if not name.startswith("PANTAU_")}
        return kept | {
            "PANTAU_HOME": str(self.home.folder),
            "PANTAU_SECRET_KEY": "only-for-a-test-run",
            "DATABASE_URL": self.cluster.dsn,
            "MQTT_URL": self.broker.url,
            "MQTT_GATEWAY_URL": self.broker.gateway_url,
            "PANTAU_BROKER_DIR": str(self.broker.credentials),
            # Loads that are made for a measurement or a test come from few things.
            "PANTAU_DEVICE_RATE": "0",
        }

    def _child(self, name: str, command: list[str], cwd: Path, stop_signal: signal.Signals) -> Child:
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", owned.MARK: self.instance}
        return Child(command, self.home.logs / f"{name}.log", environment, cwd, stop_signal, self.home.as_server_user())

    def _wait(self, name: str, is_ready: bool) -> None:
        if not is_ready:
            raise Failed(f"The private {name} did not get ready:\n{last_lines(self.home.logs / f'{name}.log')}")


def _instance(folder: Path) -> str:
    """The mark of a run's processes: its folder, so that a later run knows them without a secret."""
    return f"run:{folder}"


def _clear_dead_runs(runs: Path) -> None:
    """A run that was killed could not clean up after itself."""
    for folder in runs.iterdir():
        home = Home(folder)
        owner = home.read("owner.json")
        alive = owned.look_at(int(owner["pid"])) if owner else None
        if alive and alive.started == owner["started"]:
            continue
        if owner or not any(folder.iterdir()):
            # What the run had started in its own home went without an end as well.
            if (own := folder / "test").is_dir():
                _clear_dead_runs(own)
            _remove(home, _instance(folder))


def _remove(home: Home, instance: str) -> None:
    owned.stop_all(owned.find(instance, home.cluster), seconds=5)
    # PostgreSQL's last children may still write their statistics for an instant.
    wait_until(lambda: not owned.find(instance, home.cluster), seconds=5)
    shutil.rmtree(home.folder, ignore_errors=True)
    if home.folder not in home.sockets.parents:
        shutil.rmtree(home.sockets, ignore_errors=True)
