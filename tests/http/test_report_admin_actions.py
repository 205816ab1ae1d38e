"""What officers do with chosen reports in the admin's list: merge, split, set a status; and questions of a category."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.gis.geos import Point

from geo.areas.models import City
from geo.models import CategoryAttribute, CityRole, HistoryNote, Report
from tests.factories import NOW, make_agency, make_category, make_city, make_report
from tests.workflow_paths import take_step

pytestmark = pytest.mark.django_db
LIST = "/admin/geo/report/"


@pytest.fixture(autouse=True)
def city() -> City:
    return make_city()


@pytest.fixture
def officer(client: Any, city: City) -> Any:
    """A browser with the session of an officer who may change reports."""
    user = User.objects.create(username="petugas", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_report", "change_report"]))
    CityRole.objects.create(user=user, city=city, role="dispatcher")
    client.force_login(user)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def act(client: Any, action: str, *reports: Report, **more: str) -> str:
    """The page that follows, as text."""
    form = {"action": action, "_selected_action": [report.pk for report in reports], **more}
    answer = client.post(LIST, form, follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


def state(report: Report) -> tuple[str, int | None]:
    return Report.objects.values_list("status", "duplicate_of_id").get(pk=report.pk)


def part(page: str, name: str) -> str:
    """What stands in the element with this id."""
    found = re.search(rf'id="{name}"[^>]*>(.*?)</(?:p|ul|ol|fieldset|table)>', page, re.DOTALL)
    assert found is not None, name
    return found[1]


def test_merging_shows_first_who_follows_whom_and_changes_nothing_before_it_is_confirmed(officer: Any) -> None:
    late, early = make_report(), make_report(reported_at=NOW.replace(hour=1), status="assigned")
    asked = act(officer, "merge_chosen", late, early)
    assert (early.public_id in part(asked, "parent"), "Assigned" in part(asked, "parent")) == (True, True)
    assert re.search(rf"{late.public_id}.*Submitted.* → Assigned", part(asked, "children"), re.DOTALL)
    assert state(late) == ("submitted", None)
    said = act(officer, "merge_chosen", late, early, parent=str(early.pk), apply="1")
    assert f"1 report follows {early.public_id} now." in said
    assert state(late) == ("assigned", early.pk)
    assert late.public_id in officer.get(f"{LIST}{early.pk}/change/").content.decode()
    assert "1 report stands for itself again." in act(officer, "split_chosen", late)
    assert state(late) == ("submitted", None)


def test_another_report_is_chosen_to_be_followed(officer: Any) -> None:
    late, early = make_report(), make_report(reported_at=NOW.replace(hour=1))
    asked = act(officer, "merge_chosen", late, early, parent=str(late.pk))
    assert late.public_id in part(asked, "parent")
    act(officer, "merge_chosen", late, early, parent=str(late.pk), apply="1")
    assert (state(late), state(early)) == (("submitted", None), ("submitted", late.pk))


def test_a_reopened_report_is_not_closed_by_merging_it_in_the_list(officer: Any) -> None:
    done, reopened = make_report(reported_at=NOW.replace(hour=1), status="resolved"), make_report(status="reopened")
    asked = act(officer, "merge_chosen", done, reopened)
    assert (reopened.public_id in part(asked, "parent"), 'name="apply"' in asked) == (True, True)
    other = act(officer, "merge_chosen", done, reopened, parent=str(done.pk))
    assert ("An open report cannot follow a closed one" in other, 'name="apply"' in other) == (True, False)
    said = act(officer, "merge_chosen", done, reopened, parent=str(done.pk), apply="1")
    assert f"is open and cannot follow {done.public_id}" in said
    assert state(reopened) == ("reopened", None)


def test_what_comes_along_with_a_merge_is_shown_as_well(officer: Any) -> None:
    parent, child, grandchild = make_report(), make_report(), make_report()
    act(officer, "merge_chosen", child, grandchild, apply="1")
    asked = act(officer, "merge_chosen", parent, child)
    assert grandchild.public_id in part(asked, "children")


def test_what_cannot_be_merged_or_split_is_said(officer: Any) -> None:
    one, two, other = make_report(), make_report(), make_report()
    assert "Choose two reports at least" in act(officer, "merge_chosen", one)
    act(officer, "merge_chosen", one, two, apply="1")
    assert "split from it first" in act(officer, "merge_chosen", two, other, apply="1")
    assert f"Report {other.public_id}: This report follows no other one." in act(officer, "split_chosen", other)
    assert state(other) == ("submitted", None)


def test_a_status_is_set_with_a_note_that_is_asked_for_first(officer: Any) -> None:
    one, two = make_report(), make_report()
    asked = act(officer, "set_status", one, two)
    assert f'name="_selected_action" value="{one.pk}"' in asked
    assert 'name="note_is_public"' in asked
    assert state(one) == ("submitted", None)
    said = act(officer, "set_status", one, two, apply="1", status="in_progress", note="Tim berangkat")
    assert "The status of 2 reports is In progress now." in said
    assert state(one) == state(two) == ("in_progress", None)
    assert list(HistoryNote.objects.values_list("text", "is_public")) == [("Tim berangkat", False)] * 2
    act(officer, "set_status", one, apply="1", status="resolved", note="Selesai", note_is_public="on")
    assert HistoryNote.objects.get(text="Selesai").is_public


def test_a_status_that_is_none_is_asked_for_again(officer: Any) -> None:
    report = make_report()
    assert "errorlist" in act(officer, "set_status", report, apply="1", status="gone")
    assert state(report) == ("submitted", None)


def test_one_report_that_cannot_be_changed_keeps_no_other_back(officer: Any) -> None:
    one, two = make_report(status="assigned"), make_report()
    agency = str(make_agency(two.city, "dlh").pk)
    said = act(officer, "set_status", one, two, apply="1", status="assigned", agency=agency)

    assert f"Report {one.public_id}: No step leads from Assigned to Assigned" in said
    assert "The status of 1 report is Assigned now." in said
    # Asked again is the one that is left.
    assert (f'name="_selected_action" value="{one.pk}"' in said, f'value="{two.pk}">' in said) == (True, False)
    assert state(two) == ("assigned", None)


def test_the_form_offers_the_next_steps_of_the_chosen_reports_with_what_they_need(officer: Any) -> None:
    make_agency(make_city("kota-lain", west=108.0), "dinas-lain")
    one = make_report()
    make_agency(one.city, "dlh")
    asked = act(officer, "set_status", one)
    assert re.findall(r'<option value="(\w+)"(?: selected)?>([^<]+)</option>', asked.partition('name="agency"')[0]) == [
        ("coordination", "Coordination between agencies (a reason, an agency)"),
        ("assigned", "Assigned (an agency)"),
        ("in_progress", "In progress"),
        ("rejected", "Rejected (a reason)"),
        ("duplicate", "Duplicate (a reason)"),
    ]
    assert (">DLH<" in asked, "DINAS-LAIN" in asked) == (True, False)


def test_a_reports_page_leads_to_each_of_its_next_steps(officer: Any) -> None:
    report = make_report()
    agency = make_agency(report.city, "dlh")
    page = officer.get(f"{LIST}{report.pk}/change/").content.decode()
    assert re.findall(r'href="\.\./step/\?status=(\w+)"', page) == [
        *("coordination", "assigned", "in_progress", "rejected", "duplicate")
    ]
    step = f"{LIST}{report.pk}/step/"
    asked = officer.get(f"{step}?status=assigned").content.decode()
    assert '<option value="assigned" selected>' in asked
    seen = re.findall(rf'name="seen-{report.pk}" value="([^"]+)"', asked)
    form = {"apply": "1", "status": "assigned", "agency": agency.pk, f"seen-{report.pk}": seen[0]}
    answer = officer.post(step, form, follow=True)
    assert answer.redirect_chain == [(f"{LIST}{report.pk}/change/", 302)]
    line = report.history.latest("id")
    assert (line.new["status"], line.agency, line.origin) == ("assigned", agency, "admin")
    # Somebody else's page is older now.
    late = officer.post(step, {**form, "status": "in_progress", "agency": ""}, follow=True).content.decode()
    assert "The report was changed since it was read." in late
    assert state(report) == ("assigned", None)


def test_what_a_step_needs_is_said_beside_its_field_and_nothing_typed_is_lost(officer: Any) -> None:
    report = make_report()
    make_agency(report.city, "dlh")
    form = {"apply": "1", "status": "coordination", "note": "Wewenang DBMSDA", "agency": ""}
    page = officer.post(f"{LIST}{report.pk}/step/", form)
    text = page.content.decode()
    assert page.status_code == 200
    row = text.partition('name="agency"')[0].rpartition('class="form-row')[2]
    assert "Needed: an agency." in row
    assert ">\nWewenang DBMSDA</textarea>" in text
    assert '<option value="coordination" selected>' in text
    assert "agency: " not in text
    assert state(report) == ("submitted", None)


def test_what_a_step_needs_is_said_in_indonesian_with_the_labels_of_the_page(officer: Any) -> None:
    officer.defaults["HTTP_ACCEPT_LANGUAGE"] = "id"
    said = act(officer, "set_status", make_report(), apply="1", status="rejected")
    row = said.partition('name="note"')[0].rpartition('class="form-row')[2]
    assert "Perlu diisi: alasannya." in row
    assert ("note:" in said, "reason" in row) == (False, False)


def test_a_step_that_succeeds_says_so_with_the_new_status(officer: Any) -> None:
    report = make_report()
    form = {"apply": "1", "status": "in_progress", f"seen-{report.pk}": report.updated_at.isoformat()}
    answer = officer.post(f"{LIST}{report.pk}/step/", form, follow=True)
    assert f"Report {report.public_id}: the status is In progress now." in answer.content.decode()


def test_a_form_that_is_too_old_says_what_has_changed_meanwhile_and_can_be_sent_again(officer: Any) -> None:
    report = make_report()
    agency = make_agency(report.city, "dlh")
    old = report.updated_at.isoformat()
    take_step(report, "assigned", agency=agency)
    form = {"apply": "1", "status": "in_progress", "note": "Berangkat", f"seen-{report.pk}": old}
    text = officer.post(f"{LIST}{report.pk}/step/", form).content.decode()
    assert "The report was changed since it was read." in text
    assert "It is now: Assigned, DLH." in text
    assert "Status: Submitted → Assigned; Agency: – → DLH" in text
    (seen,) = re.findall(rf'name="seen-{report.pk}" value="([^"]+)"', text)
    assert officer.post(f"{LIST}{report.pk}/step/", {**form, f"seen-{report.pk}": seen}).status_code == 302
    assert state(report) == ("in_progress", None)


def test_who_comes_too_late_for_a_report_that_was_handed_over_is_told_where_it_is(client: Any, city: City) -> None:
    dlh, bpbd = make_agency(city, "dlh", make_category()), make_agency(city, "bpbd")
    user = User.objects.create(username="petugas", is_staff=True)
    CityRole.objects.create(user=user, city=city, role="officer", agency=dlh)
    client.force_login(user)
    report = make_report()
    take_step(report, "coordination", agency=bpbd)
    form = {"apply": "1", "status": "in_progress"}
    answer = client.post(f"{LIST}{report.pk}/step/", form, follow=True, headers={"Accept-Language": "en"})
    assert answer.redirect_chain == [(LIST, 302)]
    assert "It is now: Coordination between agencies, BPBD." in answer.content.decode()
    Report.objects.filter(pk=report.pk).update(is_public=False)
    assert client.post(f"{LIST}{report.pk}/step/", form).status_code == 404


def test_a_step_in_the_admin_with_a_time_that_is_none_is_refused_in_words(officer: Any) -> None:
    report = make_report()
    form = {"apply": "1", "status": "in_progress", f"seen-{report.pk}": "2026-13-45T00:00:00Z"}
    answer = officer.post(f"{LIST}{report.pk}/step/", form, follow=True)
    assert answer.status_code == 200
    assert Report.objects.get(pk=report.pk).status == "submitted"


def test_a_mayor_sees_a_report_and_is_offered_no_step(client: Any, city: City) -> None:
    user = User.objects.create(username="walikota", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_report", "change_report"]))
    CityRole.objects.create(user=user, city=city, role="mayor")
    client.force_login(user)
    report = make_report()
    page = client.get(f"{LIST}{report.pk}/change/")
    assert (page.status_code, b"/step/" in page.content) == (200, False)
    assert client.post(f"{LIST}{report.pk}/step/", {"apply": "1", "status": "rejected"}).status_code == 403
    make_city("kota-lain", west=108.0)
    elsewhere = make_report(location=Point(108.05, -6.25, srid=4326))
    assert client.get(f"{LIST}{elsewhere.pk}/step/").status_code == 404


def test_who_may_only_look_is_offered_no_action(officer: Any) -> None:
    report, other = make_report(), make_report()
    user = User.objects.get(username="petugas")
    user.user_permissions.set(Permission.objects.filter(codename="view_report"))
    CityRole.objects.update(role="mayor")
    assert "merge_chosen" not in officer.get(LIST).content.decode()
    act(officer, "merge_chosen", report, other)
    assert state(other) == ("submitted", None)


def test_answers_and_address_are_shown_to_those_who_deal_with_the_report(officer: Any) -> None:
    report = make_report(address="Jalan Merdeka 5", attributes={"kedalaman": "30"})
    shown = officer.get(f"{LIST}{report.pk}/change/").content.decode()
    assert "Jalan Merdeka 5" in shown
    assert "kedalaman" in shown


def test_a_question_is_added_to_its_category(admin_client: Any) -> None:
    category = make_category("banjir")
    form = {"slug": "banjir", "name_id": "Banjir", "name_en": "Flood", "public_grid_m": "0", "is_active": "on"}
    form |= {"open311_type": "realtime"}
    form |= {"responsibilities-TOTAL_FORMS": "0", "responsibilities-INITIAL_FORMS": "0"}
    form |= {"attributes-TOTAL_FORMS": "1", "attributes-INITIAL_FORMS": "0"}
    question = {"order": "1", "code": "kedalaman", "datatype": "number", "variable": "on", "values": "[]"}
    question |= {"description_id": "Berapa sentimeter?", "description_en": "How many centimetres?"}
    form |= {f"attributes-0-{name}": value for name, value in question.items()}
    answer = admin_client.post(f"/admin/geo/category/{category.pk}/change/", form)
    assert answer.status_code == 302, answer.content.decode()[:3000]
    assert CategoryAttribute.objects.get(category=category).description_id == "Berapa sentimeter?"
