"""Reports that agencies hand to and fro: the arbiter, and the figures."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from geo.models import (
    Agency,
    City,
    CityRole,
    HistoryEntry,
    Report,
    RoutingPolicy,
)
from geo.operations.board.figures import Question
from geo.operations.routing.arbitration import waiting_for_decision
from geo.operations.routing.services import PingPong, ping_pong, reroute
from geo.reports.access.principals import Grant, Principal
from geo.reports.merging import merge_reports
from geo.reports.status import change_status
from geo.reports.workflow import Status
from server.core.errors import Conflict
from tests.db.routing_rules import ALL, LATER, agency_of, city, hand_over, in_area, rule
from tests.factories import NOW, make_agency, make_category, make_city

pytestmark = pytest.mark.django_db
__all__ = ["city"]


def officer_of(agency: Agency) -> Principal:
    return Principal(user_id=1000 + agency.pk, grants=(Grant("officer", agency.city_id, agency_id=agency.pk),))


@pytest.fixture
def arbiter(city: City) -> User:
    user = User.objects.create_user("wasit", is_staff=True)
    CityRole.objects.create(user=user, city=city, role="planner")
    RoutingPolicy.objects.create(city=city, arbiter=user)
    return user


def to_and_fro(city: City, times: int) -> tuple[Report, Agency, Agency]:
    """A report that dlh and dbm have handed to each other; the one that has it now, then the other."""
    report = in_area("kota-uji.1.1")
    here, there = city.agencies.get(slug="dlh"), make_agency(city, "dbm")
    for _n in range(times):
        hand_over(report, there, officer_of(here))
        here, there = there, here
    return report, here, there


def test_the_third_handover_calls_the_arbiter_and_not_the_second(city: City, arbiter: User) -> None:
    report, here, there = to_and_fro(city, 2)
    assert report.arbiter_id is None
    hand_over(report, there, officer_of(here))
    assert (report.arbiter_id, report.handover_count) == (arbiter.pk, 3)
    line = HistoryEntry.objects.get(action="arbitration")
    assert (line.user_id, line.old, line.new) == (1000 + here.pk, {"arbiter": None}, {"arbiter": arbiter.pk})


def test_officers_cannot_hand_over_what_the_arbiter_has(city: City, arbiter: User) -> None:
    report, here, there = to_and_fro(city, 3)
    with pytest.raises(Conflict):
        hand_over(report, there, officer_of(here))
    with pytest.raises(Conflict):
        change_status(report=report, status=Status.ASSIGNED, by=officer_of(here), now=LATER)
    assert agency_of(report) == here.slug


def test_the_arbiter_decides_and_the_counting_begins_anew(city: City, arbiter: User) -> None:
    report, here, there = to_and_fro(city, 3)
    decides = Principal(user_id=arbiter.pk, grants=(Grant("planner", city.pk),), origin="api")
    change_status(report=report, status=Status.ASSIGNED, by=decides, now=LATER, agency=there)
    report.refresh_from_db()
    assert (report.arbiter_id, agency_of(report), report.status) == (None, there.slug, "assigned")
    line = HistoryEntry.objects.get(action="arbitrated")
    assert (line.user_id, line.agency_id, line.origin) == (arbiter.pk, there.pk, "api")
    for _n in range(2):
        hand_over(report, here, officer_of(there))
        here, there = there, here
        assert report.arbiter_id is None
    hand_over(report, here, officer_of(there))
    assert report.arbiter_id == arbiter.pk


def test_the_arbiter_may_leave_it_where_it_is(city: City, arbiter: User) -> None:
    report, here, _there = to_and_fro(city, 3)
    decides = Principal(user_id=arbiter.pk, grants=(Grant("planner", city.pk),))
    change_status(report=report, status=Status.ASSIGNED, by=decides, now=LATER)
    report.refresh_from_db()
    assert (report.arbiter_id, agency_of(report)) == (None, here.slug)


def test_a_dispatchers_decision_ends_it_as_well(city: City, arbiter: User) -> None:
    report, _here, there = to_and_fro(city, 3)
    by = Principal(user_id=7, grants=(Grant("dispatcher", city.pk),))
    change_status(report=report, status=Status.ASSIGNED, by=by, now=LATER, agency=there)
    report.refresh_from_db()
    assert report.arbiter_id is None


def test_closing_it_lets_the_arbiter_go(city: City, arbiter: User) -> None:
    report, _here, _there = to_and_fro(city, 3)
    change_status(report=report, status=Status.REJECTED, by=ALL, now=LATER, note="Di luar kota.")
    report.refresh_from_db()
    assert report.arbiter_id is None


def test_merging_it_into_another_lets_the_arbiter_go(city: City, arbiter: User) -> None:
    report, _here, _there = to_and_fro(city, 3)
    merge_reports(parent=in_area("kota-uji.1.1"), children=[report], by=ALL, now=LATER)
    report.refresh_from_db()
    assert report.arbiter_id is None


def test_how_many_handovers_it_takes_is_the_citys_to_say(city: City, arbiter: User) -> None:
    RoutingPolicy.objects.update(handovers_before_arbiter=1)
    assert to_and_fro(city, 1)[0].arbiter_id == arbiter.pk


@pytest.mark.parametrize("left", ["no policy", "no arbiter", "no longer staff", "no role"])
def test_without_an_arbiter_it_stays_with_the_dispatchers_and_is_counted(city: City, arbiter: User, left: str) -> None:
    if left == "no policy":
        RoutingPolicy.objects.all().delete()
    elif left == "no arbiter":
        RoutingPolicy.objects.update(arbiter=None)
    elif left == "no longer staff":
        User.objects.update(is_active=False)
    else:
        CityRole.objects.all().delete()
    report, _here, _there = to_and_fro(city, 3)
    assert report.arbiter_id is None
    assert list(waiting_for_decision(city)) == [report]


def test_a_first_agency_and_applied_rules_are_no_handovers(city: City, arbiter: User) -> None:
    RoutingPolicy.objects.update(handovers_before_arbiter=1)
    make_category("lain")
    report = in_area("kota-uji.1.1", "lain")
    assert report.agency_id is None
    hand_over(report, city.agencies.get(slug="dlh"), ALL)
    rule(city, "umum")
    reroute(city=city, by=ALL, now=LATER)
    assert (report.arbiter_id, report.handover_count) == (None, 0)


def test_an_arbiter_is_staff_with_a_role_in_the_city(city: City, arbiter: User) -> None:
    RoutingPolicy.objects.get().full_clean()
    policy = RoutingPolicy(city=make_city("kota-lain", west=107.5), arbiter=arbiter)
    with pytest.raises(ValidationError) as refused:
        policy.full_clean()
    assert set(refused.value.message_dict) == {"arbiter"}


def period(city: City, start: datetime, end: datetime) -> Question:
    return Question(city_id=city.pk, start=start, end=end, now=NOW)


def test_ping_pong_counts_each_pair_of_agencies_over_its_period(city: City) -> None:
    report, here, there = to_and_fro(city, 3)
    once = in_area("kota-uji.1.1")
    assert (here.slug, there.slug) == ("dbm", "dlh")
    hand_over(once, here, officer_of(there))
    hand_over(report, there, officer_of(here), now=LATER + timedelta(days=2))
    # dlh to dbm, dbm to dlh, dlh to dbm; two days later dbm to dlh. The other report was handed on once only.
    first = ping_pong(period(city, NOW, NOW + timedelta(days=1)))
    assert first == [PingPong("dlh", "dbm", 2, 1), PingPong("dbm", "dlh", 1, 1)]
    later = ping_pong(period(city, NOW + timedelta(days=1), NOW + timedelta(days=3)))
    assert later == [PingPong("dbm", "dlh", 1, 1)]


def test_ping_pong_of_another_city_is_not_counted(city: City) -> None:
    to_and_fro(city, 2)
    assert ping_pong(period(make_city("kota-lain", west=107.5), NOW, NOW + timedelta(days=1))) == []
