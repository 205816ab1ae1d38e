"""API keys of channels: `prefix.secret`, shown once, kept only as SHA-256."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.db.models import Q

from geo.reports.models import Channel, ChannelKey

_PREFIX_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"
# Writing the time of use at every request would make one row the bottleneck of a busy channel.
_USE_NOTED_EVERY = timedelta(minutes=1)


def create_key(*, channel: Channel) -> tuple[ChannelKey, str]:
    """A new key and its text, which cannot be read again later."""
    prefix = "".join(secrets.choice(_PREFIX_ALPHABET) for _i in range(8))
    text = f"{prefix}.{secrets.token_urlsafe(32)}"
    return ChannelKey.objects.create(channel=channel, prefix=prefix, key_hash=_digest(text)), text


def find_key(text: str, *, now: datetime) -> ChannelKey | None:
    """The key in force that this text is, with its channel; None for a wrong or revoked one."""
    prefix, _dot, secret = text.partition(".")
    if not prefix or not secret or len(text) > 200:
        return None
    digest = _digest(text)
    in_force = ChannelKey.objects.filter(revoked_at=None, channel__is_active=True).select_related("channel__city")
    found = None
    for key in in_force.filter(prefix=prefix[:12]):
        if hmac.compare_digest(key.key_hash, digest):
            found = key
    if found is not None and (found.last_used_at is None or found.last_used_at < now - _USE_NOTED_EVERY):
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - _USE_NOTED_EVERY)
        ChannelKey.objects.filter(stale, pk=found.pk).update(last_used_at=now)
    return found


def _digest(text: str) -> str:
    # A fast hash is right here: the secret has 256 random bits, so there is nothing to guess.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
