"""`/api/analysis/districts/{code}/`: its forms, its refusals, and that it is computed in the worker."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from geo.areas.models import City
from geo.layers import results
from geo.models import Area, ResultSet
from sensors.models import HourlyRollup, ObservedProperty, Thing
from tests.factories import centre, make_category, make_city, make_datastream, make_report, make_thing

pytestmark = pytest.mark.django_db
URL = "/api/analysis/districts/kota-uji.1/"
PERIOD = {"start": "2026-02-01", "end": "2026-02-20"}


@pytest.fixture
def reported(city: City) -> City:
    for day in (2, 3, 3):
        make_report(
            category=make_category("banjir", name_id="Banjir", name_en="Flooding"),
            location=centre("kota-uji.1.1"),
            reported_at=datetime(2026, 2, day, tzinfo=UTC),
        )
    datastream = make_datastream(make_thing("udara", location=centre("kota-uji.1.1"), is_simulated=True), "pm25")
    midnight = datetime(2026, 2, 4, 17, tzinfo=UTC)
    HourlyRollup.objects.bulk_create(
        HourlyRollup(datastream_id=datastream.pk, hour=midnight + timedelta(hours=i), n=1, sum=102.9, min=1, max=200)
        for i in range(24)
    )
    return city


def lines(response: Any) -> dict[tuple[str, str], dict[str, str]]:
    rows = csv.DictReader(io.StringIO(response.content.decode()))
    return {(row["section"], row["name"]): row for row in rows}


def test_the_dossier_says_whose_it_is_and_when(client: Client, reported: City) -> None:
    response = client.get(URL, PERIOD)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    body = response.json()
    assert (body["analysis"], body["area"]["code"], body["area"]["level"]) == (
        "district-dossier",
        "kota-uji.1",
        "kecamatan",
    )
    assert body["area"]["parent"]["code"] == "kota-uji"
    assert body["period"]["start"] == "2026-01-31T17:00:00Z"
    assert body["period"]["end"] == "2026-02-20T17:00:00Z"
    assert body["as_of"].endswith("Z")
    assert body["reports"]["total"]["value"] == 3
    assert body["parameters"] == {
        "city": "kota-uji", "area": "kota-uji.1", "ispu_top": 500,
        "start": "2026-01-31T17:00:00Z", "end": "2026-02-20T17:00:00Z",
    }  # fmt: skip


def test_without_a_period_it_is_the_last_ninety_days_of_the_city(client: Client, city: City) -> None:
    body = client.get(URL).json()
    start, end = (datetime.fromisoformat(body["period"][name]) for name in ("start", "end"))
    assert (end - start, start.hour) == (timedelta(days=90), 17)


@pytest.mark.parametrize("code", ["kota-uji", "kota-uji.1", "kota-uji.1.2"])
def test_an_area_of_any_level_has_one(client: Client, city: City, code: str) -> None:
    assert client.get(f"/api/analysis/districts/{code}/").json()["area"]["code"] == code


def test_an_unknown_and_a_retired_area_are_not_found(client: Client, city: City) -> None:
    Area.objects.filter(code="kota-uji.2").update(retired_at=datetime(2026, 1, 1, tzinfo=UTC))
    for code in ("tidak-ada", "kota-uji.2"):
        response = client.get(f"/api/analysis/districts/{code}/")
        assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


def test_with_several_cities_the_area_tells_which(client: Client, city: City) -> None:
    make_city("kota-lain", west=110.0)
    assert client.get(URL).json()["parameters"]["city"] == "kota-uji"
    assert client.get(URL, {"city": "kota-uji"}).status_code == 200


def test_another_citys_area_is_not_found_in_this_city(client: Client, city: City) -> None:
    make_city("kota-lain", west=110.0)
    assert client.get(URL, {"city": "kota-lain"}).status_code == 404
    response = client.get(URL, {"city": "kota-mana"})
    assert (response.status_code, response.json()["parameter"]) == (400, "city")


@pytest.mark.parametrize(
    ("asked", "parameter"),
    [
        ({"start": "2024-01-01", "end": "2026-02-01"}, "start"),
        ({"start": "2026-02-02", "end": "2026-02-01"}, "end"),
        ({"start": "2026-02-02T01:10:00Z", "end": "2026-02-02T01:20:00Z"}, "end"),
        ({"start": "yesterday"}, "start"),
        ({"category": "tidak-ada"}, "category"),
        ({"f": "pdf"}, "f"),
        ({"area": "kota-uji.2"}, "area"),
        ({"level": "kota"}, "level"),
    ],
)
def test_a_bad_parameter_is_named(client: Client, city: City, asked: dict[str, str], parameter: str) -> None:
    response = client.get(URL, asked)
    assert (response.status_code, response.json()["parameter"]) == (400, parameter)


def test_two_years_can_be_asked_for(client: Client, city: City) -> None:
    # 2024 is a leap year: 731 days.
    response = client.get(URL, {"start": "2024-01-01", "end": "2025-12-31"})
    assert response.status_code == 200
    assert response.json()["reports"]["interval"] == "week"


def test_a_category_includes_those_below_it(client: Client, reported: City) -> None:
    below = make_category("banjir-rob", parent=make_category("banjir"))
    make_report(category=below, location=centre("kota-uji.1.1"), reported_at=datetime(2026, 2, 5, tzinfo=UTC))
    make_report(category=make_category("sampah"), reported_at=datetime(2026, 2, 5, tzinfo=UTC))
    body = client.get(URL, {**PERIOD, "category": "banjir"}).json()
    assert body["reports"]["total"]["value"] == 4
    assert body["parameters"]["category"] == ["banjir"]


def test_the_table_has_a_line_for_each_figure(client: Client, reported: City) -> None:
    response = client.get(URL, {**PERIOD, "f": "csv"})
    assert response["Content-Type"] == "text/csv"
    assert "pantau-district-dossier-kota-uji.csv" in response["Content-Disposition"]
    assert response.content.decode().splitlines()[0] == "section,name,value,unit,low,high,note"
    found = lines(response)
    total = found["reports", "total"]
    assert (total["value"], total["unit"], total["note"]) == ("3", "{report}", "n=3; city=3 (n=3)")
    share = found["reports", "by_category.banjir.share"]
    # 3 of 3 by Clopper and Pearson: 0.025 ** (1 / 3) = 0.292402.
    assert (share["value"], share["low"], share["high"]) == ("100.0", "29.2402", "100.0")
    assert found["reports", "per_10000"]["note"] == "n=3; city=unknown (n=3); population_unknown"
    assert found["readings", "air_quality.stations.udara.worst.index"]["value"] == "150.0"
    assert found["reports", "course.2026-02-02T17:00:00Z.reports"]["value"] == "2"


def test_the_page_prints_without_a_script_and_without_inline_style(client: Client, reported: City) -> None:
    response = client.get(URL, {**PERIOD, "f": "html", "lang": "en"})
    page = response.content.decode()
    assert response["Content-Type"] == "text/html"
    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert "<script" not in page
    assert "style=" not in page
    assert "<style" not in page
    assert "pantau/dossier.css" in page
    assert "<h1>Kota-Uji 1</h1>" in page
    assert '<th scope="row">Flooding</th><td>3</td><td>100 % (29.24 – 100)</td>' in page
    assert "150 (unhealthy, pm25)" in page
    assert "Some readings come from simulated sensors." in page


def test_the_page_speaks_the_readers_language_from_the_same_result(client: Client, reported: City) -> None:
    english, indonesian = (client.get(URL, {**PERIOD, "f": "html", "lang": lang}) for lang in ("en", "id"))
    assert '<th scope="row">Flooding</th>' in english.content.decode()
    assert '<th scope="row">Banjir</th>' in indonesian.content.decode()
    assert ResultSet.objects.count() == 1


def test_the_page_has_names_for_codes_and_days_of_the_city(client: Client, reported: City) -> None:
    Thing.objects.filter(slug="udara").update(name="Stasiun udara Satu")
    ObservedProperty.objects.filter(code="pm25").update(name_en="PM2.5")
    page = client.get(URL, {**PERIOD, "f": "html", "lang": "en"}).content.decode()
    assert '<th scope="row">Stasiun udara Satu</th>' in page
    assert "150 (unhealthy, PM2.5)" in page
    # The last day is counted; a bar begins at the city's midnight, which is the evening before in UTC.
    assert "2026-02-01 – 2026-02-20 (Asia/Jakarta)" in page
    assert "<title>2026-02-03: 2</title>" in page
    assert "<span>2026-02-01</span><span>2026-02-20</span>" in page


def test_an_empty_area_has_a_page_and_a_table_too(client: Client, city: City) -> None:
    for form in ("html", "csv"):
        assert client.get(URL, {**PERIOD, "f": form}).status_code == 200


def test_what_a_name_holds_is_text_in_the_page(client: Client, city: City) -> None:
    Area.objects.filter(code="kota-uji.1").update(name="<b>Satu</b>")
    assert "&lt;b&gt;Satu&lt;/b&gt;" in client.get(URL, {"f": "html"}).content.decode()


@pytest.mark.parametrize(
    ("accept", "expected"),
    [("text/csv", "text/csv"), ("text/html", "text/html"), ("*/*", "application/json")],
)
def test_the_form_can_be_negotiated(client: Client, city: City, accept: str, expected: str) -> None:
    response = client.get(URL, headers={"accept": accept})
    assert (response.status_code, response["Content-Type"]) == (200, expected)
    assert "Accept" in response["Vary"]


def test_while_it_is_computed_it_says_where_to_follow(
    client: Client, city: City, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend"}}
    monkeypatch.setattr(results, "WAIT_S", 0.0)
    response = client.get(URL)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert client.get(response.json()["result"]).json()["analysis"] == "district-dossier"


def test_limits_and_correlations_have_their_words_in_the_page(client: Client, reported: City) -> None:
    rain = make_datastream(make_thing("hujan", location=centre("kota-uji.1.2")), "rain", unit_ucum="mm")
    levels = [{"name": "Siaga 3", "from": 351}, {"name": "Siaga 2", "from": 451}]
    table = {"authority": "KP2C", "observed_property": "river_level", "unit": "cm", "levels": levels}
    post = make_thing("p2c", location=centre("kota-uji.1.2"), properties={"alert_levels": [table]})
    river = make_datastream(post, "river_level", unit_ucum="cm")
    midnight = datetime(2026, 2, 4, 17, tzinfo=UTC)
    HourlyRollup.objects.bulk_create(
        HourlyRollup(datastream_id=datastream.pk, hour=midnight + timedelta(hours=i), n=1, sum=v, min=v, max=v)
        for datastream, v in ((rain, 1.0), (river, 400.0))
        for i in range(24)
    )
    page = client.get(URL, {**PERIOD, "f": "html", "lang": "en"}).content.decode()
    assert "KP2C: Siaga 3 ≥ 351; Siaga 2 ≥ 451</td><td>highest: Siaga 3; Siaga 3 24 h; Siaga 2 0 h" in page
    assert "days cloudy: 0; light rain: 0; moderate rain: 1; heavy rain: 0" in page
    assert "too few intervals with both reports and readings" in page


def test_nothing_that_is_not_public_is_in_it(client: Client, reported: City) -> None:
    make_report(
        category=make_category("rahasia"),
        location=centre("kota-uji.1.1"),
        reported_at=datetime(2026, 2, 6, tzinfo=UTC),
        is_public=False,
    )
    assert "rahasia" not in client.get(URL, PERIOD).content.decode()


def test_the_last_bound_of_the_air_index_is_a_setting(client: Client, reported: City, settings: Any) -> None:
    settings.ISPU_TOP = 400
    assert client.get(URL, PERIOD).json()["readings"]["air_quality"]["top"] == 400
