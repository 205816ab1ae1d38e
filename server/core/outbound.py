"""HTTP requests to addresses that somebody else has named: a channel's feed, a webhook, a photo's URL.

Only http and https, no redirects followed, private networks refused (settings.OUTBOUND_ALLOW says which may be called all the
same), bodies bounded, the whole exchange bounded in time. Nothing of an address but scheme, host and port is logged or told.
"""

import logging
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote, urlsplit

import httpcore
from django.utils.translation import gettext as _

from server.core.outbound_network import (
    AddressRefused,
    CheckedBackend,
    Deadline,
    OutboundError,
    TooLarge,
    Unreachable,
)

__all__ = ["AddressRefused", "OutboundError", "Response", "TooLarge", "Unreachable", "fetch", "post"]

log = logging.getLogger(__name__)
# At DEBUG it logs headers, in which keys travel.
logging.getLogger("httpcore").setLevel(logging.INFO)

PORTS = {"http": 80, "https": 443}
# Of an answer to `post`: its status is what counts.
ANSWER_BYTES = 64 * 1024
# What may stand unescaped in a path or a query; a percent sign is taken for an escape that is there already.
_AS_IT_IS = "/?:@!$&'()*+,;=~%[]"


@dataclass(frozen=True, slots=True)
class Response:
    """Names of headers are in lower case; a repeated header's values are joined by commas."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def fetch(url: str, *, max_bytes: int, timeout_s: float, headers: Mapping[str, str] | None = None) -> Response:
    """GETs an address; the answer whatever its status, a redirect among them.

    Errors: AddressRefused, Unreachable, TooLarge (a body of more than `max_bytes`), all of them OutboundError.
    """
    return _exchange("GET", url, None, headers or {}, timeout_s, max_bytes)


def post(url: str, body: bytes, *, headers: Mapping[str, str] | None = None, timeout_s: float) -> Response:
    """POSTs `body`; the answer whatever its status, with at most the first 64 KiB of its body.

    An answer's body that breaks off or drips is cut: once the status is there the request was taken, and must not be repeated.
    Errors: AddressRefused, Unreachable.
    """
    return _exchange("POST", url, body, headers or {}, timeout_s, None)


@dataclass(frozen=True, slots=True)
class _Target:
    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.authority}"


def _parse(url: str) -> _Target:
    """Taken apart once, and put together again for httpcore, so that no two parsers can disagree about the host."""
    if any(character <= " " or character in "\\\x7f" for character in url):
        raise AddressRefused(_("An address has no spaces, control characters or backslashes."))
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        if ":" not in host:
            host = host.encode("idna").decode("ascii")
        path = quote(parts.path or "/", safe=_AS_IT_IS) + (
            f"?{quote(parts.query, safe=_AS_IT_IS)}" if parts.query else ""
        )
    except ValueError:
        raise AddressRefused(_("This is not an address.")) from None
    if parts.scheme not in PORTS or not host:
        raise AddressRefused(_("An address begins with http:// or https:// and a host."))
    if "@" in parts.netloc:
        raise AddressRefused(_("An address must not hold a user name or a password."))
    return _Target(parts.scheme, host, PORTS[parts.scheme] if port is None else port, path)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _exchange(
    method: str, url: str, body: bytes | None, headers: Mapping[str, str], timeout_s: float, max_bytes: int | None
) -> Response:
    target = _parse(url)
    started = time.monotonic()
    try:
        response = _request(method, target, body, headers, Deadline(timeout_s), max_bytes)
    except httpcore.TimeoutException:
        raise Unreachable(
            _("%(origin)s did not answer within %(seconds)g s.") % {"origin": target.origin, "seconds": timeout_s}
        ) from None
    except (httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
        raise Unreachable(
            _("%(origin)s cannot be reached: %(why)s.") % {"origin": target.origin, "why": str(error).rstrip(".")}
        ) from None
    log.debug("%s %s: %d in %.3f s", method, target.origin, response.status, time.monotonic() - started)
    return response


def _request(
    method: str,
    target: _Target,
    body: bytes | None,
    headers: Mapping[str, str],
    deadline: Deadline,
    max_bytes: int | None,
) -> Response:
    # No compression is asked for, so that a bound in bytes bounds what is held.
    own = {"Host": target.authority, "User-Agent": "Pantau", "Accept-Encoding": "identity", "Connection": "close"}
    taken = {name.lower() for name in own}
    sent = own | {name: value for name, value in headers.items() if name.lower() not in taken}
    url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
    with (
        httpcore.HTTPConnection(url.origin, ssl_context=_tls(), network_backend=CheckedBackend(deadline)) as connection,
        connection.stream(
            method, url, headers=[(name.encode(), value.encode()) for name, value in sent.items()], content=body
        ) as answer,
    ):
        return Response(answer.status, _headers(answer), _body(answer, target, max_bytes))


def _headers(answer: httpcore.Response) -> dict[str, str]:
    joined: dict[str, str] = {}
    for raw_name, raw_value in answer.headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _body(answer: httpcore.Response, target: _Target, max_bytes: int | None) -> bytes:
    """All of it up to `max_bytes`, more being an error; without one, as much as comes of the first ANSWER_BYTES."""
    held = bytearray()
    try:
        for chunk in answer.iter_stream():
            held += chunk
            if len(held) > (ANSWER_BYTES if max_bytes is None else max_bytes):
                break
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.RemoteProtocolError):
        if max_bytes is not None:
            raise
    if max_bytes is None:
        return bytes(held[:ANSWER_BYTES])
    if len(held) > max_bytes:
        raise TooLarge(_("%(origin)s sent more than %(bytes)d bytes.") % {"origin": target.origin, "bytes": max_bytes})
    return bytes(held)
