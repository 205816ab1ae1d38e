"""Worker slots: each is a session at the broker that outlives its worker. Which ones are to work, and how the others are given up.

A slot that nobody works any more goes on taking its messages, its share of them where several share the load. So a slot is given
up in this order: another one has subscribed, it gives its subscription back, what is queued for it is stored, its session ends.
What is published in the instant between the first two comes to both: stored once where it carries its time.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError, connection

from sensors.ingest.broker_figures import BrokerFigures
from sensors.ingest.broker_url import BrokerUrl
from sensors.ingest.connection import BrokerLink, DecodeAhead, Delivery, LinkOptions
from sensors.ingest.floods.store import LimitedStore
from sensors.ingest.http_intake import SLOT as HTTP_SLOT
from sensors.ingest.models import IngestStatus
from sensors.ingest.snapshot import RegistrySnapshot
from sensors.ingest.topics import filters_besides, topic_filter
from sensors.ingest.worker import RECEIVE_MAXIMUM, Worker

logger = logging.getLogger(__name__)

T = TypeVar("T")

ALONE = 0
# A queue from which nothing came for so long is empty.
IDLE_S = 3.0
# Less of a connection than this, and nobody knows: it may have begun only while the queue was waited for.
CONNECTED_S = 1.0
# How often a slot is tried to be given up while the broker takes us in; while it does not, there is no end.
TRIES = 3
PAUSE_S = 1.0

LinkMaker = Callable[[Callable[[Delivery], None], Callable[[], None], DecodeAhead], BrokerLink]


class NotRetired(RuntimeError):
    """A slot could not be given up; its session keeps what is queued for it."""


class Stopping:
    """Whether an end was asked for. `ask` may be called by a signal handler: it sets flags and waits for nothing."""

    def __init__(self) -> None:
        self.is_asked = False
        self._workers: list[Worker] = []

    def ask(self) -> None:
        self.is_asked = True
        for worker in self._workers:
            worker.request_stop()

    def ends(self, worker: Worker) -> Worker:
        """The worker, which an end asked for from now on ends as well."""
        self._workers.append(worker)
        if self.is_asked:
            worker.request_stop()
        return worker

    def sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.is_asked and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))


@dataclass(frozen=True, slots=True)
class Sessions:
    """How the workers are known at the broker: a session for each slot, named after it."""

    url: BrokerUrl
    client_id: str = "pantau-ingest"
    is_mqtt5: bool = True
    is_fast: bool = True

    def options(self, slot: int, **more: Any) -> LinkOptions:
        values = {
            "client_id": f"{self.client_id}-{slot}" if slot else self.client_id,
            "topic_filter": topic_filter(slot),
            "receive_maximum": RECEIVE_MAXIMUM,
            "is_mqtt5": self.is_mqtt5,
            "is_fast": self.is_fast,
        }
        return LinkOptions(**{**values, **more})


def slots_of(workers: int) -> tuple[int, ...]:
    """One works alone, as slot 0; several share the load, as slots 1, 2, … to their number."""
    return (ALONE,) if workers == 1 else tuple(range(1, workers + 1))


def slots_left(wanted: Sequence[int]) -> list[int]:
    """Slots besides the wanted ones that have worked and were not given up since."""
    worked = IngestStatus.objects.filter(source="", slot__lt=HTTP_SLOT, started_at__isnull=False)
    return list(worked.exclude(slot__in=wanted).order_by("slot").values_list("slot", flat=True))


def work(sessions: Sessions, slot: int, stopping: Stopping) -> str | None:
    """Works a slot until an end is asked for; a sentence when it had to give up, else None."""
    options = sessions.options(slot)
    figures = BrokerFigures(sessions.url)

    def link(
        on_delivery: Callable[[Delivery], None], on_session_lost: Callable[[], None], decode: DecodeAhead
    ) -> BrokerLink:
        return BrokerLink(
            sessions.url, options, on_delivery=on_delivery, on_session_lost=on_session_lost, decode=decode
        )

    worker = stopping.ends(Worker(LimitedStore(slot), link, broker_figures=lambda: figures.said))
    figures.start()
    try:
        return worker.run()
    finally:
        figures.stop()


def hand_over(sessions: Sessions, wanted: Sequence[int], stopping: Stopping) -> None:
    """Gives up every slot that an earlier number of workers has left, its messages to the wanted ones.

    Waits for a database and a broker that are away. What cannot be given up is left for the next start, and the log says so.
    """
    left = _persistently(lambda: slots_left(wanted), stopping)
    if not left:
        return
    logger.info("slots %s are given up, %s take over", _named(left), _named(wanted))
    filters = _persistently(_filters_of_rules, stopping) or []
    # The first of the wanted ones takes everything until the others come.
    if refused := _visit(sessions, wanted[0], filters, stopping):
        logger.error("slots %s are left as they are: %s", _named(left), refused)
        return
    for slot in left:
        _visit(sessions, slot, filters, stopping, is_retiring=True)
    with ThreadPoolExecutor(len(left)) as threads:
        given_up = {slot: threads.submit(retire, sessions, slot, stopping) for slot in left}
    for slot, future in given_up.items():
        try:
            future.result()
        except NotRetired as why:
            logger.error("slot %d is left as it is until the next start: %s", slot, why)


def retire(sessions: Sessions, slot: int, stopping: Stopping) -> None:
    """Gives the slot's subscription back, stores what is queued for it and ends its session; its counts stay.

    Waits for a database and a broker that are away. Errors: NotRetired, also when an end is asked for meanwhile; what was not
    stored waits in the session then.
    """
    why = ""
    tries = 0
    try:
        while not stopping.is_asked and tries < TRIES:
            links: list[_LeavingLink] = []
            worker = stopping.ends(Worker(LimitedStore(slot), _leaving(sessions, slot, stopping, links)))
            why = worker.run(until_idle_s=IDLE_S) or links[0].trouble
            if links[0].has_left:
                _persistently(lambda: _note_given_up(slot), stopping)
                logger.info("slot %d is given up: %d readings of its queue stored", slot, worker.total.stored)
                return
            tries += links[0].connects > 0
            stopping.sleep(PAUSE_S)
    finally:
        connection.close()
    raise NotRetired("stopped before its queue was empty" if stopping.is_asked else why or "its queue does not end")


class _LeavingLink(BrokerLink):
    """Ends the session only when nothing can be left in it: what interrupts the emptying leaves the rest for another try."""

    def __init__(self, stopping: Stopping, url: BrokerUrl, options: LinkOptions, **callbacks: Any) -> None:
        super().__init__(url, options, **callbacks)
        self.has_left = False
        self.unsubscribed = threading.Event()
        self._stopping = stopping
        self._client.on_unsubscribe = lambda *_: self.unsubscribed.set()

    def stop(self) -> None:
        is_quiet = self.unsubscribed.is_set() and time.monotonic() - self._connected_at >= CONNECTED_S
        self.has_left = is_quiet and not self.trouble and self.failure is None and not self._stopping.is_asked
        if self.has_left:
            super().stop()
        else:
            self.leave()

    def leave(self) -> None:
        """The session stays."""
        self._client.disconnect()
        self._client.loop_stop()


def _leaving(sessions: Sessions, slot: int, stopping: Stopping, links: list[_LeavingLink]) -> LinkMaker:
    # Properties tell when a session ends, and MQTT 3.1.1 has none. The session is the same, whichever its worker spoke.
    options = sessions.options(slot, is_retiring=True, is_mqtt5=True)

    def make(
        on_delivery: Callable[[Delivery], None], on_session_lost: Callable[[], None], decode: DecodeAhead
    ) -> BrokerLink:
        links.append(_LeavingLink(stopping, sessions.url, options, on_delivery=on_delivery, decode=decode))
        return links[0]

    return make


def _visit(
    sessions: Sessions, slot: int, filters: Sequence[str], stopping: Stopping, *, is_retiring: bool = False
) -> str | None:
    """Subscribes as the slot, or gives its subscription back, and leaves at once. Takes nothing: all of it stays queued.

    Waits for a broker that is away; a sentence where it refuses, else None.
    """
    options = sessions.options(slot, is_retiring=is_retiring, is_mqtt5=sessions.is_mqtt5 or is_retiring)
    link = _LeavingLink(stopping, sessions.url, options, on_delivery=lambda delivery: None)
    link.subscribe_besides(filters_besides(slot, filters))
    link.start()
    done = link.unsubscribed if is_retiring else link.subscribed
    # A wait is short: a handler of signals cannot wake it.
    while not (stopping.is_asked or link.failure or done.wait(0.1)):
        pass
    link.leave()
    return link.failure


def _filters_of_rules() -> list[str]:
    registry = RegistrySnapshot()
    registry.reload()
    return registry.topic_filters()


def _note_given_up(slot: int) -> None:
    """As before its first start, but for what it has counted."""
    IngestStatus.objects.filter(slot=slot).update(started_at=None, noted_at=None, is_connected=None)


def _persistently(ask: Callable[[], T], stopping: Stopping) -> T | None:
    """What the database answers, once it does; None when an end is asked for before."""
    while not stopping.is_asked:
        try:
            return ask()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the database is away or busy (%s); asked again", str(error).strip().split("\n")[0])
            connection.close()
            stopping.sleep(PAUSE_S)
    return None


def _named(slots: Sequence[int]) -> str:
    return ", ".join(map(str, slots))
