"""The correlation layer: its parameters, its stored results, and what it says when there is too little."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from geo.areas.models import City
from geo.layers import results
from geo.layers.analyses.correlation import CORRELATION
from geo.models import Area, ResultSet
from tests.factories import centre, make_category, make_city, make_datastream, make_report, make_thing

pytestmark = pytest.mark.django_db
URL = "/layers/correlation.geojson?level=kecamatan&category=banjir&property=river_level&interval=hour&lag=auto"


@pytest.fixture
def city() -> City:
    city = make_city()
    make_category("banjir")
    make_datastream(make_thing("p2c", location=centre("kota-uji.1.1")), "river_level", unit_ucum="cm")
    return city


def body(response: Any) -> dict[str, Any]:
    return json.loads(b"".join(response.streaming_content))


def test_too_little_gives_nulls_and_the_reason(client: Client, city: City) -> None:
    answer = body(client.get(URL))
    assert [feature["id"] for feature in answer["features"]] == ["kota-uji.1", "kota-uji.2"]
    for feature in answer["features"]:
        assert (feature["properties"]["rho"], feature["properties"]["p_value"]) == (None, None)
        assert feature["properties"]["reason"]


def test_the_same_question_is_computed_once(client: Client, city: City) -> None:
    day = "&start=2026-02-01&end=2026-02-20"
    first = body(client.get(URL + day))
    second = body(client.get(URL + day))
    assert ResultSet.objects.count() == 1
    assert first["as_of"] == second["as_of"]


def test_new_data_is_computed_anew_once_the_result_is_no_longer_fresh(client: Client, city: City) -> None:
    day = "&start=2026-02-01&end=2026-02-20"
    first = client.get(URL + day)
    etag = first["ETag"]
    body(first)
    ResultSet.objects.update(as_of=timezone.now() - CORRELATION.fresh_for - timedelta(seconds=1))
    make_report(category=make_category("banjir"), reported_at=datetime(2026, 2, 5, tzinfo=UTC))
    response = client.get(URL + day, headers={"if-none-match": etag})
    assert response.status_code == 200
    body(response)
    assert ResultSet.objects.count() == 2


def test_a_result_that_is_not_ready_is_a_503_that_says_when_to_ask_again(
    client: Client, city: City, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend"}}
    monkeypatch.setattr(results, "WAIT_S", 0.05)
    response = client.get(f"{URL}&lang=en")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["detail"] == "This is being computed for the first time; ask again in a moment."
    again = client.get(f"{URL}&lang=id").json()
    assert again["detail"] == "Ini sedang dihitung untuk pertama kali; minta lagi sebentar lagi."


def test_the_last_result_is_served_while_a_new_one_is_computed(
    client: Client, city: City, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = "&start=2026-02-01&end=2026-02-20"
    old = body(client.get(URL + day))
    ResultSet.objects.update(as_of=timezone.now() - timedelta(hours=1))
    make_report(category=make_category("banjir"), reported_at=datetime(2026, 2, 5, tzinfo=UTC))
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend"}}
    monkeypatch.setattr(results, "WAIT_S", 0.05)
    served = body(client.get(URL + day))
    assert served["features"] == old["features"]
    assert served["as_of"] < old["as_of"]


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ("&lag=15", "lag"),
        ("&lag=-1", "lag"),
        ("&lag=some", "lag"),
        ("&interval=minute", "interval"),
        ("&property=unknown", "property"),
        ("&level=province", "level"),
        ("&start=2020-01-01&end=2026-01-01", "start"),
        ("&start=2026-02-02&end=2026-02-01", "end"),
        ("&max_distance_m=-5", "max_distance_m"),
        ("&max_distance_m=nan", "max_distance_m"),
    ],
)
def test_a_bad_parameter_is_named(client: Client, city: City, change: str, parameter: str) -> None:
    parts = dict(part.split("=") for part in f"{URL.split('?')[1]}{change}".split("&"))
    response = client.get("/layers/correlation.geojson", parts)
    assert (response.status_code, response.json()["parameter"]) == (400, parameter)


def test_the_property_is_required(client: Client, city: City) -> None:
    response = client.get("/layers/correlation.geojson")
    assert (response.status_code, response.json()["parameter"]) == (400, "property")


def test_a_page_token_answers_its_own_question_only(client: Client, city: City) -> None:
    make_datastream(make_thing("udara", location=centre("kota-uji.1.1")), "pm25")
    links = body(client.get(URL + "&limit=1"))["links"]
    follow = next(link["href"] for link in links if link["rel"] == "next")
    assert [feature["id"] for feature in body(client.get(follow))["features"]] == ["kota-uji.2"]
    response = client.get(follow.replace("river_level", "pm25"))
    assert (response.status_code, response.json()["parameter"]) == (400, "next")


def test_a_page_of_a_result_that_is_gone_is_refused_not_empty(client: Client, city: City) -> None:
    links = body(client.get(URL + "&limit=1"))["links"]
    ResultSet.objects.all().delete()
    response = client.get(next(link["href"] for link in links if link["rel"] == "next"))
    assert (response.status_code, response.json()["parameter"]) == (400, "next")


def test_new_boundaries_change_the_etag_of_an_old_result(client: Client, city: City) -> None:
    first = client.get(URL)
    body(first)
    Area.objects.filter(code="kota-uji.1").update(name="Baru")
    again = client.get(URL, headers={"if-none-match": first["ETag"]})
    assert again.status_code == 200
    assert body(again)["features"][0]["properties"]["name"] == "Baru"


def test_more_questions_than_can_be_worked_on_are_refused_for_a_while(
    client: Client, city: City, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend"}}
    monkeypatch.setattr(results, "WAIT_S", 0.0)
    monkeypatch.setattr(results, "MOST_PENDING", 2)
    for lag in range(4):
        response = client.get(URL.replace("lag=auto", f"lag={lag}"))
        assert response.status_code == 503
    assert ResultSet.objects.count() == 2


def test_a_period_is_cut_to_hours_so_that_one_question_is_one_result(client: Client, city: City) -> None:
    for second in ("00", "01", "59"):
        body(client.get(f"{URL}&start=2026-02-01T00:00:{second}Z&end=2026-02-20T00:00:00Z"))
    assert ResultSet.objects.count() == 1
