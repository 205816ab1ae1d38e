"""Incidents that people keep, over HTTP: who may read and write them, and what the public sees."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from geo.areas.models import City
from geo.models import Incident, Report
from tests.factories import make_agency, make_category, make_city, make_report
from tests.saved_analyses import staff

pytestmark = pytest.mark.django_db
URL = "/api/incidents/"


@pytest.fixture(autouse=True)
def city() -> City:
    city = make_city()
    make_agency(city, "bpbd", make_category("banjir"))
    return city


@pytest.fixture
def dispatcher(city: City) -> Client:
    return signed_in(staff("piket", city, role="dispatcher"))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def flood(**more: Any) -> Report:
    return make_report(category=make_category("banjir"), **more)


def send(client: Client, path: str, given: Any = None, method: str = "post") -> Any:
    return getattr(client, method)(path, json.dumps(given or {}), content_type="application/json")


def opened(client: Client, reports: list[Report], **more: Any) -> Any:
    given = {"title": "Banjir Jatiasih", "reports": [report.public_id for report in reports], **more}
    answer = send(client, URL, given)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_an_incident_is_opened_kept_and_closed(dispatcher: Client) -> None:
    first, second = flood(), flood()
    incident = opened(dispatcher, [first])
    assert (incident["status"], incident["category"], incident["opened_by"]) == ("open", "banjir", "piket")
    assert incident["area"] == "kota-uji.1.1"
    path = f"{URL}{incident['id']}/"
    assert incident["url"] == f"http://testserver{path}"
    changed = send(dispatcher, f"{path}reports/", {"add": [second.public_id], "remove": [first.public_id]}).json()
    assert (changed["reports"], changed["report_count"], changed["open_report_count"]) == ([second.public_id], 1, 1)
    renamed = send(dispatcher, path, {"title": "Banjir Bekasi"}, "patch").json()
    assert (renamed["title"], renamed["is_public"]) == ("Banjir Bekasi", False)
    closed = send(dispatcher, f"{path}close/").json()
    assert closed["status"] == "closed"
    assert closed["closed_at"] is not None
    assert send(dispatcher, f"{path}close/").status_code == 409
    assert dispatcher.get(path).headers["Cache-Control"] == "private, no-store"


def test_a_message_says_whom_it_reached_and_who_kept_their_status(dispatcher: Client) -> None:
    fresh, done = flood(), flood(status="rejected")
    incident = opened(dispatcher, [fresh, done])
    given = {"text": "Air mulai surut.", "status": "in_progress"}
    told = send(dispatcher, f"{URL}{incident['id']}/message/", given).json()
    assert sorted(told["reports"]) == sorted([fresh.public_id, done.public_id])
    assert [one["report"] for one in told["refused"]] == [done.public_id]
    assert told["emails"] == 0
    history = Client().get(f"/api/reports/{done.public_id}/").json()["history"]
    assert (history[-1]["status"], history[-1]["note"]) == ("rejected", "Air mulai surut.")


def test_the_public_sees_public_incidents_with_their_public_reports(dispatcher: Client) -> None:
    seen, hidden = flood(), flood(is_public=False)
    public = opened(dispatcher, [seen, hidden], is_public=True)
    private = opened(dispatcher, [])
    (listed,) = Client().get(URL).json()["results"]
    assert (listed["id"], listed["report_count"], listed["opened_by"]) == (public["id"], 1, None)
    assert Client().get(f"{URL}{public['id']}/").json()["reports"] == [seen.public_id]
    assert Client().get(f"{URL}{private['id']}/").status_code == 404
    assert public["report_count"] == 2


def test_all_staff_of_the_city_read_and_only_dispatchers_write(city: City, dispatcher: Client) -> None:
    incident = opened(dispatcher, [flood()])
    path = f"{URL}{incident['id']}/"
    elsewhere = make_city("kota-lain", west=108.0)
    planner, stranger = signed_in(staff("perencana", city)), signed_in(staff("jauh", elsewhere, role="administrator"))
    assert planner.get(path).status_code == 200
    assert stranger.get(path).status_code == 404
    writes = [("post", "close/"), ("post", "reports/"), ("post", "message/"), ("patch", "")]
    for client, status in ((planner, 403), (stranger, 404), (Client(), 403)):
        for method, name in writes:
            given = {"text": "x"} if name == "message/" else {}
            assert send(client, f"{path}{name}", given, method).status_code == status, (status, name)
    for client in (planner, stranger, Client()):
        assert send(client, URL, {"title": "x", "city": "kota-uji"}).status_code == 403
    assert Incident.objects.get().status == "open"


def test_the_list_is_paged_and_filtered(dispatcher: Client) -> None:
    ids = [opened(dispatcher, [])["id"] for _i in range(3)]
    send(dispatcher, f"{URL}{ids[0]}/close/")
    page = dispatcher.get(f"{URL}?limit=2").json()
    assert [one["id"] for one in page["results"]] == [ids[2], ids[1]]
    rest = dispatcher.get(page["next"]).json()
    assert ([one["id"] for one in rest["results"]], rest["next"]) == ([ids[0]], None)
    assert [one["id"] for one in dispatcher.get(f"{URL}?status=closed").json()["results"]] == [ids[0]]
    assert dispatcher.get(f"{URL}?status=half").json()["parameter"] == "status"


def test_the_list_asks_as_much_of_many_as_of_one(dispatcher: Client, django_assert_max_num_queries: Any) -> None:
    for _i in range(8):
        opened(dispatcher, [flood(), flood()])
    with django_assert_max_num_queries(6):
        assert len(dispatcher.get(URL).json()["results"]) == 8


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "x", "reports": ["nothing"]}, "reports"),
        ({"title": "x", "category": "nothing"}, "category"),
        ({"title": "x", "area": "nothing"}, "area"),
        ({"title": "x", "colour": "red"}, "colour"),
        ({"title": "x", "reports": [], "from_layer": {"report": "x"}}, "from_layer"),
        ({"title": "x", "from_layer": {"report": "nothing"}}, "from_layer"),
        ({"title": "x", "from_layer": {"report": "x", "radius_m": "far"}}, "from_layer.radius_m"),
    ],
)
def test_what_cannot_be_is_named_and_nothing_is_written(given: Any, field: str, dispatcher: Client) -> None:
    answer = send(dispatcher, URL, given)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert list(answer.json()["errors"]) == [field]
    assert not Incident.objects.exists()


def test_a_report_in_two_open_incidents_is_a_conflict_that_says_where_it_is(dispatcher: Client) -> None:
    report = flood()
    incident = opened(dispatcher, [report])
    answer = send(dispatcher, URL, {"title": "Lain", "reports": [report.public_id]})
    assert (answer.status_code, answer.json()["incidents"]) == (409, {report.public_id: incident["id"]})


def test_the_admin_retitles_and_closes_and_the_service_decides(city: City, dispatcher: Client) -> None:
    incident = Incident.objects.get(public_id=opened(dispatcher, [flood()])["id"])
    admin = signed_in(User.objects.create_superuser("admin"))
    page = f"/admin/geo/incident/{incident.pk}/change/"
    assert admin.get(page).status_code == 200
    form = {"title": "Hubungi 081234567890", "is_public": "on", "members-TOTAL_FORMS": 0, "members-INITIAL_FORMS": 0}
    assert admin.post(page, form).status_code == 302
    incident.refresh_from_db()
    assert (incident.title, incident.is_public) == ("Hubungi [telepon]", True)
    admin.post("/admin/geo/incident/", {"action": "close", "_selected_action": [incident.pk]})
    incident.refresh_from_db()
    assert (incident.status, incident.members.get().is_open) == ("closed", False)


def test_a_form_of_the_admin_that_lay_open_takes_back_nothing(dispatcher: Client) -> None:
    incident = Incident.objects.get(public_id=opened(dispatcher, [flood()], title="Banjir")["id"])
    admin = signed_in(User.objects.create_superuser("admin"))
    page = f"/admin/geo/incident/{incident.pk}/change/"
    shown = admin.get(page).content.decode()
    assert '<input type="hidden" name="initial-title" value="Banjir"' in shown
    assert '<input type="hidden" name="initial-is_public" value="False"' in shown
    Incident.objects.filter(pk=incident.pk).update(is_public=True)
    form = {
        "title": "Banjir Jatiasih", "initial-title": "Banjir", "initial-is_public": "False", "members-TOTAL_FORMS": 0,
        "members-INITIAL_FORMS": 0,
    }  # fmt: skip
    assert admin.post(page, form).status_code == 302
    incident.refresh_from_db()
    assert (incident.title, incident.is_public) == ("Banjir Jatiasih", True)
