"""The letters to subscribers: one to confirm by, one for each event. Plain text, public facts, and a link to end it."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.text import Truncator
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from geo.operations.notifications.email_transport import (
    Letter,
    Recipient,
    link_to,
    register_letter,
    register_recipient,
)
from geo.operations.notifications.links import confirm_link, end_link
from geo.operations.notifications.models import Event, Subscription
from geo.operations.notifications.public_facts import PublicFacts, facts_of
from geo.operations.outbox.models import OutboxMessage
from geo.operations.outbox.transports import Refused
from geo.reports.workflow import WORDS, Status

RECIPIENT = "subscriber"
CONFIRM = "subscription.confirm"
LONGEST_TEXT = 600


def connect(topics: Iterable[str]) -> None:
    register_recipient(RECIPIENT, _subscriber)
    register_letter(CONFIRM, _to_confirm)
    for topic in topics:
        register_letter(topic, _of_event)


def _found(payload: Mapping[str, Any]) -> Subscription | None:
    joined = Subscription.objects.select_related("city", "report", "area", "category")
    return joined.defer("area__boundary").filter(key=payload["subscription"], is_active=True).first()


def _subscriber(payload: Mapping[str, Any]) -> Recipient | None:
    subscription = _found(payload)
    return Recipient(subscription.email, subscription.language) if subscription is not None else None


def _of(message: OutboxMessage, *, is_confirmed: bool) -> Subscription:
    subscription = _found(message.payload)
    if subscription is None or (subscription.confirmed_at is not None) != is_confirmed:
        raise Refused(_("There is nobody to write to any more."))
    return subscription


def _to_confirm(message: OutboxMessage) -> Letter:
    subscription = _of(message, is_confirmed=False)
    lines = [
        _("Somebody, probably you, has asked Pantau to write to this address about %(what)s.")
        % {"what": described(subscription)},
        _("If it was you, please confirm it within seven days:"),
        confirm_link(subscription),
        _("If it was not, you need not do anything: nothing more will be sent, and the address is forgotten."),
    ]
    return Letter(_("Please confirm your subscription"), "\n\n".join(lines) + "\n")


def _of_event(message: OutboxMessage) -> Letter:
    subscription = _of(message, is_confirmed=True)
    if "report" in message.payload:
        subject, lines = _of_report(message.payload)
    else:
        title = str(message.payload["title_en" if get_language() == "en" else "title_id"])
        subject, lines = title, [title, link_to(str(message.payload["path"]))]
    end = end_link(subscription)
    lines += [
        "-- ",
        _("You get this letter because you asked to be told of %(what)s.") % {"what": described(subscription)},
    ]
    return Letter(subject, "\n\n".join([*lines, _("To end it: %(link)s") % {"link": end}]) + "\n", unsubscribe_url=end)


def _of_report(payload: Mapping[str, Any]) -> tuple[str, list[str]]:
    facts = facts_of(payload)
    report, place = facts.report, _place(facts)
    names = {"category": report.category.name, "place": place}
    if payload["event"] == Event.SUBMITTED:
        subject = _("New report: %(category)s, %(place)s") % names
        says = _("A new report has come in: %(category)s, %(place)s.") % names
    else:
        names["status"] = str(WORDS[Status(payload["new"])].name)
        subject = _("%(status)s: %(category)s, %(place)s") % names
        says = _("The report %(category)s, %(place)s, is now: %(status)s.") % names
    quoted = [_quoted(text) for text in (report.public_description, facts.note) if text]
    return subject, [says, *quoted, _("Read more: %(link)s") % {"link": facts.url}]


def _place(facts: PublicFacts) -> str:
    area = facts.report.public_area
    return area.name if area is not None else facts.report.city.name


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in Truncator(text).chars(LONGEST_TEXT).splitlines())


def described(subscription: Subscription) -> str:
    """In words, what somebody wants to be told of: everything that has to hold, with commas between."""
    parts = []
    if subscription.report is not None:
        parts.append(_("report %(id)s") % {"id": subscription.report.public_id})
    if subscription.category is not None:
        parts.append(_("category %(name)s") % {"name": subscription.category.name})
    if subscription.area is not None:
        parts.append(_("area %(name)s") % {"name": subscription.area.name})
    if subscription.polygon is not None:
        parts.append(_("an area drawn on the map"))
    if subscription.filter:
        parts.append(_("a filter of your own"))
    return ", ".join([*parts, subscription.city.name])
