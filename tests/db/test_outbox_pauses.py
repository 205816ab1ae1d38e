"""The outbox where a destination is down or busy: pauses, lanes, and what does not wait for it."""

from datetime import timedelta
from typing import Any

import psycopg2
import pytest
from django.db import connection

from geo.models import DeliveryAttempt, Destination, OutboxMessage
from geo.operations.outbox.delivery import (
    BACKGROUND,
    SQL,
    Delivered,
    deliver_due,
    deliver_next,
    try_now,
)
from tests.db.outbox_transports import Clock, answering, clock, receiver, texts, write
from tests.receiver import Answer, Receiver

pytestmark = pytest.mark.django_db
__all__ = ["clock", "receiver"]


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
