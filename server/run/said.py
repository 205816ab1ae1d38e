"""What the person at the terminal is told: each step as it begins, how long it took, and why it failed."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Failed(Exception):
    """A step cannot be done; the text is a sentence for the person who typed the command."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a step; on a terminal its line also gets the time it took."""
    start = time.monotonic()
    on_terminal = sys.stderr.isatty()
    print(f"- {title} ...", file=sys.stderr, end="" if on_terminal else "\n", flush=True)
    try:
        yield
    except BaseException:
        if on_terminal:
            print(" failed", file=sys.stderr, flush=True)
        raise
    if on_terminal:
        print(f" {time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)


def wait_until(holds: Callable[[], bool], *, seconds: float, every: float = 0.1) -> bool:
    """Ask until it holds or the time is up; whether it held."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() >= deadline:
            return False
        time.sleep(every)
    return True


def last_lines(path: Path, count: int = 15) -> str:
    """The end of a log, for the message that says why something failed."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-count:])
    except OSError:
        return ""
