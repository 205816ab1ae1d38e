"""All sources at once, each by a worker in a thread of its own, for as long as the table has it."""

import logging
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from sensors.ingest.broker_url import BadBrokerUrl
from sensors.ingest.sources.models import MqttSource
from sensors.ingest.sources.worker import SourceWorker

logger = logging.getLogger(__name__)

REREAD_S = 30.0
AGAIN_AFTER_S = 30.0
STOP_S = 25.0
# What a source is followed by: a change of one of these takes a new connection.
_FOLLOWED_BY = ("name", "url", "username", "topic_filters", "qos", "client_id", "storage_url")


@dataclass(slots=True)
class _Followed:
    worker: SourceWorker
    by: tuple[Any, ...]
    thread: threading.Thread = field(init=False)
    ended_at: float | None = None


class Sources:
    """Follows the active sources (or those of them that are named) until told to stop."""

    def __init__(
        self, names: Collection[str] = (), *, make_worker: Callable[[MqttSource], SourceWorker] = SourceWorker
    ) -> None:
        self._names = names
        self._make_worker = make_worker
        self._followed: dict[int, _Followed] = {}
        self._is_stopping = False

    def request_stop(self) -> None:
        """From a signal handler, too: it sets a flag only."""
        self._is_stopping = True

    def run(self, *, reread_s: float = REREAD_S) -> None:
        logger.info("following the active MQTT sources; they are made in the admin")
        while not self._is_stopping:
            try:
                self._refresh()
            except Exception:
                logger.exception("the sources cannot be read; trying again")
                connection.close()
            reads_at = time.monotonic() + reread_s
            while not self._is_stopping and time.monotonic() < reads_at:
                time.sleep(min(0.2, reread_s))
        for followed in self._followed.values():
            followed.worker.request_stop()
        deadline = time.monotonic() + STOP_S
        for followed in self._followed.values():
            followed.thread.join(max(0.0, deadline - time.monotonic()))

    def _refresh(self) -> None:
        """Starts what is new, ends what is gone, and does both for what has changed or has ended by itself."""
        sources = MqttSource.objects.filter(is_active=True)
        wanted = {each.pk: each for each in (sources.filter(name__in=self._names) if self._names else sources)}
        for pk, followed in list(self._followed.items()):
            is_wanted = pk in wanted and _followed_by(wanted[pk]) == followed.by
            ended_s = time.monotonic() - followed.ended_at if followed.ended_at is not None else None
            if not is_wanted:
                followed.worker.request_stop()
            if not followed.thread.is_alive() and (not is_wanted or (ended_s or 0.0) >= AGAIN_AFTER_S):
                del self._followed[pk]
        for pk, source in wanted.items():
            if pk not in self._followed:
                self._start(source)

    def _start(self, source: MqttSource) -> None:
        if source.username and not source.password():
            _say(source, f"its password is missing: {source.password_variable} is to be set in the environment")
            return
        try:
            worker = self._make_worker(source)
        except (BadBrokerUrl, OSError) as why:
            _say(source, f"its address {why}")
            return
        followed = _Followed(worker, _followed_by(source))
        followed.thread = threading.Thread(
            target=self._work, args=(source, followed), name=f"source-{source}", daemon=True
        )
        self._followed[source.pk] = followed
        followed.thread.start()

    def _work(self, source: MqttSource, followed: _Followed) -> None:
        try:
            failure = followed.worker.run()
            if failure:
                _say(source, failure)
        except Exception:
            logger.exception("source %s: its worker has ended; it is started again", source)
        finally:
            followed.ended_at = time.monotonic()
            connection.close()


def _followed_by(source: MqttSource) -> tuple[Any, ...]:
    return tuple(getattr(source, name) for name in _FOLLOWED_BY)


def _say(source: MqttSource, trouble: str) -> None:
    """Once: it is tried again and again."""
    if trouble[:300] != source.trouble:
        logger.error("source %s: %s", source, trouble)
        MqttSource.objects.filter(pk=source.pk).update(trouble=trouble[:300])
