from datetime import UTC, datetime

import pytest
from django.core.management import call_command

from sensors.ingest.models import RejectedMessage
from sensors.ingest.store import Outcome, Store, again
from sensors.observations.models import Observation, TimeSource
from tests.sensor_factories import NOON, make_datastream, message

pytestmark = pytest.mark.django_db


def rejects() -> list[tuple[str, str, bool]]:
    return [(row.topic, row.reason, row.replayed_at is not None) for row in RejectedMessage.objects.order_by("id")]


def test_what_is_rejected_is_kept_whole_with_its_reason() -> None:
    outcome = Store().store([message("sensors/nobody/pm25", b'{"result": 1, "x": "\xc3\xa9"}')])
    assert outcome == Outcome(quarantined=1)
    row = RejectedMessage.objects.get()
    assert (row.topic, bytes(row.payload)) == ("sensors/nobody/pm25", b'{"result": 1, "x": "\xc3\xa9"}')
    assert (row.reason, row.received_at, row.replayed_at) == ("unknown_thing", NOON, None)


def test_a_conflict_is_quarantined_with_the_value_that_stands() -> None:
    topic = f"sensors/{make_datastream().thing.slug}/pm25"
    store = Store()
    store.store([message(topic, '{"result": 1, "phenomenon_time": 1772337600}')])
    outcome = store.store([message(topic, '{"result": 2, "phenomenon_time": 1772337600}')])
    assert outcome == Outcome(quarantined=1)
    assert "1.0 is stored at 2026-03-01T04:00:00+00:00" in RejectedMessage.objects.get().detail


def test_a_conflict_sent_twice_in_one_batch_is_two_conflicts() -> None:
    topic = f"sensors/{make_datastream().thing.slug}/pm25"
    first, other = (f'{{"result": {result}, "phenomenon_time": 1772337600}}' for result in (1, 2))
    store = Store()
    store.store([message(topic, first)])
    outcome = store.store([message(topic, other), message(topic, other), message(topic, first)])
    assert outcome == Outcome(repeated=1, quarantined=2)


def test_text_that_postgresql_cannot_hold_is_kept_all_the_same() -> None:
    make_datastream("air-1")
    payloads = [b"\x00\xff", b'{"results": {"a\\u0000b": 1, "\\ud800": 2}}']
    outcome = Store().store([message("sensors/air-1", payload) for payload in payloads])
    assert outcome == Outcome(quarantined=3)
    assert bytes(RejectedMessage.objects.earliest("id").payload) == payloads[0]


def test_of_what_is_too_large_the_beginning_is_kept() -> None:
    Store().store([message("sensors/a/b", b"1" * 2_000_000)])
    row = RejectedMessage.objects.get()
    assert (row.reason, len(row.payload)) == ("too_large", 65_536)


def test_a_reject_that_is_delivered_again_is_not_kept_twice() -> None:
    batch = [message("sensors/nobody/pm25", "1"), message("x", "2")]
    store = Store()
    assert store.store(batch) == Outcome(quarantined=2)
    assert store.store(again(batch)) == Outcome(repeated=2)
    assert len(rejects()) == 2
    store.store([message("x", "2")])  # sent a second time by its device
    assert len(rejects()) == 3


def test_after_the_thing_is_registered_a_replay_stores_what_it_sent(capsys: pytest.CaptureFixture[str]) -> None:
    Store().store(
        [
            message("sensors/late/pm25", '{"result": 5, "phenomenon_time": 1772337600}'),
            message("sensors/late/pm25", "7"),
            message("sensors/late/pm25", "x"),
            message("sensors/never/pm25", "1"),
        ]
    )
    make_datastream("late")
    call_command("replay_rejects")
    assert rejects() == [
        ("sensors/late/pm25", "unknown_thing", True),
        ("sensors/late/pm25", "unknown_thing", True),
        ("sensors/late/pm25", "bad_json", False),
        ("sensors/never/pm25", "unknown_thing", False),
    ]
    assert "2 readings stored, 0 were stored already, 0 ignored, 2 rejected again" in capsys.readouterr().out
    stored = list(Observation.objects.order_by("result").values_list("result", "phenomenon_time", "time_source"))
    assert stored == [
        (5.0, datetime(2026, 3, 1, 4, tzinfo=UTC), TimeSource.DEVICE),
        (7.0, NOON, TimeSource.RECEIPT),  # of its first receipt, not of its replay
    ]


def test_a_replay_takes_only_the_reason_and_the_thing_it_is_told() -> None:
    make_datastream("air-1")
    Store().store(
        [message("sensors/late/pm25", "1"), message("sensors/late-2/pm25", "1"), message("sensors/air-1/no2", "1")]
    )
    for slug in ("late", "late-2"):
        make_datastream(slug)
    make_datastream("air-1", "no2")
    call_command("replay_rejects", "--reason", "unknown_thing", "--thing", "late")
    assert [replayed for _topic, _reason, replayed in rejects()] == [True, False, False]


def test_a_second_replay_finds_nothing() -> None:
    Store().store([message("sensors/late/pm25", "1")])
    make_datastream("late")
    call_command("replay_rejects")
    call_command("replay_rejects")
    assert Observation.objects.count() == 1


def test_what_is_rejected_again_keeps_its_place_with_the_reason_of_today() -> None:
    Store().store([message("sensors/late/no2", "1")])
    make_datastream("late", "pm25")
    call_command("replay_rejects")
    assert rejects() == [("sensors/late/no2", "unknown_datastream", False)]


def test_counts_and_the_quarantine_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    Store().store([message("x", "1"), message("x", "2")])
    call_command("ingest_status")
    assert "quarantine: 2 bad_topic" in capsys.readouterr().out
    call_command("ingest_status", "--json")
    assert '"reason": "bad_topic"' in capsys.readouterr().out
