"""The outbox: what is given up, sent again, and forgotten."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from geo.models import Channel, DeliveryAttempt, Destination, OutboxMessage
from geo.operations.outbox.delivery import (
    Delivered,
    SentAgain,
    deliver_due,
    forget_finished,
    replay_dead,
    send_again,
)
from geo.operations.outbox.transports import register
from tests.db.outbox_transports import Clock, answering, clock, receiver, texts, write
from tests.factories import NOW
from tests.receiver import Receiver

pytestmark = pytest.mark.django_db
__all__ = ["clock", "receiver"]


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
