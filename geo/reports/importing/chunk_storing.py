"""Chunks of rows on their way into the database, over one connection or several at once; they come back in their order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from geo.reports.importing.row_reading import Row
from geo.reports.insertion import Columns, Outcome


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that was not stored: its number (from 1), why, and what it was."""

    number: int
    reason: str
    row: Row


@dataclass(slots=True)
class Chunk:
    """Some rows that follow one another. `origins` are (number, row) of those in `columns`; the others are rejected already."""

    read: int = 0
    columns: Columns = field(default_factory=Columns)
    origins: list[tuple[int, Row]] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)


Store = Callable[[Chunk], list[Outcome]]


def stored_in_order(
    chunks: Iterable[Chunk], store: Store, *, connections: int
) -> Iterator[tuple[Chunk, list[Outcome]]]:
    """Each chunk with what became of its rows, in the order of the chunks.

    With several connections `store` runs in as many threads, a connection each, while this one reads ahead; a caller's
    transaction is seen by its own connection only, so inside one there is no other. A chunk that repeats an id of one
    that is not done yet waits for it: the first row with an id is the one that is stored, whatever the order of commits,
    and two chunks never wait for each other.
    """
    if connections == 1 or connection.in_atomic_block:
        for chunk in chunks:
            yield chunk, store(chunk)
        return
    under_way: deque[tuple[Chunk, set[str | None], Future[list[Outcome]]]] = deque()
    with _threads(connections) as threads:
        for chunk in chunks:
            ids = set(chunk.columns.external_ids)
            while under_way and (
                len(under_way) > connections or not all(ids.isdisjoint(others) for _chunk, others, _future in under_way)
            ):
                done, _ids, future = under_way.popleft()
                yield done, future.result()
            under_way.append((chunk, ids, threads.submit(store, chunk)))
        for done, _ids, future in under_way:
            yield done, future.result()


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Threads whose connections are closed at the end; after an error none begins another chunk."""
    opened: list[BaseDatabaseWrapper] = []

    def share() -> None:
        mine = connections["default"]
        mine.inc_thread_sharing()  # closed by the thread that made the others
        opened.append(mine)

    threads = ThreadPoolExecutor(count, thread_name_prefix="import", initializer=share)
    try:
        yield threads
    finally:
        threads.shutdown(cancel_futures=True)
        for wrapper in opened:
            wrapper.close()
