"""`/api/reports/{id}/handling/` and `/api/reports/steps/`: how a report stands with those who deal with it, and one step of many."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from geo.areas.models import City
from geo.models import Agency, CityRole, HistoryEntry, Report
from geo.reports.access.principals import Principal
from geo.reports.merging import merge_reports
from tests.factories import NOW, make_agency, make_category, make_city, make_report
from tests.workflow_paths import bring_to

pytestmark = pytest.mark.django_db
TAKES = {"status": "assigned", "agency": "dishub"}


def signed_in(city: City, role: str, *, agency: Agency | None = None) -> Client:
    user = User.objects.create(username=role, is_staff=True)
    CityRole.objects.create(user=user, city=city, role=role, agency=agency)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def dispatcher(city: City) -> Client:
    make_agency(city, "dlh", make_category())
    make_agency(city, "dishub")
    return signed_in(city, "dispatcher")


def take(client: Client, reports: list[dict[str, Any]], **body: Any) -> Any:
    return client.post("/api/reports/steps/", json.dumps({"reports": reports, **body}), content_type="application/json")


def handling(client: Client, report: Report, **headers: Any) -> Any:
    return client.get(f"/api/reports/{report.public_id}/handling/", headers=headers)


def test_it_says_how_the_report_stands_and_what_may_be_done(dispatcher: Client) -> None:
    report = make_report()
    Report.objects.filter(pk=report.pk).update(due_at=NOW, reopened_count=1)
    answer = handling(dispatcher, report, **{"accept-language": "en"}).json()
    assert (answer["status"], answer["status_name"], answer["agency"]) == ("submitted", "Submitted", "dlh")
    assert (answer["is_late"], answer["reopenings"], answer["may_handle"], answer["may_dispatch"]) == (
        True,
        1,
        True,
        True,
    )
    steps = {step["status"]: step["needs"] for step in answer["steps"]}
    assert steps == {
        "coordination": ["reason", "agency"],
        "assigned": ["agency"],
        "in_progress": [],
        "rejected": ["reason"],
        "duplicate": ["reason"],
    }


def test_the_log_says_who_did_what_with_the_notes_that_are_for_staff(dispatcher: Client) -> None:
    report = make_report()
    body = {"status": "in_progress", "note": "Kunci di pos jaga", "note_is_public": False}
    dispatcher.post(f"/api/reports/{report.public_id}/status/", json.dumps(body), content_type="application/json")
    line = handling(dispatcher, report, **{"accept-language": "en"}).json()["log"][-1]
    assert (line["who"], line["what"]) == ("dispatcher", "Status: Submitted → In progress")
    assert (line["note"], line["note_is_public"]) == ("Kunci di pos jaga", False)


def test_a_report_that_follows_another_one_says_which_and_has_no_steps(dispatcher: Client) -> None:
    parent, child = make_report(), make_report()
    merge_reports(parent=parent, children=[child], by=Principal(user_id=1, is_superuser=True), now=NOW)
    answer = handling(dispatcher, child).json()
    assert (answer["follows"], answer["steps"]) == (parent.public_id, [])


def test_a_mayor_reads_it_and_may_take_no_step(dispatcher: Client, city: City) -> None:
    answer = handling(signed_in(city, "mayor"), make_report()).json()
    assert (answer["may_handle"], answer["may_dispatch"], answer["steps"]) == (False, False, [])


@pytest.mark.parametrize("role", ["planner", "officer"])
def test_who_does_not_oversee_the_report_does_not_see_who_dealt_with_it(
    dispatcher: Client, city: City, role: str
) -> None:
    agency = Agency.objects.get(slug="dishub") if role == "officer" else None
    assert handling(signed_in(city, role, agency=agency), make_report()).status_code == 403


def test_the_public_does_not_see_it(client: Client, dispatcher: Client) -> None:
    assert handling(client, make_report()).status_code == 403


def test_the_statements_do_not_grow_with_the_log(dispatcher: Client) -> None:
    report = make_report()

    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            handling(dispatcher, report)
        return len(seen)

    short = statements()
    bring_to(report, "resolved")
    assert statements() <= short


def test_many_reports_take_the_same_step_and_each_has_its_line(dispatcher: Client) -> None:
    reports = [make_report(), make_report(), make_report()]
    asked = [{"id": report.public_id, "as_of": report.updated_at.isoformat()} for report in reports]
    answer = take(dispatcher, asked, **TAKES, note="Lewat dishub")
    assert (answer.status_code, answer.json()["done"]) == (200, 3)
    assert answer.json()["results"][0] == {"id": reports[0].public_id, "is_done": True, "reason": ""}
    assert set(Report.objects.values_list("status", "agency__slug")) == {("assigned", "dishub")}
    lines = HistoryEntry.objects.filter(action="status", user__username="dispatcher", note__text="Lewat dishub")
    assert lines.count() == 3


def test_what_hinders_one_hinders_no_other_and_is_said(dispatcher: Client) -> None:
    free, moved, closed = make_report(), make_report(), make_report()
    read_at = moved.updated_at.isoformat()
    bring_to(moved, "in_progress")
    bring_to(closed, "resolved")
    asked = [
        {"id": "aaaaaaaaaaaa"},
        {"id": moved.public_id, "as_of": read_at},
        {"id": closed.public_id},
        {"id": free.public_id},
    ]
    answer = take(dispatcher, asked, **TAKES).json()
    assert answer["done"] == 1
    assert [(row["id"], row["is_done"]) for row in answer["results"]] == [
        ("aaaaaaaaaaaa", False),
        (moved.public_id, False),
        (closed.public_id, False),
        (free.public_id, True),
    ]
    assert all(row["reason"] for row in answer["results"][:3])
    assert answer["results"][1]["current"]["status"] == "in_progress"
    moved.refresh_from_db()
    assert moved.status == "in_progress"


def test_what_the_step_needs_is_said_of_each(dispatcher: Client) -> None:
    report = make_report()
    answer = take(dispatcher, [{"id": report.public_id}], status="coordination", agency="dishub").json()
    assert (answer["done"], bool(answer["results"][0]["reason"])) == (0, True)
    unknown = take(dispatcher, [{"id": report.public_id}], status="assigned", agency="none").json()
    assert unknown["done"] == 0


def test_an_officer_takes_steps_of_their_own_reports_alone(dispatcher: Client, city: City) -> None:
    own, other = make_report(), make_report()
    Report.objects.filter(pk=other.pk).update(agency=Agency.objects.get(slug="dishub"))
    officer = signed_in(city, "officer", agency=Agency.objects.get(slug="dlh"))
    answer = take(officer, [{"id": own.public_id}, {"id": other.public_id}], status="in_progress").json()
    assert [row["is_done"] for row in answer["results"]] == [True, False]


def test_a_report_named_twice_takes_the_step_once(dispatcher: Client) -> None:
    report = make_report()
    answer = take(dispatcher, [{"id": report.public_id}, {"id": report.public_id}], **TAKES).json()
    assert [row["is_done"] for row in answer["results"]] == [True]


@pytest.mark.parametrize("reports", [[], [{"id": f"report-{n}"} for n in range(101)], [{"name": "x"}], "all"])
def test_a_list_that_cannot_be_meant_is_refused(dispatcher: Client, reports: Any) -> None:
    refused = take(dispatcher, reports, **TAKES)
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["reports"])


def test_a_slip_in_the_name_of_as_of_does_not_take_the_step_without_it(dispatcher: Client) -> None:
    report = make_report()
    refused = take(dispatcher, [{"id": report.public_id, "asof": "2020-01-01T00:00:00Z"}], **TAKES)
    assert (refused.status_code, list(refused.json()["errors"]["reports"]["0"])) == (400, ["asof"])
    report.refresh_from_db()
    assert report.status == "submitted"


def test_only_staff_take_steps_of_many(client: Client, dispatcher: Client) -> None:
    make_city("kota-lain", west=108.0)
    assert take(client, [{"id": make_report().public_id}], **TAKES).status_code == 403
