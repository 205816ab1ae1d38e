"""The duty desk over HTTP: the situation in three forms, shifts from hand to hand, the on-call list in the admin."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from geo.areas.models import City
from geo.models import Agency, Area, CityRole, Escalation, OnCallLevel, Report, Shift
from tests.factories import make_agency, make_category, make_city, make_report
from tests.saved_analyses import staff

pytestmark = pytest.mark.django_db
SITUATION, SHIFTS = "/api/duty/situation/", "/api/duty/shifts/"


@pytest.fixture(autouse=True)
def city() -> City:
    city = make_city()
    make_agency(city, "dlh", make_category("sampah", name_id="Sampah", name_en="Rubbish"))
    return city


@pytest.fixture
def dispatcher(city: City) -> Client:
    return signed_in(staff("piket", city, role="dispatcher"))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def send(client: Client, path: str, given: Any = None) -> Any:
    return client.post(path, json.dumps(given or {}), content_type="application/json")


def test_the_situation_is_one_request_in_three_forms(dispatcher: Client) -> None:
    make_report(now=datetime.now(UTC))
    answer = dispatcher.get(SITUATION)
    assert answer.json()["totals"]["new"] == 1
    text = dispatcher.get(SITUATION, {"f": "text"})
    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert text.content.decode().startswith("LAPORAN SITUASI KOTA UJI\n")
    page = dispatcher.get(SITUATION, headers={"accept": "text/html"})
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"<h1>Laporan situasi Kota Uji</h1>" in page.content
    assert b"<td>Sampah</td>" in page.content
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    english = dispatcher.get(SITUATION, {"f": "text", "lang": "en"}).content.decode()
    assert english.startswith("SITUATION REPORT OF KOTA UJI\n")
    assert "Rubbish" in english
    for one in (answer, text, page):
        assert one.headers["Cache-Control"] == "private, no-store"


def test_the_situation_tells_since_when_it_was_asked_for(dispatcher: Client) -> None:
    made = datetime.now(UTC) - timedelta(hours=10)
    make_report(now=made)
    assert dispatcher.get(SITUATION).json()["totals"]["new"] == 0
    start = (made - timedelta(minutes=1)).isoformat()
    assert dispatcher.get(SITUATION, {"start": start}).json()["totals"]["new"] == 1


@pytest.mark.parametrize(
    ("asked", "parameter"),
    [
        ({"start": "yesterday"}, "start"),
        ({"start": "2020-01-01"}, "start"),
        ({"start": "2099-01-01"}, "start"),
        ({"f": "pdf"}, "f"),
        ({"city": "nowhere"}, "city"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_parameter_is_named(asked: dict[str, str], parameter: str, dispatcher: Client) -> None:
    answer = dispatcher.get(SITUATION, asked)
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)


def test_all_staff_of_the_city_read_and_only_dispatchers_take_shifts(city: City, dispatcher: Client) -> None:
    elsewhere = make_city("kota-lain", west=108.0)
    shift = send(dispatcher, SHIFTS, {"city": "kota-uji"}).json()
    planner, stranger = signed_in(staff("perencana", city)), signed_in(staff("jauh", elsewhere, role="administrator"))
    asked = {"city": "kota-uji"}
    assert planner.get(SITUATION, asked).status_code == 200
    assert planner.get(shift["url"]).status_code == 200
    assert len(planner.get(SHIFTS).json()["results"]) == 1
    assert stranger.get(SITUATION, asked).status_code == 403
    assert stranger.get(shift["url"]).status_code == 404
    assert stranger.get(SHIFTS).json()["results"] == []
    for path in (SITUATION, SHIFTS, shift["url"]):
        assert Client().get(path).status_code == 403
    assert send(planner, SHIFTS, asked).status_code == 403
    assert send(planner, f"{shift['url']}end/").status_code == 403
    assert send(stranger, f"{shift['url']}end/").status_code == 404
    assert send(Client(), SHIFTS).status_code == 403
    assert Shift.objects.get().ended_at is None


def test_reports_that_are_not_public_are_named_to_those_who_oversee_them_alone(city: City) -> None:
    hour = timedelta(hours=1)
    now = datetime.now(UTC)
    shown, hidden = make_report(now=now - 9 * hour), make_report(now=now - 9 * hour, is_public=False)
    Report.objects.update(response_due_at=now - hour)
    officers = {}
    for slug in ("dlh", "damkar"):
        officers[slug] = staff(f"petugas-{slug}")
        agency = make_agency(city, slug)
        CityRole.objects.create(user=officers[slug], city=city, role="officer", agency=agency)
    Report.objects.update(agency=Agency.objects.get(slug="dlh"))
    both, one = {shown.public_id, hidden.public_id}, {shown.public_id}
    people = {
        "planner": (staff("perencana", city), one),
        "foreign officer": (officers["damkar"], one),
        "its officer": (officers["dlh"], both),
        "mayor": (staff("walikota", city, role="mayor"), both),
    }
    for who, (user, named) in people.items():
        client = signed_in(user)
        said = client.get(SITUATION).json()["unanswered"]
        assert (said["count"], {told["report"] for told in said["longest"]}) == (2, named), who
        text = client.get(SITUATION, {"f": "text"}).content.decode()
        assert (shown.public_id in text, hidden.public_id in text) == (True, named == both), who


def test_what_a_shift_hands_over_is_told_to_those_who_oversee_the_city_alone(city: City, dispatcher: Client) -> None:
    shift = send(dispatcher, SHIFTS).json()
    send(dispatcher, f"{shift['url']}end/", {"note": "Pompa 3 rusak."})
    mayor, planner = signed_in(staff("walikota", city, role="mayor")), signed_in(staff("perencana", city))
    told = mayor.get(shift["url"]).json()
    assert (told["note"], told["log"]["totals"]["new"]) == ("Pompa 3 rusak.", 0)
    for hidden in (planner.get(shift["url"]).json(), planner.get(SHIFTS).json()["results"][0]):
        assert (hidden["ended_by"], hidden["note"], hidden["log"]) == ("piket", "", None)
    for form in ("text", "html"):
        assert mayor.get(shift["url"], {"f": form}).status_code == 200
        refused = planner.get(shift["url"], {"f": form})
        assert refused.status_code == 403
        assert "Pompa" not in refused.content.decode()


def test_a_shift_is_handed_over_and_read_by_the_next(dispatcher: Client) -> None:
    started = send(dispatcher, SHIFTS)
    assert started.status_code == 201
    shift = started.json()
    assert (started.headers["Location"], shift["started_by"], shift["log"]) == (shift["url"], "piket", None)
    assert dispatcher.get(shift["url"], {"f": "text"}).status_code == 404
    second = send(dispatcher, SHIFTS)
    assert (second.status_code, second.json()["current"]["started_by"]) == (409, "piket")
    make_report(now=datetime.now(UTC))
    ended = send(dispatcher, f"{shift['url']}end/", {"note": "Pompa 3 rusak."}).json()
    assert (ended["ended_by"], ended["note"], ended["log"]["totals"]["new"]) == ("piket", "Pompa 3 rusak.", 1)
    assert send(dispatcher, f"{shift['url']}end/").status_code == 409
    (listed,) = dispatcher.get(SHIFTS).json()["results"]
    assert listed == ended
    assert "Pompa 3 rusak." in dispatcher.get(shift["url"], {"f": "text"}).content.decode()
    assert "<p>Pompa 3 rusak.</p>" in dispatcher.get(shift["url"], {"f": "html"}).content.decode()


def test_shifts_are_paged_latest_first(dispatcher: Client) -> None:
    numbers = []
    for _i in range(3):
        shift = send(dispatcher, SHIFTS).json()
        send(dispatcher, f"{shift['url']}end/")
        numbers.append(shift["id"])
    page = dispatcher.get(SHIFTS, {"limit": 2}).json()
    assert [one["id"] for one in page["results"]] == [numbers[2], numbers[1]]
    assert [one["id"] for one in dispatcher.get(page["next"]).json()["results"]] == [numbers[0]]


def test_a_dispatcher_keeps_the_on_call_list_of_their_own_city_in_the_admin(city: City) -> None:
    elsewhere = make_city("kota-lain", west=108.0)
    user = staff("piket", city, role="dispatcher")
    user.user_permissions.set(Permission.objects.filter(codename__endswith="_oncalllevel"))
    client = signed_in(user)
    form = {
        "position": 1, "name": "Kepala regu", "email": "regu@example.org", "after_minutes": 15, "is_active": "on",
        "active_since_0": "2026-03-01", "active_since_1": "00:00:00",
    }  # fmt: skip
    page = "/admin/geo/oncalllevel/add/"
    assert client.post(page, {**form, "city": elsewhere.pk}).status_code == 200  # the form again
    assert not OnCallLevel.objects.exists()
    assert client.post(page, {**form, "city": city.pk}).status_code == 302
    assert OnCallLevel.objects.get().city == city
    other = OnCallLevel.objects.create(city=elsewhere, position=1, name="x", email="x@example.org", after_minutes=0)
    assert client.get(f"/admin/geo/oncalllevel/{other.pk}/change/").status_code == 302


def test_who_is_on_call_is_chosen_by_name_and_only_of_the_own_city(city: City, dispatcher: Client) -> None:
    staff("ani", city, email="ani@example.org")
    staff("budi", make_city("kota-lain", west=108.0), email="budi@example.org")
    page = "/admin/geo/oncalllevel/add/"
    shown = dispatcher.get(page).content.decode()
    assert 'name="user"' in shown
    assert not [name for name in ("ani", "budi") if f">{name}<" in shown]
    form = {
        "city": city.pk, "position": 1, "name": "Kepala regu", "after_minutes": 15, "is_active": "on",
        "active_since_0": "2026-03-01", "active_since_1": "00:00:00",
    }  # fmt: skip
    assert dispatcher.post(page, {**form, "user": "budi"}).status_code == 200  # the form again
    assert dispatcher.post(page, {**form, "user": "nobody"}).status_code == 200
    assert not OnCallLevel.objects.exists()
    assert dispatcher.post(page, {**form, "user": "ani"}).status_code == 302
    level = OnCallLevel.objects.get()
    assert level.user is not None
    assert level.user.username == "ani"
    assert 'value="ani"' in dispatcher.get(f"/admin/geo/oncalllevel/{level.pk}/change/").content.decode()


def test_the_admin_shows_shifts_of_cities_that_one_oversees_alone(city: City) -> None:
    elsewhere = make_city("kota-lain", west=108.0)
    user = staff("piket", city, role="dispatcher")
    CityRole.objects.create(user=user, city=elsewhere, role="planner")
    mine, theirs = (Shift.objects.create(city=of, started_at=datetime.now(UTC)) for of in (city, elsewhere))
    client = signed_in(user)
    assert client.get(f"/admin/geo/shift/{mine.pk}/change/").status_code == 200
    assert client.get(f"/admin/geo/shift/{theirs.pk}/change/").status_code == 302


@pytest.mark.parametrize("role", ["planner", "officer"])
def test_the_admin_shows_what_climbed_the_on_call_lists_of_cities_in_which_one_dispatches_alone(
    city: City, role: str
) -> None:
    elsewhere = make_city("kota-lain", west=108.0)
    user = staff("piket", city, role="dispatcher")
    # What a superuser has permitted by hand opens no other city either.
    user.user_permissions.set(Permission.objects.filter(codename="view_escalation"))
    CityRole.objects.create(user=user, city=elsewhere, role=role, agency=make_agency(elsewhere, "damkar"))
    mine, theirs = (climbed(of) for of in (city, elsewhere))
    client = signed_in(user)
    assert client.get(f"/admin/geo/escalation/{mine.pk}/change/").status_code == 200
    assert client.get(f"/admin/geo/escalation/{theirs.pk}/change/").status_code == 302


def test_a_dispatcher_of_one_area_does_not_read_what_climbed_the_citys_on_call_list(city: City) -> None:
    user = User.objects.create(username="camat", is_staff=True)
    CityRole.objects.create(user=user, city=city, role="dispatcher", area=Area.objects.get(code="kota-uji.1"))
    assert signed_in(user).get(f"/admin/geo/escalation/{climbed(city).pk}/change/").status_code == 302


def climbed(city: City) -> Escalation:
    now = datetime.now(UTC)
    level = OnCallLevel.objects.create(city=city, position=1, name="Piket", email="x@example.org", after_minutes=0)
    return Escalation.objects.create(
        level=level, kind="report", subject_id=1, episode=0, waiting_since=now, raised_at=now
    )
