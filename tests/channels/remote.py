"""The remote side of a channel, over real HTTP: a feed in pages, and an address that takes statuses. It may be down, slow or mad.

python -m tests.channels.remote 8099    one to practise with: three posts at /feed, and what comes to /status is printed
"""

import contextlib
import json
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass
class Taken:
    """A status that came in, as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def says(self) -> Any:
        return json.loads(self.body)


@dataclass
class Remote:
    """A server of posts, newest first as they lie in `posts`, `page_size` to a page.

    `broken` is page number -> (status, body) given instead. `down` answers 503 to everything. `gate`, when it is there, holds
    every answer back until it is set. `ignores_pages` gives the first page for every number.
    """

    posts: list[dict[str, Any]] = field(default_factory=list)
    page_size: int = 100
    wrap: str = ""
    down: bool = False
    ignores_pages: bool = False
    broken: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    gate: threading.Event | None = None
    port: int = 0
    prints: bool = False
    asked: list[int] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    waiting: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        remote = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                number = int(parse_qs(urlsplit(self.path).query).get("page", ["1"])[0])
                remote.asked.append(number)
                self._answer(*remote._page(number))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if remote.down:
                    self._answer(503, b"{}")
                    return
                remote.taken.append(Taken(dict(self.headers), body))
                if remote.prints:
                    print(f"{body.decode()}\n", end="", flush=True)  # one write: two that come at once stay two lines
                self._answer(200, b"{}")

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self.gate is not None:
            self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def feed_url(self) -> str:
        return f"{self.url}/feed"

    @property
    def status_url(self) -> str:
        return f"{self.url}/status"

    def _page(self, number: int) -> tuple[int, bytes]:
        if self.gate is not None:
            self.waiting.set()
            self.gate.wait(30)
        if self.down:
            return 503, b"{}"
        if number in self.broken:
            return self.broken[number]
        start = 0 if self.ignores_pages else (number - 1) * self.page_size
        posts = self.posts[start : start + self.page_size]
        return 200, json.dumps({self.wrap: posts} if self.wrap else posts).encode()


def post(number: int, **more: Any) -> dict[str, Any]:
    """A post as Qlue's feed has it, of 2016-03-01 10:00:00 in Jakarta, inside the default city of tests.factories."""
    return {
        "post_id": number,
        "post_date": "2016-03-01 10:00:00",
        "post_title": "Sampah",
        "post_desc": f"Tumpukan nomor {number}",
        "post_images": [],
        "loc_lat": -6.25,
        "loc_lng": 106.93,
        "profile_name": "Siti Aminah",
        **more,
    }


def posts(first: int, last: int) -> list[dict[str, Any]]:
    """From the newest, `last`, down to `first`."""
    return [post(number) for number in range(last, first - 1, -1)]


def main(port: int) -> None:
    practice = [
        post(3, post_title="Got mampet", post_desc="Hubungi 0812-3456-7890", loc_lat=-6.2349, loc_lng=106.9896),
        post(2, post_title="Jalan rusak", loc_lat=0, loc_lng=0),
        post(1, post_title="Kucing hilang", loc_lat=-6.2401, loc_lng=106.9924),
    ]
    with Remote(practice, port=port, prints=True) as remote:
        print(f"feed {remote.feed_url}, statuses {remote.status_url}; Ctrl-C ends it", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]))
