"""Reports around events over HTTP: the document, its CSV and its picture, and what is refused."""

import csv
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.test import Client
from PIL import Image

from geo.areas.models import City
from sensors.models import HourlyRollup, ThingLocation
from tests.factories import make_category, make_city, make_datastream, make_observed_property, make_report, make_thing

pytestmark = pytest.mark.django_db

# Midnight of 1 December 2025 in Bekasi.
START = datetime(2025, 11, 30, 17, tzinfo=UTC)
FLOODS = [START + timedelta(days=day, hours=20) for day in (10, 20, 30, 40)]
URL = (
    "/api/analysis/events/?thing=p2c&property=river_level&threshold=300&category=banjir"
    "&start=2025-12-01&end=2026-01-29&permutations=99&lang=en"
)


@pytest.fixture
def gauge(city: City) -> Any:
    thing = make_thing("p2c", name="P2C Bekasi $5", location=Point(106.95, -6.25, srid=4326))
    make_observed_property("river_level", name_id="tinggi muka air", name_en="river level")
    make_category("banjir")
    return make_datastream(thing, "river_level", unit_ucum="cm")


@pytest.fixture
def floods(gauge: Any) -> None:
    HourlyRollup.objects.bulk_create(
        HourlyRollup(datastream_id=gauge.pk, hour=hour, n=1, sum=level, min=level, max=level)
        for hour in (START + timedelta(hours=i) for i in range(24 * 60))
        for level in [340.0 if hour in FLOODS else 100.0]
    )
    for flood in FLOODS:
        for minutes in (70, 80):
            make_report(
                category=make_category("banjir"),
                location=Point(106.951, -6.251, srid=4326),
                reported_at=flood + timedelta(minutes=minutes),
            )


def test_the_document_tells_events_course_and_total(client: Client, floods: None) -> None:
    answer = client.get(URL).json()
    assert answer["thing"] == {"slug": "p2c", "name": "P2C Bekasi $5"}
    assert (answer["property"]["code"], answer["unit"], answer["threshold"]) == ("river_level", "cm", 300.0)
    assert (answer["reason"], answer["events"], answer["reports"]) == (None, 4, 8)
    assert [crossing["peak"] for crossing in answer["crossings"]] == [340.0] * 4
    assert datetime.fromisoformat(answer["crossings"][3]["time"]) == datetime(2026, 1, 10, 13, tzinfo=UTC)
    assert [point["hour"] for point in answer["course"]] == list(range(-24, 25))
    assert {point["hour"]: point["mean"] for point in answer["course"] if point["mean"]} == {1: 2.0}
    assert (answer["total_after"]["mean"], answer["total_after"]["expected"]) == (2.0, 0.0)
    # No draw of ordinary days has a report: 1 of 100.
    assert (answer["total_after"]["p_value"], answer["total_after"]["ratio"]) == (0.01, None)
    assert answer["time_zone"] == "Asia/Jakarta"
    assert "not a cause" in answer["caveat"]


def test_csv_has_a_line_per_hour(client: Client, floods: None) -> None:
    response = client.get(f"{URL}&f=csv&before=2&after=3")
    assert response["Content-Type"] == "text/csv"
    assert "pantau-events-kota-uji.csv" in response["Content-Disposition"]
    lines = list(csv.reader(StringIO(response.content.decode())))
    assert lines[0] == ["hour", "mean", "expected", "low", "high", "band_low", "band_high"]
    assert [line[0] for line in lines[1:]] == ["-2", "-1", "0", "1", "2", "3"]
    assert lines[4][1] == "2.0"


def test_csv_of_no_comparison_leaves_the_figures_empty(client: Client, gauge: Any) -> None:
    lines = client.get(f"{URL}&f=csv&before=0&after=0").content.decode().splitlines()
    assert lines[1] == "0,,,,,,"


@pytest.mark.parametrize("lang", ["en", "id"])
def test_the_picture_is_a_png_and_the_same_twice(client: Client, floods: None, lang: str) -> None:
    url = URL.replace("lang=en", f"lang={lang}") + "&f=png"
    first, again = client.get(url), client.get(url)
    assert (first.status_code, first["Content-Type"]) == (200, "image/png")
    assert first.content == again.content
    image = Image.open(BytesIO(first.content))
    assert image.size == (960, 552)
    assert "Software" not in image.info


def test_the_picture_says_axes_units_number_and_caveat(
    client: Client, floods: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    monkeypatch.setattr("geo.api.analysis.events_picture.png_bytes", lambda figure: drawn.append(figure) or b"png")
    client.get(f"{URL}&f=png")
    (figure,) = drawn
    (axes,) = figure.axes
    assert axes.get_xlabel() == "Hours from the event, by the city's own time (h)"
    assert axes.get_ylabel() == "Reports per event and hour (1/h)"
    assert axes.get_title(loc="left") == "Reports within 3000 m of P2C Bekasi $5 when river level reaches 300 cm"
    assert figure.get_supxlabel().startswith("n = 4 events, 2025-12-01 to 2026-01-29, 8 reports in the period.")
    assert "An association, not a cause." in figure.get_supxlabel()
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == [
        "95 % band of 99 draws of ordinary days",
        "expected",
        "reports around events",
        "threshold reached",
    ]


def test_the_picture_of_too_little_says_why(client: Client, gauge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr("geo.api.analysis.events_picture.png_bytes", lambda figure: drawn.append(figure) or b"png")
    assert client.get(f"{URL}&f=png").status_code == 200
    assert [text.get_text() for text in drawn[0].axes[0].texts] == ["No comparison: nothing was measured"]


def test_every_reason_has_its_words() -> None:
    from geo.analysis.statistics.events import EventsReason
    from geo.api.analysis.events_picture import WHY_NOT

    assert set(WHY_NOT) == {*(reason.value for reason in EventsReason), "no_readings", "too_many_events", "no_location"}


def test_a_thing_that_lost_its_place_meanwhile_is_drawn_without_a_course() -> None:
    from geo.api.analysis.events_picture import draw_events

    document = {
        "reason": "no_location", "before": 24, "after": 24, "as_of": "2026-01-01T00:00:00Z", "radius_m": 3000.0,
        "thing": {"name": "p2c"}, "property": {"name_id": "air", "name_en": "water"}, "threshold": 300.0, "unit": "cm",
        "time_zone": "Asia/Jakarta",
    }  # fmt: skip
    assert draw_events(document).startswith(b"\x89PNG")


def test_no_readings_is_a_reason_not_an_error(client: Client, gauge: Any) -> None:
    answer = client.get(URL).json()
    assert (answer["reason"], answer["events"], answer["crossings"]) == ("no_readings", 0, [])
    assert answer["total_after"] == dict.fromkeys(["mean", "expected", "p_value", "ratio", "ratio_low", "ratio_high"])


@pytest.mark.parametrize(
    ("change", "parameter", "says"),
    [
        ("radius_m=99", "radius_m", "100"),
        ("radius_m=20001", "radius_m", "20000"),
        ("before=169", "before", "168"),
        ("after=-1", "after", "168"),
        ("quiet_h=721", "quiet_h", "720"),
        ("permutations=10000", "permutations", "9999"),
        ("permutations=0", "permutations", "from 1"),
        ("seed=-1", "seed", "from 0"),
        ("threshold=nan", "threshold", "nan"),
        ("threshold=high", "threshold", "number"),
        ("thing=unknown", "thing", "no thing"),
        ("thing=", "thing", "required"),
        ("threshold=", "threshold", "required"),
        ("property=", "property", "required"),
        ("property=rain", "property", "it measures river_level"),
        ("start=2020-01-01", "start", "1827 days"),
        ("start=2026-02-01", "end", "ends before it starts"),
        ("start=2025-12-01T00:00:00Z&end=2025-12-01T00:20:00Z", "end", "shorter than an hour"),
        ("lag=3", "lag", "no parameter"),
        ("f=tif", "f", "csv"),
    ],
)
def test_what_is_out_of_bounds_is_a_400_that_says_the_bound(
    client: Client, gauge: Any, change: str, parameter: str, says: str
) -> None:
    make_observed_property("rain")
    changed = dict(part.split("=", 1) for part in change.split("&"))
    asked = {**dict(part.split("=", 1) for part in URL.partition("?")[2].split("&")), **changed}
    response = client.get("/api/analysis/events/", asked)
    assert (response.status_code, response.json()["parameter"]) == (400, parameter)
    assert says in response.json()["detail"]


def test_a_thing_without_a_location_is_refused_with_the_reason(client: Client, gauge: Any) -> None:
    ThingLocation.objects.all().delete()
    response = client.get(URL)
    assert (response.status_code, response.json()["parameter"]) == (400, "thing")
    assert "no location" in response.json()["detail"]


def test_a_thing_of_another_city_is_refused(client: Client, gauge: Any) -> None:
    make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    response = client.get(f"{URL}&city=makassar")
    assert (response.status_code, response.json()["parameter"]) == (400, "thing")
    assert "another city" in response.json()["detail"]


def test_a_year_is_the_period_where_none_is_given(client: Client, floods: None) -> None:
    answer = client.get("/api/analysis/events/?thing=p2c&property=river_level&threshold=300&permutations=99").json()
    parameters = answer["parameters"]
    days = datetime.fromisoformat(parameters["end"]) - datetime.fromisoformat(parameters["start"])
    assert days == timedelta(days=365)


def test_number_of_queries_has_a_ceiling(client: Client, floods: None, django_assert_max_num_queries: Any) -> None:
    client.get(URL)
    with django_assert_max_num_queries(14):
        client.get(URL)
