"""The clients that `bench.ingest` compares, each a process: `python -m bench.ingest_clients KIND [COUNT [SLOT]]`.

All are the same worker on the same connection; they differ in what they do with a batch.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    import django

    django.setup()

from django.conf import settings
from django.db import connection

from bench.ingest_messages import CITY_THINGS, PROPERTIES
from bench.ingest_stage import CLIENT_ID
from bench.ingest_stores import DecodeOnly, Fresh, InsertEach, Shared, Sized, Timed
from bench.ingest_writes import write_with_and_without_journal
from sensors.ingest.broker_url import parse_broker_url
from sensors.ingest.connection import BrokerLink, Delivery, LinkOptions
from sensors.ingest.floods.store import LimitedStore
from sensors.ingest.slots import Sessions
from sensors.ingest.store import Outcome
from sensors.ingest.worker import Worker, prepare_process
from sensors.registry.models import Datastream, ObservedProperty, Thing

if TYPE_CHECKING:
    from sensors.ingest.connection import DecodeAhead
    from sensors.ingest.store import Store

IDLE_S = 3.0


@dataclass(frozen=True, slots=True)
class Task:
    """How many readings to take, as which slot."""

    count: int = 0
    slot: int = 0

    def options(self, **more: Any) -> LinkOptions:
        return Sessions(parse_broker_url(settings.MQTT_URL), CLIENT_ID).options(self.slot, **more)


def _worker(task: Task, store: "Store", **options: Any) -> Worker:
    url = parse_broker_url(settings.MQTT_URL)

    def link(
        on_delivery: Callable[[Delivery], None], on_session_lost: Callable[[], None], decode: "DecodeAhead"
    ) -> BrokerLink:
        return BrokerLink(
            url, task.options(**options), on_delivery=on_delivery, on_session_lost=on_session_lost, decode=decode
        )

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


def _drain(make_store: Callable[[], "Store"], **options: Any) -> Callable[[Task], dict[str, Any]]:
    return lambda task: {"seconds": _run(_worker(task, make_store(), **options), task.count)}


def _latency(task: Task) -> dict[str, Any]:
    store = Timed()
    print("ready", flush=True)
    _run(_worker(task, store), task.count)
    return {"latencies_ms": store.latencies_ms}


def _fresh(task: Task) -> dict[str, Any]:
    store = Fresh()
    watcher = threading.Thread(target=store.watch)
    watcher.start()
    print("ready", flush=True)
    try:
        _run(_worker(task, store), task.count)
    finally:
        store.is_done = True
        watcher.join()
    return {"waits_s": store.waits_s}


def _city(task: Task) -> dict[str, Any]:
    store = Sized(task.count)
    seconds = _run(_worker(task, store), task.count)
    return {"seconds": seconds, "early_bytes": store.early_bytes, "late_bytes": store.late_bytes}


def _share(task: Task) -> dict[str, Any]:
    store = Shared(task.slot)
    worker = _worker(task, store)
    print("ready", flush=True)
    sys.stdin.readline()
    failure = worker.run(until_idle_s=IDLE_S)
    assert failure is None, failure
    assert worker.total == Outcome(stored=worker.total.stored), worker.total
    return {"first": store.first, "last": store.last, "stored": worker.total.stored}


def _register(task: Task) -> dict[str, Any]:
    made = ObservedProperty.objects.bulk_create(
        ObservedProperty(code=code, name_id=code, name_en=code, domain="environment") for code in PROPERTIES
    )
    things = Thing.objects.bulk_create(
        Thing(slug=f"bench-{number}", name=f"bench-{number}") for number in range(CITY_THINGS)
    )
    Datastream.objects.bulk_create(
        Datastream(thing=thing, observed_property=each, unit_ucum="ug/m3", plausible_min=0, plausible_max=1000)
        for thing in things
        for each in made
    )
    with connection.cursor() as cursor:
        # As autovacuum does within a minute: statements are planned by it.
        cursor.execute("ANALYZE")
    return {}


CLIENTS: dict[str, Callable[[Task], dict[str, Any]]] = {
    "register": _register,
    "receive": _drain(DecodeOnly),
    "store": _drain(lambda: LimitedStore(slot=0)),
    "store-3.1.1": _drain(lambda: LimitedStore(slot=0), is_mqtt5=False),
    "orm": _drain(InsertEach),
    "share": _share,
    "latency": _latency,
    "fresh": _fresh,
    "city": _city,
    "write": lambda task: write_with_and_without_journal(task.count),
}


def main(arguments: Sequence[str]) -> None:
    prepare_process()
    kind, *numbers = arguments
    print(json.dumps(CLIENTS[kind](Task(*map(int, numbers)))))


if __name__ == "__main__":
    main(sys.argv[1:])
