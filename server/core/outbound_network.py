"""Connections to addresses that somebody else has named: checked before they are made, and ended when their time is over.

A name that leads into a private network would let a stranger read what only this machine may (a cloud's metadata, a database,
a router's page). So a name is resolved once, every address that it has is checked, and the connection is made to a checked
address itself: what DNS says a moment later changes nothing.
"""

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

import httpcore
from django.conf import settings
from django.utils.translation import gettext as _

from server.core.errors import PantauError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# IPv6 addresses are given out from here alone; what lies outside is this machine's, this network's, or an IPv4 one in disguise.
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# RFC 6052: the network of a translator between the two, which a resolver with DNS64 answers with.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class OutboundError(PantauError):
    """Nothing usable came back. Its sentence names scheme, host and port alone: paths and queries may hold secrets."""


class AddressRefused(OutboundError):
    """The address must not be called, now or later."""


class Unreachable(OutboundError):
    """Nothing answered in time, or what did says that it cannot now: worth another try.

    `retry_after_s` is the wait that was asked for, `status` the HTTP status, each where there was one.
    """

    def __init__(self, detail: str, retry_after_s: float | None = None, status: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s
        self.status = status


class TooLarge(OutboundError):
    """The body is larger than the caller wants."""


class Deadline:
    """The moment at which an exchange ends, however far it is: a limit per read would let a server drip for ever."""

    def __init__(self, limit_s: float) -> None:
        self._ends_at = time.monotonic() + limit_s

    def left_s(self) -> float:
        """Seconds, more than zero; TimeoutError when none are left."""
        left_s = self._ends_at - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("out of time")
        return left_s


def may_be_called(address: Address, allowed: Iterable[str]) -> bool:
    """Whether an address belongs to the public internet, or to one of the networks (CIDR) that the installation allows."""
    address = _unwrapped(address)
    if any(address in ipaddress.ip_network(network) for network in allowed):
        return True
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return True
    # 6to4 and Teredo carry an IPv4 address, which a gateway on the way would deliver to.
    return address in GLOBAL_UNICAST and address.sixtofour is None and address.teredo is None


def _unwrapped(address: Address) -> Address:
    """The IPv4 address to which an IPv6 one of this kind leads."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def resolve(host: str, port: int, deadline: Deadline) -> list[tuple[int, Any]]:
    """The checked addresses of a name, as (family, socket address); AddressRefused if one of them must not be called.

    getaddrinfo knows no time limit, so it runs in a thread that is left behind when it takes too long (the resolver's own
    limit ends it, in tens of seconds).
    """
    answers: queue.SimpleQueue[list[tuple[int, Any]] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put([(family, address) for family, _kind, _protocol, _name, address in found])
        except OSError as error:
            answers.put(error)
        except ValueError as error:
            answers.put(OSError(str(error)))

    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.left_s())
    except queue.Empty:
        raise TimeoutError("the name was not resolved in time") from None
    if isinstance(answer, OSError):
        raise answer
    for _family, address in answer:
        if not may_be_called(ipaddress.ip_address(address[0]), settings.OUTBOUND_ALLOW):
            # The address itself is not told: it would be a map of the network for whoever asks by guessed names.
            raise AddressRefused(_("%(host)s lies in a private network, which may not be called.") % {"host": host})
    return answer


class CheckedBackend(httpcore.NetworkBackend):
    """Makes httpcore's connections, for one exchange with one deadline."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            return DeadlineStream(self._connect(resolve(host, port, self._deadline)), self._deadline)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ConnectError(error.strerror or str(error)) from error

    def _connect(self, addresses: Sequence[tuple[int, Any]]) -> socket.socket:
        """To the first that answers; each gets its share of the time that is left."""
        failure: OSError = ConnectionError("no address")
        for position, (family, address) in enumerate(addresses):
            connected = socket.socket(family, socket.SOCK_STREAM)
            try:
                connected.settimeout(self._deadline.left_s() / (len(addresses) - position))
                connected.connect(address)
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return connected
            except OSError as error:
                connected.close()
                failure = error
        raise failure


class DeadlineStream(httpcore.NetworkStream):
    """A connection whose every wait ends at the exchange's deadline; httpcore's own limits, which are per read, are not used."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            self._socket.settimeout(self._deadline.left_s())
            return self._socket.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ReadError(error.strerror or str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        try:
            while rest:
                self._socket.settimeout(self._deadline.left_s())
                rest = rest[self._socket.send(rest) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.WriteError(error.strerror or str(error)) from error

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            self._socket.settimeout(self._deadline.left_s())
            secured = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except TimeoutError as error:
            self.close()
            raise httpcore.ConnectTimeout(str(error)) from error
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise httpcore.ConnectError(error.verify_message) from error
        except OSError as error:
            self.close()
            raise httpcore.ConnectError(error.strerror or str(error)) from error
        return DeadlineStream(secured, self._deadline)

    def close(self) -> None:
        self._socket.close()

    def get_extra_info(self, info: str) -> Any:
        return self._socket if info == "ssl_object" and isinstance(self._socket, ssl.SSLSocket) else None
