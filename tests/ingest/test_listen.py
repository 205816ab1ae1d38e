"""`listen`: what a technician at a device is told of each message, beside a worker that stores them."""

import json
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError

from sensors.ingest.advice import ADVICE
from sensors.ingest.batch import Message
from sensors.ingest.broker_url import BrokerUrl, parse_broker_url
from sensors.ingest.floods.models import DeviceLimit
from sensors.ingest.listening import Ear, Verdict, listen
from sensors.ingest.models import RejectedMessage, TopicRule
from sensors.ingest.publisher import Publisher
from sensors.ingest.reasons import Reason
from sensors.ingest.store import Store
from sensors.observations.columns import microseconds
from sensors.observations.models import Observation
from tests.ingest.conftest import make_worker, options_for, running
from tests.sensor_factories import make_datastream
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

T = "2026-03-01T05:00:00Z"


class Terminal:
    """What `listen` has heard so far, from a thread of its own."""

    def __init__(self, broker: BrokerUrl, thing: str = "") -> None:
        self.heard: list[tuple[str, list[Verdict]]] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._listen, args=(broker, thing))

    def _listen(self, broker: BrokerUrl, thing: str) -> None:
        from django.db import connection

        def hear(message: Message, verdicts: Sequence[Verdict]) -> None:
            self.heard.append((message.topic, list(verdicts)))

        try:
            listen(broker, Ear(thing), hear=hear, on_trouble=lambda _trouble: None, is_over=self._is_over.is_set)
        finally:
            connection.close()

    def __enter__(self) -> "Terminal":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def wait(self, publisher: Publisher, thing: str) -> None:
        """Until it hears: a session of quality 0 gets nothing of what was published before its subscription."""

        def hears() -> bool:
            publisher.publish(f"sensors/{thing}", "{}")
            return bool(self.heard)

        wait_for(hears, "the first message")

    def verdicts(self, topic: str) -> list[Verdict]:
        """Of the message on a topic, once it was heard."""
        wait_for(lambda: any(each == topic for each, _ in self.heard), f"a message on {topic}")
        return next(verdicts for each, verdicts in self.heard if each == topic)


def ear(thing: str = "") -> Ear:
    return Ear(thing)


def message(topic: str, payload: Any, *, received_at: datetime | None = None, **more: Any) -> Message:
    text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Message(topic, text, microseconds(received_at or datetime.now(UTC)), **more)


def long_ago(topic: str, payload: Any) -> Message:
    """One whose patience is over, so that nobody is waited for."""
    return message(topic, payload, received_at=datetime(2026, 3, 1, 6, tzinfo=UTC))


def store(*messages: Message) -> None:
    writer = Store()
    writer.refresh()
    writer.store(messages)


# Beside a worker


def test_each_message_is_heard_with_what_became_of_it(broker: BrokerUrl, publisher: Publisher) -> None:
    make_datastream("l-1", "pm25", plausible_max=500.0)
    with running(make_worker(broker, options_for("l-1"))), Terminal(broker, "l-1") as terminal:
        terminal.wait(publisher, "l-1")
        publisher.publish("sensors/l-1/pm25", json.dumps({"result": 35.5, "phenomenon_time": T}))
        assert terminal.verdicts("sensors/l-1/pm25") == [Verdict("pm25 = 35.5 ug/m3 at 2026-03-01T05:00:00Z", "stored")]
        publisher.publish("sensors/l-1/ozon", "3")
        (verdict,) = terminal.verdicts("sensors/l-1/ozon")
        assert verdict.state == "quarantined, unknown_datastream: l-1 measures no 'ozon'"
        assert verdict.advice.startswith("Give the thing a datastream")
    assert Observation.objects.get().result == 35.5


def test_other_things_messages_are_not_heard(broker: BrokerUrl, publisher: Publisher) -> None:
    make_datastream("l-1", "pm25")
    with Terminal(broker, "l-1") as terminal:
        terminal.wait(publisher, "l-1")
        publisher.publish("sensors/l-2/pm25", "1")
        publisher.publish("sensors/l-1/last", "1")
        terminal.verdicts("sensors/l-1/last")
    assert {topic for topic, _ in terminal.heard} == {"sensors/l-1", "sensors/l-1/last"}


def test_thing_behind_a_topic_rule_is_heard(broker: BrokerUrl, publisher: Publisher) -> None:
    make_datastream("ttn-l-3", "rain", unit_ucum="mm")
    TopicRule.objects.create(
        pattern="v3/{application}/devices/{device}/up", format="the-things-stack", thing="ttn-{device}"
    )
    uplink = {
        "end_device_ids": {"device_id": "l-3"},
        "uplink_message": {"received_at": T, "decoded_payload": {"rain": 1}},
    }
    with running(make_worker(broker, options_for("l-3"))), Terminal(broker, "ttn-l-3") as terminal:
        terminal.wait(publisher, "ttn-l-3")
        for device in ("l-4", "l-3"):
            publisher.publish(f"v3/listen@ttn/devices/{device}/up", json.dumps(uplink))
        assert [each.state for each in terminal.verdicts("v3/listen@ttn/devices/l-3/up")] == ["stored"]
    assert not any("l-4" in topic for topic, _ in terminal.heard)


def test_worker_that_does_not_run_is_what_the_technician_is_told(broker: BrokerUrl, publisher: Publisher) -> None:
    make_datastream("l-1", "pm25")
    with Terminal(broker, "l-1") as terminal:
        terminal.wait(publisher, "l-1")
        publisher.publish("sensors/l-1/pm25", json.dumps({"result": 35.5, "phenomenon_time": T}))
        (verdict,) = terminal.verdicts("sensors/l-1/pm25")
    assert verdict.state == "not stored"
    assert "does `ingest` run?" in verdict.advice
    assert not Observation.objects.exists()


def test_database_that_goes_away_is_said_and_the_message_judged_once_it_is_back(
    broker: BrokerUrl, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sensors.ingest.listening.RETRY_S", 0.1)
    make_datastream("l-1", "pm25")
    asked: list[Message] = []

    class Away(Ear):
        def judge(self, message: Message) -> list[Verdict] | None:
            asked.append(message)
            if len(asked) == 1:
                raise OperationalError("server closed the connection unexpectedly")
            return super().judge(message)

    said: list[str] = []
    heard: list[Message] = []

    def is_over() -> bool:
        if not asked:
            publisher.publish("sensors/l-1", "{}")
        return bool(heard) and "" in said

    listen(
        broker,
        Away("l-1"),
        hear=lambda message, _verdicts: heard.append(message),
        on_trouble=said.append,
        is_over=is_over,
    )
    assert [each for each in said if "database" in each or not each][-2:] == ["the database does not answer", ""]
    assert heard[0] is asked[0] is asked[1]


# The verdicts


def test_reading_that_came_before_is_a_repeat() -> None:
    make_datastream("l-1", "pm25")
    reading = {"result": 35.5, "phenomenon_time": T}
    store(message("sensors/l-1/pm25", reading, received_at=datetime(2026, 3, 1, 5, 0, 1, tzinfo=UTC)))
    assert ear("l-1").judge(message("sensors/l-1/pm25", reading)) == [
        Verdict("pm25 = 35.5 ug/m3 at 2026-03-01T05:00:00Z", "repeated: it came before, 2026-03-01T05:00:01+00:00")
    ]


def test_what_was_only_counted_of_a_flood_is_said_to_be_of_one() -> None:
    make_datastream("l-1", "pm25")
    DeviceLimit.objects.create(thing="l-1", flooding_since=datetime(2026, 3, 1, 5, tzinfo=UTC))
    (verdict,) = ear("l-1").judge(long_ago("sensors/l-1/pm25", {"result": 1, "phenomenon_time": T})) or []
    assert verdict.state == "refused: its device sends more than its limit"
    assert verdict.advice == ADVICE[Reason.FLOODING]


def test_other_result_at_a_stored_time_is_a_conflict_that_says_what_is_stored() -> None:
    make_datastream("l-1", "pm25")
    store(message("sensors/l-1/pm25", {"result": 35.5, "phenomenon_time": T}))
    (verdict,) = ear("l-1").judge(message("sensors/l-1/pm25", {"result": 36, "phenomenon_time": T})) or []
    assert verdict.state.startswith("quarantined, conflict: 35.5 is stored at 2026-03-01T05:00:00+00:00 already")


def test_reading_of_its_arrival_is_found_though_the_worker_s_clock_stamped_it() -> None:
    make_datastream("l-1", "pm25")
    at = datetime(2026, 3, 1, 5, 0, 0, 700_000, tzinfo=UTC)
    store(message("sensors/l-1/pm25", 35.5, received_at=at))
    heard = message("sensors/l-1/pm25", 35.5, received_at=at.replace(microsecond=650_000))
    assert ear("l-1").judge(heard) == [Verdict("pm25 = 35.5 ug/m3 at 2026-03-01T05:00:00Z (of its arrival)", "stored")]


def test_implausible_value_is_stored_and_the_range_is_questioned() -> None:
    make_datastream("l-1", "pm25", plausible_max=500.0)
    reading = message("sensors/l-1/pm25", {"result": 9999, "phenomenon_time": T})
    store(reading)
    (verdict,) = ear("l-1").judge(reading) or []
    assert (verdict.state, verdict.advice) == (
        "stored, and left out of sums: implausible",
        "Is the plausible range right?",
    )


def test_value_in_another_unit_is_shown_as_it_is_stored() -> None:
    make_datastream("l-1", "rain", unit_ucum="mm")
    reading = message("sensors/l-1/rain", {"result": 1.5, "unit": "cm", "phenomenon_time": T})
    store(reading)
    assert ear("l-1").judge(reading) == [Verdict("rain = 15 mm at 2026-03-01T05:00:00Z", "stored")]


def test_retained_message_without_a_time_is_ignored() -> None:
    make_datastream("l-1", "pm25")
    (verdict,) = ear("l-1").judge(message("sensors/l-1/pm25", 35.5, retained=True)) or []
    assert verdict.state.startswith("ignored")


def test_message_of_which_a_rule_takes_nothing_says_so() -> None:
    make_datastream("l-1", "pm25")
    TopicRule.objects.create(pattern="zigbee2mqtt/{device}", format="zigbee2mqtt", takes_others=False)
    (verdict,) = ear("l-1").judge(message("zigbee2mqtt/l-1", {"linkquality": 120})) or []
    assert (verdict.state, verdict.advice) == (
        "let be",
        "The topic rule 'zigbee2mqtt/{device}' takes no other names than its own.",
    )


def test_thing_that_is_registered_while_somebody_listens_is_known_at_once() -> None:
    listening = ear("l-9")
    (before,) = listening.judge(long_ago("sensors/l-9/pm25", {"result": 1, "phenomenon_time": T})) or []
    assert before.state == "quarantined, unknown_thing: no thing 'l-9'"
    make_datastream("l-9", "pm25")
    (after,) = listening.judge(long_ago("sensors/l-9/pm25", {"result": 1, "phenomenon_time": T})) or []
    assert after.state == "not stored"


def test_listening_writes_nothing() -> None:
    make_datastream("l-1", "pm25")
    listening = ear()
    listening.judge(long_ago("sensors/l-1/pm25", {"result": 35.5, "phenomenon_time": T}))
    listening.judge(long_ago("sensors/l-1/pm25", "rusak"))
    assert not Observation.objects.exists()
    assert not RejectedMessage.objects.exists()


def test_every_reason_comes_with_what_can_be_done_about_it() -> None:
    assert set(ADVICE) == set(Reason)


def test_rule_below_our_own_topics_with_other_names_widens_what_is_listened_to() -> None:
    make_datastream("l-1", "pm25")
    assert ear("l-1").topic_filter() == "sensors/l-1/#"
    TopicRule.objects.create(pattern="sensors/{device}/senml", format="senml")
    assert ear("l-1").topic_filter() == "sensors/l-1/#"
    TopicRule.objects.create(pattern="sensors/{gateway}/relay/{device}", format="zigbee2mqtt")
    assert ear("l-1").topic_filter() == "sensors/#"


# The command


@pytest.fixture
def hears_ctrl_c() -> Iterator[None]:
    """A shell starts what it puts into the background deaf to Ctrl-C, and so is a suite that was started there."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("hears_ctrl_c")
def test_command_shows_the_messages_until_ctrl_c(publisher: Publisher) -> None:
    make_datastream("l-1", "pm25")
    out = StringIO()

    def technician() -> None:
        def is_shown() -> bool:
            publisher.publish("sensors/l-1/pm25", b'"\x1b[2J\xe2\x80\xae')
            return "bad_json" in out.getvalue()

        try:
            wait_for(is_shown, "the message")
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    hand = threading.Thread(target=technician)
    hand.start()
    call_command("listen", "l-1", stdout=out)
    hand.join()
    shown = out.getvalue()
    assert "Listening for l-1" in shown
    assert '  "\\x1b[2J\\x202e\n' in shown
    assert "Send JSON in UTF-8" in shown
    assert shown.endswith(" messages heard.\n")
    assert "\x1b" not in shown


@pytest.mark.usefixtures("hears_ctrl_c")
def test_command_says_of_an_unknown_thing_what_is_near(publisher: Publisher) -> None:
    make_datastream("kali-bekasi", "pm25")
    out = StringIO()

    def technician() -> None:
        try:
            wait_for(lambda: "Listening" in out.getvalue(), "the greeting")
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    hand = threading.Thread(target=technician)
    hand.start()
    call_command("listen", "kali-bekai", stdout=out)
    hand.join()
    assert "There is no thing kali-bekai: what it sends is quarantined. Did you mean kali-bekasi?" in out.getvalue()


def test_command_without_a_broker_says_which_variable_is_wrong(settings: Any) -> None:
    settings.MQTT_URL = "http://example.org"
    with pytest.raises(CommandError, match="MQTT_URL must look like"):
        call_command("listen", "--all")


def test_broker_that_does_not_answer_is_said(broker: BrokerUrl) -> None:
    said: list[str] = []
    nobody = parse_broker_url("mqtt://127.0.0.1:1")
    listen(nobody, ear(), hear=lambda *_: None, on_trouble=said.append, is_over=lambda: bool(said))
    assert said == ["the broker cannot be reached"]
