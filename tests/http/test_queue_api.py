"""`/api/queue/`: what waits, in which tab, in which order, for whom; and what it costs to ask every few seconds."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from geo.areas.models import City
from geo.models import Agency, Area, CityRole, Report
from geo.reports.access.principals import Principal
from geo.reports.merging import merge_reports
from geo.reports.status import change_status
from geo.reports.workflow import Status
from tests.factories import make_agency, make_category, make_city, make_report

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def person(city: City, role: str, name: str = "", **more: Any) -> User:
    user = User.objects.create(username=name or f"{role}-{city.slug}", is_staff=True)
    CityRole.objects.create(user=user, city=city, role=role, **more)
    return user


@pytest.fixture
def dispatcher(client: Client, city: City) -> Client:
    client.force_login(person(city, "dispatcher"))
    return client


def waiting(due_in: timedelta | None = None, **fields: Any) -> Report:
    """An open report that is due so long from now (before now: less than nothing); None: it has no deadline."""
    report = make_report(now=timezone.now() - 100 * HOUR)
    due_at = timezone.now() + due_in if due_in is not None else None
    Report.objects.filter(pk=report.pk).update(due_at=due_at, **fields)
    report.refresh_from_db()
    return report


def ids(client: Client, **asked: Any) -> list[str]:
    return [row["id"] for row in client.get("/api/queue/", asked).json()["results"]]


def test_only_staff_of_the_city_see_its_queue(client: Client, city: City, key: str) -> None:
    assert client.get("/api/queue/").status_code == 403
    assert client.get("/api/queue/", headers={"x-api-key": key}).status_code == 403
    client.force_login(person(make_city("kota-lain", west=108.0), "dispatcher"))
    assert client.get("/api/queue/?city=kota-uji").status_code == 403


def test_what_is_most_urgent_stands_first_and_what_has_no_deadline_last(dispatcher: Client) -> None:
    later, undated, late, soon = waiting(90 * HOUR), waiting(None), waiting(-2 * HOUR), waiting(3 * HOUR)
    assert ids(dispatcher) == [late.public_id, soon.public_id, later.public_id, undated.public_id]


def test_each_tab_holds_its_own_and_says_how_many(dispatcher: Client, city: City) -> None:
    agency = make_agency(city)
    late, soon = waiting(-2 * HOUR, agency=agency), waiting(3 * HOUR, agency=agency)
    again = waiting(90 * HOUR, agency=agency, status="reopened", reopened_count=1)
    nobodys = waiting(90 * HOUR)
    waiting(3 * HOUR, status="resolved", closed_at=timezone.now())
    answer = dispatcher.get("/api/queue/").json()
    assert answer["counts"] == {"open": 4, "due": 1, "late": 1, "reopened": 1, "mine": 0, "unassigned": 1}
    assert answer["tab"] == "open"
    found = {tab: ids(dispatcher, tab=tab) for tab in ("due", "late", "reopened", "unassigned", "mine")}
    assert found == {
        "due": [soon.public_id],
        "late": [late.public_id],
        "reopened": [again.public_id],
        "unassigned": [nobodys.public_id],
        "mine": [],
    }


def test_a_row_says_what_its_reader_needs_to_decide(dispatcher: Client, city: City) -> None:
    make_agency(city, "dlh")
    waiting(-2 * HOUR, agency=Agency.objects.get(), status="reopened", reopened_count=2, handover_count=1)
    (row,) = dispatcher.get("/api/queue/?lang=en").json()["results"]
    chosen = (
        "category_name",
        "agency_name",
        "status_name",
        "is_late",
        "is_answered",
        "reopenings",
        "handovers",
        "is_public",
    )
    assert [row[name] for name in chosen] == ["Sampah", "DLH", "Reopened", True, False, 2, 1, True]


def test_an_officer_sees_the_reports_of_their_agency_alone_and_all_of_them_as_theirs(
    client: Client, city: City
) -> None:
    own, other = make_agency(city, "dlh"), make_agency(city, "dishub")
    mine = waiting(HOUR, agency=own, is_public=False)
    waiting(HOUR, agency=other)
    waiting(HOUR)
    client.force_login(person(city, "officer", agency=own))
    answer = client.get("/api/queue/?tab=mine").json()
    assert [row["id"] for row in answer["results"]] == [mine.public_id]
    assert (answer["counts"]["open"], answer["counts"]["mine"], answer["counts"]["unassigned"]) == (1, 1, 0)


def test_a_planner_oversees_no_report_and_gets_an_empty_queue(client: Client, city: City) -> None:
    waiting(HOUR)
    client.force_login(person(city, "planner"))
    assert ids(client) == []


def test_a_dispatchers_own_are_those_of_which_they_took_a_step(dispatcher: Client, city: City) -> None:
    user = User.objects.get(username="dispatcher-kota-uji")
    by = Principal(user_id=user.pk, is_superuser=True)
    touched = waiting(HOUR)
    waiting(HOUR)
    change_status(report=touched, status=Status.IN_PROGRESS, by=by, now=timezone.now())
    assert ids(dispatcher, tab="mine") == [touched.public_id]


def test_the_dispatcher_of_one_area_has_what_lies_in_it_as_theirs(client: Client, city: City) -> None:
    inside = waiting(HOUR)
    client.force_login(person(city, "dispatcher", area=Area.objects.get(code="kota-uji.1")))
    assert ids(client, tab="mine") == [inside.public_id]


def test_a_merged_report_is_no_work_of_its_own(dispatcher: Client) -> None:
    parent, child = waiting(HOUR), waiting(HOUR)
    merge_reports(parent=parent, children=[child], by=Principal(user_id=1, is_superuser=True), now=timezone.now())
    answer = dispatcher.get("/api/queue/").json()
    assert [row["id"] for row in answer["results"]] == [parent.public_id]
    assert answer["counts"]["open"] == 1


def test_filters_narrow_the_list_and_the_counts(dispatcher: Client, city: City) -> None:
    agency = make_agency(city)
    wanted = waiting(-HOUR, agency=agency, public_description="Pohon tumbang di jalan")
    waiting(-HOUR, agency=agency)
    waiting(-HOUR, category=make_category("banjir"), public_description="Pohon hanyut")
    answer = dispatcher.get("/api/queue/?tab=late&q=pohon&agency=dlh&category=sampah").json()
    assert [row["id"] for row in answer["results"]] == [wanted.public_id]
    assert answer["counts"] == {"open": 1, "due": 0, "late": 1, "reopened": 0, "mine": 0, "unassigned": 0}


def test_pages_follow_each_other_across_equal_and_missing_deadlines(dispatcher: Client) -> None:
    at = timezone.now() + 5 * HOUR
    for due_at in (at, at, at, None, None):
        Report.objects.filter(pk=waiting().pk).update(due_at=due_at)
    expected = list(Report.objects.order_by("pk").values_list("public_id", flat=True))
    found: list[str] = []
    url: str | None = "/api/queue/?limit=2"
    while url:
        page = dispatcher.get(url).json()
        found += [row["id"] for row in page["results"]]
        url = page["next"]
    assert found == expected


@pytest.mark.parametrize("query", ["tab=all", "next=zzz", "due=true", "category=none", "limit=0"])
def test_a_question_that_cannot_be_understood_is_refused_by_name(dispatcher: Client, query: str) -> None:
    refused = dispatcher.get(f"/api/queue/?{query}")
    assert (refused.status_code, refused.json()["parameter"]) == (400, query.partition("=")[0])


def test_a_token_of_another_list_is_refused(dispatcher: Client) -> None:
    waiting(HOUR)
    waiting(HOUR)
    other = dispatcher.get("/api/reports/?limit=1").json()["next"].partition("next=")[2]
    assert dispatcher.get(f"/api/queue/?next={other}").status_code == 400


def test_who_asks_again_gets_a_304_until_a_report_changes(dispatcher: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    monkeypatch.setattr("geo.api.operations.queue.utc_now", lambda: now)
    report = waiting(HOUR)
    first = dispatcher.get("/api/queue/")
    asked = {"if-none-match": first["ETag"]}
    again = dispatcher.get("/api/queue/", headers=asked)
    assert (again.status_code, again.content, again["Cache-Control"]) == (304, b"", "private, no-cache")
    change_status(report=report, status=Status.IN_PROGRESS, by=Principal(user_id=1, is_superuser=True), now=now)
    assert dispatcher.get("/api/queue/", headers=asked).status_code == 200


def test_the_tag_is_of_the_role_too(dispatcher: Client, city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    monkeypatch.setattr("geo.api.operations.queue.utc_now", lambda: now)
    tag = dispatcher.get("/api/queue/")["ETag"]
    CityRole.objects.update(role="officer", agency=make_agency(city))
    assert dispatcher.get("/api/queue/", headers={"if-none-match": tag}).status_code == 200


def test_the_statements_do_not_grow_with_the_rows(dispatcher: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    monkeypatch.setattr("geo.api.operations.queue.utc_now", lambda: now)

    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            dispatcher.get("/api/queue/")
        return len(seen)

    waiting(HOUR)
    one = statements()
    for _number in range(5):
        waiting(HOUR)
    assert statements() == one <= 10
    with CaptureQueriesContext(connection) as seen:
        dispatcher.get("/api/queue/", headers={"if-none-match": dispatcher.get("/api/queue/")["ETag"]})
    repeated = [query["sql"] for query in seen if "geo_report" in query["sql"]]
    assert len(repeated) <= 4  # of the first of the two: the page, its photos, the counts, and what the roles reach
