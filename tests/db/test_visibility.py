"""Who may see which reports."""

from typing import Any

import pytest
from django.contrib.gis.geos import Point

from geo.models import Report
from geo.reports.access.principals import PUBLIC, Grant, Link, Principal
from geo.reports.workflow import Actor
from tests.factories import make_channel, make_city, make_report

pytestmark = pytest.mark.django_db


@pytest.fixture
def reports() -> dict[str, Report]:
    make_city()
    make_city("makassar", west=119.4, south=-5.2)
    qlue = make_channel("qlue")
    there = Point(119.43, -5.15, srid=4326)
    return {
        "open": make_report(),
        "hidden": make_report(is_public=False),
        "hidden of qlue": make_report(channel=qlue, is_public=False),
        "hidden in makassar": make_report(location=there, is_public=False),
    }


def seen(principal: Principal, reports: dict[str, Report]) -> set[str]:
    found = set(Report.objects.visible_to(principal))
    return {name for name, report in reports.items() if report in found}


def test_public_sees_what_is_public(reports: Any) -> None:
    assert seen(PUBLIC, reports) == {"open"}


def test_channel_sees_its_own_as_well(reports: Any) -> None:
    assert seen(Principal(channel=make_channel("qlue")), reports) == {"open", "hidden of qlue"}
    assert seen(Principal(channel=make_channel("pot")), reports) == {"open"}


def test_staff_see_all_of_the_cities_in_which_they_have_a_role(reports: Any) -> None:
    bekasi = reports["open"].city_id
    assert seen(Principal(grants=(Grant("dispatcher", bekasi),)), reports) == {"open", "hidden", "hidden of qlue"}
    assert seen(Principal(user_id=9), reports) == {"open"}
    assert seen(Principal(is_superuser=True), reports) == set(reports)


def test_a_channel_whose_key_does_not_read_sees_what_the_public_sees(reports: Any) -> None:
    qlue = make_channel("qlue")
    assert seen(Principal(channel=qlue, scopes=frozenset({"submit"})), reports) == {"open"}
    assert seen(Principal(channel=qlue, scopes=frozenset({"read"})), reports) == {"open", "hidden of qlue"}


def test_what_a_key_may_do_is_within_its_scopes(reports: Any) -> None:
    own = reports["hidden of qlue"]
    sends, revises = (Principal(channel=own.channel, scopes=frozenset({scope})) for scope in ("submit", "revise"))
    assert (sends.may_submit, sends.may_change(own)) == (True, False)
    assert (revises.may_submit, revises.may_change(own)) == (False, True)


def test_the_contact_is_for_those_who_deal_with_the_report_and_for_no_link(reports: Any) -> None:
    report, city_id = reports["open"], reports["open"].city_id
    dispatcher = Principal(user_id=9, grants=(Grant("dispatcher", city_id),))
    mayor = Principal(user_id=9, grants=(Grant("mayor", city_id),))
    linked = Principal(link=Link(report.pk, Actor.OFFICER, report.agency_id))
    assert [by.may_see_contact(report) for by in (dispatcher, mayor, linked, PUBLIC)] == [True, False, False, False]


def test_a_dispatcher_of_one_city_who_is_mayor_of_another_deals_with_nothing_there(reports: Any) -> None:
    bekasi, there = reports["open"].city_id, reports["hidden in makassar"]
    both = Principal(user_id=9, grants=(Grant("dispatcher", bekasi), Grant("mayor", there.city_id)))
    assert seen(both, reports) == set(reports)
    assert (both.may_oversee(there), both.may_handle(there), both.may_see_contact(there)) == (True, False, False)
