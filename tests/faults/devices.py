"""Thousands of devices, each with a connection of its own: an MQTT 3.1.1 client of the few packets that they need."""

import asyncio
import contextlib
import threading
from collections.abc import Callable

from sensors.ingest.broker_url import BrokerUrl

# Mosquitto's queue for connections not yet accepted holds a hundred.
CONNECTING_AT_ONCE = 100
RETRY_S = 0.5


def _field(text: str | bytes) -> bytes:
    content = text.encode() if isinstance(text, str) else text
    return len(content).to_bytes(2) + content


def _packet(kind: int, body: bytes) -> bytes:
    length, number = bytearray(), len(body)
    while True:
        number, low = divmod(number, 128)
        length.append(low | (128 if number else 0))
        if not number:
            return bytes([kind]) + bytes(length) + body


class Devices:
    """`count` devices in a thread of their own. Each connects, says what `say(device, turn)` gives, and stays; when its connection
    breaks it comes back with its next turn, up to `turns` of them. `acknowledged` counts the broker's answers."""

    def __init__(self, url: BrokerUrl, count: int, turns: int, say: Callable[[int, int], tuple[str, str]]) -> None:
        self.count, self.turns = count, turns
        self.acknowledged = 0
        self.connected = 0
        self._url, self._say = url, say
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self, seconds: float) -> None:
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"{self.acknowledged} of {self.count * self.turns} acknowledged"

    async def _all(self) -> None:
        self._door = asyncio.Semaphore(CONNECTING_AT_ONCE)
        await asyncio.gather(*(self._device(number) for number in range(self.count)))

    async def _device(self, number: int) -> None:
        turn = 0
        while turn < self.turns:
            writer: asyncio.StreamWriter | None = None
            try:
                async with self._door:
                    reader, writer = await asyncio.wait_for(asyncio.open_connection(self._url.host, self._url.port), 30)
                    writer.write(self._hello(number))
                    assert await asyncio.wait_for(reader.readexactly(4), 30) == b"\x20\x02\x00\x00"
                topic, payload = self._say(number, turn)
                writer.write(_packet(0x32, _field(topic) + (turn + 1).to_bytes(2) + payload.encode()))
                assert (await asyncio.wait_for(reader.readexactly(4), 60))[0] == 0x40
                self.acknowledged += 1
                turn += 1
                self.connected += 1
                try:
                    if turn < self.turns:
                        await reader.read(1)  # until the broker goes away
                finally:
                    self.connected -= 1
            except (OSError, EOFError, TimeoutError):
                await asyncio.sleep(RETRY_S)
            finally:
                if writer is not None:
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()

    def _hello(self, number: int) -> bytes:
        user, password = self._url.username or "", self._url.password or ""
        head = _field("MQTT") + bytes([4, 0b1100_0010]) + (600).to_bytes(2)
        return _packet(0x10, head + _field(f"device-{number}") + _field(user) + _field(password))
