"""Who may write OGC API features, to what they have seen, and what OPTIONS tells them."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.gis.geos import Point
from django.test import Client

from geo.models import HistoryEntry, Report
from tests.factories import make_channel, make_city, make_report
from tests.http.ogc_writing import (
    GEOJSON,
    ITEMS,
    PATCH,
    allowed,
    at,
    feature,
    get,
    officer,
    own,
    refused,
    send,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city", "categories")]


# Who may


@pytest.mark.parametrize(("method", "is_item"), [("POST", 0), ("PUT", 1), ("PATCH", 1), ("DELETE", 1)])
def test_nobody_in_particular_may_change_nothing(client: Client, method: str, is_item: int) -> None:
    path = at(own()) if is_item else ITEMS
    kind = PATCH if method == "PATCH" else GEOJSON
    answer = send(client, method, path, feature(), kind=kind)
    refused(answer, 401)
    assert answer["WWW-Authenticate"] == 'ApiKey realm="X-Api-Key"'
    refused(send(client, method, path, feature(), "wrong.key", kind), 401)
    client.force_login(User.objects.create_user("warga"))
    refused(send(client, method, path, feature(), kind=kind), 403)


def test_a_channel_changes_its_own_reports_alone(client: Client, key: str) -> None:
    report = make_report(channel=make_channel("pot"))
    refused(send(client, "PUT", at(report), feature(), key), 403)
    refused(send(client, "PATCH", at(report), {"properties": {"category": "banjir"}}, key, PATCH), 403)
    refused(send(client, "DELETE", at(report), key=key), 403)
    assert Report.objects.get(pk=report.pk) == report
    assert HistoryEntry.objects.count() == 1


def test_an_officer_changes_the_reports_of_the_own_city(client: Client, city: Any) -> None:
    user = officer(client, city)
    report = own()
    assert send(client, "PATCH", at(report), {"properties": {"category": "banjir"}}, kind=PATCH).status_code == 200
    line = report.history.order_by("id").last()
    assert line is not None
    assert (line.action, line.user_id, line.channel_id) == ("revised", user.pk, None)
    assert send(client, "DELETE", at(report)).status_code == 204
    answer = send(client, "POST", ITEMS, feature())
    assert (answer.status_code, answer.json()["properties"]["channel"]) == (201, "staff")


def test_an_officer_of_another_city_is_refused(client: Client) -> None:
    makassar = make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    officer(client, makassar)
    report = own()
    for method in ("PUT", "PATCH", "DELETE"):
        refused(send(client, method, at(report), feature(), kind=PATCH if method == "PATCH" else GEOJSON), 403)
    refused(send(client, "POST", ITEMS, feature()), 403)
    assert Report.objects.get() == report
    there = make_report(location=Point(119.43, -5.15, srid=4326))
    body = {"geometry": {"coordinates": [106.93, -6.25]}}
    refused(send(client, "PATCH", at(there), body, kind=PATCH), 403)
    assert Report.objects.get(pk=there.pk).city == makassar
    assert HistoryEntry.objects.count() == 2


def test_staff_without_a_role_are_refused_and_superusers_are_not(client: Client) -> None:
    report = own()
    user = officer(client)
    refused(send(client, "POST", ITEMS, feature()), 403)
    refused(send(client, "DELETE", at(report)), 403)
    user.is_superuser = True
    user.save()
    assert send(client, "POST", ITEMS, feature()).status_code == 201
    assert send(client, "DELETE", at(report)).status_code == 204


def test_a_session_needs_its_csrf_token_and_a_key_needs_none(city: Any, key: str) -> None:
    client = Client(enforce_csrf_checks=True)
    officer(client, city)
    report = own()
    refused(send(client, "DELETE", at(report)), 403)
    refused(send(client, "POST", ITEMS, feature()), 403)
    assert Report.objects.get().is_public
    client.get("/admin/login/?next=/admin/")
    client.cookies["csrftoken"] = "a" * 32
    assert send(client, "POST", ITEMS, feature(), X_CSRFToken="a" * 32).status_code == 201
    assert send(Client(enforce_csrf_checks=True), "DELETE", at(report), key=key).status_code == 204


def test_a_closed_channels_key_is_refused(client: Client, key: str) -> None:
    report = own()
    make_channel("qlue")
    report.channel.is_active = False
    report.channel.save()
    refused(send(client, "DELETE", at(report), key=key), 401)


# OPTIONS, other collections


def test_options_tell_each_what_they_may_do(client: Client, key: str) -> None:
    mine, other = own(), make_report(channel=make_channel("pot"))
    reading = {"GET", "HEAD", "OPTIONS"}
    assert allowed(client, ITEMS) == allowed(client, at(mine)) == reading
    assert allowed(client, ITEMS, X_Api_Key=key) == {*reading, "POST"}
    assert allowed(client, at(mine), X_Api_Key=key) == {*reading, "PUT", "PATCH", "DELETE"}
    assert allowed(client, at(other), X_Api_Key=key) == reading
    assert client.options(ITEMS, headers={"X-Api-Key": key})["Accept-Post"] == "application/geo+json, application/json"
    assert client.options(at(mine), headers={"X-Api-Key": key})["Accept-Patch"] == PATCH
    assert "Accept-Post" not in client.options(ITEMS)
    assert client.options(f"{ITEMS}/nothing").status_code == 404
    assert client.options(ITEMS, headers={"X-Api-Key": "wrong.key"}).status_code == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE"])
def test_other_collections_are_read_only(client: Client, key: str, method: str) -> None:
    for path in ("/ogc/collections/districts/items", "/ogc/collections/districts/items/kota-uji.1"):
        answer = client.generic(method, path, headers={"X-Api-Key": key})
        refused(answer, 405)
        assert answer["Allow"] == "GET, HEAD, OPTIONS"
    assert allowed(client, "/ogc/collections/districts/items", X_Api_Key=key) == {"GET", "HEAD", "OPTIONS"}
    assert client.generic(method, "/ogc/collections/nothing/items").status_code == 404


def test_a_method_of_the_other_resource_is_a_405_that_says_which_are_there(client: Client, key: str) -> None:
    answer = send(client, "DELETE", ITEMS, key=key)
    refused(answer, 405)
    assert answer["Allow"] == "GET, HEAD, OPTIONS, POST"
    answer = send(client, "POST", at(own()), feature(), key)
    refused(answer, 405)
    assert answer["Allow"] == "GET, HEAD, OPTIONS, PUT, PATCH, DELETE"


def test_pages_of_other_origins_may_ask_with_a_key(client: Client) -> None:
    answer = client.options(ITEMS, headers={"Origin": "https://x.example", "Access-Control-Request-Method": "PUT"})
    assert {"PUT", "PATCH", "DELETE"} <= set(answer["Access-Control-Allow-Methods"].split(", "))
    assert {"If-Match", "Content-Crs", "X-Api-Key"} <= set(answer["Access-Control-Allow-Headers"].split(", "))
    assert {"Location", "Allow"} <= set(answer["Access-Control-Expose-Headers"].split(", "))


# Conditions


def test_a_change_is_made_only_to_what_was_seen(client: Client, key: str) -> None:
    report = own()
    seen = client.get(at(report))["ETag"]
    patch = {"properties": {"category": "banjir"}}
    make_report()
    # Other reports do not matter, though they change the data version.
    assert send(client, "PATCH", at(report), patch, key, PATCH, If_Match=seen).status_code == 200
    refused(send(client, "PATCH", at(report), {"properties": {"kind": "aspirasi"}}, key, PATCH, If_Match=seen), 412)
    refused(send(client, "PUT", at(report), feature(), key, If_Match=f'"other", {seen}'), 412)
    refused(send(client, "DELETE", at(report), key=key, If_Match=seen), 412)
    assert Report.objects.get(pk=report.pk).kind == "laporan"
    latest = client.head(at(report))["ETag"]
    assert send(client, "PUT", at(report), feature(), key, If_Match=f'"other", {latest}').status_code == 200
    assert send(client, "DELETE", at(report), key=key, If_Match="*").status_code == 204


def test_an_unchanged_feature_is_a_304_with_the_same_tag(client: Client) -> None:
    report = own()
    tag = client.get(at(report))["ETag"]
    again = client.get(at(report), headers={"If-None-Match": tag})
    assert (again.status_code, again["ETag"]) == (304, tag)
    make_report()
    assert client.get(at(report), headers={"If-None-Match": tag}).status_code == 200


def test_a_304_asks_for_the_data_version_alone(client: Client, django_assert_num_queries: Any) -> None:
    tag = client.get(at(report := own()))["ETag"]
    with django_assert_num_queries(1):
        assert client.get(at(report), headers={"If-None-Match": tag}).status_code == 304


# Addresses


def test_with_several_cities_the_location_names_the_city(client: Client, key: str) -> None:
    make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    there = {"type": "Point", "coordinates": [119.43, -5.15]}
    answer = send(client, "POST", ITEMS, feature(there), key)
    assert answer["Location"].endswith("?city=makassar")
    assert get(client, answer["Location"])["geometry"] == there
    path = answer["Location"].partition("?")[0]
    for address in (answer["Location"], path):
        body = {"properties": {"description": f"at {address}"}}
        assert send(client, "PATCH", address, body, key, PATCH).status_code == 200
    refused(send(client, "DELETE", f"{path}?city=kota-uji", key=key), 404)
    assert send(client, "DELETE", path, key=key).status_code == 204


def test_an_address_with_fixed_parameters_changes_what_it_shows(client: Client, key: str) -> None:
    report = own()
    banjir = f"/ogc/with/category=banjir/collections/reports/items/{report.public_id}"
    sampah = f"/ogc/with/category=sampah/collections/reports/items/{report.public_id}"
    refused(send(client, "DELETE", banjir, key=key), 404)
    assert send(client, "PATCH", sampah, {"properties": {"category": "banjir"}}, key, PATCH).status_code == 204
    assert send(client, "DELETE", banjir, key=key).status_code == 204
    answer = send(client, "POST", "/ogc/with/city=kota-uji/collections/reports/items", feature(), key)
    assert answer["Location"].startswith("http://testserver/ogc/with/city=kota-uji/collections/reports/items/")
    assert get(client, answer["Location"])["id"] == answer.json()["id"]
    answer = send(client, "POST", "/ogc/with/category=banjir/collections/reports/items", feature(), key)
    assert get(client, answer["Location"])["id"] == answer.json()["id"]
