"""How a message leaves: a transport is a function that sends one message, registered under the name that messages carry.

A transport returns the HTTP status that it was answered with (None where it speaks no HTTP), or raises

    Unreachable  the destination cannot take it now: the message is kept, and its destination paused
    Refused      it will never take it: the message is given up at once

Whatever else it raises is a mistake of its own, which is logged, and the message is tried again later. It is called inside the
transaction that holds the message, and may be called again with the same message, whose `key` tells the receiver that it is
the same: a process that dies after sending, and before it has noted that, leaves no other trace.

A transport that calls strangers is `in_background`: it is tried after the others, and takes few threads, however many and
however slow its destinations are.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from django.utils.translation import gettext as _

from geo.operations.outbox.models import OutboxMessage
from server.core.errors import PantauError
from server.core.outbound import AddressRefused, Unreachable, post

__all__ = ["Refused", "Send", "Unreachable", "is_in_background", "register", "send_signed_json", "sender"]

Send = Callable[[OutboxMessage], int | None]

TIMEOUT_S = 10.0
# Of a receiver's wish to be left alone: with a longer one, a slip of its clock would end all that is sent to it.
LONGEST_RETRY_AFTER_S = 24 * 3600.0
# These say "not now" (RFC 9110, RFC 8470, RFC 6585), as every status from 500 on does.
LATER = frozenset({408, 425, 429})

_senders: dict[str, Send] = {}
_in_background: set[str] = set()


class Refused(PantauError):
    """The destination has refused this message for good; `status` is the HTTP status, where there was one."""

    def __init__(self, detail: str, status: int | None = None) -> None:
        super().__init__(detail)
        self.status = status


def register(name: str, send: Send, *, in_background: bool = False) -> None:
    """From an app's `ready`: messages whose transport is `name` are sent by `send`."""
    if _senders.get(name, send) is not send:
        raise ValueError(f"there are two transports named {name}")
    _senders[name] = send
    if in_background:
        _in_background.add(name)


def is_in_background(name: str) -> bool:
    return name in _in_background


def sender(name: str) -> Send:
    try:
        return _senders[name]
    except KeyError:
        raise LookupError(f"there is no transport named {name}") from None


def send_signed_json(
    url: str,
    body: Mapping[str, Any],
    *,
    key: bytes,
    message: OutboxMessage,
    extra_headers: Mapping[str, str] | None = None,
) -> int:
    """POSTs `body` as JSON, signed, and returns the status, which is 200 to 299.

    X-Pantau-Delivery: the message's key, the same at every try.
    X-Pantau-Timestamp: when this try was made, in seconds since 1970.
    X-Pantau-Signature: `sha256=` and HMAC-SHA256, in hexadecimal, of `<timestamp>.<body>` with `key`.
    Errors: Unreachable for no answer, 408, 425, 429 and from 500 on; Refused for any other status and for an address that must
    not be called.
    """
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    timestamp = str(int(time.time()))
    headers = {
        **(extra_headers or {}),
        "Content-Type": "application/json; charset=utf-8",
        "X-Pantau-Delivery": str(message.key),
        "X-Pantau-Timestamp": timestamp,
        "X-Pantau-Signature": signature(content, timestamp=timestamp, key=key),
    }
    try:
        answer = post(url, content, headers=headers, timeout_s=TIMEOUT_S)
    except AddressRefused as error:
        raise Refused(error.detail) from None
    if 200 <= answer.status < 300:
        return answer.status
    says = _("The destination answered %(status)d.") % {"status": answer.status}
    if answer.status in LATER or answer.status >= 500:
        wait_s = retry_after_s(answer.headers.get("retry-after", ""), now=datetime.now(UTC))
        raise Unreachable(says, retry_after_s=wait_s, status=answer.status)
    raise Refused(says, status=answer.status)


def signature(content: bytes, *, timestamp: str, key: bytes) -> str:
    digest = hmac.new(key, timestamp.encode() + b"." + content, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


def retry_after_s(value: str, *, now: datetime) -> float | None:
    """Of a Retry-After header (RFC 9110, 10.2.3): seconds, or a date; at most a day, None for anything else."""
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_RETRY_AFTER_S)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    # "GMT" gives an aware time, "-0000" a naive one, which is UTC as well.
    wait_s = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
    return min(max(wait_s, 0.0), LONGEST_RETRY_AFTER_S)
