"""An event becomes messages to those who want to be told of it, in the transaction in which it happens.

Nobody is told of what is not public, and an import of many reports tells nobody.
"""

from datetime import datetime
from typing import Any

from geo.operations.notifications import email_transport, letters, webhook
from geo.operations.notifications.matching import Found, Notice, subscriptions_of
from geo.operations.notifications.models import Event, Subscription
from geo.operations.outbox.messages import enqueue_many
from geo.operations.outbox.models import OutboxMessage
from geo.reports.models import Report
from geo.reports.services import report_submitted
from geo.reports.status import StatusChange, status_changed

TOPICS = {event: f"notice.{event.value}" for event in Event}


def connect() -> None:
    """Called once, when the app is ready."""
    email_transport.connect()
    webhook.connect()
    letters.connect(TOPICS.values())
    report_submitted.connect(_tell_of_submission, dispatch_uid="geo.notifications.submitted")
    status_changed.connect(_tell_of_status, dispatch_uid="geo.notifications.status")


def notify(notice: Notice, *, now: datetime) -> int:
    """Writes a message to each subscription that the event meets, in the caller's transaction; how many.

    A notice that is of no report says in its facts what letters and webhooks tell: `title_id`, `title_en` and `path`, where
    to read more.
    """
    found = subscriptions_of(notice)
    if found:
        enqueue_many([_message(each, notice, now) for each in found])
    return len(found)


def _message(found: Found, notice: Notice, now: datetime) -> OutboxMessage:
    is_mail = found.kind == Subscription.Kind.EMAIL
    payload = {"subscription": str(found.key), "event": notice.event.value, "at": notice.at.isoformat(), **notice.facts}
    about = notice.facts.get("report") or notice.facts.get("incident", "")
    return OutboxMessage(
        transport=email_transport.TRANSPORT if is_mail else webhook.TRANSPORT,
        destination=email_transport.DESTINATION if is_mail else webhook.destination_of(found.key),
        # What is said of one report, or one incident, arrives in its order.
        ordering_key=f"{found.key}:{about}" if about else "",
        topic=TOPICS[notice.event],
        payload={**payload, "to": letters.RECIPIENT} if is_mail else payload,
        created_at=now,
        next_attempt_at=now,
    )


def _tell_of_submission(*, report: Report, **_sent: Any) -> None:
    _tell(report, Event.SUBMITTED, report.received_at)


def _tell_of_status(*, change: StatusChange, **_sent: Any) -> None:
    # A report that goes from hand to hand without a word is no news to the public.
    if change.old != change.new or change.note:
        _tell(change.report, Event.STATUS, change.at, old=change.old.value, new=change.new.value)


def _tell(report: Report, event: Event, at: datetime, **facts: str) -> None:
    if not report.is_public:
        return
    notice = Notice(
        event=event,
        city_id=report.city_id,
        at=at,
        report_id=report.pk,
        area_id=report.public_area_id,
        category_id=report.category_id,
        place=report.public_location,
        facts={"report": report.public_id, **facts},
    )
    notify(notice, now=at)
