"""Who may see which reports."""

from typing import Any

import pytest
from django.contrib.gis.geos import Point

from geo.models import Report
from geo.reports.querysets import PUBLIC, Principal
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
    assert seen(Principal(is_staff=True, city_ids=frozenset({bekasi})), reports) == {"open", "hidden", "hidden of qlue"}
    assert seen(Principal(is_staff=True, city_ids=frozenset()), reports) == {"open"}
    assert seen(Principal(is_staff=True), reports) == set(reports)
