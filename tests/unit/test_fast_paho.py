"""How the worker's client reads its socket."""

import socket
import time

from bench.flood import publish_packet
from sensors.ingest.fast_paho import BufferedSocket, FastClient

PACKETS = 400


def test_reading_gives_way_to_acknowledgements_and_pings_while_messages_keep_coming() -> None:
    seen: list[str] = []

    def handle(topic: str, payload: bytes, mid: int, qos: int, dup: bool, retain: bool) -> None:
        seen.append(topic)
        time.sleep(0.01)  # a message of some thousand readings

    client = FastClient(handle, client_id="reader")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        client._sock = BufferedSocket(ours)
        theirs.sendall(b"".join(publish_packet("sensors/a/b", b"{}", number + 1) for number in range(PACKETS)))
        client.loop_read()
        assert 1 <= len(seen) < PACKETS / 2
        while client._sock.pending():
            client.loop_read()
        assert len(seen) == PACKETS
        client._sock = None
