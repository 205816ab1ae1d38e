"""Duplicates over HTTP: named on intake and on demand, supported instead of added, merged and split by officers."""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.gis.geos import Point
from django.db import connections
from django.test import Client

from geo.areas.models import City
from geo.models import Category, CityRole, Report
from tests.factories import make_category, make_city, make_report

pytestmark = pytest.mark.django_db
URL = "/api/reports/"
LON, LAT = 106.93, -6.25


@pytest.fixture(autouse=True)
def city() -> City:
    make_category("sampah")
    return make_city()


def report(**more: Any) -> Report:
    """One that came in just now."""
    now = more.pop("now", datetime.now(UTC))
    return make_report(**{"now": now, "location": Point(LON, LAT, srid=4326), **more})


def post(client: Any, **more: Any) -> Any:
    sent = {"category": "sampah", "description": "Tumpukan sampah", "lon": LON, "lat": LAT, **more}
    return client.post(URL, json.dumps(sent), content_type="application/json")


def officer(client: Any, *cities: City) -> User:
    user = User.objects.create(username="petugas", is_staff=True)
    for city in cities:
        CityRole.objects.create(user=user, city=city, role="dispatcher")
    client.force_login(user)
    return user


def merge(client: Any, child: Report, into: str) -> Any:
    return client.post(f"{URL}{child.public_id}/merge/", json.dumps({"into": into}), content_type="application/json")


def test_a_new_report_is_told_of_open_ones_nearby_with_where_to_support_them(client: Client) -> None:
    first = post(client, description="Tumpukan sampah di tepi jalan").json()
    assert first["possible_duplicates"] == []
    (candidate,) = post(client, lat=LAT + 0.0003).json()["possible_duplicates"]
    # 0.0003° of latitude are 33.2 m.
    assert (candidate["id"], candidate["distance_m"], candidate["status"]) == (first["id"], 33, "submitted")
    assert candidate["url"] == f"http://testserver/api/reports/{first['id']}/"
    assert candidate["support_url"] == f"http://testserver/api/reports/{first['id']}/support/"
    assert candidate["location"] == {"type": "Point", "coordinates": [LON, LAT]}
    assert 0 < candidate["similarity"] < 1


def test_a_report_sent_again_is_answered_with_its_duplicates_too(client: Client) -> None:
    token = client.post("/api/device-tokens/").json()["token"]
    other = report()
    sent = {"category": "sampah", "lon": LON, "lat": LAT, "external_id": "1"}
    for status in (201, 200):
        answer = client.post(URL, json.dumps(sent), content_type="application/json", headers={"X-Device-Token": token})
        assert answer.status_code == status
        assert [found["id"] for found in answer.json()["possible_duplicates"]] == [other.public_id]


def test_a_report_is_asked_about_before_it_is_sent(client: Client) -> None:
    near, lamp = report(description="Sampah menumpuk"), report(description="Lampu mati")
    answer = client.get(f"{URL}duplicates/?category=sampah&lon={LON}&lat={LAT}&q=lampu%20mati").json()
    assert (answer["radius_m"], answer["days"]) == (100, 14)
    assert [found["id"] for found in answer["results"]] == [lamp.public_id, near.public_id]
    assert answer["results"][0]["similarity"] == 1
    assert not client.get(f"{URL}duplicates/?category=sampah&lon={LON + 0.01}&lat={LAT}").json()["results"]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("lon=106.93&lat=-6.25", "category"),
        ("category=nothing&lon=106.93&lat=-6.25", "category"),
        ("category=sampah&lat=-6.25", "lon"),
        ("category=sampah&lon=106.93", "lat"),
        ("category=sampah&lon=x&lat=-6.25", "lon"),
        ("category=sampah&lon=nan&lat=-6.25", "lon"),
        ("category=sampah&lon=106.93&lat=91", "lat"),
        ("category=sampah&lon=-6.25&lat=-6.25&lat=1", "lat"),
        ("category=sampah&lon=106.93&lat=-6.25&radius=5", "radius"),
        (f"category=sampah&lon=106.93&lat=-6.25&q={'x' * 1001}", "q"),
        ("category=sampah&lon=106.93&lat=-6.25&q=%00", "q"),
    ],
)
def test_a_bad_parameter_is_named(client: Client, query: str, name: str) -> None:
    answer = client.get(f"{URL}duplicates/?{query}")
    assert (answer.status_code, answer.json()["parameter"]) == (400, name)


def test_duplicates_of_a_report_and_of_one_that_is_not_there(client: Client) -> None:
    one, two = report(), report()
    answer = client.get(f"{URL}{one.public_id}/duplicates/").json()
    assert [found["id"] for found in answer["results"]] == [two.public_id]
    Report.objects.filter(pk=one.pk).update(is_public=False)
    assert client.get(f"{URL}{one.public_id}/duplicates/").status_code == 404
    assert client.get(f"{URL}nothing/duplicates/").status_code == 404
    assert client.get(f"{URL}{two.public_id}/duplicates/?limit=1").json()["parameter"] == "limit"


def test_the_public_learns_no_distance_to_a_snapped_report_and_its_officers_do(client: Client, city: City) -> None:
    private = make_category("kekerasan", public_grid_m=500)
    one = report(category=private)
    report(category=private, location=Point(LON, LAT + 0.0005, srid=4326))
    url = f"{URL}{one.public_id}/duplicates/"
    assert [found["distance_m"] for found in client.get(url).json()["results"]] == [500]
    officer(client, city)
    # 0.0005° of latitude are 55.3 m.
    assert [found["distance_m"] for found in client.get(url).json()["results"]] == [55]


def test_an_open_report_is_supported_once_per_device_and_a_closed_one_not_at_all(client: Client) -> None:
    open_one, closed = report(), report(status="resolved")
    token = client.post("/api/device-tokens/").json()["token"]
    for status in (201, 200):
        answer = client.post(f"{URL}{open_one.public_id}/support/", headers={"X-Device-Token": token})
        assert (answer.status_code, answer.json()) == (status, {"support_count": 1})
    assert client.post(f"{URL}{closed.public_id}/support/", headers={"X-Device-Token": token}).status_code == 409


def test_an_officer_merges_and_splits_and_everybody_sees_which_follows_which(client: Client, city: City) -> None:
    parent, child = report(status="in_progress"), report()
    officer(client, city)
    merged = merge(client, child, parent.public_id)
    assert (merged.status_code, merged.json()["duplicate_of"], merged.json()["status"]) == (
        200,
        parent.public_id,
        "in_progress",
    )
    seen = Client().get(f"{URL}{parent.public_id}/").json()
    assert (seen["followers"], seen["duplicate_of"]) == (1, None)
    assert [step["status"] for step in Client().get(f"{URL}{child.public_id}/").json()["history"]] == [
        "submitted",
        "in_progress",
    ]
    split = client.post(f"{URL}{child.public_id}/split/")
    assert (split.status_code, split.json()["duplicate_of"], split.json()["status"]) == (200, None, "submitted")
    assert Client().get(f"{URL}{parent.public_id}/").json()["followers"] == 0


def test_a_parent_that_is_not_public_is_not_named_in_public(client: Client, city: City) -> None:
    hidden, child = report(is_public=False), report()
    officer(client, city)
    assert merge(client, child, hidden.public_id).status_code == 200
    assert Client().get(f"{URL}{child.public_id}/").json()["duplicate_of"] is None


def test_what_cannot_be_merged_is_refused_in_words(client: Client, city: City) -> None:
    parent, child = report(), report()
    officer(client, city)
    assert list(merge(client, child, "nothing").json()["errors"]) == ["into"]
    assert client.post(f"{URL}{child.public_id}/merge/").json()["errors"].keys() == {"into"}
    assert merge(client, child, child.public_id).status_code == 409
    assert client.post(f"{URL}{child.public_id}/split/").status_code == 409
    assert merge(client, child, parent.public_id).status_code == 200
    assert merge(client, parent, child.public_id).status_code == 409


def test_an_open_report_is_not_merged_into_a_closed_one(client: Client, city: City) -> None:
    done, open_one = report(status="resolved"), report(status="reopened")
    officer(client, city)
    answer = merge(client, open_one, done.public_id)
    assert answer.status_code == 409
    assert done.public_id in answer.json()["detail"]
    assert Report.objects.get(pk=open_one.pk).status == "reopened"
    assert merge(client, done, open_one.public_id).json()["status"] == "reopened"


def test_only_officers_of_the_city_merge_and_split(client: Client) -> None:
    parent, child = report(), report()
    for _who in ("nobody", "an officer of another city"):
        for answer in (merge(client, child, parent.public_id), client.post(f"{URL}{child.public_id}/split/")):
            assert answer.status_code == 403
            assert answer["Content-Type"] == "application/problem+json"
        officer_there = User.objects.filter(username="petugas").first()
        if officer_there is None:
            officer(client, make_city("makassar", west=119.4, south=-5.2))
    assert Report.objects.get(pk=child.pk).duplicate_of is None


@pytest.mark.django_db(transaction=True)
def test_of_two_reports_that_come_at_once_the_later_sees_the_other() -> None:
    """Ten pairs, each at a place of its own, sent by two clients at the same moment."""
    answers: list[list[Any]] = [[] for _pair in range(10)]
    together = threading.Barrier(2, timeout=30)

    def send() -> None:
        try:
            for pair in range(10):
                together.wait()
                answers[pair].append(post(Client(), lon=LON + pair * 0.005).json())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send) for _i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    for one, other in answers:
        told = [[found["id"] for found in answer["possible_duplicates"]] for answer in (one, other)]
        assert other["id"] in told[0] or one["id"] in told[1]


def test_an_old_report_is_no_duplicate_of_a_new_one(client: Client) -> None:
    report(now=datetime.now(UTC) - timedelta(days=15))
    assert post(client).json()["possible_duplicates"] == []


def test_a_category_says_how_near_is_near(client: Client) -> None:
    Category.objects.filter(slug="sampah").update(duplicate_radius_m=500, duplicate_days=30)
    old = report(now=datetime.now(UTC) - timedelta(days=29), location=Point(LON, LAT + 0.004, srid=4326))
    assert [found["id"] for found in post(client).json()["possible_duplicates"]] == [old.public_id]
