"""Instructions and the weekly brief over HTTP."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from geo.areas.models import City
from geo.models import CityRole, Instruction
from geo.operations.incidents.services import open_incident
from geo.reports.access.principals import Principal
from geo.reports.models import Agency
from tests.factories import make_agency, make_category, make_city, make_report

pytestmark = pytest.mark.django_db
PATH, BRIEF = "/api/instructions/", "/api/brief/"


@pytest.fixture
def city() -> City:
    return make_city()


@pytest.fixture
def dlh(city: City) -> Agency:
    return make_agency(city, "dlh", make_category("sampah", name_id="Sampah", name_en="Rubbish"))


@pytest.fixture
def mayor(city: City, dlh: Agency) -> Client:
    return person("wali", city, "mayor")


@pytest.fixture
def officer(city: City, dlh: Agency) -> Client:
    return person("petugas", city, "officer", agency=dlh)


def person(name: str, city: City, role: str, **more: Any) -> Client:
    user = User.objects.create_user(name, f"{name}@example.org", is_staff=True)
    CityRole.objects.create(user=user, city=city, role=role, **more)
    client = Client()
    client.force_login(user)
    return client


def send(client: Client, path: str, given: Any) -> Any:
    return client.post(path, json.dumps(given), content_type="application/json")


def order(**more: Any) -> dict[str, Any]:
    deadline = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    return {"agency": "dlh", "area": "kota-uji.1", "deadline": deadline, "text": "Bersihkan sungai", **more}


def overdue(instruction_id: str) -> None:
    Instruction.objects.filter(public_id=instruction_id).update(deadline=datetime.now(UTC) - timedelta(hours=1))


def test_an_instruction_is_given_done_and_confirmed(mayor: Client, officer: Client) -> None:
    answer = send(mayor, PATH, order())
    assert answer.status_code == 201
    one = answer.json()
    assert answer.headers["Location"] == one["url"]
    assert (one["state"], one["area"], one["report"], one["given_by"], one["is_late"], one["next_states"]) == (
        "open", "kota-uji.1", None, "wali", False, ["withdrawn"],
    )  # fmt: skip
    path = f"{PATH}{one['id']}/"
    assert officer.get(path).json()["next_states"] == ["acknowledged"]
    assert send(officer, f"{path}state/", {"state": "acknowledged"}).json()["state"] == "acknowledged"
    unsaid = send(officer, f"{path}state/", {"state": "done"})
    assert (unsaid.status_code, list(unsaid.json()["errors"])) == (400, ["note"])
    assert send(officer, f"{path}state/", {"state": "done", "note": "Sudah dikeruk"}).status_code == 200
    done = send(mayor, f"{path}state/", {"state": "confirmed"})
    assert (done.status_code, done.headers["Cache-Control"]) == (200, "private, no-store")
    assert [(step["state"], step["by"], step["text"]) for step in done.json()["steps"]] == [
        ("open", "wali", "Bersihkan sungai"),
        ("acknowledged", "petugas", ""),
        ("done", "petugas", "Sudah dikeruk"),
        ("confirmed", "wali", ""),
    ]
    late = send(officer, f"{path}state/", {"state": "acknowledged"})
    assert (late.status_code, late.json()["current"]) == (409, {"state": "confirmed"})


def test_one_about_a_report_goes_to_the_agency_that_has_it(mayor: Client) -> None:
    report = make_report()
    given = order(report=report.public_id)
    del given["agency"], given["area"]
    one = send(mayor, PATH, given).json()
    assert (one["agency"], one["report"], one["area"]) == ("dlh", report.public_id, None)
    assert [found["id"] for found in mayor.get(PATH, {"report": report.public_id}).json()["results"]] == [one["id"]]
    assert mayor.get(f"/api/reports/{report.public_id}/private/").json()["notes"] == [{"text": "Bersihkan sungai"}]


def test_one_about_an_incident(mayor: Client, city: City) -> None:
    incident = open_incident(
        city=city, title="Banjir", reports=[], by=Principal(is_superuser=True), now=datetime.now(UTC)
    )
    given = order(incident=incident.public_id)
    del given["area"]
    assert send(mayor, PATH, given).json()["incident"] == incident.public_id


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"area": None}, "area"),
        ({"report": "none"}, "report"),
        ({"agency": "nobody"}, "agency"),
        ({"area": "nowhere"}, "area"),
        ({"deadline": "tomorrow"}, "deadline"),
        ({"deadline": "2020-01-01T00:00:00Z"}, "deadline"),
        ({"deadline": "2099-01-01T17:00:00"}, "deadline"),
        ({"text": ""}, "text"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_field_is_named_and_nothing_is_kept(change: dict[str, Any], field: str, mayor: Client) -> None:
    answer = send(mayor, PATH, order(**change))
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert not Instruction.objects.exists()


def test_the_queue_is_filtered_by_agency_state_and_lateness(mayor: Client, officer: Client, city: City) -> None:
    make_agency(city, "bpbd")
    first, second = (send(mayor, PATH, order(agency=slug)).json()["id"] for slug in ("dlh", "bpbd"))
    send(officer, f"{PATH}{first}/state/", {"state": "acknowledged"})
    overdue(first)

    def ids(client: Client, **asked: str) -> list[str]:
        return [one["id"] for one in client.get(PATH, asked).json()["results"]]

    assert ids(mayor) == [second, first]
    assert ids(officer) == [first]
    assert ids(mayor, agency="bpbd,dlh", state="open") == [second]
    assert ids(mayor, agency="dlh", state="open,acknowledged") == [first]
    assert ids(mayor, late="true") == [first]
    assert ids(mayor, area="kota-uji.1", city="kota-uji") == [second, first]
    assert ids(mayor, incident="none") == []


@pytest.mark.parametrize(
    ("asked", "parameter"),
    [({"state": "new"}, "state"), ({"agency": "none"}, "agency"), ({"late": "maybe"}, "late"), ({"colour": "red"}, "colour")],
)  # fmt: skip
def test_a_bad_parameter_is_named(asked: dict[str, str], parameter: str, mayor: Client) -> None:
    answer = mayor.get(PATH, asked)
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)


def test_the_queue_is_paged_with_as_many_statements_however_long_it_is(mayor: Client) -> None:
    ids = [send(mayor, PATH, order()).json()["id"] for _i in range(3)]
    with CaptureQueriesContext(connection) as one:
        mayor.get(PATH, {"limit": 1})
    with CaptureQueriesContext(connection) as all_:
        page = mayor.get(PATH, {"limit": 2}).json()
    assert len(one) == len(all_)
    assert [found["id"] for found in page["results"]] == [ids[2], ids[1]]
    assert [found["id"] for found in mayor.get(page["next"]).json()["results"]] == [ids[0]]


def test_the_figures_say_how_many_are_open_late_and_to_be_confirmed(mayor: Client, officer: Client) -> None:
    done, late, _fresh = (send(mayor, PATH, order()).json()["id"] for _i in range(3))
    send(officer, f"{PATH}{done}/state/", {"state": "acknowledged"})
    send(officer, f"{PATH}{done}/state/", {"state": "done", "note": "Beres"})
    overdue(late)
    figures = [{"agency": "dlh", "open": 2, "late": 1, "to_be_confirmed": 1}]
    assert officer.get(f"{PATH}figures/").json() == {"agencies": figures}
    assert mayor.get(f"{PATH}figures/", {"city": "kota-uji"}).json() == {"agencies": figures}


def test_who_may_do_what(mayor: Client, officer: Client, city: City) -> None:
    elsewhere = make_city("kota-lain", west=108.0)
    path = f"{PATH}{send(mayor, PATH, order(city='kota-uji')).json()['id']}/"
    dispatcher, planner = person("piket", city, "dispatcher"), person("perencana", city, "planner")
    stranger = person("jauh", elsewhere, "mayor")
    assert dispatcher.get(path).status_code == 200
    assert (planner.get(path).status_code, stranger.get(path).status_code) == (404, 404)
    assert Client().get(path).status_code == 403
    for client in (officer, dispatcher, planner, stranger, Client()):
        assert send(client, PATH, order(city="kota-uji")).status_code == 403
    step = {"state": "acknowledged"}
    answers = [send(client, f"{path}state/", step).status_code for client in (mayor, dispatcher, planner, Client())]
    assert answers == [403, 403, 404, 403]
    assert Instruction.objects.get().state == "open"


def test_a_mayor_changes_nothing_else(mayor: Client) -> None:
    report = make_report()
    step = {"status": "rejected", "note": "Tidak"}
    assert send(mayor, f"/api/reports/{report.public_id}/status/", step).status_code == 403
    assert send(mayor, "/api/incidents/", {"title": "Banjir"}).status_code == 403
    report.refresh_from_db()
    assert report.status == "submitted"


def test_the_brief_is_one_request_in_three_forms(mayor: Client) -> None:
    answer = mayor.get(BRIEF, {"week": "2026-W09"})
    assert answer.json()["week"] == "2026-W09"
    assert answer.headers["Cache-Control"] == "private, no-store"
    text = mayor.get(BRIEF, {"week": "2026-W09", "f": "text", "lang": "en"})
    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert text.content.decode().startswith("WEEKLY BRIEF OF KOTA UJI, 2026-W09\n")
    page = mayor.get(BRIEF, {"lang": "en"}, headers={"accept": "text/html"})
    assert b"<h1>Weekly brief of Kota Uji, " in page.content
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_those_who_oversee_the_city_read_the_brief_and_nobody_else(mayor: Client, officer: Client, city: City) -> None:
    stranger = person("jauh", make_city("kota-lain", west=108.0), "mayor")
    asked = {"city": "kota-uji"}
    for role in ("dispatcher", "administrator"):
        assert person(role, city, role).get(BRIEF, asked).status_code == 200
    for client in (officer, person("perencana", city, "planner"), stranger, Client()):
        assert client.get(BRIEF, asked).status_code == 403


@pytest.mark.parametrize(
    ("asked", "parameter"), [({"week": "47"}, "week"), ({"week": "2999-W01"}, "week"), ({"f": "pdf"}, "f")]
)
def test_a_bad_parameter_of_the_brief_is_named(asked: dict[str, str], parameter: str, mayor: Client) -> None:
    answer = mayor.get(BRIEF, asked)
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)


def page_of(one: Instruction) -> str:
    return f"/admin/geo/instruction/{one.pk}/change/"


def take(client: Client, one: Instruction, **given: str) -> Any:
    """As the form of the admin's page sends it."""
    return client.post(page_of(one), {**given, "steps-TOTAL_FORMS": "0", "steps-INITIAL_FORMS": "0"})


def test_each_side_takes_its_steps_in_the_admin(mayor: Client, officer: Client) -> None:
    send(mayor, PATH, order())
    one = Instruction.objects.get()
    assert b'value="acknowledged"' in officer.get(page_of(one)).content
    assert take(officer, one, step="acknowledged").status_code == 302
    unsaid = take(officer, one, step="done", note=" ")
    assert (unsaid.status_code, b"errorlist" in unsaid.content) == (200, True)
    assert take(officer, one, step="done", note="Sudah dikeruk").status_code == 302
    assert take(mayor, one, step="confirmed").status_code == 302
    assert [(step.new_state, step.origin, step.text) for step in one.steps.all()] == [
        ("open", "api", "Bersihkan sungai"),
        ("acknowledged", "admin", ""),
        ("done", "admin", "Sudah dikeruk"),
        ("confirmed", "admin", ""),
    ]


def test_in_the_admin_nobody_takes_a_step_of_others(mayor: Client, officer: Client, city: City) -> None:
    send(mayor, PATH, order())
    one = Instruction.objects.get()
    dispatcher = person("piket", city, "dispatcher")
    for client in (dispatcher, person("lain", city, "officer", agency=make_agency(city, "bpbd"))):
        assert b'name="_save"' not in client.get(page_of(one)).content
        assert take(client, one, step="acknowledged").status_code in (302, 403)
    assert dispatcher.get(page_of(one)).status_code == 200
    assert take(officer, one, step="withdrawn").status_code == 200
    assert take(mayor, one, step="acknowledged").status_code == 200
    one.refresh_from_db()
    assert (one.state, one.steps.count()) == ("open", 1)
    # Nor is anything else of it changed there.
    assert take(officer, one, step="acknowledged", deadline_0="2099-01-01", deadline_1="00:00").status_code == 302
    assert Instruction.objects.get().deadline == one.deadline


def test_the_admin_shows_instructions_and_keeps_their_words(mayor: Client, admin_client: Client) -> None:
    send(mayor, PATH, order())
    one = Instruction.objects.get()
    assert one.public_id.encode() in admin_client.get("/admin/geo/instruction/").content
    assert b"Bersihkan sungai" in admin_client.get(page_of(one)).content
    assert admin_client.get("/admin/geo/weeklybrief/").status_code == 200
    note = one.notes.get()
    rewritten = admin_client.post(f"/admin/geo/instructionnote/{note.pk}/change/", {"text": "Sudah selesai"})
    assert rewritten.status_code == 302
    assert mayor.get(f"{PATH}{one.public_id}/").json()["text"] == "Bersihkan sungai"
    chosen = {"action": "empty", "_selected_action": [note.pk]}
    assert admin_client.post("/admin/geo/instructionnote/", chosen).status_code == 302
    assert mayor.get(f"{PATH}{one.public_id}/").json()["text"] == ""


def test_words_are_emptied_by_administrators_of_their_own_city_alone(city: City, dlh: Agency, mayor: Client) -> None:
    send(mayor, PATH, order())
    note = Instruction.objects.get().notes.get()
    of_another = person("admin-lain", make_city("kota-lain", west=108.0), "administrator")
    # An officer here, who sees the instruction, with an administrator's permission from elsewhere.
    CityRole.objects.create(user=User.objects.get(username="admin-lain"), city=city, role="officer", agency=dlh)
    chosen = {"action": "empty", "_selected_action": [note.pk]}
    assert of_another.get(f"/admin/geo/instructionnote/{note.pk}/change/").status_code == 200
    of_another.post("/admin/geo/instructionnote/", chosen)
    note.refresh_from_db()
    assert note.text == "Bersihkan sungai"
    person("admin-sini", city, "administrator").post("/admin/geo/instructionnote/", chosen)
    note.refresh_from_db()
    assert note.text == ""
