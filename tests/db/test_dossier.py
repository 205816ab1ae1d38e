"""The dossier of an area against a real PostGIS: what is counted, what it is compared with, and what is said where little is known."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from geo.analysis import response_times
from geo.analysis.computed import Cancelled
from geo.analysis.dossier import NoSuchArea, compile_dossier
from geo.analysis.dossier_figures import DossierParams
from geo.models import Area, City
from geo.reports.workflow import CLOSED
from tests.db.dossier_city import DAY, HERE, HOUR, START, THERE, answered, compiled, gauge, people, say, values
from tests.factories import make_agency, make_area, make_category, make_channel, make_city, square

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> City:
    return make_city()


def test_counts_and_rates_stand_beside_the_citys(city: City) -> None:
    say(city, "kota-uji.1.1", [START, START + DAY])
    say(city, "kota-uji.1.2", [START + 2 * DAY], category="sampah", channel=make_channel("qlue"))
    say(city, THERE, [START + DAY] * 9, category="sampah")
    say(city, HERE, [START], is_public=False)
    Area.objects.filter(code=HERE).update(area_km2=2.0)
    Area.objects.filter(code="kota-uji").update(area_km2=8.0)
    people(HERE, 20_000)
    people("kota-uji", 80_000)
    found = compiled(city)["reports"]
    assert (found["total"]["value"], found["total"]["reference"]) == (3, 12)
    assert (found["per_km2"]["value"], found["per_km2"]["reference"]) == (1.5, 1.5)
    assert (found["per_10000"]["value"], found["per_10000"]["reference"]) == (1.5, 1.5)
    assert found["ratio_per_10000"]["value"] == 1.0
    # 3 of 12 by Clopper and Pearson: 0.0548606 to 0.5718585 (R: binom.test(3, 12)), over the expected quarter.
    assert found["ratio_per_10000"]["low"] == pytest.approx(0.2194, abs=1e-4)
    assert found["ratio_per_10000"]["high"] == pytest.approx(2.2874, abs=1e-4)
    shares = {
        e["category"]: (e["reports"]["value"], e["share"]["value"], e["share"]["reference"])
        for e in found["by_category"]
    }
    assert shares["banjir"] == (2, pytest.approx(66.6667), pytest.approx(16.6667))
    assert shares["sampah"] == (1, pytest.approx(33.3333), pytest.approx(83.3333))
    assert [(e["channel"], e["reports"]["value"], e["reports"]["reference"]) for e in found["by_channel"]] == [
        ("web", 2, 11),
        ("qlue", 1, 1),
    ]


def test_a_category_narrows_everything(city: City) -> None:
    say(city, HERE, [START])
    say(city, HERE, [START], category="sampah")
    document = compiled(city, category_ids=(make_category("sampah").pk,))
    assert [entry["category"] for entry in document["reports"]["by_category"]] == ["sampah"]
    assert document["response_times"]["open_now"]["value"] == 1
    assert sum(area["reports"]["value"] for area in document["hotspots"]["areas"]) == 0


def test_the_period_before_has_the_same_days(city: City) -> None:
    say(city, HERE, [START - timedelta(seconds=1)] * 10 + [START - 10 * DAY, START - 10 * DAY - timedelta(seconds=1)])
    say(city, HERE, [START] * 22)
    document = compiled(city)
    change = document["reports"]["change"]
    assert (change["n"], change["reference_n"], change["value"]) == (22, 11, 2.0)
    # 22 of 33: R's binom.test(22, 33) gives 0.4817097 to 0.8203577, as odds 0.92941 and 4.56665.
    assert (change["low"], change["high"]) == (pytest.approx(0.92941, abs=1e-3), pytest.approx(4.56665, abs=1e-2))
    assert document["period"]["before_start"] == "2025-12-25T17:00:00Z"


def test_a_period_that_is_not_over_is_compared_with_as_much_of_the_one_before(city: City) -> None:
    say(city, HERE, [START - 4 * DAY, START - 8 * DAY, START + DAY])
    document = compiled(city, now=START + 5 * DAY)
    assert document["period"]["counted_to"] == "2026-01-09T17:00:00Z"
    assert document["period"]["before_end"] == "2025-12-30T17:00:00Z"
    assert document["reports"]["change"]["reference_n"] == 1


def test_a_period_that_has_not_begun_says_so(city: City) -> None:
    say(city, HERE, [START - DAY])
    document = compiled(city, now=START - 5 * DAY)
    change = document["reports"]["change"]
    assert (change["value"], change["reason"]) == (None, "period_not_begun")
    assert document["reports"]["trend"]["p"]["reason"] == "too_few_intervals"


def test_a_short_period_has_a_course_by_day_and_its_trend(city: City) -> None:
    for day in range(10):
        say(city, HERE, [START + day * DAY + HOUR] * day)
    found = compiled(city)["reports"]
    assert found["interval"] == "day"
    assert [part["reports"] for part in found["course"]] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert found["course"][0]["start"] == "2026-01-04T17:00:00Z"
    # S is 45 of 45 pairs, its variance 10 * 9 * 25 / 18 = 125, z = 44 / sqrt(125) = 3.9355, p = 0.0000830.
    assert values(found["trend"], "tau", "slope") == [1.0, 1.0]
    assert found["trend"]["p"]["value"] == pytest.approx(8.3e-5, abs=2e-6)


def test_a_long_period_across_a_year_end_has_a_course_by_week(city: City) -> None:
    # From Monday 3 November 2025 to 4 January 2026, in Bekasi: nine weeks.
    start = datetime(2025, 11, 2, 17, tzinfo=UTC)
    say(city, HERE, [datetime(2025, 12, 31, 16, 59, tzinfo=UTC), datetime(2025, 12, 31, 17, 1, tzinfo=UTC)])
    found = compiled(city, start=start, end=start + 63 * DAY)["reports"]
    assert found["interval"] == "week"
    # Both sides of New Year lie in the week of Monday 29 December.
    assert [(part["start"], part["reports"]) for part in found["course"]][-1] == ("2025-12-28T17:00:00Z", 2)
    assert len(found["course"]) == 9


def test_what_the_period_cuts_is_counted_apart(city: City) -> None:
    say(city, HERE, [START + 2 * HOUR, START + DAY + HOUR])
    found = compiled(city, start=START + HOUR)["reports"]
    assert (len(found["course"]), found["in_cut_intervals"], found["total"]["value"]) == (9, 1, 2)


def test_a_day_on_which_clocks_change_is_a_day(city: City) -> None:
    berlin = make_city("kota-musim", west=13.0, south=52.0, timezone="Europe/Berlin", metric_srid=32633)
    # 29 March 2026 has 23 hours there: from 23:00 UTC to 22:00 UTC.
    start = datetime(2026, 3, 27, 23, tzinfo=UTC)
    say(berlin, "kota-musim.1", [datetime(2026, 3, 29, 21, 59, tzinfo=UTC), datetime(2026, 3, 29, 22, 1, tzinfo=UTC)])
    gauge("udara", "kota-musim.1", "pm25", [35.45] * 17, start=datetime(2026, 3, 28, 23, tzinfo=UTC))
    document = compiled(berlin, "kota-musim.1", start=start, end=datetime(2026, 3, 30, 22, tzinfo=UTC))
    assert [(part["start"], part["reports"]) for part in document["reports"]["course"]] == [
        ("2026-03-27T23:00:00Z", 0),
        ("2026-03-28T23:00:00Z", 1),
        ("2026-03-29T22:00:00Z", 1),
    ]
    # Three days earlier by the clock: before the change, at 23:00 UTC.
    assert document["period"]["before_start"] == "2026-03-24T23:00:00Z"
    assert document["period"]["before_end"] == "2026-03-27T23:00:00Z"
    # 17 hours are less than three quarters of 24, and a whole 17.25 of 23 takes 18.
    assert document["readings"]["air_quality"]["stations"][0]["days"]["value"] == 0


def test_an_area_without_reports_has_zeros_and_reasons(city: City) -> None:
    say(city, THERE, [START])
    document = compiled(city)
    assert values(document["reports"], "total", "per_km2") == [0, 0.0]
    assert document["reports"]["by_category"] == []
    assert document["reports"]["ratio_per_km2"]["value"] == 0.0
    assert document["reports"]["change"]["reason"] == "no_reports_before"
    assert document["reports"]["trend"]["p"]["reason"] == "constant_reports"
    for name in ("median", "p90", "in_time"):
        assert (document["response_times"][name]["value"], document["response_times"][name]["reason"]) == (
            None,
            "no_closed_reports",
        )


def test_without_population_only_those_rates_are_unknown(city: City) -> None:
    say(city, HERE, [START])
    people("kota-uji", 80_000)
    document = compiled(city)
    assert document["area"]["population"]["reason"] == "population_unknown"
    assert document["reports"]["per_10000"]["reason"] == "population_unknown"
    assert document["reports"]["ratio_per_10000"]["reason"] == "population_unknown"
    assert document["reports"]["per_10000"]["reference"] == 0.125
    assert document["reports"]["ratio_per_km2"]["value"] == 1.0


def test_the_city_is_not_compared_with_itself(city: City) -> None:
    say(city, HERE, [START])
    document = compiled(city, "kota-uji")
    assert document["city"]["is_the_area"]
    assert document["area"]["parent"] is None
    assert document["reports"]["ratio_per_km2"]["reason"] == "the_area_is_the_city"
    assert [area["code"] for area in document["hotspots"]["areas"]] == [HERE, THERE]


def test_a_city_of_one_area_has_a_dossier() -> None:
    city = City.objects.create(slug="kota-satu", name="Kota Satu")
    make_area(city, "kota-satu", square(106.9, -6.3, 107.0, -6.2), level="kota")
    say(city, "kota-satu", [START])
    document = compiled(city, "kota-satu")
    assert document["reports"]["total"]["value"] == 1
    assert (document["hotspots"]["areas"], document["hotspots"]["reason"]) == ([], "no_level_below")


def test_a_retired_area_and_another_citys_area_have_none(city: City) -> None:
    make_city("kota-lain", west=110.0)
    Area.objects.filter(code=THERE).update(retired_at=START)
    for code in (THERE, "kota-lain.1", "tidak-ada"):
        with pytest.raises(NoSuchArea):
            compiled(city, code)


def test_response_times_are_those_of_what_was_closed_in_the_period(city: City) -> None:
    dlh, bpbd = make_agency(city, "dlh"), make_agency(city, "bpbd")
    answered(city, HERE, [2.0, 4.0, 6.0], agency=dlh)
    answered(city, HERE, [100.0], agency=bpbd)
    answered(city, HERE, [1.0], status="duplicate")
    answered(city, HERE, [24 * 10.0])
    answered(city, THERE, [50.0])
    found = compiled(city)["response_times"]
    assert found["closed"]["value"] == 4
    # Of 2, 4, 6, 100: the median is 5, the 90th percentile 7 tenths of the way from 6 to 100.
    assert values(found, "median", "p90") == [5.0, pytest.approx(71.8)]
    assert (found["median"]["reference"], found["median"]["reference_n"]) == (6.0, 5)
    assert [(e["agency"], e["median"]["value"], e["median"]["n"]) for e in found["by_agency"]] == [
        ("dlh", 4.0, 3),
        ("bpbd", 100.0, 1),
    ]


def test_a_report_closed_before_it_was_made_has_no_time(city: City) -> None:
    say(city, HERE, [START + DAY], status="resolved", closed_at=START + HOUR)
    found = compiled(city)["response_times"]
    assert (found["closed"]["value"], found["closed_before_reported"], found["median"]["value"]) == (0, 1, None)


def test_a_category_without_a_due_date_has_no_share_in_time(city: City) -> None:
    answered(city, HERE, [2.0])
    assert compiled(city)["response_times"]["in_time"]["reason"] == "no_due_dates"
    answered(city, HERE, [3.0], due_at=START + 5 * HOUR)
    answered(city, HERE, [9.0], due_at=START + 5 * HOUR)
    found = compiled(city)["response_times"]["in_time"]
    # 1 of 2 by Clopper and Pearson: 1 - sqrt(0.975) = 0.0125791 and sqrt(0.975) = 0.9874209.
    assert (found["value"], found["n"]) == (50.0, 2)
    assert (found["low"], found["high"]) == (pytest.approx(1.25791), pytest.approx(98.7421))


def test_open_reports_are_told_by_their_age(city: City) -> None:
    now = START + 40 * DAY
    say(city, HERE, [now - HOUR, now - 8 * DAY, now - 31 * DAY, START - 300 * DAY])
    say(city, HERE, [now - 31 * DAY], status="rejected")
    say(city, THERE, [now - 8 * DAY])
    found = compiled(city, now=now)["response_times"]
    assert values(found, "open_now", "open_over_7_days", "open_over_30_days") == [4, 3, 2]
    assert [found[name]["reference"] for name in ("open_now", "open_over_7_days", "open_over_30_days")] == [5, 4, 2]


def test_closed_is_what_the_workflow_calls_closed() -> None:
    assert set(response_times.CLOSED) == set(CLOSED)


def test_too_few_areas_have_counts_and_no_hotspots(city: City) -> None:
    say(city, "kota-uji.1.1", [START] * 3)
    say(city, "kota-uji.1.1", [START], category="sampah")
    found = compiled(city)["hotspots"]
    assert (found["level"], found["reason"]) == ("kelurahan", "too_few_areas")
    assert [(a["code"], a["reports"]["value"], a["class"]) for a in found["areas"]] == [
        ("kota-uji.1.1", 4, None),
        ("kota-uji.1.2", 0, None),
    ]
    assert [(e["category"], e["reports"]) for e in found["areas"][0]["categories"]] == [("banjir", 3), ("sampah", 1)]


def test_subareas_have_their_class_among_all_of_the_city() -> None:
    """Six by six squares; the district in the corner has three by three of them, and all the reports."""
    city = City.objects.create(slug="kota-kotak", name="Kota Kotak")
    root = make_area(city, "kotak", square(106.9, -6.3, 107.2, -6.0), level="kota")
    corner = make_area(city, "kotak.a", square(106.9, -6.3, 107.05, -6.15), level="kecamatan", parent=root)
    for i in range(36):
        x, y = i % 6, i // 6
        box = square(106.9 + x * 0.05, -6.3 + y * 0.05, 106.95 + x * 0.05, -6.25 + y * 0.05)
        inside = x < 3 and y < 3
        make_area(city, f"kotak.{x}{y}", box, level="kelurahan", parent=corner if inside else root)
        if inside:
            say(city, f"kotak.{x}{y}", [START + j * HOUR for j in range(5)])
    found = compiled(city, "kotak.a")["hotspots"]
    assert found["reason"] is None
    classes = {a["code"]: a["class"] for a in found["areas"]}
    assert sorted(classes) == [f"kotak.{x}{y}" for x in range(3) for y in range(3)]
    # All eight neighbours of the middle one have reports: of random ones so many would in 9 * 10^-6 of the draws.
    assert classes["kotak.11"] in ("hot_99", "hot_95")


def test_the_queries_are_as_many_for_a_large_city_as_for_a_small_one() -> None:
    def filled(slug: str, districts: int, categories: int, west: float) -> int:
        city = make_city(slug, west=west, districts=districts)
        for i in range(categories):
            say(city, f"{slug}.1.1", [START + i * HOUR], category=f"{slug}-{i}", agency=make_agency(city, f"dinas-{i}"))
            gauge(f"{slug}-{i}", f"{slug}.1.1", "pm25", [20.0] * 24)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            compiled(city, f"{slug}.1")
        return len(queries)

    small, large = filled("kota-kecil", 4, 2, 106.0), filled("kota-besar", 9, 12, 109.0)
    assert large == small
    assert large <= 20


def test_it_says_how_far_it_is_and_can_be_given_up(city: City) -> None:
    heard: list[float] = []

    def listen(share: float) -> None:
        heard.append(share)
        if share > 0.5:
            raise Cancelled

    params = DossierParams(city.pk, city.timezone, HERE, START, START + 10 * DAY, datetime(2026, 6, 1, tzinfo=UTC))
    with pytest.raises(Cancelled):
        compile_dossier(params, listen)
    assert heard == [0.0, 0.2, 0.4, pytest.approx(0.6)]
