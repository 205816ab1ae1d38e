"""Which processes are ours: found by a mark that only they carry, so that a stale pid file can never point at a stranger.

Every process that the supervisor starts inherits PANTAU_INSTANCE, a random word of this home, and /proc shows it. The
children of PostgreSQL overwrite that memory with their titles; they are known by their program and by their working
directory, the cluster.
"""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from server.run.said import wait_until

MARK = "PANTAU_INSTANCE"


@dataclass(frozen=True)
class Process:
    """A process as seen once: the pid with its start time (in clock ticks since boot) names it for good."""

    pid: int
    started: int
    command: str

    def is_alive(self) -> bool:
        return _started(self.pid) == self.started

    def send(self, number: signal.Signals) -> None:
        if self.is_alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


def find(instance: str, cluster: Path) -> list[Process]:
    """All live processes that carry the mark, or are PostgreSQL in this cluster; never the caller itself."""
    wanted = f"{MARK}={instance}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            marked = wanted in (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            marked = False  # gone in between, or another user's: not ours
        if (marked or is_postgres_of(int(entry.name), cluster)) and (process := look_at(int(entry.name))):
            found.append(process)
    return found


def look_at(pid: int) -> Process | None:
    """The process that has this number now."""
    started = _started(pid)
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return None
    return None if started is None else Process(pid, started, command)


def is_postgres_of(pid: int, cluster: Path) -> bool:
    """PostgreSQL works inside its data folder, so its working directory says whose it is."""
    try:
        program = os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
        return os.path.basename(program) == "postgres" and os.readlink(f"/proc/{pid}/cwd") == str(cluster / "data")
    except OSError:
        return False


def stop_all(processes: list[Process], *, seconds: float = 15) -> None:
    """Ask each to end (PostgreSQL for a fast shutdown), and kill what has not."""
    for process in processes:
        process.send(signal.SIGINT if "postgres" in process.command.split(" ")[0] else signal.SIGTERM)
    if not wait_until(lambda: not any(process.is_alive() for process in processes), seconds=seconds):
        for process in processes:
            process.send(signal.SIGKILL)
        wait_until(lambda: not any(process.is_alive() for process in processes), seconds=5)


def _started(pid: int) -> int | None:
    """Start time in clock ticks since boot; None for no such process, or one that is dead and not yet reaped."""
    try:
        # The second field is the name in parentheses, and a name may hold anything: count from the last ')'.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])
