import json
import threading
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from django.db import OperationalError, connection

from sensors.ingest.broker_url import BrokerUrl
from sensors.ingest.connection import BrokerLink, Delivery
from sensors.ingest.fast_paho import FastClient, StockClient, client_class
from sensors.ingest.models import IngestStatus, RejectedMessage
from sensors.ingest.publisher import Publisher
from sensors.ingest.store import Outcome, Store
from sensors.observations.models import Observation
from tests.ingest.conftest import make_worker, options_for, running
from tests.sensor_factories import make_datastream
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

T0 = 1_772_337_600  # 2026-03-01T04:00:00Z


def reading(second: int, result: float = 1.0) -> str:
    return json.dumps({"result": result, "phenomenon_time": T0 + second})


class Held(Store):
    """A store that a test holds up: nothing is stored until it lets go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()
        self.batches: list[int] = []

    def store(self, messages: Any) -> Outcome:
        self.batches.append(len(messages))
        assert self.let_go.wait(20)
        return super().store(messages)


@pytest.mark.parametrize("is_fast", [True, False], ids=["fast", "stock"])
@pytest.mark.parametrize("is_mqtt5", [True, False], ids=["mqtt5", "mqtt3.1.1"])
def test_what_is_published_is_stored_once_and_acknowledged(
    broker: BrokerUrl, publisher: Publisher, is_mqtt5: bool, is_fast: bool
) -> None:
    datastream = make_datastream(f"w-{int(is_mqtt5)}{int(is_fast)}")
    thing = datastream.thing.slug
    options = options_for(thing, is_mqtt5=is_mqtt5, is_fast=is_fast)
    worker = make_worker(broker, options)
    with running(worker) as ends:
        for second in range(500):
            publisher.publish(f"sensors/{thing}/pm25", reading(second))
        publisher.publish(f"sensors/{thing}", json.dumps({"phenomenon_time": T0 + 500, "results": {"pm25": 2.0}}))
        publisher.finish()
        wait_for(lambda: worker.total.received == 501, "the readings")
    assert ends == [None]
    assert worker.total == Outcome(stored=501)
    assert Observation.objects.filter(datastream=datastream).count() == 501
    # Everything was acknowledged: the same session, taken up again, is given nothing.
    again = make_worker(broker, options)
    with running(again):
        publisher.publish(f"sensors/{thing}/pm25", reading(501))
        wait_for(lambda: again.total.received, "the last reading")
    assert again.total == Outcome(stored=1)


@pytest.mark.parametrize("is_fast", [True, False], ids=["fast", "stock"])
def test_nothing_is_acknowledged_before_it_is_committed(broker: BrokerUrl, publisher: Publisher, is_fast: bool) -> None:
    thing = make_datastream().thing.slug
    options = options_for(thing, is_fast=is_fast)
    held = Held()
    received: list[bool] = []
    with running(make_worker(broker, options, held)):
        for second in range(100):
            publisher.publish(f"sensors/{thing}/pm25", reading(second))
        publisher.finish()
        wait_for(lambda: held.batches, "the first batch")
        # The session moves to another client while the batch is held: everything is there still, unacknowledged.
        link = BrokerLink(broker, options, on_delivery=lambda delivery: received.append(delivery.redelivered))
        link.start()
        wait_for(lambda: len(received) == 100, "the redelivery")
        held.let_go.set()
    link.stop()
    assert Observation.objects.count() == 100


def test_while_the_database_is_away_the_batch_is_kept_and_then_stored(broker: BrokerUrl, publisher: Publisher) -> None:
    thing = make_datastream().thing.slug

    class Away(Store):
        tries = 0

        def store(self, messages: Any) -> Outcome:
            self.tries += 1
            if self.tries <= 3:
                raise OperationalError("server closed the connection unexpectedly")
            assert all(message.redelivered for message in messages)
            return super().store(messages)

    worker = make_worker(broker, options_for(thing), Away())
    with running(worker):
        publisher.publish(f"sensors/{thing}/pm25", reading(0))
        wait_for(lambda: worker.total.received, "the reading")
    assert worker.total == Outcome(stored=1)


def test_a_value_that_the_database_refuses_is_quarantined_alone(broker: BrokerUrl, publisher: Publisher) -> None:
    thing = make_datastream().thing.slug
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE sensors_observation ADD CONSTRAINT no_beast CHECK (result <> 666)")
    try:
        held = Held()
        worker = make_worker(broker, options_for(thing), held)
        with running(worker):
            for second in range(50):
                publisher.publish(f"sensors/{thing}/pm25", reading(second, 666 if second in {10, 40} else 1))
            publisher.finish()
            held.let_go.set()
            wait_for(lambda: worker.total.received == 50, "the readings")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE sensors_observation DROP CONSTRAINT no_beast")
    assert worker.total == Outcome(stored=48, quarantined=2)
    assert {row.reason for row in RejectedMessage.objects.all()} == {"not_storable"}


def test_a_thing_registered_while_the_worker_runs_is_known_at_once(broker: BrokerUrl, publisher: Publisher) -> None:
    worker = make_worker(broker, options_for("latecomer"))
    with running(worker):
        publisher.publish("sensors/latecomer/pm25", reading(0))
        wait_for(lambda: worker.total.received == 1, "the first reading")
        make_datastream("latecomer")
        publisher.publish("sensors/latecomer/pm25", reading(1))
        wait_for(lambda: worker.total.received == 2, "the second reading")
    assert worker.total == Outcome(stored=1, quarantined=1)


def test_a_retained_reading_without_a_time_is_ignored_and_with_its_time_stored(
    broker: BrokerUrl, publisher: Publisher
) -> None:
    thing = make_datastream().thing.slug
    make_datastream(thing, "no2")
    publisher.publish(f"sensors/{thing}/pm25", "12.5", retain=True)
    publisher.publish(f"sensors/{thing}/no2", reading(0), retain=True)
    publisher.finish()
    worker = make_worker(broker, options_for(thing))
    with running(worker):
        wait_for(lambda: worker.total.received == 2, "the retained readings")
    for code in ("pm25", "no2"):
        publisher.publish(f"sensors/{thing}/{code}", b"", retain=True)
    publisher.finish()
    assert worker.total == Outcome(stored=1, ignored=1)


def test_a_reading_without_a_time_is_of_its_receipt(broker: BrokerUrl, publisher: Publisher) -> None:
    thing = make_datastream().thing.slug
    worker = make_worker(broker, options_for(thing))
    before = datetime.now(UTC)
    with running(worker):
        publisher.publish(f"sensors/{thing}/pm25", "12.5")
        wait_for(lambda: worker.total.received, "the reading")
    stored = Observation.objects.get()
    assert before <= stored.phenomenon_time <= datetime.now(UTC)
    assert (stored.result, stored.time_source) == (12.5, 1)


def test_slots_share_the_load_and_each_reading_is_stored_once(broker: BrokerUrl, publisher: Publisher) -> None:
    thing = make_datastream().thing.slug
    workers = [
        make_worker(broker, options_for(thing, topic_filter=f"$share/test-{thing}/sensors/{thing}/#")) for _ in range(2)
    ]
    with running(workers[0]), running(workers[1]):
        for second in range(400):
            publisher.publish(f"sensors/{thing}/pm25", reading(second))
        publisher.finish()
        wait_for(lambda: sum(worker.total.received for worker in workers) == 400, "the readings")
    assert Observation.objects.count() == 400
    assert all(worker.total.stored > 0 for worker in workers)
    assert sum(worker.total.stored for worker in workers) == 400


def test_a_retired_slot_empties_its_queue_and_takes_no_share_any_more(broker: BrokerUrl, publisher: Publisher) -> None:
    thing = make_datastream().thing.slug
    share = f"$share/test-{thing}/sensors/{thing}/#"
    leaving, staying = options_for(thing, topic_filter=share), options_for(thing, topic_filter=share)
    stayer = make_worker(broker, staying)
    with running(make_worker(broker, leaving)):
        pass
    with running(stayer):
        for second in range(100):
            publisher.publish(f"sensors/{thing}/pm25", reading(second))
        publisher.finish()
        # Half of them wait in the session of the one that left.
        retiring = make_worker(
            broker, options_for(thing, topic_filter=share, client_id=leaving.client_id, is_retiring=True)
        )
        assert retiring.run(until_idle_s=0.5) is None
        wait_for(lambda: stayer.total.received + retiring.total.received == 100, "the readings")
        assert retiring.total.received > 0
        before = stayer.total.received
        for second in range(100, 200):
            publisher.publish(f"sensors/{thing}/pm25", reading(second))
        publisher.finish()
        wait_for(lambda: stayer.total.received == before + 100, "all of the later readings")
    assert Observation.objects.count() == 200


def test_the_counts_of_a_slot_are_written_with_the_work_they_count(broker: BrokerUrl, publisher: Publisher) -> None:
    thing = make_datastream().thing.slug
    worker = make_worker(broker, options_for(thing), Store(slot=3))
    with running(worker):
        publisher.publish(f"sensors/{thing}/pm25", reading(0))
        publisher.publish(f"sensors/{thing}/pm25", reading(0))
        publisher.publish(f"sensors/{thing}/pm25", "x")
        wait_for(lambda: worker.total.received == 3, "the readings")
    status = IngestStatus.objects.get(slot=3)
    assert (status.received, status.stored, status.repeated, status.quarantined, status.ignored) == (3, 1, 1, 1, 0)
    assert status.last_commit_at is not None


# Without a broker: what paho tells the link


def link_with_recorder(broker: BrokerUrl) -> tuple[BrokerLink, list[int], list[Any]]:
    acknowledged: list[int] = []
    received: list[Any] = []
    link = BrokerLink(broker, options_for("x"), on_delivery=received.append)
    link._client = SimpleNamespace(acknowledge_all=acknowledged.extend)  # type: ignore[assignment]
    return link, acknowledged, received


def receive(link: BrokerLink, mid: int) -> None:
    link._received("sensors/x/pm25", b"1", mid, 1, False, False)


def test_a_packet_id_of_an_old_connection_is_never_acknowledged_on_a_new_one(broker: BrokerUrl) -> None:
    link, acknowledged, received = link_with_recorder(broker)
    receive(link, 1)
    link._socket_closed(None, None, None)  # type: ignore[arg-type]
    receive(link, 1)
    receive(link, 2)
    assert link.acknowledge([received[0]]) == 0
    assert link.acknowledge(received) == 2
    assert acknowledged == [1, 2]


@pytest.mark.parametrize("is_fast", [True, False], ids=["fast", "stock"])
def test_packets_that_come_in_pieces_and_heaps_are_each_received_once(
    broker: BrokerUrl, publisher: Publisher, is_fast: bool
) -> None:
    thing = make_datastream().thing.slug
    worker = make_worker(broker, options_for(thing, is_fast=is_fast))
    with running(worker):
        # Larger than one read of the socket, and many small ones behind it.
        many = ", ".join(reading(second) for second in range(3_000))
        publisher.publish(f"sensors/{thing}/pm25", f"[{many}]")
        for second in range(3_000, 5_000):
            publisher.publish(f"sensors/{thing}/pm25", reading(second))
        publisher.finish()
        wait_for(lambda: worker.total.received == 5_000, "the readings")
    assert worker.total == Outcome(stored=5_000)


def fast_client(packets: list[tuple[Any, ...]], *, is_mqtt5: bool) -> FastClient:
    protocol = mqtt.MQTTv5 if is_mqtt5 else mqtt.MQTTv311
    return FastClient(lambda *packet: packets.append(packet), protocol=protocol, manual_ack=True)


def hand(client: FastClient, command: int, body: bytes) -> None:
    client._in_packet["command"], client._in_packet["packet"] = command, bytearray(body)
    client._handle_publish()


def test_a_publish_is_cut_into_the_same_parts_as_by_paho() -> None:
    properties = bytes([5, 1, 1, 0x23, 0, 7])  # payload format 1, topic alias 7
    body = b"\x00\x03a/b" + b"\x12\x34" + properties + b"12.5"
    for command in (0x32, 0x3B):  # QoS 1; the same, a duplicate and retained
        by_hooks: list[tuple[Any, ...]] = []
        by_paho: list[tuple[Any, ...]] = []
        hand(fast_client(by_hooks, is_mqtt5=True), command, body)
        stock = StockClient(lambda *packet: by_paho.append(packet), protocol=mqtt.MQTTv5, manual_ack=True)  # noqa: B023
        stock._in_packet["command"], stock._in_packet["packet"] = command, bytearray(body)
        stock._handle_publish()
        assert by_hooks == by_paho == [("a/b", b"12.5", 0x1234, 1, command == 0x3B, command == 0x3B)]


def test_a_publish_of_qos_0_has_no_packet_id_and_properties_may_be_long() -> None:
    packets: list[tuple[Any, ...]] = []
    hand(fast_client(packets, is_mqtt5=False), 0x30, b"\x00\x01a1")
    user_property = b"\x26\x00\x01k\x00\xc8" + b"v" * 200
    length = bytes([len(user_property) & 127 | 128, len(user_property) >> 7])
    hand(fast_client(packets, is_mqtt5=True), 0x30, b"\x00\x01a" + length + user_property + b"2")
    assert [packet[:4] for packet in packets] == [("a", b"1", 0, 0), ("a", b"2", 0, 0)]


def test_a_paho_without_the_hooks_is_used_as_it_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr(mqtt.Client, "_packet_queue")
    assert client_class(is_fast=True) is StockClient
    assert "no _packet_queue" in caplog.text
    monkeypatch.undo()
    assert client_class(is_fast=True) is FastClient
    assert client_class(is_fast=False) is StockClient


def test_a_session_lost_over_a_reconnect_is_an_alarm(broker: BrokerUrl, caplog: pytest.LogCaptureFixture) -> None:
    lost: list[bool] = []
    link = BrokerLink(
        broker, options_for("x"), on_delivery=lambda delivery: None, on_session_lost=lambda: lost.append(True)
    )
    client = SimpleNamespace(subscribe=lambda *args, **more: None)
    good = SimpleNamespace(is_failure=False)
    for is_present in (False, True, False):
        flags = SimpleNamespace(session_present=is_present)
        link._connected(client, None, flags, good, None)  # type: ignore[arg-type]
    assert lost == [True]
    assert [record.levelname for record in caplog.records if "lost our session" in record.message] == ["CRITICAL"]


def test_messages_held_for_a_stopped_worker_are_let_go_unacknowledged(broker: BrokerUrl) -> None:
    worker = make_worker(broker, options_for("x"))
    worker.request_stop()
    worker.inbox.put(Delivery("t", b"", 0, qos=1))
    assert len(worker.inbox) == 0


def reason(name: str) -> Any:
    return SimpleNamespace(is_failure=True, getName=lambda: name)


def test_a_session_taken_over_by_another_worker_is_a_reason_to_end(broker: BrokerUrl) -> None:
    link, _acknowledged, _received = link_with_recorder(broker)
    link._disconnected(None, None, None, reason("Unspecified error"), None)  # type: ignore[arg-type]
    assert link.failure is None
    link._disconnected(None, None, None, reason("Session taken over"), None)  # type: ignore[arg-type]
    assert link.failure is not None
    assert "give each its own --slot" in link.failure


def test_a_connection_that_lasts_no_time_hints_at_a_second_worker(
    broker: BrokerUrl, caplog: pytest.LogCaptureFixture
) -> None:
    link, _acknowledged, _received = link_with_recorder(broker)
    link._disconnected(None, None, None, reason("Unspecified error"), None)  # type: ignore[arg-type]
    assert "does another worker connect as test-" in caplog.text
