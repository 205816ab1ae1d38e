"""The outbox: what is written down arrives, once, in order, however its destination behaves."""

import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from geo.models import Channel, DeliveryAttempt, Destination, OutboxMessage
from geo.operations.outbox.delivery import (
    BACKGROUND,
    SQL,
    Delivered,
    SentAgain,
    deliver_due,
    deliver_next,
    forget_finished,
    replay_dead,
    send_again,
    try_now,
)
from geo.operations.outbox.messages import enqueue
from geo.operations.outbox.transports import Refused, Unreachable, register, send_signed_json, signature
from tests.factories import NOW
from tests.receiver import Answer, Receiver

pytestmark = pytest.mark.django_db

KEY = b"kunci"


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


def send_to_url(message: OutboxMessage) -> int:
    return send_signed_json(message.payload["url"], {"text": message.payload["text"]}, key=KEY, message=message)


def send_badly(message: OutboxMessage) -> int | None:
    """Does to each message what its text says."""
    match message.payload["text"]:
        case "mistake":
            raise ZeroDivisionError("a mistake")
        case "odd mistake":
            raise ValueError("nul \0, half \ud800, long " + "x" * 1000)
        case "statement":
            Channel.objects.create(slug="half-written", name="Half")
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1/0")
        case "away":
            raise Unreachable("away")
        case "never":
            raise Refused("never")
    return None


register("test-url", send_to_url)
register("test-bad", send_badly)
register("test-background", lambda _message: None, in_background=True)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]
    with Receiver() as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


def write(text: str, receiver: Receiver | None = None, *, destination: str = "pot", **more: Any) -> OutboxMessage:
    """A message to the receiver, or, without one, to a transport that does what the text says."""
    values = {"transport": "test-url" if receiver else "test-bad", "topic": "status", "now": NOW, **more}
    payload = {"text": text, "url": receiver.url if receiver else ""}
    with transaction.atomic():
        return enqueue(destination=destination, payload=payload, **values)


def texts(receiver: Receiver) -> list[str]:
    return [json.loads(request.body)["text"] for request in receiver.received]


def answering(*statuses: int, **headers: str) -> Any:
    """Answers with these statuses in turn, and with the last one from then on."""
    rest = list(statuses)
    return lambda _request: Answer(rest.pop(0) if len(rest) > 1 else rest[0], headers=headers)


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


def test_while_a_destination_is_down_one_message_is_tried_now_and_then_and_then_all_flow(
    receiver: Receiver, clock: Clock
) -> None:
    for number in range(20):
        write(str(number), receiver)
    receiver.answer = answering(503)
    assert deliver_due(now=clock) == Delivered(failed=1)
    assert deliver_due(now=clock) == Delivered(), "paused"
    waits = []
    for _ in range(9):
        retry_at = Destination.objects.get().retry_at
        assert retry_at is not None
        waits.append((retry_at - clock.now).total_seconds())
        clock.now = retry_at - timedelta(seconds=0.1)
        assert deliver_due(now=clock) == Delivered()
        clock.now = retry_at
        assert deliver_due(now=clock) == Delivered(failed=1), "one message alone"
    for wait_s, nominal_s in zip(waits, [5, 10, 20, 40, 80, 160, 320, 640, 900], strict=True):
        assert 0.8 * nominal_s <= wait_s <= 1.2 * nominal_s
    assert Destination.objects.get().failures == 10
    receiver.answer = answering(200)
    clock.move(hours=1)
    assert deliver_due(now=clock) == Delivered(sent=20)
    assert len(set(texts(receiver))) == 20
    back = Destination.objects.get()
    assert (back.failures, back.retry_at, back.last_error, back.last_success_at) == (0, None, "", clock.now)


def test_at_the_very_moment_of_the_successful_try_all_that_was_tried_before_flows_too(
    receiver: Receiver, clock: Clock
) -> None:
    for number in range(3):
        write(str(number), receiver)
    receiver.answer = answering(503, 503, 503, 503, 503, 200)
    for _ in range(5):
        assert deliver_due(now=clock) == Delivered(failed=1)
        clock.now = Destination.objects.get().retry_at or clock.now
    assert deliver_due(now=clock) == Delivered(sent=3)


def test_a_destination_that_does_not_answer_at_all_is_paused(clock: Clock, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]
    with Receiver() as gone:
        write("satu", gone)
    assert deliver_due(now=clock) == Delivered(failed=1)
    assert DeliveryAttempt.objects.get().status_code is None
    assert gone.url in Destination.objects.get().last_error


def test_another_destination_is_not_paused_with_it(receiver: Receiver, clock: Clock) -> None:
    receiver.answer = lambda request: Answer(503 if b"jauh" in request.body else 200)
    write("jauh", receiver, destination="sorot")
    write("dekat", receiver, destination="pot")
    assert deliver_due(now=clock) == Delivered(sent=1, failed=1)


def test_a_wish_to_be_left_alone_is_honoured(receiver: Receiver, clock: Clock) -> None:
    receiver.answer = answering(429, **{"Retry-After": "3600"})
    write("satu", receiver)
    write("dua", receiver)
    assert deliver_due(now=clock) == Delivered(failed=1)
    receiver.answer = answering(200)
    clock.move(seconds=3599)
    assert deliver_due(now=clock) == Delivered()
    clock.move(seconds=1)
    assert deliver_due(now=clock) == Delivered(sent=2)


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


def test_a_message_that_alone_makes_its_destination_fail_does_not_stop_the_others(
    receiver: Receiver, clock: Clock
) -> None:
    receiver.answer = lambda request: Answer(500 if b"poison" in request.body else 200)
    write("poison", receiver)
    for number in range(5):
        write(str(number), receiver)
    assert deliver_due(now=clock) == Delivered(failed=1)
    clock.move(seconds=10)
    while deliver_next(now=clock) is not None:
        pass
    assert sorted(set(texts(receiver))) == ["0", "1", "2", "3", "4", "poison"]
    # It is put off longer and longer, though its destination is up each time.
    for _ in range(6):
        clock.move(hours=1)
        write("more", receiver, now=clock.now - timedelta(hours=2))
        deliver_due(now=clock)
        clock.move(seconds=10)
        deliver_due(now=clock)
    poison = OutboxMessage.objects.get(payload__text="poison")
    assert poison.state == "pending"
    assert poison.next_attempt_at - clock.now > timedelta(minutes=4)
    assert OutboxMessage.objects.filter(state="delivered").count() == 11


def test_a_failing_destination_has_one_lane_and_another_has_two(receiver: Receiver, clock: Clock) -> None:
    Destination.objects.create(name="down", failures=3)
    write("satu", receiver, destination="down")
    write("dua", receiver, destination="up")
    write("tiga", receiver, destination="busy")
    elsewhere = psycopg2.connect(**connection.get_connection_params())
    try:
        with elsewhere.cursor() as cursor:
            for destination, lane in (("down", 0), ("up", 0), ("busy", 0), ("busy", 1)):
                cursor.execute(SQL.take_lane, {"destination": destination, "lane": lane})
                assert cursor.fetchone() == (True,)
        assert deliver_due(now=clock) == Delivered(sent=1)
        assert texts(receiver) == ["dua"]
        elsewhere.rollback()
        assert deliver_due(now=clock) == Delivered(sent=2)
    finally:
        elsewhere.close()


def test_what_goes_in_the_background_comes_after_all_else(clock: Clock) -> None:
    for number in range(20):
        write("photo", destination=f"photo:{number}", transport="test-background")
    write("fine", destination="channel:pot")
    assert deliver_next(now=clock) == Delivered(sent=1)
    assert OutboxMessage.objects.get(state="delivered").destination == "channel:pot"


def test_the_background_has_two_lanes_over_all_its_destinations(clock: Clock) -> None:
    write("photo", destination="photo:1", transport="test-background")
    elsewhere = psycopg2.connect(**connection.get_connection_params())
    try:
        with elsewhere.cursor() as cursor:
            for lane in (0, 1):
                cursor.execute(SQL.take_lane, {"destination": BACKGROUND, "lane": lane})
        assert deliver_next(now=clock) is None
        elsewhere.rollback()
        with elsewhere.cursor() as cursor:
            cursor.execute(SQL.take_lane, {"destination": BACKGROUND, "lane": 0})
        assert deliver_next(now=clock, background_lanes=1) is None
        assert deliver_next(now=clock) == Delivered(sent=1)
    finally:
        elsewhere.close()


def test_a_message_is_given_up_seven_days_after_it_was_written(clock: Clock) -> None:
    write("away")
    assert deliver_due(now=clock) == Delivered(failed=1)
    clock.move(days=7, seconds=-1)
    assert deliver_due(now=clock) == Delivered(failed=1)
    clock.move(hours=1)
    assert deliver_due(now=clock) == Delivered(dead=1)
    assert OutboxMessage.objects.get().last_error == "away"


def test_all_that_is_past_its_time_is_given_up_with_the_first_that_is_tried(clock: Clock) -> None:
    for _ in range(10):
        write("away")
    write("away", now=NOW + timedelta(days=5))
    write("away", destination="elsewhere")
    clock.move(days=7)
    OutboxMessage.objects.filter(destination="elsewhere").update(next_attempt_at=NOW + timedelta(days=9))
    assert deliver_due(now=clock) == Delivered(dead=10)
    assert list(OutboxMessage.objects.filter(state="pending").order_by("id").values_list("destination", flat=True)) == [
        "pot",
        "elsewhere",
    ]


def test_a_message_may_be_given_up_sooner(clock: Clock) -> None:
    write("away", give_up_at=NOW + timedelta(hours=1))
    assert deliver_due(now=clock) == Delivered(failed=1)
    clock.move(hours=1)
    assert deliver_due(now=clock) == Delivered(dead=1)


def test_a_mistake_of_ours_is_logged_counted_and_puts_off_its_message_alone(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    bad = write("mistake")
    write("fine")
    with caplog.at_level(logging.ERROR):
        assert deliver_due(now=clock) == Delivered(sent=1, failed=1)
    assert "ZeroDivisionError: a mistake" in caplog.text
    assert "Traceback" in caplog.text
    assert str(bad.key) in caplog.text
    bad.refresh_from_db()
    assert (bad.state, bad.attempts, bad.last_error) == ("pending", 1, "ZeroDivisionError: a mistake")
    assert Destination.objects.get().failures == 0


def test_a_mistake_of_ours_is_not_made_more_than_twenty_times(clock: Clock) -> None:
    write("mistake")
    for _ in range(19):
        assert deliver_due(now=clock) == Delivered(failed=1)
        clock.move(hours=1)
    assert deliver_due(now=clock) == Delivered(dead=1)
    assert DeliveryAttempt.objects.count() == 20


def test_a_statement_of_a_transport_that_fails_takes_nothing_but_itself_back(clock: Clock) -> None:
    write("statement")
    assert deliver_due(now=clock) == Delivered(failed=1)
    assert "division by zero" in OutboxMessage.objects.get().last_error
    assert not Channel.objects.filter(slug="half-written").exists()


def test_what_an_error_says_is_kept_as_far_as_it_can_be_stored(clock: Clock) -> None:
    write("odd mistake")
    assert deliver_due(now=clock) == Delivered(failed=1)
    said = OutboxMessage.objects.get().last_error
    assert said.startswith("ValueError: nul , half ?, long xxx")
    assert len(said) == 500


def test_a_transport_that_is_not_there_yet_is_waited_for(clock: Clock) -> None:
    write("satu", transport="not-yet")
    assert deliver_due(now=clock) == Delivered(failed=1)
    register("not-yet", lambda _message: None)
    clock.move(minutes=1)
    assert deliver_due(now=clock) == Delivered(sent=1)


def test_what_was_given_up_can_be_sent_again_of_one_destination_or_of_all(clock: Clock) -> None:
    for destination in ("pot", "pot", "sorot"):
        write("never", destination=destination, ordering_key="report:1")
    assert deliver_due(now=clock) == Delivered(dead=3)
    OutboxMessage.objects.update(payload={"text": "fine"})
    # Long after its time: it has all its tries and seven days before it again.
    clock.move(days=30)
    assert replay_dead(clock.now, "sorot") == SentAgain(1)
    message = OutboxMessage.objects.get(state="pending")
    assert (message.destination, message.attempts, message.finished_at) == ("sorot", 0, None)
    assert message.give_up_at == clock.now + timedelta(days=7)
    assert replay_dead(clock.now) == SentAgain(2)
    assert deliver_due(now=clock) == Delivered(sent=3)
    assert replay_dead(clock.now) == SentAgain(0)


@pytest.mark.parametrize("later", ["delivered", "pending"])
def test_an_old_status_is_not_sent_again_after_a_newer_one(later: str, clock: Clock) -> None:
    old = write("never", ordering_key="report:1")
    new = write("fine", ordering_key="report:1", now=NOW if later == "delivered" else NOW + timedelta(hours=1))
    deliver_due(now=clock)
    new.refresh_from_db()
    assert new.state == later
    assert replay_dead(clock.now) == SentAgain(messages=0, superseded=1)
    assert send_again(OutboxMessage.objects.filter(pk=old.pk), clock.now) == SentAgain(messages=0, superseded=1)
    old.refresh_from_db()
    assert old.state == "dead"


def test_what_was_given_up_is_sent_again_in_order_after_what_is_older_and_beside_what_is_of_no_order(
    clock: Clock, receiver: Receiver
) -> None:
    write("0", receiver, ordering_key="report:1")
    deliver_due(now=clock)
    receiver.answer = answering(404)
    for text in ("1", "2"):
        write(text, receiver, ordering_key="report:1")
    write("free", receiver)
    deliver_due(now=clock)
    receiver.answer = answering(200)
    # Later ones, of another report, of another destination, and of no order.
    write("3", receiver, ordering_key="report:2")
    write("4", receiver, destination="sorot", ordering_key="report:1")
    write("5", receiver)
    deliver_due(now=clock)
    receiver.received.clear()
    assert replay_dead(clock.now) == SentAgain(3)
    deliver_due(now=clock)
    assert [text for text in texts(receiver) if text != "free"] == ["1", "2"]
    assert len(receiver.received) == 3


def test_a_waiting_message_is_tried_at_once_though_a_later_one_waits_for_it(clock: Clock) -> None:
    first = write("away", ordering_key="report:1")
    write("fine", ordering_key="report:1")
    deliver_due(now=clock)
    assert send_again(OutboxMessage.objects.filter(pk=first.pk), clock.now) == SentAgain(1)


def test_a_message_on_its_way_is_not_touched_by_a_replay(clock: Clock) -> None:
    write("never")
    deliver_due(now=clock)
    # As seen by the transport, in the middle of its own delivery.
    seen = []
    register("test-replay", lambda _message: seen.append(replay_dead(clock.now)))
    write("satu", transport="test-replay")
    assert deliver_due(now=clock) == Delivered(sent=1, dead=1)
    assert seen == [SentAgain(1)]
    assert OutboxMessage.objects.get(transport="test-replay").state == "delivered"


def test_a_pause_can_be_ended_for_one_try(receiver: Receiver, clock: Clock) -> None:
    receiver.answer = answering(503)
    write("satu", receiver)
    write("dua", receiver)
    for _ in range(6):
        deliver_due(now=clock)
        clock.now = Destination.objects.get().retry_at or clock.now
    deliver_due(now=clock)
    clock.move(seconds=1)
    assert try_now(Destination.objects.all(), clock.now) == 1
    assert deliver_due(now=clock) == Delivered(failed=1)
    receiver.answer = answering(200)
    assert try_now(Destination.objects.all(), clock.now) == 1
    assert deliver_due(now=clock) == Delivered(sent=2)


def test_what_arrived_long_ago_is_forgotten_with_its_tries(clock: Clock) -> None:
    for text in ("old", "new", "never"):
        write(text)
    deliver_due(now=clock)
    OutboxMessage.objects.filter(payload__text="new").update(finished_at=NOW + timedelta(days=1))
    # Thirty days to the second are not more than thirty.
    assert forget_finished(NOW + timedelta(days=30)) == 0
    assert forget_finished(NOW + timedelta(days=30, seconds=1)) == 1
    assert sorted(OutboxMessage.objects.values_list("payload__text", flat=True)) == ["never", "new"]
    assert DeliveryAttempt.objects.count() == 2


def test_what_was_given_up_is_forgotten_when_personal_data_is(clock: Clock, settings: Any) -> None:
    settings.RETENTION_DAYS = 100
    write("never")
    write("away", now=NOW)
    deliver_due(now=clock)
    assert forget_finished(NOW + timedelta(days=100)) == 0
    assert forget_finished(NOW + timedelta(days=100, seconds=1)) == 1
    assert OutboxMessage.objects.get().state == "pending"
    assert DeliveryAttempt.objects.count() == 1


def test_what_was_given_up_before_a_message_that_is_forgotten_goes_with_it(clock: Clock) -> None:
    write("never", ordering_key="report:1")
    write("fine", ordering_key="report:1")
    write("never", ordering_key="report:1")
    write("never", ordering_key="report:2")
    deliver_due(now=clock)
    assert forget_finished(NOW + timedelta(days=31)) == 2
    # Neither the one after it nor that of another report is old.
    assert replay_dead(NOW + timedelta(days=31)) == SentAgain(2)


def test_more_than_a_batch_is_forgotten(clock: Clock) -> None:
    first = write("old")
    deliver_due(now=clock)
    first.refresh_from_db()
    kept = {field.attname: getattr(first, field.attname) for field in OutboxMessage._meta.concrete_fields}
    for name in ("id", "key"):
        del kept[name]
    OutboxMessage.objects.bulk_create(OutboxMessage(**kept) for _ in range(2500))
    assert forget_finished(NOW + timedelta(days=31)) == 2501
    assert not OutboxMessage.objects.exists()


def test_the_command_replays_and_says_how_many(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    write("never")
    write("never", destination="sorot")
    deliver_due(now=clock)
    call_command("deliver", "--replay-dead", "--destination", "sorot")
    assert capsys.readouterr().out == "1 messages are to be sent again\n"
    assert OutboxMessage.objects.filter(state="pending").count() == 1
    write("never", ordering_key="report:1")
    write("fine", ordering_key="report:1")
    deliver_due(now=clock)
    capsys.readouterr()
    call_command("deliver", "--replay-dead", "--destination", "pot")
    assert capsys.readouterr().out == (
        "1 messages are to be sent again\n1 are left out: later ones have taken their place\n"
    )
    for wrong in (["--threads", "0"], ["--destination", "pot"]):
        with pytest.raises(CommandError):
            call_command("deliver", *wrong)


def plan_of(statement: str, **values: Any) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values)
        return cursor.fetchone()[0][0]["Plan"]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def test_finding_the_next_of_a_hundred_thousand_messages_reads_a_handful_of_pages(clock: Clock) -> None:
    OutboxMessage.objects.bulk_create(
        (
            OutboxMessage(
                transport="test-bad",
                # The first and most of them wait for a destination that is down.
                destination="a-down" if number % 100 else f"up-{number % 7}",
                ordering_key=f"report:{number}",
                topic="status",
                payload={"text": "fine"},
                created_at=NOW,
                next_attempt_at=NOW + timedelta(milliseconds=number),
            )
            for number in range(-100_000, 0)
        ),
        batch_size=5000,
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
