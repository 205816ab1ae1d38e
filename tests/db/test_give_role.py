"""manage give_role: an account with a role in the city, by one command."""

from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from geo.areas.models import City
from geo.reports.access.principals import principal_of_user
from geo.reports.models import CityRole
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> City:
    return factories.make_city()


def given(*arguments: str) -> str:
    out = StringIO()
    call_command("give_role", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


def test_a_new_account_can_sign_in_with_the_printed_password_and_deals_with_its_city(city: City) -> None:
    password = given("dewi", "dispatcher")
    user = get_user_model().objects.get(username="dewi")
    assert user.check_password(password)
    assert principal_of_user(user).may_dispatch_in(city.pk)
    assert not user.is_superuser


def test_an_account_that_is_there_keeps_its_password_and_gets_an_officers_role(city: City) -> None:
    factories.make_agency(city, "dlh")
    get_user_model().objects.create_user("budi", password="kata sandi yang lama")
    assert given("budi", "officer", "--agency", "dlh") == ""
    user = get_user_model().objects.get(username="budi")
    assert user.check_password("kata sandi yang lama")
    assert user.is_staff
    assert list(CityRole.objects.values_list("user__username", "role", "agency__slug")) == [("budi", "officer", "dlh")]


def test_a_role_that_is_there_already_is_said_to_be_and_no_fault(city: City) -> None:
    given("dewi", "dispatcher")
    said = StringIO()
    call_command("give_role", "dewi", "dispatcher", stdout=StringIO(), stderr=said)
    assert said.getvalue().strip() == "dewi: dispatcher of kota-uji (the role is there already)"
    assert CityRole.objects.count() == 1


def test_a_token_for_nobody_says_how_an_account_is_made() -> None:
    with pytest.raises(CommandError, match=r"no user 'dewi'; \./pantau manage give_role makes an account"):
        call_command("create_token", "dewi", "QGIS")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("siti", "officer"), "An officer needs an agency, an area, or both."),
        (("siti", "officer", "--agency", "tidak-ada"), "which agency? tidak-ada was given; known are none"),
        (("siti", "dispatcher", "--city", "tidak-ada"), "which city? tidak-ada was given"),
        (("si ti", "dispatcher"), "Enter a valid username"),
    ],
)
def test_what_is_wrong_is_named_and_leaves_no_account(city: City, arguments: tuple[str, ...], says: str) -> None:
    with pytest.raises(CommandError, match=says.replace("?", r"\?")):
        given(*arguments)
    assert get_user_model().objects.count() == 0
