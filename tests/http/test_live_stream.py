"""The live stream as its own process, over HTTP: who gets which observation, and how one comes back."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpcore
import psycopg2
import pytest
from django.db import connection
from django.test import Client

from geo.placement.services import place_things
from sensors.models import JournalEntry
from sensors.observations.columns import Columns, microseconds
from sensors.observations.corrections import correct_observation
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import write_observations
from server.run.ports import unused_port
from tests.factories import centre, make_city, make_datastream, make_thing
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[2]
PATH = "/api/observations/stream"
NOON = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)


def _environment(**more: str) -> dict[str, str]:
    at = connection.get_connection_params()
    dsn = f"postgres://{quote(at['user'])}:{quote(at['password'])}@{at['host']}:{at['port']}/{at['dbname']}"
    return {**os.environ, "DATABASE_URL": dsn, **more}


class Server:
    """uvicorn on a port of its own, as the process `live` runs it."""

    def __init__(self, **environment: str) -> None:
        self.port = unused_port()
        self._environment = environment
        self.start()

    def start(self) -> None:
        command = ["-m", "uvicorn", "server.asgi:application", "--port", str(self.port), "--log-level", "warning"]
        self.process = subprocess.Popen(
            [sys.executable, *command, "--timeout-graceful-shutdown", "2"],
            cwd=ROOT,
            env=_environment(**self._environment),
        )
        wait_for(self._answers, "the live process")

    def _answers(self) -> bool:
        assert self.process.poll() is None
        try:
            return httpcore.request("GET", f"http://127.0.0.1:{self.port}/health/live").status == 200
        except httpcore.ConnectError:
            return False

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(20) in (0, -signal.SIGTERM), self.process.returncode

    def listeners(self) -> int:
        answer = httpcore.request("GET", f"http://127.0.0.1:{self.port}/health/live")
        return int(json.loads(answer.content)["listeners"])


@pytest.fixture(scope="module")
def server(django_db_setup: None, django_db_blocker: Any) -> Iterator[Server]:
    with django_db_blocker.unblock():
        server = Server()
    yield server
    server.stop()


class Listening:
    """A client that reads in a thread; `events` are (name, id, data)."""

    def __init__(self, server: Server, *, seen: str = "", **asked: Any) -> None:
        self.events: list[tuple[str, str, dict[str, Any]]] = []
        headers = {"Last-Event-ID": seen} if seen else {}
        before = server.listeners()
        self._socket = socket.create_connection(("127.0.0.1", server.port))
        lines = [f"GET {PATH}?{urlencode(asked)} HTTP/1.1", "Host: localhost"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        wait_for(lambda: server.listeners() > before, "the listener")

    def _read(self) -> None:
        text = ""
        while True:
            try:
                data = self._socket.recv(65_536)
            except OSError:
                return
            if not data:
                return
            # Chunks' lengths stand on lines of their own, which are no lines of an event.
            text += data.decode().replace("\r\n", "\n")
            *whole, text = text.split("\n\n")
            for block in whole:
                fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
                if "event" in fields:
                    self.events.append((fields["event"], fields.get("id", ""), json.loads(fields["data"])))

    def wait(self, count: int) -> list[tuple[str, str, dict[str, Any]]]:
        wait_for(lambda: len(self.events) >= count, f"{count} events (now {self.events})")
        return self.events

    def results(self, count: int) -> list[float]:
        return [data["result"] for _name, _id, data in self.wait(count)]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()


Listen = Callable[..., Listening]


@pytest.fixture
def listen(server: Server) -> Iterator[Listen]:
    """Clients of the module's server, who have left when the test is over."""
    opened: list[Listening] = []

    def listen(**asked: Any) -> Listening:
        opened.append(Listening(server, **asked))
        return opened[-1]

    yield listen
    for one in opened:
        one.close()
    wait_for(lambda: server.listeners() == 0, "the listeners to leave")


def store(*readings: tuple[Any, int, float]) -> None:
    """Readings (datastream, second after noon, result) in one transaction."""
    ensure_partitions([date(2026, 3, 1)])
    columns = Columns()
    for datastream, second, result in readings:
        columns.append_us(datastream.pk, microseconds(NOON) + second * 1_000_000, result, microseconds(NOON), 0, 0)
    write_observations(columns)


@pytest.fixture
def level(server: Server) -> Any:
    # What the process knows of datastreams is of the test before; the first new one makes it ask again.
    return make_datastream(make_thing("pos-1"), "river_level", unit_ucum="cm")


def test_a_new_observation_is_told_with_what_it_is_of(listen: Listen, level: Any) -> None:
    listening = listen()
    store((level, 0, 412.5))
    ((name, event_id, data),) = listening.wait(1)
    assert name == "observation"
    recorded_at = data.pop("recorded_at")
    assert data == {
        "datastream": level.pk,
        "thing": "pos-1",
        "observed_property": "river_level",
        "unit": "cm",
        "phenomenon_time": "2026-03-01T05:00:00Z",
        "result": 412.5,
        "quality": "good",
    }
    entry = JournalEntry.objects.get()
    assert event_id == f"{entry.xid}-{entry.pk}-0"
    assert datetime.fromisoformat(recorded_at) == entry.written_at


@pytest.mark.parametrize(
    ("asked", "results"),
    [
        ({}, [100.0, 500.0, 7.0]),
        ({"property": "river_level"}, [100.0, 500.0]),
        ({"thing": "pos-2"}, [7.0]),
        ({"area": "kota-uji.1"}, [100.0, 500.0]),
        ({"area": "kota-uji"}, [100.0, 500.0, 7.0]),
        ({"min": "450"}, [500.0]),
        ({"max": "100"}, [100.0, 7.0]),
        ({"property": "river_level", "min": "50", "max": "450"}, [100.0]),
        ({"quality": "good", "area": "kota-uji.2"}, [7.0]),
    ],
    ids=str,
)
def test_a_listener_gets_what_it_asked_for(listen: Listen, asked: dict[str, str], results: list[float]) -> None:
    make_city()
    level = make_datastream(make_thing("pos-1", location=centre("kota-uji.1.1")), "river_level", unit_ucum="cm")
    rain = make_datastream(make_thing("pos-2", location=centre("kota-uji.2.1")), "rain", unit_ucum="mm")
    place_things()
    listening = listen(**asked)
    store((level, 0, 100.0), (level, 1, 500.0), (rain, 0, 7.0))
    # The last is what everybody waits for: whoever did not ask for one before it has not got it by then.
    store((rain if 7.0 in results else level, 9, results[-1]))
    assert listening.results(len(results) + 1) == [*results, results[-1]]


def test_a_correction_and_a_deletion_are_told(listen: Listen, level: Any) -> None:
    listening = listen()
    store((level, 0, 412.5))
    correct_observation(datastream=level, phenomenon_time=NOON, new_result=212.5, reason="calibrated")
    correct_observation(datastream=level, phenomenon_time=NOON, new_result=None, reason="a test")
    told = [(name, data["result"]) for name, _id, data in listening.wait(3)]
    assert told == [("observation", 412.5), ("changed", 212.5), ("deleted", 212.5)]


def test_who_comes_back_gets_what_came_meanwhile_once(listen: Listen, level: Any) -> None:
    first = listen()
    store((level, 0, 1.0), (level, 1, 2.0))
    (_, seen, _), _ = first.wait(2)
    first.close()
    store((level, 2, 3.0))
    again = listen(seen=seen)
    store((level, 3, 4.0))
    assert again.results(3) == [2.0, 3.0, 4.0]


def test_who_comes_back_to_a_process_that_was_killed_misses_nothing(level: Any) -> None:
    server = Server()
    try:
        first = Listening(server)
        store((level, 0, 1.0))
        ((_, seen, _),) = first.wait(1)
        server.process.kill()
        server.process.wait()
        store((level, 1, 2.0))
        server.start()
        first.close()
        again = Listening(server, last_event_id=seen)
        store((level, 2, 3.0))
        assert again.results(2) == [2.0, 3.0]
        again.close()
    finally:
        server.stop()


def test_who_was_away_for_longer_than_the_journal_is_kept_is_told_so(listen: Listen, level: Any) -> None:
    store((level, 0, 1.0))
    entry = JournalEntry.objects.get()
    store((level, 1, 2.0))
    JournalEntry.objects.filter(pk=entry.pk).delete()
    listening = listen(seen=f"{entry.xid}-{entry.pk}-0")
    (gap, _, told), (name, _, data) = listening.wait(2)
    assert (gap, name, data["result"]) == ("gap", "observation", 2.0)
    assert datetime.fromisoformat(told["kept_since"]) == JournalEntry.objects.get().written_at


def test_what_a_slower_transaction_commits_later_is_told_as_well(listen: Listen, level: Any) -> None:
    listening = listen()
    other = psycopg2.connect(**connection.get_connection_params())
    try:
        with other.cursor() as cursor:
            cursor.execute(
                "INSERT INTO sensors_journalentry"
                " (xid, kind, written_at, datastream_ids, phenomenon_times, results, qualities)"
                " VALUES (pg_current_xact_id()::text::bigint, 0, now(), %s, '{1}', '{1.5}', '{0}')",
                ([level.pk],),
            )
        store((level, 0, 2.5))
        other.commit()
    finally:
        other.close()
    assert listening.results(2) == [1.5, 2.5]


def test_one_that_does_not_read_is_dropped_and_the_others_get_everything(
    listen: Listen, server: Server, level: Any
) -> None:
    lazy = socket.create_connection(("127.0.0.1", server.port))
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    lazy.sendall(f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    wait_for(lambda: server.listeners() == 1, "the lazy listener")
    eager = listen()
    # 48,000 events of 250 bytes: more than a kernel's buffers and the room of one listener. The eager one keeps up.
    for batch in range(12):
        store(*((level, batch * 4_000 + row, float(batch * 4_000 + row)) for row in range(4_000)))
        eager.wait((batch + 1) * 4_000)
    assert eager.results(48_000) == [float(number) for number in range(48_000)]
    wait_for(lambda: server.listeners() == 1, "the lazy one to be dropped")
    lazy.close()


def test_two_hundred_listen_to_one_process(server: Server, level: Any) -> None:
    sockets = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
    for one in sockets:
        one.sendall(f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    wait_for(lambda: server.listeners() == 200, "200 listeners")
    store((level, 0, 412.5))
    for one in sockets:
        text = b""
        while b"412.5" not in text:
            text += one.recv(4096)
        one.close()
    wait_for(lambda: server.listeners() == 0, "all to leave")


def test_beyond_the_greatest_number_one_is_asked_to_come_back(level: Any) -> None:
    server = Server(PANTAU_STREAM_MOST="1")
    try:
        only = Listening(server)
        answer = httpcore.request("GET", f"http://127.0.0.1:{server.port}{PATH}")
        assert (answer.status, dict(answer.headers).get(b"retry-after")) == (503, b"60")
        only.close()
    finally:
        server.stop()


def test_who_does_not_read_what_was_missed_takes_a_place_as_well(level: Any) -> None:
    server = Server(PANTAU_STREAM_MOST="1")
    try:
        before = Listening(server)
        store((level, 0, 1.0))
        seen = before.wait(1)[0][1]
        before.close()
        wait_for(lambda: server.listeners() == 0, "it to leave")
        # Some 10 MB of events, more than all buffers on the way hold.
        store(*((level, second, float(second)) for second in range(1, 40_000)))
        with socket.socket() as slow:
            # A receiver of a few kilobytes: how much a system takes by itself differs from one to the next.
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect(("127.0.0.1", server.port))
            slow.sendall(f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: {seen}\r\n\r\n".encode())
            url = f"http://127.0.0.1:{server.port}{PATH}"
            wait_for(lambda: httpcore.request("HEAD", url).status == 503, "the place to be taken")
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("area=nowhere", "area"),
        ("property=nothing", "property"),
        ("thing=nobody", "thing"),
        ("datastream=x", "datastream"),
        ("datastream=999999", "datastream"),
        ("min=high", "min"),
        ("min=2&max=1", "min"),
        ("quality=best", "quality"),
        ("last_event_id=yesterday", "last_event_id"),
        ("colour=red", "colour"),
        ("thing=a&thing=b", "thing"),
        ("thing=%00", "thing"),
    ],
)
def test_a_bad_parameter_is_named(server: Server, asked: str, name: str) -> None:
    answer = httpcore.request("GET", f"http://127.0.0.1:{server.port}{PATH}?{asked}")
    assert answer.status == 400
    assert dict(answer.headers)[b"content-type"] == b"application/problem+json"
    assert json.loads(answer.content)["parameter"] == name


def test_nothing_else_is_served_there(server: Server) -> None:
    at = f"http://127.0.0.1:{server.port}"
    assert httpcore.request("GET", f"{at}/admin/").status == 404
    assert httpcore.request("POST", f"{at}{PATH}").status == 405


def test_any_page_may_listen_and_no_proxy_holds_events_back(server: Server) -> None:
    answer = httpcore.request("HEAD", f"http://127.0.0.1:{server.port}{PATH}")
    headers = {name.lower(): value for name, value in answer.headers}
    assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert headers[b"access-control-allow-origin"] == b"*"
    assert headers[b"x-accel-buffering"] == b"no"


@pytest.mark.parametrize("host", ["localhost", "localhost:8000"])
def test_the_page_s_own_address_leads_there(client: Client, host: str) -> None:
    answer = client.get(f"{PATH}?property=rain", headers={"host": host})
    assert (answer.status_code, answer["Location"]) == (307, f"http://localhost:8500{PATH}?property=rain")


def test_behind_a_proxy_it_leads_to_the_address_that_was_set(client: Client, settings: Any) -> None:
    settings.STREAM_URL = "https://pantau.example"
    assert client.get(PATH)["Location"] == f"https://pantau.example{PATH}"


def test_pages_may_listen_to_the_stream_and_ask_nobody_else(client: Client, settings: Any) -> None:
    def asked_of(host: str) -> str:
        policy = client.get("/nothing-here", headers={"accept": "text/html", "host": host})["Content-Security-Policy"]
        return policy.partition("connect-src ")[2].partition(";")[0]

    assert asked_of("localhost:8000") == "'self' http://localhost:8500"
    settings.STREAM_URL = "https://live.pantau.example/below"
    assert asked_of("localhost:8000") == "'self' https://live.pantau.example"
