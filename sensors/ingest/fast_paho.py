"""paho's client with two of its private hooks, for half the work per message; the stock client where they are not there.

paho asks the kernel for each packet's first byte, its length and its body, and sends every acknowledgement by a call of its
own. Here the socket is read in large pieces, and the acknowledgements of a batch leave as one piece. The protocol's logic
(packets, sessions, reconnecting) stays paho's. All that is private of paho is in this file; tests run against both clients.
"""

import logging
import socket
import struct
from collections.abc import Iterable
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

logger = logging.getLogger(__name__)

PIECE_BYTES = 65_536
PUBACK = 0x40
_PRIVATE = ("_create_socket", "_packet_queue", "_packet_read", "_sock_recv", "_sock")


class BufferedSocket:
    """A socket that is read ahead of what is asked for; `pending` is what paho's loop looks at before it waits."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._piece = b""
        self._at = 0

    def recv(self, size: int) -> bytes:
        if self._at >= len(self._piece):
            self._piece = self._socket.recv(PIECE_BYTES)
            self._at = 0
        start, self._at = self._at, min(self._at + size, len(self._piece))
        return self._piece[start : self._at]

    def pending(self) -> int:
        return len(self._piece) - self._at

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


class StockClient(mqtt.Client):
    """paho as it is, with the one verb that the worker needs more."""

    def acknowledge_all(self, mids: Iterable[int]) -> None:
        for mid in mids:
            self.ack(mid, 1)


class FastClient(StockClient):
    def acknowledge_all(self, mids: Iterable[int]) -> None:
        packets = b"".join(struct.pack("!BBH", PUBACK, 2, mid) for mid in mids)
        if packets:
            self._packet_queue(PUBACK, packets, 0, 1)

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        result = super().loop_read(max_packets)
        while (
            result == MQTTErrorCode.MQTT_ERR_SUCCESS and isinstance(self._sock, BufferedSocket) and self._sock.pending()
        ):
            result = super().loop_read(max_packets)
        return result

    def _create_socket(self) -> Any:
        sock = super()._create_socket()
        # TLS keeps a buffer of its own, and websockets frame theirs: those stay as they are.
        return BufferedSocket(sock) if type(sock) is socket.socket else sock


def client_class(*, is_fast: bool) -> type[StockClient]:
    """The faster client, unless it is not wanted or this paho lacks what it hooks into."""
    if not is_fast:
        return StockClient
    probe = mqtt.Client(CallbackAPIVersion.VERSION2)
    if missing := [name for name in _PRIVATE if not hasattr(probe, name)]:
        logger.warning("this paho has no %s: going on with its stock client, which is slower", ", ".join(missing))
        return StockClient
    return FastClient
