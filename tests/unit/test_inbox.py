"""What the worker holds between the broker and the database."""

from types import SimpleNamespace
from typing import Any, cast

from sensors.ingest.connection import Delivery
from sensors.ingest.worker import Inbox, Worker

MEGABYTE = b"1" * 1_000_000


def test_messages_of_qos_0_are_dropped_where_a_hundred_megabytes_wait() -> None:
    inbox = Inbox()
    for _number in range(103):
        inbox.put(Delivery("sensors/a/t", MEGABYTE, 0, qos=0))
    assert (len(inbox), inbox.dropped) == (100, 3)
    # The broker holds these until they are acknowledged, and its own maximum bounds them.
    inbox.put(Delivery("sensors/a/t", MEGABYTE, 0, qos=1))
    assert (len(inbox), inbox.dropped) == (101, 3)


def test_room_that_was_taken_from_is_there_again() -> None:
    inbox = Inbox()
    for _number in range(100):
        inbox.put(Delivery("sensors/a/t", MEGABYTE, 0, qos=0))
    assert len(inbox.take(most=40, most_bytes=1_000_000_000, timeout_s=0)) == 40
    for _number in range(41):
        inbox.put(Delivery("sensors/a/t", MEGABYTE, 0, qos=0))
    assert (len(inbox), inbox.dropped) == (100, 1)


def test_what_more_than_a_batch_waits_before_is_not_decoded_ahead() -> None:
    decoded: list[Any] = []
    ahead: list[Any] = []

    def make_link(_on_delivery: Any, _on_session_lost: Any, decode: Any) -> Any:
        ahead.append(decode)
        return None

    store = SimpleNamespace(registry=SimpleNamespace(decode=lambda *of: decoded.append(of) or "said"))
    worker = Worker(cast(Any, store), make_link)
    decode = ahead[0]
    for _number in range(7):
        worker.inbox.put(Delivery("sensors/a/t", MEGABYTE, 0, qos=1))
    assert decode("sensors/a/t", b"1") == "said"
    worker.inbox.put(Delivery("sensors/a/t", MEGABYTE, 0, qos=1))
    assert decode("sensors/a/t", b"1") is None
    worker.inbox.take(most=1, most_bytes=1, timeout_s=0)
    assert decode("sensors/a/t", b"1") == "said"
    assert len(decoded) == 2
