"""The ingest worker: what the broker delivers is stored, and acknowledged once it is committed."""

import gc
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from sensors.ingest.batch import Message
from sensors.ingest.connection import BrokerLink, DecodeAhead, Delivery
from sensors.ingest.counts import Now, WorkerCounts, note
from sensors.ingest.decoders import Decoded
from sensors.ingest.store import Outcome, Store, again, note_lost_session, open_status
from sensors.ingest.topics import filters_besides
from sensors.observations.writer import StoredRowVanished

logger = logging.getLogger(__name__)

# The broker has at most 5,000 messages under way (max_inflight_messages): one batch is stored while the next arrives.
BATCH_MESSAGES = 2_500
BATCH_BYTES = 8_000_000
RECEIVE_MAXIMUM = 2 * BATCH_MESSAGES
# Messages of QoS 0 know no receive maximum: while the database is away, no more than this is held of them, in number and in bytes
# (as readings they take some ten times as many).
MOST_HELD = 100_000
MOST_HELD_BYTES = 100_000_000


def prepare_process() -> None:
    """Sets the interpreter up for a process that does nothing but ingest (36,000 messages a second without, 53,000 with it).

    A batch on its way is tens of thousands of objects, none of them in a cycle: at the default threshold the collector walks
    them, and all of Django, again and again. And the writer, back from the database, waits for paho's thread to hand over the
    interpreter: 5 ms by default, four times a batch.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    sys.setswitchinterval(0.0005)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to do what is done besides, and how patiently to try again; seconds."""

    registry_s: float = 30.0
    report_s: float = 60.0
    retry_first_s: float = 0.1
    retry_most_s: float = 5.0
    drain_s: float = 10.0
    # How often it is written how the worker stands: while it works, and as a sign of life while it does not.
    note_s: float = 2.0
    idle_note_s: float = 10.0


class Inbox:
    """Deliveries between paho's thread, which fills it, and the writer, which takes whatever has arrived meanwhile."""

    def __init__(self) -> None:
        self._held: deque[Delivery] = deque()
        self._is_filled = threading.Event()
        self.is_closed = False
        self.dropped = 0
        # Of all that was put and of all that was taken: each is counted by one thread alone.
        self._put_bytes = self._taken_bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def held_bytes(self) -> int:
        return self._put_bytes - self._taken_bytes

    def put(self, delivery: Delivery) -> None:
        if self.is_closed:
            return  # never acknowledged, so the broker delivers it again to the next worker
        if delivery.qos == 0 and (len(self._held) >= MOST_HELD or self.held_bytes >= MOST_HELD_BYTES):
            self.dropped += 1
            return
        self._put_bytes += len(delivery.payload)
        self._held.append(delivery)
        if not self._is_filled.is_set():
            self._is_filled.set()

    def take(self, *, most: int, most_bytes: int, timeout_s: float) -> list[Delivery]:
        """What is there, at most so much; waits for a first one up to the timeout."""
        if not self._held:
            self._is_filled.wait(timeout_s)
        # Cleared before it is looked into: what arrives in between sets it again.
        self._is_filled.clear()
        taken: list[Delivery] = []
        size = 0
        while self._held and len(taken) < most and size < most_bytes:
            taken.append(self._held.popleft())
            size += len(taken[-1].payload)
        self._taken_bytes += size
        if self._held:
            self._is_filled.set()
        return taken

    def oldest(self) -> Delivery | None:
        """What has waited longest; for the writer, who alone takes."""
        return self._held[0] if self._held else None

    def close(self) -> None:
        """Takes nothing more. Sets a flag only: a signal handler that touched the event could meet its own lock."""
        self.is_closed = True


class Worker:
    """Takes, stores, acknowledges, until told to stop; then drains what it holds.

    `make_link` connects an inbox to the broker: it is given the callbacks of BrokerLink and what decodes.
    `broker_figures` tells what the broker last said of itself.
    """

    def __init__(
        self,
        store: Store,
        make_link: Callable[[Callable[[Delivery], None], Callable[[], None], DecodeAhead], BrokerLink],
        *,
        pace: Pace = Pace(),
        broker_figures: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self.store = store
        self.inbox = Inbox()
        self.total = Outcome()
        self.counts = WorkerCounts()
        self._broker_figures = broker_figures
        self._pace = pace
        self._is_stopping = False
        self._has_lost_session = threading.Event()
        self._link = make_link(self.inbox.put, self._has_lost_session.set, self._decode_ahead)
        self._refreshed_at = self._reported_at = time.monotonic()
        self._written_at = float("-inf")
        self._written_batches = self._dropped_before = 0

    def _decode_ahead(self, topic: str, payload: bytes) -> Decoded | None:
        """What more than a batch waits before stays bytes until its turn comes: as readings it takes ten times the room."""
        if self.inbox.held_bytes >= BATCH_BYTES:
            return None
        # The rules change under way: what decodes is looked up anew for each message.
        return self.store.registry.decode(topic, payload)

    @property
    def is_subscribed(self) -> bool:
        return self._link.subscribed.is_set()

    def request_stop(self) -> None:
        """From a signal handler or another thread: take nothing more, store and acknowledge what is held, and end."""
        self._is_stopping = True
        self.inbox.close()

    def run(self, *, until_idle_s: float | None = None) -> str | None:
        """Works until asked to stop (or until nothing came for so long); a sentence when it had to give up, else None.

        The database need not be there at the start: the broker is connected to only once it has answered.
        """
        self._persistently(self._begin)
        if self._is_stopping:
            return None
        self._follow_rules()
        self._link.start()
        idle_since = time.monotonic()
        while True:
            held = self.inbox.take(most=BATCH_MESSAGES, most_bytes=BATCH_BYTES, timeout_s=0.25)
            if held:
                if not self._store_persistently(held):
                    return self._end(has_database=False)
                self._acknowledge(held)
                idle_since = time.monotonic()
            elif self._is_stopping or (until_idle_s is not None and time.monotonic() - idle_since > until_idle_s):
                break
            self._housekeep()
            if failure := self._failure():
                return self._end(failure)
        return self._end()

    def _end(self, failure: str | None = None, *, has_database: bool = True) -> str | None:
        logger.info("stopping: %s", self._summary())
        self._link.stop()
        try:
            if has_database:
                self._write_counts()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the last counts are not written: %s", _first_line(error))
        return failure

    def _acknowledge(self, held: Sequence[Delivery]) -> None:
        asking = sum(delivery.qos > 0 for delivery in held)
        self.counts.add_acknowledged(self._link.acknowledge(held), of=asking)

    def _follow_rules(self) -> None:
        """Subscribes to what the topic rules ask for, as they are now."""
        self._link.subscribe_besides(filters_besides(self.store.slot or 0, self.store.registry.topic_filters()))

    def _begin(self) -> None:
        self.store.refresh()
        if self.store.slot is not None:
            open_status(self.store.slot)
            self.counts.resume(self.store.slot)
            self._dropped_before = self.counts.dropped

    def _store_persistently(self, held: Sequence[Message]) -> bool:
        messages = held

        def store_once() -> None:
            nonlocal messages
            began_at = time.monotonic()
            try:
                self.total += self.store.store(messages)
            except Exception:
                # Whether the transaction was committed is not known: what was quarantined must not be so twice.
                messages = again(messages)
                raise
            self.counts.add_batch(len(messages), time.monotonic() - began_at)

        return self._persistently(store_once)

    def _persistently(self, work: Callable[[], None]) -> bool:
        """Does it, again and again while the database is away; False when a stop was asked for and time has run out.

        The messages stay held and unacknowledged meanwhile; the broker stops sending at the receive maximum.
        """
        pace = self._pace
        gives_up_at: float | None = None
        for attempt in count():
            try:
                work()
                if attempt:
                    logger.warning("the database is back")
                return True
            except (OperationalError, InterfaceError, StoredRowVanished) as error:
                logger.warning(
                    "the database is away or busy (%s); the batch is kept and tried again", _first_line(error)
                )
            except Exception:
                # A missing table, a withdrawn right: no message is to blame, and it may be mended while we wait.
                logger.exception("storing failed; the batch is kept and tried again")
            connection.close()
            delay_s = min(pace.retry_first_s * 2 ** min(attempt, 16), pace.retry_most_s)
            wakes_at = time.monotonic() + delay_s
            while time.monotonic() < wakes_at:
                if self._is_stopping:
                    gives_up_at = gives_up_at or time.monotonic() + pace.drain_s
                    if time.monotonic() > gives_up_at:
                        logger.error("stopped while the database is away; what is unacknowledged stays with the broker")
                        return False
                time.sleep(min(delay_s, 0.2))
        return False

    def _housekeep(self) -> None:
        now = time.monotonic()
        if self._has_lost_session.is_set() and self.store.slot is not None:
            self._has_lost_session.clear()
            slot = self.store.slot
            self._persistently(lambda: note_lost_session(slot))
        if now - self._refreshed_at > self._pace.registry_s:
            self._refreshed_at = now
            self._persistently(self.store.refresh)
            self._follow_rules()
        note_s = self._pace.note_s if self.counts.batches != self._written_batches else self._pace.idle_note_s
        if now - self._written_at > note_s:
            self._written_at = now
            self._persistently(self._write_counts)
        if now - self._reported_at > self._pace.report_s:
            self._reported_at = now
            logger.info("%s", self._summary())

    def _write_counts(self) -> None:
        """Writes how this worker stands."""
        if self.store.slot is None:
            return
        self.counts.dropped = self._dropped_before + self.inbox.dropped
        oldest = self.inbox.oldest()
        oldest_at = oldest.received_at if oldest else None
        note(
            self.store.slot,
            self.counts,
            Now(len(self.inbox), oldest_at, self.is_subscribed, self._broker_figures()),
        )
        self._written_batches = self.counts.batches

    def _failure(self) -> str | None:
        if self._link.failure:
            return self._link.failure
        if not self._link.is_running():
            return "the connection's thread has ended"
        return None

    def _summary(self) -> str:
        total = self.total
        dropped = f", {self.inbox.dropped} of QoS 0 dropped" if self.inbox.dropped else ""
        return (
            f"{total.received} readings received: {total.stored} stored, {total.repeated} repeated, "
            f"{total.quarantined} quarantined, {total.ignored} ignored; {len(self.inbox)} waiting{dropped}"
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
