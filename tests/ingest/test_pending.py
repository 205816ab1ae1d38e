"""Unknown devices: noted beside the quarantine, approved with all that they have sent, or left alone."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg2
import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from sensors.ingest.batch import Message
from sensors.ingest.broker_url import BrokerUrl
from sensors.ingest.models import RejectedMessage, TopicRule
from sensors.ingest.pending import noting
from sensors.ingest.pending.approving import Approval, Approved, Meaning, approve_thing, reject_thing, reopen_thing
from sensors.ingest.pending.models import PendingThing
from sensors.ingest.publisher import Publisher
from sensors.ingest.reasons import Reason
from sensors.ingest.replay import open_rejects, replay_rejects
from sensors.ingest.store import Store
from sensors.observations.columns import microseconds
from sensors.observations.models import Observation
from sensors.registry.models import Datastream, Thing, ThingLocation
from sensors.registry.services import RegistryConflict
from server.core.errors import InvalidFields, NotFound
from tests.ingest.conftest import make_worker, options_for, running
from tests.sensor_factories import NOON, make_datastream, make_property, message
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db

AT = "2026-03-01T05:00:00Z"


@pytest.fixture(autouse=True)
def _noting(settings: Any) -> None:
    settings.AUTO_PROVISION = "pending"
    settings.BROKER_DIR = ""


def store(*messages: Message) -> Store:
    made = Store()
    made.refresh()
    made.store(list(messages))
    return made


def at(hours: int) -> int:
    return microseconds(NOON + timedelta(hours=hours))


def pending() -> list[str]:
    return list(PendingThing.objects.values_list("slug", flat=True))


def stored() -> list[tuple[str, float]]:
    rows = Observation.objects.order_by("datastream_id", "phenomenon_time")
    return [(f"{row.datastream.thing.slug}/{row.datastream.observed_property.code}", row.result) for row in rows]


def approve(slug: str, approval: Approval | None = None) -> Approved:
    return approve_thing(slug, approval or Approval(), now=NOON)


@contextmanager
def another_session() -> Iterator[Any]:
    database: dict[str, Any] = connection.settings_dict
    names = {"HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password", "NAME": "dbname"}
    other = psycopg2.connect(**{ours: database[theirs] for theirs, ours in names.items()})
    try:
        yield other.cursor()
    finally:
        other.close()


# Noted


def test_unknown_device_is_noted_with_what_it_sends() -> None:
    payload = json.dumps({"phenomenon_time": AT, "results": {"rain": 0.4, "battery": 3.3}})
    store(message("sensors/pos-9", payload), message("sensors/pos-9/level", '{"result": 3.12, "unit": "m"}'))
    noted = PendingThing.objects.get()
    assert (noted.slug, noted.state, noted.messages, noted.topic) == ("pos-9", "pending", 2, "sensors/pos-9/level")
    assert noted.first_seen == noted.last_seen == NOON
    assert noted.seen == {
        "rain": {"result": 0.4, "unit": "", "time": "2026-03-01T05:00:00+00:00"},
        "battery": {"result": 3.3, "unit": "", "time": "2026-03-01T05:00:00+00:00"},
        "level": {"result": 3.12, "unit": "m", "time": "2026-03-01T05:00:00+00:00"},
    }
    assert RejectedMessage.objects.filter(reason=Reason.UNKNOWN_THING, thing="pos-9").count() == 3


def test_device_seen_again_is_counted_on_with_its_last_values() -> None:
    made = store(message("sensors/pos-9/rain", "1"))
    made.store([message("sensors/pos-9/rain", "2", received_us=at(1)), message("sensors/pos-9/wind", "7")])
    noted = PendingThing.objects.get()
    assert (noted.messages, noted.first_seen, noted.last_seen) == (3, NOON, NOON + timedelta(hours=1))
    assert {name: last["result"] for name, last in noted.seen.items()} == {"rain": 2.0, "wind": 7.0}


def test_nothing_is_noted_unless_the_setting_says_so(settings: Any) -> None:
    settings.AUTO_PROVISION = "off"
    store(message("sensors/pos-9/rain", "1"))
    assert (pending(), RejectedMessage.objects.count()) == ([], 1)


def test_known_thing_that_measures_something_else_is_not_pending() -> None:
    make_datastream("pos-1", "rain")
    store(message("sensors/pos-1/wind", "1"), message("sensors/pos-1/rain", "no number"))
    assert (pending(), RejectedMessage.objects.count()) == ([], 2)


@pytest.mark.parametrize("name", ["Pos_9", "-", "a--b", "x" * 65, "pos\0"])
def test_name_that_could_be_no_slug_is_quarantined_and_not_noted(name: str) -> None:
    store(message(f"sensors/{name}/rain", "1"))
    assert (pending(), RejectedMessage.objects.count()) == ([], 1)


def test_names_that_no_database_can_keep_and_names_without_end_harm_nothing() -> None:
    results = {"a\0b": 1, "x" * 65: 2, **{f"n{number}": number for number in range(60)}}
    store(message("sensors/pos-9", json.dumps({"results": results})))
    (noted,) = PendingThing.objects.all()
    assert len(noted.seen) == noting.MOST_NAMES
    assert "a\ufffdb" in noted.seen
    store(message("sensors/pos-9/another", "1"))
    noted.refresh_from_db()
    assert (len(noted.seen), noted.messages) == (50, 2)


def test_batch_without_an_unknown_thing_asks_the_database_nothing_more(settings: Any) -> None:
    make_datastream("pos-1", "rain")
    made = store(message("sensors/pos-1/rain", "1"))

    def queries() -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as found:
            made.store([message("sensors/pos-1/rain", "x"), message("sensors/pos-1/rain", "2")])
        return [query["sql"] for query in found.captured_queries]

    with_noting = queries()
    settings.AUTO_PROVISION = "off"
    assert len(queries()) == len(with_noting)
    assert not any("pendingthing" in query for query in with_noting)


def test_batch_with_a_hundred_unknown_devices_is_noted_by_one_statement() -> None:
    made = store(message("sensors/pos-0/rain", "1"))
    batch = [message(f"sensors/pos-{number}/rain", "1") for number in range(100) for _again in range(3)]
    with CaptureQueriesContext(connection) as found:
        made.store(batch)
    assert sum("INSERT INTO sensors_pendingthing" in query["sql"] for query in found.captured_queries) == 1
    assert PendingThing.objects.count() == 100


def test_no_more_new_devices_in_an_hour_than_the_setting_says(settings: Any) -> None:
    settings.PENDING_PER_HOUR = 3
    made = store(*(message(f"sensors/pos-{number}/rain", "1") for number in range(5)))
    assert pending() == ["pos-0", "pos-1", "pos-2"]
    made.store([message("sensors/pos-4/rain", "1"), message("sensors/pos-1/rain", "1")])
    assert pending() == ["pos-0", "pos-1", "pos-2"]
    assert PendingThing.objects.get(slug="pos-1").messages == 2
    made.store([message("sensors/pos-4/rain", "1", received_us=at(2))])
    assert pending() == ["pos-0", "pos-1", "pos-2", "pos-4"]
    assert RejectedMessage.objects.count() == 8


def test_no_more_devices_in_all_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noting, "MOST_PENDING", 2)
    made = store(*(message(f"sensors/pos-{number}/rain", "1") for number in range(3)))
    made.store([message("sensors/pos-9/rain", "1", received_us=at(48))])
    assert pending() == ["pos-0", "pos-1"]
    # One that somebody has registered by hand takes no room any more.
    Thing.objects.create(slug="pos-0", name="Pos 0")
    made.store([message("sensors/pos-9/rain", "1", received_us=at(49))])
    assert pending() == ["pos-0", "pos-1", "pos-9"]


def test_readings_fed_again_out_of_quarantine_are_noted_no_second_time() -> None:
    store(message("sensors/pos-9/rain", "1"))
    replay_rejects(open_rejects())
    assert PendingThing.objects.get().messages == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_note_no_more_than_there_is_room_for(settings: Any) -> None:
    settings.PENDING_PER_HOUR = 1
    with another_session() as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtext('sensors.pending'))")
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        try:
            with pytest.raises(OperationalError, match="lock timeout"):
                store(message("sensors/pos-9/rain", "1"))
            assert not RejectedMessage.objects.exists()
            # A device that is there already waits for nobody.
            PendingThing.objects.create(slug="pos-1", first_seen=NOON, last_seen=NOON, topic="sensors/pos-1/rain")
            store(message("sensors/pos-1/rain", "1"))
        finally:
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")
    assert PendingThing.objects.get(slug="pos-1").messages == 1


# Approved


def test_approved_device_is_a_thing_and_what_it_sent_is_stored() -> None:
    make_datastream("pos-1", "rain", unit_ucum="mm", unit_name="millimetre")
    store(
        message("sensors/pos-9/rain", json.dumps({"result": 0.4, "phenomenon_time": AT})),
        message("sensors/pos-9/rain", json.dumps({"result": 0.6, "phenomenon_time": "2026-03-01T05:10:00Z"})),
    )
    approved = approve("pos-9", Approval(name="Pos 9", lon_lat=(106.9, -6.3)))
    assert (approved.datastreams, approved.left, approved.waiting) == ({"rain": "rain"}, {}, 0)
    assert (approved.outcome.stored, approved.outcome.quarantined) == (2, 0)
    assert stored() == [("pos-9/rain", 0.4), ("pos-9/rain", 0.6)]
    stream = Datastream.objects.get(thing__slug="pos-9")
    assert (stream.thing.name, stream.unit_ucum, stream.unit_name) == ("Pos 9", "mm", "millimetre")
    assert ThingLocation.objects.get(thing__slug="pos-9").location.coords == (106.9, -6.3)
    assert (pending(), open_rejects().count()) == ([], 0)


def test_values_without_a_unit_or_a_property_are_listed_and_left_in_quarantine() -> None:
    make_property("wind")
    store(message("sensors/pos-9", json.dumps({"results": {"rain": 1, "wind": 2}})))
    approved = approve("pos-9")
    assert approved.datastreams == {}
    assert approved.left == {
        "rain": "there is no observed property 'rain'",
        "wind": "neither the device nor another datastream says in which unit it is",
    }
    assert Thing.objects.get().name == "pos-9"
    assert [row.reason for row in open_rejects()] == [Reason.UNKNOWN_DATASTREAM] * 2


def test_unit_that_the_device_names_is_taken_where_none_is_in_use() -> None:
    make_property("river_level")
    store(message("sensors/pos-9/river_level", '{"result": 3.12, "unit": "m"}'))
    assert approve("pos-9").outcome.stored == 1
    assert (Datastream.objects.get().unit_ucum, stored()) == ("m", [("pos-9/river_level", 3.12)])


def test_value_comes_in_the_unit_in_use_here_if_it_can_be_converted() -> None:
    make_datastream("pos-1", "river_level", unit_ucum="cm")
    store(message("sensors/pos-9/river_level", '{"result": 3.125, "unit": "m"}'))
    approve("pos-9")
    assert stored() == [("pos-9/river_level", 312.5)]


def test_unit_of_another_kind_than_in_use_is_the_devices_own() -> None:
    make_datastream("pos-1", "river_level", unit_ucum="cm")
    store(message("sensors/pos-9/river_level", '{"result": 3.125, "unit": "Cel"}'))
    approve("pos-9")
    assert Datastream.objects.get(thing__slug="pos-9").unit_ucum == "Cel"


def test_names_of_the_device_are_given_their_meaning_and_go_on_having_it() -> None:
    make_property("air_temperature")
    made = store(message("sensors/pos-9", json.dumps({"phenomenon_time": AT, "results": {"temp": 31, "batt": 3.3}})))
    meanings = {"temp": Meaning("air_temperature", "Cel"), "batt": None}
    approved = approve("pos-9", Approval(meanings=meanings))
    assert (approved.datastreams, approved.left) == ({"temp": "air_temperature"}, {"batt": "left out"})
    assert approved.outcome.stored == 1
    made.store([message("sensors/pos-9/temp", json.dumps({"result": 32, "phenomenon_time": "2026-03-01T05:10:00Z"}))])
    assert stored() == [("pos-9/air_temperature", 31.0), ("pos-9/air_temperature", 32.0)]


def test_name_that_is_a_property_of_the_thing_means_that_one() -> None:
    make_datastream("pos-1", "rain", unit_ucum="mm")
    make_datastream("pos-1", "rain_hour", unit_ucum="mm", sent_as="rain")
    store(message("sensors/pos-1/rain", "5"))
    assert stored() == [("pos-1/rain", 5.0)]


def test_two_names_of_one_property_are_one_datastream_and_one_is_left() -> None:
    make_datastream("pos-1", "rain", unit_ucum="mm")
    store(message("sensors/pos-9", json.dumps({"results": {"rain": 1, "rain2": 2}})))
    approved = approve("pos-9", Approval(meanings={"rain2": Meaning("rain")}))
    assert (approved.datastreams, approved.left) == (
        {"rain": "rain"},
        {"rain2": "another of its names is 'rain' already"},
    )


@pytest.mark.parametrize("meanings", [{"wind": Meaning()}, {"rain": Meaning("nothing")}])
def test_meaning_that_cannot_be_is_refused_and_the_device_stays_pending(meanings: dict[str, Meaning | None]) -> None:
    make_datastream("pos-1", "rain")
    store(message("sensors/pos-9/rain", "1"))
    with pytest.raises(InvalidFields) as refused:
        approve("pos-9", Approval(meanings=meanings))
    assert list(refused.value.fields) == list(meanings)
    assert (pending(), Thing.objects.filter(slug="pos-9").exists()) == (["pos-9"], False)


def test_device_of_a_topic_rule_is_approved_by_the_slug_that_the_rule_makes() -> None:
    make_datastream("pos-1", "rain", unit_ucum="mm")
    rule = TopicRule(pattern="v3/{application}/devices/{device}/up", format="the-things-stack", thing="ttn-{device}")
    rule.save()
    ids = {"device_id": "A1"}
    uplink = {"end_device_ids": ids, "uplink_message": {"decoded_payload": {"rain": 0.4}, "received_at": AT}}
    made = store(message("v3/bekasi/devices/A1/up", json.dumps(uplink)))
    made.store([message("v3/bekasi/devices/A1/up", "{broken"), message("v3/bekasi/devices/A2/up", json.dumps(uplink))])
    assert pending() == ["ttn-a1"]
    assert sorted(open_rejects(thing="ttn-a1").values_list("reason", flat=True)) == ["bad_json", "unknown_thing"]
    assert approve("ttn-a1").outcome.stored == 1
    assert stored() == [("ttn-a1/rain", 0.4)]


def test_device_that_only_the_payload_names_is_found_as_well() -> None:
    make_datastream("pos-1", "rain", unit_ucum="mm")
    TopicRule.objects.create(pattern="lora/{gateway}", format="senml", thing="lora-{device}")
    pack = [{"bn": "urn:dev:mac:0024beff/", "n": "rain", "v": 2, "t": 1772341200}]
    store(message("lora/roof", json.dumps(pack)))
    assert pending() == ["lora-0024beff"]
    assert approve("lora-0024beff").outcome.stored == 1


def test_rejects_from_before_slugs_were_kept_are_found_by_their_topic() -> None:
    RejectedMessage.objects.create(
        topic="v3/bekasi/devices/pos-9/up", payload=b"{}", reason="bad_payload", received_at=NOON
    )
    assert open_rejects(thing="pos-9").count() == 1
    assert open_rejects(thing="pos").count() == 0


def test_thing_registered_meanwhile_is_not_listed_and_approving_it_keeps_its_name() -> None:
    make_property("rain")
    store(message("sensors/pos-9/rain", '{"result": 1, "unit": "mm"}'))
    Thing.objects.create(slug="pos-9", name="Pos Sembilan")
    assert not PendingThing.objects.unregistered().exists()
    assert approve("pos-9").outcome.stored == 1
    assert Thing.objects.get(slug="pos-9").name == "Pos Sembilan"


def test_thing_registered_meanwhile_in_another_unit_is_a_conflict() -> None:
    make_property("river_level")
    store(message("sensors/pos-9/river_level", '{"result": 1, "unit": "m"}'))
    make_datastream("pos-9", "river_level", unit_ucum="cm")
    with pytest.raises(RegistryConflict):
        approve("pos-9", Approval(meanings={"river_level": Meaning(unit_ucum="m")}))
    assert pending() == ["pos-9"]


def test_no_more_is_fed_again_at_once_than_an_answer_can_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensors.ingest.pending.approving.MOST_REPLAYED", 2)
    make_datastream("pos-1", "rain", unit_ucum="mm")
    times = [f"2026-03-01T05:{minute:02}:00Z" for minute in range(5)]
    store(*(message("sensors/pos-9/rain", json.dumps({"result": 1, "phenomenon_time": time})) for time in times))
    approved = approve("pos-9")
    assert (approved.outcome.stored, approved.waiting) == (2, 3)
    assert replay_rejects(open_rejects(thing="pos-9")).stored == 3


def test_device_that_nobody_has_seen_cannot_be_approved_or_rejected() -> None:
    for act in (approve, reject_thing, reopen_thing):
        with pytest.raises(NotFound, match="pos-9"):
            act("pos-9")


# Rejected


def test_rejected_device_is_not_pending_again_until_it_is_reopened() -> None:
    made = store(message("sensors/pos-9/rain", "1"))
    reject_thing("pos-9")
    made.store([message("sensors/pos-9/rain", "2")])
    noted = PendingThing.objects.get()
    assert (noted.state, noted.messages, RejectedMessage.objects.count()) == ("rejected", 1, 2)
    reopen_thing("pos-9")
    made.store([message("sensors/pos-9/rain", "3")])
    noted.refresh_from_db()
    assert (noted.state, noted.messages) == ("pending", 2)


# Through the broker


@pytest.mark.django_db(transaction=True)
def test_unknown_device_at_the_broker_is_noted_approved_and_then_followed(
    broker: BrokerUrl, publisher: Publisher
) -> None:
    slug = f"pos-{uuid.uuid4().hex[:8]}"
    make_datastream("pos-1", "rain", unit_ucum="mm")
    worker = make_worker(broker, options_for(slug))
    with running(worker):
        publisher.publish(f"sensors/{slug}/rain", json.dumps({"result": 0.4, "phenomenon_time": AT}))
        wait_for(lambda: worker.total.quarantined == 1, "the quarantine")
        assert pending() == [slug]
        assert approve(slug).outcome.stored == 1
        publisher.publish(
            f"sensors/{slug}/rain", json.dumps({"result": 0.6, "phenomenon_time": "2026-03-01T05:10:00Z"})
        )
        publisher.finish()
        wait_for(lambda: worker.total.stored == 1, "the reading of the approved device")
    assert stored() == [(f"{slug}/rain", 0.4), (f"{slug}/rain", 0.6)]
