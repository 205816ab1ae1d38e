"""What somebody is told to look at."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sensors.ingest.advice import ADVICE
from sensors.ingest.figures import IngestFigures, Kept, OpenRejects, Unread
from sensors.ingest.hints import age, hints
from sensors.ingest.models import IngestStatus
from sensors.ingest.reasons import Reason

NOW = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def slot(number: int = 0, **more: Any) -> IngestStatus:
    return IngestStatus(slot=number, **{"noted_at": ago(seconds=5), "is_connected": True, **more})


WELL = IngestFigures(
    at=NOW,
    slots=(slot(),),
    quarantined=(),
    open_rejects=(),
    followers=(Unread("quality", 3, ago(seconds=1), ago(seconds=1), ""),),
    kept=Kept(12, ago(seconds=4), 3, 10_000_000),
    broker={"messages_held": 60, "messages_retained": 53, "messages_dropped": 0},
    trouble={"ttn": ""},
    flooding=(),
    datastreams={},
    archive_files={},
    pending_things=0,
)


def test_where_all_is_well_there_is_nothing_to_look_at() -> None:
    assert hints(WELL) == []


@pytest.mark.parametrize(
    ("changed", "hint"),
    [
        ({"slots": ()}, "No worker has written yet"),
        (
            {"slots": (slot(noted_at=ago(minutes=5)),)},
            "slot 0: its worker has not been heard for 5 min: is it running?",
        ),
        ({"slots": (slot(2, noted_at=ago(hours=3)),)}, "If it is gone for good: manage ingest_mqtt --slot 2 --retire"),
        (
            {"slots": (slot(1_001, source="ttn", noted_at=ago(days=3)),)},
            "source ttn: its worker has not been heard for 3 d",
        ),
        (
            {"slots": (slot(is_connected=False),)},
            "slot 0: the worker lives and has no connection to its broker: its log says why (./pantau logs ingest)",
        ),
        (
            {"slots": (slot(1_001, source="ttn", is_connected=False),), "trouble": {"ttn": ""}},
            "source ttn: the worker lives and has no connection to its broker: its log says why (./pantau logs sources)",
        ),
        (
            {"slots": (slot(oldest_waiting_at=ago(seconds=95)),)},
            "slot 0: messages wait for 90 s: is the database slow?",
        ),
        ({"slots": (slot(session_lost_at=ago(hours=30)),)}, "slot 0: the broker lost its session 30 h ago"),
        ({"slots": (slot(dropped=9),)}, "slot 0: 9 messages of QoS 0 were let fall"),
        ({"trouble": {"ttn": "the broker cannot be reached"}}, "source ttn: the broker cannot be reached"),
        ({"broker": {"messages_held": 600_000, "messages_retained": 53}}, "the broker holds 599947 messages"),
        ({"broker": {"messages_dropped": 50}}, "the broker has let 50 messages fall"),
        (
            {"followers": (Unread("quality", 9, ago(minutes=5), ago(minutes=5), ""),)},
            "quality has not moved for 5 min: is `follow` running?",
        ),
        ({"followers": (Unread("quality", 9, ago(minutes=5), None, ""),)}, "quality has not moved yet"),
        (
            {"followers": (Unread("quality", 9, ago(minutes=5), ago(seconds=1), ""),)},
            "quality is 5 min behind, and catching up",
        ),
        ({"followers": (Unread("states", 9, ago(seconds=9), NOW, "disk full"),)}, "states stands still: disk full"),
        ({"kept": replace(WELL.kept, dirty_since=ago(minutes=3))}, "rollups wait for 3 min: is `rollups` running?"),
        (
            {"open_rejects": (OpenRejects("unknown_thing", 4, NOW),)},
            "4 unknown_thing in quarantine: Register the thing",
        ),
        ({"open_rejects": (OpenRejects("bad_json", 100_000, NOW),)}, "at least 100000 bad_json in quarantine"),
        ({"flooding": ("pos-1", "pos-2")}, "pos-1, pos-2: sends more than its limit"),
        ({"pending_things": 2}, "2 unknown devices wait for approval"),
    ],
)
def test_each_thing_that_is_wrong_is_one_sentence_that_says_what_to_do(changed: dict[str, Any], hint: str) -> None:
    (told,) = hints(replace(WELL, **changed))
    assert hint in told


def test_reading_that_comes_by_http_has_no_worker_to_miss() -> None:
    assert hints(replace(WELL, slots=(slot(), IngestStatus(slot=999, source="http")))) == []


def test_worker_of_a_source_that_is_switched_off_is_not_missed() -> None:
    switched_off = slot(1_002, source="udara", noted_at=ago(days=9))
    assert hints(replace(WELL, slots=(slot(), switched_off))) == []


def test_follower_with_nothing_to_read_may_rest_for_days() -> None:
    assert hints(replace(WELL, followers=(Unread("quality", 0, None, ago(days=9), ""),))) == []


def test_there_is_advice_for_every_reason() -> None:
    assert set(ADVICE) == set(Reason)


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (None, "never"),
        (NOW, "0 s ago"),
        (NOW + timedelta(seconds=9), "0 s ago"),  # two clocks
        (ago(seconds=119), "119 s ago"),
        (ago(seconds=120), "2 min ago"),
        (ago(minutes=119), "119 min ago"),
        (ago(hours=47), "47 h ago"),
        (ago(hours=48), "2 d ago"),
    ],
)
def test_age_is_told_in_the_largest_unit_that_says_enough(moment: datetime | None, words: str) -> None:
    assert age(moment, NOW) == words
