"""`/api/statuses/` and `/api/reports/{id}/status/`: one word for one status, and who may take the next step."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from geo.models import Agency, Category, CityRole, HistoryEntry, HistoryNote, Report
from geo.reports.access.channel_keys import create_key
from geo.reports.insertion import Contact
from geo.reports.workflow import CLOSED, WORDS, Status
from tests.factories import make_agency, make_category, make_channel, make_city, make_report
from tests.workflow_paths import bring_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def report() -> Report:
    make_agency(make_city(), "dlh", make_category())
    return make_report()


@pytest.fixture
def officer(client: Any, report: Report) -> Any:
    user = User.objects.create_user("petugas", password="a long password", is_staff=True)
    CityRole.objects.create(user=user, city=report.city, role=CityRole.Role.DISPATCHER)
    client.force_login(user)
    return client


def signed_in(username: str, report: Report, *, agency: Agency | None) -> Client:
    """A browser with the session of an officer of this agency."""
    user = User.objects.create(username=username, is_staff=True)
    CityRole.objects.create(user=user, city=report.city, role=CityRole.Role.OFFICER, agency=agency)
    client = Client()
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
    bring_to(report, "in_progress")
    assert step(officer, report, status="resolved", note="Sudah diangkut.").json()["closed_at"] is not None
    assert step(officer, report, status="reopened", note="Masih ada.").json()["closed_at"] is None


def test_personal_data_in_a_public_note_is_masked_and_a_private_note_stays_inside(officer: Any, report: Report) -> None:
    step(officer, report, status="assigned", note="Hubungi 0812 3456 7890")
    step(officer, report, status="in_progress", note="Pelapor: 0812 3456 7890", note_is_public=False)
    notes = [line["note"] for line in officer.get(f"/api/reports/{report.public_id}/").json()["history"]]
    assert notes == [None, "Hubungi [telepon]", None]
    assert HistoryNote.objects.get(is_public=False).text == "Pelapor: 0812 3456 7890"


def test_name_of_the_reporter_is_masked_in_a_public_note(officer: Any, report: Report) -> None:
    named = make_report(contact=Contact(name="Siti Rahmawati"))
    assert step(officer, named, status="assigned", note="Ibu Siti Rahmawati sudah dihubungi.").status_code == 200
    assert "Rahmawati" not in officer.get(f"/api/reports/{named.public_id}/").json()["history"][-1]["note"]


def test_history_says_who_and_from_what_to_what(officer: Any, report: Report) -> None:
    step(officer, report, status="assigned")
    line = HistoryEntry.objects.order_by("-id").first()
    assert line is not None
    assert (line.action, line.old, line.new) == ("status", {"status": "submitted"}, {"status": "assigned"})
    assert (line.user_id, line.origin) == (User.objects.get().pk, "api")


def test_same_status_again_is_a_conflict_and_leaves_no_line(officer: Any, report: Report) -> None:
    answer = step(officer, report, status="submitted")
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    assert HistoryEntry.objects.count() == 1


def test_second_officer_who_has_not_seen_the_first_ones_step_is_told(officer: Any, report: Report) -> None:
    seen = officer.get(f"/api/reports/{report.public_id}/").json()["updated_at"]
    assert step(officer, report, status="assigned", as_of=seen).status_code == 200
    answer = step(officer, report, status="rejected", note="Bukan wewenang", as_of=seen)
    report.refresh_from_db()
    assert (answer.status_code, report.status) == (409, "assigned")
    line = HistoryEntry.objects.latest("id")
    assert answer.json()["current"] == {
        "status": "assigned",
        "agency": "dlh",
        "updated_at": report.updated_at.isoformat().replace("+00:00", "Z"),
        "last": {"action": "status", "at": line.at.isoformat().replace("+00:00", "Z"), "agency": "dlh"},
    }


def test_who_comes_after_a_handover_is_told_of_it_and_not_sent_away(client: Any, report: Report) -> None:
    other = make_agency(report.city, "dbmsda")
    clients = [signed_in("satu", report, agency=report.agency), signed_in("dua", report, agency=report.agency)]
    seen = client.get(f"/api/reports/{report.public_id}/").json()["updated_at"]
    handed = {"status": "coordination", "note": "Jalan provinsi", "agency": other.slug, "as_of": seen}
    assert step(clients[0], report, **handed).status_code == 200
    late = step(clients[1], report, status="in_progress", as_of=seen)
    assert (late.status_code, late.json()["current"]["agency"]) == (409, "dbmsda")
    assert step(clients[1], report, status="in_progress").status_code == 403


def test_next_steps_are_those_of_who_asks_with_what_they_need(officer: Any, report: Report) -> None:
    def steps(client: Any) -> list[tuple[str, list[str]]]:
        found = client.get(f"/api/reports/{report.public_id}/status/").json()["steps"]
        return [(each["status"], each["needs"]) for each in found]

    theirs = [("coordination", ["reason", "agency"]), ("assigned", ["agency"]), ("in_progress", [])]
    assert steps(officer) == [*theirs, ("rejected", ["reason"]), ("duplicate", ["reason"])]
    assert steps(signed_in("dlh", report, agency=report.agency)) == theirs
    assert steps(signed_in("lain", report, agency=make_agency(report.city, "dbmsda"))) == []
    assert steps(Client()) == []
    arbiter = User.objects.create(username="penengah", is_staff=True)
    Report.objects.filter(pk=report.pk).update(arbiter=arbiter)
    assert steps(signed_in("dlh-2", report, agency=report.agency)) == [("in_progress", [])]


def test_the_workflows_table_is_published(client: Any) -> None:
    steps = client.get("/api/statuses/", headers={"Accept-Language": "en"}).json()["steps"]
    assert len(steps) == 37
    assert steps[-1] == {
        "from_status": "duplicate",
        "status": "reopened",
        "name": "Reopened",
        "needs": ["reason"],
        "actors": ["dispatcher"],
    }


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"status": "coordination", "note": "Bukan kami"}, {"agency"}),
        ({"status": "coordination", "agency": "dbmsda"}, {"note"}),
        ({"status": "coordination"}, {"agency", "note"}),
        ({"status": "rejected"}, {"note"}),
        ({"status": "in_progress", "agency": "dbmsda"}, {"agency"}),
        ({"status": "assigned", "agency": "tidak-ada"}, {"agency"}),
        ({"status": "assigned", "agency": "dlh-lain"}, {"agency"}),
    ],
)
def test_what_a_step_needs_is_asked_for_by_name_and_nothing_changes(
    officer: Any, report: Report, body: dict[str, Any], named: set[str]
) -> None:
    make_agency(report.city, "dbmsda")
    make_agency(make_city("kota-lain", west=108.0), "dlh-lain")
    answer = step(officer, report, **body)
    assert (answer.status_code, set(answer.json()["errors"])) == (400, named)
    report.refresh_from_db()
    assert (report.status, HistoryEntry.objects.count()) == ("submitted", 1)


def test_resolving_needs_a_photo_where_the_category_says_so(officer: Any, report: Report) -> None:
    Category.objects.update(needs_evidence=True)
    bring_to(report, "in_progress")
    answer = step(officer, report, status="resolved", note="Sudah")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["evidence"])


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
