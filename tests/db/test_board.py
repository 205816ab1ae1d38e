"""The board's figures, worked by hand."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from geo.areas.models import AreaLevel, City
from geo.models import Report
from geo.operations.board.figures import Board, Group, Hours, Question, Standing, board
from geo.reports.workflow import CLOSED, Status
from tests.factories import NOW, make_agency, make_category, make_channel, make_city, make_report

pytestmark = pytest.mark.django_db

LONG_AGO = NOW - timedelta(days=90)


@pytest.fixture
def city() -> City:
    return make_city()


def report(*, hours_ago: float = 48, **fields: Any) -> Report:
    """Told so long before NOW, with these columns as they stand now; it came in when it was told."""
    of_intake = {name: fields.pop(name) for name in ("category", "channel", "area_code") if name in fields}
    if "area_code" in of_intake:
        of_intake["kind"] = "aspirasi"  # only a wish may name an area, and no point
    at = NOW - timedelta(hours=hours_ago)
    made = make_report(reported_at=at, now=at, **of_intake)
    Report.objects.filter(pk=made.pk).update(**fields)
    return made


def after(hours: float, *, hours_ago: float = 48) -> datetime:
    """So long after a report came in that was told `hours_ago`."""
    return NOW - timedelta(hours=hours_ago) + timedelta(hours=hours)


def ask(city: City, by: Any = "status", *, level_id: int | None = None, **more: Any) -> Board:
    """Of the 30 days before NOW, and the next one."""
    values = {"start": NOW - timedelta(days=30), "end": NOW + timedelta(days=1), "now": NOW, **more}
    return board(Question(city_id=city.pk, **values), by=by, level_id=level_id)


def of(found: Board, key: Any) -> Group:
    (group,) = [group for group in found.groups if group.key == (None if key is None else str(key))]
    return group


@pytest.mark.parametrize("status", Status)
def test_a_report_is_open_in_just_the_statuses_that_the_workflow_calls_open(city: City, status: Status) -> None:
    report(hours_ago=24 * 90, status=status)
    assert ask(city).total.now.open == (status not in CLOSED)


def test_what_is_open_counts_however_long_ago_it_was_told_and_what_is_closed_does_not(city: City) -> None:
    report(hours_ago=24 * 90)
    report(hours_ago=24 * 90, status="resolved", closed_at=NOW)
    report(hours_ago=1, status="resolved", closed_at=NOW)
    found = ask(city)
    assert (found.total.now.open, found.total.period.reported) == (1, 1)
    assert [(group.key, group.now.open, group.period.reported) for group in found.groups] == [
        ("resolved", 0, 1),
        ("submitted", 1, 0),
    ]


def test_what_stands_is_due_soon_late_unanswered_reopened_or_without_an_agency(city: City) -> None:
    dlh = make_agency(city, "dlh")
    second = timedelta(seconds=1)
    report(agency=dlh, due_at=NOW, responded_at=NOW)  # due at this moment: soon, and not late yet
    report(agency=dlh, due_at=NOW + timedelta(hours=24) - second)
    report(agency=dlh, due_at=NOW + timedelta(hours=24))
    report(agency=dlh, due_at=NOW - second, status="reopened", reopened_count=2)
    report(agency=dlh, due_at=None, status="waiting")
    report(agency=dlh, response_due_at=NOW - second)
    report(agency=dlh, response_due_at=NOW - second, responded_at=NOW)  # it came, too late
    report(agency=None, response_due_at=NOW)
    assert ask(city).total.now == Standing(
        open=8, due_soon=2, late=1, late_first_response=1, reopened=1, without_agency=1
    )


def test_late_are_those_closed_after_their_time_and_those_open_past_it(city: City) -> None:
    report(due_at=after(10), status="resolved", closed_at=after(9))
    report(due_at=after(10), status="resolved", closed_at=after(10))  # just in time
    report(due_at=after(10), status="resolved", closed_at=after(11))
    report(due_at=after(10), status="rejected", closed_at=after(12))
    report(due_at=after(10))
    report(due_at=after(100))
    report(due_at=None, status="resolved", closed_at=after(11))
    report(due_at=after(10), status="duplicate", closed_at=after(11))  # follows another one
    period = ask(city).total.period
    assert (period.reported, period.with_target, period.late, period.late_share) == (8, 6, 3, 0.5)


def test_a_late_first_response_is_one_that_came_too_late_or_has_not_come(city: City) -> None:
    report(response_due_at=after(6), responded_at=after(5), status="assigned")
    report(response_due_at=after(6), responded_at=after(7), status="assigned")
    report(response_due_at=after(6))
    report(response_due_at=after(60))
    period = ask(city).total.period
    assert (period.with_response_target, period.late_first_response) == (4, 2)
    assert period.late_first_response_share == 0.5


def test_shares_and_hours_of_nothing_are_unknown(city: City) -> None:
    found = ask(city)
    assert found.groups == ()
    assert found.total.now.open == found.total.period.reported == 0
    assert found.total.period.late_share is None
    assert found.total.period.late_first_response_share is None
    assert found.total.period.first_response_h == found.total.period.resolution_h == Hours(0, None, None)


def test_median_and_ninetieth_percentile_lie_between_the_reports_that_are_next_to_them(city: City) -> None:
    for hours in (1, 2, 3, 4, 10):
        report(responded_at=after(hours), status="in_progress")
    # Of five, the 90th percentile is 0.6 of the way from the fourth (4 h) to the fifth (10 h).
    assert ask(city).total.period.first_response_h == Hours(5, 3.0, pytest.approx(7.6))


def test_only_what_was_resolved_has_a_time_to_resolve(city: City) -> None:
    report(status="resolved", closed_at=after(10))
    report(status="resolved", closed_at=after(20))
    report(status="rejected", closed_at=after(1))
    report(status="duplicate", closed_at=after(1))
    report()
    period = ask(city).total.period
    assert period.resolved == 2
    # Two values: half of the way, and 0.9 of it.
    assert period.resolution_h == Hours(2, 15.0, pytest.approx(19.0))


def test_hours_are_of_reports_of_the_period_alone(city: City) -> None:
    report(hours_ago=24 * 40, responded_at=LONG_AGO + timedelta(days=60), status="in_progress")
    report(responded_at=after(2), status="in_progress")
    assert ask(city).total.period.first_response_h == Hours(1, 2.0, 2.0)


def test_a_period_has_its_start_and_not_its_end(city: City) -> None:
    start, end = NOW - timedelta(hours=10), NOW - timedelta(hours=5)
    for hours_ago in (10.001, 10, 5.001, 5):
        report(hours_ago=hours_ago)
    assert ask(city, start=start, end=end).total.period.reported == 2


def test_reopened_and_handed_over_are_counted_once_for_each_report(city: City) -> None:
    report(reopened_count=3, handover_count=1)
    report(reopened_count=1, handover_count=2, status="resolved", closed_at=NOW)
    period = ask(city).total.period
    assert (period.reopened, period.handed_over) == (2, 1)


def test_filters_narrow_all_figures(city: City) -> None:
    dlh, damkar = make_agency(city, "dlh"), make_agency(city, "damkar")
    flood, qlue = make_category("banjir"), make_channel("qlue")
    report(area_code="kota-uji.2", category=flood, channel=qlue, agency=dlh)
    report(area_code="kota-uji.1.1", agency=damkar)
    report(area_code="kota-uji.1.2", agency=None)
    areas = {area.code: area.pk for area in city.areas.all()}
    for filters, expected in (
        ({}, 3),
        ({"area_ids": (areas["kota-uji.1.1"], areas["kota-uji.1.2"])}, 2),
        ({"category_ids": (flood.pk,)}, 1),
        ({"channel_ids": (qlue.pk,)}, 1),
        ({"agency_ids": (dlh.pk,)}, 1),
        ({"agency_ids": (None,)}, 1),
        ({"agency_ids": (None, damkar.pk)}, 2),
        ({"agency_ids": (dlh.pk,), "category_ids": (make_category("sampah").pk,)}, 0),
    ):
        total = ask(city, **filters).total
        assert (total.now.open, total.period.reported) == (expected, expected), filters


def test_another_citys_reports_are_not_counted(city: City) -> None:
    other = make_city("kota-lain", west=108.0)
    report()
    report(area_code="kota-lain.1")
    assert ask(city).total.now.open == ask(other).total.now.open == 1


def test_groups_are_agencies_and_the_reports_that_have_none(city: City) -> None:
    dlh = make_agency(city, "dlh")
    make_agency(city, "idle")
    report(agency=dlh, due_at=after(1))
    report(agency=dlh)
    report(agency=None)
    found = ask(city, "agency")
    assert [group.key for group in found.groups] == [str(dlh.pk), None]
    assert (of(found, dlh.pk).now.open, of(found, dlh.pk).now.late) == (2, 1)
    assert (of(found, None).now.open, of(found, None).now.late) == (1, 0)
    assert found.total.now.open == 3


def test_areas_gather_what_lies_in_them_and_what_lies_in_none_is_apart(city: City) -> None:
    report(area_code="kota-uji.1.1")
    report(area_code="kota-uji.1.2")
    report(area_code="kota-uji.1")
    report(area_code="kota-uji")  # of no district
    districts = AreaLevel.objects.get(code="kecamatan").pk
    found = ask(city, "area", level_id=districts)
    first = city.areas.get(code="kota-uji.1").pk
    assert {group.key: group.now.open for group in found.groups} == {str(first): 3, None: 1}


def test_categories_and_channels_are_groups_too(city: City) -> None:
    flood, qlue = make_category("banjir"), make_channel("qlue")
    report(category=flood, channel=qlue)
    report()
    for by, one in (("category", flood), ("channel", qlue)):
        found = ask(city, by)
        assert (len(found.groups), of(found, one.pk).period.reported) == (2, 1)
