"""How a link goes out: a letter, or a message by a chat gateway. Both say what is where until when, and nothing of a person."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from geo.operations.field_links.gateways import send_to_gateway
from geo.operations.field_links.links import ended_because, link_path
from geo.operations.field_links.models import AgencyContact, FieldLink
from geo.operations.notifications.email_transport import (
    Letter,
    Recipient,
    enqueue_letter,
    link_to,
    register_letter,
    register_recipient,
)
from geo.operations.outbox.messages import enqueue
from geo.operations.outbox.models import OutboxMessage
from geo.operations.outbox.transports import Refused, register
from server.core.local_times import moment_in_words

TRANSPORT = "apprise"
TOPIC = "field-link"
RECIPIENT = "agency-contact"


def connect() -> None:
    """Called once, when the app is ready."""
    register(TRANSPORT, send_by_gateway)
    register_letter(TOPIC, compose_letter)
    register_recipient(RECIPIENT, _contact)


def enqueue_link(link: FieldLink, *, now: datetime) -> None:
    """In the caller's transaction. The payload names the link, whose row names the contact: no address and no token waits.

    Nobody is written to about a report of an exercise.
    """
    if link.report.is_exercise:
        return
    payload, key = {"link": str(link.key)}, f"field-link:{link.contact_id}"
    if link.contact.kind == AgencyContact.Kind.EMAIL:
        enqueue_letter(
            topic=TOPIC, to=RECIPIENT, payload=payload, now=now, ordering_key=key, give_up_at=link.expires_at
        )
    else:
        enqueue(
            transport=TRANSPORT,
            destination=f"apprise:{link.contact_id}",
            topic=TOPIC,
            payload=payload,
            now=now,
            ordering_key=key,
            give_up_at=link.expires_at,
        )


def send_by_gateway(message: OutboxMessage) -> int | None:
    """The transport."""
    link = _live(message.payload)
    with translation.override(settings.LANGUAGE_CODE):
        title, text = _said(link)
    status = send_to_gateway(link.contact.address, title=title, text=text)
    _note_sent(link)
    return status


def compose_letter(message: OutboxMessage) -> Letter:
    link = _live(message.payload)
    _note_sent(link)
    return Letter(*_said(link))


def _note_sent(link: FieldLink) -> None:
    """In the transaction of the delivery: undone where that fails."""
    FieldLink.objects.filter(pk=link.pk).update(sent_at=timezone.now())


def _contact(payload: Mapping[str, Any]) -> Recipient | None:
    link = _found(payload)
    return Recipient(link.contact.address) if link is not None and link.contact.is_active else None


def _live(payload: Mapping[str, Any]) -> FieldLink:
    link = _found(payload)
    if link is None or ended_because(link, now=timezone.now()) is not None:
        raise Refused(_("This link has ended before it was sent."))
    return link


def _found(payload: Mapping[str, Any]) -> FieldLink | None:
    joined = FieldLink.objects.select_related(
        "agency", "contact", "report__category", "report__city", "report__public_area"
    )
    return joined.defer("report__public_area__boundary").filter(key=payload["link"]).first()


def _said(link: FieldLink) -> tuple[str, str]:
    """Subject and text; where a report lies is said no more exactly than everybody may know it."""
    report, zone = link.report, link.report.city.zone
    place = report.public_area.name if report.public_area is not None else report.city.name
    names = {"category": report.category.name, "place": place}
    lines = [
        _("%(agency)s has a report to deal with: %(category)s, %(place)s.") % {"agency": link.agency.name, **names},
        *([_("Due: %(when)s") % {"when": moment_in_words(report.due_at, zone)}] if report.due_at is not None else []),
        _("What it says, and your answer: %(link)s") % {"link": link_to(link_path(link))},
        _("The link is good until %(when)s, for whoever has it: please do not pass it on.")
        % {"when": moment_in_words(link.expires_at, zone)},
    ]
    return _("To do: %(category)s, %(place)s") % names, "\n\n".join(lines) + "\n"
