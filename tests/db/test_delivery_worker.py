"""The delivery worker's threads: each message once, and none of them held up by a destination that is slow."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from geo.models import Destination, OutboxMessage
from geo.operations.outbox.delivery import Delivered
from geo.operations.outbox.messages import enqueue_many
from geo.operations.outbox.transports import register, send_signed_json
from geo.operations.outbox.worker import DeliveryWorker
from tests.receiver import Answer, Receiver
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_S = 30.0


def send_to_path(message: OutboxMessage) -> int:
    return send_signed_json(message.payload["url"], {}, key=b"kunci", message=message)


register("test-path", send_to_path)
register("test-path-background", send_to_path, in_background=True)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]
    with Receiver() as opened:
        yield opened


def write(count: int, receiver: Receiver, destination: str, *, keys: int = 0, transport: str = "test-path") -> None:
    """So many messages whose path is /destination/number; with `keys`, number modulo keys is their ordering key."""
    now = timezone.now()
    with transaction.atomic():
        enqueue_many(
            [
                OutboxMessage(
                    transport=transport,
                    destination=destination,
                    ordering_key=str(number % keys) if keys else "",
                    topic="status",
                    payload={"url": f"{receiver.url}/{destination}/{number}"},
                    created_at=now,
                    next_attempt_at=now,
                )
                for number in range(count)
            ]
        )


@pytest.fixture
def running(receiver: Receiver) -> Iterator[Callable[[DeliveryWorker], threading.Thread]]:
    """Starts workers in threads, and stops them at the end."""
    started: list[tuple[DeliveryWorker, threading.Thread]] = []

    def start(worker: DeliveryWorker) -> threading.Thread:
        thread = threading.Thread(target=worker.run)
        thread.start()
        started.append((worker, thread))
        return thread

    yield start
    for worker, thread in started:
        worker.request_stop()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def test_two_workers_with_four_threads_each_send_every_message_once_and_in_order(
    receiver: Receiver, running: Callable[[DeliveryWorker], threading.Thread]
) -> None:
    for destination in ("a", "b", "c", "d"):
        write(60, receiver, destination, keys=5)
    workers = [DeliveryWorker(threads=4, is_once=True) for _ in range(2)]
    for thread in [running(worker) for worker in workers]:
        thread.join(PATIENCE_S)
    assert sum((worker.total for worker in workers), Delivered()) == Delivered(sent=240)
    paths = [request.path for request in receiver.received]
    assert len(paths) == len(set(paths)) == 240
    for destination in ("a", "b", "c", "d"):
        for key in range(5):
            numbers = [int(path.rpartition("/")[2]) for path in paths if path.startswith(f"/{destination}/")]
            of_key = [number for number in numbers if number % 5 == key]
            assert of_key == sorted(of_key)


def test_a_slow_destination_does_not_hold_up_another(
    receiver: Receiver, running: Callable[[DeliveryWorker], threading.Thread]
) -> None:
    released = threading.Event()

    def answer(request: Any) -> Answer:
        if request.path.startswith("/slow/"):
            released.wait(PATIENCE_S)
        return Answer()

    receiver.answer = answer
    write(20, receiver, "slow")
    write(50, receiver, "quick")
    running(DeliveryWorker(threads=4))

    def count(destination: str) -> int:
        return sum(request.path.startswith(f"/{destination}/") for request in receiver.received)

    try:
        # Each of the slow one's requests is held: two of four threads, and no third, while all of the other's arrive.
        wait_for(lambda: count("quick") == 50 and count("slow") == 2, "the quick destination's messages")
    finally:
        released.set()
    wait_for(lambda: OutboxMessage.objects.filter(state="delivered").count() == 70, "the slow destination's messages")


@pytest.mark.parametrize(("threads", "held"), [(2, 1), (4, 2)])
def test_many_slow_hosts_in_the_background_do_not_hold_up_a_status(
    threads: int, held: int, receiver: Receiver, running: Callable[[DeliveryWorker], threading.Thread]
) -> None:
    released = threading.Event()

    def answer(request: Any) -> Answer:
        if request.path.startswith("/photo:"):
            released.wait(PATIENCE_S)
        return Answer()

    def count(kind: str) -> int:
        return sum(request.path.startswith(f"/{kind}") for request in receiver.received)

    receiver.answer = answer
    for number in range(20):
        write(1, receiver, f"photo:{number}", transport="test-path-background")
    running(DeliveryWorker(threads=threads))
    try:
        wait_for(lambda: count("photo:") == held, "the photos on their way")
        write(10, receiver, "status")
        wait_for(lambda: count("status") == 10, "the statuses")
        assert count("photo:") == held
    finally:
        released.set()
    wait_for(lambda: OutboxMessage.objects.filter(state="delivered").count() == 30, "all photos")


def test_a_stop_finishes_what_is_on_its_way_and_begins_nothing_more(
    receiver: Receiver, running: Callable[[DeliveryWorker], threading.Thread]
) -> None:
    released = threading.Event()
    receiver.answer = lambda _request: Answer(200 if released.wait(PATIENCE_S) else 500)
    write(20, receiver, "slow")
    worker = DeliveryWorker(threads=4)
    thread = running(worker)
    wait_for(lambda: len(receiver.received) == 2, "two messages on their way")
    worker.request_stop()
    released.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert worker.total == Delivered(sent=2)
    assert OutboxMessage.objects.filter(state="pending").count() == 18
    assert len(receiver.received) == 2


def test_two_tries_that_fail_side_by_side_are_one_failure_of_the_destination(
    receiver: Receiver, running: Callable[[DeliveryWorker], threading.Thread]
) -> None:
    both = threading.Barrier(2)

    def answer(_request: Any) -> Answer:
        both.wait(PATIENCE_S)
        return Answer(503, headers={"Retry-After": "600"})

    receiver.answer = answer
    write(20, receiver, "down")
    running(DeliveryWorker(threads=4))
    wait_for(lambda: OutboxMessage.objects.filter(attempts=1).count() == 2, "two failures")
    destination = Destination.objects.get()
    assert destination.failures == 1
    assert destination.retry_at is not None
    assert (destination.retry_at - timezone.now()).total_seconds() > 500


def test_once_sends_what_is_due_and_says_so(receiver: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    receiver.answer = lambda request: Answer({"/pot/0": 404, "/sorot/0": 503}.get(request.path, 200))
    write(10, receiver, "pot")
    write(1, receiver, "sorot")
    call_command("deliver", "--once")
    assert capsys.readouterr().out == "9 delivered, 1 failed and to be tried again, 1 given up\n"
