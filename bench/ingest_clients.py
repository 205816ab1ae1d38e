"""The clients that `bench.ingest` compares. All are the same worker on the same connection; they differ in what they do with
a batch. Imported after Django is set up."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from sensors.ingest.batch import Message, build_batch
from sensors.ingest.broker_url import parse_broker_url
from sensors.ingest.connection import BrokerLink, Delivery, LinkOptions
from sensors.ingest.decoders import Decode
from sensors.ingest.store import Outcome, Store
from sensors.ingest.topics import EVERYTHING
from sensors.ingest.worker import RECEIVE_MAXIMUM, Worker
from sensors.observations.columns import time_at
from sensors.observations.models import Observation
from sensors.registry.models import Datastream, ObservedProperty, Thing


class DecodeOnly(Store):
    """The baseline of receiving: decoded, acknowledged, and not stored."""

    def refresh(self) -> None:
        pass

    def store(self, messages: Sequence[Message]) -> Outcome:
        return Outcome(stored=sum(len(message.decoded.readings) for message in messages if message.decoded))


class InsertEach(Store):
    """The baseline of the plain way: an ORM insert, and so a commit, per message."""

    def store(self, messages: Sequence[Message]) -> Outcome:
        columns = build_batch(messages, self.registry.things, now=datetime.now(UTC)).columns
        for row in range(len(columns)):
            Observation.objects.create(
                datastream_id=columns.datastream_ids[row],
                phenomenon_time=time_at(columns.phenomenon_us[row]),
                result=columns.results[row],
                received_at=time_at(columns.received_us[row]),
                quality=columns.qualities[row],
                time_source=columns.time_sources[row],
            )
        return Outcome(stored=len(columns))


class Timed(Store):
    """Stores as in use, and notes how old each reading is once its transaction is committed."""

    def __init__(self) -> None:
        super().__init__(slot=0)
        self.latencies_ms: list[float] = []

    def store(self, messages: Sequence[Message]) -> Outcome:
        outcome = super().store(messages)
        now = datetime.now(UTC)
        for message in messages:
            assert message.decoded is not None
            (reading,) = message.decoded.readings
            assert reading.phenomenon_time is not None
            self.latencies_ms.append((now - reading.phenomenon_time).total_seconds() * 1000)
        return outcome


def _worker(client_id: str, store: Store) -> Worker:
    options = LinkOptions(client_id, EVERYTHING, RECEIVE_MAXIMUM)
    url = parse_broker_url(settings.MQTT_URL)

    def link(
        on_delivery: Callable[[Delivery], None], on_session_lost: Callable[[], None], decode: Decode
    ) -> BrokerLink:
        return BrokerLink(url, options, on_delivery=on_delivery, on_session_lost=on_session_lost, decode=decode)

    return Worker(store, link)


def _run(worker: Worker, count: int) -> float:
    """Works until `count` readings are done; the seconds since the first one came in."""
    seconds: list[float] = []

    def watch() -> None:
        while not len(worker.inbox) and not worker.total.received:
            time.sleep(0.001)
        started = time.perf_counter()
        while worker.total.received < count:
            time.sleep(0.005)
        seconds.append(time.perf_counter() - started)
        worker.request_stop()

    watcher = threading.Thread(target=watch)
    watcher.start()
    failure = worker.run()
    assert failure is None, failure
    watcher.join()
    assert worker.total == Outcome(stored=count), worker.total
    return seconds[0]


def _drain(store: Store) -> Callable[[str, int, int], dict[str, Any]]:
    return lambda client_id, count, things: {"seconds": _run(_worker(client_id, store), count)}


def _latency(client_id: str, count: int, things: int) -> dict[str, Any]:
    store = Timed()
    _run(_worker(client_id, store), count)
    return {"latencies_ms": store.latencies_ms}


def _register(client_id: str, count: int, things: int) -> dict[str, Any]:
    pm25 = ObservedProperty.objects.create(code="pm25", name_id="PM2.5", name_en="PM2.5", domain="environment")
    for number in range(things):
        thing = Thing.objects.create(slug=f"bench-{number}", name=f"bench-{number}")
        Datastream.objects.create(
            thing=thing, observed_property=pm25, unit_ucum="ug/m3", plausible_min=0, plausible_max=1000
        )
    return {}


def _open_session(client_id: str, count: int, things: int) -> dict[str, Any]:
    """Subscribes and leaves: what is published from now on waits."""
    link = BrokerLink(
        parse_broker_url(settings.MQTT_URL),
        LinkOptions(client_id, EVERYTHING, RECEIVE_MAXIMUM),
        on_delivery=lambda delivery: None,
    )
    link.start()
    assert link.subscribed.wait(30)
    link.stop()
    return {}


def _end_session(client_id: str, count: int, things: int) -> dict[str, Any]:
    """Ends the session, so that the next one's queue holds nothing of this."""
    left: list[Delivery] = []
    link = BrokerLink(
        parse_broker_url(settings.MQTT_URL),
        LinkOptions(client_id, EVERYTHING, RECEIVE_MAXIMUM, is_retiring=True),
        on_delivery=left.append,
    )
    link.start()
    connected = threading.Event()
    connected.wait(0.5)
    link.stop()
    assert not left, f"{len(left)} messages were not acknowledged"
    return {}


CLIENTS: dict[str, Callable[[str, int, int], dict[str, Any]]] = {
    "register": _register,
    "open-session": _open_session,
    "end-session": _end_session,
    "receive": _drain(DecodeOnly()),
    "store": _drain(Store(slot=0)),
    "orm": _drain(InsertEach()),
    "latency": _latency,
}
