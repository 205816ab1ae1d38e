"""The stream of new observations as an ASGI application: `/api/observations/stream`, and a health path; nothing else."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpResponse, JsonResponse, QueryDict
from django.utils.translation import gettext as _

from server.core.errors import PantauError
from server.core.installation import own_mark
from server.core.problems import problem, problem_for
from server.live.events import EventId, Wanted, read_event_id, read_wanted
from server.live.hub import Hub
from server.live.journal_reader import JournalReader

logger = logging.getLogger(__name__)

PATH = "/api/observations/stream"
HEALTH = "/health/live"
RETRY_MS = 3_000
CORS = [(b"access-control-allow-origin", b"*"), (b"access-control-allow-headers", b"Last-Event-ID, Cache-Control")]
STREAM_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # nginx would hold events back until a buffer is full.
    (b"x-accel-buffering", b"no"),
    *CORS,
]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class LiveApp:
    def __init__(self) -> None:
        self.reader = JournalReader()
        self.hub = Hub(self.reader, most=settings.STREAM_MOST)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live_and_die(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"].rstrip("/"), scope["method"]
        if path not in (PATH, HEALTH):
            await _send(send, problem(404, _("Not found"), _("Here is the stream alone: %(path)s") % {"path": PATH}))
        elif method == "OPTIONS":
            await _send(send, HttpResponse(status=204))
        elif method not in ("GET", "HEAD"):
            refusal = problem(405, _("Method not allowed"), _("GET alone is allowed here."))
            refusal["Allow"] = "GET, HEAD, OPTIONS"
            await _send(send, refusal)
        elif path == HEALTH:
            await self._tell_health(send)
        else:
            await self._stream(scope, receive, send, is_head=method == "HEAD")

    async def _tell_health(self, send: Send) -> None:
        told: dict[str, Any] = {"installation": own_mark(settings.SECRET_KEY)}
        try:
            await self.reader.is_there()
        except (DatabaseError, InterfaceError):
            await _send(send, JsonResponse({"status": "not ready", **told}, status=503))
            return
        await _send(send, JsonResponse({"status": "live", "listeners": len(self.hub.listeners), **told}))

    async def _stream(self, scope: Scope, receive: Receive, send: Send, *, is_head: bool) -> None:
        try:
            wanted, seen = _read(scope)
            await self.reader.refuse_unknown(wanted)
        except (PantauError, DatabaseError, InterfaceError) as error:
            await _send(send, problem_for(error) or problem(503, _("Not ready"), _("The database does not answer.")))
            return
        if self.hub.is_full:
            refusal = problem(503, _("Not ready"), _("As many listen as may: come back in a minute."))
            refusal["Retry-After"] = "60"
            await _send(send, refusal)
            return
        await send({"type": "http.response.start", "status": 200, "headers": STREAM_HEADERS})
        if is_head:
            await send({"type": "http.response.body", "body": b""})
            return
        await send(_body(f"retry: {RETRY_MS}\n\n".encode()))
        gone = asyncio.create_task(_disconnected(receive))
        telling = asyncio.create_task(self._tell(wanted, seen, send))
        try:
            await asyncio.wait({gone, telling}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (gone, telling):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError, DatabaseError, InterfaceError, OSError):
                await telling

    async def _tell(self, wanted: Wanted, seen: EventId | None, send: Send) -> None:
        events = self.hub.listen(wanted, seen)
        try:
            async for chunk in events:
                await send(_body(chunk or b": nothing new\n\n"))
        finally:
            await events.aclose()  # type: ignore[attr-defined]


def _read(scope: Scope) -> tuple[Wanted, EventId | None]:
    """The filter, and the last event seen: the browser's own header goes before the parameter. Errors: BadParameter."""
    wanted, seen = read_wanted(QueryDict(scope["query_string"]))
    header = next((value for name, value in scope["headers"] if name == b"last-event-id"), b"").decode("latin-1")
    return wanted, read_event_id(header, "Last-Event-ID") or seen


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, answer: HttpResponse) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.items()]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": [*headers, *CORS]})
    await send({"type": "http.response.body", "body": answer.content})


def _body(chunk: bytes) -> MutableMapping[str, Any]:
    return {"type": "http.response.body", "body": chunk, "more_body": True}


async def _live_and_die(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
