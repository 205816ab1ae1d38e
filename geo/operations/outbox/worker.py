"""The delivery worker: threads that each send one message after the other, until told to stop."""

import logging
import threading
import time
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, connection

from geo.operations.outbox.delivery import BACKGROUND_LANES, Delivered, deliver_next

log = logging.getLogger(__name__)

IDLE_S = 0.5
LONGEST_PAUSE_S = 5.0
# More than any transport takes; supervisor and docker wait 30 s before they kill.
PATIENCE_S = 20.0


class DeliveryWorker:
    """`threads` senders, each with a connection to the database of its own.

    With `is_once` it ends when nothing is due, and with the database's error when that is away; without, it goes on for ever and
    waits for the database. `on_try` is called after every try, from any of the threads.
    """

    def __init__(
        self, *, threads: int, is_once: bool = False, on_try: Callable[[Delivered], None] = lambda _one: None
    ) -> None:
        self.total = Delivered()
        self._is_once = is_once
        self._on_try = on_try
        # One thread at least is left to what goes before it, if there are two.
        self._background_lanes = max(1, min(BACKGROUND_LANES, threads - 1))
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._failure: Exception | None = None
        # Daemons, so that one that hangs does not keep the process; its message is freed with its connection.
        self._threads = [
            threading.Thread(target=self._work, name=f"deliver-{number}", daemon=True) for number in range(threads)
        ]

    def request_stop(self) -> None:
        """Begin nothing more. From any thread but, being an event's setter, not from a signal handler itself."""
        self._stop.set()

    def run(self) -> Delivered:
        """Works until the end, which is a stop or, once, nothing due; what is on its way at a stop is finished."""
        for thread in self._threads:
            thread.start()
        gives_up_at: float | None = None
        while any(thread.is_alive() for thread in self._threads):
            for thread in self._threads:
                thread.join(0.1)
            if self._stop.is_set():
                gives_up_at = gives_up_at or time.monotonic() + PATIENCE_S
                if time.monotonic() > gives_up_at:
                    log.error("stopped while messages were on their way; they will be sent again")
                    break
        if self._failure:
            raise self._failure
        return self.total

    def _work(self) -> None:
        failures = 0
        try:
            while not self._stop.is_set():
                try:
                    one = deliver_next(background_lanes=self._background_lanes, should_stop=self._stop.is_set)
                except Exception as error:
                    if self._is_once:
                        self._failure = error
                        self._stop.set()
                        return
                    failures += 1
                    self._step_back(error, failures)
                    continue
                failures = 0
                if one is not None:
                    self._note(one)
                elif self._is_once:
                    return
                else:
                    self._stop.wait(IDLE_S)
        finally:
            connection.close()

    def _step_back(self, error: Exception, failures: int) -> None:
        wait_s = min(IDLE_S * 2 ** min(failures - 1, 10), LONGEST_PAUSE_S)
        if isinstance(error, DatabaseError | InterfaceError):
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            log.warning("the database is away (%s); again in %.1f s", reason, wait_s)
        else:
            log.error("delivering failed; again in %.1f s", wait_s, exc_info=error)
        connection.close()
        self._stop.wait(wait_s)

    def _note(self, one: Delivered) -> None:
        with self._lock:
            self.total += one
            self._on_try(one)
