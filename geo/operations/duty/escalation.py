"""What nobody takes or acknowledges climbs the on-call list, level by level: decided from committed rows, told by the outbox.

A climb is a comparison and not an event: what came due while nothing ran is told by the next run, and never twice. Each run tells
a level once of all that has reached it, so that a flood night is one letter a minute and not a thousand. What somebody has taken
by the time a letter is sent is not in it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from geo.operations.duty.models import Escalation, OnCallLevel
from geo.operations.duty.statements import CLIMB, STILL_WAITING
from geo.operations.notifications import email_transport
from geo.operations.notifications.email_transport import Letter, Recipient, link_to
from geo.operations.outbox import transports
from geo.operations.outbox.messages import enqueue
from geo.operations.outbox.models import OutboxMessage
from geo.operations.outbox.transports import Refused
from geo.reports.models.directory import in_language
from server.core.local_times import moment_in_words

TRANSPORT = "on-call"
TOPIC = "duty.escalation"
# Once it is so old, whoever is on duty has seen it elsewhere.
LIFETIME = timedelta(hours=12)
MOST_NAMED = 20
Kind = Escalation.Kind


@dataclass(frozen=True, slots=True)
class Waiting:
    """A report that nobody has taken, or an alert that nobody has acknowledged, in words for who is called.

    `name` is the category of a report; the level and the thing of an alert.
    """

    public_id: str
    name: str
    area: str | None
    since: datetime


def connect() -> None:
    """Called once, when the app is ready."""
    transports.register(TRANSPORT, send_to_webhook)
    email_transport.register_letter(TOPIC, compose_letter)
    email_transport.register_recipient(TRANSPORT, recipient_of)


def escalate_due(now: datetime) -> str:
    """Tells each level of the on-call list of what has reached it; says how much, or nothing. Any number may run at once."""
    climbed: Counter[int] = Counter()
    with transaction.atomic():
        with connection.cursor() as cursor:
            for kind, statement in CLIMB.items():
                cursor.execute(statement, {"kind": kind, "now": now})
                climbed.update(level_id for (level_id,) in cursor.fetchall())
        levels = OnCallLevel.objects.filter(pk__in=climbed).order_by("position", "id")
        for level in levels:
            _tell(level, now)
    return f"{climbed.total()} told to {len(climbed)} on call" if climbed else ""


def signing_key(level: OnCallLevel) -> str:
    """By which a webhook knows that a call is ours: 64 hexadecimal digits, derived from the installation's secret."""
    return salted_hmac("pantau.on-call-key", str(level.pk), algorithm="sha256").hexdigest()


def _tell(level: OnCallLevel, now: datetime) -> None:
    """In ids and a time alone: who is called and what is said is looked up when it is sent."""
    payload = {"level": level.pk, "raised_at": now.isoformat()}
    ordering_key = f"on-call:{level.pk}"
    if level.webhook_url:
        enqueue(
            transport=TRANSPORT,
            destination=ordering_key,
            topic=TOPIC,
            payload=payload,
            now=now,
            ordering_key=ordering_key,
            give_up_at=now + LIFETIME,
        )
    else:
        email_transport.enqueue_letter(
            topic=TOPIC, to=TRANSPORT, payload=payload, now=now, ordering_key=ordering_key, give_up_at=now + LIFETIME
        )


def recipient_of(payload: Mapping[str, Any]) -> Recipient | None:
    level = OnCallLevel.objects.filter(pk=payload["level"], is_active=True).select_related("user").first()
    if level is None:
        return None
    if level.user is not None:
        return Recipient(level.user.email) if level.user.email and level.may_call_user() else None
    return Recipient(level.email) if level.email else None


def compose_letter(message: OutboxMessage) -> Letter:
    """In the language of its reader; Refused when all of it was taken meanwhile."""
    level, waiting = _what_waits(message.payload)
    names = {"level": level.name, "city": level.city.name}
    reports, alerts = waiting[Kind.REPORT], waiting[Kind.ALERT]
    subjects, lines = [], []
    if alerts:
        n = len(alerts)
        subjects.append(ngettext("%(n)d alert is not acknowledged", "%(n)d alerts are not acknowledged", n) % {"n": n})
        says = _("You are called as %(level)s of %(city)s: nobody has acknowledged these alerts.") % names
        lines += [says, "", *_lines(alerts, level.city.zone), ""]
    if reports:
        n = len(reports)
        subjects.append(ngettext("%(n)d report waits for an answer", "%(n)d reports wait for an answer", n) % {"n": n})
        says = _(
            "You are called as %(level)s of %(city)s: nobody has taken these, and their first response is overdue."
        )
        lines += [says % names, "", *_lines(reports, level.city.zone), ""]
    lines.append(_("The situation: %(url)s") % {"url": link_to(f"/api/duty/situation/?city={level.city.slug}&f=html")})
    return Letter("; ".join(subjects), "\n".join(lines) + "\n")


def send_to_webhook(message: OutboxMessage) -> int:
    """The transport: what waits, as signed JSON; the HTTP status of the answer."""
    level, waiting = _what_waits(message.payload)
    if not level.webhook_url:
        raise Refused("this level has no webhook any more")
    reports, alerts = waiting[Kind.REPORT], waiting[Kind.ALERT]
    body = {
        "id": str(message.key),
        "event": TOPIC,
        "city": level.city.slug,
        "level": level.position,
        "level_name": level.name,
        "count": len(reports) + len(alerts),
        "reports": [
            {"id": one.public_id, "category": one.name, **_told(one, f"/api/reports/{one.public_id}/")}
            for one in reports[:MOST_NAMED]
        ],
        "alerts": [
            {"id": one.public_id, "name": one.name, **_told(one, f"/api/alerts/{one.public_id}/")}
            for one in alerts[:MOST_NAMED]
        ],
    }
    return transports.send_signed_json(level.webhook_url, body, key=signing_key(level).encode(), message=message)


def _told(one: Waiting, path: str) -> dict[str, str | None]:
    since = one.since.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"area": one.area, "waiting_since": since, "url": link_to(path)}


def _lines(waiting: Sequence[Waiting], zone: ZoneInfo) -> list[str]:
    """A line each, the longest first; of very many, how many more there are."""
    lines = [_line(one, zone) for one in waiting[:MOST_NAMED]]
    if len(waiting) > MOST_NAMED:
        lines.append(_("and %(n)d more") % {"n": len(waiting) - MOST_NAMED})
    return lines


def _line(one: Waiting, zone: ZoneInfo) -> str:
    since = moment_in_words(one.since, zone)
    where = one.area or _("outside every area")
    return _("%(id)s  %(category)s, %(area)s, since %(since)s") % {
        "id": one.public_id,
        "category": one.name,
        "area": where,
        "since": since,
    }


def _what_waits(payload: Mapping[str, Any]) -> tuple[OnCallLevel, dict[str, list[Waiting]]]:
    """By the kind of an escalation, what was raised then and still waits; of each the longest first."""
    level = OnCallLevel.objects.filter(pk=payload["level"], is_active=True).select_related("city").first()
    if level is None:
        raise Refused("this level of the on-call list is no longer there")
    raised_at = datetime.fromisoformat(payload["raised_at"])
    waiting: dict[str, list[Waiting]] = {}
    with connection.cursor() as cursor:
        for kind, statement in STILL_WAITING.items():
            # All of it was due when it was raised, so that the clock of this moment plays no part.
            cursor.execute(statement, {"level_id": level.pk, "raised_at": raised_at, "now": raised_at})
            waiting[kind] = [
                Waiting(id_, in_language(name_id, name_en), area, at)
                for id_, name_id, name_en, area, at in cursor.fetchall()
            ]
    if not any(waiting.values()):
        raise Refused("somebody has taken all of it meanwhile")
    return level, waiting
