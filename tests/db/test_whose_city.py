"""Who acts for a whole city, and who no longer acts at all: a dispatcher of one area, and an arbiter who has left."""

import pytest
from django.contrib.auth.models import User

from geo.models import Area, Report
from geo.reports.access.principals import Grant, Principal, Role
from geo.reports.workflow import Actor
from tests.factories import centre, make_city, make_report

pytestmark = pytest.mark.django_db


def test_a_dispatcher_of_one_area_has_its_reports_and_not_the_city() -> None:
    city = make_city()
    here, there = (make_report(location=centre(code)) for code in ("kota-uji.1.1", "kota-uji.2.1"))
    area = Area.objects.get(code="kota-uji.1.1")
    limited = Principal(user_id=1, grants=(Grant(Role.DISPATCHER, city.pk, area_id=area.pk),))
    assert limited.may_dispatch(here)
    assert not limited.may_dispatch(there)
    assert not limited.may_dispatch_in(city.pk)
    assert not limited.may_oversee_city(city.pk)
    whole = Principal(user_id=2, grants=(Grant(Role.DISPATCHER, city.pk),))
    assert whole.may_dispatch(there)
    assert whole.may_dispatch_in(city.pk)
    assert whole.may_oversee_city(city.pk)


def test_an_arbiter_who_has_left_decides_and_sees_nothing() -> None:
    make_city()
    report = make_report()
    user = User.objects.create_user("penengah")
    Report.objects.filter(pk=report.pk).update(arbiter=user, is_public=False)
    report.refresh_from_db()
    stays = Principal(user_id=user.pk, grants=(Grant(Role.PLANNER, report.city_id),))
    left = Principal(user_id=user.pk)
    assert stays.actors(report) == {Actor.DISPATCHER}
    assert Report.objects.handled_by(stays).get() == report
    assert left.actors(report) == frozenset()
    assert not Report.objects.visible_to(left).exists()
