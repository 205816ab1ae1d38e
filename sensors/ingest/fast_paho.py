"""paho's client with some of its private hooks, for a third of the work per message; the stock client where they are not there.

paho asks the kernel for each packet's first byte, its length and its body, makes objects of MQTT 5 properties that nobody
reads, and sends every acknowledgement by a call of its own. Here the socket is read in large pieces, a PUBLISH is cut into
its parts, and the acknowledgements of a batch leave as one piece. The rest of the protocol (sessions, reconnecting, every
other packet) stays paho's. All that is private of paho is in this file; tests run against both clients.
"""

import logging
import socket
import struct
import time
from collections.abc import Callable, Iterable
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

logger = logging.getLogger(__name__)

PIECE_BYTES = 65_536
# So long the socket may be read before paho's loop goes on: acknowledgements and pings leave by it. Messages of thousands of
# readings, each half a tenth of a second's work, would otherwise come until the broker takes us for dead.
READ_S = 0.1
PUBACK = 0x40
_PRIVATE = ("_create_socket", "_handle_publish", "_in_packet", "_packet_queue", "_protocol", "_sock")

# Topic, payload, packet id, QoS, whether it may have come before, whether it was retained.
OnPacket = Callable[[str, bytes, int, int, bool, bool], None]


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
    """paho as it is, with the two things that the worker needs of it: `on_packet`, and one verb more."""

    def __init__(self, on_packet: OnPacket, **options: Any) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, **options)
        self.on_packet = on_packet
        self.on_message = self._pass_on

    def _pass_on(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        self.on_packet(message.topic, bytes(message.payload), message.mid, message.qos, message.dup, message.retain)

    def acknowledge_all(self, mids: Iterable[int]) -> None:
        for mid in mids:
            self.ack(mid, 1)


class FastClient(StockClient):
    def acknowledge_all(self, mids: Iterable[int]) -> None:
        packets = b"".join(struct.pack("!BBH", PUBACK, 2, mid) for mid in mids)
        if packets:
            self._packet_queue(PUBACK, packets, 0, 1)

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        until = time.monotonic() + READ_S
        result = super().loop_read(max_packets)
        while (
            result == MQTTErrorCode.MQTT_ERR_SUCCESS
            and isinstance(self._sock, BufferedSocket)
            and self._sock.pending()
            and time.monotonic() < until
        ):
            result = super().loop_read(max_packets)
        return result

    def _handle_publish(self) -> MQTTErrorCode:
        command, packet = self._in_packet["command"], self._in_packet["packet"]
        qos = command >> 1 & 3
        try:
            end = 2 + (packet[0] << 8 | packet[1])
            topic = packet[2:end].decode()
            mid = 0
            if qos:
                mid = packet[end] << 8 | packet[end + 1]
                end += 2
            if self._protocol == mqtt.MQTTv5:
                end = _after_properties(packet, end)
        except (IndexError, UnicodeDecodeError):
            return super()._handle_publish()  # paho knows what to do about it
        if qos == 2 or end > len(packet):
            return super()._handle_publish()
        self.on_packet(topic, bytes(packet[end:]), mid, qos, bool(command & 8), bool(command & 1))
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _create_socket(self) -> Any:
        sock = super()._create_socket()
        # TLS keeps a buffer of its own, and websockets frame theirs: those stay as they are.
        return BufferedSocket(sock) if type(sock) is socket.socket else sock


def _after_properties(packet: bytearray, at: int) -> int:
    """Where the properties of an MQTT 5 packet end: their length is a number of seven bits a byte, the lowest first."""
    length = shift = 0
    while True:
        digit = packet[at]
        at += 1
        length |= (digit & 127) << shift
        shift += 7
        if digit < 128:
            return at + length


def client_class(*, is_fast: bool) -> type[StockClient]:
    """The faster client, unless it is not wanted or this paho lacks what it hooks into."""
    if not is_fast:
        return StockClient
    probe = mqtt.Client(CallbackAPIVersion.VERSION2)
    if missing := [name for name in _PRIVATE if not hasattr(probe, name)]:
        logger.warning("this paho has no %s: going on with its stock client, which is slower", ", ".join(missing))
        return StockClient
    return FastClient
