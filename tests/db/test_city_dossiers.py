"""The dossier of a whole city is there for the city at a glance without anybody asking for it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from geo.analysis.models import ResultSet
from geo.areas.models import City
from geo.layers.analyses.city_dossiers import keep_city_dossiers
from geo.operations.glance.gathering import glance_of
from geo.schedule import JOBS
from tests.factories import make_city, make_report

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> City:
    city = make_city()
    make_report(now=timezone.now() - timedelta(days=3))
    return city


def test_it_is_computed_once_and_anew_after_six_hours(city: City) -> None:
    now = timezone.now()
    assert keep_city_dossiers(now) == city.slug
    result = ResultSet.objects.get()
    assert (result.analysis, result.state) == ("district-dossier", "ready")
    assert keep_city_dossiers(now + timedelta(hours=5)) == ""
    assert keep_city_dossiers(now + timedelta(hours=7)) == city.slug


def test_the_city_at_a_glance_tells_from_it(city: City) -> None:
    now = timezone.now()
    assert glance_of(city, now).computed is None
    keep_city_dossiers(now)
    computed = glance_of(city, now).computed
    assert computed is not None
    assert computed.as_of == ResultSet.objects.get().as_of


def test_somebodys_own_question_is_not_taken_for_it(city: City) -> None:
    now = timezone.now()
    keep_city_dossiers(now)
    ResultSet.objects.update(parameters={**ResultSet.objects.get().parameters, "category": ["banjir"]})
    assert keep_city_dossiers(now + timedelta(minutes=10)) == city.slug


def test_one_that_failed_is_tried_again(city: City) -> None:
    now = timezone.now()
    keep_city_dossiers(now)
    ResultSet.objects.update(state="failed")
    assert keep_city_dossiers(now + timedelta(minutes=10)) == city.slug


def test_where_nobody_has_reported_there_is_none() -> None:
    make_city()
    assert keep_city_dossiers(timezone.now()) == ""
    assert not ResultSet.objects.exists()


def test_the_schedule_keeps_them() -> None:
    assert [job.every for job in JOBS if job.run is keep_city_dossiers] == [timedelta(minutes=10)]
