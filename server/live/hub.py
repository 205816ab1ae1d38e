"""One reader of the journal, and the listeners among whom it shares what is new.

Everything here runs in the event loop. A listener joins at the very position up to which the hub has read, without a pause in
between, so that nothing comes twice and nothing is passed over.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import DatabaseError, InterfaceError

from sensors.observations.journal import Entry, Position
from server.live.events import Described, Event, EventId, Wanted, events_of
from server.live.journal_reader import JournalReader

logger = logging.getLogger(__name__)

POLL_S = 0.25
RETRY_MOST_S = 10.0
DESCRIBED_ANEW_S = 30.0
HEARTBEAT_S = 15.0
# So long after the last listener has left the journal is read no more.
IDLE_S = 5.0
# A client whose network takes a minute of a city's readings at once has these bytes of room; beyond, it is dropped, and comes
# back with the last event that it has seen.
MOST_WAITING_BYTES = 4_000_000
# Of what was missed so many rows are looked at before somebody else has a turn.
ROWS_AT_ONCE = 500


@dataclass(eq=False, slots=True)
class Listener:
    """What is to be sent to one client, in chunks of whole events, and the task that sends it."""

    wanted: Wanted
    task: asyncio.Task[None]
    waiting: list[bytes] = field(default_factory=list)
    size: int = 0
    is_dropped: bool = False
    filled: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, chunk: bytes) -> None:
        if self.is_dropped:
            return
        if self.size + len(chunk) > MOST_WAITING_BYTES:
            # It stands in the middle of sending, waiting for a client that does not read.
            self.is_dropped = True
            self.task.cancel()
            return
        self.waiting.append(chunk)
        self.size += len(chunk)
        self.filled.set()

    async def take(self, timeout_s: float) -> bytes:
        """All that waits; empty after the timeout."""
        try:
            await asyncio.wait_for(self.filled.wait(), timeout_s)
        except TimeoutError:
            return b""
        self.filled.clear()
        chunk, self.size = b"".join(self.waiting), 0
        self.waiting.clear()
        return chunk


class Hub:
    """Reads the journal while anybody listens."""

    def __init__(self, reader: JournalReader, *, most: int) -> None:
        self.most = most
        self.dropped = 0
        self.listeners: set[Listener] = set()
        # With those who are still told what they have missed: who reads that slowly holds as much as who listens.
        self._open = 0
        self._reader = reader
        self._position: Position | None = None
        self._described: Mapping[int, Described] = {}
        self._described_at = -DESCRIBED_ANEW_S
        self._not_public: set[int] = set()
        # Which listeners want a datastream at all; asked anew when either changes.
        self._takers: dict[int, list[Listener]] = {}
        self._task: asyncio.Task[None] | None = None
        self._joining = asyncio.Lock()
        # Held for one reading, or one entry: whoever comes back takes turns with the others who do, and never keeps those waiting
        # who have nothing to catch up with.
        self._past = asyncio.Lock()

    @property
    def is_full(self) -> bool:
        return self._open >= self.most

    async def listen(self, wanted: Wanted, seen: EventId | None) -> AsyncIterator[bytes]:
        """Events as they come, after `seen` where that is given; an empty chunk when nothing came for a while.

        The task that asks is cancelled when it takes too long to pass them on.
        """
        task = asyncio.current_task()
        assert task is not None
        listener = Listener(wanted, task)
        self._open += 1
        try:
            async for chunk in self._catch_up(listener, seen):
                yield chunk
            while True:
                yield await listener.take(HEARTBEAT_S)
        finally:
            self._open -= 1
            self.listeners.discard(listener)
            self._takers.clear()
            if listener.is_dropped:
                self.dropped += 1
                logger.warning("a listener that reads too slowly is dropped (%d until now)", self.dropped)

    async def _catch_up(self, listener: Listener, seen: EventId | None) -> AsyncIterator[bytes]:
        """What came since, and then the listener is among the others."""
        await self._begin()
        if seen is not None:
            if (since := await self._reader.lost_since(seen.position)) is not None:
                yield _gap(since)
            # From the entry itself on: rows of it may be left.
            at = Position(seen.position.xid, seen.position.id - 1)
            while entries := await self._past_entries(at):
                for entry in entries:
                    if self._position is not None and entry.position > self._position:
                        break
                    at = entry.position
                    if chunk := await self._chunk(entry, listener.wanted, seen):
                        yield chunk
                else:
                    continue
                break
        self.listeners.add(listener)
        self._takers.clear()

    async def _entries_after(self, position: Position) -> list[Entry]:
        """The next entries, all of whose datastreams are described, or are not public."""
        entries = await self._reader.entries_after(position)
        named = {each for entry in entries for each in entry.datastream_ids}
        if strangers := named - self._described.keys() - self._not_public:
            await self._describe()
            self._not_public |= strangers - self._described.keys()
        return entries

    async def _past_entries(self, position: Position) -> list[Entry]:
        async with self._past:
            return await self._entries_after(position)

    async def _chunk(self, entry: Entry, wanted: Wanted, seen: EventId) -> bytes:
        """What is wanted of an entry that was missed. It may have any number of rows: the loop goes on in between."""
        after = seen.row if entry.position == seen.position else -1
        texts = []
        async with self._past:
            described = self._described
            for number, event in enumerate(events_of(entry, described), start=1):
                if (
                    event.row > after
                    and wanted.takes(described[event.datastream_id])
                    and wanted.takes_value(event.result, event.quality)
                ):
                    texts.append(event.text)
                if number % ROWS_AT_ONCE == 0:
                    await asyncio.sleep(0)
        return b"".join(texts)

    async def _begin(self) -> None:
        async with self._joining:
            if not self._described:
                await self._describe()
            if self._task is None or self._task.done():
                self._position = await self._reader.latest_position()
                self._task = asyncio.create_task(self._read_on())

    async def _read_on(self) -> None:
        """Until nobody has listened for a while; the next listener starts it again, from the journal's end then."""
        failures, idle_since = 0, asyncio.get_running_loop().time()
        while True:
            now = asyncio.get_running_loop().time()
            if self.listeners:
                idle_since = now
            elif now - idle_since > IDLE_S:
                return
            try:
                if now - self._described_at > DESCRIBED_ANEW_S:
                    await self._describe()
                assert self._position is not None
                entries = await self._entries_after(self._position)
                failures = 0
            except (DatabaseError, InterfaceError) as error:
                failures += 1
                delay_s = min(POLL_S * 2 ** min(failures, 10), RETRY_MOST_S)
                logger.warning("the database is away (%s); again in %.0f s", str(error).split("\n")[0], delay_s)
                await asyncio.sleep(delay_s)
                continue
            self._share(entries)
            await asyncio.sleep(0 if entries else POLL_S)

    def _share(self, entries: Sequence[Entry]) -> None:
        # No pause from here to the end: whoever joins does so before or after, and at this position.
        for entry in entries:
            self._position = entry.position
            chunks: dict[Listener, list[bytes]] = {}
            for event in events_of(entry, self._described) if self.listeners else ():
                for listener in self._takers_of(event):
                    if listener.wanted.takes_value(event.result, event.quality):
                        chunks.setdefault(listener, []).append(event.text)
            for listener, texts in chunks.items():
                listener.put(b"".join(texts))

    def _takers_of(self, event: Event) -> list[Listener]:
        found = self._takers.get(event.datastream_id)
        if found is None:
            of = self._described[event.datastream_id]
            found = [listener for listener in self.listeners if listener.wanted.takes(of)]
            self._takers[event.datastream_id] = found
        return found

    async def _describe(self) -> None:
        self._described = await self._reader.described()
        self._described_at = asyncio.get_running_loop().time()
        self._not_public -= self._described.keys()
        self._takers.clear()


def _gap(since: datetime) -> bytes:
    """What lay between the last event seen and this time is not in the journal any more."""
    return f'event: gap\ndata: {{"kept_since": "{since.astimezone(UTC).isoformat()}"}}\n\n'.encode()
