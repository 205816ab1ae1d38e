"""Webhooks: an event as signed JSON, to an address that somebody with an account has named."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from geo.operations.notifications.models import Subscription
from geo.operations.notifications.public_facts import facts_of
from geo.operations.outbox.models import OutboxMessage
from geo.operations.outbox.transports import Refused, register, send_signed_json
from server.core.errors import InvalidFields
from server.core.outbound import AddressRefused
from server.core.outbound_network import Deadline, resolve

TRANSPORT = "webhook"
LONGEST_URL = 500
RESOLVED_WITHIN_S = 5.0
_PORTS = {"http": 80, "https": 443}


def connect() -> None:
    register(TRANSPORT, send_webhook, in_background=True)


def destination_of(key: UUID) -> str:
    """Each subscription is one by itself: at a host of many, one that answers badly does not hold up the others."""
    return f"webhook:{key}"


def signing_key(subscription: Subscription) -> str:
    """64 hexadecimal digits, used as they are written. Derived from the installation's secret: stored nowhere."""
    name = f"{subscription.key}:{subscription.key_generation}"
    return salted_hmac("pantau.webhook-key", name, algorithm="sha256").hexdigest()


def check_url(url: str) -> None:
    """InvalidFields for an address that cannot be called, or must not: a private one, or this service's own.

    It is checked again whenever it is called, since a name can lead elsewhere by then.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode() if ":" not in (parts.hostname or "") else parts.hostname
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise _refused(_("This is not an address.")) from None
    if len(url) > LONGEST_URL or any(character <= " " or character in "\\\x7f" for character in url):
        raise _refused(_("An address has no spaces, and at most %(n)d characters.") % {"n": LONGEST_URL})
    if parts.scheme not in _PORTS or not host or "@" in parts.netloc:
        raise _refused(_("An address begins with http:// or https:// and a host, without a user name."))
    if host.lower().rstrip(".") in _own_hosts():
        raise _refused(_("This is an address of this service itself."))
    try:
        resolve(host, port, Deadline(RESOLVED_WITHIN_S))
    except AddressRefused as error:
        raise _refused(error.detail) from None
    except OSError:
        raise _refused(_("No such host can be found.")) from None


def _refused(why: str) -> InvalidFields:
    return InvalidFields({"url": [why]})


def _own_hosts() -> set[str]:
    """Names by which this service is called: a webhook to itself could go round in a circle.

    Those of this machine are not among them: they are private addresses, and allowed only by a setting.
    """
    public = urlsplit(settings.BASE_URL).hostname
    names = {name.lstrip(".").lower() for name in settings.ALLOWED_HOSTS}
    return (names - {"*", "localhost", "127.0.0.1", "[::1]"}) | ({public} if public else set())


def send_webhook(message: OutboxMessage) -> int:
    """The transport: one event, as the public may see it now; the HTTP status of the answer."""
    subscription = Subscription.objects.filter(key=message.payload["subscription"], is_active=True).first()
    if subscription is None:
        raise Refused(_("This subscription has ended."))
    body = {"id": str(message.key), **_body(message.payload)}
    return send_signed_json(subscription.url, body, key=signing_key(subscription).encode(), message=message)


def _body(payload: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: payload[name] for name in ("event", "at", "subscription")}
    if "report" not in payload:
        return {**told, **{name: value for name, value in payload.items() if name not in told}}
    change = {name: payload[name] for name in ("old", "new") if name in payload}
    facts = facts_of(payload)
    return {**told, **change, "note": facts.note, "report": facts.as_json()}
