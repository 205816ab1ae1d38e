"""Chat gateways, by Apprise URLs: which are accepted, and how a message goes out by one.

Two kinds. Services whose address nobody chooses (Telegram, WhatsApp Business, Slack, Discord, Twilio, Vonage) are called by
Apprise itself. One of the city's own (`json://`, `jsons://`, `form://`, `forms://`: a WhatsApp gateway, say) may name any host, so
it is called by server.core.outbound, which refuses private networks, in the shape that Apprise gives such a message.

The URL is a secret: it stands in no message, log, answer or error.
"""

import json
import logging
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from geo.operations.outbox.transports import LATER, TIMEOUT_S, Refused, Unreachable
from server.core.outbound import AddressRefused, post

SERVICES = frozenset({"tgram", "whatsapp", "slack", "discord", "twilio", "vonage"})
_OWN = {"json": "http", "jsons": "https", "form": "http", "forms": "https"}
# Of Apprise, for every service: how long it waits, and whether it looks at certificates. Those are not for a URL to say.
_NOT_FOR_URLS = frozenset({"cto", "rto", "verify", "retry", "wait"})
# They tell addresses, in which the keys stand.
logging.getLogger("apprise").setLevel(logging.CRITICAL)
logging.getLogger("urllib3").setLevel(logging.INFO)


def check_gateway(url: str) -> None:
    """ValidationError for a URL by which nothing can be sent, or that might be sent anywhere."""
    try:
        parts = urlsplit(url)
        given = parse_qsl(parts.query)
        scheme, named = parts.scheme, {name.lower() for name, _value in given}
    except ValueError:
        raise ValidationError(_("This is not an address.")) from None
    # Escaped ones, too: in a header they would end it, and the complaint about that would quote the key.
    hidden = "".join(text for pair in given for text in pair)
    if any(character <= " " or character in "\\\x7f" for character in url) or any(
        character < " " or character == "\x7f" for character in hidden
    ):
        raise ValidationError(_("An address has no spaces, control characters or backslashes."))
    if scheme in _OWN:
        if not parts.hostname or "@" in parts.netloc:
            raise ValidationError(_("Needed: a host, without a user name; a key goes into ?+Authorization=…"))
    elif scheme not in SERVICES:
        known = ", ".join(f"{name}://" for name in sorted({*SERVICES, *_OWN}))
        raise ValidationError(_("Gateways are: %(known)s.") % {"known": known})
    elif named & _NOT_FOR_URLS:
        raise ValidationError(_("A gateway's address sets no time limits, and does not switch off certificates."))
    elif not _service(url):
        raise ValidationError(_("This address is not complete; see the documentation of Apprise for its service."))


def send_to_gateway(url: str, *, title: str, text: str) -> int | None:
    """Sends one message; the HTTP status where it is known. Unreachable where it may be tried again, Refused where not."""
    try:
        check_gateway(url)
    except ValidationError:
        raise Refused(_("This gateway's address is not accepted any more.")) from None
    if urlsplit(url).scheme in _OWN:
        return _post_to_own(url, title, text)
    service = _service(url)
    try:
        is_taken = bool(service and service.notify(title=title, body=text, body_format="text"))
    except Exception as error:  # each service's plugin fails in its own way, and its words hold the address
        raise Unreachable(_("The gateway cannot be reached: %(why)s.") % {"why": type(error).__name__}) from None
    if not is_taken:
        # Apprise does not say why.
        raise Unreachable(_("The gateway did not take the message."))
    return None


def _service(url: str) -> Any:
    """The one service that the URL names, or None. Not `Apprise.add`: that takes several, with commas between them."""
    # A third of a second, and 20 MB: for the process that sends, not for each that serves.
    from apprise import Apprise

    service = Apprise.instantiate(url, suppress_exceptions=True)
    protocols = getattr(service, "secure_protocol", None) or ()
    named = {protocols} if isinstance(protocols, str) else set(protocols)
    return service if named & SERVICES else None


def _post_to_own(url: str, title: str, text: str) -> int:
    parts = urlsplit(url)
    given = parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True)
    headers = {name[1:]: value for name, value in given if name.startswith("+")}
    rest = urlencode([(name, value) for name, value in given if not name.startswith("+")])
    target = f"{_OWN[parts.scheme]}://{parts.netloc}{parts.path or '/'}{'?' + rest if rest else ''}"
    said = {"version": "1.0", "title": title, "message": text, "type": "info"}
    if parts.scheme.startswith("json"):
        kind, body = "application/json; charset=utf-8", json.dumps(said, ensure_ascii=False)
    else:
        kind, body = "application/x-www-form-urlencoded", urlencode(said)
    try:
        answer = post(target, body.encode(), headers={**headers, "Content-Type": kind}, timeout_s=TIMEOUT_S)
    except AddressRefused:
        raise Refused(_("The gateway lies in a private network, which may not be called.")) from None
    except Unreachable as error:
        raise Unreachable(_("The gateway cannot be reached."), error.retry_after_s, error.status) from None
    if 200 <= answer.status < 300:
        return answer.status
    says = _("The gateway answered %(status)d.") % {"status": answer.status}
    if answer.status in LATER or answer.status >= 500:
        raise Unreachable(says, status=answer.status)
    raise Refused(says, status=answer.status)
