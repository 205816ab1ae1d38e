"""The outbox: what is written down arrives, once, in order."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from geo.models import DeliveryAttempt, Destination, OutboxMessage
from geo.operations.outbox.delivery import (
    SQL,
    Delivered,
    deliver_due,
    deliver_next,
)
from geo.operations.outbox.transports import signature
from tests.db.outbox_transports import KEY, Clock, answering, clock, receiver, texts, write
from tests.factories import NOW
from tests.receiver import Answer, Receiver

pytestmark = pytest.mark.django_db
__all__ = ["clock", "receiver"]


def test_a_message_arrives_once_and_its_try_is_kept(receiver: Receiver, clock: Clock) -> None:
    message = write("satu", receiver)
    assert deliver_due(now=clock) == Delivered(sent=1)
    assert deliver_due(now=clock) == Delivered()
    assert texts(receiver) == ["satu"]
    message.refresh_from_db()
    assert (message.state, message.attempts, message.finished_at, message.last_error) == ("delivered", 1, NOW, "")
    attempt = DeliveryAttempt.objects.get()
    assert (attempt.message, attempt.at, attempt.is_success, attempt.status_code) == (message, NOW, True, 200)
    assert Destination.objects.get().last_success_at == NOW


def test_a_message_tells_its_key_and_is_signed(receiver: Receiver, clock: Clock) -> None:
    message = write("é", receiver)
    deliver_due(now=clock)
    (request,) = receiver.received
    assert request.body == '{"text":"é"}'.encode()
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert request.headers["x-pantau-delivery"] == str(message.key)
    timestamp = request.headers["x-pantau-timestamp"]
    assert request.headers["x-pantau-signature"] == signature(request.body, timestamp=timestamp, key=KEY)


def test_a_message_is_written_in_the_transaction_that_is_its_reason(receiver: Receiver, clock: Clock) -> None:
    with transaction.atomic():
        write("satu", receiver)
        transaction.set_rollback(True)
    assert deliver_due(now=clock) == Delivered()


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_status_of_the_two_hundreds_is_an_arrival(status: int, receiver: Receiver, clock: Clock) -> None:
    receiver.answer = lambda _request: Answer(status, b"")
    write("satu", receiver)
    assert deliver_due(now=clock) == Delivered(sent=1)
    assert DeliveryAttempt.objects.get().status_code == status


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 507])
def test_a_status_that_says_not_now_is_tried_again(status: int, receiver: Receiver, clock: Clock) -> None:
    receiver.answer = answering(status)
    write("satu", receiver)
    assert deliver_due(now=clock) == Delivered(failed=1)
    message = OutboxMessage.objects.get()
    assert (message.state, message.attempts) == ("pending", 1)
    assert str(status) in message.last_error
    assert DeliveryAttempt.objects.get().status_code == status


@pytest.mark.parametrize("status", [301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 410, 413, 422])
def test_any_other_status_gives_the_message_up_and_lets_the_next_go(
    status: int, receiver: Receiver, clock: Clock
) -> None:
    receiver.answer = lambda _request: Answer(status if len(receiver.received) == 1 else 200, b"", {"Location": "/x"})
    write("satu", receiver, ordering_key="report:1")
    write("dua", receiver, ordering_key="report:1")
    assert deliver_due(now=clock) == Delivered(sent=1, dead=1)
    assert texts(receiver) == ["satu", "dua"]
    first = OutboxMessage.objects.order_by("id")[0]
    assert (first.state, first.finished_at) == ("dead", NOW)
    assert str(status) in first.last_error
    assert Destination.objects.get().failures == 0


def test_an_address_in_a_private_network_gives_the_message_up(receiver: Receiver, clock: Clock, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = []
    write("satu", receiver)
    assert deliver_due(now=clock) == Delivered(dead=1)
    assert receiver.received == []


def test_messages_of_one_key_keep_their_order_when_the_first_is_tried_in_vain(receiver: Receiver, clock: Clock) -> None:
    write("a1", receiver, ordering_key="a")
    write("a2", receiver, ordering_key="a")
    write("b1", receiver, ordering_key="b")
    receiver.answer = answering(503, 200)
    assert deliver_due(now=clock) == Delivered(failed=1)
    clock.move(minutes=1)
    assert deliver_due(now=clock) == Delivered(sent=3)
    assert [text for text in texts(receiver) if text != "b1"] == ["a1", "a1", "a2"]


def test_a_message_waits_for_an_earlier_one_of_its_key_and_others_do_not(receiver: Receiver, clock: Clock) -> None:
    write("mistake", ordering_key="a")
    write("a2", receiver, ordering_key="a")
    write("b1", receiver, ordering_key="b")
    write("free", receiver)
    assert deliver_due(now=clock) == Delivered(sent=2, failed=1)
    assert sorted(texts(receiver)) == ["b1", "free"]
    OutboxMessage.objects.filter(transport="test-bad").update(payload={"text": "fine"})
    clock.move(minutes=1)
    assert deliver_due(now=clock) == Delivered(sent=2)
    assert texts(receiver)[-1] == "a2"


def test_the_same_key_at_two_destinations_is_two_orders(receiver: Receiver, clock: Clock) -> None:
    write("away", destination="sorot", ordering_key="report:1")
    write("satu", receiver, destination="pot", ordering_key="report:1")
    assert deliver_due(now=clock) == Delivered(sent=1, failed=1)


def plan_of(statement: str, **values: Any) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values)
        return cursor.fetchone()[0][0]["Plan"]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def test_finding_the_next_of_a_hundred_thousand_messages_reads_a_handful_of_pages(clock: Clock) -> None:
    with connection.cursor() as cursor:
        # The first and most of them wait for a destination that is down.
        cursor.execute(
            """
            INSERT INTO geo_outboxmessage (key, transport, destination, ordering_key, topic, payload, state, attempts, last_error,
                                           created_at, next_attempt_at)
            SELECT gen_random_uuid(), 'test-bad', CASE WHEN n %% 100 = 0 THEN 'up-' || n %% 7 ELSE 'a-down' END, 'report:' || n,
                   'status', '{"text": "fine"}', 'pending', 0, '', now, now - (100001 - n) * interval '1 ms'
            FROM generate_series(1, 100000) n, CAST(%s AS timestamptz) now ORDER BY n
            """,
            [NOW],
        )
    Destination.objects.create(name="a-down", failures=1, retry_at=NOW + timedelta(minutes=5))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE geo_outboxmessage, geo_destination")
        cursor.execute(SQL.due_destinations, {"now": NOW})
        assert sorted(cursor.fetchall()) == [(f"up-{number}", "test-bad", False) for number in range(7)]
    for statement, values in (
        (SQL.due_destinations, {"now": NOW}),
        (SQL.claim_message, {"now": NOW, "destination": "up-3"}),
    ):
        plan = plan_of(statement, **values)
        scans = [node for node in nodes(plan) if node.get("Relation Name") == "geo_outboxmessage"]
        assert scans
        assert {node["Node Type"] for node in scans} <= {"Index Scan", "Index Only Scan"}
        assert "outbox_pending" in {node["Index Name"] for node in scans}
        assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 200
        print(f"{plan['Shared Hit Blocks']} pages, {plan['Actual Total Time']} ms")
    assert deliver_next(now=clock) == Delivered(sent=1)
