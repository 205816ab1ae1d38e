"""Requests to addresses that somebody else has named: where they may go, how much they take, and when they end."""

import contextlib
import ipaddress
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from server.core import outbound
from server.core.outbound import AddressRefused, TooLarge, Unreachable, fetch, post
from server.core.outbound_network import may_be_called
from server.run.ports import unused_port
from tests.certificates import make_certificate
from tests.receiver import Answer, Receiver

LIMITS: dict[str, Any] = {"max_bytes": 1000, "timeout_s": 10}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as opened:
        yield opened


@pytest.fixture
def loopback(settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]


@contextlib.contextmanager
def scripted(script: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """A server of one connection: once it has read a request's head, it does what the script says. Yields its port."""
    done = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _address = listener.accept()
            with connection:
                while b"\r\n\r\n" not in connection.recv(65536):
                    pass
                script(connection, done)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        done.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def drip(head: bytes, rest: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """`head` at once, and then `rest` again and again, a byte every 20 ms, for as long as somebody listens."""

    def script(connection: socket.socket, done: threading.Event) -> None:
        connection.sendall(head)
        for number in range(100_000):
            if done.wait(0.02):
                return
            connection.sendall(rest[number % len(rest) :][:1])

    return script


@pytest.mark.usefixtures("loopback")
def test_an_answer_is_its_status_its_headers_and_its_body(receiver: Receiver) -> None:
    receiver.answer = lambda _request: Answer(418, b"teh", {"X-Kota": "Bekasi"})
    answer = fetch(f"{receiver.url}/a b".replace(" ", "%20") + "?q=é#bagian", headers={"X-Api": "1"}, **LIMITS)
    assert (answer.status, answer.body, answer.headers["x-kota"]) == (418, b"teh", "Bekasi")
    (request,) = receiver.received
    assert (request.method, request.path) == ("GET", "/a%20b?q=%C3%A9")
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert request.headers["user-agent"] == "Pantau"
    assert request.headers["x-api"] == "1"


@pytest.mark.usefixtures("loopback")
def test_a_body_is_posted(receiver: Receiver) -> None:
    answer = post(receiver.url, b'{"a":1}', headers={"Content-Type": "application/json"}, timeout_s=10)
    assert answer.status == 200
    (request,) = receiver.received
    assert (request.method, request.path, request.body) == ("POST", "/", b'{"a":1}')
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254",
        "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        # Other spellings of 127.0.0.1, and of this machine.
        "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "１２７.０.０.１", "localhost", "LOCALHOST",
        "[::1]", "[::]", "[fc00::1]", "[fd12::1]", "[fe80::1]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]",
        # IPv4 addresses in IPv6: mapped, compatible, translated (10.0.0.1), 6to4, Teredo.
        "[::ffff:10.0.0.1]", "[::ffff:127.0.0.1]", "[::10.0.0.1]", "[64:ff9b::a00:1]", "[64:ff9b:1::a00:1]",
        "[2002:a00:1::1]", "[2001:0:a00:1::1]",
    ],
)  # fmt: skip
def test_an_address_in_a_private_network_is_refused_however_it_is_spelt(host: str, receiver: Receiver) -> None:
    for call in (
        lambda url: fetch(url, **LIMITS),
        lambda url: post(url, b"", timeout_s=10),
    ):
        with pytest.raises(AddressRefused, match=r"jaringan privat|private network"):
            call(f"http://{host}:{receiver.port}/")
    assert receiver.received == []


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("8.8.8.8", True),
        ("2606:4700:4700::1111", True),
        # 8.8.8.8 by a translator, as a network without IPv4 sees it.
        ("64:ff9b::808:808", True),
        ("::ffff:8.8.8.8", True),
        ("203.0.113.9", False),
        ("10.1.2.3", False),
    ],
)
def test_the_public_internet_may_be_called(address: str, is_public: bool) -> None:
    assert may_be_called(ipaddress.ip_address(address), []) is is_public


def test_a_private_network_may_be_called_where_the_installation_allows_it(receiver: Receiver, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ["10.20.0.0/16", "127.0.0.1/32"]
    assert fetch(receiver.url, **LIMITS).status == 200
    assert fetch(f"http://localhost:{receiver.port}/", **LIMITS).status == 200
    with pytest.raises(AddressRefused):
        fetch(f"http://127.0.0.2:{receiver.port}/", **LIMITS)
    with pytest.raises(AddressRefused):
        fetch(f"http://10.21.0.1:{receiver.port}/", **LIMITS)
    assert may_be_called(ipaddress.ip_address("::ffff:10.20.0.1"), settings.OUTBOUND_ALLOW)


@pytest.mark.usefixtures("loopback")
def test_a_redirect_is_an_answer_and_is_not_followed(receiver: Receiver) -> None:
    receiver.answer = lambda _request: Answer(302, b"", {"Location": "/inside"})
    answer = fetch(f"{receiver.url}/outside", **LIMITS)
    assert (answer.status, answer.headers["location"]) == (302, "/inside")
    assert [request.path for request in receiver.received] == ["/outside"]


class Resolver:
    """Stands in for the names of the world, which a test has none of: what each question is answered with, in turn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
        self.asked: list[str] = []
        self._answers = iter(answers)
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def _look_up(self, host: str, port: int, **_more: Any) -> list[Any]:
        self.asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in next(self._answers)]


def test_a_name_with_one_private_address_among_public_ones_is_refused(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    Resolver(monkeypatch, ["8.8.8.8", "127.0.0.1"])
    with pytest.raises(AddressRefused):
        fetch(f"http://foto.example:{receiver.port}/", **LIMITS)
    assert receiver.received == []


@pytest.mark.usefixtures("loopback")
def test_the_connection_is_made_to_the_address_that_was_checked_whatever_dns_says_next(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = Resolver(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])
    assert fetch(f"http://foto.example:{receiver.port}/", **LIMITS).status == 200
    assert resolver.asked == ["foto.example"]
    assert receiver.received[0].headers["host"] == f"foto.example:{receiver.port}"


@pytest.mark.usefixtures("loopback")
def test_the_next_address_of_a_name_is_tried_where_one_does_not_answer(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody listens at this port of 127.0.0.2.
    Resolver(monkeypatch, ["127.0.0.2", "127.0.0.1"])
    assert fetch(f"http://foto.example:{receiver.port}/", **LIMITS).status == 200


@pytest.mark.parametrize(
    "url",
    [
        "", "bekasi", "//example.org/", "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "http://",
        "http:///path", "http://example.org:port/", "http://example.org:70000/", "http://[::1", "http://a..b/",
        "http://user:word@example.org/", "http://user@example.org/", "http://example.org/a b", "http://example.org\\@127.0.0.1/",
        "http://example.org/\r\nX-Injected: 1", "http://exa\x00mple.org/", "http://" + "a" * 64 + ".org/",
    ],
)  # fmt: skip
def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        fetch(url, **LIMITS)


@pytest.mark.usefixtures("loopback")
def test_a_body_may_be_as_large_as_allowed_and_no_larger(receiver: Receiver) -> None:
    receiver.answer = lambda _request: Answer(200, b"x" * 1000)
    assert len(fetch(receiver.url, max_bytes=1000, timeout_s=10).body) == 1000
    with pytest.raises(TooLarge, match="999"):
        fetch(receiver.url, max_bytes=999, timeout_s=10)


@pytest.mark.usefixtures("loopback")
def test_a_body_without_end_is_left_at_the_bound() -> None:
    def script(connection: socket.socket, done: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not done.is_set():
            connection.sendall(b"x" * 65536)

    with scripted(script) as port, pytest.raises(TooLarge):
        fetch(f"http://127.0.0.1:{port}/", max_bytes=1_000_000, timeout_s=30)


@pytest.mark.usefixtures("loopback")
@pytest.mark.parametrize(
    "script",
    [
        drip(b"", b"HTTP/1.1 200 OK\r\n"),
        drip(b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n"),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", b"x"),
        lambda _connection, done: done.wait(60),
    ],
    ids=["status line", "headers", "interim answers", "body", "silence"],
)
def test_a_server_that_drips_is_left_when_the_time_is_over(script: Any) -> None:
    with scripted(script) as port, pytest.raises(Unreachable, match=r"0\.4 "):
        fetch(f"http://127.0.0.1:{port}/", max_bytes=1000, timeout_s=0.4)


@pytest.mark.usefixtures("loopback")
def test_a_server_that_does_not_read_is_left_when_the_time_is_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(Unreachable):
        post(f"http://127.0.0.1:{listener.getsockname()[1]}/", b"x" * 30_000_000, timeout_s=0.4)


@pytest.mark.usefixtures("loopback")
@pytest.mark.parametrize(
    "script",
    [
        drip(b"HTTP/1.1 202 Accepted\r\nContent-Length: 500\r\n\r\n", b"x"),
        lambda connection, _done: connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 500\r\n\r\nhalf"),
    ],
    ids=["drips", "breaks off"],
)
def test_what_was_posted_and_accepted_stays_so_when_the_answer_is_cut(script: Any) -> None:
    with scripted(script) as port:
        assert post(f"http://127.0.0.1:{port}/", b"{}", timeout_s=0.4).status == 202


@pytest.mark.usefixtures("loopback")
@pytest.mark.parametrize(
    "script",
    [
        lambda _connection, _done: None,
        lambda connection, _done: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"),
        lambda connection, _done: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf"),
    ],
    ids=["hangs up", "speaks something else", "breaks off"],
)
def test_a_server_that_gives_no_whole_answer_is_unreachable(script: Any) -> None:
    with scripted(script) as port, pytest.raises(Unreachable, match=rf"http://127\.0\.0\.1:{port}"):
        fetch(f"http://127.0.0.1:{port}/", **LIMITS)


@pytest.mark.usefixtures("loopback")
def test_a_port_at_which_nobody_listens_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        fetch(f"http://127.0.0.1:{unused_port()}/", **LIMITS)


@pytest.mark.usefixtures("loopback")
def test_neither_path_nor_query_nor_headers_are_logged_or_told(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.answer = lambda _request: Answer(200, b"", {"Set-Cookie": "kunci-3"})
    fetch(f"{receiver.url}/kunci-1?kunci-2", headers={"Authorization": "kunci-4"}, **LIMITS)
    with pytest.raises(Unreachable) as caught:
        fetch(f"http://127.0.0.1:{unused_port()}/kunci-1?kunci-2", headers={"Authorization": "kunci-4"}, **LIMITS)
    assert f"GET {receiver.url}: 200" in caplog.text
    assert "kunci" not in caplog.text
    assert "kunci" not in caught.value.detail


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Of localhost, in the place where OpenSSL looks for the authorities that this machine trusts."""
    make_certificate(tmp_path, name="localhost", alternative="DNS:localhost")
    made = tmp_path / "with-key.pem"
    made.write_text((tmp_path / "cert.pem").read_text() + (tmp_path / "key.pem").read_text())
    monkeypatch.setenv("SSL_CERT_FILE", str(made))
    outbound._tls.cache_clear()
    yield made
    outbound._tls.cache_clear()


@contextlib.contextmanager
def secured(certificate: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _address = listener.accept()
            with connection, context.wrap_socket(connection, server_side=True) as stream:
                stream.recv(65536)
                stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\naman")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.usefixtures("loopback")
def test_a_certificate_of_a_trusted_authority_is_checked_against_the_name(certificate: Path) -> None:
    with secured(certificate) as port:
        assert fetch(f"https://localhost:{port}/", **LIMITS).body == b"aman"
    with secured(certificate) as port, pytest.raises(Unreachable, match=r"certificate is not valid for .127\.0\.0\.1."):
        fetch(f"https://127.0.0.1:{port}/", **LIMITS)


@pytest.mark.usefixtures("loopback")
def test_a_certificate_of_an_unknown_authority_is_refused(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
    with secured(certificate) as port, pytest.raises(Unreachable, match="self-signed certificate"):
        fetch(f"https://localhost:{port}/", **LIMITS)


@pytest.mark.usefixtures("loopback")
def test_a_handshake_that_never_comes_ends_with_the_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(Unreachable):
        fetch(f"https://127.0.0.1:{listener.getsockname()[1]}/", max_bytes=1000, timeout_s=0.4)
