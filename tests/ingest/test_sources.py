"""Brokers of others beside our own: a second real Mosquitto, and a storage that answers as The Things Stack's does."""

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError

from sensors.ingest import worker as ingest_worker
from sensors.ingest.broker_url import parse_broker_url
from sensors.ingest.models import IngestStatus, RejectedMessage, TopicRule
from sensors.ingest.publisher import Publisher
from sensors.ingest.sources import storage
from sensors.ingest.sources.following import Sources
from sensors.ingest.sources.models import MqttSource
from sensors.ingest.sources.storage import NoUplinks, stored_uplinks
from sensors.ingest.sources.worker import GapPace, SourceWorker
from sensors.ingest.worker import Pace
from sensors.observations.models import Observation
from server.run.mosquitto import _program, accepts
from server.run.ports import unused_port
from tests.ingest.conftest import running
from tests.receiver import Answer, Received, Receiver
from tests.sensor_factories import make_datastream
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

AT = datetime(2026, 3, 1, 5, tzinfo=UTC)
APPLICATION, KEY = "bekasi@ttn", "NNSXS.KUNCI"
UPLINKS = "v3/+/devices/+/up"
QUICK = GapPace(settles_s=0.0, retry_s=0.1, note_s=0.05)


class OtherBroker:
    """Somebody else's Mosquitto, which keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self.port = unused_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._configuration = folder / "other.conf"
        # `user root` keeps Mosquitto from changing to a user that cannot read this folder; for others it means nothing.
        self._configuration.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\n")
        self._log = folder / "other.log"
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([_program(), "-c", str(self._configuration)], stdout=log, stderr=log)
        wait_for(lambda: accepts("127.0.0.1", self.port, "anybody", "x"), "the other broker")

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(10)

    def publish(self, *messages: tuple[str, Any]) -> None:
        with Publisher(parse_broker_url(self.url)) as publisher:
            for topic, payload in messages:
                publisher.publish(topic, json.dumps(payload))


class Storage:
    """The Things Stack's storage: `uplinks` by the second after AT at which they were received."""

    def __init__(self) -> None:
        self.uplinks: dict[int, dict[str, Any]] = {}
        self.instead: Answer | None = None
        self.asked: list[Received] = []

    def __call__(self, request: Received) -> Answer:
        self.asked.append(request)
        if self.instead is not None:
            return self.instead
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}
        if request.headers.get("authorization") != f"Bearer {KEY}" or query["order"] != "received_at":
            return Answer(403)
        after = datetime.fromisoformat(query["after"])
        held = [up for second, up in sorted(self.uplinks.items()) if AT + timedelta(seconds=second) > after]
        lines = [json.dumps({"result": up}) for up in held[: int(query["limit"])]]
        return Answer(200, "\n\n".join(lines).encode(), {"Content-Type": "text/event-stream"})


@pytest.fixture
def other(tmp_path: Path) -> Iterator[OtherBroker]:
    broker = OtherBroker(tmp_path)
    yield broker
    broker.stop()


@pytest.fixture
def held() -> Storage:
    return Storage()


@pytest.fixture
def storage_url(held: Storage, settings: Any) -> Iterator[str]:
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]
    with Receiver(held) as receiver:
        yield f"{receiver.url}/api/v3/as/applications/bekasi/packages/storage/uplink_message"


@pytest.fixture(autouse=True)
def _readings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTAU_SOURCE_TTN_PASSWORD", KEY)
    make_datastream("lora-1", "rain", unit_ucum="mm")
    TopicRule.objects.create(pattern="v3/{application}/devices/{device}/up", format="the-things-stack")


def uplink(second: int, rain: Any) -> dict[str, Any]:
    """As The Things Stack's documentation shows it, shortened: the network server has it before the application server."""
    at = AT + timedelta(seconds=second)
    return {
        "end_device_ids": {"device_id": "lora-1", "application_ids": {"application_id": "bekasi"}},
        "received_at": at.isoformat().replace("+00:00", ".250817Z"),
        "uplink_message": {"decoded_payload": {"rain": rain}, "received_at": at.isoformat().replace("+00:00", "Z")},
    }


def live(second: int, rain: Any) -> tuple[str, dict[str, Any]]:
    return f"v3/{APPLICATION}/devices/lora-1/up", uplink(second, rain)


def make_source(url: str, **more: Any) -> MqttSource:
    values = {"name": "ttn", "url": url, "username": APPLICATION, "topic_filters": UPLINKS, "qos": 0, **more}
    source = MqttSource(**values)
    source.full_clean()
    source.save()
    return source


def worker_of(source: MqttSource, gaps: GapPace = QUICK) -> SourceWorker:
    return SourceWorker(source, pace=Pace(retry_first_s=0.05, retry_most_s=0.2), gaps=gaps)


def stored() -> list[float]:
    return list(Observation.objects.order_by("phenomenon_time").values_list("result", flat=True))


def counts(source: MqttSource) -> dict[str, int]:
    return IngestStatus.objects.values("received", "stored", "repeated", "quarantined").get(slot=source.slot)


def noted(source: MqttSource) -> datetime | None:
    return MqttSource.objects.get(pk=source.pk).filled_until


def trouble(source: MqttSource) -> str:
    return MqttSource.objects.get(pk=source.pk).trouble


# Several at once


def test_two_sources_are_stored_side_by_side_and_counted_each_by_its_name(other: OtherBroker) -> None:
    make_datastream("pos-1", "pm25")
    first = make_source(other.url)
    second = make_source(other.url, name="udara", username="", topic_filters="sensors/pos-1/#\nsensors/pos-2/#", qos=1)
    with running(worker_of(first)), running(worker_of(second)):
        other.publish(live(0, 1.5), ("sensors/pos-1/pm25", 7), ("sensors/pos-2/pm25", 8), ("sensors/pos-3/pm25", 9))
        wait_for(lambda: counts(first)["received"] == 1 and counts(second)["received"] == 2, "the readings")
    assert counts(first) == {"received": 1, "stored": 1, "repeated": 0, "quarantined": 0}
    assert counts(second) == {"received": 2, "stored": 1, "repeated": 0, "quarantined": 1}
    assert set(IngestStatus.objects.values_list("source", flat=True)) == {"ttn", "udara"}


def test_source_of_quality_1_is_given_what_came_while_nobody_followed_it(other: OtherBroker) -> None:
    source = make_source(other.url, qos=1)
    with running(worker_of(source)):
        pass
    other.publish(live(0, 1.5))
    with running(worker_of(source)):
        wait_for(lambda: counts(source)["received"] == 1, "the reading")
    assert stored() == [1.5]


def test_what_a_source_was_not_asked_for_is_not_taken(other: OtherBroker) -> None:
    make_datastream("pos-1", "pm25")
    source = make_source(other.url)
    worker = worker_of(source)
    with running(worker):
        # As a broker would that sends what it likes.
        worker._link.subscribe_besides(["sensors/#"])
        other.publish(("sensors/pos-1/pm25", 7), live(0, 1.5))
        wait_for(lambda: counts(source)["received"], "the uplink")
    assert counts(source)["received"] == 1
    assert stored() == [1.5]


# Gaps


def test_gap_of_a_lost_connection_is_filled_from_the_storage_without_duplicates(
    other: OtherBroker, held: Storage, storage_url: str
) -> None:
    source = make_source(other.url, storage_url=storage_url, filled_until=AT)
    held.uplinks[10] = uplink(10, 1.0)
    worker = worker_of(source)
    with running(worker):
        wait_for(lambda: stored() == [1.0], "what was held at the start")
        other.publish(live(10, 1.0))
        wait_for(lambda: counts(source)["repeated"] == 1, "the same uplink by MQTT")
        # From here on it is our own clock that says until when all is stored: back to that of the uplinks.
        other.stop()
        wait_for(lambda: not worker.is_subscribed, "the end of the connection")
        MqttSource.objects.update(filled_until=AT)
        source.filled_until = AT
        held.uplinks |= {20: uplink(20, 2.0), 30: uplink(30, 3.0)}
        other.start()
        wait_for(lambda: stored() == [1.0, 2.0, 3.0], "what came meanwhile")
        other.publish(live(40, 4.0))
        wait_for(lambda: stored() == [1.0, 2.0, 3.0, 4.0], "what comes now")
    assert counts(source)["stored"] == 4
    assert counts(source)["received"] == counts(source)["stored"] + counts(source)["repeated"]
    assert not RejectedMessage.objects.exists()


def test_gap_of_a_worker_that_was_away_is_asked_for_from_five_minutes_before_it(
    other: OtherBroker, held: Storage, storage_url: str
) -> None:
    source = make_source(other.url, storage_url=storage_url, filled_until=AT)
    held.uplinks = {-400: uplink(-400, 9.0), -200: uplink(-200, 1.0), 3600: uplink(3600, 2.0)}
    started_at = datetime.now(UTC)
    with running(worker_of(source)):
        wait_for(lambda: (noted(source) or AT) > started_at, "the note that all is stored")
    assert stored() == [1.0, 2.0]


def test_what_was_let_fall_while_the_database_was_away_is_fetched_from_the_storage(
    other: OtherBroker, held: Storage, storage_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_source(other.url, storage_url=storage_url, filled_until=AT)
    worker = worker_of(source)
    with running(worker):
        wait_for(lambda: noted(source) != AT, "the end of the first gap")
        MqttSource.objects.update(filled_until=AT)
        source.filled_until = AT
        held.uplinks[10] = uplink(10, 1.0)
        monkeypatch.setattr(ingest_worker, "MOST_HELD", 0)
        other.publish(live(10, 1.0))
        wait_for(lambda: stored() == [1.0], "the reading")
    assert worker.inbox.dropped == 1


def test_storage_is_asked_once_more_when_it_has_had_time_to_settle(
    other: OtherBroker, held: Storage, storage_url: str
) -> None:
    source = make_source(other.url, storage_url=storage_url, filled_until=AT)
    with running(worker_of(source, GapPace(settles_s=1.0, retry_s=60.0, note_s=0.05))):
        wait_for(lambda: held.asked, "the first question")
        held.uplinks[20] = uplink(20, 2.0)
        wait_for(lambda: stored() == [2.0], "what the storage held later")
    assert len(held.asked) == 2


def test_gap_stays_open_while_the_storage_fails_and_says_so(
    other: OtherBroker, held: Storage, storage_url: str
) -> None:
    held.uplinks[20], held.instead = uplink(20, 2.0), Answer(401)
    source = make_source(other.url, storage_url=storage_url, filled_until=AT)
    with running(worker_of(source)):
        wait_for(lambda: len(held.asked) > 1, "another try")
        wait_for(
            lambda: trouble(source) == "the storage answers 401: may this key read the application's traffic?",
            "the word",
        )
        assert noted(source) == AT
        other.publish(live(30, 3.0))
        wait_for(lambda: stored() == [3.0], "the reading by MQTT")
        assert noted(source) == AT
        held.instead = None
        wait_for(lambda: stored() == [2.0, 3.0] and not trouble(source), "the gap's reading")
        wait_for(lambda: noted(source) != AT, "the note")


def test_uplink_that_cannot_be_read_is_quarantined_once_however_often_it_is_asked_for(
    other: OtherBroker, held: Storage, storage_url: str
) -> None:
    held.uplinks[20] = uplink(20, 2.0)
    del held.uplinks[20]["uplink_message"]["decoded_payload"]
    source = make_source(other.url, storage_url=storage_url, filled_until=AT)
    for _again in range(2):
        with running(worker_of(source)):
            asked = len(held.asked)
            wait_for(lambda: len(held.asked) > asked and (noted(source) or AT) > AT, "the gap's end")  # noqa: B023
        MqttSource.objects.update(filled_until=AT)
        source.refresh_from_db()
    assert RejectedMessage.objects.count() == 1


def test_more_than_a_page_is_asked_for_page_by_page(
    held: Storage, storage_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "PAGE", 2)
    held.uplinks = {second: uplink(second, second) for second in range(1, 6)}
    pages = list(stored_uplinks(storage_url, KEY, application=APPLICATION, after=AT))
    assert [
        [json.loads(each.payload)["uplink_message"]["decoded_payload"]["rain"] for each in page] for page in pages
    ] == [
        [1, 2],
        [3, 4],
        [5],
    ]
    assert {each.topic for page in pages for each in page} == {"v3/bekasi@ttn/devices/lora-1/up"}


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answer(500), "the storage answers 500"),
        (Answer(302, b"", {"Location": "http://127.0.0.1/"}), "the storage answers 302"),
        (Answer(200, b"<html>"), "the storage's answer is not JSON, line by line"),
        (Answer(200, b'{"uplink": 1}'), "a line of the storage's answer has no result"),
        (Answer(200, b'{"error": {"code": 14, "message": "unavailable"}}'), "the storage broke off: unavailable"),
    ],
)
def test_answer_that_is_no_list_of_uplinks_is_a_sentence(
    held: Storage, storage_url: str, answer: Answer, sentence: str
) -> None:
    held.instead = answer
    with pytest.raises(NoUplinks, match=sentence):
        list(stored_uplinks(storage_url, KEY, application=APPLICATION, after=AT))


def test_full_page_of_uplinks_of_one_time_ends_in_a_sentence_and_not_in_a_circle(
    held: Storage, storage_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "PAGE", 1)
    held.instead = Answer(200, json.dumps({"result": uplink(1, 1)}).encode())
    with pytest.raises(NoUplinks, match="cannot be asked for"):
        list(stored_uplinks(storage_url, KEY, application=APPLICATION, after=AT))


def test_storage_in_a_private_network_is_not_called_unless_it_is_allowed(storage_url: str, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = []
    with pytest.raises(NoUplinks, match=r"private network|jaringan"):
        list(stored_uplinks(storage_url, KEY, application=APPLICATION, after=AT))


# The process


class Process:
    """`ingest_source` in a thread."""

    def __init__(self, *names: str) -> None:
        self._sources = Sources(names, make_worker=worker_of)
        self._thread = threading.Thread(target=self._sources.run, kwargs={"reread_s": 0.05})

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_error: object) -> None:
        self._sources.request_stop()
        self._thread.join(20)
        assert not self._thread.is_alive()


def test_sources_are_followed_as_the_table_has_them(other: OtherBroker) -> None:
    with Process():
        source = make_source(other.url)

        def comes_through(rain: float) -> bool:
            other.publish(live(int(rain), rain))
            return rain in stored()

        wait_for(lambda: comes_through(1.0), "a reading of the new source")
        MqttSource.objects.update(topic_filters="v3/nobody/devices/+/up")
        wait_for(lambda: IngestStatus.objects.get(slot=source.slot).started_at, "the worker")
        MqttSource.objects.update(topic_filters=f"v3/{APPLICATION}/devices/+/up")
        wait_for(lambda: comes_through(2.0), "a reading after the change")
        MqttSource.objects.update(is_active=False)
        wait_for(lambda: not any(t.name == "source-ttn" for t in threading.enumerate()), "the end of its worker")


def test_source_without_its_password_says_which_variable_is_missing_and_the_others_go_on(
    other: OtherBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PANTAU_SOURCE_TTN_PASSWORD")
    make_datastream("pos-1", "pm25")
    source = make_source(other.url)
    make_source(other.url, name="udara", username="", topic_filters="sensors/pos-1/#")
    with Process():
        wait_for(
            lambda: (
                trouble(source) == "its password is missing: PANTAU_SOURCE_TTN_PASSWORD is to be set in the environment"
            ),
            "the word",
        )

        def comes_through() -> bool:
            other.publish(("sensors/pos-1/pm25", 7))
            return bool(stored())

        wait_for(comes_through, "the other source's reading")


def test_broker_that_cannot_be_reached_is_the_source_s_trouble_until_it_is_there(other: OtherBroker) -> None:
    other.stop()
    source = make_source(other.url)
    with Process("ttn"):
        wait_for(lambda: trouble(source) == "the broker cannot be reached", "the word")
        other.start()
        wait_for(lambda: not trouble(source), "the end of the trouble")


def test_command_names_the_sources_that_there_are(other: OtherBroker) -> None:
    make_source(other.url)
    with pytest.raises(CommandError, match="There is no MQTT source tnt: there are ttn"):
        call_command("ingest_source", "tnt")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"url": "http://example.org"}, "url"),
        ({"url": "mqtt://user:secret@example.org"}, "url"),
        ({"topic_filters": "a/#/b"}, "topic_filters"),
        ({"topic_filters": "a+/b"}, "topic_filters"),
        ({"topic_filters": " \n"}, "topic_filters"),
        ({"storage_url": "ftp://example.org"}, "storage_url"),
        ({"storage_url": "https://example.org/x", "username": ""}, "username"),
        ({"name": "The Things"}, "name"),
    ],
)
def test_source_that_cannot_work_is_refused(values: dict[str, str], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        make_source(**{"url": "mqtt://example.org", **values})
    assert field in refused.value.message_dict
