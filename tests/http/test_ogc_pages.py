"""The OGC API's resources as pages for people."""

from typing import Any

import pytest
from django.test import Client

from geo.areas.models import City
from tests.factories import make_city, make_report

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> City:
    return make_city()


def page(client: Client, path: str) -> str:
    response = client.get(path, headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (response.status_code, response["Content-Type"]) == (200, "text/html; charset=utf-8"), path
    return response.content.decode()


@pytest.mark.parametrize(
    ("path", "shows"),
    [
        ("/ogc/", "/ogc/collections?f=html"),
        ("/ogc/conformance", "conf/oas30"),
        ("/ogc/api", "GET /collections/reports/items"),
        ("/ogc/collections", "/ogc/collections/reports?f=html"),
        ("/ogc/collections/reports", "/ogc/collections/reports/items?f=html"),
        ("/ogc/collections/reports/schema", "reported_at"),
        ("/ogc/collections/reports/queryables", "support_count"),
        ("/ogc/collections/districts/items", "Kota-Uji 1"),
        ("/ogc/collections/districts/items/kota-uji.1", "Kota-Uji 1"),
        ("/ogc/with/city=kota-uji/collections/districts", "/ogc/with/city=kota-uji/collections/districts/items?f=html"),
    ],
)
def test_each_resource_is_a_page_for_a_browser(client: Client, city: City, path: str, shows: str) -> None:
    assert shows in page(client, path)


def test_an_empty_layer_says_so(client: Client, city: City) -> None:
    assert "Tidak ada fitur yang cocok." in page(client, "/ogc/collections/reports/items")


def test_a_page_of_features_leads_to_the_next(client: Client, city: City) -> None:
    for _ in range(3):
        make_report()
    first = page(client, "/ogc/collections/reports/items?limit=2")
    follow = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "2 dari 3 fitur" in first
    assert 'rel="next"' not in page(client, follow.removeprefix("http://testserver"))


def test_times_on_a_page_are_the_citys(client: Client, city: City) -> None:
    make_report()  # 05:00 UTC
    assert "2026-03-01 12:00:00 WIB" in page(client, "/ogc/collections/reports/items")


def test_what_citizens_wrote_cannot_become_markup(client: Client, city: City) -> None:
    make_report(description="</script><script>alert(1)</script>")
    assert "<script>alert" not in page(client, "/ogc/collections/reports/items")


def test_an_unknown_form_is_refused(client: Client, city: City) -> None:
    response: Any = client.get("/ogc/collections?f=gml")
    assert (response.status_code, response.json()["parameter"]) == (400, "f")
