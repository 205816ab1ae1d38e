"""Whether it is our own web server that says it is ready, or somebody else's on the same port."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server.core.installation import installation_mark
from server.run.environment import Installation
from server.run.home import Home
from server.run.ports import PortTaken, check_free
from server.run.said import Failed
from server.run.status import readiness, stream_readiness


@contextmanager
def answering(answer: str) -> Iterator[int]:
    """A server on a port of its own that says the same to everybody."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(answer.encode())

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def said(home: Path, answer: str) -> tuple[int, str]:
    """The port, and what `status` makes of this answer on it."""
    with answering(answer) as port:
        return port, readiness(Installation(Home(home), port, 1, None, None))


def http(status: str, body: str) -> str:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"


def own_mark(home: Path) -> str:
    return installation_mark(Home(home).secrets()["instance"])


@pytest.mark.parametrize(
    "answer",
    [
        http("200 OK", '{"status": "ready", "installation": "0123456789abcdef"}'),
        http("200 OK", '{"status": "ready"}'),
        http("200 OK", "[]"),
        http("200 OK", "<h1>A router</h1>"),
        http("404 Not Found", "<h1>A router</h1>"),
        http("503 Service Unavailable", '{"status": "not ready", "installation": "0123456789abcdef"}'),
        "SSH-2.0-OpenSSH_9.2\r\n",
    ],
    ids=["another Pantau", "an older one", "a list", "a page", "no page", "one that is not ready", "no web server"],
)
def test_somebody_elses_answer_is_not_ours(tmp_path: Path, answer: str) -> None:
    port, found = said(tmp_path, answer)
    assert found == f"port {port} is taken by somebody else's server"


def test_the_live_stream_has_to_be_ours_as_well(tmp_path: Path) -> None:
    ours, theirs = (
        http("200 OK", f'{{"status": "live", "listeners": 0, "installation": "{mark}"}}')
        for mark in (own_mark(tmp_path), "0123456789abcdef")
    )
    with answering(ours) as port:
        assert stream_readiness(Installation(Home(tmp_path), 1, port, None, None)) == "200"
    with answering(theirs) as port:
        said = stream_readiness(Installation(Home(tmp_path), 1, port, None, None))
        assert said == f"port {port} is taken by somebody else's server"


def test_our_own_answer_is_ready(tmp_path: Path) -> None:
    answer = http("200 OK", f'{{"status": "ready", "installation": "{own_mark(tmp_path)}"}}')
    assert said(tmp_path, answer)[1] == "200"


def test_what_our_own_server_lacks_is_told_in_its_words(tmp_path: Path) -> None:
    body = f'{{"status": "not ready", "installation": "{own_mark(tmp_path)}"}}'
    assert said(tmp_path, http("503 Service Unavailable", body))[1] == f"503 {body}"
    # A host that PANTAU_ALLOWED_HOSTS does not name.
    assert said(tmp_path, http("400 Bad Request", "no"))[1] == "400 no"


def test_a_chosen_port_that_is_taken_before_its_server_starts_may_be_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PANTAU_PORT", raising=False)
    with answering("") as port, pytest.raises(PortTaken, match=f"Port {port}, chosen for the web, is in use"):
        check_free("web", port)


def test_a_fixed_port_that_is_taken_before_its_server_starts_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering("") as port:
        monkeypatch.setenv("PANTAU_PORT", str(port))
        with pytest.raises(Failed, match=f"PANTAU_PORT={port} is in use") as failure:
            check_free("web", port)
    assert not isinstance(failure.value, PortTaken)
