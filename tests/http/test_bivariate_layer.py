"""Complaints and readings laid over each other: what is compared, and what is said where something lacks."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from geo.areas.models import City
from geo.models import Area, PopulationFigure
from sensors.models import HourlyRollup
from tests.factories import centre, make_category, make_city, make_datastream, make_report, make_thing

pytestmark = pytest.mark.django_db
URL = "/layers/bivariate.geojson?property=pm25&start=2026-02-01&end=2026-02-10&permutations=999"
START = datetime(2026, 1, 31, 17, tzinfo=UTC)
DISTRICTS = 12


@pytest.fixture
def city() -> City:
    """A row of twelve districts. The air is bad in the western half, and so is the number of complaints there."""
    city = make_city(districts=DISTRICTS)
    rubbish = make_category("sampah")
    for i in range(1, DISTRICTS + 1):
        is_bad = i <= DISTRICTS // 2
        stream = make_datastream(make_thing(f"udara-{i}", location=centre(f"kota-uji.{i}.1")), "pm25")
        level = (60.0 if is_bad else 20.0) + i / 10
        HourlyRollup.objects.bulk_create(
            HourlyRollup(datastream_id=stream.pk, hour=START + timedelta(hours=h), n=1, sum=v, min=v, max=v)
            for h, v in enumerate([level - 5, level + 5] * 12)
        )
        for k in range(6 if is_bad else 1):
            make_report(
                category=rubbish, location=centre(f"kota-uji.{i}.1"), reported_at=START + timedelta(hours=k, minutes=i)
            )
    return city


def body(client: Client, more: str = "") -> dict[str, Any]:
    response = client.get(URL + more)
    assert response.status_code == 200, response.content
    return json.loads(b"".join(response.streaming_content))


def by_code(answer: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {int(f["id"].removeprefix("kota-uji.")): f["properties"] for f in answer["features"]}


def test_two_halves_of_a_city_are_high_next_to_high_and_low_next_to_low(client: Client, city: City) -> None:
    answer = body(client)
    rows = by_code(answer)
    assert [rows[i]["reading"] for i in (1, 12)] == [pytest.approx(60.1), pytest.approx(21.2)]
    assert [rows[i]["value"] for i in (1, 12)] == [6.0, 1.0]
    # In a row, both neighbours of an inner district are alike it; the two where the halves meet have one of each.
    assert all(rows[i]["i"] > 0 for i in (2, 3, 4, 5, 8, 9, 10, 11))
    # Readings and complaints are the same two halves: with z = ±1 for 6 and 6, L is the mean of squared lags. Ten lags are
    # ±1 and the two at the seam are 0, so L is 10 / 12 for equal halves; the readings' slope inside them takes a little off.
    assert answer["lee"]["l"] == pytest.approx(10 / 12, abs=0.01)
    assert answer["lee"]["p_permuted"] < 0.05
    assert answer["bivariate_moran"]["i"] > 0.5
    assert answer["spearman"] > 0.8
    assert (answer["n"], answer["borrowed"], answer["property"]) == (12, 0, "pm25")
    assert {rows[i]["value_source"] for i in rows} == {"inside"}


def test_highest_day_is_another_reading_than_the_mean(client: Client, city: City) -> None:
    stream = make_datastream(make_thing("udara-lain", location=centre("kota-uji.1.2")), "pm25")
    HourlyRollup.objects.create(datastream_id=stream.pk, hour=START + timedelta(days=3), n=1, sum=500, min=500, max=500)
    assert by_code(body(client, "&statistic=max"))[1]["reading"] == pytest.approx(500)
    # The first day's 60.1 and the fourth's 500: the mean of the days that have a value.
    assert by_code(body(client))[1]["reading"] == pytest.approx((60.1 + 500) / 2)


def test_area_without_population_stays_out_under_control(client: Client, city: City) -> None:
    for i in range(1, DISTRICTS):
        PopulationFigure.objects.create(
            area=Area.objects.get(code=f"kota-uji.{i}"), year=2020, population=10_000 * i, source="test"
        )
    answer = body(client, "&control=population")
    rows = by_code(answer)
    assert (rows[12]["reason"], rows[12]["class"], rows[12]["reading"]) == ("no_population", None, pytest.approx(21.2))
    assert answer["n"] == 11


def test_borrowed_readings_are_counted_and_said(client: Client, city: City) -> None:
    HourlyRollup.objects.filter(datastream__thing__slug="udara-3").delete()
    answer = body(client, "&max_distance_m=100000&lang=en")
    assert (answer["borrowed"], by_code(answer)[3]["value_source"]) == (1, "nearest")
    assert "1 area has no thing of its own" in " ".join(answer["notes"])


def test_too_few_areas_give_every_row_and_the_reason(client: Client) -> None:
    make_city(districts=3)
    make_datastream(make_thing("udara", location=centre("kota-uji.1.1")), "pm25")
    answer = body(client)
    assert len(answer["features"]) == 3
    assert {f["properties"]["reason"] for f in answer["features"]} == {"no_property_data"}
    assert answer["reason"] == "too_few_areas"


def test_the_same_seed_gives_the_same_figures(client: Client, city: City) -> None:
    first = body(client, "&seed=7")
    from geo.models import ResultSet

    ResultSet.objects.all().delete()
    assert body(client, "&seed=7")["features"] == first["features"]


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ("&statistic=median", "statistic"),
        ("&control=income", "control"),
        ("&cell_m=500", "cell_m"),
        ("&permutations=100000", "permutations"),
        ("&level=province", "level"),
    ],
)
def test_a_bad_parameter_is_named(client: Client, city: City, change: str, parameter: str) -> None:
    url = URL.replace("&permutations=999", "") if parameter == "permutations" else URL
    response = client.get(url + change)
    assert (response.status_code, response.json()["parameter"]) == (400, parameter)
