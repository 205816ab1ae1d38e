"""Files that were made for a download, kept for a while so that one that broke off can be resumed.

They are named by the question and by a token of their own: what is made again for the same question is another file, with
another ETag, since no format promises the same bytes twice. All processes of an installation share the folder; how many files
are made at once is counted by locks on it, which end with the process that holds them.
"""

import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings
from django.utils.translation import gettext as _

from server.core.errors import NotReady

KEEP_S = 3600
MOST_BYTES = 2 * 1024**3
# Each of them keeps a core busy: PostgreSQL reads while a child encodes.
MOST_MAKING = 2
# Each holds a thread of the web server and a snapshot of the database for as long as its client reads.
MOST_STREAMING = 6


@dataclass(frozen=True, slots=True)
class Kept:
    """An open file, complete; it can be read to its end even if it is removed meanwhile."""

    name: str
    file: IO[bytes]
    size: int


def open_or_make(question: str, make: Callable[[Path], None]) -> Kept:
    """The file that answers a question (a hexadecimal digest), made by `make(path)` where there is none.

    NotReady, at once, where this one is being made, or as many others as may be: whoever waited would hold a thread.
    """
    folder = _folder()
    kept = find(question)
    if kept is not None:
        return kept
    with _slot("making", MOST_MAKING, question) as is_held:
        # Whoever held the slot before may have made just this one.
        kept = find(question)
        if kept is not None:
            return kept
        if is_held:
            return _make(folder, question, make)
    raise NotReady(_("Other downloads are being made; ask again in a moment."), retry_after_s=10)


def find(question: str) -> Kept | None:
    """The file that answers a question, if one is kept."""
    remove_old()
    for path in _folder().glob(f"{question}-*"):
        try:
            file = path.open("rb")
        except FileNotFoundError:
            continue
        return Kept(path.name, file, os.fstat(file.fileno()).st_size)
    return None


def _make(folder: Path, question: str, make: Callable[[Path], None]) -> Kept:
    draft = Path(tempfile.mkdtemp(prefix="draft-", dir=folder))
    try:
        make(draft / "file")
        # Opened before others may remove it to make room.
        file = (draft / "file").open("rb")
        name = f"{question}-{secrets.token_hex(8)}"
        (draft / "file").replace(folder / name)
        return Kept(name, file, os.fstat(file.fileno()).st_size)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def remove_old() -> None:
    """Removes what is older than an hour, and then the oldest until the rest is within its bound."""
    now = time.time()
    left = 0
    for path, stat in sorted(_entries(), key=lambda entry: -entry[1].st_mtime):
        is_draft = path.is_dir()
        left += stat.st_size
        if is_draft and now - stat.st_mtime > KEEP_S:
            shutil.rmtree(path, ignore_errors=True)  # of a process that died
        elif not is_draft and (now - stat.st_mtime > KEEP_S or left > MOST_BYTES):
            path.unlink(missing_ok=True)


def _entries() -> Iterator[tuple[Path, os.stat_result]]:
    for path in _folder().iterdir():
        if path.suffix != ".lock":
            try:
                yield path, path.stat()
            except FileNotFoundError:
                continue


@contextmanager
def streaming() -> Iterator[None]:
    """Held while a download streams; NotReady, at once, where as many do as may."""
    with _slot("streaming", MOST_STREAMING) as is_held:
        if not is_held:
            raise NotReady(_("Other downloads are running; ask again in a moment."), retry_after_s=10)
        yield


@contextmanager
def _slot(kind: str, most: int, question: str = "") -> Iterator[bool]:
    """Whether one of `most` slots could be had at once, and none is making the same file already; held until the block ends."""
    held: IO[bytes] | None = None
    is_being_made = False
    for i in range(most):
        lock = (_folder() / f"{kind}-{i}.lock").open("a+b")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            is_being_made = is_being_made or (question != "" and lock.read() == question.encode())
            lock.close()
            continue
        if held is None:
            held = lock
        else:
            lock.close()
    try:
        if held is not None and not is_being_made:
            held.truncate(0)
            held.write(question.encode())
            held.flush()
            yield True
        else:
            yield False
    finally:
        if held is not None:
            held.close()


def _folder() -> Path:
    folder = Path(settings.HOME) / "downloads"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
