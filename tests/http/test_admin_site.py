"""The admin as a whole: whose clock it goes by, and in which order it offers things."""

import re
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client

from geo.areas.models import City
from geo.models import CityRole
from tests.factories import make_city, make_report

pytestmark = pytest.mark.django_db
EVENING = datetime(2026, 3, 1, 20, 15, tzinfo=UTC)


def dispatcher(client: Client, *cities: City) -> Client:
    user = User.objects.create(username="poc", is_staff=True)
    for city in cities:
        CityRole.objects.create(user=user, city=city, role="dispatcher")
    client.force_login(user)
    return client


def page(client: Client, path: str = "/admin/") -> str:
    return client.get(path, headers={"Accept-Language": "en"}).content.decode()


def test_times_are_those_of_the_city_and_the_page_says_so(client: Client) -> None:
    city = make_city(timezone="Asia/Makassar")
    report = make_report(reported_at=EVENING, now=EVENING)
    dispatcher(client, city)
    shown = page(client, f"/admin/geo/report/{report.pk}/change/")
    assert "Times: WITA." in shown
    assert "March 2, 2026, 4:15 a.m." in shown


def test_somebody_of_cities_in_two_zones_reads_the_instance_s_time(client: Client) -> None:
    dispatcher(client, make_city(timezone="Asia/Makassar"), make_city("kota-lain", west=108.0))
    assert "Times: WIB." in page(client)


def test_api_goes_on_answering_in_utc_after_the_admin_was_asked(client: Client) -> None:
    city = make_city()
    report = make_report(reported_at=EVENING, now=EVENING)
    dispatcher(client, city)
    page(client)
    assert client.get(f"/api/reports/{report.public_id}/").json()["reported_at"] == "2026-03-01T20:15:00Z"


def test_menu_begins_with_what_a_dispatcher_works_on_all_day(client: Client) -> None:
    dispatcher(client, make_city())
    captions = re.findall(r'class="section"[^>]*>([^<]+)</a>', page(client))
    assert captions[:3] == ["Reports", "Duty desk", "Rules"]
    assert "Geo" not in captions
    models = re.findall(r'<th scope="row" id="reports-([a-z]+)">', page(client))
    assert models[0] == "report"


def test_menu_names_every_model_once(admin_client: Client) -> None:
    models = re.findall(r'<tr class="model-([a-z]+)', page(admin_client))
    assert len(models) == len(set(models))
    assert {"report", "observedproperty", "user", "savedanalysis"} <= set(models)


def test_page_that_a_role_does_not_open_says_what_to_do(client: Client) -> None:
    dispatcher(client, make_city())
    refused = client.get("/admin/auth/user/", headers={"Accept": "text/html", "Accept-Language": "en"})
    assert refused.status_code == 403
    assert "Your role does not allow this." in refused.content.decode()
