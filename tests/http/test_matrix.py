"""The matrix over HTTP: its forms, its parameters, and what it says of little data."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from geo.areas.models import City
from geo.models import Area, ResultSet
from sensors.models import HourlyRollup
from tests.factories import centre, make_category, make_city, make_datastream, make_report, make_thing

pytestmark = pytest.mark.django_db
URL = "/api/analysis/matrix/?start=2026-02-01&end=2026-02-28"
START = datetime(2026, 1, 31, 17, tzinfo=UTC)


@pytest.fixture
def city() -> City:
    city = make_city()
    flood, rubbish = make_category("banjir"), make_category("sampah")
    make_category("genangan", parent=flood)
    stream = make_datastream(make_thing("p2c", location=centre("kota-uji.1.1")), "river_level", unit_ucum="cm")
    HourlyRollup.objects.bulk_create(
        HourlyRollup(datastream_id=stream.pk, hour=START + timedelta(hours=i), n=1, sum=v, min=v, max=v)
        for i, v in enumerate(float((i * i) % 17) for i in range(27 * 24))
    )
    for i in range(30):
        make_report(category=flood if i % 3 else rubbish, reported_at=START + timedelta(hours=7 * i, minutes=5))
    return city


def test_every_pair_is_there_once_the_most_certain_first(client: Client, city: City) -> None:
    document = client.get(URL).json()
    pairs = document["pairs"]
    assert {(pair["category"], pair["property"]) for pair in pairs} == {
        ("banjir", "river_level"),
        ("sampah", "river_level"),
    }
    assert [pair["p_value"] for pair in pairs] == sorted(pair["p_value"] for pair in pairs)
    assert all(len(pair["by_lag"]) == 15 for pair in pairs)
    assert (document["area"]["code"], document["interval"], document["method"]) == ("kota-uji", "hour", "pearson")
    assert (document["tests"], document["intervals"]) == (2, 28 * 24)
    # The child category's reports would count in its parent's row, so it has no row of its own.
    assert [entry["slug"] for entry in document["categories"]] == ["banjir", "sampah"]
    assert document["properties"][0]["things"] == ["p2c"]
    assert document["as_of"].endswith("Z")


def test_named_categories_have_a_row_each(client: Client, city: City) -> None:
    document = client.get(f"{URL}&category=genangan,banjir&lang=en").json()
    assert [entry["slug"] for entry in document["categories"]] == ["genangan", "banjir"]
    reasons = {pair["category"]: pair["reason"] for pair in document["pairs"]}
    assert reasons == {"genangan": "no_reports", "banjir": None}


def test_a_district_is_asked_for_by_its_code(client: Client, city: City) -> None:
    document = client.get(f"{URL}&area=kota-uji.2&max_distance_m=100000").json()
    assert document["area"]["code"] == "kota-uji.2"
    assert document["properties"][0]["value_source"] == "nearest"


def test_csv_has_a_row_per_pair_with_every_lag(client: Client, city: City) -> None:
    response = client.get(f"{URL}&f=csv&max_lag=3")
    assert response["Content-Type"] == "text/csv"
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert [row["rank"] for row in rows] == ["1", "2"]
    assert {"lag_0", "lag_3", "q_value"} <= set(rows[0])
    assert "lag_4" not in rows[0]


def test_picture_is_a_png_that_is_the_same_twice(client: Client, city: City) -> None:
    first, second = (client.get(f"{URL}&f=png&lang=en").content for _ in range(2))
    assert first[:8] == b"\x89PNG\r\n\x1a\n"
    assert first == second
    assert ResultSet.objects.count() == 1


def test_picture_speaks_of_days_of_the_city_and_of_what_is_grey(
    client: Client, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    from geo.api.analysis import matrix_picture

    drawn: list[Any] = []
    monkeypatch.setattr(matrix_picture, "png_bytes", lambda figure: drawn.append(figure) or b"")
    client.get(f"{URL}&f=png&lang=en")
    client.get(f"{URL}&f=png&lang=en&category=genangan")
    said = [figure.get_suptitle() for figure in drawn]
    # The period begins at 17:00 of 31 January in UTC.
    assert "2026-02-01 to 2026-02-28" in said[0]
    assert "Grey: too little data for a figure." in said[0]
    assert "No pair has enough data in this period." in said[1]


def test_picture_of_nothing_is_drawn_too(client: Client) -> None:
    make_city()
    response = client.get(f"{URL}&f=png")
    assert (response.status_code, response.content[:4]) == (200, b"\x89PNG")


def test_a_day_of_a_city_without_things_gives_reasons(client: Client) -> None:
    make_city()
    make_category("banjir")
    document = client.get(URL).json()
    assert (document["pairs"], document["tests"], document["discoveries"]) == ([], 0, 0)


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ("&category=unknown", "category"),
        ("&property=unknown", "property"),
        ("&area=nowhere", "area"),
        ("&max_lag=15", "max_lag"),
        ("&alpha=0", "alpha"),
        ("&method=kendall", "method"),
        ("&interval=minute", "interval"),
        ("&f=pdf", "f"),
        ("&city=elsewhere", "city"),
        ("&other=1", "other"),
    ],
)
def test_a_bad_parameter_is_named(client: Client, city: City, change: str, parameter: str) -> None:
    response = client.get(f"{URL}{change}")
    assert (response.status_code, response.json()["parameter"]) == (400, parameter)


def test_too_many_pairs_are_refused_with_the_bound(client: Client, city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geo.layers.analyses.matrix.MAX_PAIRS", 1)
    answer: dict[str, Any] = client.get(URL).json()
    assert (answer["status"], answer["parameter"]) == (400, "category")
    assert "more than 1 pairs" in answer["detail"]


def test_a_retired_area_is_not_asked_for(client: Client, city: City) -> None:
    Area.objects.filter(code="kota-uji.2").update(retired_at=datetime(2026, 1, 1, tzinfo=UTC))
    response = client.get(f"{URL}&area=kota-uji.2")
    assert (response.status_code, response.json()["parameter"]) == (400, "area")
