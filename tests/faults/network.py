"""A wire that can be cut: a relay in front of a server's port."""

import contextlib
import selectors
import socket
import threading

CHUNK = 65_536


class Wire:
    """Relays connections to 127.0.0.1:port. `cut` resets all and refuses new ones, `stall` lets nothing pass, `mend` ends both."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = self._listen(0)
        self.port = int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._flows = threading.Event()
        self._flows.set()
        self._is_closed = False
        self._accept()

    def _listen(self, port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(256)
        return listener

    def _accept(self) -> None:
        threading.Thread(target=self._accept_all, args=(self._listener,), daemon=True).start()

    def _accept_all(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return  # the listener was closed: the wire is cut
            try:
                far = socket.create_connection(self._target, timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            with self._lock:
                self._pairs.append((near, far))
            threading.Thread(target=self._relay, args=(near, far), daemon=True).start()

    def _relay(self, near: socket.socket, far: socket.socket) -> None:
        with selectors.DefaultSelector() as selector, contextlib.suppress(OSError, ValueError):
            selector.register(near, selectors.EVENT_READ, far)
            selector.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _ in selector.select():
                    self._flows.wait()
                    assert isinstance(key.fileobj, socket.socket)
                    data = key.fileobj.recv(CHUNK)
                    if not data:
                        raise OSError
                    key.data.sendall(data)
        near.close()
        far.close()

    def cut(self) -> None:
        """Every connection is reset, and nobody connects."""
        # A thread stands in accept(): closing alone would not wake it.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for one in (end for pair in pairs for end in pair):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def stall(self) -> None:
        """Connections stay, and nothing passes: a cable drawn, a firewall that drops."""
        self._flows.clear()

    def mend(self) -> None:
        self._flows.set()
        if self._listener.fileno() == -1:
            self._listener = self._listen(self.port)
            self._accept()

    def close(self) -> None:
        self._flows.set()
        self.cut()
