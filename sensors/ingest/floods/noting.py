"""Who floods is named: in the database, for everybody who looks after devices, and in the log."""

import logging
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from sensors.ingest.floods.models import DeviceLimit
from sensors.ingest.limits import Allowance
from sensors.registry.broker import let_in, lock_out
from server.core.sql import load_queries

logger = logging.getLogger(__name__)

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
# A flood is over when nothing was refused for so long.
QUIET = timedelta(seconds=60)


def usual_allowance() -> Allowance:
    return Allowance(settings.DEVICE_RATE, settings.DEVICE_BURST)


def own_allowances() -> dict[str, Allowance]:
    """By thing, where somebody has set another rate; its burst is as much longer or shorter."""
    usual = usual_allowance()
    seconds = usual.burst / usual.rate if usual.rate else 100.0
    own = DeviceLimit.objects.exclude(rate=None).values_list("thing", "rate")
    return {thing: Allowance(rate, rate * seconds) for thing, rate in own if rate is not None}


def note_floods(refused: Mapping[str, int], now: datetime) -> list[str]:
    """Adds the readings that were refused, by thing; the things whose flood begins with them."""
    values: dict[str, Any] = {"things": list(refused), "refused": list(refused.values()), "now": now}
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.note, values)
        return [thing for thing, begins in cursor.fetchall() if begins]


def say_who_floods(things: Collection[str]) -> None:
    for thing in things:
        logger.warning(
            "device %s floods: it sends more than %s readings a second; what is beyond is refused",
            thing,
            settings.DEVICE_RATE,
        )


def end_floods(now: datetime) -> None:
    """Says which floods are over, and lets those in again whose time outside is over."""
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.end_floods, {"quiet_since": now - QUIET})
        for thing, since, until, refused in cursor.fetchall():
            logger.warning(
                "device %s floods no more: %d readings were refused from %s to %s", thing, refused, since, until
            )
    outside = DeviceLimit.objects.filter(blocked_until__lte=now)
    if things := list(outside.values_list("thing", flat=True)):
        try:
            let_in(things)
        except OSError as error:
            logger.error("%s cannot be let in again: %s", ", ".join(things), error)
            return
        outside.filter(thing__in=things).update(blocked_until=None)
        logger.warning("let into the broker again: %s", ", ".join(things))


def block(things: Collection[str], now: datetime) -> None:
    """Keeps these devices out of the broker for PANTAU_FLOOD_BLOCK minutes; those without a credential of their own it cannot."""
    until = now + timedelta(minutes=settings.FLOOD_BLOCK)
    waiting = DeviceLimit.objects.filter(thing__in=things, blocked_until=None)
    candidates = list(waiting.values_list("thing", flat=True))
    # Written first: a process that dies in between leaves nobody outside for ever.
    DeviceLimit.objects.filter(thing__in=candidates).update(blocked_until=until)
    try:
        outside = lock_out(candidates)
    except OSError as error:
        outside = set()
        logger.error("%s cannot be kept out of the broker: %s", ", ".join(candidates), error)
    DeviceLimit.objects.filter(thing__in=set(candidates) - outside).update(blocked_until=None)
    for thing in sorted(outside):
        logger.warning("device %s is kept out of the broker until %s", thing, until)


def lift_limit(thing: str, until: datetime) -> None:
    """Lets a thing send without a limit for a while: its old readings are being fed in."""
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.lift, {"thing": thing, "until": until})
