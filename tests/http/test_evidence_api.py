"""`/api/reports/{id}/evidence/`: who brings photos of what was done, who sees them, and how they are served."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from PIL import Image

from geo.models import CityRole, HistoryEntry, Report
from tests.factories import make_agency, make_category, make_city, make_report
from tests.pictures import plain, shot, uploaded
from tests.workflow_paths import bring_to

pytestmark = pytest.mark.django_db

Role = CityRole.Role


@pytest.fixture
def report() -> Report:
    make_agency(make_city(), "dlh", make_category())
    return bring_to(make_report(), "in_progress")


def signed_in(report: Report, role: str, agency: str | None = None) -> Client:
    user = User.objects.create_user(f"{role}-{agency}", password="a long password", is_staff=True)
    its = make_agency(report.city, agency) if agency else None
    CityRole.objects.create(user=user, city=report.city, role=role, agency=its)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def officer(report: Report) -> Client:
    return signed_in(report, Role.OFFICER, "dlh")


def url(report: Report) -> str:
    return f"/api/reports/{report.public_id}/evidence/"


def bring(client: Client, report: Report, photo: Any, **more: Any) -> Any:
    return client.post(url(report), {"photo": photo, **more})


def test_officer_brings_a_photo_and_is_told_what_was_found(officer: Client, report: Report) -> None:
    Report.objects.filter(pk=report.pk).update(reported_at=datetime(2024, 3, 1, 5, 0, tzinfo=UTC))
    # Ten seconds of latitude north; see tests/db/test_evidence.py.
    answer = bring(officer, report, shot(time="2024:03:01 15:00:00", latitude=(6.0, 14.0, 50.0)))
    assert answer.status_code == 201
    told = answer.json()
    assert told["findings"] == [{"code": "far", "distance_m": 307}]
    assert (told["distance_m"], told["taken_at"], told["is_current"]) == (307, "2024-03-01T08:00:00Z", True)
    assert (told["width"], told["height"]) == (320, 240)


def test_photo_that_is_sent_again_is_200(officer: Client, report: Report) -> None:
    first, again = bring(officer, report, shot()), bring(officer, report, shot())
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()


def test_photo_is_served_as_a_jpeg_that_nobody_keeps(officer: Client, report: Report) -> None:
    told = bring(officer, report, plain()).json()
    served = officer.get(told["url"], headers={"Accept": "image/avif,image/webp"})
    names = ("Content-Type", "Cache-Control", "X-Content-Type-Options", "Content-Security-Policy")
    assert [served[name] for name in names] == [
        "image/jpeg",
        "private, no-store",
        "nosniff",
        "default-src 'none'; sandbox",
    ]
    assert Image.open(io.BytesIO(b"".join(served.streaming_content))).size == (320, 240)


def test_list_names_what_was_brought_the_oldest_first_in_few_queries(
    officer: Client, report: Report, django_assert_max_num_queries: Any
) -> None:
    brought = [bring(officer, report, plain(number)).json()["id"] for number in range(4)]
    with django_assert_max_num_queries(8):
        answer = officer.get(url(report))
    assert [one["id"] for one in answer.json()["results"]] == brought
    assert answer["Cache-Control"] == "private, no-store"


def test_public_sees_no_evidence_of_a_public_report(officer: Client, report: Report, client: Client) -> None:
    told = bring(officer, report, plain()).json()
    assert [client.get(url(report)).status_code, client.get(told["url"]).status_code] == [403, 403]
    assert bring(client, report, plain(2)).status_code == 403
    assert "evidence" not in client.get(f"/api/reports/{report.public_id}/").content.decode()


def test_report_that_is_not_public_is_not_there_for_the_public(report: Report, client: Client) -> None:
    Report.objects.filter(pk=report.pk).update(is_public=False)
    assert client.get(url(report)).status_code == 404
    assert bring(client, report, plain()).status_code == 404


def test_officer_of_another_agency_neither_sees_nor_brings(officer: Client, report: Report) -> None:
    told = bring(officer, report, plain()).json()
    foreign = signed_in(report, Role.OFFICER, "dishub")
    assert [foreign.get(url(report)).status_code, foreign.get(told["url"]).status_code] == [403, 403]
    assert bring(foreign, report, plain(2)).status_code == 403


def test_mayor_sees_evidence_and_brings_none(officer: Client, report: Report) -> None:
    told = bring(officer, report, plain()).json()
    mayor = signed_in(report, Role.MAYOR)
    assert [mayor.get(url(report)).status_code, mayor.get(told["url"]).status_code] == [200, 200]
    assert bring(mayor, report, plain(2)).status_code == 403


def test_photo_of_another_report_is_not_found_under_this_one(officer: Client, report: Report) -> None:
    other = bring_to(make_report(), "in_progress")
    told = bring(officer, other, plain()).json()
    assert officer.get(f"{url(report)}{told['id']}/").status_code == 404


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({}, "photo"),
        ({"photo": ""}, "photo"),
        ({"photo": uploaded(b"nothing", "a.jpg")}, "photo"),
        ({"picture": uploaded(b"nothing", "a.jpg")}, "picture"),
    ],
)
def test_what_cannot_be_taken_is_a_400_that_names_it(
    officer: Client, report: Report, form: dict[str, Any], field: str
) -> None:
    answer = officer.post(url(report), form)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_unknown_parameter_is_refused(officer: Client, report: Report) -> None:
    answer = officer.get(f"{url(report)}?page=2")
    assert (answer.status_code, answer.json()["parameter"]) == (400, "page")


def test_dispatcher_takes_a_photo_away_in_the_admin_and_the_history_keeps_that(
    officer: Client, report: Report, admin_client: Client
) -> None:
    number = bring(officer, report, plain()).json()["id"]
    assert f"/{number}/" in admin_client.get("/admin/geo/reportevidence/").content.decode()
    assert admin_client.post(f"/admin/geo/reportevidence/{number}/delete/", {"post": "yes"}).status_code == 302
    assert officer.get(url(report)).json()["results"] == []
    line = HistoryEntry.objects.get(report=report, action="evidence_removed")
    assert (line.new, line.origin) == ({"evidence": number}, "admin")


def test_closings_are_read_in_the_admin_and_written_by_nobody(report: Report, admin_client: Client) -> None:
    bring_to(report, "resolved")
    assert report.public_id in admin_client.get("/admin/geo/closing/").content.decode()
    assert admin_client.get("/admin/geo/closing/add/").status_code == 403
