"""The admin's list of roles tells a city's administrator who can see nothing."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from geo.areas.models import City
from geo.models import Area, CityRole
from tests.factories import make_agency, make_city

pytestmark = pytest.mark.django_db
LIST = "/admin/geo/cityrole/"


@pytest.fixture
def city() -> City:
    return make_city()


@pytest.fixture
def administrator(city: City, client: Client) -> Client:
    client.force_login(role(city, "wali", "administrator").user)
    return client


def role(city: City, name: str, of: str = "officer", **more: Any) -> CityRole:
    user, _is_new = User.objects.get_or_create(username=name, defaults={"is_staff": True})
    return CityRole.objects.create(user=user, city=city, role=of, **more)


def warnings(client: Client) -> list[str]:
    """Of each line that the page warns with, its first word: how many they are."""
    return re.findall(r'<li class="warning">(\d+)', client.get(LIST).content.decode())


def test_an_administrator_is_told_how_many_officers_of_the_city_have_neither_agency_nor_area(
    city: City, administrator: Client
) -> None:
    role(city, "ani", agency=make_agency(city, "dlh"))
    role(city, "budi", area=Area.objects.get(code="kota-uji.1"))
    role(city, "citra", "planner")
    role(make_city("kota-lain", west=108.0), "orang-lain")
    assert warnings(administrator) == []
    role(city, "dewi")
    role(city, "eka")
    assert warnings(administrator) == ["2"]


def test_an_officer_who_was_given_an_agency_is_counted_no_more(city: City, administrator: Client) -> None:
    given = role(city, "dewi")
    assert warnings(administrator) == ["1"]
    CityRole.objects.filter(pk=given.pk).update(agency=make_agency(city, "dlh"))
    assert warnings(administrator) == []
