"""How much an anonymous citizen may send: per device, with a wide ceiling per network address.

Mobile carriers put thousands of people behind one address, so the address alone says little; a device is known by a signed
token that it was given. Without a token the address itself is the device. Addresses are kept as keyed hashes only.
"""

import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core import signing
from django.db import connection
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from geo.reports.models import ChannelKey, IntakeCounter
from geo.reports.statements import QUERIES
from server.core.errors import InvalidFields, TooMany

WINDOW = timedelta(minutes=10)
_KEPT = timedelta(hours=1)
_TOKEN_SALT = "pantau.device-token"


@dataclass(frozen=True, slots=True)
class Sender:
    """An anonymous sender: keyed hashes of the device and of the address, neither of which can be read back."""

    device_hash: str
    address_hash: str
    has_token: bool


def issue_token() -> str:
    """A new device token: random, signed, and bound to nobody."""
    return signing.dumps(secrets.token_urlsafe(12), salt=_TOKEN_SALT)


def sender_of(token: str | None, address: str) -> Sender:
    """Who sends; InvalidFields for a token that this service did not sign."""
    address_hash = _keyed("address", address)
    if not token:
        return Sender(_keyed("device-address", address), address_hash, has_token=False)
    try:
        device = signing.loads(token, salt=_TOKEN_SALT)
    except signing.BadSignature:
        raise InvalidFields(
            {"X-Device-Token": [_("This device token was not issued here; ask for one at /api/device-tokens/.")]}
        ) from None
    return Sender(_keyed("device", str(device)), address_hash, has_token=True)


def client_address(remote: str, forwarded_for: str, trusted: Sequence[str]) -> str:
    """The address of the client; an IPv6 client is its /64, since a household has 2^64 addresses.

    `forwarded_for` is believed only when `remote` is a trusted proxy, and then only from its right end on: each trusted
    hop vouches for the one before it, and what stands further left is what the client chose to claim.
    """
    address = remote
    hops = [hop.strip() for hop in forwarded_for.split(",") if hop.strip()]
    while _is_trusted(address, trusted) and hops:
        candidate = hops.pop()
        if _parsed(candidate) is None:
            break
        address = candidate
    found = _parsed(address)
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found) if found is not None else address


def admit(sender: Sender, *, now: datetime) -> None:
    """Counts a report of this sender; TooMany when it, or its address, has sent enough in this window."""
    window = _window(now)
    device_limit, address_limit = settings.INTAKE_LIMIT_DEVICE, settings.INTAKE_LIMIT_ADDRESS
    with connection.cursor() as cursor:
        cursor.execute(
            QUERIES.count_intake,
            {
                "device": sender.device_hash,
                "address": sender.address_hash,
                "window": window,
                "device_limit": device_limit,
            },
        )
        by_device, by_address = cursor.fetchone()
    if by_address == 1:
        forget_old_windows(now)
    if by_device > device_limit or by_address > address_limit:
        wait_s = int((window + WINDOW - now).total_seconds()) + 1
        raise TooMany(_("Too many reports in a short time; please try again later."), retry_after_s=wait_s)


def admit_token(address: str, *, now: datetime) -> None:
    """Counts a device token given out to an address: as many as it may send reports."""
    keys = Sender(_keyed("token-address", address), _keyed("token-total", address), has_token=False)
    with connection.cursor() as cursor:
        cursor.execute(
            QUERIES.count_intake,
            {"device": keys.device_hash, "address": keys.address_hash, "window": _window(now), "device_limit": 0},
        )
        issued, _none = cursor.fetchone()
    if issued > settings.INTAKE_LIMIT_ADDRESS:
        raise TooMany(_("Too many device tokens for one address."), retry_after_s=int(WINDOW.total_seconds()))


def admit_key(key: ChannelKey, *, now: datetime) -> None:
    """Counts a request that writes by a channel's key; TooMany when the key has sent enough in this window."""
    window, limit = _window(now), key.requests_per_window
    if limit is None:
        limit = settings.KEY_LIMIT
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.count_key, {"key": _keyed("key", str(key.pk)), "window": window})
        (sent,) = cursor.fetchone()
    if sent == 1:
        forget_old_windows(now)
    if sent > limit:
        wait_s = int((window + WINDOW - now).total_seconds()) + 1
        raise TooMany(_("This key has sent as much as it may in ten minutes; try again later."), retry_after_s=wait_s)


def forget_old_windows(now: datetime) -> None:
    """Deletes counters that no limit reads any more."""
    IntakeCounter.objects.filter(window__lt=now - _KEPT).delete()


def scoped_external_id(sender: Sender, external_id: str) -> str:
    """An anonymous client's own id for its report, as an idempotency key that nobody else can hit or probe."""
    return "anon:" + _keyed("external-id", f"{sender.device_hash}:{external_id}")


def _window(now: datetime) -> datetime:
    seconds = int(now.timestamp())
    return datetime.fromtimestamp(seconds - seconds % int(WINDOW.total_seconds()), UTC)


def _keyed(purpose: str, value: str) -> str:
    return salted_hmac(f"pantau.{purpose}", value, algorithm="sha256").hexdigest()


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None


def _is_trusted(address: str, trusted: Sequence[str]) -> bool:
    found = _parsed(address)
    if found is None:
        return address in trusted
    for entry in trusted:
        try:
            if found in ipaddress.ip_network(entry, strict=False):
                return True
        except ValueError:
            continue
    return False
