"""`./pantau logs [name] [-f]`: the end of each process's log, and what comes."""

import os
import sys
import time
from pathlib import Path
from typing import IO

from server.run.home import Home
from server.run.said import Failed, last_lines

LINES = 40


def logs(home: Home, *, name: str | None, follow: bool) -> int:
    """Print the ends of the logs; with `follow`, go on until Ctrl-C."""
    paths = sorted(home.logs.glob("*.log"), key=lambda path: path.name)
    if name:
        paths = [path for path in paths if path.stem == name]
        if not paths:
            known = ", ".join(sorted(path.stem for path in home.logs.glob("*.log"))) or "none yet"
            raise Failed(f"There is no log of {name!r}; there are: {known}.")
    for path in paths:
        print(_prefixed(path, last_lines(path, LINES if len(paths) > 1 else 200), len(paths) > 1))
    if follow:
        _follow(paths)
    return 0


def _prefixed(path: Path, text: str, several: bool) -> str:
    return "\n".join(f"{path.stem:<11}| {line}" for line in text.splitlines()) if several else text


def _follow(paths: list[Path]) -> None:
    files: dict[Path, IO[str]] = {}
    for path in paths:
        files[path] = path.open(errors="replace")
        files[path].seek(0, 2)
    try:
        while True:
            for path in paths:
                text = files[path].read()
                if text:
                    print(_prefixed(path, text, len(paths) > 1).rstrip("\n"), flush=True)
                elif path.exists() and path.stat().st_ino != _inode(files[path]):
                    files[path].close()  # supervisor has begun a new file
                    files[path] = path.open(errors="replace")
            time.sleep(0.3)
    except KeyboardInterrupt:
        print(file=sys.stderr)


def _inode(file: IO[str]) -> int:
    return os.fstat(file.fileno()).st_ino
