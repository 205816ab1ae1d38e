"""The admin gives nobody in one city what their role in another one opens."""

import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.gis.geos import Point
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from geo.models import Area, CityRole, OnCallLevel, Report
from tests.factories import make_agency, make_city, make_report

pytestmark = pytest.mark.django_db
THERE = Point(119.43, -5.15, srid=4326)
INLINES = ("contact", "photos", "history")


@pytest.fixture(autouse=True)
def cities() -> tuple[Any, Any]:
    return make_city(), make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)


def person(client: Any, *roles: tuple[Any, str], **more: Any) -> User:
    user = User.objects.create_user("budi", is_staff=True)
    for city, role in roles:
        CityRole.objects.create(user=user, city=city, role=role, **(more if role == "officer" else {}))
    client.force_login(user)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return user


def picture() -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (9, 9)).save(out, "JPEG")
    return SimpleUploadedFile("a.jpg", out.getvalue())


def no_inlines(*but: str) -> dict[str, str]:
    return {f"{name}-{part}_FORMS": "0" for name in INLINES if name not in but for part in ("TOTAL", "INITIAL")}


def level(city: Any, name: str) -> OnCallLevel:
    return OnCallLevel.objects.create(city=city, position=1, name=name, email="x@example.org", after_minutes=0)


def test_a_dispatcher_of_one_city_reads_no_on_call_list_of_another_in_which_they_are_an_officer(
    client: Any, cities: Any
) -> None:
    here, there = cities
    person(client, (here, "dispatcher"), (there, "officer"), agency=make_agency(there, "dlh"))
    own, foreign = level(here, "Piket Bekasi"), level(there, "Piket Makassar")
    page = client.get("/admin/geo/oncalllevel/").content.decode()
    assert ("Piket Bekasi" in page, "Piket Makassar" in page) == (True, False)
    assert client.get(f"/admin/geo/oncalllevel/{own.pk}/change/").status_code == 200
    assert client.get(f"/admin/geo/oncalllevel/{foreign.pk}/change/").status_code == 302


def test_a_dispatcher_of_one_area_reads_no_key_of_the_citys_on_call_list(client: Any, cities: Any) -> None:
    here, _there = cities
    user = User.objects.create_user("camat", is_staff=True)
    CityRole.objects.create(user=user, city=here, role="dispatcher", area=Area.objects.get(code="kota-uji.1"))
    client.force_login(user)
    assert client.get(f"/admin/geo/oncalllevel/{level(here, 'Piket').pk}/change/").status_code == 302


def test_an_administrator_of_one_city_reads_no_roles_of_another_in_which_they_are_a_planner(
    client: Any, cities: Any
) -> None:
    here, there = cities
    person(client, (here, "administrator"), (there, "planner"))
    for city, name in ((here, "orang-bekasi"), (there, "orang-makassar")):
        CityRole.objects.create(user=User.objects.create_user(name), city=city, role="mayor")
    page = client.get("/admin/geo/cityrole/").content.decode()
    assert ("orang-bekasi" in page, "orang-makassar" in page) == (True, False)


def test_a_dispatcher_of_one_city_deletes_no_photo_of_another_in_which_they_are_an_officer(
    client: Any, cities: Any
) -> None:
    here, there = cities
    agency = make_agency(there, "dlh")
    person(client, (here, "dispatcher"), (there, "officer"), agency=agency)
    for location, kept in ((Point(106.93, -6.25, srid=4326), 0), (THERE, 1)):
        report = make_report(location=location, photos=[picture()])
        Report.objects.filter(pk=report.pk, city=there).update(agency=agency)
        photo = report.photos.get()
        form = {
            **no_inlines("photos"),
            "photos-TOTAL_FORMS": "1",
            "photos-INITIAL_FORMS": "1",
            "photos-0-id": str(photo.pk),
            "photos-0-report": str(report.pk),
            "photos-0-DELETE": "on",
            "public_description": report.public_description,
            "is_public": "on",
        }
        client.post(f"/admin/geo/report/{report.pk}/change/", form)
        assert report.photos.count() == kept
