"""A device that sends more than its limit: slowed and named, while another's readings are all stored."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from sensors.ingest.batch import Message
from sensors.ingest.broker_url import BrokerUrl
from sensors.ingest.floods.models import DeviceLimit
from sensors.ingest.floods.noting import end_floods, lift_limit
from sensors.ingest.floods.store import LimitedStore
from sensors.ingest.models import IngestStatus, RejectedMessage
from sensors.ingest.publisher import NotPublished, Publisher
from sensors.ingest.reasons import Reason
from sensors.ingest.replay import open_rejects, replay_rejects
from sensors.ingest.store import Outcome, again, open_status
from sensors.observations.columns import microseconds
from sensors.observations.models import Observation
from server.core import broker_credentials
from tests.ingest.conftest import make_worker, options_for, running
from tests.sensor_factories import make_datastream
from tests.waiting import wait_for

SLOT = 77
PASSWORDS = {"flood-1": "kata-sandi-satu", "flood-2": "kata-sandi-dua"}


@pytest.fixture(autouse=True)
def _limits(settings: Any) -> None:
    # So slow that no reading comes back while a test runs.
    settings.DEVICE_RATE, settings.DEVICE_BURST, settings.FLOOD_BLOCK = 0.001, 500, 0


def devices() -> None:
    for slug in PASSWORDS:
        make_datastream(slug)


def live(second: int) -> str:
    """A reading of the last minutes: no backlog."""
    # To the microsecond: by whole seconds two would be of one time when the clock moves on in between.
    at = datetime.now(UTC) - timedelta(seconds=second)
    return json.dumps({"result": 1, "phenomenon_time": at.isoformat()})


def delivered(thing: str, payloads: list[str], store: LimitedStore) -> list[Any]:
    """As the connection hands messages over: decoded."""
    return [replace(each, decoded=store.registry.decode(each.topic, each.payload)) for each in waiting(thing, payloads)]


def waiting(thing: str, payloads: list[str]) -> list[Message]:
    """As it hands them over where much waits already: as they came."""
    received_us = microseconds(datetime.now(UTC))
    return [Message(f"sensors/{thing}/pm25", each.encode(), received_us) for each in payloads]


@pytest.fixture
def store() -> LimitedStore:
    open_status(SLOT)
    made = LimitedStore(SLOT)
    made.refresh()
    return made


@pytest.fixture
def broker_folder(settings: Any) -> Path:
    if not settings.BROKER_DIR:
        pytest.skip("the broker's credentials are kept elsewhere")
    folder = Path(settings.BROKER_DIR)
    broker_credentials.set_devices(folder, PASSWORDS)
    broker_credentials.reload(folder)
    return folder


@pytest.fixture
def publishers(broker: BrokerUrl, broker_folder: Path) -> Iterator[dict[str, Publisher]]:
    """The flooding device and the other, each by its own credential."""

    def url(slug: str) -> BrokerUrl:
        return BrokerUrl(broker.host, broker.port, slug, PASSWORDS[slug], has_tls=False)

    wait_for(lambda: can_connect(url("flood-2")), "the new credentials")
    with Publisher(url("flood-2")) as other:
        flooding = Publisher(url("flood-1"))
        flooding.__enter__()
        try:
            yield {"flood-1": flooding, "flood-2": other}
        finally:
            flooding.close()


def can_connect(url: BrokerUrl) -> bool:
    try:
        with Publisher(url, patience_s=20):
            return True
    except NotPublished:
        return False


@pytest.mark.django_db(transaction=True)
def test_a_flooding_device_is_slowed_and_named_and_the_other_s_readings_are_all_stored(
    broker: BrokerUrl, publishers: dict[str, Publisher], caplog: pytest.LogCaptureFixture
) -> None:
    devices()
    open_status(SLOT)
    worker = make_worker(broker, options_for("+"), LimitedStore(SLOT))
    with caplog.at_level(logging.WARNING), running(worker):
        for second in range(3_000):
            publishers["flood-1"].publish("sensors/flood-1/pm25", live(second))
            if second % 100 == 0:
                publishers["flood-2"].publish("sensors/flood-2/pm25", live(second))
        for publisher in publishers.values():
            publisher.finish()
        wait_for(lambda: worker.total.received == 3_030, "the readings")
    stored = {slug: Observation.objects.filter(datastream__thing__slug=slug).count() for slug in PASSWORDS}
    assert stored["flood-2"] == 30
    assert stored["flood-1"] == 500
    limit = DeviceLimit.objects.get()
    assert (limit.thing, limit.refused) == ("flood-1", 2_500)
    assert limit.flooding_since is not None
    assert [line for line in caplog.messages if "floods" in line] == [
        "device flood-1 floods: it sends more than 0.001 readings a second; what is beyond is refused"
    ]
    # Every reading is accounted for, the refused ones too.
    status = IngestStatus.objects.get(slot=SLOT)
    assert (status.received, status.stored, status.quarantined) == (3_030, 530, 2_500)
    # At most two minutes have begun since: the quarantine is not flooded.
    assert 100 <= RejectedMessage.objects.filter(reason="flooding", thing="flood-1").count() <= 400


@pytest.mark.django_db(transaction=True)
def test_where_it_is_asked_for_a_flooding_device_is_kept_out_of_the_broker_and_let_in_again(
    broker: BrokerUrl, publishers: dict[str, Publisher], broker_folder: Path, settings: Any
) -> None:
    settings.FLOOD_BLOCK = 15
    devices()
    open_status(SLOT)
    url = BrokerUrl(broker.host, broker.port, "flood-1", PASSWORDS["flood-1"], has_tls=False)
    worker = make_worker(broker, options_for("+"), LimitedStore(SLOT))
    with running(worker):
        for second in range(600):
            publishers["flood-1"].publish("sensors/flood-1/pm25", live(second))
        wait_for(lambda: DeviceLimit.objects.exclude(blocked_until=None).exists(), "the block")
        wait_for(lambda: not can_connect(url), "the broker's refusal")
        publishers["flood-2"].publish("sensors/flood-2/pm25", live(0))
        publishers["flood-2"].finish()
    blocked_until = DeviceLimit.objects.get().blocked_until
    assert blocked_until is not None
    end_floods(blocked_until - timedelta(seconds=1))
    assert not can_connect(url)
    end_floods(blocked_until)
    wait_for(lambda: can_connect(url), "the door open again")
    assert DeviceLimit.objects.get().blocked_until is None


@pytest.mark.django_db
def test_of_a_flood_a_hundred_readings_a_minute_are_kept_and_the_others_counted(store: LimitedStore) -> None:
    devices()
    outcome = store.store(delivered("flood-1", [live(second) for second in range(1_500)], store))
    assert outcome == Outcome(stored=500, quarantined=1_000)
    assert RejectedMessage.objects.filter(reason="flooding").count() == 100
    assert DeviceLimit.objects.get().refused == 1_000


@pytest.mark.django_db
def test_what_waits_is_not_even_read_while_its_device_is_in_debt(store: LimitedStore, settings: Any) -> None:
    devices()
    large = [f"[{', '.join(live(second) for second in range(start, start + 300))}]" for start in range(0, 3_000, 300)]
    # Two on credit; of the third a hundred readings are kept.
    assert store.store(waiting("flood-1", large[:3])) == Outcome(stored=600, quarantined=300)
    messages = waiting("flood-1", large[3:]) + waiting("flood-2", [live(0)])
    assert store.store(messages) == Outcome(stored=1, quarantined=7)
    assert [message.decoded is None for message in messages] == [True] * 7 + [False]
    assert RejectedMessage.objects.filter(reason="flooding").count() == 100
    assert DeviceLimit.objects.get().refused == 300 + 7
    status = IngestStatus.objects.get(slot=SLOT)
    assert (status.received, status.stored, status.quarantined) == (908, 601, 307)


@pytest.mark.django_db
def test_what_waits_is_read_where_a_limit_was_lifted_or_it_comes_again(store: LimitedStore) -> None:
    devices()
    store.store(delivered("flood-1", [live(second) for second in range(700)], store))
    messages = waiting("flood-1", [live(second) for second in range(1_000, 1_003)])
    assert store.store(again(messages)) == Outcome(stored=3)
    lift_limit("flood-1", until=datetime.now(UTC) + timedelta(hours=1))
    assert store.store(waiting("flood-1", [live(2_000)])) == Outcome(stored=1)


@pytest.mark.django_db
def test_what_was_kept_of_a_flood_can_be_fed_again(store: LimitedStore) -> None:
    devices()
    store.store(delivered("flood-1", [live(second) for second in range(520)], store))
    fed = replay_rejects(open_rejects(reasons=[Reason.FLOODING]))
    assert fed == Outcome(stored=20)
    assert Observation.objects.count() == 520


@pytest.mark.django_db
def test_a_flood_of_what_cannot_be_read_does_not_fill_the_quarantine(store: LimitedStore) -> None:
    devices()
    outcome = store.store(delivered("flood-1", ["{{{"] * 900, store))
    assert outcome == Outcome(quarantined=900)
    # 500 within the limit, and the first hundred beyond it.
    assert RejectedMessage.objects.count() == 600


@pytest.mark.django_db
def test_what_is_tried_again_after_an_error_is_neither_refused_nor_paid_for_twice(store: LimitedStore) -> None:
    devices()
    messages = delivered("flood-1", [live(second) for second in range(600)], store)
    assert store.store(messages[:400]) == Outcome(stored=400)
    assert store.store(again(messages[:400])) == Outcome(repeated=400)
    assert store.store(messages[400:]) == Outcome(stored=100, quarantined=100)


@pytest.mark.django_db
def test_a_thing_whose_limit_is_lifted_sends_as_much_as_it_likes_until_then(store: LimitedStore) -> None:
    devices()
    lift_limit("flood-1", datetime.now(UTC) + timedelta(hours=1))
    assert store.store(delivered("flood-1", [live(second) for second in range(900)], store)) == Outcome(stored=900)
    DeviceLimit.objects.update(unlimited_until=datetime.now(UTC) - timedelta(seconds=1))
    late = store.store(delivered("flood-1", [live(second) for second in range(1_000, 1_600)], store))
    assert late == Outcome(stored=500, quarantined=100)


@pytest.mark.django_db
def test_a_thing_s_own_rate_holds_for_it_alone(settings: Any) -> None:
    settings.DEVICE_RATE = 1
    devices()
    store = LimitedStore()
    # Its burst is that of five hundred seconds, as for all.
    DeviceLimit.objects.create(thing="flood-1", rate=2)
    store.refresh()
    readings = [live(second) for second in range(1_100)]
    assert store.store(delivered("flood-1", readings, store)) == Outcome(stored=1_000, quarantined=100)
    assert store.store(delivered("flood-2", readings, store)) == Outcome(stored=500, quarantined=600)


@pytest.mark.django_db
def test_a_flood_ends_a_minute_after_the_last_refusal_and_the_next_is_another_one(
    store: LimitedStore, caplog: pytest.LogCaptureFixture
) -> None:
    devices()
    store.store(delivered("flood-1", [live(second) for second in range(600)], store))
    first = DeviceLimit.objects.get()
    assert first.flooded_at is not None
    end_floods(first.flooded_at + timedelta(seconds=60))
    assert DeviceLimit.objects.flooding().exists()
    with caplog.at_level(logging.WARNING):
        end_floods(first.flooded_at + timedelta(seconds=61))
    assert not DeviceLimit.objects.flooding().exists()
    assert "device flood-1 floods no more: 100 readings were refused" in caplog.text
    store.store(delivered("flood-1", [live(second) for second in range(1_000, 1_007)], store))
    assert DeviceLimit.objects.get().refused == 7


@pytest.mark.django_db(transaction=True)
def test_old_readings_that_are_replayed_from_a_file_are_no_flood(
    broker: BrokerUrl, broker_folder: Path, tmp_path: Path, settings: Any
) -> None:
    settings.DEVICE_BURST = 10
    devices()
    start = datetime(2026, 3, 1, tzinfo=UTC)
    rows = [f"flood-1,{(start + timedelta(minutes=minute)).isoformat()},7" for minute in range(2_000)]
    path = tmp_path / "old.csv"
    path.write_text("post,at,value\n" + "\n".join(rows) + "\n")
    open_status(SLOT)
    worker = make_worker(broker, options_for("flood-1"), LimitedStore(SLOT))
    with running(worker):
        call_command("replay_observations", str(path), "--map", "thing=post,time=at,result=value", "--property", "pm25")
        wait_for(lambda: worker.total.received == 2_000, "the readings")
    assert worker.total == Outcome(stored=2_000)
