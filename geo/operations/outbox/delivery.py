"""Sends what lies in the outbox: one message, one transaction.

The transaction takes the message's row, sends, notes what came of it, and ends. A process that is killed frees the row at once,
and all that can happen twice is the message that was on its way, with the same key. A destination is sent to by two lanes at
most, so that a slow one leaves threads to the others; one that is down is paused, and then tried with one message at a time.
What goes in the background (photos, from however many hosts) has two lanes in all.
"""

import enum
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from geo.operations.outbox import transports
from geo.operations.outbox.models import DeliveryAttempt, Destination, OutboxMessage
from server.core import outbound
from server.core.sql import load_queries

log = logging.getLogger(__name__)

SQL = load_queries(Path(__file__).with_name("queries.sql"))

LANES = 2
BACKGROUND_LANES = 2
# Destinations are named "kind:which"; none is named this.
BACKGROUND = "in the background"
FIRST_DELAY_S = 5.0
LONGEST_DELAY_S = 900.0
LIFETIME = timedelta(days=7)
# Of failures that are a mistake of ours: nobody's recovery will end them.
MOST_ATTEMPTS = 20
REMEMBERED = timedelta(days=30)
BATCH = 1000

State = OutboxMessage.State
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Delivered:
    """How many messages arrived, how many tries were in vain and will be made again, and how many messages were given up."""

    sent: int = 0
    failed: int = 0
    dead: int = 0

    def __add__(self, other: "Delivered") -> "Delivered":
        return Delivered(self.sent + other.sent, self.failed + other.failed, self.dead + other.dead)


@dataclass(frozen=True, slots=True)
class SentAgain:
    """How many messages are to be sent again, and how many were left out since a later one has taken their place."""

    messages: int = 0
    superseded: int = 0


class _Kind(enum.Enum):
    DELIVERED = enum.auto()
    UNREACHABLE = enum.auto()
    REFUSED = enum.auto()
    BROKEN = enum.auto()


@dataclass(frozen=True, slots=True)
class _Answer:
    kind: _Kind
    status: int | None = None
    error: str = ""
    retry_after_s: float | None = None


def deliver_due(*, now: Clock | None = None) -> Delivered:
    """Sends everything that is due, in this thread, and says what came of it."""
    total = Delivered()
    while (one := deliver_next(now=now)) is not None:
        total += one
    return total


def deliver_next(
    *,
    now: Clock | None = None,
    background_lanes: int = BACKGROUND_LANES,
    should_stop: Callable[[], bool] = lambda: False,
) -> Delivered | None:
    """Sends one message that is due, of any destination; None if there is none that nobody else has in hand.

    What goes in the background comes after all else, and only where fewer than `background_lanes` of it are on their way.
    """
    clock = now or timezone.now
    with connection.cursor() as cursor:
        cursor.execute(SQL.due_destinations, {"now": clock()})
        waiting = cursor.fetchall()
    # In no order: a destination with a long queue would otherwise keep the others waiting.
    random.shuffle(waiting)
    waiting.sort(key=lambda one: transports.is_in_background(one[1]))
    for destination, transport, is_failing in waiting:
        with transaction.atomic():
            if transports.is_in_background(transport) and not _take_lane(BACKGROUND, lanes=background_lanes):
                return None  # whatever follows is in the background as well
            if not _take_lane(destination, lanes=1 if is_failing else LANES):
                continue
            if should_stop():
                return None  # the lane may have become free only since the caller looked
            message = _claim(destination, clock())
            if message is not None:
                return _deliver(message, clock)
    return None


def send_again(messages: QuerySet[OutboxMessage], now: datetime) -> SentAgain:
    """Makes messages that have not arrived due now, with all their tries and seven more days before them.

    One that was given up is left out where a later one of its destination and ordering key has arrived or is to be sent: what
    it says is old by then.
    """
    with transaction.atomic():
        superseded = messages.filter(_superseded(State.DELIVERED, State.PENDING), state=State.DEAD)
        left_out = list(superseded.values_list("pk", flat=True))
        # Those that are on their way are left alone.
        taken = messages.exclude(state=State.DELIVERED).exclude(pk__in=left_out).select_for_update(skip_locked=True)
        count = OutboxMessage.objects.filter(pk__in=taken.values("pk")).update(
            state=State.PENDING, attempts=0, next_attempt_at=now, give_up_at=now + LIFETIME, finished_at=None
        )
    return SentAgain(count, len(left_out))


def _superseded(*states: State, **later: Any) -> Q:
    """Of messages: that a later one of the same destination and ordering key is in one of these states."""
    following = OutboxMessage.objects.filter(
        destination=OuterRef("destination"), ordering_key=OuterRef("ordering_key"), id__gt=OuterRef("id"),
        state__in=states, **later,
    )  # fmt: skip
    return ~Q(ordering_key="") & Q(Exists(following))


def replay_dead(now: datetime, destination: str | None = None) -> SentAgain:
    """Makes the messages that were given up (of one destination, or of all) pending again, as `send_again` does."""
    dead = OutboxMessage.objects.filter(state=State.DEAD)
    return send_again(dead if destination is None else dead.filter(destination=destination), now)


def try_now(destinations: QuerySet[Destination], now: datetime) -> int:
    """Ends the pause of destinations that are down, for one try of each; how many."""
    names = list(destinations.values_list("name", flat=True))
    OutboxMessage.objects.filter(state=State.PENDING, destination__in=names, next_attempt_at__gt=now).update(
        next_attempt_at=now
    )
    return Destination.objects.filter(name__in=names).update(retry_at=None)


def forget_finished(now: datetime) -> int:
    """Deletes messages that arrived more than 30 days ago, with the record of their tries; how many.

    What was given up is deleted after settings.RETENTION_DAYS, or with a later one of its ordering key that has arrived: without
    that, nothing would tell that it is old.
    """
    dead = OutboxMessage.objects.filter(state=State.DEAD)
    before = now - REMEMBERED
    return sum(
        _forget(each)
        for each in (
            dead.filter(finished_at__lt=now - timedelta(days=settings.RETENTION_DAYS)),
            dead.filter(_superseded(State.DELIVERED, finished_at__lt=before)),
            OutboxMessage.objects.filter(state=State.DELIVERED, finished_at__lt=before),
        )
    )


def _forget(messages: QuerySet[OutboxMessage]) -> int:
    total = 0
    while batch := list(messages.order_by("id").values_list("pk", flat=True)[:BATCH]):
        OutboxMessage.objects.filter(pk__in=batch).delete()
        total += len(batch)
    return total


def delay_s(failures: int, *, jitter: float) -> float:
    """Seconds to wait after so many failures in a row: 5 doubling to 900, times `jitter` (0.8 to 1.2)."""
    return min(FIRST_DELAY_S * 2 ** min(failures - 1, 30), LONGEST_DELAY_S) * jitter


def _take_lane(destination: str, *, lanes: int) -> bool:
    with connection.cursor() as cursor:
        for lane in range(lanes):
            cursor.execute(SQL.take_lane, {"destination": destination, "lane": lane})
            if cursor.fetchone()[0]:
                return True
    return False


def _claim(destination: str, now: datetime) -> OutboxMessage | None:
    return next(iter(OutboxMessage.objects.raw(SQL.claim_message, {"destination": destination, "now": now})), None)


def _deliver(message: OutboxMessage, clock: Clock) -> Delivered:
    at, started = clock(), time.monotonic()
    answer = _send(message)
    duration_ms = round((time.monotonic() - started) * 1000)
    DeliveryAttempt.objects.create(
        message=message,
        at=at,
        is_success=answer.kind is _Kind.DELIVERED,
        status_code=answer.status,
        error=answer.error,
        duration_ms=duration_ms,
    )
    return _record(message, answer, clock())


def _send(message: OutboxMessage) -> _Answer:
    try:
        # A statement of the transport's that fails must not take the record of this try with it.
        with transaction.atomic():
            return _Answer(_Kind.DELIVERED, transports.sender(message.transport)(message))
    except outbound.Unreachable as error:
        return _Answer(_Kind.UNREACHABLE, error.status, _storable(error.detail), error.retry_after_s)
    except transports.Refused as error:
        return _Answer(_Kind.REFUSED, error.status, _storable(error.detail))
    except outbound.AddressRefused as error:
        return _Answer(_Kind.REFUSED, None, _storable(error.detail))
    except Exception as error:
        if connection.needs_rollback:
            raise  # the database is gone, and with it the transaction in which this try would be noted
        log.exception("sending %s failed in an unforeseen way", message.key)
        return _Answer(_Kind.BROKEN, None, _storable(f"{type(error).__name__}: {error}"))


def _storable(text: str) -> str:
    """PostgreSQL takes no NUL, UTF-8 no half of a surrogate pair, and the column 500 characters."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")[:500]


def _record(message: OutboxMessage, answer: _Answer, now: datetime) -> Delivered:
    message.attempts += 1
    message.last_error = answer.error
    jitter = random.uniform(0.8, 1.2)
    overdue = 0
    if answer.kind is _Kind.DELIVERED:
        message.state = State.DELIVERED
        _note_answering(message.destination, now)
    elif answer.kind is _Kind.REFUSED:
        message.state = State.DEAD
        if answer.status is not None:
            _note_answering(message.destination, None)
    elif answer.kind is _Kind.UNREACHABLE:
        _pause(message.destination, answer, now, jitter)
        if now >= (message.give_up_at or message.created_at + LIFETIME):
            message.state = State.DEAD
        overdue = _give_up_overdue(message, answer, now)
    elif message.attempts >= MOST_ATTEMPTS:
        message.state = State.DEAD
    if message.state == State.PENDING:
        # By the message's own failures, which in an outage are no more than its destination's: it is due when that is tried again.
        # One that alone makes its destination fail is put off longer and longer.
        message.next_attempt_at = now + timedelta(seconds=delay_s(message.attempts, jitter=jitter))
    else:
        message.finished_at = now
    message.save(update_fields=["attempts", "last_error", "state", "next_attempt_at", "finished_at"])
    return _counted(message, overdue)


def _counted(message: OutboxMessage, overdue: int) -> Delivered:
    if message.state == State.DELIVERED:
        return Delivered(sent=1)
    if message.state == State.DEAD:
        log.warning(
            "%s to %s (%s) is given up: %s", message.topic, message.destination, message.key, message.last_error
        )
        return Delivered(dead=1 + overdue)
    return Delivered(failed=1, dead=overdue)


def _note_answering(name: str, succeeded_at: datetime | None) -> None:
    """It has answered, be it with a refusal: nothing waits for it any longer. One statement: two lanes may be here at once."""
    known = Destination(name=name, last_success_at=succeeded_at)
    fields = ["failures", "retry_at", "last_error", *(["last_success_at"] if succeeded_at else [])]
    Destination.objects.bulk_create([known], update_conflicts=True, unique_fields=["name"], update_fields=fields)


def _pause(name: str, answer: _Answer, now: datetime, jitter: float) -> None:
    Destination.objects.bulk_create([Destination(name=name)], ignore_conflicts=True)
    destination = Destination.objects.select_for_update().get(name=name)
    # The other lane may have failed meanwhile: that is one failure, not two in a row.
    if destination.retry_at is None or destination.retry_at <= now:
        destination.failures += 1
    asked_s = min(answer.retry_after_s or 0, transports.LONGEST_RETRY_AFTER_S)
    wait_s = max(delay_s(destination.failures, jitter=jitter), asked_s)
    destination.retry_at = max(now + timedelta(seconds=wait_s), destination.retry_at or now)
    destination.last_error = answer.error
    destination.save(update_fields=["failures", "retry_at", "last_error"])
    log.warning("%s takes nothing (%s); again at %s", name, answer.error, f"{destination.retry_at:%H:%M:%SZ}")


def _give_up_overdue(message: OutboxMessage, answer: _Answer, now: datetime) -> int:
    """The others of a destination that is down: each would have to wait for its own try before it could be given up."""
    with connection.cursor() as cursor:
        cursor.execute(
            SQL.give_up_overdue,
            {
                "destination": message.destination,
                "now": now,
                "created_by": now - LIFETIME,
                "error": answer.error,
                "own": message.pk,
            },
        )
        return cursor.rowcount
