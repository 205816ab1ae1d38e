"""The city at a glance: this week up to now against last week up to the same hour, as figures, as JSON, as a page."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from geo.analysis.models import ResultSet
from geo.areas.models import Area, City, PopulationFigure
from geo.models import Report
from geo.operations.alerts.watching import OWNERS, keep_watches
from geo.operations.glance.figures import Glance, Verdict, spans_of, verdict_of
from geo.operations.glance.gathering import glance_of
from geo.operations.mayor.brief import Compared
from geo.placement.services import place_things
from sensors import published
from sensors.observations.models import HourlyRollup
from tests.alerts import make_rule
from tests.factories import (
    centre,
    make_category,
    make_city,
    make_datastream,
    make_observed_property,
    make_report,
    make_thing,
)

pytestmark = pytest.mark.django_db
# Wednesday 25 February 2026, 12:30 in Jakarta; the week began on Monday 23 at 00:00, the one before on Monday 16.
NOW = datetime(2026, 2, 25, 5, 30, tzinfo=UTC)
START = datetime(2026, 2, 22, 17, tzinfo=UTC)
BEFORE = datetime(2026, 2, 15, 17, tzinfo=UTC)
BEFORE_UNTIL = datetime(2026, 2, 18, 5, 30, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def city() -> City:
    return make_city()


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geo.api.glance.utc_now", lambda: NOW)


def told(at: datetime, **changes: Any) -> Report:
    """A report that came at a time, without a time to be met unless one is given."""
    made = {name: changes.pop(name) for name in ("category", "location") if name in changes}
    report = make_report(now=at, **made)
    Report.objects.filter(pk=report.pk).update(**{"due_at": None, **changes})
    return report


def measured(code: str, *hours: tuple[datetime, float], slug: str = "", unit: str = "ug/m3", **more: Any) -> int:
    """Hourly rollups of one value each, of a thing in the city; the id of its datastream."""
    kept = {name: more.pop(name) for name in ("domain", "aggregate", "as_anomaly") if name in more}
    make_observed_property(code, **kept)
    interval = more.pop("expected_interval_s", 600)
    thing = make_thing(slug or f"pos-{code.replace('_', '-')}", **more)
    stream = make_datastream(thing, code, unit_ucum=unit, expected_interval_s=interval)
    place_things()
    HourlyRollup.objects.bulk_create(
        HourlyRollup(datastream=stream, hour=at, n=1, sum=value, min=value, max=value) for at, value in hours
    )
    return int(stream.pk)


def the_property(glance: Glance, code: str) -> Any:
    return next(one for domain in glance.domains for one in domain.properties if one.observed.id == code)


def page_of(client: Client, query: str = "lang=en") -> str:
    response = client.get(f"/city/?{query}")
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


# The weeks


def test_last_week_ends_at_the_same_hour_of_the_citys_clock(city: City) -> None:
    spans = spans_of(NOW, city.zone)
    assert (spans.start, spans.until, spans.before, spans.before_until) == (START, NOW, BEFORE, BEFORE_UNTIL)
    told(BEFORE)
    told(BEFORE_UNTIL - SECOND)
    told(BEFORE_UNTIL)
    told(START - SECOND)
    told(START)
    told(NOW - SECOND)
    told(NOW)
    reports = glance_of(city, NOW).reports
    assert reports.total.new == Compared(2, 2)
    # What came later last week is seen by day, beside what is still to come.
    assert reports.days_this == (1, 0, 1, None, None, None, None)
    assert reports.days_last == (1, 0, 2, 0, 0, 0, 1)


def test_a_week_in_which_clocks_change_is_cut_at_the_same_clock_time() -> None:
    # Berlin, Monday 30 March 2026, 12:00 in summer: a week before it was 12:00 in winter, an hour later by UTC.
    spans = spans_of(datetime(2026, 3, 30, 10, tzinfo=UTC), make_city("berlin", timezone="Europe/Berlin").zone)
    assert spans.before_until == datetime(2026, 3, 23, 11, tzinfo=UTC)


# Reports


def test_what_was_answered_stood_open_and_was_late_is_counted(city: City) -> None:
    told(START - DAY, status="resolved", closed_at=START + DAY)
    told(START, status="rejected", closed_at=START + 2 * HOUR)
    told(START, status="duplicate", closed_at=START + HOUR)
    told(START, due_at=START + HOUR)
    told(START, due_at=NOW + HOUR)
    told(START)
    told(BEFORE - DAY, status="resolved", closed_at=BEFORE + HOUR, due_at=BEFORE)
    total = glance_of(city, NOW).reports.total
    assert (total.closed, total.open) == (Compared(2, 1), Compared(3, 0))
    assert (total.late, total.with_due) == (Compared(1, 0), 2)
    # 48 and 2 hours; last week 25.
    assert (total.timed, total.median_h) == (2, Compared(25.0, 25.0))


def test_nothing_is_told_that_the_public_may_not_see(city: City) -> None:
    other = make_city("makassar", west=119.4, south=-5.2)
    told(BEFORE)
    told(START, is_public=False)
    told(START, location=centre(Area.objects.get(code="makassar.1.1")))
    assert glance_of(city, NOW).reports.total.new == Compared(0, 1)
    assert glance_of(other, NOW).reports.total.new == Compared(1, None)


@pytest.mark.parametrize(
    ("this", "last", "looks", "verdict"),
    [
        (84, 31, 1, Verdict.RISE),
        (31, 84, 1, Verdict.FALL),
        (12, 9, 1, Verdict.CHANCE),
        (9, 0, 1, Verdict.FEW),
        (0, 0, 1, Verdict.FEW),
        (10, 0, 1, Verdict.RISE),  # 2 / 2^10 = 0.002
        (20, 6, 1, Verdict.RISE),  # binom.test(20, 26): p = 0.009
        (20, 6, 20, Verdict.CHANCE),  # of twenty that were looked at, one such is to be expected every fifth week
    ],
)
def test_small_numbers_are_no_trend(this: int, last: int, looks: int, verdict: Verdict) -> None:
    assert verdict_of(this, last, looks=looks) is verdict


def test_categories_are_told_of_with_what_lies_below_them_the_greatest_rise_first(city: City) -> None:
    flood = make_category("banjir")
    below = make_category("genangan", parent=flood)
    for i in range(12):
        told(START + i * HOUR, category=below if i % 2 else flood)
    told(BEFORE, category=make_category("sampah"))
    told(BEFORE, category=flood)
    categories = glance_of(city, NOW).reports.categories
    assert [(one.category.id, one.counts.new, one.verdict) for one in categories] == [
        ("banjir", Compared(12, 1), Verdict.RISE),
        ("sampah", Compared(0, 1), Verdict.FEW),
    ]


def test_districts_stand_with_their_people_and_with_what_is_due(city: City) -> None:
    one, two = (Area.objects.get(code=f"kota-uji.{i}") for i in (1, 2))
    PopulationFigure.objects.create(area=one, population=20_000, year=2025, source="BPS")
    for i in range(10):
        told(START, location=centre(one), due_at=START + HOUR if i < 3 else NOW + DAY)
    told(START, location=centre(two), due_at=START + HOUR)
    reports = glance_of(city, NOW).reports
    told_of = [
        (each.district.id, each.counts.new.this, each.per_10000, each.counts.late_share) for each in reports.districts
    ]
    # Of one report with a date due a share says nothing.
    assert told_of == [("kota-uji.1", 10, 5.0, 0.3), ("kota-uji.2", 1, None, None)]
    assert [each.district.id for each in reports.by_rate] == ["kota-uji.1"]


# Readings


def test_readings_are_compared_by_whole_hours_and_by_the_places_of_both_weeks(city: City) -> None:
    measured(
        "pm25", (BEFORE, 20.0), (BEFORE_UNTIL - 30 * 60 * SECOND, 999.0), (START, 30.0), (NOW - 30 * 60 * SECOND, 999.0)
    )
    measured("pm25", (START, 100.0), slug="baru")
    found = the_property(glance_of(city, NOW), "pm25")
    assert (found.value, found.change, found.change_share) == (Compared(65.0, 20.0), 10.0, 0.5)
    assert (found.places, found.places_in_both, found.highest.thing) == (2, 1, "baru")
    # Steps of six hours; of last week the rest is there, too.
    assert (found.course.step_h, found.course.this[0], found.course.last[0], found.course.last[10]) == (
        6,
        65.0,
        20.0,
        999.0,
    )


def test_cases_add_up_and_rain_does_not(city: City) -> None:
    daily = {"domain": "health", "aggregate": "sum", "unit": "{case}", "expected_interval_s": 86400}
    measured("dengue_cases", (BEFORE, 2.0), (START, 3.0), (START + DAY, 4.0), slug="a", **daily)
    measured("dengue_cases", (BEFORE, 1.0), (START, 5.0), slug="b", **daily)
    measured("rain", *((START + i * HOUR, 2.0) for i in range(6)), aggregate="sum", unit="mm")
    glance = glance_of(city, NOW)
    cases, rain = the_property(glance, "dengue_cases"), the_property(glance, "rain")
    assert (cases.kind, cases.value, cases.highest.value) == ("total", Compared(12.0, 3.0), 7.0)
    assert cases.course.this[:3] == (8.0, 4.0, None)
    # Of 24 hours of which six were measured: 12 mm in a quarter of a day.
    assert (rain.kind, rain.value) == ("per_day", Compared(48.0, None))


def test_of_a_river_the_gauge_that_is_held_against_levels_is_shown(city: City) -> None:
    river = {"unit": "cm", "as_anomaly": True}
    measured("river_level", (START, 900.0), slug="a", **river)
    measured("river_level", (BEFORE, 100.0), (START, 360.0), (START + HOUR, 352.0), slug="p2c", **river)
    make_rule(city, thing="p2c", active_since=BEFORE)
    keep_watches(NOW)
    glance = glance_of(city, NOW)
    found = the_property(glance, "river_level")
    assert (found.at.thing, found.value, found.limit) == ("p2c", Compared(356.0, 100.0), 351.0)
    assert published.watches(OWNERS).count() == 1
    (held,) = glance.held
    assert (held.thing, held.authority, held.level, held.levels[0].hours) == ("p2c", "KP2C", 0, Compared(2, 0))


def test_air_is_judged_by_whole_days_and_its_worst_district_named(city: City, client: Client, at_noon: None) -> None:
    # 60 µg/m³ is above 55.4, where "moderate" ends. Yesterday (Tuesday) and Monday were whole days, today is not.
    monday, tuesday, today = START, START + DAY, START + 2 * DAY
    hours = [*((monday + i * HOUR, 60.0) for i in range(24)), *((tuesday + i * HOUR, 20.0) for i in range(24))]
    measured("pm25", *hours, *((today + i * HOUR, 200.0) for i in range(10)))
    air = glance_of(city, NOW).air
    assert air is not None
    assert (air.day, air.latest) == (tuesday, {"sedang": 1})
    assert [(one.district.id, one.days, one.worst) for one in air.unhealthy] == [("kota-uji.1", 1, "tidak_sehat")]
    page = page_of(client)
    assert "Air on Tuesday: moderate at 1 of 1 stations." in page
    assert "Unhealthy on 1 of 7 days in Kota-Uji 1 (ISPU, P.14/MENLHK/SETJEN/KUM.1/7/2020)." in page


# What others have had computed


def dossier(city: City, **pair: Any) -> ResultSet:
    one = {
        "category": "banjir", "name_id": "Banjir", "name_en": "Flood", "property": "river_level", "q": 0.001,
        "coefficient": {"value": 0.41, "n": 2100}, "lag": {"value": 3, "unit": "h"}, **pair,
    }  # fmt: skip
    members = {
        "period": {"start": "2025-11-30T17:00:00Z", "counted_to": "2026-02-24T17:00:00Z"},
        "hotspots": {"areas": [{"code": "kota-uji.1", "name": "Kota Uji 1", "class": "hot_95", "z": 2.5}]},
        "correlations": {"tests": 240, "pairs": [one]},
    }
    return ResultSet.objects.create(
        analysis="district-dossier", parameters_key="a", parameters={"city": city.slug, "area": "kota-uji"},
        data_version=1, state="ready", requested_at=NOW, touched_at=NOW, as_of=NOW, members=members,
    )  # fmt: skip


def test_what_goes_together_is_told_from_the_citys_dossier(city: City, client: Client, at_noon: None) -> None:
    assert "has not been computed lately" in page_of(client)
    make_observed_property("river_level", name_en="River level")
    dossier(city)
    cache.clear()
    page = page_of(client)
    assert "Flood: more reports when river level is high, 3 hours after it. An association, not a cause." in page
    assert "Hotspot from 1 December to 25 February: Kota Uji 1." in page


def test_an_association_that_may_be_chance_is_not_told(city: City) -> None:
    make_observed_property("river_level")
    dossier(city, q=0.2)
    computed = glance_of(city, NOW).computed
    assert computed is not None
    assert computed.association is None


# The API and the page


def test_the_answer_is_json_with_the_weeks_it_is_of(city: City, client: Client, at_noon: None) -> None:
    told(START - DAY)
    told(START)
    said = client.get("/api/glance/").json()
    assert (said["city"], said["week"], said["period"]["before_until"]) == (
        "kota-uji",
        "2026-W09",
        "2026-02-18T05:30:00Z",
    )
    assert said["reports"]["total"]["new"] == {"this_week": 1.0, "last_week": 0.0, "change": 1.0}
    assert [one["domain"] for one in said["domains"]] == ["health", "environment", "economy", "traffic"]


def test_a_city_that_is_not_there_is_a_bad_parameter_and_a_page_that_says_so(city: City, client: Client) -> None:
    assert client.get("/api/glance/?city=atlantis").status_code == 400
    answer = client.get("/city/?city=atlantis&lang=en")
    assert answer.status_code == 404
    assert "There is no city “atlantis” here." in answer.content.decode()


def test_however_much_there_is_to_tell_it_takes_as_many_queries(city: City) -> None:
    measured("pm25", (START, 30.0))
    told(START)
    with CaptureQueriesContext(
        connection,
    ) as few:
        glance_of(city, NOW)
    for i in range(3):
        measured(f"lain-{i}", (BEFORE, 1.0), (START, 2.0), slug=f"lain-{i}")
        told(START + HOUR, category=make_category(f"lain-{i}"))
    with CaptureQueriesContext(connection) as more:
        glance_of(city, NOW)
    assert len(more) == len(few) <= 20


def test_a_city_without_anything_says_so_and_invents_nothing(city: City, client: Client, at_noon: None) -> None:
    page = page_of(client)
    assert page.count("Nothing was measured in these two weeks.") == 4
    assert "This is the first week with reports" in page
    assert "No reading was past a limit this week" in page
    assert "<svg" in page


def test_before_there_is_a_city_the_page_says_what_to_do(client: Client) -> None:
    assert "There is no city here yet." in page_of(client)


def test_the_page_sets_no_cookie_asks_no_stranger_and_can_be_shared(city: City, client: Client, at_noon: None) -> None:
    told(START)
    response = client.get("/city/?lang=en")
    page = response.content.decode()
    assert response.cookies == {}
    assert response["Content-Language"] == "en"
    assert client.get("/city/")["Content-Language"] == "id"
    assert '<meta property="og:title" content="Kota Uji at a glance">' in page
    assert '<meta property="og:description" content="No reading was past a limit this week' in page
    assert "http://" not in page
    assert "https://" not in page
    assert "default-src 'self'" in response["Content-Security-Policy"]


def test_who_has_the_page_of_this_minute_gets_no_body(
    city: City, client: Client, at_noon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = client.get("/city/")["ETag"]
    assert client.get("/city/", headers={"if-none-match": tag}).status_code == 304
    monkeypatch.setattr("geo.api.glance.utc_now", lambda: NOW + timedelta(minutes=1))
    assert client.get("/city/", headers={"if-none-match": tag}).status_code == 200


def test_of_several_cities_one_is_shown_and_all_are_named(city: City, client: Client, at_noon: None) -> None:
    make_city("makassar", west=119.4, south=-5.2)
    assert "<h1>Makassar at a glance</h1>" in page_of(client, "lang=en&city=makassar")
    page = page_of(client)
    assert "<h1>Kota Uji at a glance</h1>" in page
    assert '<a href="?city=makassar&amp;lang=en" >Makassar</a>' in page


def test_each_card_leads_to_the_map_of_this_week(city: City, client: Client, at_noon: None) -> None:
    for _ in range(11):
        told(START, category=make_category("banjir"))
    told(BEFORE)
    measured("pm25", (START, 30.0))
    page = page_of(client)
    week = "city=kota-uji&amp;period=2026-02-23..2026-02-25"
    assert f'href="/?lang=en#{week}&amp;category=banjir"' in page
    assert f'href="/?lang=en#{week}&amp;show=sensors&amp;property=pm25"' in page


def test_on_a_wall_there_is_nothing_to_open(city: City, client: Client, at_noon: None) -> None:
    assert "<details" in page_of(client)
    wall = page_of(client, "lang=en&wall")
    assert "<details" not in wall
    assert 'class="on-city wall"' in wall
