"""What a step asks for is not got round by merging, splitting, correcting or an old form. On a real PostGIS."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import translation

from geo.models import Agency, City, Report, RoutingPolicy
from geo.reports.access.principals import Grant, Principal, Role
from geo.reports.evidence.services import add_evidence
from geo.reports.merging import merge_reports, split_report
from geo.reports.revision import revise_report
from geo.reports.status import ChangedMeanwhile, change_status
from geo.reports.workflow import Status
from server.core.errors import Conflict, Forbidden, InvalidFields, PantauError
from tests.factories import NOW, centre, make_agency, make_category, make_channel, make_city, make_report
from tests.pictures import shot
from tests.workflow_paths import bring_to, take_step

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)
DISPATCHER = Principal(is_superuser=True, user_id=7)


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def city() -> City:
    return make_city()


@pytest.fixture
def dlh(city: City) -> Agency:
    return make_agency(city, "dlh", make_category())


@pytest.fixture
def officer(dlh: Agency) -> Principal:
    user = User.objects.create_user("petugas", is_staff=True)
    return Principal(user_id=user.pk, grants=(Grant(Role.OFFICER, dlh.city_id, dlh.pk),), origin="api")


def now_of(report: Report) -> tuple[str, int | None]:
    return Report.objects.values_list("status", "duplicate_of_id").get(pk=report.pk)


@pytest.mark.parametrize("closed", ["resolved", "rejected"])
def test_an_officer_closes_no_report_by_merging_it_into_a_closed_one(officer: Principal, closed: str) -> None:
    done, late = bring_to(make_report(), closed), make_report()
    with pytest.raises(Conflict, match="is open and cannot follow"):
        merge_reports(parent=done, children=[late], by=officer, now=LATER)
    assert now_of(late) == ("submitted", None)


@pytest.mark.parametrize("closed", ["resolved", "rejected", "duplicate"])
def test_nobody_closes_a_report_that_its_reporter_reopened_by_merging_it_into_a_closed_one(
    city: City, closed: str
) -> None:
    done, reopened = bring_to(make_report(), closed), bring_to(make_report(), "reopened")
    with pytest.raises(Conflict) as refused:
        merge_reports(parent=done, children=[reopened], by=DISPATCHER, now=LATER)
    assert refused.value.detail == (
        f"Report {reopened.public_id} is open and cannot follow {done.public_id}, which is closed: "
        "reopen that one first, or merge the other way round."
    )
    assert now_of(reopened) == ("reopened", None)


def test_a_closed_report_follows_a_closed_one_and_the_other_way_round_an_open_one(city: City) -> None:
    done, rejected, reopened = (bring_to(make_report(), status) for status in ("resolved", "rejected", "reopened"))
    merge_reports(parent=done, children=[rejected], by=DISPATCHER, now=LATER)
    assert now_of(rejected) == ("resolved", done.pk)
    merge_reports(parent=reopened, children=[done], by=DISPATCHER, now=LATER)
    assert now_of(done) == now_of(rejected) == ("reopened", reopened.pk)


def test_an_officer_opens_no_closed_report_by_merging_it_into_an_open_one(officer: Principal) -> None:
    parent, done = make_report(), bring_to(make_report(), "resolved")
    with pytest.raises(Forbidden):
        merge_reports(parent=parent, children=[done], by=officer, now=LATER)
    assert now_of(done) == ("resolved", None)


def test_an_officer_gets_no_new_time_by_splitting_a_report_from_a_closed_one(officer: Principal) -> None:
    parent, late = make_report(), make_report()
    merge_reports(parent=parent, children=[late], by=officer, now=LATER)
    bring_to(parent, "resolved", now=LATER)
    with pytest.raises(Forbidden):
        split_report(report=late, by=officer, now=LATER + timedelta(days=3))
    assert now_of(late) == ("resolved", parent.pk)
    split_report(report=late, by=DISPATCHER, now=LATER + timedelta(days=3))
    assert now_of(late) == ("submitted", None)


def test_an_officer_merges_open_reports_and_splits_them_again(officer: Principal) -> None:
    parent, child = bring_to(make_report(), "in_progress"), make_report()
    merge_reports(parent=parent, children=[child], by=officer, now=LATER)
    assert now_of(child) == ("in_progress", parent.pk)
    split_report(report=child, by=officer, now=LATER)
    assert now_of(child) == ("submitted", None)


def test_an_officer_takes_no_report_from_its_arbiter_by_merging_it(city: City, dlh: Agency, officer: Principal) -> None:
    arbiter = User.objects.create_user("penengah", is_staff=True)
    arbiter.city_roles.create(city=city, role="planner")
    RoutingPolicy.objects.create(city=city, arbiter=arbiter, handovers_before_arbiter=1)
    bpbd = make_agency(city, "bpbd")
    passed_on, own = bring_to(make_report(), "assigned", agency=bpbd), make_report()
    take_step(passed_on, "coordination", agency=dlh)
    assert Report.objects.get(pk=passed_on.pk).arbiter_id == arbiter.pk
    with pytest.raises(Conflict, match="Its arbiter decides now"):
        merge_reports(parent=own, children=[passed_on], by=officer, now=LATER)
    assert Report.objects.get(pk=passed_on.pk).arbiter_id == arbiter.pk


def test_a_group_is_resolved_with_the_photo_that_any_of_it_asks_for(city: City, officer: Principal) -> None:
    parent = bring_to(make_report(), "in_progress")
    child = make_report(category=make_category("jalan", needs_evidence=True))
    merge_reports(parent=parent, children=[child], by=DISPATCHER, now=LATER)
    with pytest.raises(InvalidFields) as refused:
        change_status(report=parent, status=Status.RESOLVED, by=officer, now=LATER, note="Selesai")
    assert list(refused.value.fields) == ["evidence"]
    add_evidence(report=parent, photo=shot(), by=officer, now=LATER)
    change_status(report=parent, status=Status.RESOLVED, by=officer, now=LATER, note="Selesai")
    assert now_of(child) == ("resolved", parent.pk)


def test_a_report_that_is_split_to_wait_for_its_first_response_has_had_none(officer: Principal) -> None:
    parent, child = bring_to(make_report(), "in_progress"), make_report()
    merge_reports(parent=parent, children=[child], by=officer, now=LATER)
    assert Report.objects.get(pk=child.pk).responded_at == LATER
    split_report(report=child, by=officer, now=LATER)
    assert Report.objects.get(pk=child.pk).responded_at is None


def test_a_report_that_was_answered_before_it_was_merged_stays_answered_when_it_is_split(officer: Principal) -> None:
    parent, child = make_report(), bring_to(make_report(), "in_progress")
    merge_reports(parent=parent, children=[child], by=officer, now=LATER)
    split_report(report=child, by=officer, now=LATER)
    assert Report.objects.get(pk=child.pk).responded_at == NOW


def test_an_officer_hands_no_report_over_by_correcting_its_category(
    city: City, dlh: Agency, officer: Principal
) -> None:
    flood = make_category("banjir")
    make_agency(city, "bpbd", flood)
    report = bring_to(make_report(), "in_progress")
    with pytest.raises(Forbidden):
        revise_report(report=report, by=officer, now=LATER, category=flood)
    report.refresh_from_db()
    assert (report.agency, report.category.slug) == (dlh, "sampah")


def test_an_officer_escapes_no_photo_and_no_deadline_by_correcting_the_category(
    city: City, dlh: Agency, officer: Principal
) -> None:
    easy = make_category("lain-lain", sla_working_hours=1000)
    make_agency(city, "dlh", easy)
    report = make_report()
    with pytest.raises(Forbidden):
        revise_report(report=report, by=officer, now=LATER, category=easy)
    revise_report(report=report, by=officer, now=LATER, description="Diperjelas")
    assert Report.objects.get(pk=report.pk).category.slug == "sampah"


def test_an_officer_hands_no_report_over_by_moving_its_place(city: City, dlh: Agency, officer: Principal) -> None:
    from geo.models import Area, RoutingRule

    elsewhere = make_agency(city, "kelurahan")
    RoutingRule.objects.create(city=city, area=Area.objects.get(code="kota-uji.2"), agency=elsewhere, position=1)
    report = make_report()
    with pytest.raises(Forbidden):
        revise_report(report=report, by=officer, now=LATER, location=centre("kota-uji.2.1"))
    revise_report(report=report, by=officer, now=LATER, location=centre("kota-uji.1.2"))
    assert Report.objects.get(pk=report.pk).agency == dlh


def test_dispatchers_and_its_channel_correct_a_category(city: City, dlh: Agency) -> None:
    flood = make_category("banjir")
    bpbd = make_agency(city, "bpbd", flood)
    dispatcher = Principal(user_id=12, grants=(Grant(Role.DISPATCHER, city.pk),))
    for by in (dispatcher, Principal(channel=make_channel())):
        report = make_report()
        revise_report(report=report, by=by, now=LATER, category=flood)
        assert Report.objects.get(pk=report.pk).agency == bpbd


@pytest.mark.parametrize(
    ("role", "told"), [("planner", Forbidden), ("mayor", Forbidden), ("officer", ChangedMeanwhile)]
)
def test_what_was_done_last_is_told_to_those_alone_who_deal_with_reports(
    city: City, dlh: Agency, role: str, told: type[PantauError]
) -> None:
    report: Any = make_report()
    other = make_agency(city, "bpbd")
    by = Principal(user_id=13, grants=(Grant(role, city.pk, other.pk if role == "officer" else None),))
    with pytest.raises(told):
        change_status(report=report, status=Status.IN_PROGRESS, by=by, now=LATER, as_of=NOW - timedelta(days=1))
