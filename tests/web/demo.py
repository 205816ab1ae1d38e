"""The whole service with the demo city, in processes of its own on a PostGIS and a Mosquitto of its own: for browsers to look at.

python -m tests.web.demo [--days 10]     runs it until it is ended, and says where it is and who may come in
"""

import argparse
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from server.run import owned
from server.run.home import CHECKOUT
from server.run.ports import unused_port
from server.run.private import Child, PrivateServers
from server.run.processes import PROCESSES, UVICORN
from server.run.said import last_lines, wait_until

# As many days as `up` loads: a month, and what is told beside the days before it.
DAYS = 35
PASSWORD = "rahasia-uji-coba"
ADMIN = "admin"
# Name, role, agency.
STAFF = (
    ("dispatcher-1", "dispatcher", None),
    ("dispatcher-2", "dispatcher", None),
    ("officer-1", "officer", "dlh"),
    ("officer-2", "officer", "dlh"),
    ("mayor-1", "mayor", None),
)
RUNNING = ("web", "live", "ingest", "rollups", "follow", "worker", "schedule")


@dataclass(frozen=True)
class Demo:
    """A running demo city. `environment` is a process's beside it; `processes` can be stopped, killed and started again."""

    url: str
    environment: Mapping[str, str]
    processes: Mapping[str, Child]
    servers: PrivateServers

    def manage(self, *words: str) -> str:
        return self.run("manage.py", *words)

    def run(self, *python: str) -> str:
        """What a Python process beside it prints. Errors: RuntimeError with all that it said."""
        done = subprocess.run(
            [sys.executable, *python],
            cwd=CHECKOUT,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(python)}: {done.stdout}{done.stderr}")
        return done.stdout


@contextmanager
def demo_city(*, days: int = DAYS) -> Iterator[Demo]:
    with PrivateServers("web", durable=False) as servers, ExitStack() as ending:
        web, live = unused_port(), unused_port()
        environment = {
            **servers.variables(),
            "PANTAU_BASE_URL": "",
            "PANTAU_PORT": str(web),
            "PANTAU_STREAM_PORT": str(live),
            "PANTAU_ADMIN_PASSWORD": PASSWORD,
            owned.MARK: f"run:{servers.home.folder}",
        }
        processes: dict[str, Child] = {}
        demo = Demo(f"http://127.0.0.1:{web}", environment, processes, servers)
        demo.run("-m", "tests.web.demo_data", "tables")
        for name in RUNNING:
            process = next(each for each in PROCESSES if each.name == name)
            bound = ["--bind", f"127.0.0.1:{web}"] if name == "web" else []
            bound = ["--host", "127.0.0.1", "--port", str(live)] if process.python is UVICORN else bound
            processes[name] = _child(demo, name, [*process.python, *bound])
            processes[name].start()
            ending.callback(processes[name].stop, seconds=30)
        log = servers.home.logs / "web.log"
        if not wait_until(lambda: _answers(demo.url), seconds=90):
            raise RuntimeError(f"The service did not start:\n{last_lines(log)}")
        demo.manage("load_demo", "--days", str(days))
        demo.run("-m", "tests.web.demo_data", "staff")
        yield demo


def _child(demo: Demo, name: str, python: Sequence[str]) -> Child:
    log = demo.servers.home.logs / f"{name}.log"
    return Child([sys.executable, *python], log, demo.environment, CHECKOUT, signal.SIGTERM)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/health/live", timeout=30).close()
    except (urllib.error.URLError, TimeoutError):
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description="The demo city, until it is ended.")
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--environment", type=Path, help="a file that gets the processes' environment, for a shell")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    started = time.monotonic()
    with demo_city(days=asked.days) as demo:
        print(
            f"{demo.url} after {time.monotonic() - started:.0f} s; {ADMIN} and {', '.join(s[0] for s in STAFF)}: {PASSWORD}"
        )
        if asked.environment:
            own = {name: value for name, value in demo.environment.items() if value != os.environ.get(name)}
            asked.environment.write_text("".join(f"{name}='{value}'\n" for name, value in own.items()))
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main()
