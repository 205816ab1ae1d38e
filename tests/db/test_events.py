"""Events of a datastream and the reports around them, against a real PostGIS: what crosses, what counts, by whose clock."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.gis.geos import Point

from geo.analysis.events import EventsParams, last_place, study_events
from geo.models import Report
from sensors.models import HourlyRollup, ThingLocation
from tests.factories import make_category, make_channel, make_city, make_datastream, make_thing

pytestmark = pytest.mark.django_db

# Midnight of 1 December 2025 in Bekasi; sixty days reach into 2026.
START = datetime(2025, 11, 30, 17, tzinfo=UTC)
DAYS = 60
HOUR = timedelta(hours=1)
POST = Point(106.95, -6.25, srid=4326)
# Four evenings, the last of them in the next year: 20:00 on the 11th, 21st and 31st day, and on the 41st.
FLOODS = [START + timedelta(days=day, hours=20) for day in (10, 20, 30, 40)]


@pytest.fixture
def city():
    return make_city()


@pytest.fixture
def gauge(city):
    return make_datastream(
        make_thing("p2c", location=POST, since=START - timedelta(days=90)), "river_level", unit_ucum="cm"
    )


def params_for(city, **more):
    values = {
        "city_id": city.pk,
        "zone": city.timezone,
        "thing": "p2c",
        "observed_property": "river_level",
        "threshold": 300.0,
        "start": START,
        "end": START + timedelta(days=DAYS),
        "now": datetime(2026, 6, 1, tzinfo=UTC),
        "permutations": 199,
        **more,
    }
    return EventsParams(**values)


def measure(datastream, peaks=None, *, start=START, hours=24 * DAYS):
    """An hourly level of 100, but for these hours; the greatest of each hour is what counts, not its mean."""
    peaks = peaks or {}
    HourlyRollup.objects.bulk_create(
        HourlyRollup(datastream_id=datastream.pk, hour=hour, n=2, sum=110, min=10, max=peaks.get(hour, 100.0))
        for hour in (start + i * HOUR for i in range(hours))
        if peaks.get(hour, 0.0) is not None
    )


def say(city, times, *, at=POST, category="banjir", **more):
    """Public reports at these times, written directly: what is tested here only reads."""
    same = {"channel": make_channel(), "category": make_category(category), "location_flag": "inside", **more}
    Report.objects.bulk_create(
        Report(city=city, public_location=at, reported_at=time, received_at=time, updated_at=time, **same)
        for time in times
    )


def hour_of(study, hour):
    (place,) = [i for i, value in enumerate(study.epochs.hours) if value == hour]
    return place


def test_reports_after_events_are_found_in_their_hour_with_a_small_p(city, gauge):
    measure(gauge, {time + i * HOUR: 340.0 + 10 * i for time in FLOODS for i in range(3)})
    # One report at noon of every day, and three two hours after each flood began.
    say(city, [START + timedelta(days=day, hours=12) for day in range(DAYS)])
    say(city, [time + 2 * HOUR + timedelta(minutes=5 * i) for time in FLOODS for i in range(3)])
    study = study_events(params_for(city))
    assert [crossing.time for crossing in study.crossings] == FLOODS
    assert {(crossing.peak, crossing.is_used) for crossing in study.crossings} == {(360.0, True)}
    # The three of its own, and noon's.
    assert [crossing.reports_after for crossing in study.crossings] == [4, 4, 4, 4]
    assert (study.reason, study.epochs.events, study.reports) == (None, 4, 72)
    # Noon is 16 hours after 20:00, and 8 hours before.
    assert {int(h): m for h, m in zip(study.epochs.hours, study.epochs.mean, strict=True) if m} == {-8: 1, 2: 3, 16: 1}
    assert {int(h): e for h, e in zip(study.epochs.hours, study.epochs.expected, strict=True) if e} == {-8: 1, 16: 1}
    # Four reports where one is expected; no draw reaches it.
    assert study.epochs.ratio == pytest.approx(4.0)
    assert study.epochs.p == pytest.approx(1 / 200)


def test_the_same_seed_gives_the_same_figures(city, gauge):
    measure(gauge, dict.fromkeys(FLOODS, 340.0))
    say(city, [START + timedelta(hours=7 * i) for i in range(180)])
    first, again = (study_events(params_for(city, seed=3)).epochs for _i in range(2))
    assert (first.p, list(first.low), list(first.band_high)) == (again.p, list(again.low), list(again.band_high))


def test_a_level_that_flickers_is_one_event_until_it_was_quiet(city, gauge):
    flood = FLOODS[0]
    measure(gauge, {flood: 310.0, flood + 3 * HOUR: 350.0, flood + 8 * HOUR: 305.0, flood + 22 * HOUR: 330.0})
    study = study_events(params_for(city))
    # Thirteen hours below lie between the third and the fourth, fewer before.
    assert [(c.time, c.peak) for c in study.crossings] == [(flood, 350.0), (flood + 22 * HOUR, 330.0)]
    assert len(study_events(params_for(city, quiet_h=2)).crossings) == 4


def test_no_crossing_is_no_event(city, gauge):
    measure(gauge)
    say(city, [START + HOUR])
    study = study_events(params_for(city))
    assert (study.crossings, study.reason, study.epochs.mean) == ((), "too_few_events", None)
    assert (study.hours, study.hours_with_readings, study.reports) == (1440, 1440, 1)


def test_two_events_are_too_few(city, gauge):
    measure(gauge, dict.fromkeys(FLOODS[:2], 340.0))
    say(city, FLOODS)
    study = study_events(params_for(city))
    assert (study.reason, study.epochs.events, study.epochs.p) == ("too_few_events", 2, None)


def test_nothing_measured_is_said(city, gauge):
    say(city, FLOODS)
    study = study_events(params_for(city))
    assert (study.reason, study.hours_with_readings, study.crossings) == ("no_readings", 0, ())


def test_no_reports_are_said(city, gauge):
    measure(gauge, dict.fromkeys(FLOODS, 340.0))
    study = study_events(params_for(city))
    assert (study.reason, study.epochs.events, study.reports) == ("no_reports", 4, 0)


def test_too_short_a_period_has_too_few_days_to_compare_with(city, gauge):
    measure(gauge, dict.fromkeys(FLOODS, 340.0))
    say(city, FLOODS)
    study = study_events(params_for(city, start=START + timedelta(days=8), end=START + timedelta(days=34)))
    assert study.epochs.events == 3
    assert study.reason == "too_few_free_days"


def test_a_threshold_that_is_crossed_all_the_time_marks_no_events(city, gauge, monkeypatch):
    monkeypatch.setattr("geo.analysis.events.MAX_EVENTS", 3)
    measure(gauge, dict.fromkeys(FLOODS, 340.0))
    study = study_events(params_for(city))
    assert (study.reason, len(study.crossings)) == ("too_many_events", 3)


def test_an_event_whose_hours_leave_the_period_is_listed_and_not_used(city, gauge):
    late = START + timedelta(days=DAYS, hours=-3)
    measure(gauge, dict.fromkeys([*FLOODS, late], 340.0))
    say(city, FLOODS)
    study = study_events(params_for(city))
    assert [crossing.is_used for crossing in study.crossings] == [True] * 4 + [False]
    assert [crossing.reports_after for crossing in study.crossings] == [1] * 4 + [None]
    assert study.epochs.events == 4


def test_a_flood_that_began_before_the_period_is_no_event_of_it(city, gauge):
    measure(gauge, {START - HOUR: 340.0, START: 340.0, START + 30 * HOUR: 340.0}, start=START - 24 * HOUR)
    study = study_events(params_for(city))
    assert [crossing.time for crossing in study.crossings] == [START + 30 * HOUR]


def test_hours_that_are_not_over_are_left_out(city, gauge):
    measure(gauge, dict.fromkeys(FLOODS, 340.0))
    study = study_events(params_for(city, now=FLOODS[1] + timedelta(minutes=59)))
    assert (study.end, [crossing.time for crossing in study.crossings]) == (FLOODS[1], FLOODS[:1])


def test_reports_count_up_to_the_radius_from_their_public_place(city, gauge):
    measure(gauge)
    # At 6.25° south a thousandth of a degree of longitude is 110.66 m.
    say(city, [START + HOUR], at=Point(106.95 + 0.0270, -6.25, srid=4326))  # 2,988 m
    say(city, [START + HOUR], at=Point(106.95 + 0.0272, -6.25, srid=4326))  # 3,010 m
    say(city, [START + HOUR], at=None)
    assert study_events(params_for(city)).reports == 1
    assert study_events(params_for(city, radius_m=3_020.0)).reports == 2


def test_only_public_reports_of_the_category_count(city, gauge):
    measure(gauge)
    say(city, [START, START + timedelta(days=DAYS, seconds=-1)])
    say(city, [START + HOUR], category="sampah")
    say(city, [START + HOUR], is_public=False)
    say(city, [START - HOUR / 60, START + timedelta(days=DAYS)])
    assert study_events(params_for(city)).reports == 3
    assert study_events(params_for(city, category_ids=[make_category("banjir").pk])).reports == 2


def test_a_second_report_in_the_same_hour_counts(city, gauge):
    measure(gauge, dict.fromkeys(FLOODS, 340.0))
    say(city, [FLOODS[0], FLOODS[0], FLOODS[0] + timedelta(minutes=59)])
    study = study_events(params_for(city))
    assert study.epochs.mean[hour_of(study, 0)] == pytest.approx(3 / 4)
    assert study.epochs.mean[hour_of(study, 1)] == 0


def test_a_thing_that_moved_is_looked_at_where_it_stood_last(city, gauge):
    moved_at = FLOODS[0] + timedelta(hours=30, minutes=10)
    there = Point(107.05, -6.25, srid=4326)
    ThingLocation.objects.update(valid_to=moved_at)
    ThingLocation.objects.create(thing=gauge.thing, location=there, valid_from=moved_at)
    measure(gauge, dict.fromkeys(FLOODS, 340.0))
    say(city, [time + HOUR for time in FLOODS])
    say(city, [time + HOUR for time in FLOODS[1:]] * 2, at=there)
    study = study_events(params_for(city))
    assert (study.place.lon, study.place.since) == (107.05, moved_at)
    assert study.start == FLOODS[0] + timedelta(hours=31)
    assert [crossing.time for crossing in study.crossings] == FLOODS[1:]
    assert study.reports == 6
    # Before the move it stood elsewhere, and that is all that a period that ends by then knows.
    earlier = study_events(params_for(city, end=FLOODS[0] + timedelta(hours=24)))
    assert (earlier.place.lon, earlier.start, len(earlier.crossings), earlier.reports) == (106.95, START, 1, 1)


def test_the_first_place_holds_for_readings_from_before_the_registration(city, gauge):
    ThingLocation.objects.update(valid_from=START + timedelta(days=50))
    measure(gauge, dict.fromkeys(FLOODS, 340.0))
    assert (last_place("p2c", START + HOUR).since, len(study_events(params_for(city)).crossings)) == (None, 4)


def test_a_thing_without_a_location_has_no_study(city, gauge):
    ThingLocation.objects.all().delete()
    assert study_events(params_for(city)) is None


def test_hours_are_those_of_the_wall_clock_across_summer_time():
    # Berlin's clocks skip from 2:00 to 3:00 on 29 March 2026: 20:00 there is 19:00 UTC before, and 18:00 UTC after.
    city = make_city("berlin", west=13.3, south=52.4, timezone="Europe/Berlin", metric_srid=25833)
    middle = Point(13.35, 52.45, srid=4326)
    start = datetime(2026, 2, 28, 23, tzinfo=UTC)
    gauge = make_datastream(make_thing("spree", location=middle), "river_level", unit_ucum="cm")
    evenings = [
        datetime(2026, 3, 10, 19, tzinfo=UTC),
        datetime(2026, 3, 20, 19, tzinfo=UTC),
        datetime(2026, 4, 10, 18, tzinfo=UTC),
        datetime(2026, 4, 20, 18, tzinfo=UTC),
    ]
    measure(gauge, dict.fromkeys(evenings, 340.0), start=start, hours=24 * 61)
    # Every day at 21:30 by the wall clock.
    days = [datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=day) for day in range(60)]
    say(
        city,
        [day + timedelta(hours=20 if day < datetime(2026, 3, 29, tzinfo=UTC) else 19, minutes=30) for day in days],
        at=middle,
    )
    study = study_events(
        params_for(city, thing="spree", start=start, end=datetime(2026, 4, 30, 22, tzinfo=UTC), before=6, after=6)
    )
    assert [crossing.time for crossing in study.crossings] == evenings
    # 61 days of 24 hours less the skipped one were measured; the clock's own series has them all.
    assert study.hours == 24 * 61 - 1
    assert study.epochs.mean[hour_of(study, 1)] == study.epochs.expected[hour_of(study, 1)] == 1.0
    assert study.epochs.mean.sum() == study.epochs.expected.sum() == 1.0
    assert study.epochs.ratio == pytest.approx(1.0)


def test_the_hour_that_comes_twice_in_autumn_has_the_reports_of_both():
    city = make_city("berlin", west=13.3, south=52.4, timezone="Europe/Berlin", metric_srid=25833)
    middle = Point(13.35, 52.45, srid=4326)
    gauge = make_datastream(make_thing("spree", location=middle), "river_level", unit_ucum="cm")
    # 25 October 2026: 2:00 to 3:00 comes at 0:00 and at 1:00 UTC. The flood begins at 1:00 by the clock, 23:00 UTC.
    start, flood = datetime(2026, 10, 1, 22, tzinfo=UTC), datetime(2026, 10, 24, 23, tzinfo=UTC)
    measure(gauge, {flood: 340.0}, start=start, hours=24 * 40)
    say(city, [flood + timedelta(hours=1, minutes=30), flood + timedelta(hours=2, minutes=30)], at=middle)
    end = start + timedelta(days=40)
    study = study_events(params_for(city, thing="spree", start=start, end=end, now=datetime(2027, 1, 1, tzinfo=UTC)))
    assert study.epochs.mean[hour_of(study, 1)] == 2.0


def test_another_city_has_its_own_reports(city, gauge):
    other = make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    measure(gauge)
    say(city, [START + HOUR])
    assert study_events(params_for(other)).reports == 0
    assert last_place("p2c", START).city_id == city.pk


@pytest.mark.parametrize("reports", [0, 200])
def test_three_queries_whatever_there_is(city, gauge, django_assert_num_queries, reports):
    measure(gauge, dict.fromkeys(FLOODS, 340.0))
    say(city, [START + timedelta(hours=7 * i) for i in range(reports)])
    with django_assert_num_queries(3):
        study_events(params_for(city))
