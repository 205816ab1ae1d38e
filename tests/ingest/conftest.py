"""A worker on a thread of its own, on the run's real broker and database."""

import os
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from sensors.ingest.broker_url import BrokerUrl, parse_broker_url
from sensors.ingest.connection import BrokerLink, Delivery, LinkOptions
from sensors.ingest.decoders import Decode
from sensors.ingest.publisher import Publisher
from sensors.ingest.store import Store
from sensors.ingest.worker import RECEIVE_MAXIMUM, Pace, Worker
from tests.waiting import wait_for

PATIENCE_S = 20.0


def options_for(thing: str, **more: Any) -> LinkOptions:
    """Subscribed to one thing only, since the broker is shared with every other test that runs at the time."""
    values = {
        "client_id": f"test-{uuid.uuid4().hex[:12]}",
        "topic_filter": f"sensors/{thing}/#",
        "receive_maximum": RECEIVE_MAXIMUM,
        "session_expiry_s": 60,
    }
    return LinkOptions(**{**values, **more})


@pytest.fixture
def broker() -> BrokerUrl:
    return parse_broker_url(settings.MQTT_URL or os.environ["MQTT_URL"])


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher(parse_broker_url(settings.MQTT_GATEWAY_URL)) as opened:
        yield opened


def make_worker(
    broker: BrokerUrl, options: LinkOptions, store: Store | None = None, *, registry_s: float = 30.0
) -> Worker:
    def link(
        on_delivery: Callable[[Delivery], None], on_session_lost: Callable[[], None], decode: Decode
    ) -> BrokerLink:
        return BrokerLink(broker, options, on_delivery=on_delivery, on_session_lost=on_session_lost, decode=decode)

    return Worker(store or Store(), link, pace=Pace(registry_s=registry_s, retry_first_s=0.05, retry_most_s=0.2))


@contextmanager
def running(worker: Worker) -> Iterator[list[str | None]]:
    """The worker at work, subscribed; leaving stops it and waits for its end, and the list then holds what it returned."""
    ends: list[str | None] = []

    def run() -> None:
        try:
            ends.append(worker.run())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        wait_for(lambda: worker.is_subscribed or ends, "the subscription")
        yield ends
    finally:
        worker.request_stop()
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "the worker did not stop"
