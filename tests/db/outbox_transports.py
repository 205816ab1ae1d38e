"""Messages for the outbox's tests: transports that do what a message says, a receiver, and a clock that stands."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from geo.models import Channel, OutboxMessage
from geo.operations.outbox.messages import enqueue
from geo.operations.outbox.transports import Refused, Unreachable, register, send_signed_json
from tests.factories import NOW
from tests.receiver import Answer, Receiver

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
