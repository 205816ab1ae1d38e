"""SensorThings by MQTT, at the real broker: observations in, updates out, and who may listen."""

import io
import json
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from django.conf import settings
from django.contrib.gis.geos import Point
from django.core.management import call_command
from django.test import Client
from paho.mqtt.enums import CallbackAPIVersion

from sensors.following.follow import follow_once
from sensors.following.models import Bookmark
from sensors.ingest.broker_url import BrokerUrl, parse_broker_url
from sensors.ingest.models import RejectedMessage, TopicRule
from sensors.ingest.publisher import NotPublished, Publisher
from sensors.observations.corrections import correct_observation
from sensors.observations.models import JournalEntry, Observation
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import write_observations
from sensors.registry.models import Datastream, ThingLocation
from sensors.registry.services import change_thing
from sensors.sensorthings.mqtt.follower import Updates, followers
from sensors.sensorthings.mqtt.models import EntityChange
from server.core import broker_credentials
from tests.ingest.conftest import make_worker, options_for, running
from tests.sensor_factories import columns_of, make_datastream
from tests.sensorthings.writing import NOON, ONE, got
from tests.waiting import wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not settings.BROKER_DIR, reason="the broker's credentials are kept elsewhere"),
]
NOON_US = 1_772_341_200_000_000  # date -u -d 2026-03-01T05:00:00Z +%s


@pytest.fixture
def broker() -> BrokerUrl:
    return parse_broker_url(settings.MQTT_URL or os.environ["MQTT_URL"])


@pytest.fixture
def gateway() -> Iterator[Publisher]:
    with Publisher(parse_broker_url(settings.MQTT_GATEWAY_URL)) as opened:
        yield opened


@pytest.fixture
def updates() -> Iterator[Updates]:
    """Quality has read everything, so that nothing is held back."""
    Bookmark.objects.create(name="quality", xid=2**62, entry=2**62)
    made = Updates()
    yield made
    made.close()


@pytest.fixture
def stream() -> Datastream:
    found = make_datastream(f"ws-{uuid.uuid4().hex[:8]}", "air_pressure", unit_ucum="hPa")
    TopicRule.objects.create(pattern="v1.1/Datastreams({datastream})/Observations", format="sensorthings")
    return found


def reader(broker: BrokerUrl) -> BrokerUrl:
    out = io.StringIO()
    call_command("broker_credential", "--reader", stdout=out)
    said = dict(line.split("=", 1) for line in out.getvalue().splitlines())
    assert said["MQTT_USERNAME"] == "pantau.reader"
    return BrokerUrl(broker.host, broker.port, "pantau.reader", said["MQTT_PASSWORD"], has_tls=False)


class Heard:
    """What a subscriber has got, by topic."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, Any]] = []
        self.is_subscribed = threading.Event()

    def on(self, topic: str) -> list[Any]:
        return [payload for heard, payload in self.messages if heard == topic]


@contextmanager
def listening(url: BrokerUrl, *topics: str) -> Iterator[Heard]:
    heard = Heard()
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    url.prepare(client)
    client.on_connect = lambda client, *_: client.subscribe([(topic, 1) for topic in topics])
    client.on_subscribe = lambda *_: heard.is_subscribed.set()
    client.on_message = lambda _c, _u, message: heard.messages.append((message.topic, json.loads(message.payload)))
    client.reconnect_delay_set(1, 1)
    client.connect(url.host, url.port)
    client.loop_start()
    try:
        wait_for(heard.is_subscribed.is_set, "the subscription")
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()


def tell(updates: Updates, now: datetime | None = None) -> int:
    return follow_once(updates.follower(), now or datetime.now(UTC))


def test_an_observation_published_to_its_datastream_is_stored_and_told_of_once_and_not_taken_again(
    broker: BrokerUrl, gateway: Publisher, updates: Updates, stream: Datastream
) -> None:
    url = reader(broker)
    worker = make_worker(broker, options_for(stream.thing.slug))
    topic = f"sta/v1.1/Datastreams({stream.pk})/Observations"
    with running(worker), listening(url, topic) as heard:
        gateway.publish(
            f"v1.1/Datastreams({stream.pk})/Observations", json.dumps({"phenomenonTime": NOON, "result": 1009.5})
        )
        wait_for(lambda: worker.total.received == 1, "the reading")
        assert tell(updates) == 1
        wait_for(lambda: heard.messages, "what was told")
        # Whatever the worker were to take of what was told would come before this one.
        gateway.publish(f"v1.1/Datastreams({stream.pk})/Observations", json.dumps({"phenomenonTime": ONE, "result": 1}))
        wait_for(lambda: worker.total.received == 2, "the second reading")
    assert (worker.total.stored, worker.total.repeated, RejectedMessage.objects.count()) == (2, 0, 0)
    (told,) = heard.on(topic)
    shown = got(Client(), f"Observations('{stream.pk}-{NOON_US}')")
    here, there = settings.LINK_URL, "http://testserver"
    assert json.loads(json.dumps(told).replace(here, there)) == shown
    assert shown["result"] == 1009.5


def test_a_correction_is_told_and_what_was_deleted_is_not(
    broker: BrokerUrl, updates: Updates, stream: Datastream
) -> None:
    at = datetime(2026, 3, 1, 5, tzinfo=UTC)
    store(stream, NOON, 1009.5)
    store(stream, ONE, 7.0)
    topic = f"sta/v1.1/Datastreams({stream.pk})/Observations"
    with listening(reader(broker), topic) as heard:
        correct_observation(datastream=stream, phenomenon_time=at, new_result=1008.5, reason="drift")
        correct_observation(
            datastream=stream, phenomenon_time=at + timedelta(hours=1), new_result=None, reason="spider"
        )
        assert tell(updates) == 4
        wait_for(lambda: len(heard.messages) == 3, "what was told")
    assert [told["result"] for told in heard.on(topic)] == [1009.5, 7.0, 1008.5]


def test_what_is_old_is_not_told_any_more(updates: Updates, stream: Datastream, broker: BrokerUrl) -> None:
    store(stream, NOON, 1009.5)
    JournalEntry.objects.update(written_at=datetime.now(UTC) - timedelta(minutes=61))
    store(stream, ONE, 7.0)
    topic = f"sta/v1.1/Datastreams({stream.pk})/Observations"
    with listening(reader(broker), topic) as heard:
        assert tell(updates) == 2
        wait_for(lambda: heard.messages, "what was told")
    assert [told["result"] for told in heard.on(topic)] == [7.0]


def test_a_changed_thing_is_told_of_on_its_own_topic_and_its_sets(
    broker: BrokerUrl, updates: Updates, stream: Datastream
) -> None:
    tell(updates)  # from its bookmark on, changes are marked
    thing = stream.thing
    change_thing(thing, {"name": "Renamed"})
    change_thing(thing, {"description": "Twice"})
    where = ThingLocation.objects.create(thing=thing, location=Point(106.8, -6.5), valid_from=datetime.now(UTC))
    gone = make_datastream("gone", "air_pressure")
    gone.delete()
    with listening(reader(broker), "sta/v1.1/#") as heard:
        tell(updates)
        wait_for(lambda: heard.on("sta/v1.1/HistoricalLocations"), "what was told")
        assert not EntityChange.objects.exists()
    (told,) = heard.on(f"sta/v1.1/Things({thing.pk})")
    assert (told["name"], told["description"], told["@iot.id"]) == ("Renamed", "Twice", thing.pk)
    assert heard.on(f"sta/v1.1/Locations({where.pk})")[0]["location"] == {"type": "Point", "coordinates": [106.8, -6.5]}
    assert [each["@iot.id"] for each in heard.on("sta/v1.1/Locations")] == [where.pk]
    assert heard.on(f"sta/v1.1/Datastreams({gone.pk})") == []


def test_nothing_is_marked_while_nobody_follows(stream: Datastream) -> None:
    change_thing(stream.thing, {"name": "Renamed"})
    assert not EntityChange.objects.exists()


def test_a_broker_that_is_away_holds_the_bookmark_and_the_marks(
    updates: Updates, stream: Datastream, settings: Any, broker: BrokerUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sensors.sensorthings.mqtt.follower.PATIENCE_S", 0.2)
    tell(updates)
    store(stream, NOON, 1009.5)
    before = Bookmark.objects.get(name="sensorthings").position
    url, settings.MQTT_GATEWAY_URL = settings.MQTT_GATEWAY_URL, "mqtt://pantau.gateway:wrong@127.0.0.1:1"
    with pytest.raises(NotPublished):
        tell(updates)
    change_thing(stream.thing, {"name": "Renamed"})
    assert Bookmark.objects.get(name="sensorthings").position == before
    settings.MQTT_GATEWAY_URL = url
    monkeypatch.undo()
    with listening(reader(broker), "sta/v1.1/#") as heard:
        assert tell(updates) == 1
        wait_for(lambda: heard.on(f"sta/v1.1/Things({stream.thing_id})"), "what was told")
    assert [told["result"] for told in heard.on(f"sta/v1.1/Datastreams({stream.pk})/Observations")] == [1009.5]


def test_the_reader_reads_what_is_told_alone_and_writes_nothing(
    broker: BrokerUrl, gateway: Publisher, updates: Updates, stream: Datastream
) -> None:
    url = reader(broker)
    for topic in ("sensors/pantau.reader/air_pressure", "sta/v1.1/Things(1)", "v1.1/Datastreams(1)/Observations"):
        with pytest.raises(NotPublished, match="refused 1 of 1"), Publisher(url) as publisher:
            publisher.publish(topic, "{}")
    store(stream, NOON, 1009.5)
    with listening(url, "#") as heard:
        gateway.publish(f"sensors/{stream.thing.slug}/air_pressure", '{"result": 1}')
        gateway.finish()
        tell(updates)
        wait_for(lambda: heard.messages, "what was told")
    assert {topic for topic, _payload in heard.messages} == {f"sta/v1.1/Datastreams({stream.pk})/Observations"}


def test_who_is_not_the_reader_hears_nothing_of_what_is_told(
    broker: BrokerUrl, updates: Updates, stream: Datastream
) -> None:
    store(stream, NOON, 1009.5)
    topic = f"sta/v1.1/Datastreams({stream.pk})/Observations"
    folder = Path(settings.BROKER_DIR)
    broker_credentials.set_devices(folder, {"ws-7": "a-password-of-its-own"})
    broker_credentials.reload(folder)
    device = BrokerUrl(broker.host, broker.port, "ws-7", "a-password-of-its-own", has_tls=False)
    wait_for(lambda: can_connect(device), "the device's password")
    with listening(device, topic) as heard, listening(reader(broker), topic) as other:
        tell(updates)
        wait_for(lambda: other.messages, "what the reader was told")
    assert heard.messages == []


def test_a_new_password_of_the_reader_ends_the_old_one(broker: BrokerUrl) -> None:
    old = reader(broker)
    new = reader(broker)
    wait_for(lambda: can_connect(new) and not can_connect(old), "the new password")


def test_it_is_off_unless_asked_for(settings: Any) -> None:
    assert followers() == ()
    settings.STA_MQTT = True
    assert [each.name for each in followers()] == ["sensorthings"]


def can_connect(url: BrokerUrl) -> bool:
    try:
        with Publisher(url, patience_s=5):
            return True
    except NotPublished:
        return False


def store(stream: Datastream, at: str, result: float) -> None:
    columns = columns_of((stream, at, result))
    ensure_partitions(columns.months())
    write_observations(columns)
    assert Observation.objects.filter(datastream=stream).exists()
