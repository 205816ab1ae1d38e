"""A publisher fast enough to fill a broker's queue: MQTT 3.1.1 by hand, QoS 1, a window of unacknowledged messages."""

import socket
import struct
import threading
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

WINDOW = 2_000
PACKET_IDS = 65_000


def _length(size: int) -> bytes:
    encoded = bytearray()
    while True:
        size, digit = divmod(size, 128)
        encoded.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(encoded)


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("!H", len(data)) + data


def _connect_packet(username: str | None, password: str | None) -> bytes:
    flags = 0x02 | (0x80 if username else 0) | (0x40 if password else 0)
    body = _text("MQTT") + bytes([4, flags]) + struct.pack("!H", 60) + _text("pantau-bench-flood")
    body += (_text(username) if username else b"") + (_text(password) if password else b"")
    return b"\x10" + _length(len(body)) + body


def publish_packet(topic: str, payload: bytes, packet_id: int) -> bytes:
    body = _text(topic) + struct.pack("!H", packet_id) + payload
    return b"\x32" + _length(len(body)) + body


class Flood:
    """One connection. `send` blocks while the window is full; `finish` returns when the broker has acknowledged all."""

    def __init__(self, mqtt_url: str) -> None:
        parts = urlsplit(mqtt_url)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 1883), timeout=60)
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(
            _connect_packet(unquote(parts.username or "") or None, unquote(parts.password or "") or None)
        )
        answer = self._socket.recv(4)
        if len(answer) != 4 or answer[3] != 0:
            raise ConnectionError(f"the broker refuses: {answer!r}")
        self._sent = 0
        self._acknowledged = 0
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        rest = 0
        while chunk := self._receive():
            count, rest = divmod(rest + len(chunk), 4)  # a PUBACK has 4 bytes, and nothing else comes
            with self._changed:
                self._acknowledged += count
                self._changed.notify()

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(65_536)
        except OSError:
            return b""  # closed by `finish`

    def send(self, messages: Iterable[tuple[str, bytes]]) -> None:
        for topic, payload in messages:
            self._sent += 1
            self._socket.sendall(publish_packet(topic, payload, self._sent % PACKET_IDS + 1))
            if self._sent - self._acknowledged >= WINDOW:
                with self._changed:
                    self._changed.wait_for(lambda: self._sent - self._acknowledged < WINDOW // 2, timeout=60)

    def finish(self) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._acknowledged == self._sent, timeout=120):
                raise TimeoutError(f"{self._sent - self._acknowledged} messages were never acknowledged")
        self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        self._socket.close()
