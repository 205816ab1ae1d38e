"""Letters of instructions: to the agency's officers and mailboxes, and to the mayor once it is done. No word that was written there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from geo.operations.field_links.links import link_path
from geo.operations.field_links.models import AgencyContact, FieldLink
from geo.operations.mayor.models import Instruction, State
from geo.operations.notifications.email_transport import (
    Letter,
    Recipient,
    enqueue_letter,
    enqueue_to_user,
    link_to,
    register_letter,
    register_recipient,
)
from geo.operations.outbox.models import OutboxMessage
from geo.operations.outbox.transports import Refused
from geo.reports.models import CityRole
from server.core.local_times import moment_in_words

TOPIC = "mayor.instruction"
MAILBOX = "agency-mailbox"


def connect() -> None:
    """Called once, when the app is ready."""
    register_letter(TOPIC, compose_letter)
    register_recipient(MAILBOX, _mailbox)


def tell_agency(instruction: Instruction, now: datetime) -> int:
    """A letter to each officer whose role is for the whole agency, and to each of its mailboxes; to how many."""
    officers = CityRole.objects.filter(
        role=CityRole.Role.OFFICER, agency=instruction.agency_id, area=None, user__is_active=True
    )
    user_ids = officers.exclude(user__email="").order_by("user_id").values_list("user_id", flat=True).distinct()
    told = _tell_users(instruction, list(user_ids), now)
    mailboxes = AgencyContact.objects.filter(
        agency=instruction.agency_id, area=None, kind=AgencyContact.Kind.EMAIL, is_active=True
    )
    for contact in mailboxes.order_by("id"):
        key = f"{MAILBOX}:{contact.pk}"
        payload = {"contact": contact.pk, **_what(instruction)}
        enqueue_letter(topic=TOPIC, to=MAILBOX, payload=payload, now=now, ordering_key=key)
        told += 1
    return told


def tell_mayor(instruction: Instruction, now: datetime) -> int:
    """A letter to who gave it."""
    return _tell_users(instruction, [instruction.given_by_id] if instruction.given_by_id is not None else [], now)


def _tell_users(instruction: Instruction, user_ids: list[int], now: datetime) -> int:
    for user_id in user_ids:
        enqueue_to_user(user_id=user_id, topic=TOPIC, now=now, extra=_what(instruction))
    return len(user_ids)


def _what(instruction: Instruction) -> dict[str, str]:
    return {"instruction": instruction.public_id, "state": str(instruction.state)}


def _mailbox(payload: Mapping[str, Any]) -> Recipient | None:
    contact = AgencyContact.objects.filter(pk=payload["contact"], is_active=True).first()
    return Recipient(contact.address) if contact is not None else None


def compose_letter(message: OutboxMessage) -> Letter:
    """In the language of its reader; Refused where the instruction has gone on since."""
    kept = Instruction.objects.select_related("city", "agency", "report", "incident", "area").defer("area__boundary")
    found = kept.filter(public_id=message.payload["instruction"]).first()
    if found is None or found.state != message.payload["state"]:
        raise Refused("the instruction has gone on since")
    subject = {
        State.OPEN: _("Instruction of the mayor: %(agency)s"),
        State.DONE: _("Instruction done: %(agency)s"),
        State.RETURNED: _("Instruction returned: %(agency)s"),
        State.CONFIRMED: _("Instruction confirmed: %(agency)s"),
        State.WITHDRAWN: _("Instruction withdrawn: %(agency)s"),
    }[State(found.state)] % {"agency": found.agency.name}
    deadline = moment_in_words(found.deadline, found.city.zone)
    lines = [
        _("About: %(target)s") % {"target": target_in_words(found)},
        _("Deadline: %(deadline)s") % {"deadline": deadline},
        "",
        _("What it says, and its answer: %(url)s") % {"url": link_to(_page_of(found, message.payload))},
    ]
    return Letter(subject, "\n".join(lines) + "\n")


def _page_of(found: Instruction, payload: Mapping[str, Any]) -> str:
    """Where its reader finds it: of a mailbox that has a live link to the report the field page, else the admin's page."""
    if found.report is not None and "contact" in payload:
        links = FieldLink.objects.filter(report=found.report, contact=payload["contact"], agency=found.agency)
        link = links.filter(revoked_at=None, expires_at__gt=timezone.now()).first()
        if link is not None:
            return link_path(link)
    return reverse("admin:geo_instruction_change", args=[found.pk])


def target_in_words(found: Instruction) -> str:
    if found.report is not None:
        return _("report %(id)s") % {"id": found.report.public_id}
    if found.incident is not None:
        return _("incident %(title)s") % {"title": found.incident.title}
    return found.area.name if found.area is not None else ""
