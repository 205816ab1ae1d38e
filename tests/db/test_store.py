"""Large batches: taken for all new, and right all the same when they are not."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sensors.ingest.batch import Message
from sensors.ingest.models import IngestStatus, RejectedMessage
from sensors.ingest.store import MANY, WARY_BATCHES, Outcome, Store, open_status
from sensors.observations.models import Observation
from sensors.registry.models import Datastream
from tests.sensor_factories import make_datastream, message

pytestmark = pytest.mark.django_db

T0 = 1_772_337_600


@pytest.fixture
def store() -> Store:
    open_status(0)
    store = Store(slot=0)
    store.refresh()
    return store


@pytest.fixture(autouse=True)
def datastream(db: None) -> Datastream:
    return make_datastream()


@pytest.fixture
def topic(datastream: Datastream) -> str:
    return f"sensors/{datastream.thing.slug}/{datastream.observed_property.code}"


def backlog(topic: str, start: int = 0, result: float = 1.5) -> list[Message]:
    return [
        message(topic, f'{{"result": {result}, "phenomenon_time": {T0 + number}}}')
        for number in range(start, start + MANY)
    ]


def inserts(store: Store, messages: Sequence[Message]) -> tuple[Outcome, int, int]:
    """What became of the batch, and how many inserts it took: those of all new rows, and those that look first."""
    with CaptureQueriesContext(connection) as queries:
        outcome = store.store(messages)
    statements = [query["sql"] for query in queries if "INSERT INTO sensors_observation" in query["sql"]]
    looking = sum("ON CONFLICT" in sql for sql in statements)
    return outcome, len(statements) - looking, looking


def test_a_large_batch_of_new_readings_is_inserted_without_looking(store: Store, topic: str) -> None:
    assert inserts(store, backlog(topic)) == (Outcome(stored=MANY), 1, 0)
    assert inserts(store, backlog(topic, MANY)) == (Outcome(stored=MANY), 1, 0)
    assert Observation.objects.count() == IngestStatus.objects.get(slot=0).stored == 2 * MANY


def test_once_readings_have_come_twice_large_batches_are_looked_up_for_a_while(store: Store, topic: str) -> None:
    store.store(backlog(topic))
    # Half of it again, half of it new: the plain insert fails, and counts nothing.
    assert inserts(store, backlog(topic, MANY // 2)) == (Outcome(stored=MANY // 2, repeated=MANY // 2), 1, 1)
    for number in range(1, WARY_BATCHES):
        assert inserts(store, backlog(topic, MANY * (number + 1)))[1:] == (0, 1)
    assert inserts(store, backlog(topic, MANY * (WARY_BATCHES + 1)))[1:] == (1, 0)
    status = IngestStatus.objects.get(slot=0)
    assert status.received == status.stored + status.repeated == MANY * (WARY_BATCHES + 2)
    assert Observation.objects.count() == status.stored


def test_a_large_batch_that_says_something_else_leaves_what_stands(store: Store, topic: str) -> None:
    store.store(backlog(topic)[:2])
    outcome, plain, looking = inserts(store, backlog(topic, result=7))
    assert (outcome, plain, looking) == (Outcome(stored=MANY - 2, quarantined=2), 1, 1)
    assert {row.reason for row in RejectedMessage.objects.all()} == {"conflict"}
    assert Observation.objects.get(phenomenon_time=datetime.fromtimestamp(T0, UTC)).result == 1.5


def test_what_is_redelivered_is_looked_up_at_once(store: Store, topic: str) -> None:
    store.store(backlog(topic))
    once_more = [replace(each, redelivered=True) for each in backlog(topic)]
    assert inserts(store, once_more) == (Outcome(repeated=MANY), 0, 1)


def test_a_small_batch_is_always_looked_up(store: Store, topic: str) -> None:
    assert inserts(store, backlog(topic)[1:]) == (Outcome(stored=MANY - 1), 0, 1)
