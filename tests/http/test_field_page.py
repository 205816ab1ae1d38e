"""`/field/{token}/`: the page of an agency without a workstation; the API by which dispatchers send it; a lurah's reports."""

import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from geo.models import (
    Agency,
    AgencyContact,
    Area,
    CityRole,
    FieldLink,
    HistoryNote,
    Instruction,
    Report,
    ReportContact,
    ReportEvidence,
)
from geo.operations.field_links.links import token_of
from geo.operations.field_links.services import end_links, send_links
from geo.operations.mayor.instructions import give_instruction, move_instruction
from geo.operations.mayor.models import State as InstructionState
from geo.reports.access.principals import Grant, Principal, Role
from server.web.hidden_tokens import HideTokens
from tests.factories import centre, make_agency, make_category, make_channel, make_city, make_report
from tests.pictures import plain, uploaded
from tests.workflow_paths import bring_to, take_step

pytestmark = pytest.mark.django_db

DESCRIPTION = "Sampah di depan rumah. Hubungi Siti Rahma, 081234567890."


@pytest.fixture
def report() -> Report:
    """Assigned to dlh, with a photo and the contact of who sent it; hidden from the public."""
    city = make_city()
    make_agency(city, "dlh", make_category())
    make_agency(city, "dbmsda")
    made = make_report(
        now=timezone.now(), description=DESCRIPTION, address="Jalan Mawar 5", photos=[plain()], is_public=False
    )
    ReportContact.objects.create(report=made, name="Siti Rahma", phone="081234567890")
    return bring_to(made, "assigned", now=timezone.now())


@pytest.fixture
def link(report: Report) -> FieldLink:
    assert report.agency is not None
    AgencyContact.objects.create(agency=report.agency, name="Piket", kind="email", address="piket@dlh.example")
    return send_links(report=report, by=poc(report), now=timezone.now())[0]


def poc(report: Report) -> Principal:
    return Principal(user_id=None, grants=(Grant(Role.DISPATCHER, report.city_id),))


def page(link: FieldLink) -> str:
    return f"/field/{token_of(link)}/"


def now_of(report: Report) -> tuple[str, str]:
    report.refresh_from_db()
    assert report.agency is not None
    return report.status, report.agency.slug


def test_page_shows_what_the_officer_needs_and_not_who_sent_it(client: Client, link: FieldLink) -> None:
    answer = client.get(page(link))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert 'href="geo:-6.250000,106.930000?q=-6.250000,106.930000"' in text
    assert "Jalan Mawar 5" in text
    assert "Sampah di depan rumah" in text
    assert "Disposisi" in text
    assert not {word for word in ("Siti", "Rahma", "081234567890") if word in text}
    assert '<html lang="id">' in text
    assert 'accept="image/*" capture="environment"' in text
    assert len(answer.content) < 30_000
    assert "<script" not in text


def test_page_says_what_the_mayor_wants_of_this_agency_about_this_report_until_it_is_fulfilled(
    client: Client, link: FieldLink, report: Report
) -> None:
    now, words = timezone.now(), "Angkut hari ini, kata Siti Rahma"
    (wali, other) = Principal(is_superuser=True), Agency.objects.get(slug="dbmsda")
    for agency, text in ((None, words), (other, "Periksa salurannya")):
        deadline = datetime(2099, 3, 2, 5, tzinfo=UTC)
        give_instruction(city=report.city, target=report, agency=agency, deadline=deadline, text=text, by=wali, now=now)
    text = client.get(page(link)).content.decode()
    assert "Angkut hari ini, kata" in text
    assert "2 Maret 2099 12:00" in text
    assert not {word for word in ("Siti", "Rahma", "Periksa salurannya") if word in text}
    move_instruction(
        instruction=Instruction.objects.get(agency=report.agency), state=InstructionState.WITHDRAWN, by=wali, now=now
    )
    assert "Angkut hari ini" not in client.get(page(link)).content.decode()


def test_page_speaks_english_where_it_is_asked_to(client: Client, link: FieldLink) -> None:
    assert "What was reported" in client.get(page(link), {"lang": "en"}).content.decode()
    assert '<html lang="en">' in client.get(page(link), headers={"Accept-Language": "en"}).content.decode()


def test_each_field_of_the_page_has_its_label(client: Client, link: FieldLink) -> None:
    text = client.get(page(link)).content.decode()
    fields = re.findall(r'<(?:textarea|select|input type="file")[^>]* id="(\w+)"|<(?:textarea|select) id="(\w+)"', text)
    names = {one or other for one, other in fields}
    assert names == {"note", "photo", "agency", "reason"}
    assert names == set(re.findall(r'<label for="(\w+)"', text))


def test_page_is_kept_by_nobody_and_its_address_passed_on_to_nobody(client: Client, link: FieldLink) -> None:
    for path in (page(link), f"{page(link)}photos/1/", "/field/none/"):
        headers = client.get(path).headers
        assert headers["Cache-Control"] == "private, no-store"
        assert headers["X-Robots-Tag"] == "noindex, nofollow"
        assert headers["Referrer-Policy"] == "strict-origin"


def test_the_photos_of_a_hidden_report_are_shown_to_who_has_the_link(client: Client, link: FieldLink) -> None:
    assert client.get(f"/api/reports/{link.report.public_id}/photos/1/").status_code == 404
    for path in ("photos/1/", "photos/1/thumbnail/"):
        answer = client.get(f"{page(link)}{path}")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
        assert b"".join(answer.streaming_content)[:2] == b"\xff\xd8"
    assert client.get(f"{page(link)}photos/2/").status_code == 404


def test_opening_is_noted_once_and_changes_nothing_else(client: Client, link: FieldLink, report: Report) -> None:
    client.head(page(link))
    link.refresh_from_db()
    assert link.opened_at is None
    client.get(page(link))
    link.refresh_from_db()
    first = link.opened_at
    client.get(page(link))
    link.refresh_from_db()
    assert first is not None
    assert link.opened_at == first
    assert now_of(report) == ("assigned", "dlh")


def test_accepting_begins_the_work_and_a_second_click_is_harmless(
    client: Client, link: FieldLink, report: Report
) -> None:
    assert 'value="accept"' in client.get(page(link)).content.decode()
    for _click in range(2):
        answer = client.post(page(link), {"action": "accept"})
        assert (answer.status_code, answer.headers["Location"]) == (303, page(link))
    assert now_of(report) == ("in_progress", "dlh")
    lines = report.history.filter(action="status", new__status="in_progress")
    assert [(line.origin, line.user_id) for line in lines] == [("link", None)]
    assert 'value="accept"' not in client.get(page(link)).content.decode()


def test_handing_over_names_the_agency_and_ends_the_link(client: Client, link: FieldLink, report: Report) -> None:
    given = {"action": "hand_over", "agency": "dbmsda", "reason": "Ini saluran air"}
    assert client.post(page(link), given).status_code == 303
    assert now_of(report) == ("coordination", "dbmsda")
    assert HistoryNote.objects.get(report=report, text="Ini saluran air").is_public is False
    after = client.get(page(link))
    assert after.status_code == 200
    assert "Jalan Mawar" not in after.content.decode()
    # The second of two clicks: nothing is handed over twice.
    assert client.post(page(link), given).status_code == 200
    report.refresh_from_db()
    assert report.handover_count == 1


def test_closing_with_a_photo_leaves_note_and_evidence_and_a_second_click_is_harmless(
    client: Client, link: FieldLink, report: Report
) -> None:
    answer = client.post(page(link), {"action": "close", "note": "Sudah diangkut", "photo": plain(2)})
    assert answer.status_code == 303
    assert now_of(report) == ("resolved", "dlh")
    assert ReportEvidence.objects.get().report == report
    assert HistoryNote.objects.get(report=report, text="Sudah diangkut").is_public is True
    again = client.post(page(link), {"action": "close", "note": "Sudah diangkut", "photo": plain(2)})
    assert again.status_code == 200
    assert (ReportEvidence.objects.count(), report.history.filter(new__status="resolved").count()) == (1, 1)


def test_where_a_photo_is_needed_its_absence_is_said_and_the_words_are_kept(
    client: Client, link: FieldLink, report: Report
) -> None:
    report.category.needs_evidence = True
    report.category.save()
    answer = client.post(page(link), {"action": "close", "note": "Sudah <b>diangkut</b>"})
    text = answer.content.decode()
    assert answer.status_code == 400
    assert 'id="photo-fault"' in text
    assert "Sudah &lt;b&gt;diangkut&lt;/b&gt;</textarea>" in text
    assert now_of(report) == ("assigned", "dlh")
    assert client.post(page(link), {"action": "close", "note": "Sudah", "photo": plain(2)}).status_code == 303


def test_what_is_no_photo_is_said_beside_it_and_the_words_are_kept(
    client: Client, link: FieldLink, report: Report
) -> None:
    answer = client.post(page(link), {"action": "close", "note": "Sudah diangkut", "photo": uploaded(b"bukan foto")})
    text = answer.content.decode()
    assert answer.status_code == 400
    assert 'id="photo-fault"' in text
    assert "Sudah diangkut</textarea>" in text
    assert (now_of(report), ReportEvidence.objects.count()) == (("assigned", "dlh"), 0)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"action": "hand_over", "agency": "dbmsda", "reason": " "}, "reason-fault"),
        ({"action": "hand_over", "agency": "tidak-ada", "reason": "Bukan kami"}, "agency-fault"),
        ({"action": "close", "note": ""}, "note-fault"),
        ({"action": "close", "note": "x" * 2001}, "note-fault"),
        ({"action": "hapus"}, "said bad"),
        ({}, "said bad"),
    ],
)
def test_what_is_missing_is_said_at_its_place(
    client: Client, link: FieldLink, report: Report, given: dict[str, str], fault: str
) -> None:
    answer = client.post(page(link), given)
    assert answer.status_code == 400
    assert fault in answer.content.decode()
    assert now_of(report) == ("assigned", "dlh")


def test_a_form_from_elsewhere_changes_nothing_and_keeps_the_words(link: FieldLink, report: Report) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post(page(link), {"action": "close", "note": "Sudah diangkut"})
    assert answer.status_code == 403
    assert "Sudah diangkut</textarea>" in answer.content.decode()
    assert now_of(report) == ("assigned", "dlh")


def test_the_pages_own_form_is_accepted_with_what_a_browser_sends(link: FieldLink, report: Report) -> None:
    strict = Client(enforce_csrf_checks=True)
    (token, *_others) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', strict.get(page(link)).content.decode())
    given = {"action": "accept", "csrfmiddlewaretoken": token}
    # What "no-referrer" would make of it is refused: see the header of the page.
    assert strict.post(page(link), given, headers={"Origin": "null"}).status_code == 403
    assert strict.post(page(link), given, headers={"Origin": "http://testserver"}).status_code == 303
    assert now_of(report) == ("in_progress", "dlh")


def test_an_ended_link_says_why_and_shows_nothing_of_the_report(
    client: Client, link: FieldLink, report: Report
) -> None:
    end_links(report=report, by=poc(report), now=timezone.now())
    for answer in (client.get(page(link)), client.post(page(link), {"action": "accept"})):
        text = answer.content.decode()
        assert answer.status_code == 410
        assert report.public_id in text
        assert "Jalan Mawar" not in text
    assert client.get(f"{page(link)}photos/1/").status_code == 410
    assert now_of(report) == ("assigned", "dlh")


def test_an_expired_link_and_one_whose_report_went_elsewhere_are_gone(
    client: Client, link: FieldLink, report: Report
) -> None:
    FieldLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(page(link)).status_code == 410
    FieldLink.objects.update(expires_at=timezone.now() + timedelta(days=1))
    assert client.get(page(link)).status_code == 200
    take_step(report, "coordination", now=timezone.now())
    assert client.get(page(link)).status_code == 410


def test_a_link_that_is_none_of_ours_is_not_found(client: Client, link: FieldLink) -> None:
    assert client.get("/field/none/").status_code == 404
    assert client.get(f"{page(link)[:-2]}/").status_code == 404


def test_a_body_that_is_announced_as_too_large_is_not_read(client: Client, link: FieldLink, report: Report) -> None:
    answer = client.generic("POST", page(link), b"x" * 30_000_001, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 413
    assert now_of(report) == ("assigned", "dlh")


def test_the_log_does_not_hold_the_token(link: FieldLink) -> None:
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, "%s: %s", ("Gone", page(link)), None)
    assert HideTokens().filter(record)
    assert record.getMessage() == "Gone: /field/…/"
    (handler,) = [one for one in logging.getLogger().handlers if any(isinstance(f, HideTokens) for f in one.filters)]
    assert isinstance(handler, logging.StreamHandler)


def signed_in(report: Report, role: str, **scope: Any) -> Client:
    user = User.objects.create_user(f"{role}-{len(scope)}", password="a long password", is_staff=True)
    CityRole.objects.create(user=user, city=report.city, role=role, **scope)
    client = Client()
    client.force_login(user)
    return client


def test_a_dispatcher_sends_a_link_sees_what_became_of_it_and_withdraws_it(link: FieldLink, report: Report) -> None:
    client, url = signed_in(report, Role.DISPATCHER), f"/api/reports/{report.public_id}/field-link/"
    answer = client.post(url)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "private, no-store")
    (made,) = answer.json()["results"]
    assert (made["agency"], made["contact"], made["ended_at"], made["used"]) == ("dlh", "Piket", None, "")
    listed = client.get(url).json()["results"]
    assert [one["ending"] for one in listed] == ["", "replaced"]
    text = client.get(url).content.decode()
    assert "piket@dlh.example" not in text
    assert token_of(link) not in text
    assert client.delete(url).status_code == 204
    assert client.get(url).json()["results"][0]["ending"] == "revoked"


def test_an_officer_of_the_agency_sends_no_links(link: FieldLink, report: Report) -> None:
    client = signed_in(report, Role.OFFICER, agency=report.agency)
    assert client.post(f"/api/reports/{report.public_id}/field-link/").status_code == 403
    assert FieldLink.objects.count() == 1


def test_the_address_of_a_contact_is_shown_nowhere_in_the_admin_and_stays_when_left_empty(
    link: FieldLink, report: Report
) -> None:
    AgencyContact.objects.update(kind="apprise", address="json://gerbang.example/?+Authorization=kunci-rahasia")
    client, contact = signed_in(report, Role.ADMINISTRATOR), link.contact
    url = f"/admin/geo/agencycontact/{contact.pk}/change/"
    for path in ("/admin/geo/agencycontact/", url, "/admin/geo/fieldlink/", f"/admin/geo/fieldlink/{link.pk}/change/"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "kunci-rahasia" not in answer.content.decode()
        assert link.key.hex not in answer.content.decode()
    given = {"agency": contact.agency_id, "name": "Piket malam", "kind": "apprise", "address": "", "is_active": "on"}
    assert client.post(url, given).status_code == 302
    contact.refresh_from_db()
    assert (contact.name, contact.address) == (
        "Piket malam",
        "json://gerbang.example/?+Authorization=kunci-rahasia",
    )
    refused = client.post(url, {**given, "address": "file:///etc/passwd"})
    assert refused.status_code == 200
    contact.refresh_from_db()
    assert contact.address.startswith("json://")


def test_a_contact_without_its_agency_is_refused_with_a_sentence(link: FieldLink, report: Report) -> None:
    given = {
        "area": Area.objects.get(code="kota-uji.1").pk,
        "name": "Piket",
        "kind": "email",
        "address": "a@dlh.example",
    }
    answer = signed_in(report, Role.ADMINISTRATOR).post("/admin/geo/agencycontact/add/", given)
    assert answer.status_code == 200
    assert set(answer.context["adminform"].form.errors) == {"agency"}
    assert AgencyContact.objects.count() == 1


def test_a_dispatcher_withdraws_links_in_the_admin(client: Client, link: FieldLink, report: Report) -> None:
    chosen = {"action": "withdraw", "_selected_action": [link.pk]}
    assert signed_in(report, Role.DISPATCHER).post("/admin/geo/fieldlink/", chosen).status_code == 302
    assert client.get(page(link)).status_code == 410
    line = report.history.latest("id")
    assert (line.action, line.origin, line.new) == ("field_link_withdrawn", "admin", {"links": 1})


@pytest.fixture
def lurah(report: Report) -> Client:
    """Of kota-uji.1.1, without an agency; beside the report there is a hidden one in kota-uji.1.2."""
    make_report(location=centre("kota-uji.1.2"), channel=make_channel("pot"), description="Tetangga", is_public=False)
    return signed_in(report, Role.OFFICER, area=Area.objects.get(code="kota-uji.1.1"))


def other() -> Report:
    return Report.objects.get(description="Tetangga")


def test_a_lurah_finds_the_hidden_reports_of_his_kelurahan_alone_in_the_api(lurah: Client, report: Report) -> None:
    assert [one["id"] for one in lurah.get("/api/reports/").json()["results"]] == [report.public_id]
    for path, expected in ((report, 200), (other(), 404)):
        assert lurah.get(f"/api/reports/{path.public_id}/private/").status_code == expected


def test_a_lurah_handles_the_reports_of_his_kelurahan_alone(lurah: Client, report: Report) -> None:
    Report.objects.update(is_public=True)
    step = {"status": "in_progress"}
    for one, expected in ((report, 200), (other(), 403)):
        url = f"/api/reports/{one.public_id}/status/"
        assert lurah.post(url, step, content_type="application/json").status_code == expected
    assert now_of(report) == ("in_progress", "dlh")
    assert other().status == "submitted"


def test_a_lurah_sees_the_reports_of_his_kelurahan_alone_in_the_admin(lurah: Client, report: Report) -> None:
    text = lurah.get("/admin/geo/report/").content.decode()
    assert report.public_id in text
    assert other().public_id not in text
    assert lurah.get(f"/admin/geo/report/{report.pk}/change/").status_code == 200
    assert lurah.get(f"/admin/geo/report/{other().pk}/change/").status_code == 302


def test_a_lurahs_export_holds_the_hidden_reports_of_his_kelurahan_alone(lurah: Client, report: Report) -> None:
    answer = lurah.get("/api/reports/export.csv", {"city": "kota-uji"})
    text = b"".join(answer.streaming_content).decode()
    assert report.public_id in text
    assert other().public_id not in text
