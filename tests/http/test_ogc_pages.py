"""The OGC API's resources as pages for people."""

from typing import Any

import pytest
from django.test import Client

from geo.areas.models import City
from tests.factories import make_observed_property, make_report

pytestmark = pytest.mark.django_db


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


def test_the_language_links_keep_the_question(client: Client, city: City) -> None:
    html = page(client, "/ogc/collections/reports/items?limit=2&sortby=-reported_at")
    assert "?limit=2&amp;sortby=-reported_at&amp;f=html&amp;lang=en" in html


def test_a_refusal_is_a_page_in_a_browser(client: Client, city: City) -> None:
    response = client.get("/ogc/collections/reports/items?limit=x", headers={"accept": "text/html"})
    assert (response.status_code, response["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert "limit must be a whole number" in response.content.decode()
    missing = client.get("/ogc/collections/nothing", headers={"accept": "text/html"})
    assert (missing.status_code, missing["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_a_refusal_is_a_problem_for_a_program(client: Client, city: City) -> None:
    for accept in ("*/*", "application/json"):
        response = client.get("/ogc/collections/nothing", headers={"accept": accept})
        assert response["Content-Type"] == "application/problem+json"


def test_a_layer_that_needs_a_parameter_is_offered_with_its_values(client: Client, city: City) -> None:
    make_observed_property("river_level")
    assert "/ogc/with/property=river_level/collections/correlation?f=html" in page(client, "/ogc/collections")
    assert "/layers/correlation.gpkg?property=river_level" in page(client, "/layers/")


def test_every_form_of_a_layer_is_linked_from_the_catalogue(client: Client, city: City) -> None:
    html = page(client, "/layers/")
    for ending in ("geojson", "csv", "gpkg", "shp.zip", "fgb", "parquet", "xlsx", "qlr"):
        assert f'href="http://testserver/layers/reports.{ending}"' in html


def test_the_map_of_a_page_is_in_degrees_whatever_crs_was_asked_for(client: Client, city: City) -> None:
    make_report()
    assert '"coordinates": [106.93, -6.25]' in page(client, "/ogc/collections/reports/items?crs=EPSG:3857")


SUMMARIES = {"en": "Reports: one feature", "id": "Laporan: satu fitur"}


@pytest.mark.parametrize(("asked", "language"), [("&lang=en", "en"), ("&lang=id", "id"), ("", "id")])
def test_the_definition_of_the_api_is_a_page_in_the_language_of_who_reads_it(
    client: Client, city: City, asked: str, language: str
) -> None:
    other = {"en": "id", "id": "en"}[language]
    text = page(client, f"/ogc/api?f=html{asked}")
    assert SUMMARIES[language] in text
    assert SUMMARIES[other] not in text
    assert ("The CRS of bbox, with its axis order." in text) == (language == "en")


@pytest.mark.parametrize(("asked", "language"), [("", "en"), ("?lang=en", "en"), ("?lang=id", "id")])
def test_the_definition_for_programs_is_english_unless_another_language_is_asked_for(
    client: Client, city: City, asked: str, language: str
) -> None:
    response = client.get(f"/ogc/api{asked}", headers={"accept-language": "id"})
    operation = response.json()["paths"]["/collections/reports/items/{featureId}"]
    assert operation["get"]["summary"] == SUMMARIES[language]
    assert (
        operation["delete"]["summary"]
        == {
            "en": "Reports: withdraw a feature",
            "id": "Laporan: tarik kembali fitur",
        }[language]
    )
    assert response["Content-Language"] == language
