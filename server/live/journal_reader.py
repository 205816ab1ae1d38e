"""What the stream asks the database: in one thread, by one connection, whatever the number of listeners."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, connection

from sensors.observations import journal
from sensors.observations.journal import Entry, Position
from server.core.errors import BadParameter
from server.core.sql import load_queries
from server.live.events import Described, Wanted

_SQL = load_queries(Path(__file__).with_name("queries.sql"))
ENTRIES_AT_ONCE = 50
T = TypeVar("T")


class JournalReader:
    """Questions to the database from the event loop. Errors: DatabaseError, after which the connection is a new one."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")

    async def entries_after(self, position: Position) -> list[Entry]:
        return await self._ask(lambda: journal.entries_after(position, limit=ENTRIES_AT_ONCE))

    async def latest_position(self) -> Position:
        return await self._ask(journal.latest_position)

    async def described(self) -> Mapping[int, Described]:
        return await self._ask(_described)

    async def lost_since(self, position: Position) -> datetime | None:
        """Since when the journal is kept, where it no longer has this entry; else None."""
        return await self._ask(lambda: _lost_since(position))

    async def refuse_unknown(self, wanted: Wanted) -> None:
        """Errors: BadParameter for an area, a property, a thing or a datastream that is not there."""
        await self._ask(lambda: _refuse_unknown(wanted))

    async def is_there(self) -> None:
        await self._ask(_answers)

    async def _ask(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, _asked, question)


def _asked(question: Callable[[], T]) -> T:
    try:
        return question()
    except (DatabaseError, InterfaceError):
        connection.close()
        raise


def _answers() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _described() -> Mapping[int, Described]:
    with connection.cursor() as cursor:
        cursor.execute(_SQL.described)
        return {
            datastream_id: Described(datastream_id, thing, code, unit, frozenset(areas))
            for datastream_id, thing, code, unit, areas in cursor.fetchall()
        }


def _lost_since(position: Position) -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute(_SQL.entry_is_kept, {"xid": position.xid, "id": position.id})
        is_kept, oldest = cursor.fetchone()
    return None if is_kept else oldest


def _refuse_unknown(wanted: Wanted) -> None:
    given = {
        "area": wanted.area,
        "property": wanted.observed_property,
        "thing": wanted.thing,
        "datastream": wanted.datastream,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SQL.known_names, given)
        known = cursor.fetchone()
    for (name, value), is_known in zip(given.items(), known, strict=True):
        if not is_known:
            raise BadParameter(name, f"there is no {name} {value!r}")
