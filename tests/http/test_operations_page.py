"""`/operations/`: who gets the board, who is sent to sign in, who is told that they have no role."""

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from geo.areas.models import City
from geo.models import CityRole
from tests.factories import make_agency, make_city

pytestmark = pytest.mark.django_db


def signed_in(client: Client, city: City | None, role: str = "dispatcher", **more: Any) -> Client:
    user = User.objects.create(username="dewi", is_staff=True)
    if city is not None:
        CityRole.objects.create(user=user, city=city, role=role, **more)
    client.force_login(user)
    return client


def told(answer: Any, name: str) -> Any:
    found = re.search(rf'<script id="{name}" type="application/json">(.*?)</script>', answer.content.decode())
    assert found is not None
    return json.loads(found[1])


def test_the_public_is_sent_to_sign_in_and_comes_back_and_gets_no_cookie(client: Client, city: City) -> None:
    answer = client.get("/operations/?wall&lang=en")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/login/?next=%2Foperations%2F%3Fwall%26lang%3Den")
    assert answer.cookies == {}


def test_who_has_no_role_is_told_whom_to_ask(client: Client, city: City) -> None:
    answer = signed_in(client, None).get("/operations/?lang=en")
    assert answer.status_code == 403
    assert "You are signed in as dewi" in answer.content.decode()


def test_a_dispatcher_gets_the_board_of_their_city_and_what_writing_needs(client: Client, city: City) -> None:
    make_city("kota-lain", west=108.0)
    answer = signed_in(client, city).get("/operations/")
    me = told(answer, "me")
    assert answer.status_code == 200
    assert {name: me[name] for name in ("user", "city", "zone", "handles", "dispatches")} == {
        "user": "dewi",
        "city": "kota-uji",
        "zone": "Asia/Jakarta",
        "handles": True,
        "dispatches": True,
    }
    assert "csrftoken" in answer.cookies
    assert answer["Cache-Control"] == "private, no-store"


def test_an_officer_does_not_dispatch_and_a_mayor_does_not_handle(client: Client, city: City) -> None:
    signed_in(client, city, "officer", agency=make_agency(city))
    me = told(client.get("/operations/"), "me")
    assert (me["handles"], me["dispatches"]) == (True, False)
    CityRole.objects.update(role="mayor", agency=None)
    me = told(client.get("/operations/"), "me")
    assert (me["handles"], me["dispatches"]) == (False, False)


def test_a_city_in_which_they_have_no_role_is_not_opened(client: Client, city: City) -> None:
    make_city("kota-lain", west=108.0)
    assert told(signed_in(client, city).get("/operations/?city=kota-lain"), "me")["city"] == "kota-uji"


def test_without_a_city_it_says_so(client: Client) -> None:
    client.force_login(User.objects.create_superuser("admin"))
    answer = client.get("/operations/?lang=en")
    assert (answer.status_code, "This service has no city yet" in answer.content.decode()) == (200, True)


@pytest.mark.parametrize(("lang", "expected"), [("id", "id"), ("en", "en"), ("xx", "id")])
def test_the_language_is_the_links_else_the_services(client: Client, city: City, lang: str, expected: str) -> None:
    answer = signed_in(client, city).get(f"/operations/?lang={lang}", headers={"accept-language": "en"})
    assert (answer["Content-Language"], f'<html lang="{expected}">' in answer.content.decode()) == (expected, True)


@pytest.mark.parametrize("query", ["", "?wall"])
def test_there_is_no_inline_script_or_style(client: Client, city: City, query: str) -> None:
    page = signed_in(client, city).get(f"/operations/{query}").content.decode()
    assert re.findall(r'<script(?![^>]*(?:src=|type="application/json"))', page) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", page) == []
