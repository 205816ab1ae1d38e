"""Working time, reckoned by hand: hours of Presidential Regulation 21/2023 (37.5 a week), days off of March 2026's decree."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from geo.operations.clocks.calendars import (
    Kind,
    Rules,
    Span,
    SpecialDays,
    WorkingTime,
    lay_out,
    national_days_off,
)
from geo.reports.weekly_hours import read_hours, read_weekly_hours

WIB, WITA = ZoneInfo("Asia/Jakarta"), ZoneInfo("Asia/Makassar")
DAY = [["07:30", "12:00"], ["13:00", "16:00"]]
OFFICE = {"mon": DAY, "tue": DAY, "wed": DAY, "thu": DAY, "fri": [["07:30", "11:30"], ["13:00", "16:30"]]}
ALWAYS = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


def at(text: str, zone: ZoneInfo = WIB) -> datetime:
    """A moment of 2026 in the city's time: "03-05 14:00"."""
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=zone)


def hours(n: float) -> timedelta:
    return timedelta(hours=n)


def working_time(week: object = OFFICE, *, zone: ZoneInfo = WIB, **more: object) -> WorkingTime:
    rules = Rules(week=read_weekly_hours(week), zone=zone, **more)
    return WorkingTime(lay_out(rules, FIRST, LAST), since=at("01-01 00:00", zone), until=at("12-31 00:00", zone))


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("07:30-16:00", "pairs"),
        ([["16:00", "07:30"]], "16:00"),
        ([["08:00", "08:00"]], "08:00"),
        ([["08:00", "12:00"], ["11:00", "16:00"]], "11:00"),
        ([["13:00", "16:00"], ["08:00", "12:00"]], "08:00"),
        ([["08:00", "24:01"]], "24:01"),
        ([["7:30", "16:00"]], "7:30"),
        ([["08:00"]], "08:00"),
        ([[8, 16]], "8"),
    ],
)
def test_hours_that_make_no_sense_are_refused_and_quoted(value, says):
    with pytest.raises(ValidationError) as refused:
        read_hours(value)
    assert says in refused.value.messages[0]


@pytest.mark.parametrize(
    ("value", "says"), [([], "object"), ({}, "at least one"), ({"mon": []}, "at least one"), ({"senin": DAY}, "senin")]
)
def test_a_week_without_hours_or_with_other_days_is_refused(value, says):
    with pytest.raises(ValidationError, match=says):
        read_weekly_hours(value)


def test_hours_that_touch_are_one():
    assert read_hours([["08:00", "12:00"], ["12:00", "24:00"]]) == ((480, 1440),)


def test_a_week_is_laid_out_in_utc_without_its_breaks():
    spans = lay_out(Rules(read_weekly_hours(OFFICE), WIB), date(2026, 3, 5), date(2026, 3, 8))  # Thursday to Sunday
    assert spans == [
        Span(datetime(2026, 3, 5, 0, 30, tzinfo=UTC), datetime(2026, 3, 5, 5, 0, tzinfo=UTC)),
        Span(datetime(2026, 3, 5, 6, 0, tzinfo=UTC), datetime(2026, 3, 5, 9, 0, tzinfo=UTC)),
        Span(datetime(2026, 3, 6, 0, 30, tzinfo=UTC), datetime(2026, 3, 6, 4, 30, tzinfo=UTC)),
        Span(datetime(2026, 3, 6, 6, 0, tzinfo=UTC), datetime(2026, 3, 6, 9, 30, tzinfo=UTC)),
    ]


def test_a_full_week_has_37_and_a_half_hours():
    assert working_time().between(at("03-02 00:00"), at("03-09 00:00")) == hours(37.5)


def test_round_the_clock_is_one_span():
    spans = lay_out(Rules(read_weekly_hours(ALWAYS), WIB), date(2026, 1, 1), date(2026, 12, 31))
    # Midnight in Jakarta is 17:00 UTC of the day before.
    assert spans == [Span(datetime(2025, 12, 31, 17, 0, tzinfo=UTC), datetime(2026, 12, 31, 17, 0, tzinfo=UTC))]


@pytest.mark.parametrize(
    ("since", "work", "due"),
    [
        # Friday has one hour left, Monday gives the other.
        ("03-06 15:30", 2, "03-09 08:30"),
        # Over a weekend: Thursday 2 h, Friday 7.5 h, half an hour of Monday.
        ("03-05 14:00", 10, "03-09 08:00"),
        # From outside the hours: a Saturday, a night, a break.
        ("03-07 12:00", 3, "03-09 10:30"),
        ("03-09 05:00", 1, "03-09 08:30"),
        ("03-09 12:30", 1, "03-09 14:00"),
        # Ends with the day, and not with the next one's beginning.
        ("03-09 07:30", 7.5, "03-09 16:00"),
        ("03-09 16:00", 7.5, "03-10 16:00"),
        # No time at all: at once, even at night.
        ("03-07 12:00", 0, "03-07 12:00"),
    ],
)
def test_working_time_is_added_over_breaks_nights_and_weekends(since, work, due):
    assert working_time().add(at(since), hours(work)) == at(due)


@pytest.mark.parametrize(
    ("a", "b", "work"),
    [
        ("03-05 14:00", "03-09 08:00", 10),
        ("03-07 00:00", "03-09 07:30", 0),
        ("03-09 12:15", "03-09 12:45", 0),
        ("03-09 09:00", "03-09 08:00", -1),
    ],
)
def test_working_time_between_two_moments(a, b, work):
    assert working_time().between(at(a), at(b)) == hours(work)


def test_days_off_of_lebaran_2026_are_those_of_the_decree():
    """Joint decree of three ministers 1497/2025, 2/2025 and 5/2025: 19 Nyepi, 21-22 Idul Fitri; joint leave 18, 20, 23, 24."""
    public = national_days_off([2026], public=True, joint_leave=False)
    joint = national_days_off([2026], public=False, joint_leave=True)
    assert sorted(day.day for day in public if day.month == 3) == [19, 21, 22]
    assert sorted(day.day for day in joint if day.month == 3) == [18, 20, 23, 24]
    assert (len(public), len(joint)) == (17, 8)
    assert national_days_off([2026], public=False, joint_leave=False) == frozenset()


@pytest.mark.parametrize(
    ("joint_leave", "due"),
    [
        # Tuesday 2 h, then nothing until Wednesday the 25th, of which 3 h.
        (True, "03-25 10:30"),
        # Who works on days of joint leave has these 3 h on Wednesday the 18th.
        (False, "03-18 10:30"),
    ],
)
def test_five_hours_over_lebaran(joint_leave, due):
    time = working_time(days_off=national_days_off([2026], public=True, joint_leave=joint_leave))
    assert time.add(at("03-17 14:00"), hours(5)) == at(due)


def test_the_same_office_hour_comes_an_hour_earlier_in_makassar():
    assert working_time().add(at("03-09 09:00", WIB), hours(1)) == datetime(2026, 3, 9, 3, 0, tzinfo=UTC)
    assert working_time(zone=WITA).add(at("03-09 09:00", WITA), hours(1)) == datetime(2026, 3, 9, 2, 0, tzinfo=UTC)


def test_a_local_day_of_leave_is_closed_and_a_working_saturday_is_open():
    leave = SpecialDays(date(2026, 3, 10), date(2026, 3, 10), Kind.CLOSED)
    saturday = SpecialDays(date(2026, 3, 14), date(2026, 3, 14), Kind.OPEN, ((480, 720),))
    time = working_time(special=[leave, saturday])
    assert time.between(at("03-10 00:00"), at("03-11 00:00")) == hours(0)
    assert time.between(at("03-14 00:00"), at("03-15 00:00")) == hours(4)


def test_hours_of_ramadan_leave_weekends_and_holidays_free_and_a_day_within_them_decides_for_itself():
    ramadan = SpecialDays(date(2026, 2, 19), date(2026, 3, 20), Kind.CHANGED, ((480, 900),))  # 08:00 to 15:00
    short = SpecialDays(date(2026, 3, 3), date(2026, 3, 3), Kind.OPEN, ((480, 540),))
    time = working_time(special=[short, ramadan], days_off={date(2026, 3, 4)})
    by_day = [time.between(at(f"03-0{day} 00:00"), at(f"03-0{day + 1} 00:00")) for day in (1, 2, 3, 4, 5)]
    # Sunday, Monday, the Tuesday that is only an hour long, a holiday, Thursday.
    assert by_day == [hours(0), hours(7), hours(1), hours(0), hours(7)]


def test_beyond_what_is_laid_out_nothing_is_known():
    time = working_time()
    assert time.add(at("12-30 15:00"), hours(100)) is None
    assert time.add(datetime(2025, 12, 31, 0, 0, tzinfo=UTC), hours(1)) is None
    assert time.between(at("03-01 00:00"), datetime(2027, 3, 1, tzinfo=UTC)) is None
