"""One supervisord over all processes: its configuration, its start, and the few calls that are made to it."""

import http.client
import os
import shlex
import shutil
import socket
import subprocess
import sys
import xmlrpc.client
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.run import owned
from server.run.home import CHECKOUT, Home
from server.run.processes import PROCESSES, Process
from server.run.said import Failed, last_lines, wait_until

RUNNING = "RUNNING"
# All that a server needs of the environment: the application's secrets are none of its business.
SERVER_ENVIRONMENT = ("PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8")


@dataclass(frozen=True)
class Supervisor:
    """The supervisord of one home, reached through its unix socket."""

    home: Home
    instance: str

    @property
    def socket(self) -> Path:
        return self.home.sockets / "supervisor.sock"

    @property
    def config(self) -> Path:
        return self.home.folder / "supervisord.conf"

    def is_running(self) -> bool:
        try:
            return bool(self.call("getState")["statename"] == "RUNNING")
        except (OSError, xmlrpc.client.Error, http.client.HTTPException):
            return False

    def start(self, commands: Mapping[str, list[str]], environment: Mapping[str, str]) -> None:
        """Start supervisord itself; each process waits to be asked. Errors: Failed with the end of its log."""
        self.config.write_text(configuration(self, commands))
        self.config.chmod(0o600)
        log = self.home.logs / "supervisord.log"
        command = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-n", "-c", str(self.config)]
        with log.open("ab") as output:
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # the same as it writes to its logfile
                stderr=output,
                cwd=CHECKOUT,
                env={**environment, owned.MARK: self.instance},
                start_new_session=True,  # Ctrl-C in the terminal is ours to handle, in order
            )
        if not wait_until(self.is_running, seconds=20):
            raise Failed(f"supervisord did not start; {log} ends with:\n{last_lines(log)}")

    def states(self) -> dict[str, dict[str, Any]]:
        """{name: {statename, pid, start, now, description, ...}} as supervisor tells it."""
        return {info["name"]: info for info in self.call("getAllProcessInfo")}

    def start_process(self, name: str) -> None:
        """Ask for a process that is not running; it comes up in the background."""
        try:
            self.call("startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise Failed(f"{name} could not be started: {fault.faultString}") from fault

    def wait_running(self, name: str, *, seconds: float = 20) -> bool:
        return wait_until(lambda: self.states()[name]["statename"] == RUNNING, seconds=seconds)

    def stop(self) -> None:
        """Stop every process in order, then supervisord; then whatever carries our mark and is still there."""
        if self.is_running():
            self.call("shutdown")
            limit = sum(process.stop_seconds for process in PROCESSES)
            wait_until(lambda: not self.leftovers(), seconds=limit)
        owned.stop_all(self.leftovers())
        self.socket.unlink(missing_ok=True)
        if self.home.folder not in self.home.sockets.parents:
            shutil.rmtree(self.home.sockets, ignore_errors=True)

    def leftovers(self) -> list[owned.Process]:
        """Processes of ours that live, supervised or orphaned."""
        return owned.find(self.instance, self.home.cluster)

    def call(self, method: str, *arguments: Any) -> Any:
        with xmlrpc.client.ServerProxy("http://supervisor", transport=_UnixTransport(self.socket)) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)


def configuration(supervisor: Supervisor, commands: Mapping[str, list[str]]) -> str:
    """supervisord.conf for the processes that have a command; it holds no secret, those are in the environment."""
    sections = [
        "# Written by ./pantau at each start, from server/run/processes.py.",
        "[supervisord]",
        f"pidfile = {_escaped(supervisor.home.sockets / 'supervisord.pid')}",
        f"logfile = {_escaped(supervisor.home.logs / 'supervisord.log')}",
        "logfile_maxbytes = 10MB",
        "logfile_backups = 1",
        f"childlogdir = {_escaped(supervisor.home.logs)}",
        "minfds = 1024",
        "umask = 077",
        *(["user = root"] if os.geteuid() == 0 else []),
        "[unix_http_server]",
        f"file = {_escaped(supervisor.socket)}",
        "chmod = 0700",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for priority, process in enumerate(PROCESSES):
        if process.name in commands:
            sections += _program(supervisor, process, commands[process.name], priority)
    return "\n".join(sections) + "\n"


def _program(supervisor: Supervisor, process: Process, command: list[str], priority: int) -> list[str]:
    home = supervisor.home
    if process.is_server:
        command = ["/usr/bin/env", "-i", *SERVER_ENVIRONMENT, f"{owned.MARK}={supervisor.instance}", *command]
    folder = {"postgres": home.cluster, "mosquitto": home.broker}.get(process.name, CHECKOUT)
    user = [f"user = {home.server_user}"] if process.is_server and home.server_user else []
    return [
        f"[program:{process.name}]",
        f"command = {_escaped(shlex.join(command))}",
        f"directory = {_escaped(folder)}",
        *user,
        f"priority = {priority}",
        "autostart = false",
        "autorestart = true",
        # A worker that fails does so within its imports' time; until then it counts as starting.
        f"startsecs = {1 if process.is_server else 4}",
        # It waits a second longer after each failed attempt, and starts anew once the process has stayed up.
        "startretries = 1000",
        f"stopsignal = {process.stop_signal}",
        f"stopwaitsecs = {process.stop_seconds}",
        "killasgroup = true",
        "redirect_stderr = true",
        f"stdout_logfile = {_escaped(home.logs / f'{process.name}.log')}",
        "stdout_logfile_maxbytes = 10MB",
        "stdout_logfile_backups = 2",
    ]


def _escaped(value: str | Path) -> str:
    """supervisor expands %(name)s in every value, and takes ' ;' for a comment."""
    text = str(value).replace("%", "%%")
    if " ;" in text or "\n" in text:
        raise Failed(f"supervisor's configuration cannot hold this path: {value}")
    return text


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("localhost", timeout=15)
        # Known to the base class before it can fail: what that knows of, it closes.
        self._connection = (host, connection)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(15)
        connection.sock.connect(str(self._path))
        return connection
