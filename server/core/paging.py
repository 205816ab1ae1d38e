"""Keyset paging: an opaque, signed token that says where the last page ended."""

from typing import Any

from django.core import signing

from server.core.errors import BadParameter

_SALT = "pantau.page"


def encode_token(state: dict[str, Any]) -> str:
    """A token of URL-safe characters. It is signed, so that nobody makes up a position, and compressed."""
    return signing.dumps(state, salt=_SALT, compress=True)


def decode_token(text: str, name: str = "next") -> dict[str, Any]:
    try:
        state = signing.loads(text, salt=_SALT)
    except signing.BadSignature:
        raise BadParameter(name, f"{name} is not a page token of this service; take it from a 'next' link") from None
    if not isinstance(state, dict):
        raise BadParameter(name, f"{name} is not a page token")
    return state
