"""Topic rules at work: from the broker by a rule's format into the table, and out of the quarantine once a rule is mended."""

import json
import uuid
from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError

from sensors.ingest.broker_url import BrokerUrl
from sensors.ingest.models import RejectedMessage, TopicRule
from sensors.ingest.publisher import Publisher
from sensors.ingest.reasons import Reason
from sensors.ingest.replay import open_rejects, replay_rejects
from sensors.ingest.store import Store
from sensors.ingest.topic_rules import provision_topic_rules
from sensors.ingest.worker import Worker
from sensors.observations.models import Observation
from tests.ingest.conftest import make_worker, options_for, running
from tests.sensor_factories import make_datastream, message
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

AT = "2026-03-01T05:00:00Z"


@pytest.fixture
def root() -> str:
    """The first level of a test's own topics: the broker is shared."""
    return f"v3-{uuid.uuid4().hex[:8]}"


def rule(pattern: str, format: str, **more: object) -> TopicRule:
    made = TopicRule(pattern=pattern, format=format, **more)
    made.full_clean()
    made.save()
    return made


def uplink(device: str, values: dict[str, object]) -> str:
    ids = {"device_id": device}
    return json.dumps({"end_device_ids": ids, "uplink_message": {"decoded_payload": values, "received_at": AT}})


def stored() -> list[tuple[str, float]]:
    rows = Observation.objects.order_by("datastream_id", "phenomenon_time")
    return [(f"{row.datastream.thing.slug}/{row.datastream.observed_property.code}", row.result) for row in rows]


def store() -> Store:
    made = Store()
    made.refresh()
    return made


def test_message_of_a_rule_s_topic_is_read_by_its_format_and_stored(
    broker: BrokerUrl, publisher: Publisher, root: str
) -> None:
    make_datastream("rain-03", "rain", unit_ucum="mm")
    make_datastream("rain-03", "air_temperature", unit_ucum="Cel")
    rule(f"{root}/{{application}}/devices/{{device}}/up", "the-things-stack", meanings={"temp": "air_temperature"})
    worker = make_worker(broker, options_for("rain-03"))
    with running(worker):
        publisher.publish(f"{root}/bekasi@ttn/devices/rain-03/up", uplink("rain-03", {"rain": 0.4, "temp": 31}))
        publisher.finish()
        wait_for(lambda: worker.total.received == 2, "the readings")
    assert stored() == [("rain-03/rain", 0.4), ("rain-03/air_temperature", 31.0)]
    assert {row.phenomenon_time for row in Observation.objects.all()} == {datetime(2026, 3, 1, 5, tzinfo=UTC)}


def test_rule_that_is_made_while_the_worker_runs_is_followed(
    broker: BrokerUrl, publisher: Publisher, root: str
) -> None:
    make_datastream("rain-04", "rain", unit_ucum="mm")
    worker: Worker = make_worker(broker, options_for("rain-04"), registry_s=0.05)
    with running(worker):
        rule(f"{root}/{{device}}", "zigbee2mqtt")

        def comes_through() -> bool:
            publisher.publish(f"{root}/rain-04", json.dumps({"rain": 1.5, "last_seen": AT}))
            return bool(worker.total.received)

        wait_for(comes_through, "a message of the new rule")
    assert stored() == [("rain-04/rain", 1.5)]


def test_value_in_another_unit_is_converted_on_entry() -> None:
    make_datastream("p2c", "river_level", unit_ucum="cm")
    rule("sensors/{device}/senml", "senml")
    pack = [{"n": "river_level", "u": "m", "v": 3.125, "t": 1772341200}]
    outcome = store().store([message("sensors/p2c/senml", json.dumps(pack))])
    assert (outcome.stored, stored()) == (1, [("p2c/river_level", 312.5)])


def test_native_message_may_name_its_unit() -> None:
    make_datastream("p2c", "river_level", unit_ucum="cm")
    payload = json.dumps({"result": 3.125, "unit": "m", "phenomenon_time": AT})
    assert store().store([message("sensors/p2c/river_level", payload)]).stored == 1
    assert stored() == [("p2c/river_level", 312.5)]


def test_value_in_a_unit_of_another_kind_is_quarantined_and_the_same_value_in_two_units_is_a_repeat() -> None:
    make_datastream("p2c", "river_level", unit_ucum="cm")
    rule("sensors/{device}/csv", "csv")
    lines = f"time,property,result,unit\n{AT},river_level,3,m\n{AT},river_level,300,cm\n{AT},river_level,3,Cel\n"
    outcome = store().store([message("sensors/p2c/csv", lines)])
    assert (outcome.stored, outcome.repeated, outcome.quarantined) == (1, 1, 1)
    (reject,) = RejectedMessage.objects.all()
    assert (reject.reason, reject.topic) == (Reason.BAD_UNIT, "sensors/p2c/river_level")


def test_relative_time_counts_back_from_the_arrival() -> None:
    make_datastream("p2c", "river_level", unit_ucum="cm")
    rule("sensors/{device}/senml", "senml")
    store().store([message("sensors/p2c/senml", json.dumps([{"n": "river_level", "v": 1, "t": -90}]))])
    (row,) = Observation.objects.all()
    assert row.phenomenon_time == datetime(2026, 3, 1, 4, 58, 30, tzinfo=UTC)


def test_relative_time_of_an_unknown_property_is_kept_as_of_its_arrival() -> None:
    make_datastream("p2c", "river_level", unit_ucum="cm")
    rule("sensors/{device}/senml", "senml")
    pack = [{"n": "river_level", "v": 1, "t": -90}, {"n": "rain", "v": 2, "t": -90}]
    store().store([message("sensors/p2c/senml", json.dumps(pack))])
    (reject,) = RejectedMessage.objects.all()
    assert (reject.reason, json.loads(bytes(reject.payload))["phenomenon_time"]) == (
        Reason.UNKNOWN_DATASTREAM,
        "2026-03-01T04:58:30+00:00",
    )


def test_observation_to_a_datastream_s_number_is_stored_there() -> None:
    datastream = make_datastream("p2c", "river_level", unit_ucum="cm")
    rule("v1.1/Datastreams({datastream})/Observations", "sensorthings")
    payload = json.dumps({"result": 312, "phenomenonTime": AT})
    outcome = store().store([message(f"v1.1/Datastreams({datastream.pk})/Observations", payload)])
    assert (outcome.stored, stored()) == (1, [("p2c/river_level", 312.0)])


def test_observation_to_a_number_that_no_datastream_has_is_quarantined() -> None:
    rule("v1.1/Datastreams({datastream})/Observations", "sensorthings")
    assert store().store([message("v1.1/Datastreams(999999)/Observations", b'{"result": 1}')]).quarantined == 1
    reject = RejectedMessage.objects.get()
    assert (reject.reason, reject.detail) == (Reason.UNKNOWN_DATASTREAM, "no datastream '999999'")


def test_payload_of_another_device_than_its_topic_s_is_quarantined_whole() -> None:
    make_datastream("rain-03", "rain", unit_ucum="mm")
    rule("v3/{application}/devices/{device}/up", "the-things-stack")
    outcome = store().store([message("v3/bekasi/devices/rain-04/up", uplink("rain-03", {"rain": 1}))])
    assert (outcome.stored, outcome.quarantined) == (0, 1)
    assert RejectedMessage.objects.get().reason == Reason.FOREIGN_IDENTITY


def test_what_a_rule_could_not_read_is_stored_once_the_rule_is_mended() -> None:
    make_datastream("rain-03", "rain", unit_ucum="mm")
    made = rule("v3/{application}/devices/{device}/up", "the-things-stack")
    topic = "v3/bekasi/devices/rain-03/up"
    assert store().store([message(topic, uplink("rain-03", {"rainfall": 1}))]).quarantined == 1
    made.meanings = {"rainfall": "rain"}
    made.save()
    assert replay_rejects(open_rejects()).stored == 1
    assert stored() == [("rain-03/rain", 1.0)]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"pattern": "v3/#", "format": "csv"}, "pattern"),
        ({"pattern": "v3/{device}/{device}", "format": "csv"}, "pattern"),
        ({"pattern": "v3/{device}", "format": "xml"}, "format"),
        ({"pattern": "v3/{device}", "format": "csv", "thing": "{town}"}, "thing"),
        ({"pattern": "v3/{device}", "format": "csv", "thing": "one"}, "thing"),
        ({"pattern": "v3/{device}", "format": "csv", "meanings": {"t": 5}}, "meanings"),
    ],
)
def test_rule_that_cannot_be_followed_is_refused_by_its_field(values: dict[str, object], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        rule(**values)  # type: ignore[arg-type]
    assert set(refused.value.message_dict) == {field}


def test_rule_written_past_the_admin_is_left_out_and_the_others_are_followed(caplog: pytest.LogCaptureFixture) -> None:
    TopicRule.objects.create(pattern="v3/#", format="csv")
    TopicRule.objects.create(pattern="v3/{device}", format="csv")
    assert [each.pattern for each in TopicRule.objects.in_force()] == ["v3/{device}"]
    assert "v3/#" in caplog.text


def test_rules_of_a_file_are_made_once_and_never_corrected() -> None:
    records = [{"pattern": "v3/{device}", "format": "csv"}]
    assert provision_topic_rules(records) == 1
    TopicRule.objects.update(pattern="v4/{device}")
    assert provision_topic_rules(records) == 0
    assert [each.pattern for each in TopicRule.objects.all()] == ["v4/{device}"]
