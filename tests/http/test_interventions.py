"""Recorded interventions over HTTP, and what they changed."""

import csv
import io
import json
import math
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from geo.areas.models import City, PopulationFigure
from geo.layers.analyses import intervention_effect
from geo.models import Area, Intervention, Report, ResultSet
from tests.factories import make_category, make_channel, make_city
from tests.saved_analyses import staff

pytestmark = pytest.mark.django_db
API = "/api/analysis/interventions/"
# A day of the city with 90 days after it that are long over.
DAY = date(2026, 3, 1)


@pytest.fixture
def city() -> City:
    make_category("banjir", parent=make_category("air"))
    make_category("sampah")
    return make_city(districts=8, side=0.02)


@pytest.fixture
def planner(city: City) -> Any:
    return staff("perencana", city)


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def new(**more: Any) -> dict[str, Any]:
    return {"area": "kota-uji.1", "category": "banjir", "date": DAY.isoformat(), "title": "Pompa baru", **more}


def post(client: Client, path: str, given: Any = None, **headers: str) -> Any:
    return client.post(path, json.dumps(given), content_type="application/json", headers=headers)


def patch(client: Client, number: int, given: Any) -> Any:
    return client.patch(f"{API}{number}/", json.dumps(given), content_type="application/json")


def recorded(user: Any, city: City, **more: Any) -> Intervention:
    values = {
        "area": Area.objects.get(code="kota-uji.1"),
        "category": make_category("banjir"),
        "date": DAY,
        "title": "Pompa baru",
        "created_at": datetime(2026, 3, 2, tzinfo=UTC),
        "updated_at": datetime(2026, 3, 2, tzinfo=UTC),
    }
    return Intervention.objects.create(city=city, owner=user, **{**values, **more})


def report(
    city: City, code: str, day: date, n: int = 1, *, category: str = "banjir", hour: int = 12, **more: Any
) -> None:
    """Public reports in an area at an hour of a day of the city (UTC + 7), written directly: what is tested only reads."""
    area = Area.objects.get(code=code)
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour - 7)
    now = datetime.now(UTC)
    Report.objects.bulk_create(
        Report(
            city=city, channel=make_channel(), category=make_category(category), public_area=area, area=area,
            location_flag="inside", reported_at=at, received_at=now, updated_at=now,
            **more,
        )
        for _ in range(n)
    )  # fmt: skip


def halved(city: City) -> None:
    """Ten days each side. The first district: 4 a day, then 1. Six others: 2 a day throughout. The eighth: once."""
    for i in range(1, 11):
        report(city, "kota-uji.1.1", DAY - timedelta(days=i), 4)
        report(city, "kota-uji.1.2", DAY + timedelta(days=i), 1)
        for district in range(2, 8):
            report(city, f"kota-uji.{district}.1", DAY - timedelta(days=i), 2)
            report(city, f"kota-uji.{district}.1", DAY + timedelta(days=i), 2)
    report(city, "kota-uji.8.1", DAY - timedelta(days=3))
    # The day itself is of neither.
    report(city, "kota-uji.1.1", DAY, 50)


def effect(client: Client, done: Intervention, query: str = "before=10&after=10") -> dict[str, Any]:
    response = client.get(f"{API}{done.pk}/effect/?{query}")
    assert response.status_code == 200, response.content
    return response.json()


# The effect


def test_a_change_is_told_from_what_changed_everywhere(client: Client, city: City, planner: Any) -> None:
    halved(city)
    told = effect(client, recorded(planner, city))
    assert told["before"] == {"first_day": "2026-02-19", "last_day": "2026-02-28", "days": 10}
    assert told["after"] == {"first_day": "2026-03-02", "last_day": "2026-03-11", "days": 10, "asked_days": 10}
    own = told["area"]
    assert (own["code"], own["before"]["reports"], own["after"]["reports"]) == ("kota-uji.1", 40, 10)
    assert (own["before"]["per_day"], own["after"]["per_day"]) == (4.0, 1.0)
    assert [each["code"] for each in told["comparable"]] == [f"kota-uji.{i}" for i in range(2, 8)]
    assert [(each["code"], each["reason"]) for each in told["left_out"]] == [("kota-uji.8", "too_few_reports")]
    assert told["together"]["before"]["reports"] == told["together"]["after"]["reports"] == 120
    figures = told["effect"]
    # (10.5 / 40.5) / (120.5 / 120.5), and 95 %: 1.959964 * sqrt(1/10.5 + 1/40.5 + 2/120.5) = 0.724199 of its logarithm.
    assert figures["ratio"] == pytest.approx(0.259259, abs=1e-6)
    assert figures["log_ratio"] == pytest.approx(-1.349927, abs=1e-6)
    assert figures["dispersion"] == 1.0
    assert figures["low"] == pytest.approx(0.125666, abs=2e-6)
    assert figures["high"] == pytest.approx(0.534872, abs=2e-6)
    # Six placebos, none as far: 1 of 7.
    assert figures["placebo_p"] == pytest.approx(1 / 7)
    assert figures["reason"] is None
    assert [each["placebo_ratio"] for each in told["comparable"]] == [pytest.approx(1.0)] * 6


def test_rates_are_per_people_where_they_are_known(client: Client, city: City, planner: Any) -> None:
    halved(city)
    PopulationFigure.objects.create(area=Area.objects.get(code="kota-uji.1"), year=2025, population=50_000, source="x")
    told = effect(client, recorded(planner, city))
    # 4 a day are 1461 a year of 365.25 days, of 50,000 people.
    assert told["area"]["before"]["per_10000_people_per_year"] == pytest.approx(292.2)
    assert told["comparable"][0]["before"]["per_10000_people_per_year"] is None
    assert told["together"]["before"]["per_10000_people_per_year"] is None


def test_days_are_those_of_the_city(client: Client, city: City, planner: Any) -> None:
    report(city, "kota-uji.1.1", DAY - timedelta(days=1), 3, hour=0)
    report(city, "kota-uji.1.1", DAY - timedelta(days=1), 3, hour=23)
    report(city, "kota-uji.1.1", DAY - timedelta(days=11), 5, hour=23)  # the day before the first
    report(city, "kota-uji.1.1", DAY + timedelta(days=10), 7, hour=23)
    report(city, "kota-uji.1.1", DAY + timedelta(days=11), 9, hour=0)  # the day after the last
    own = effect(client, recorded(planner, city))["area"]
    assert (own["before"]["reports"], own["after"]["reports"]) == (6, 7)


def test_only_public_reports_of_the_category_count_and_duplicates_once(
    client: Client, city: City, planner: Any
) -> None:
    day = DAY - timedelta(days=2)
    report(city, "kota-uji.1.1", day, 2)
    report(city, "kota-uji.1.1", day, 3, category="sampah")
    report(city, "kota-uji.1.1", day, 5, is_public=False)
    report(city, "kota-uji.1.1", day, 7, hour=13, status="duplicate")
    done = recorded(planner, city)
    assert effect(client, done)["area"]["before"]["reports"] == 2
    assert effect(client, done, "before=10&after=10&counted=reports")["area"]["before"]["reports"] == 9
    # A category includes all below it.
    above = recorded(planner, city, category=make_category("air"))
    assert effect(client, above)["area"]["before"]["reports"] == 2


def test_an_area_with_an_intervention_of_its_own_is_not_comparable(client: Client, city: City, planner: Any) -> None:
    halved(city)
    done = recorded(planner, city)
    first = effect(client, done)
    assert len(first["comparable"]) == 6
    inside = Area.objects.get(code="kota-uji.2.1")
    recorded(planner, city, area=inside, date=DAY + timedelta(days=5), category=make_category("air"))
    recorded(planner, city, area=Area.objects.get(code="kota-uji.3"), category=make_category("sampah"))
    recorded(planner, city, area=Area.objects.get(code="kota-uji.4"), date=DAY + timedelta(days=11))
    a_minute_later()
    told = effect(client, done)
    assert ("kota-uji.2", "own_intervention") in [(each["code"], each["reason"]) for each in told["left_out"]]
    assert [each["code"] for each in told["comparable"]] == [f"kota-uji.{i}" for i in range(3, 8)]


def a_minute_later() -> None:
    """As if a minute had gone by: what was computed is no longer fresh."""
    ResultSet.objects.update(as_of=datetime.now(UTC) - timedelta(minutes=2))


def test_too_little_gives_the_reason(client: Client, city: City, planner: Any) -> None:
    done = recorded(planner, city)
    figures = effect(client, done)["effect"]
    assert (figures["ratio"], figures["placebo_p"], figures["reason"]) == (None, None, "no_reports")
    report(city, "kota-uji.1.1", DAY - timedelta(days=1), 5)
    a_minute_later()
    assert effect(client, done)["effect"]["reason"] == "no_comparable_areas"
    for district in (2, 3):
        report(city, f"kota-uji.{district}.1", DAY - timedelta(days=1), 10)
    a_minute_later()
    figures = effect(client, done)["effect"]
    assert (figures["reason"], figures["placebo_p"]) == ("too_few_comparable_areas", None)
    assert figures["ratio"] is not None
    assert effect(client, done, "before=10&after=10&minimum=11")["effect"]["reason"] == "no_comparable_areas"


@pytest.mark.parametrize(
    ("now", "days", "reason"),
    [
        # Noon in Jakarta, of the day itself, the next one and the fourth.
        (datetime(2026, 3, 1, 5, tzinfo=UTC), 0, "too_few_intervals"),
        (datetime(2026, 3, 2, 5, tzinfo=UTC), 0, "too_few_intervals"),
        (datetime(2026, 3, 5, 5, tzinfo=UTC), 3, "no_comparable_areas"),
        # The last minute of 5 March there, and the first of the 6th.
        (datetime(2026, 3, 5, 16, 59, tzinfo=UTC), 3, "no_comparable_areas"),
        (datetime(2026, 3, 5, 17, 0, tzinfo=UTC), 4, "no_comparable_areas"),
        (datetime(2026, 6, 1, tzinfo=UTC), 10, "no_comparable_areas"),
    ],
)
def test_only_days_that_are_over_are_compared(city: City, planner: Any, now: datetime, days: int, reason: str) -> None:
    report(city, "kota-uji.1.1", DAY - timedelta(days=1), 5)
    done = recorded(planner, city)
    asked = {"intervention": done.pk, "before": 10, "after": 10, "minimum": 10, "counted": "incidents"}
    values = intervention_effect.resolve_effect(city, asked, now)
    assert values["after"] == days
    computed = intervention_effect.compute_effect(intervention_effect.Query(city, values, now), lambda share: None)
    assert computed.members["after"]["days"] == days
    assert computed.members["effect"]["reason"] == reason


def test_the_effect_as_a_table(client: Client, city: City, planner: Any) -> None:
    halved(city)
    response = client.get(f"{API}{recorded(planner, city).pk}/effect/?before=10&after=10&f=csv")
    assert response["Content-Type"] == "text/csv"
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert [row["role"] for row in rows] == ["area", *["comparable"] * 6, "left_out"]
    assert (rows[0]["code"], rows[0]["before_reports"], rows[0]["after_per_day"]) == ("kota-uji.1", "40", "1.0")
    assert math.isclose(float(rows[0]["ratio"]), 10.5 / 40.5)
    assert rows[-1]["reason"] == "too_few_reports"


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("before=6", "before"),
        ("after=731", "after"),
        ("minimum=0", "minimum"),
        ("counted=all", "counted"),
        ("intervention=1", "intervention"),
        ("city=atlantis", "city"),
        ("f=png", "f"),
    ],
)
def test_a_bad_parameter_of_the_effect_is_named(
    client: Client, city: City, planner: Any, query: str, named: str
) -> None:
    response = client.get(f"{API}{recorded(planner, city).pk}/effect/?{query}")
    assert (response.status_code, response.json()["parameter"]) == (400, named)


def test_the_effect_takes_as_many_queries_however_many_areas(client: Client, city: City, planner: Any) -> None:
    halved(city)
    done = recorded(planner, city)
    params = {"intervention": done.pk, "before": 10, "after": 10, "minimum": 10, "counted": "incidents"}
    values = intervention_effect.resolve_effect(city, params, datetime(2026, 6, 1, tzinfo=UTC))
    with CaptureQueriesContext(connection) as asked:
        intervention_effect.compute_effect(
            intervention_effect.Query(city, values, datetime(2026, 6, 1, tzinfo=UTC)), lambda share: None
        )
    assert len(asked) == 2


# The records


def test_staff_record_what_everybody_reads(client: Client, city: City, planner: Any) -> None:
    response = post(signed_in(planner), API, new())
    assert response.status_code == 201
    entry = client.get(response["Location"]).json()
    shown = {name: entry[name] for name in ("city", "area", "area_name", "category", "date", "title", "owner")}
    assert shown == {
        "city": "kota-uji",
        "area": "kota-uji.1",
        "area_name": "Kota-Uji 1",
        "category": "banjir",
        "date": "2026-03-01",
        "title": "Pompa baru",
        "owner": None,
    }
    assert entry["effect"] == f"http://testserver{API}{entry['id']}/effect/"
    assert response.json()["owner"] == "perencana"
    assert client.get(API).json()["results"] == [entry]


def test_others_may_not_record(client: Client, city: City, key: str) -> None:
    other = make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    given = new(city="kota-uji")
    for who, headers in (
        (client, {}),
        (client, {"X-Api-Key": key}),
        (signed_in(staff("lain", other)), {}),
        (signed_in(staff("tanpa-peran")), {}),
    ):
        assert post(who, API, given, **headers).status_code == 403
    assert not Intervention.objects.exists()


def test_a_session_needs_its_csrf_token(city: City, planner: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(planner)
    assert post(client, API, new()).status_code == 403
    client.cookies["csrftoken"] = "a" * 32
    assert post(client, API, new(), **{"X-CSRFToken": "a" * 32}).status_code == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"area": "nowhere"}, "area"),
        ({"area": "makassar.1"}, "area"),
        ({"category": "nothing"}, "category"),
        ({"date": "2026-02-30"}, "date"),
        ({"date": "2999-01-01"}, "date"),
        ({"date": "1889-01-01"}, "date"),
        ({"title": ""}, "title"),
        ({"owner": "lain"}, "owner"),
    ],
)
def test_what_cannot_be_recorded_is_named(city: City, planner: Any, change: dict[str, Any], field: str) -> None:
    make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    response = post(signed_in(planner), API, new(city="kota-uji", **change))
    assert (response.status_code, list(response.json()["errors"])) == (400, [field])
    done = recorded(planner, city)
    response = patch(signed_in(planner), done.pk, change)
    assert (response.status_code, list(response.json()["errors"])) == (400, [field])


def test_the_owner_and_administrators_change_and_delete_it(client: Client, city: City, planner: Any) -> None:
    done = recorded(planner, city)
    colleague = signed_in(staff("rekan", city))
    chief = signed_in(staff("kepala", city, role="administrator"))
    for who, status in ((client, 403), (colleague, 403), (signed_in(planner), 200), (chief, 200)):
        assert patch(who, done.pk, {"title": "Baru", "area": "kota-uji.2"}).status_code == status
    done.refresh_from_db()
    assert (done.title, done.area.code) == ("Baru", "kota-uji.2")
    for who, status in ((client, 403), (colleague, 403), (chief, 204), (chief, 404)):
        assert who.delete(f"{API}{done.pk}/").status_code == status
    assert client.get(f"{API}{done.pk}/effect/").status_code == 404
    assert client.get(f"{API}{10**30}/").status_code == 404


def test_a_list_is_paged_and_filtered(
    client: Client, city: City, planner: Any, django_assert_max_num_queries: Any
) -> None:
    numbers = [recorded(planner, city).pk for _ in range(3)]
    recorded(planner, city, area=Area.objects.get(code="kota-uji.2"))
    seen: list[int] = []
    url: str | None = f"{API}?limit=2&area=kota-uji.1&category=banjir&city=kota-uji"
    while url:
        page = client.get(url).json()
        seen += [entry["id"] for entry in page["results"]]
        url = page["next"]
    assert seen == numbers[::-1]
    with django_assert_max_num_queries(1):
        client.get(API)
    for name in ("city", "area", "category"):
        response = client.get(f"{API}?{name}=nothing")
        assert (response.status_code, response.json()["parameter"]) == (400, name)


def test_the_admin_shows_it_and_changes_its_words(admin_client: Any, city: City, planner: Any) -> None:
    done = recorded(planner, city)
    assert admin_client.get("/admin/geo/intervention/").status_code == 200
    address = f"/admin/geo/intervention/{done.pk}/change/"
    assert admin_client.get(address).status_code == 200
    assert admin_client.post(address, {"title": "Baru", "description": "", "date": "2020-01-01"}).status_code == 302
    done.refresh_from_db()
    assert (done.title, done.date) == ("Baru", DAY)
