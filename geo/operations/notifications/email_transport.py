"""Letters by e-mail: the transport of outbox messages whose destination is the mail server.

A message says which letter and to whom, in ids; who that is and what the letter says is looked up when it is sent. So neither an
address nor a text waits in the outbox, and what was hidden or erased meanwhile is not sent.

A letter is registered under the topic of its messages, a kind of recipient under the word that stands in a payload's `to`:

    register_letter("report.resolved", compose)      compose(message) -> Letter, in the language of its reader
    register_recipient("contact-point", look_up)     look_up(payload) -> Recipient, or None where there is none any more
"""

import smtplib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.utils import translation
from django.utils.translation import gettext as _

from geo.operations.outbox.messages import enqueue
from geo.operations.outbox.models import OutboxMessage
from geo.operations.outbox.transports import Refused, Unreachable, register
from geo.reports.models import Report, ReportContact

TRANSPORT = "email"
# The mail server as a whole: while it is down, all letters wait.
DESTINATION = "email"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets a letter: personal data, held no longer than it takes to send it."""

    address: str
    language: str = settings.LANGUAGE_CODE


@dataclass(frozen=True, slots=True)
class Letter:
    """What a letter says. With `unsubscribe_url` mail programs offer to end it by one click (RFC 8058)."""

    subject: str
    text: str
    html: str = ""
    unsubscribe_url: str = ""


Compose = Callable[[OutboxMessage], Letter]
LookUp = Callable[[Mapping[str, Any]], Recipient | None]

_letters: dict[str, Compose] = {}
_recipients: dict[str, LookUp] = {}


def connect() -> None:
    """Called once, when the app is ready."""
    register(TRANSPORT, send_letter)
    register_recipient("reporter", _reporter)
    register_recipient("user", _user)


def register_letter(topic: str, compose: Compose) -> None:
    """From an app's `ready`. `compose` raises Refused where the letter has nothing to say any more."""
    if _letters.get(topic, compose) is not compose:
        raise ValueError(f"there are two letters of the topic {topic}")
    _letters[topic] = compose


def register_recipient(kind: str, look_up: LookUp) -> None:
    if _recipients.get(kind, look_up) is not look_up:
        raise ValueError(f"there are two kinds of recipient named {kind}")
    _recipients[kind] = look_up


def enqueue_letter(
    *,
    topic: str,
    to: str,
    payload: Mapping[str, Any],
    now: datetime,
    ordering_key: str = "",
    give_up_at: datetime | None = None,
) -> OutboxMessage:
    """A letter for a recipient of this kind, in the caller's transaction. The payload names both by ids, and nobody in person."""
    return enqueue(
        transport=TRANSPORT,
        destination=DESTINATION,
        topic=topic,
        payload={**payload, "to": to},
        now=now,
        ordering_key=ordering_key,
        give_up_at=give_up_at,
    )


def enqueue_to_reporter(
    *, report: Report, topic: str, now: datetime, extra: Mapping[str, Any] | None = None
) -> OutboxMessage | None:
    """A letter to the one who sent a report, in the caller's transaction; None where they left no e-mail address,
    and for a report of an exercise.

    `extra` stands in the payload beside the report's id: no personal data.
    """
    if report.is_exercise or not ReportContact.objects.filter(report=report).exclude(email="").exists():
        return None
    return enqueue_letter(
        topic=topic,
        to="reporter",
        payload={"report": report.public_id, **(extra or {})},
        now=now,
        ordering_key=f"reporter:{report.public_id}",
    )


def enqueue_to_user(
    *, user_id: int, topic: str, now: datetime, extra: Mapping[str, Any] | None = None
) -> OutboxMessage:
    """A letter to somebody with an account, in the caller's transaction. Without an address it is given up when it is sent."""
    return enqueue_letter(
        topic=topic, to="user", payload={"user": user_id, **(extra or {})}, now=now, ordering_key=f"user:{user_id}"
    )


def link_to(path: str) -> str:
    """The absolute address of a page or an answer, for a letter: no request says under which name the service is known."""
    return f"{settings.LINK_URL}{path}"


def send_letter(message: OutboxMessage) -> None:
    """The transport. Unreachable when the mail server is away, Refused where nobody is left to be written to.

    What the server says is not passed on but for its number: it tends to repeat the address.
    """
    compose, look_up = _letters.get(message.topic), _recipients.get(message.payload.get("to", ""))
    if compose is None or look_up is None:
        raise LookupError(f"there is no letter {message.topic} to {message.payload.get('to')!r}")
    recipient = look_up(message.payload)
    if recipient is None:
        raise Refused(_("There is nobody to write to any more."))
    try:
        validate_email(recipient.address)
    except ValidationError:
        raise Refused(_("What stands for an address is none.")) from None
    with translation.override(recipient.language):
        letter = compose(message)
    _send(_mail(letter, recipient, message))


def _mail(letter: Letter, recipient: Recipient, message: OutboxMessage) -> EmailMultiAlternatives:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    headers = {
        # The same at every try, so that a second one can be told.
        "Message-ID": f"<{message.key}@{domain}>",
        # RFC 3834: nobody's automatic answer comes back.
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "Content-Language": recipient.language,
    }
    if letter.unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{letter.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    # A line break would end the header.
    subject = " ".join(letter.subject.split())
    mail = EmailMultiAlternatives(subject, letter.text, to=[recipient.address], headers=headers)
    if letter.html:
        mail.attach_alternative(letter.html, "text/html")
    return mail


def _send(mail: EmailMultiAlternatives) -> None:
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        code = next(iter(error.recipients.values()))[0]
        if code < 500:
            raise Unreachable(_("The mail server puts this recipient off (%(code)d).") % {"code": code}) from None
        # Its number is an answer: the server itself is well.
        raise Refused(_("The mail server refuses this recipient (%(code)d).") % {"code": code}, code) from None
    except smtplib.SMTPDataError as error:
        code = error.smtp_code
        if code < 500:
            raise Unreachable(_("The mail server puts this letter off (%(code)d).") % {"code": code}) from None
        raise Refused(_("The mail server refuses this letter (%(code)d).") % {"code": code}, code) from None
    except smtplib.SMTPResponseException as error:
        # A greeting, a sign-in or a sender that is refused concerns every letter, until somebody has mended it.
        raise Unreachable(_("The mail server answers %(code)d.") % {"code": error.smtp_code}) from None
    except (smtplib.SMTPException, ssl.SSLError, OSError) as error:
        raise Unreachable(_("The mail server cannot be reached: %(why)s.") % {"why": type(error).__name__}) from None


def _reporter(payload: Mapping[str, Any]) -> Recipient | None:
    contact = ReportContact.objects.filter(report__public_id=payload["report"]).exclude(email="").first()
    return Recipient(contact.email) if contact is not None else None


def _user(payload: Mapping[str, Any]) -> Recipient | None:
    user = get_user_model().objects.filter(pk=payload["user"], is_active=True).exclude(email="").first()
    return Recipient(user.email) if user is not None else None
