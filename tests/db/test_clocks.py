"""Clocks in the database: both ways of reckoning agree, and deadlines follow reports, calendars and targets."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.urls import reverse

from geo.areas.models import City
from geo.models import Agency, CalendarException, HistoryEntry, Report, WorkingCalendar, WorkingInterval
from geo.operations.clocks.calendars import Span, WorkingTime
from geo.operations.clocks.services import Recomputed, keep_calendars, lay_out_calendar, recompute_deadlines
from geo.operations.clocks.sql_reckoning import SqlReckoning
from geo.reports.access.principals import Origin, Principal
from geo.reports.merging import merge_reports, split_report
from geo.reports.revision import revise_report
from geo.reports.status import change_status
from geo.reports.workflow import Status
from tests.factories import make_agency, make_category, make_city, make_report
from tests.unit.test_calendars import ALWAYS, OFFICE, at

pytestmark = pytest.mark.django_db
STAFF = Principal(is_superuser=True, origin=Origin.COMMAND)
NOW = at("03-01 12:00")


def make_calendar(city: City, slug: str = "kantor", week: Any = OFFICE, **more: Any) -> WorkingCalendar:
    values = {"name": slug, "is_default": False, "observes_holidays": False, "observes_joint_leave": False, **more}
    calendar = WorkingCalendar.objects.create(city=city, slug=slug, weekly_hours=week, **values)
    lay_out_calendar(calendar=calendar, now=NOW)
    calendar.refresh_from_db()
    return calendar


@pytest.fixture
def city() -> City:
    return make_city()


@pytest.fixture
def office(city: City) -> WorkingCalendar:
    return make_calendar(city, is_default=True)


@pytest.fixture
def dlh(city: City, office: WorkingCalendar) -> Agency:
    return make_agency(city, "dlh", make_category(sla_working_hours=10, response_working_hours=2))


@pytest.fixture
def bpbd(city: City, office: WorkingCalendar) -> Agency:
    agency = make_agency(city, "bpbd")
    Agency.objects.filter(pk=agency.pk).update(calendar=make_calendar(city, "siaga", ALWAYS))
    return agency


def report_at(text: str, **more: Any) -> Report:
    return make_report(now=at(text), reported_at=at(text), **more)


def step(report: Report, text: str, status: Status, **more: Any) -> Report:
    return change_status(report=report, status=status, by=STAFF, now=at(text), note="Alasan", **more)


def deadlines(report: Report) -> tuple[datetime | None, datetime | None]:
    report.refresh_from_db()
    return report.due_at, report.response_due_at


def test_both_ways_of_reckoning_agree_on_a_thousand_moments(city):
    saturday = {"date": date(2026, 3, 14), "kind": "open", "hours": [["08:00", "12:00"]], "name": "Kerja bakti"}
    calendar = make_calendar(city, observes_holidays=True, observes_joint_leave=True)
    CalendarException.objects.create(calendar=calendar, **saturday)
    assert lay_out_calendar(calendar=calendar, now=NOW)
    calendar.refresh_from_db()
    spans = list(calendar.intervals.order_by("starts_at").values_list("starts_at", "ends_at"))
    in_memory = WorkingTime(
        [Span(*span) for span in spans], since=calendar.laid_out_from, until=calendar.laid_out_until
    )
    rng = random.Random(20260305)
    edges = [edge for span in rng.sample(spans, 100) for edge in span]
    # Beyond both ends as well, where both know nothing.
    anywhere = [
        datetime(2015, 6, 1, tzinfo=UTC) + timedelta(seconds=rng.uniform(0, 23 * 365 * 86400)) for _ in range(800)
    ]
    moments = rng.sample([*edges, *anywhere], 1000)
    others = rng.sample(moments, 1000)
    works = [timedelta(seconds=rng.choice([0, 1, 3600, 27000, 135000, rng.uniform(0, 4e7)])) for _ in moments]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT geo_add_working(%(c)s, m, w), geo_working_between(%(c)s, m, o)"
            " FROM unnest(%(m)s::timestamptz[], %(o)s::timestamptz[], %(w)s::interval[]) WITH ORDINALITY AS g(m, o, w, n) ORDER BY n",
            {"c": calendar.pk, "m": moments, "o": others, "w": works},
        )
        in_sql = cursor.fetchall()
    expected = [(in_memory.add(m, w), in_memory.between(m, o)) for m, o, w in zip(moments, others, works, strict=True)]
    assert in_sql == expected
    assert 50 < sum(due is None for due, _between in expected) < 500


def test_a_deadline_is_a_few_looks_into_an_index(office):
    """Of 11,000 intervals in some 140 pages: reading them would show."""
    with connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)"
            " SELECT geo_add_working(%s, now(), interval '75 hours') FROM generate_series(1, 100)",
            [office.pk],
        )
        plan = cursor.fetchone()[0][0]["Plan"]
    assert WorkingInterval.objects.count() == 10958
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 100 * 20


def test_a_calendar_is_laid_out_anew_only_when_something_has_changed(city):
    calendar = make_calendar(city)
    before = list(WorkingInterval.objects.values_list("starts_at", "seconds_before"))
    assert not lay_out_calendar(calendar=calendar, now=NOW)
    calendar.weekly_hours = {"sat": [["08:00", "10:00"]]}
    calendar.save()
    assert lay_out_calendar(calendar=calendar, now=NOW)
    # The first Saturdays of 2016, in Jakarta.
    assert list(WorkingInterval.objects.order_by("starts_at").values_list("starts_at", "seconds_before")[:3]) == [
        (datetime(2016, 1, 2, 1, 0, tzinfo=UTC), 0),
        (datetime(2016, 1, 9, 1, 0, tzinfo=UTC), 7200),
        (datetime(2016, 1, 16, 1, 0, tzinfo=UTC), 14400),
    ]
    assert len(before) > WorkingInterval.objects.count()


def test_the_schedule_lays_out_another_year_and_says_so_once(city, office):
    next_year = NOW + timedelta(days=365)
    assert keep_calendars(NOW) == ""
    assert keep_calendars(next_year) == "1 calendars laid out anew, 0 deadlines changed"
    office.refresh_from_db()
    assert office.laid_out_until == datetime(2037, 12, 31, 17, 0, tzinfo=UTC)
    assert keep_calendars(next_year) == ""


def test_a_report_is_due_from_when_it_came_in(dlh):
    # Thursday 14:00: 2 h, Friday 7.5 h, Monday half an hour.
    assert deadlines(report_at("03-05 14:00")) == (at("03-09 08:00"), at("03-05 16:00"))


def test_the_agencys_own_calendar_comes_before_the_citys(city, bpbd):
    flood = make_category("banjir", sla_working_hours=10)
    make_agency(city, "bpbd", flood)
    assert deadlines(report_at("03-07 20:00", category=flood)) == (at("03-08 06:00"), None)


def test_a_category_without_targets_has_those_above_it_each_for_itself(dlh):
    child = make_category("sampah-menumpuk", parent=make_category(), sla_working_hours=1)
    grandchild = make_category("sampah-pasar", parent=child)
    make_category("banjir")
    # 1 h of its parent, and 2 h of the topmost for a first response.
    assert deadlines(report_at("03-09 08:00", category=grandchild)) == (at("03-09 09:00"), at("03-09 10:00"))
    assert deadlines(report_at("03-09 08:00", category=make_category("banjir"))) == (None, None)


def test_a_city_without_a_calendar_has_no_deadlines(city):
    assert deadlines(report_at("03-09 08:00", category=make_category(sla_working_hours=10))) == (None, None)


def test_a_target_beyond_the_years_of_a_calendar_does_not_keep_a_report_out(city, office, caplog):
    endless = make_category("abadi", sla_working_hours=1_000_000, response_working_hours=1)
    report = report_at("03-09 08:00", category=endless)
    assert deadlines(report) == (None, at("03-09 09:00"))
    step(report, "03-09 08:30", Status.IN_PROGRESS)
    assert deadlines(report) == (None, at("03-09 09:00"))
    assert "beyond the years of its calendar" in caplog.text
    assert recompute_deadlines(by=STAFF, now=NOW) == Recomputed(read=1, changed=0, beyond=1)


def test_the_clock_stands_while_a_report_waits(dlh):
    report = report_at("03-09 08:00")
    step(report, "03-09 09:00", Status.ASSIGNED)
    assert step(report, "03-09 14:00", Status.WAITING).due_at is None
    # 5 h are left: Wednesday 9 to 12 and 13 to 15.
    assert step(report, "03-11 09:00", Status.IN_PROGRESS).due_at == at("03-11 15:00")
    assert deadlines(report) == (at("03-11 15:00"), at("03-09 10:00"))


def test_a_closed_report_keeps_its_deadline_and_a_reopened_one_gets_a_new_one(dlh):
    report = report_at("03-09 08:00")
    step(report, "03-09 09:00", Status.IN_PROGRESS)
    step(report, "03-10 09:00", Status.RESOLVED)
    assert deadlines(report)[0] == at("03-10 10:30")
    step(report, "03-13 15:30", Status.REOPENED)
    assert deadlines(report) == (at("03-17 09:00"), at("03-09 10:00"))


def test_what_is_left_goes_on_in_the_calendar_of_who_takes_over(dlh, bpbd):
    report = report_at("03-09 08:00")
    step(report, "03-09 15:00", Status.COORDINATION, agency=bpbd)
    assert deadlines(report)[0] == at("03-09 19:00")
    step(report, "03-09 18:00", Status.COORDINATION, agency=dlh)
    assert deadlines(report)[0] == at("03-10 08:30")


def test_a_merged_report_keeps_its_own_clock_and_starts_anew_when_it_is_split_from_a_closed_one(dlh):
    parent, child = report_at("03-05 14:00"), report_at("03-09 08:00")
    merge_reports(parent=parent, children=[child], by=STAFF, now=at("03-09 08:10"))
    assert deadlines(child)[0] == at("03-10 10:30")
    step(parent, "03-09 08:20", Status.IN_PROGRESS)
    step(parent, "03-09 08:30", Status.RESOLVED)
    assert (deadlines(parent)[0], deadlines(child)[0]) == (at("03-09 08:00"), at("03-10 10:30"))
    assert list(Report.objects.late(at("03-20 08:00"))) == [parent]
    split_report(report=child, by=STAFF, now=at("03-13 15:30"))
    assert deadlines(child)[0] == at("03-17 09:00")


def test_a_report_that_is_said_to_be_about_something_else_is_due_as_such(city, dlh):
    report = report_at("03-09 08:00")
    urgent = make_category("banjir", sla_working_hours=3, response_working_hours=1)
    revise_report(report=report, by=STAFF, now=at("03-09 08:30"), category=urgent)
    # From when it came in, not from when it was corrected.
    assert deadlines(report) == (at("03-09 11:00"), at("03-09 09:00"))


@pytest.mark.parametrize(
    ("closed_at", "now", "is_late"),
    [
        (None, "03-10 10:30", False),
        (None, "03-10 10:31", True),
        ("03-10 10:30", "03-20 08:00", False),
        ("03-10 10:31", "03-20 08:00", True),
    ],
)
def test_late_is_a_comparison(dlh, closed_at, now, is_late):
    report = report_at("03-09 08:00")
    Report.objects.filter(pk=report.pk).update(closed_at=at(closed_at) if closed_at else None)
    assert Report.objects.late(at(now)).exists() == is_late


@pytest.mark.parametrize(
    ("responded_at", "now", "is_late"),
    [
        (None, "03-09 10:00", False),
        (None, "03-09 10:01", True),
        ("03-09 10:00", "03-20 08:00", False),
        ("03-09 10:01", "03-20 08:00", True),
    ],
)
def test_so_is_a_late_response(dlh, responded_at, now, is_late):
    report = report_at("03-09 08:00")
    Report.objects.filter(pk=report.pk).update(responded_at=at(responded_at) if responded_at else None)
    assert Report.objects.response_late(at(now)).exists() == is_late


def test_what_has_no_deadline_is_never_late(city):
    report_at("03-09 08:00")
    assert not Report.objects.late(at("12-01 08:00")).exists()
    assert not Report.objects.response_late(at("12-01 08:00")).exists()


@pytest.fixture
def leave(office: WorkingCalendar) -> Callable[[], CalendarException]:
    """Tuesday the 10th becomes a day of local leave."""
    return lambda: CalendarException.objects.create(
        calendar=office, date=date(2026, 3, 10), kind="closed", name="Hari jadi"
    )


def test_a_change_of_calendar_reaches_open_reports_by_recomputing_and_a_second_time_changes_nothing(dlh, leave):
    report, closed = report_at("03-09 08:00"), report_at("03-09 08:00")
    step(closed, "03-09 09:00", Status.IN_PROGRESS)
    step(closed, "03-09 09:30", Status.RESOLVED)
    updated_at = Report.objects.get(pk=report.pk).updated_at
    leave()
    assert recompute_deadlines(by=STAFF, now=NOW, is_dry_run=True) == Recomputed(read=1, changed=1)
    assert deadlines(report)[0] == at("03-10 10:30")
    assert recompute_deadlines(by=STAFF, now=NOW) == Recomputed(read=1, changed=1)
    # 7 h on Monday, none on Tuesday, 3 h on Wednesday.
    assert deadlines(report) == (at("03-11 10:30"), at("03-09 10:00"))
    assert deadlines(closed)[0] == at("03-10 10:30")
    assert report.updated_at == updated_at
    assert recompute_deadlines(by=STAFF, now=NOW) == Recomputed(read=1, changed=0)
    line = HistoryEntry.objects.get(action="deadlines")
    assert (line.report_id, line.agency, line.origin) == (report.pk, dlh, "command")
    assert (line.old["due_at"], line.new["due_at"]) == ("2026-03-10T03:30:00+00:00", "2026-03-11T03:30:00+00:00")
    assert recompute_deadlines(by=STAFF, now=NOW, include_closed=True) == Recomputed(read=2, changed=1)
    assert deadlines(closed)[0] == at("03-11 10:30")


def test_a_step_after_a_change_of_calendar_goes_by_the_new_one(dlh, leave, office):
    report = report_at("03-09 08:00")
    leave()
    lay_out_calendar(calendar=office, now=NOW)
    step(report, "03-09 09:00", Status.ASSIGNED)
    assert deadlines(report)[0] == at("03-11 10:30")


def test_recomputing_a_calendar_reaches_reports_that_its_agencies_have_or_had_and_no_others(dlh, bpbd, leave, office):
    mine, handed = report_at("03-09 08:00"), report_at("03-09 08:00")
    step(handed, "03-09 15:00", Status.COORDINATION, agency=bpbd)
    other = report_at("03-09 08:00")
    Report.objects.filter(pk=other.pk).update(agency=bpbd)
    siaga = WorkingCalendar.objects.get(slug="siaga")
    assert recompute_deadlines(by=STAFF, now=NOW, calendar=siaga).read == 2
    assert recompute_deadlines(by=STAFF, now=NOW, calendar=office).read == 3
    assert mine.agency == dlh


def test_recomputing_holds_intake_up_for_five_hundred_reports_at_a_time_at_most(dlh):
    report = report_at("03-02 08:00")
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO geo_report (public_id, city_id, channel_id, kind, category_id, description, public_description,
                location_flag, reported_at, received_at, updated_at, status, is_public, support_count, address, attributes)
            SELECT 'r' || i, city_id, channel_id, kind, category_id, '', '', location_flag, reported_at, received_at, updated_at,
                status, true, 0, '', '{}'
            FROM geo_report, generate_series(1, 1100) i WHERE id = %s
            """,
            [report.pk],
        )
    sizes: list[int] = []
    done = recompute_deadlines(by=STAFF, now=NOW, on_progress=sizes.append)
    assert done == Recomputed(read=1101, changed=1100)
    assert sizes == [500, 500, 101]


def test_recomputing_leaves_other_cities_alone(dlh):
    away = make_city("kota-lain", west=110.0)
    report_at("03-09 08:00")
    assert recompute_deadlines(by=STAFF, now=NOW, city=away).read == 0


def test_a_report_that_came_in_without_targets_gets_them_when_they_are_set(city, office, capsys):
    category = make_category()
    report = report_at("03-09 08:00", category=category)
    assert deadlines(report) == (None, None)
    category.sla_working_hours = 10
    category.save()
    call_command("recompute_deadlines", city=city.slug, calendar="kantor", verbosity=0)
    assert "read 1: deadlines changed 1" in capsys.readouterr().out
    assert deadlines(report)[0] == at("03-10 10:30")


def test_the_command_counts_in_a_dry_run_and_names_what_it_does_not_know(dlh, capsys):
    report_at("03-09 08:00")
    call_command("recompute_deadlines", dry_run=True, all=True, verbosity=0)
    assert capsys.readouterr().out == "read 1: deadlines would change 0\n"
    with pytest.raises(CommandError, match="no calendar 'pasar'"):
        call_command("recompute_deadlines", calendar="pasar")


def test_sql_knows_nothing_of_a_calendar_that_is_not_laid_out(city):
    calendar = WorkingCalendar.objects.create(city=city, slug="baru", name="Baru", weekly_hours=OFFICE)
    assert SqlReckoning(calendar.pk).add(NOW, timedelta(hours=1)) is None
    assert SqlReckoning(calendar.pk).between(NOW, NOW) is None


def calendar_form(calendar: WorkingCalendar, hours: str) -> dict[str, Any]:
    values = {"city": calendar.city_id, "slug": calendar.slug, "name": calendar.name, "is_default": "on"}
    inline = {"exceptions-TOTAL_FORMS": "0", "exceptions-INITIAL_FORMS": "0"}
    return {**values, **inline, "weekly_hours": hours}


def test_the_admin_lays_out_what_it_saves_and_recomputes_when_it_is_told(admin_client, dlh, office):
    report = report_at("03-09 08:00")
    page = reverse("admin:geo_workingcalendar_change", args=[office.pk])
    refused = admin_client.post(page, calendar_form(office, '{"mon": [["16:00", "08:00"]]}'))
    assert b"is no pair of times" in refused.content or "bukan pasangan" in refused.content.decode()
    admin_client.post(page, calendar_form(office, '{"mon": [["08:00", "14:00"]]}'))
    assert deadlines(report)[0] == at("03-10 10:30")
    chosen = {"action": "recompute", "_selected_action": [office.pk]}
    admin_client.post(reverse("admin:geo_workingcalendar_changelist"), chosen)
    # 6 h on this Monday and 4 h on the next.
    assert deadlines(report)[0] == at("03-16 12:00")
    assert HistoryEntry.objects.get(action="deadlines").origin == "admin"
