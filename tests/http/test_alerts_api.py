"""Alerts over HTTP: everybody reads them, dispatchers acknowledge and close them and open incidents of them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from geo.areas.models import City
from geo.models import Alert, AlertRule, Incident
from tests.alerts import evaluate_alerts, make_alert, make_rule
from tests.db.alert_gauges import gauge, measured, rule
from tests.factories import NOW, make_category, make_city
from tests.saved_analyses import staff

pytestmark = pytest.mark.django_db
URL = "/api/alerts/"


@pytest.fixture(autouse=True)
def city() -> City:
    return make_city()


@pytest.fixture
def dispatcher(city: City) -> Client:
    return signed_in(staff("piket", city, role="dispatcher"))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def send(client: Client, path: str, given: Any = None) -> Any:
    return client.post(path, json.dumps(given or {}), content_type="application/json")


def path_of(one: Alert, what: str = "") -> str:
    return f"{URL}{one.public_id}/{what}"


def test_everybody_reads_the_open_alerts_without_names_and_notes(city: City) -> None:
    user = staff("piket", city, role="dispatcher")
    shown = make_alert(city, acknowledged_at=NOW, acknowledged_by=user, note="Hubungi Pak Budi")
    make_alert(city, 2, closed_at=NOW)
    answer = Client().get(URL)
    (found,) = answer.json()["results"]
    assert found == {
        "id": shown.public_id,
        "url": f"http://testserver{path_of(shown)}",
        "status": "open",
        "city": "kota-uji",
        "thing": "river-1",
        "thing_name": "P2C",
        "observed_property": "river_level",
        "unit": "cm",
        "area": "kota-uji.1.1",
        "area_name": "Kota-Uji 1 1",
        "rule": shown.rule_id,
        "authority": "KP2C",
        "level": 1,
        "level_name": "Siaga 3",
        "level_since": "2026-03-01T05:00:00Z",
        "opened_at": "2026-03-01T05:00:00Z",
        "value": 400.0,
        "value_at": "2026-03-01T05:00:00Z",
        "peak": 410.0,
        "peak_at": "2026-03-01T05:00:00Z",
        "stale_since": None,
        "closed_at": None,
        "ended": "",
        "is_late": False,
        "is_acknowledged": True,
        "acknowledged_at": "2026-03-01T05:00:00Z",
        "acknowledged_by": None,
        "note": None,
        "incident": None,
        "is_exercise": False,
    }
    assert answer.headers["Cache-Control"] == "public, max-age=5"


def test_staff_of_the_city_see_who_acknowledged_it_and_the_note(city: City, dispatcher: Client) -> None:
    make_alert(city, acknowledged_at=NOW, acknowledged_by=User.objects.get(username="piket"), note="Dipantau")
    answer = dispatcher.get(URL)
    (found,) = answer.json()["results"]
    assert (found["acknowledged_by"], found["note"]) == ("piket", "Dipantau")
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_staff_of_another_city_see_no_note(city: City) -> None:
    make_alert(city, note="Dipantau")
    client = signed_in(staff("lain", make_city("kota-lain", west=108.0), role="dispatcher"))
    assert client.get(URL).json()["results"][0]["note"] is None


def test_alerts_are_filtered_and_paged(city: City) -> None:
    for number in (1, 2, 3):
        make_alert(city, number)
    make_alert(city, 4, closed_at=NOW)
    first = Client().get(f"{URL}?limit=2").json()
    assert [one["thing"] for one in first["results"]] == ["river-3", "river-2"]
    assert [one["thing"] for one in Client().get(first["next"]).json()["results"]] == ["river-1"]
    assert [one["thing"] for one in Client().get(f"{URL}?status=closed").json()["results"]] == ["river-4"]
    assert [one["thing"] for one in Client().get(f"{URL}?thing=river-2").json()["results"]] == ["river-2"]
    make_city("kota-lain", west=108.0)
    assert Client().get(f"{URL}?city=kota-lain").json()["results"] == []


@pytest.mark.parametrize("query", ["status=all", "city=unknown", "level=1", "limit=none", "next=none"])
def test_a_bad_parameter_is_named(city: City, query: str) -> None:
    answer = Client().get(f"{URL}?{query}")
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert query.split("=")[0] in answer.content.decode()


def test_one_alert_comes_with_its_log(city: City) -> None:
    found = Client().get(path_of(make_alert(city))).json()
    assert found["log"] == [
        {
            "at": "2026-03-01T05:00:00Z",
            "recorded_at": "2026-03-01T05:00:00Z",
            "action": "opened",
            "old_level": 0,
            "new_level": 1,
            "value": 400.0,
            "is_late": False,
        }
    ]
    assert Client().get(f"{URL}none/").status_code == 404


def test_a_dispatcher_acknowledges_and_closes_an_alert(city: City, dispatcher: Client) -> None:
    one = make_alert(city)
    seen = send(dispatcher, path_of(one, "acknowledge/"), {"note": "Petugas di lokasi"}).json()
    assert (seen["is_acknowledged"], seen["acknowledged_by"], seen["note"]) == (True, "piket", "Petugas di lokasi")
    assert send(dispatcher, path_of(one, "acknowledge/")).status_code == 409
    closed = send(dispatcher, path_of(one, "close/")).json()
    assert (closed["status"], closed["note"]) == ("closed", "Petugas di lokasi")
    assert [line["action"] for line in closed["log"]] == ["opened", "acknowledged", "closed"]
    assert send(dispatcher, path_of(one, "close/")).status_code == 409
    assert send(dispatcher, path_of(one, "incident/")).status_code == 409


def test_an_incident_is_opened_of_an_alert_once(city: City, dispatcher: Client) -> None:
    one = make_alert(city, rule=make_rule(city, category=make_category("banjir")))
    answer = send(dispatcher, path_of(one, "incident/"), {"title": "Banjir kiriman"})
    assert answer.status_code == 201
    incident = Incident.objects.get()
    assert (answer.json()["incident"], incident.title) == (incident.public_id, "Banjir kiriman")
    assert answer.json()["is_acknowledged"] is True
    # It is not public.
    assert Client().get(path_of(one)).json()["incident"] is None
    again = send(dispatcher, path_of(one, "incident/"))
    assert (again.status_code, again.json()["incident"]) == (409, incident.public_id)


@pytest.mark.parametrize("what", ["acknowledge/", "close/", "incident/"])
def test_only_dispatchers_of_the_city_answer_an_alert(city: City, what: str) -> None:
    one = make_alert(city)
    foreign = signed_in(staff("lain", make_city("kota-lain", west=108.0), role="dispatcher"))
    planner = signed_in(staff("perencana", city))
    assert [send(client, path_of(one, what)).status_code for client in (Client(), planner, foreign)] == [403, 403, 403]
    one.refresh_from_db()
    assert (one.acknowledged_at, one.closed_at, one.incident) == (None, None, None)


def test_what_is_not_asked_for_is_refused_by_name(city: City, dispatcher: Client) -> None:
    answer = send(dispatcher, path_of(make_alert(city), "acknowledge/"), {"level": 3})
    assert (answer.status_code, "level" in answer.content.decode()) == (400, True)


def test_everybody_reads_the_active_rules(city: City) -> None:
    made = make_rule(city, thing="river-p2c", hysteresis=10.0, source="KP2C")
    make_rule(city, authority="BPBD", is_active=False)
    (found,) = Client().get("/api/alert-rules/").json()["results"]
    assert (found["id"], found["thing"], found["levels"]) == (made.pk, "river-p2c", [{"name": "Siaga 3", "from": 351}])
    assert (found["hysteresis"], found["direction"], found["category"]) == (10.0, "above", None)


def test_a_page_of_alerts_asks_as_much_for_many_as_for_one(city: City, dispatcher: Client) -> None:
    counts = []
    for numbers in (range(1, 2), range(2, 12)):
        for number in numbers:
            make_alert(city, number)
        with CaptureQueriesContext(connection) as queries:
            dispatcher.get(URL)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_admin_shows_an_alert_and_acknowledges_it(city: City, dispatcher: Client) -> None:
    one = make_alert(city)
    page = "/admin/geo/alert/"
    assert "P2C" in dispatcher.get(page).content.decode()
    assert dispatcher.get(f"{page}{one.pk}/change/").status_code == 200
    dispatcher.post(page, {"action": "acknowledge", "_selected_action": [one.pk]})
    one.refresh_from_db()
    assert one.acknowledged_by == User.objects.get(username="piket")
    assert dispatcher.get(f"{page}{one.pk}/delete/").status_code == 403


def test_the_admin_refuses_a_rule_whose_levels_cannot_be_read(city: City) -> None:
    client = signed_in(staff("admin-kota", city, role="administrator"))
    given = {
        "city": city.pk, "authority": "KP2C", "observed_property": "river_level", "unit": "cm", "direction": "above",
        "levels": '[{"name": "Siaga 3"}]', "hysteresis": "0", "opens_after_s": "0", "closes_after_s": "0", "silent_after": "3",
        "is_active": "on", "active_since_0": "2026-03-01", "active_since_1": "00:00:00",
    }  # fmt: skip
    answer = client.post("/admin/geo/alertrule/add/", given)
    assert answer.status_code == 200
    assert "from" in answer.context["adminform"].form.errors["levels"][0]
    assert not AlertRule.objects.exists()


def test_a_silent_sensor_shows_in_its_alert(city: City) -> None:
    make_alert(city, stale_since=NOW + timedelta(minutes=30))
    assert Client().get(URL).json()["results"][0]["stale_since"] == "2026-03-01T05:30:00Z"


def test_everybody_reads_what_is_watched_by_whose_levels_and_how_it_stands(city: City) -> None:
    made = rule(city, source="Tabel KP2C", hysteresis=10.0)
    stream = gauge()
    measured(stream, ("04:50", 460.0))
    evaluate_alerts(NOW)
    answer = Client().get("/api/thresholds/?property=river_level&city=kota-uji")
    assert answer.json() == {
        "next": None,
        "results": [
            {
                "thing": "river-p2c", "thing_name": "River-P2C", "datastream": stream.pk, "observed_property": "river_level",
                "unit": "cm", "city": "kota-uji", "rule": made.pk, "authority": "KP2C", "source": "Tabel KP2C",
                "direction": "above", "hysteresis": 10.0, "opens_after_s": 0.0, "closes_after_s": 0.0, "level": 2,
                "levels": [
                    {"name": "Siaga 3", "from": 351.0}, {"name": "Siaga 2", "from": 451.0},
                    {"name": "Siaga 1", "from": 551.0},
                ],
                "level_name": "Siaga 2", "value": 460.0, "value_at": "2026-03-01T04:50:00Z",
            }
        ],
    }  # fmt: skip


def test_what_is_watched_is_filtered_and_paged_with_as_many_queries_for_many(city: City) -> None:
    rule(city)
    counts = []
    for slugs in (("river-1",), ("river-2", "river-3", "river-4")):
        for slug in slugs:
            gauge(slug)
        evaluate_alerts(NOW)
        with CaptureQueriesContext(connection) as queries:
            Client().get("/api/thresholds/")
        counts.append(len(queries))
    assert counts[0] == counts[1]
    first = Client().get("/api/thresholds/?limit=3").json()
    assert [one["thing"] for one in first["results"]] == ["river-1", "river-2", "river-3"]
    assert [one["thing"] for one in Client().get(first["next"]).json()["results"]] == ["river-4"]
    assert [one["thing"] for one in Client().get("/api/thresholds/?thing=river-2").json()["results"]] == ["river-2"]
    refused = Client().get("/api/thresholds/?level=1")
    assert (refused.status_code, "level" in refused.content.decode()) == (400, True)
