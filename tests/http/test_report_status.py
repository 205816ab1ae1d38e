"""`/api/statuses/` and `/api/reports/{id}/status/`: one word for one status, and who may take the next step."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User

from geo.models import CityRole, HistoryEntry, HistoryNote, Report
from geo.reports.channel_keys import create_key
from geo.reports.insertion import Contact
from geo.reports.workflow import CLOSED, WORDS, Status
from tests.factories import make_channel, make_city, make_report

pytestmark = pytest.mark.django_db


@pytest.fixture
def report() -> Report:
    make_city()
    return make_report()


@pytest.fixture
def officer(client: Any, report: Report) -> Any:
    user = User.objects.create_user("petugas", password="a long password", is_staff=True)
    CityRole.objects.create(user=user, city=report.city, role=CityRole.Role.OFFICER)
    client.force_login(user)
    return client


def step(client: Any, report: Report, **body: Any) -> Any:
    return client.post(f"/api/reports/{report.public_id}/status/", json.dumps(body), content_type="application/json")


def test_every_status_has_its_words() -> None:
    assert set(WORDS) == set(Status)
    assert {status for status, words in WORDS.items() if words.open311 == "closed"} == CLOSED
    assert {words.qlue for words in WORDS.values()} == {"menunggu", "proses", "selesai"}


def test_coordination_is_never_called_waiting_elsewhere() -> None:
    assert WORDS[Status.COORDINATION].qlue == "proses"


def test_statuses_are_published_in_the_asked_language(client: Any) -> None:
    by_language = {
        language: client.get("/api/statuses/", headers={"Accept-Language": language}).json()["results"]
        for language in ("id", "en")
    }
    assert [row["status"] for row in by_language["id"]] == list(Status)
    assert [row["name"] for row in by_language["id"]][:4] == ["Menunggu", "Koordinasi", "Disposisi", "Proses"]
    assert by_language["en"][5] == {
        "status": "resolved",
        "name": "Resolved",
        "name_id": "Selesai",
        "name_en": "Resolved",
        "is_closed": True,
        "open311": "closed",
        "qlue": "selesai",
    }


def test_officer_takes_a_step_and_the_public_reads_it(officer: Any, report: Report) -> None:
    answer = step(officer, report, status="in_progress", note="Regu sudah berangkat.")
    assert answer.status_code == 200
    assert answer.json()["status"] == "in_progress"
    last = answer.json()["history"][-1]
    assert (last["status"], last["note"]) == ("in_progress", "Regu sudah berangkat.")
    officer.logout()
    assert officer.get(f"/api/reports/{report.public_id}/").json()["history"][-1]["note"] == "Regu sudah berangkat."


def test_closing_and_reopening_move_the_closing_time(officer: Any, report: Report) -> None:
    assert step(officer, report, status="resolved").json()["closed_at"] is not None
    assert step(officer, report, status="reopened").json()["closed_at"] is None


def test_personal_data_in_a_public_note_is_masked_and_a_private_note_stays_inside(officer: Any, report: Report) -> None:
    step(officer, report, status="assigned", note="Hubungi 0812 3456 7890")
    step(officer, report, status="in_progress", note="Pelapor: 0812 3456 7890", note_is_public=False)
    notes = [line["note"] for line in officer.get(f"/api/reports/{report.public_id}/").json()["history"]]
    assert notes == [None, "Hubungi [telepon]", None]
    assert HistoryNote.objects.get(is_public=False).text == "Pelapor: 0812 3456 7890"


def test_name_of_the_reporter_is_masked_in_a_public_note(officer: Any, report: Report) -> None:
    named = make_report(contact=Contact(name="Siti Rahmawati"))
    step(officer, named, status="assigned", note="Ibu Siti Rahmawati sudah dihubungi.")
    assert "Rahmawati" not in officer.get(f"/api/reports/{named.public_id}/").json()["history"][-1]["note"]


def test_history_says_who_and_from_what_to_what(officer: Any, report: Report) -> None:
    step(officer, report, status="assigned")
    line = HistoryEntry.objects.order_by("-id").first()
    assert line is not None
    assert (line.action, line.old, line.new) == ("status", {"status": "submitted"}, {"status": "assigned"})
    assert line.user_id == User.objects.get().pk


def test_same_status_again_is_a_conflict_and_leaves_no_line(officer: Any, report: Report) -> None:
    answer = step(officer, report, status="submitted")
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    assert HistoryEntry.objects.count() == 1


def test_second_officer_who_has_not_seen_the_first_ones_step_is_told(officer: Any, report: Report) -> None:
    seen = officer.get(f"/api/reports/{report.public_id}/").json()["updated_at"]
    assert step(officer, report, status="assigned", as_of=seen).status_code == 200
    assert step(officer, report, status="rejected", as_of=seen).status_code == 412
    report.refresh_from_db()
    assert report.status == "assigned"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "status"),
        ({"status": "done"}, "status"),
        ({"status": "assigned", "note": "x" * 2001}, "note"),
        ({"status": "assigned", "as_of": "2026-03-01"}, "as_of"),
    ],
)
def test_bad_step_is_a_400_that_names_the_field(officer: Any, report: Report, body: Any, field: str) -> None:
    answer = step(officer, report, **body)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


def test_nobody_but_staff_of_the_city_takes_a_step(client: Any, report: Report) -> None:
    assert step(client, report, status="resolved").status_code == 403
    key = create_key(channel=make_channel("qlue"))[1]
    with_key = client.post(
        f"/api/reports/{report.public_id}/status/",
        json.dumps({"status": "resolved"}),
        content_type="application/json",
        headers={"X-Api-Key": key},
    )
    assert with_key.status_code == 403
    stranger = User.objects.create_user("tetangga", password="a long password", is_staff=True)
    other = make_city("kota-lain", west=108.0)
    CityRole.objects.create(user=stranger, city=other, role=CityRole.Role.DISPATCHER)
    client.force_login(stranger)
    assert step(client, report, status="resolved").status_code == 403
    report.refresh_from_db()
    assert report.status == "submitted"


def test_unknown_report_is_a_404(officer: Any) -> None:
    answer = officer.post("/api/reports/nichtda/status/", "{}", content_type="application/json")
    assert answer.status_code == 404
