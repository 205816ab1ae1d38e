"""Staff see what is not public in their own cities only."""

import pytest

from geo.models import Report
from geo.reports.querysets import PUBLIC, Principal
from tests.factories import centre, make_channel, make_city, make_report

pytestmark = pytest.mark.django_db


def test_staff_of_one_city_do_not_see_the_hidden_reports_of_another() -> None:
    here = make_city()
    make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar")
    mine = make_report(is_public=False)
    make_report(location=centre("makassar.1.1"), is_public=False)
    officer = Principal(is_staff=True, city_ids=frozenset({here.pk}))
    assert list(Report.objects.visible_to(officer)) == [mine]
    assert Report.objects.visible_to(Principal(is_staff=True)).count() == 2
    assert not Report.objects.visible_to(PUBLIC).exists()


def test_a_channel_sees_its_own_hidden_reports() -> None:
    make_city()
    qlue = make_channel("qlue")
    own = make_report(channel=qlue, is_public=False)
    make_report(channel=make_channel("pot"), is_public=False)
    assert list(Report.objects.visible_to(Principal(channel=qlue))) == [own]
