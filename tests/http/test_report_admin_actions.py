"""What officers do with chosen reports in the admin's list: merge, split, set a status; and questions of a category."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.gis.geos import Point

from geo.areas.models import City
from geo.models import CategoryAttribute, CityRole, HistoryNote, Report
from tests.factories import NOW, make_agency, make_category, make_city, make_report

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


def test_the_chosen_reports_are_merged_into_the_earliest_and_split_again(officer: Any) -> None:
    late, early = make_report(), make_report(reported_at=NOW.replace(hour=1), status="assigned")
    said = act(officer, "merge_chosen", late, early)
    assert f"1 report follows {early.public_id} now." in said
    assert state(late) == ("assigned", early.pk)
    assert late.public_id in officer.get(f"{LIST}{early.pk}/change/").content.decode()
    assert "1 report stands for itself again." in act(officer, "split_chosen", late)
    assert state(late) == ("submitted", None)


def test_what_cannot_be_merged_or_split_is_said(officer: Any) -> None:
    one, two, other = make_report(), make_report(), make_report()
    assert "Choose two reports at least" in act(officer, "merge_chosen", one)
    act(officer, "merge_chosen", one, two)
    assert "split from it first" in act(officer, "merge_chosen", two, other)
    assert f"Report {other.public_id}: This report follows no other one." in act(officer, "split_chosen", other)
    assert state(other) == ("submitted", None)


def test_a_status_is_set_with_a_note_that_is_asked_for_first(officer: Any) -> None:
    one, two = make_report(), make_report()
    asked = act(officer, "set_status", one, two)
    assert f'name="_selected_action" value="{one.pk}"' in asked
    assert 'name="note_is_public"' in asked
    assert state(one) == ("submitted", None)
    said = act(officer, "set_status", one, two, apply="1", status="in_progress", note="Tim berangkat")
    assert "The status of 2 reports was set." in said
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
    assert "The status of 1 report was set." in said
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


def test_what_a_step_needs_is_said_in_the_admin_too(officer: Any) -> None:
    report = make_report()
    said = act(officer, "set_status", report, apply="1", status="rejected")
    assert f"Report {report.public_id}: note: Needed: the reason." in said
    assert state(report) == ("submitted", None)


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
