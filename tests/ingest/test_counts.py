"""What came in is stored, repeated, quarantined or ignored, whatever happens; and the rows are as many as the counts say."""

import json
import threading
import uuid
from collections import Counter
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from paho.mqtt.enums import CallbackAPIVersion

from sensors.ingest.broker_figures import BrokerFigures
from sensors.ingest.broker_url import BrokerUrl
from sensors.ingest.counts import Now, WorkerCounts, note
from sensors.ingest.models import IngestStatus, QuarantineCount, RejectedMessage
from sensors.ingest.publisher import Publisher
from sensors.ingest.store import Outcome, Store, again, open_status
from sensors.observations.models import Observation
from tests.ingest.conftest import make_worker, options_for, running
from tests.sensor_factories import NOON, make_datastream, message
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

T0 = 1_772_337_600  # 2026-03-01T04:00:00Z


def reading(second: int, result: float = 1.0) -> str:
    return json.dumps({"result": result, "phenomenon_time": T0 + second})


def mixed(thing: str, start: int = 0) -> list[tuple[str, str]]:
    """Ten messages: five new readings, a repeat, a conflict, and three that nobody can store."""
    topic = f"sensors/{thing}/pm25"
    return [
        *((topic, reading(start + second)) for second in range(5)),
        (topic, reading(start)),
        (topic, reading(start + 1, 7.0)),
        (topic, '{"result": NaN}'),
        (f"sensors/{thing}/ozon", reading(start)),
        ("sensors/nobody-here/pm25", reading(start)),
    ]


def check_that_counts_add_up() -> Counter[str]:
    """Slot by slot, reason by reason, and against the rows that are there; the sums over all slots."""
    total: Counter[str] = Counter()
    for slot in IngestStatus.objects.all():
        assert slot.received == slot.stored + slot.repeated + slot.quarantined + slot.ignored
        by_reason = QuarantineCount.objects.filter(slot=slot.slot).aggregate(kept=Sum("kept"), only=Sum("counted_only"))
        assert slot.quarantined == (by_reason["kept"] or 0) + (by_reason["only"] or 0)
        for name in ("received", "stored", "repeated", "quarantined", "ignored"):
            total[name] += getattr(slot, name)
    counted_only = QuarantineCount.objects.aggregate(n=Sum("counted_only"))["n"] or 0
    assert total["stored"] == Observation.objects.count()
    assert total["quarantined"] == RejectedMessage.objects.count() + counted_only
    return total


class Struck(Store):
    """A store whose first batch is struck by a fault."""

    has_struck = False

    def strikes(self) -> bool:
        first, self.has_struck = not self.has_struck, True
        return first


class CutOffBeforeItsCommit(Struck):
    """The database ends the connection when everything is written and nothing committed."""

    def _count(self, *of: Any, **more: Any) -> None:
        super()._count(*of, **more)
        if self.strikes():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


class CutOffAfterItsCommit(Struck):
    """The database ends the connection when all is committed, and before the worker knows."""

    def store(self, messages: Any) -> Outcome:
        outcome = super().store(messages)
        if self.strikes():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return outcome


@pytest.mark.parametrize("kind", [Store, CutOffBeforeItsCommit], ids=["no fault", "database lost before the commit"])
def test_each_reading_is_counted_once_as_what_became_of_it(
    broker: BrokerUrl, publisher: Publisher, kind: type[Store]
) -> None:
    thing = make_datastream().thing.slug
    # The topic of nobody is another thing's, to which this worker does not listen.
    sent = [(topic.replace("nobody-here/pm25", f"{thing}/a/b"), payload) for topic, payload in mixed(thing)]
    worker = make_worker(broker, options_for(thing), kind(slot=1))
    with running(worker):
        for topic, payload in sent:
            publisher.publish(topic, payload)
        wait_for(lambda: worker.total.received == 10, "the readings")
    assert check_that_counts_add_up() == {
        "received": 10,
        "stored": 5,
        "repeated": 1,
        "quarantined": 4,
        "ignored": 0,
    }
    assert dict(QuarantineCount.objects.values_list("reason", "kept")) == {
        "bad_topic": 1,
        "conflict": 1,
        "not_a_number": 1,
        "unknown_datastream": 1,
    }


def test_batch_whose_commit_the_worker_never_heard_of_is_counted_again_as_repeats(
    broker: BrokerUrl, publisher: Publisher
) -> None:
    thing = make_datastream().thing.slug
    held = threading.Event()

    class Held(CutOffAfterItsCommit):
        def store(self, messages: Any) -> Outcome:
            assert held.wait(20)
            return super().store(messages)

    worker = make_worker(broker, options_for(thing), Held(slot=1))
    with running(worker):
        for topic, payload in mixed(thing)[:9]:
            publisher.publish(topic, payload)
        publisher.finish()
        held.set()
        wait_for(lambda: worker.total.received == 9, "the readings")
    total = check_that_counts_add_up()
    # Five readings and three rejects, whichever batches they came in; what was struck was counted twice, as repeats.
    assert (total["stored"], total["quarantined"]) == (5, 3)
    assert total["repeated"] > 1


def test_rejects_that_are_delivered_again_are_repeats() -> None:
    open_status(0)
    store = Store(slot=0)
    batch = [message("sensors/nobody/pm25", "1"), message("x", "2")]
    store.store(batch)
    store.store(again(batch))
    assert check_that_counts_add_up() == {"received": 4, "stored": 0, "repeated": 2, "quarantined": 2, "ignored": 0}


def test_two_workers_and_those_that_come_after_them_count_what_each_did(
    broker: BrokerUrl, publisher: Publisher
) -> None:
    thing = make_datastream().thing.slug
    shared = {"topic_filter": f"$share/counts-{thing}/sensors/{thing}/#"}
    first, second = options_for(thing, **shared), options_for(thing, **shared)
    workers = [make_worker(broker, first, Store(slot=1)), make_worker(broker, second, Store(slot=2))]
    with running(workers[0]), running(workers[1]):
        for number in range(200):
            publisher.publish(f"sensors/{thing}/pm25", reading(number % 150))
        publisher.finish()
        wait_for(lambda: sum(worker.total.received for worker in workers) == 200, "the readings")
    last = make_worker(broker, first, Store(slot=1))
    with running(last), running(make_worker(broker, second, Store(slot=2))):
        publisher.publish(f"sensors/{thing}/pm25", "x")
        publisher.finish()
        wait_for(lambda: IngestStatus.objects.aggregate(n=Sum("received"))["n"] == 201, "the last")
    total = check_that_counts_add_up()
    assert total == {"received": 201, "stored": 150, "repeated": 50, "quarantined": 1, "ignored": 0}


def test_readings_that_are_counted_only_are_quarantined_without_a_row() -> None:
    open_status(0)
    store = Store(slot=0)
    kept = Counter({"flooding": 1})
    with transaction.atomic():
        RejectedMessage.objects.create(topic="t", payload=b"", reason="flooding", received_at=NOON)
        store._count(Outcome(quarantined=6), [message("t", "1")], kept, Counter({"flooding": 5}))
    assert check_that_counts_add_up()["quarantined"] == 6
    assert QuarantineCount.objects.values_list("slot", "reason", "kept", "counted_only").get() == (0, "flooding", 1, 5)


def test_database_refuses_counts_that_do_not_add_up() -> None:
    open_status(0)
    with pytest.raises(IntegrityError, match="ingest_counts_add_up"):
        IngestStatus.objects.update(received=1)


def test_messages_are_counted_as_acknowledged_and_batches_by_size_over_restarts(
    broker: BrokerUrl, publisher: Publisher
) -> None:
    thing = make_datastream().thing.slug
    options = options_for(thing)
    for start in (0, 50):
        worker = make_worker(broker, options, Store(slot=4))
        with running(worker):
            for second in range(50):
                publisher.publish(f"sensors/{thing}/pm25", reading(start + second))
            publisher.finish()
            wait_for(lambda: worker.total.received == 50, "the readings")  # noqa: B023
    status = IngestStatus.objects.get(slot=4)
    assert (status.acknowledged, status.returned, status.dropped) == (100, 0, 0)
    assert status.batch_messages == 100
    assert sum(status.by_messages or []) == sum(status.by_seconds or []) == status.batches
    assert status.batch_seconds > 0
    assert (status.waiting, status.oldest_waiting_at, status.is_connected) == (0, None, False)
    assert status.newest_at is not None
    assert status.newest_at.isoformat() == "2026-03-01T04:01:39+00:00"
    assert status.lag_seconds is not None


def test_messages_whose_connection_was_lost_before_their_acknowledgement_are_counted_as_returned(
    broker: BrokerUrl, publisher: Publisher
) -> None:
    thing = make_datastream().thing.slug
    options = options_for(thing)
    let_go = threading.Event()
    batches: list[int] = []

    class Held(Store):
        def store(self, messages: Any) -> Outcome:
            batches.append(len(messages))
            assert let_go.wait(20)
            return super().store(messages)

    worker = make_worker(broker, options, Held(slot=4))
    with running(worker):
        for second in range(20):
            publisher.publish(f"sensors/{thing}/pm25", reading(second))
        publisher.finish()
        wait_for(lambda: sum(batches) + len(worker.inbox) == 20, "the messages")
        taker = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=options.client_id, protocol=mqtt.MQTTv5)
        taker.username_pw_set(broker.username, broker.password)
        taker.connect(broker.host, broker.port, clean_start=True)
        taker.loop_start()
        wait_for(lambda: not worker.is_subscribed, "the take-over")
        let_go.set()
        wait_for(lambda: IngestStatus.objects.filter(slot=4, returned=20), "the count")
        taker.disconnect()
        taker.loop_stop()
    assert IngestStatus.objects.get(slot=4).acknowledged == 0
    check_that_counts_add_up()


def test_counts_written_twice_count_once() -> None:
    open_status(2)
    counts = WorkerCounts()
    counts.add_batch(3, 0.004)
    counts.add_acknowledged(2, of=3)
    for _again in range(2):
        note(2, counts, Now(7, NOON, True, {"messages_held": 60.0}))
    resumed = WorkerCounts()
    resumed.resume(2)
    assert (resumed.acknowledged, resumed.returned, resumed.batches, resumed.batch_messages) == (2, 1, 1, 3)
    # Up to 10 messages, and up to 5 ms.
    assert resumed.by_messages == [0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert resumed.by_seconds == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    status = IngestStatus.objects.get(slot=2)
    assert (status.waiting, status.oldest_waiting_at, status.broker) == (7, NOON, {"messages_held": 60.0})


def test_batch_of_a_bound_s_size_is_counted_below_it_and_one_beyond_all_bounds_last() -> None:
    counts = WorkerCounts()
    counts.add_batch(1, 10.0)
    counts.add_batch(2_501, 10.1)
    assert (counts.by_messages[0], counts.by_messages[-1]) == (1, 1)
    assert counts.by_seconds[-2:] == [1, 1]


def end_session(broker: BrokerUrl, client_id: str) -> None:
    """Connects as this client without its session: nothing of it is left at the broker."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True)
    client.username_pw_set(broker.username, broker.password)
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.connect(broker.host, broker.port)
    client.loop_start()
    assert connected.wait(20)
    client.disconnect()
    client.loop_stop()


def test_broker_tells_how_many_messages_it_holds_for_a_session_that_is_away(
    broker: BrokerUrl, publisher: Publisher
) -> None:
    name = f"away-{uuid.uuid4().hex[:8]}"
    away = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
    away.username_pw_set(broker.username, broker.password)
    subscribed = threading.Event()
    away.on_subscribe = lambda *_: subscribed.set()
    away.connect(broker.host, broker.port)
    away.loop_start()
    away.subscribe("sensors/queue-is-told/#", 1)
    assert subscribed.wait(20)
    away.disconnect()
    away.loop_stop()
    figures = BrokerFigures(broker)
    figures.start()
    try:
        wait_for(lambda: {"messages_held", "messages_retained"} <= figures.said.keys(), "figures")
        for number in range(300):
            publisher.publish("sensors/queue-is-told/pm25", str(number))
        publisher.finish()
        # Others use this broker, too; nobody else leaves hundreds behind. It tells its figures every ten seconds.
        wait_for(lambda: figures.said["messages_held"] - figures.said["messages_retained"] >= 300, "the queue")
    finally:
        figures.stop()
        end_session(broker, name)
    assert figures.said == {}
