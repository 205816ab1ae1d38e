"""Query parameters."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from server.core.errors import BadParameter
from server.core.params import (
    BBox,
    Interval,
    day_start,
    parse_bbox,
    parse_datetime_interval,
    parse_integer,
    parse_time,
    refuse_unknown,
)

JAKARTA = ZoneInfo("Asia/Jakarta")
MAKASSAR = ZoneInfo("Asia/Makassar")


def test_bbox_is_west_south_east_north() -> None:
    assert parse_bbox("106.9,-6.4,107.1,-6.1") == BBox(106.9, -6.4, 107.1, -6.1)


def test_bbox_with_heights_ignores_them() -> None:
    assert parse_bbox("106.9,-6.4,0,107.1,-6.1,100") == BBox(106.9, -6.4, 107.1, -6.1)


def test_bbox_across_the_antimeridian_is_two_boxes() -> None:
    assert parse_bbox("170,-10,-170,10").boxes() == [(170.0, -10.0, 180.0, 10.0), (-180.0, -10.0, -170.0, 10.0)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,2,3", "four numbers"),
        ("a,b,c,d", "not a number"),
        ("nan,0,1,1", "finite"),
        ("-6.4,106.9,-6.1,107.1", "latitudes"),
        ("200,0,210,1", "longitudes"),
        ("0,5,1,4", "south is greater"),
        ("", "four numbers"),
    ],
)
def test_bad_bbox_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(BadParameter, match=says) as caught:
        parse_bbox(text)
    assert caught.value.name == "bbox"


def test_a_date_is_the_day_of_the_city() -> None:
    # Midnight in Jakarta is 17:00 UTC of the day before; in Makassar, one hour further east, 16:00.
    assert parse_time("2016-03-03", "start", JAKARTA) == datetime(2016, 3, 2, 17, tzinfo=UTC)
    assert parse_time("2016-03-03", "end", JAKARTA, end=True) == datetime(2016, 3, 3, 17, tzinfo=UTC)
    assert parse_time("2016-03-03", "start", MAKASSAR) == datetime(2016, 3, 2, 16, tzinfo=UTC)


def test_an_offset_that_lost_its_plus_sign_in_the_query_string_is_understood() -> None:
    assert parse_time("2016-03-03T07:00:00 07:00", "start", JAKARTA) == datetime(2016, 3, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2016-02-30",
        "2016-13-01T00:00:00Z",
        "2016-01-01T25:00Z",
        "",
        "999999-01-01",
        "0001-01-02",
        "9999-12-31",
    ],
)
def test_bad_time_is_named(text: str) -> None:
    with pytest.raises(BadParameter) as caught:
        parse_time(text, "start", JAKARTA)
    assert caught.value.name == "start"


def test_datetime_of_a_date_is_the_whole_day() -> None:
    assert parse_datetime_interval("2016-03-03", JAKARTA) == Interval(
        datetime(2016, 3, 2, 17, tzinfo=UTC), datetime(2016, 3, 3, 17, tzinfo=UTC)
    )


def test_datetime_interval_may_be_open_on_either_side() -> None:
    start = datetime(2016, 3, 3, tzinfo=UTC)
    assert parse_datetime_interval("2016-03-03T00:00:00Z/..", JAKARTA) == Interval(start, None)
    assert parse_datetime_interval("../2016-03-03", JAKARTA) == Interval(None, datetime(2016, 3, 3, 17, tzinfo=UTC))
    assert parse_datetime_interval("/", JAKARTA) == Interval(None, None)


@pytest.mark.parametrize("text", ["..", "a/b", "2016/2017/2018", "2016-03-03/2016-03-01"])
def test_bad_datetime_is_named(text: str) -> None:
    with pytest.raises(BadParameter) as caught:
        parse_datetime_interval(text, JAKARTA)
    assert caught.value.name == "datetime"


def test_limit_above_the_maximum_is_clamped_not_refused() -> None:
    assert parse_integer("50000", "limit", minimum=1, maximum=10_000, clamp=True) == 10_000


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "ten", "", "1e3", "9" * 40])
def test_limit_that_is_no_positive_whole_number_is_refused(text: str) -> None:
    with pytest.raises(BadParameter):
        parse_integer(text, "limit", minimum=1, maximum=10_000, clamp=True)


def test_unknown_parameter_is_named() -> None:
    with pytest.raises(BadParameter, match="categroy") as caught:
        refuse_unknown(["categroy"], ["category"])
    assert caught.value.name == "categroy"


def test_the_day_of_a_moment_starts_at_the_citys_midnight() -> None:
    just_after_midnight = datetime(2016, 3, 2, 17, 0, 1, tzinfo=UTC)
    assert day_start(just_after_midnight, JAKARTA) == datetime(2016, 3, 2, 17, tzinfo=UTC)
    assert day_start(just_after_midnight, MAKASSAR) == datetime(2016, 3, 2, 16, tzinfo=UTC)
