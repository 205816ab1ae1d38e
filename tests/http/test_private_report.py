"""What was sent, as it was sent: for staff of its city, and for nobody else."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.gis.geos import Point
from django.test import Client

from geo.areas.models import City
from geo.models import CityRole, HistoryNote, Report, ReportPhoto
from geo.reports.insertion import Contact
from tests.factories import NOW, make_category, make_city, make_report

pytestmark = pytest.mark.django_db


@pytest.fixture
def report(city: City) -> Report:
    made = make_report(
        category=make_category("kekerasan", public_grid_m=500),
        location=Point(106.93123, -6.25321, srid=4326),
        description="Hubungi 081234567890",
        address="Jalan Mawar 12",
        attributes={"luas": "3"},
        contact=Contact("Siti Rahma", "081234567890", "siti@example.org"),
    )
    ReportPhoto.objects.create(report=made, image="a.jpg", width=1, height=1, sha256="x", taken_at=NOW, distance_m=7)
    HistoryNote.objects.create(report=made, text="Ditelepon", is_public=False)
    HistoryNote.objects.create(report=made, text="Sedang dikerjakan", is_public=True)
    return made


def path(report: Report) -> str:
    return f"/api/reports/{report.public_id}/private/"


def officer(client: Client, city: City, *permissions: str, name: str = "petugas") -> None:
    user = User.objects.create(username=name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    CityRole.objects.create(user=user, city=city, role="dispatcher")
    client.force_login(user)


def test_officers_of_its_city_read_what_was_sent(client: Client, city: City, report: Report) -> None:
    officer(client, city)
    answer = client.get(path(report))
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "private, no-store"
    assert answer.json() == {
        "id": report.public_id,
        "external_id": None,
        "description": "Hubungi 081234567890",
        "location": {"type": "Point", "coordinates": [106.93123, -6.25321]},
        "location_flag": "inside",
        "area": "kota-uji.1.1",
        "address": "Jalan Mawar 12",
        "landmark": "",
        "attributes": {"luas": "3"},
        "photos": [{"taken_at": "2026-03-01T05:00:00Z", "distance_m": 7}],
        "notes": [{"text": "Ditelepon"}],
        "contact": {"name": "Siti Rahma", "phone": "081234567890", "email": "siti@example.org"},
        "anonymised_at": None,
    }


def test_a_mayor_sees_no_contact_whatever_the_permissions(client: Client, city: City, report: Report) -> None:
    officer(client, city, "view_reportcontact")
    CityRole.objects.update(role="mayor")
    answer = client.get(path(report)).json()
    assert (answer["description"], answer["contact"]) == ("Hubungi 081234567890", None)


def test_everybody_else_is_refused(client: Client, city: City, report: Report, key: str) -> None:
    refused = [client.get(path(report)), client.get(path(report), headers={"X-Api-Key": key})]
    user = User.objects.create(username="warga")
    client.force_login(user)
    refused.append(client.get(path(report)))
    elsewhere = make_city("makassar", west=119.4, south=-5.2)
    officer(client, elsewhere, "view_reportcontact")
    refused.append(client.get(path(report)))
    for answer in refused:
        assert answer.status_code == 403
        assert "no-store" in answer["Cache-Control"]
        for word in ("Siti", "0812", "Mawar", "106.93"):
            assert word not in json.dumps(answer.json())


def test_a_hidden_report_of_another_city_is_not_there(client: Client, report: Report) -> None:
    Report.objects.update(is_public=False)
    officer(client, make_city("makassar", west=119.4, south=-5.2))
    assert client.get(path(report)).status_code == 404
    assert client.get("/api/reports/nothing/private/").status_code == 404


def test_a_hidden_report_is_read_by_staff_of_its_city(client: Client, city: City, report: Report) -> None:
    Report.objects.update(is_public=False)
    officer(client, city)
    assert client.get(path(report)).status_code == 200


def test_a_report_without_contact_and_place_is_read_too(client: Client, city: City, key: str) -> None:
    officer(client, city, "view_reportcontact")
    wish = make_report(kind="aspirasi", area_code="kota-uji.2")
    body: dict[str, Any] = client.get(path(wish)).json()
    assert (body["contact"], body["location"], body["location_flag"], body["area"]) == (
        None,
        None,
        "area",
        "kota-uji.2",
    )


def test_public_flag_follows_the_public_place_across_a_border(client: Client, city: City) -> None:
    """Within 500 m of the border in the west: the exact place is inside, the middle of its cell outside, or the reverse."""
    category = make_category("kekerasan", public_grid_m=500)
    flags = set()
    for number in range(1, 9):
        for side in (-1, 1):
            near = Point(106.9 + side * number * 0.0004, -6.25, srid=4326)
            report = make_report(category=category, location=near)
            body = client.get(f"/api/reports/{report.public_id}/").json()
            shown = body["location"]["coordinates"][0]
            assert body["location_flag"] == ("inside" if shown >= 106.9 else "outside")
            flags.add((report.location_flag, body["location_flag"]))
    # The border cuts its cell, so that the two differ for some.
    assert any(exact != public for exact, public in flags)
