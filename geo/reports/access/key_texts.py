"""The text of API keys and access tokens: `prefix.secret`, shown once, kept as SHA-256 alone."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from django.db.models import Q

_PREFIX_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"
_FORM = re.compile(r"[0-9a-z]{8}\.[\w-]{43}", re.ASCII)
# Writing the time of use at every request would make one row the bottleneck of a busy sender.
USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewText:
    prefix: str
    text: str
    key_hash: str


class Keyed(Protocol):
    """A row that keeps a key's SHA-256."""

    key_hash: str


K = TypeVar("K", bound=Keyed)


def new_text() -> NewText:
    prefix = "".join(secrets.choice(_PREFIX_ALPHABET) for _i in range(8))
    text = f"{prefix}.{secrets.token_urlsafe(32)}"
    return NewText(prefix, text, digest(text))


def looks_like_one(text: str) -> bool:
    return _FORM.fullmatch(text) is not None


def prefix_of(text: str) -> str:
    """What the text begins with; empty for what can be no key."""
    prefix, _dot, secret = text.partition(".")
    return prefix[:12] if prefix and secret and len(text) <= 200 and "\0" not in text else ""


def matching(text: str, candidates: Iterable[K]) -> K | None:
    """The one of those with its prefix that this text is."""
    wanted, found = digest(text), None
    for key in candidates:
        if hmac.compare_digest(key.key_hash, wanted):
            found = key
    return found


def in_force(now: datetime) -> Q:
    """Neither revoked nor past the time at which it was to end."""
    return Q(revoked_at=None) | Q(revoked_at__gt=now)


def is_stale(last_used_at: datetime | None, now: datetime) -> bool:
    """Whether the time of use is to be noted anew; `use_is_stale` asks the row itself, which another may just have written."""
    return last_used_at is None or last_used_at < now - USE_NOTED_EVERY


def use_is_stale(now: datetime) -> Q:
    return Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)


def digest(text: str) -> str:
    # A fast hash is right here: the secret has 256 random bits, so there is nothing to guess.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
