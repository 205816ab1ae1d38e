"""The stream's hub among those who come back: they take turns, and keep nobody waiting who has nothing to catch up with."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from sensors.observations.journal import Entry, Kind, Position
from server.live.events import Described, EventId, Wanted
from server.live.hub import ROWS_AT_ONCE, Hub
from server.live.journal_reader import JournalReader

ROWS = 20 * ROWS_AT_ONCE
ENTRY = Entry(
    *(Position(5, 1), Kind.STORED, datetime(2026, 3, 1, tzinfo=UTC)),
    *([1] * ROWS, list(range(ROWS)), [0.5] * ROWS, [0] * ROWS),
)
EVERYTHING = EventId(Position(1, 1), 0)
# Nothing of the entry: what costs the service its time, and whoever asks not a byte.
NOTHING = Wanted(least=1.0)


class OneEntry(JournalReader):
    """A journal of one entry, which knows how many have read in it at once."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = self.most_reading = 0

    async def entries_after(self, position: Position) -> list[Entry]:
        self.reading += 1
        self.most_reading = max(self.most_reading, self.reading)
        await asyncio.sleep(0)
        self.reading -= 1
        return [ENTRY] if position < ENTRY.position else []

    async def latest_position(self) -> Position:
        return ENTRY.position

    async def described(self) -> Mapping[int, Described]:
        return {1: Described(1, "gauge", "river_level", "cm", frozenset())}

    async def lost_since(self, position: Position) -> datetime | None:
        return None


async def _join(hub: Hub, wanted: Wanted) -> tuple[int, bytes]:
    """How often the others had a turn until this one listens, and what it was told by then."""
    turns, told = 0, b""

    async def come_back() -> None:
        nonlocal told
        async for chunk in hub.listen(wanted, EVERYTHING):
            told += chunk

    known = set(hub.listeners)
    task = asyncio.create_task(come_back())
    while hub.listeners == known:
        turns += 1
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return turns, told


def test_the_others_have_their_turns_while_one_is_told_what_it_missed() -> None:
    turns, told = asyncio.run(_join(Hub(OneEntry(), most=10), Wanted()))
    assert turns > ROWS / ROWS_AT_ONCE
    assert told.count(b"event: observation") == ROWS


def test_what_is_looked_at_in_vain_keeps_nobody_waiting_either() -> None:
    turns, told = asyncio.run(_join(Hub(OneEntry(), most=10), NOTHING))
    assert (turns > ROWS / ROWS_AT_ONCE, told) == (True, b"")


def test_of_many_who_come_back_one_reads_at_a_time() -> None:
    async def all_at_once() -> int:
        reader = OneEntry()
        hub = Hub(reader, most=50)
        await asyncio.gather(*(_join(hub, NOTHING) for _ in range(20)))
        return reader.most_reading

    # The second is the hub's own reading on, which waits for none of them.
    assert asyncio.run(all_at_once()) <= 2
