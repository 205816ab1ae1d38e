"""What officers do with chosen reports in the admin's list: merge, split, set a status; and questions of a category."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from geo.areas.models import City
from geo.models import CategoryAttribute, CityRole, HistoryNote, Report
from tests.factories import NOW, make_category, make_city, make_report

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
    CityRole.objects.create(user=user, city=city, role="officer")
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
    said = act(officer, "set_status", one, two, apply="1", status="assigned")

    assert f"Report {one.public_id}: The report has this status already." in said
    assert "The status of 1 report was set." in said
    assert state(two) == ("assigned", None)


def test_who_may_only_look_is_offered_no_action(officer: Any) -> None:
    report, other = make_report(), make_report()
    user = User.objects.get(username="petugas")
    user.user_permissions.set(Permission.objects.filter(codename="view_report"))
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
