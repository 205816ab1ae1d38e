"""What is found out about a photo that is to prove a closing, and how alike pictures are looked up: both without a database."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from geo.reports.evidence.checks import find
from geo.reports.photos.perceptual import bands, differing_bits

REPORTED = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
DONE = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


def findings(**more: Any) -> list[Any]:
    """Of a photo that was taken at the place and after the report, but for what is given."""
    given: dict[str, Any] = {
        "taken_at": DONE,
        "has_position": True,
        "distance_m": 12,
        "reported_at": REPORTED,
        "reopened_at": None,
        "seen_in": [],
        "now": datetime(2026, 3, 2, 3, 10, tzinfo=UTC),
    }
    return list(find(**given | more))


def test_photo_of_the_place_and_time_has_nothing_to_be_found() -> None:
    assert findings() == []


@pytest.mark.parametrize(("distance_m", "expected"), [(200, []), (201, [{"code": "far", "distance_m": 201}])])
def test_photo_is_far_beyond_200_metres(distance_m: int, expected: list[Any]) -> None:
    assert findings(distance_m=distance_m) == expected


def test_nothing_is_said_of_the_distance_to_a_report_without_a_place() -> None:
    assert findings(distance_m=None) == []


def test_photo_that_says_neither_where_nor_when_is_found_to_say_neither() -> None:
    assert findings(has_position=False, distance_m=None, taken_at=None) == [{"code": "no_place"}, {"code": "no_time"}]


@pytest.mark.parametrize(
    ("taken_at", "code"),
    [
        (datetime(2026, 3, 1, 4, 59, 59, tzinfo=UTC), ["older_than_report"]),
        (datetime(2026, 3, 1, 5, 0, tzinfo=UTC), []),
        (datetime(2026, 3, 2, 3, 15, tzinfo=UTC), []),
        (datetime(2026, 3, 2, 3, 15, 1, tzinfo=UTC), ["ahead_of_time"]),
    ],
)
def test_photo_belongs_between_the_report_and_now(taken_at: datetime, code: list[str]) -> None:
    assert [one["code"] for one in findings(taken_at=taken_at)] == code


def test_photo_from_before_the_reopening_is_too_old() -> None:
    reopened_at = datetime(2026, 3, 2, 3, 1, tzinfo=UTC)
    assert findings(reopened_at=reopened_at) == [{"code": "older_than_reopening"}]


def test_every_report_with_the_same_picture_is_named() -> None:
    assert findings(seen_in=["abc", "xyz"]) == [
        {"code": "seen_before", "report": "abc"},
        {"code": "seen_before", "report": "xyz"},
    ]


def test_bands_of_a_hash_are_its_bits_ten_and_then_nine_each_with_its_place() -> None:
    assert bands("0000000000000000") == [0, 1024, 2048, 3072, 4096, 5120, 6144]
    # 2**10 - 1 = 1023, and 2**9 - 1 = 511 beyond each place.
    assert bands("ffffffffffffffff") == [1023, 1535, 2559, 3583, 4607, 5631, 6655]
    # The lowest bit of the second band is bit 10: 0x400.
    assert bands("0000000000000400") == [0, 1025, 2048, 3072, 4096, 5120, 6144]


def test_two_hashes_that_differ_in_six_bits_share_a_band() -> None:
    one, dice = "cd2c3462d2f81fa5", random.Random(6)
    for _number in range(500):
        flipped = int(one, 16)
        for bit in dice.sample(range(64), 6):
            flipped ^= 1 << bit
        other = f"{flipped:016x}"
        assert differing_bits(one, other) == 6
        assert set(bands(one)) & set(bands(other))
