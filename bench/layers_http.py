"""Clocks for `bench.layers`: a request, a statement, many clients at once, and what a web server's processes hold."""

import os
import re
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

CLIENTS = 8
LOAD_S = 6.0
SAMPLE_S = 0.05
PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole answer, with the seconds until its first byte and until its last."""

    body: bytes
    first_s: float
    whole_s: float


def fetch(address: str, headers: Mapping[str, str] | None = None) -> Fetched:
    begun = time.perf_counter()
    with urllib.request.urlopen(urllib.request.Request(address, headers=dict(headers or {}))) as response:
        first = response.read(1)
        first_s = time.perf_counter() - begun
        body = first + response.read()
    return Fetched(body, first_s, time.perf_counter() - begun)


def psql_seconds(statement: str) -> float:
    """The time by psql's `\\timing`: the server's work and the transfer of its rows, without starting psql."""
    run = subprocess.run(
        ["psql", "-X", "-q", "-At", "-d", os.environ["DATABASE_URL"]],
        input=f"\\timing on\n\\o /dev/null\n{statement};\n",
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"Time: ([\d.]+) ms", run.stdout)
    assert found, run.stdout
    return float(found[1]) / 1000


def requests_per_second(address: str) -> float:
    """What `CLIENTS` clients at once get, each asking again as soon as it has its answer, a connection each time."""
    counts = [0] * CLIENTS
    stop_at = time.perf_counter() + LOAD_S

    def client(number: int) -> None:
        while time.perf_counter() < stop_at:
            with urllib.request.urlopen(address) as response:
                while response.read(PIECE):
                    pass
            counts[number] += 1

    begun = time.perf_counter()
    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - begun)


@dataclass(slots=True)
class Memory:
    """Megabytes of a web server's processes and of what they start: proportional (PSS) and resident (RSS).

    `web` are the server and its workers; `children` are all that came after. Peaks are those of the sums.
    """

    idle_mb: float = 0.0
    peak_mb: float = 0.0
    peak_web_mb: float = 0.0
    peak_children_mb: float = 0.0
    peak_rss_mb: float = 0.0
    samples: int = 0
    _web: set[int] = field(default_factory=set)

    def sample(self, root: int) -> None:
        sizes = {pid: size for pid in tree(root) if (size := _memory_mb(pid))}
        if not self._web:
            self._web = set(sizes)
            self.idle_mb = sum(pss for pss, _rss in sizes.values())
        web = sum(pss for pid, (pss, _rss) in sizes.items() if pid in self._web)
        children = sum(pss for pid, (pss, _rss) in sizes.items() if pid not in self._web)
        self.peak_mb = max(self.peak_mb, web + children)
        self.peak_web_mb = max(self.peak_web_mb, web)
        self.peak_children_mb = max(self.peak_children_mb, children)
        self.peak_rss_mb = max([self.peak_rss_mb, *(rss for _pss, rss in sizes.values())])
        self.samples += 1


@contextmanager
def watched_memory(root: int) -> Iterator[Memory]:
    """Samples while the block runs, the first time before it."""
    memory, done = Memory(), threading.Event()
    memory.sample(root)

    def watch() -> None:
        while not done.wait(SAMPLE_S):
            memory.sample(root)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield memory
    finally:
        done.set()
        watcher.join()


def tree(root: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # After the name, which may hold anything but ends at the last ')': state, parent …
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def _memory_mb(pid: int) -> tuple[float, float] | None:
    """(PSS, RSS) of a process; None when it has just ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return None
    sizes = dict(re.findall(r"^(Pss|Rss):\s+(\d+) kB", text, re.MULTILINE))
    return (int(sizes["Pss"]) / 1024, int(sizes["Rss"]) / 1024) if len(sizes) == 2 else None
