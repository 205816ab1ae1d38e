"""The correlation by area against a real PostGIS: what is counted, whose values are taken, what the plan touches."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.contrib.gis.geos import Point
from django.db import connection
from django.test.utils import CaptureQueriesContext

from geo.analysis import series
from geo.analysis.correlation import CorrelationParams, correlate, timeline_of
from geo.analysis.timeline import make_timeline
from geo.models import Area, Category, Report
from sensors.models import HourlyRollup, ThingLocation
from tests.factories import (
    centre,
    make_category,
    make_channel,
    make_city,
    make_datastream,
    make_observed_property,
    make_thing,
)

pytestmark = pytest.mark.django_db

# Midnight of 5 January 2026, a Monday, in Bekasi.
START = datetime(2026, 1, 4, 17, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def city():
    return make_city(districts=3)


def params_for(city, **more):
    """Of every category there is, unless one is named."""
    values = {
        "city_id": city.pk,
        "zone": city.timezone,
        "level": "kecamatan",
        "category_ids": list(Category.objects.values_list("id", flat=True)),
        "observed_property": "river_level",
        "start": START,
        "end": START + timedelta(days=30),
        "interval": "hour",
        "now": datetime(2026, 6, 1, tzinfo=UTC),
        **more,
    }
    return CorrelationParams(**values)


def place_thing(slug, point, observed_property="river_level", *, since=START - timedelta(days=90), **more):
    """A thing with one datastream (its placement follows by trigger). The property's own fields are those of the first call."""
    thing = make_thing(slug, location=point, since=since)
    make_observed_property(observed_property, **more)
    return make_datastream(thing, observed_property)


def measure(datastream, values, *, start=START, n=1):
    """One rollup an hour: n values whose sum is n times the given one, the greatest twice it. None: a gap."""
    HourlyRollup.objects.bulk_create(
        HourlyRollup(datastream_id=datastream.pk, hour=start + i * HOUR, n=n, sum=n * v, min=v, max=2 * v)
        for i, v in enumerate(values)
        if v is not None
    )


def say(city, area, times, *, category="banjir", **more):
    """Public reports in an area at these times, written directly: what is tested here only reads."""
    now = datetime.now(UTC)
    Report.objects.bulk_create(
        Report(
            city=city, channel=make_channel(), category=make_category(category), public_area=area, area=area,
            location_flag="inside", reported_at=time, received_at=now, updated_at=now, **more,
        )
        for time in times
    )  # fmt: skip


def by_code(found):
    return {row.code.removeprefix("kota-uji."): row for row in found.areas}


def timeline_for(params):
    return timeline_of(replace(params, now=datetime(2026, 6, 1, tzinfo=UTC)))


def planted(seed=0, hours=720, lag=3):
    """River levels with memory, and report times that follow them `lag` hours later."""
    rng = np.random.default_rng(seed)
    level = np.zeros(hours)
    for t in range(1, hours):
        level[t] = 0.8 * level[t - 1] + rng.standard_normal()
    rate = np.exp(np.concatenate([np.full(lag, -3.0), level[:-lag]]) * 0.8 - 1)
    times = [START + t * HOUR + timedelta(minutes=7) for t in range(hours) for _ in range(rng.poisson(rate[t]))]
    return [float(v) for v in level], times


def test_planted_lag_is_found_in_the_area_of_the_gauge(city):
    level, times = planted()
    area = Area.objects.get(code="kota-uji.1.2")
    measure(place_thing("p2c", centre(area)), level)
    say(city, area, times)
    row = by_code(correlate(params_for(city)))["1"]
    found, measured = row.found, row.measured
    assert (found.lag, found.reason) == (3, None)
    assert (measured.source, measured.things, measured.distances_m, measured.error) == (
        "inside",
        ("p2c",),
        (0.0,),
        None,
    )
    assert row.reports == len(times)
    # 720 hours, the first three without a reading three hours before them.
    assert found.n == 717
    assert found.low < found.rho < found.high
    assert found.rho > 0.45
    assert found.p < 0.001
    # One area has reports, so it is the only test, and its q is its p.
    assert row.q == pytest.approx(found.p)


def test_reading_from_before_the_period_explains_reports_in_it(city):
    level, times = planted(hours=744)
    area = Area.objects.get(code="kota-uji.1.1")
    measure(place_thing("p2c", centre(area)), level)
    say(city, area, times)
    row = by_code(correlate(params_for(city, start=START + timedelta(days=1), end=START + timedelta(days=31))))["1"]
    assert (row.found.lag, row.found.n) == (3, 720)


def test_area_without_a_thing_takes_the_nearest_and_says_so(city):
    level, times = planted()
    west, middle = Area.objects.get(code="kota-uji.1"), Area.objects.get(code="kota-uji.2")
    measure(place_thing("west", centre(west)), level)
    say(city, middle, times)
    rows = by_code(correlate(params_for(city, max_distance_m=8_000)))
    # From 106.95 to the border at 107.0, 6.25° south: 0.05° of longitude, cos(6.25°) * 5 566 m = 5 533 m.
    assert (rows["2"].measured.source, rows["2"].measured.things, rows["2"].found.lag) == ("nearest", ("west",), 3)
    assert rows["2"].measured.distances_m == (pytest.approx(5_534, abs=5),)
    # The third district begins 16.6 km away.
    assert (rows["3"].measured.source, rows["3"].measured.things, rows["3"].measured.distances_m) == ("none", (), ())
    assert (rows["3"].found.reason, rows["3"].found.rho, rows["3"].q, rows["3"].mean) == (
        "no_property_data",
        None,
        None,
        None,
    )


def test_thing_that_measured_nothing_in_the_period_does_not_stand_for_its_area(city):
    first, second = Area.objects.get(code="kota-uji.1.1"), Area.objects.get(code="kota-uji.2.1")
    measure(place_thing("silent", centre(first)), [1.0] * 5, start=START - timedelta(days=3))
    measure(place_thing("awake", centre(second)), [float(i % 7) for i in range(720)])
    assert by_code(correlate(params_for(city)))["1"].measured.things == ("awake",)


def test_value_of_an_area_is_the_mean_of_its_gauges_each_by_the_aggregate(city):
    area = Area.objects.get(code="kota-uji.1.1")
    for aggregate, expected in {"mean": 3.0, "sum": 9.0, "max": 6.0}.items():
        code = f"rain_{aggregate}"
        for slug, value in {"a": 2.0, "b": 4.0}.items():
            measure(
                place_thing(f"{aggregate}-{slug}", centre(area), code, aggregate=aggregate),
                [value] * 48,
                n=3,
            )
        row = by_code(correlate(params_for(city, observed_property=code)))["1"]
        assert row.mean == pytest.approx(expected)
        assert len(row.measured.things) == 2


def test_day_takes_the_hours_of_the_city_not_of_greenwich(city):
    area = Area.objects.get(code="kota-uji.1.1")
    stream = place_thing("gauge", centre(area), "rain", aggregate="sum")
    # The last hour of the city's 5 January and the first of its 6 January: both 5 January in Greenwich.
    measure(stream, [10.0, 1.0], start=START + timedelta(hours=23))
    timeline = timeline_for(params_for(city, interval="day", lag=0))
    region = series.find_region(city.pk, city.timezone, "kelurahan")
    values = series.measured_values(region, timeline, ["rain"], 0.0)["rain"][area.pk].values
    assert list(values[:2]) == [10.0, 1.0]
    assert np.isnan(values[2:]).all()
    assert stream.thing.slug == "gauge"


def test_second_city_has_its_own_midnight_and_its_own_reports(city):
    other = make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    area = Area.objects.get(code="makassar.1.1")
    measure(place_thing("untia", centre(area), "rain"), [float(i % 5) for i in range(24 * 30)])
    # 23:30 on 6 January in Makassar is 22:30 in Bekasi; 00:30 on the 7th is 23:30 on the 6th.
    midnight = datetime(2026, 1, 6, 16, tzinfo=UTC)
    say(other, area, [midnight - HOUR / 2, midnight + HOUR / 2, midnight + HOUR / 2])
    params = params_for(
        other, interval="day", observed_property="rain", lag=0,
        start=midnight - timedelta(days=2), end=midnight + timedelta(days=2),
    )  # fmt: skip
    region = series.find_region(other.pk, other.timezone, "kecamatan")
    groups = {0: list(Category.objects.values_list("id", flat=True))}
    counts = series.report_counts(region, timeline_for(params), groups, (params.start, params.end))
    of_district, total = counts[Area.objects.get(code="makassar.1").pk, 0]
    assert (list(of_district), total) == ([0, 1, 2, 0], 3)
    # Bekasi's areas are not near enough to borrow from a thing that stands in another city, however far they may look.
    found = correlate(params_for(city, observed_property="rain", max_distance_m=10_000_000))
    assert {(row.measured.source, row.reports) for row in found.areas} == {("none", 0)}


def test_weeks_begin_on_monday_and_only_whole_ones_count(city):
    params = params_for(city, interval="week", lag=0, start=START + timedelta(days=2), end=START + timedelta(days=25))
    timeline = timeline_for(params)
    assert [datetime.fromtimestamp(edge, UTC) for edge in timeline.edges] == [
        START + timedelta(weeks=w) for w in (1, 2, 3)
    ]


def test_interval_that_is_not_over_is_left_out(city):
    params = params_for(city, lag=2)
    timeline = timeline_of(replace(params, now=START + timedelta(hours=5, minutes=59)))
    assert (timeline.n, timeline.history) == (5, 2)


def test_period_without_a_whole_interval_gives_a_reason(city):
    area = Area.objects.get(code="kota-uji.1.1")
    measure(place_thing("p2c", centre(area)), [1.0, 2.0, 3.0])
    say(city, area, [START + HOUR])
    rows = by_code(correlate(params_for(city, interval="week", end=START + timedelta(days=3))))
    assert (rows["1"].reports, rows["1"].found.n, rows["1"].found.rho) == (1, 0, None)
    assert rows["1"].found.reason is not None


def test_levels_that_differ_between_gauges_enter_as_differences_from_their_median(city):
    area = Area.objects.get(code="kota-uji.1.1")
    deep = place_thing("deep", centre(area), as_anomaly=True)
    shallow = place_thing("shallow", Point(106.91, -6.25, srid=4326))
    measure(deep, [500.0, 510.0, 490.0] * 20)
    measure(shallow, [20.0, 22.0, 18.0] * 10)  # half as long: its end must not look like a flood
    row = by_code(correlate(params_for(city)))["1"]
    assert row.mean == pytest.approx(0.0)


def test_past_of_a_moved_thing_stays_where_it_was(city):
    before, after = Area.objects.get(code="kota-uji.1.1"), Area.objects.get(code="kota-uji.2.1")
    moved_at = START + timedelta(days=10)
    stream = place_thing("mobile", centre(before), "pm25")
    ThingLocation.objects.update(valid_to=moved_at)
    ThingLocation.objects.create(thing=stream.thing, location=centre(after), valid_from=moved_at)
    measure(stream, [1.0] * 240 + [5.0] * 480)
    rows = by_code(correlate(params_for(city, observed_property="pm25")))
    assert (rows["1"].mean, rows["2"].mean) == (1.0, 5.0)
    assert {rows["1"].measured.source, rows["2"].measured.source} == {"inside"}


def test_readings_older_than_the_registration_belong_to_the_first_place(city):
    area = Area.objects.get(code="kota-uji.1.1")
    stream = place_thing("new", centre(area), "pm25", since=START + timedelta(days=29))
    measure(stream, [2.0] * 720)
    row = by_code(correlate(params_for(city, observed_property="pm25")))["1"]
    assert (row.mean, row.measured.source) == (2.0, "inside")


def test_parent_category_counts_its_children_and_hidden_reports_do_not_count(city):
    area = Area.objects.get(code="kota-uji.1.1")
    water = make_category("air")
    flood, rubbish = make_category("banjir", parent=water), make_category("sampah")
    say(city, area, [START + HOUR] * 4)
    say(city, area, [START + HOUR] * 2, is_public=False)
    say(city, area, [START + HOUR], category="sampah")
    say(city, area, [START - HOUR / 60, START + timedelta(days=30)])
    assert by_code(correlate(params_for(city, category_ids=(water.pk, flood.pk))))["1"].reports == 4
    assert by_code(correlate(params_for(city, category_ids=(rubbish.pk,))))["1"].reports == 1
    assert by_code(correlate(params_for(city)))["1"].reports == 5


def test_city_as_a_whole_is_a_level_too(city):
    area = Area.objects.get(code="kota-uji.3.1")
    measure(place_thing("p2c", centre(area)), [float(i % 9) for i in range(720)])
    say(city, area, [START + HOUR])
    found = correlate(params_for(city, level="kota"))
    (row,) = found.areas
    assert (row.code, row.reports, row.measured.source) == ("kota-uji", 1, "inside")
    assert found.city.found.rho == row.found.rho


def test_city_as_a_whole_stands_beside_the_areas(city):
    level, times = planted()
    first, second = Area.objects.get(code="kota-uji.1.1"), Area.objects.get(code="kota-uji.3.1")
    measure(place_thing("p2c", centre(first)), level)
    say(city, first, times)
    say(city, second, times[:10])
    found = correlate(params_for(city))
    assert found.city.reports == len(times) + 10
    assert (found.city.measured.things, found.city.found.lag, found.city.q) == (("p2c",), 3, None)
    # Two of the three districts have reports, and only one reading lies within ten kilometres of the third.
    assert found.tests == sum(row.found.p is not None for row in found.areas)


def test_area_too_far_from_every_thing_is_interpolated_with_its_error(city):
    """West of the city's middle: three gauges in a row read 1, 2 and 3 plus the hour; the far district has none."""
    far = Area.objects.get(code="kota-uji.3")
    hours = [float(i % 7) for i in range(240)]
    for i, lon in enumerate((106.91, 106.93, 106.95)):
        measure(place_thing(f"gauge-{i}", Point(lon, -6.25, srid=4326), "pm25"), [value + i + 1 for value in hours])
    rows = by_code(correlate(params_for(city, observed_property="pm25", max_distance_m=1_000)))
    measured = rows["3"].measured
    assert measured.source == "interpolated"
    assert measured.things == ("gauge-2", "gauge-1", "gauge-0")
    assert list(measured.distances_m) == sorted(measured.distances_m)
    # Nearly equally far from all three: about their mean, 2 above the hour's; a little nearer to the one that reads 3.
    assert measured.values[timeline_for(params_for(city)).history] == pytest.approx(2.1, abs=0.1)
    # Left out, each end is guessed from the middle (off by 1 and by the far end's pull), the middle from both ends exactly:
    # with weights 4 to 1 the ends read 2.2 and 1.8 for 1 and 3, so the root mean square is sqrt(2 * 1.2² / 3) = 0.98.
    assert measured.error == pytest.approx(0.98, abs=0.01)
    assert far.code == "kota-uji.3"


def test_number_of_queries_does_not_grow(city, django_assert_num_queries):
    for i, code in enumerate(["kota-uji.1.1", "kota-uji.1.2", "kota-uji.2.1"]):
        area = Area.objects.get(code=code)
        measure(place_thing(f"gauge-{i}", centre(area)), [float(v % 5) for v in range(720)])
        say(city, area, [START + HOUR * k for k in range(50)])
    params = params_for(city, level="kelurahan")
    with django_assert_num_queries(6):
        assert len(correlate(params).areas) == 6


def test_series_come_from_rollups_and_stored_areas_alone(city):
    area = Area.objects.get(code="kota-uji.1.1")
    measure(place_thing("p2c", centre(area)), [float(v % 5) for v in range(720)])
    say(city, area, [START + HOUR * k for k in range(50)])
    params = params_for(city)
    with CaptureQueriesContext(connection) as captured:
        correlate(params)
    statements = [q["sql"] for q in captured if "sensors_published_hourly" in q["sql"] or "geo_report" in q["sql"]]
    assert len(statements) == 3
    for sql in statements:
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN " + sql)
            plan = "\n".join(line for (line,) in cursor.fetchall()).lower()
        assert "sensors_observation" not in plan
        assert "st_covers" not in plan
        assert "st_intersects" not in plan
        assert "boundary" not in plan


def test_daily_reading_is_not_correlated_by_the_hour(city):
    area = Area.objects.get(code="kota-uji.1.1")
    stream = place_thing("pasar", centre(area), "rice_price")
    measure(stream, [float(i % 5) if i % 24 == 0 else None for i in range(720)])
    say(city, area, [START + HOUR * k for k in range(0, 700, 7)])
    hourly = by_code(correlate(params_for(city, observed_property="rice_price")))["1"]
    assert (hourly.reason, hourly.found.rho, hourly.mean) == ("too_sparse", None, pytest.approx(2.0))
    daily = by_code(correlate(params_for(city, observed_property="rice_price", interval="day", lag=0)))["1"]
    assert (daily.reason, daily.found.n) == (None, 30)


def test_timeline_of_a_zone_with_summer_time_keeps_the_local_hour():
    """In Amsterdam the last Sunday of March 2026 (29th) has 23 hours: after 1 h comes 3 h."""
    zone = "Europe/Amsterdam"
    start = datetime(2026, 3, 28, 23, tzinfo=UTC)  # midnight of the 29th
    now = datetime(2026, 6, 1, tzinfo=UTC)
    hours = make_timeline(zone=zone, start=start, end=start + timedelta(hours=23), interval="hour", history=1, now=now)
    assert (hours.n, hours.history) == (23, 1)
    # The hour of the week: Saturday 23 h, then Sunday without its second hour.
    assert list(hours.slots[:5]) == [5 * 24 + 23, 6 * 24 + 0, 6 * 24 + 1, 6 * 24 + 3, 6 * 24 + 4]
    days = make_timeline(zone=zone, start=start, end=start + timedelta(hours=47), interval="day", history=0, now=now)
    assert list(np.diff(days.edges)) == [23 * 3600, 24 * 3600]
    assert list(days.slots) == [6, 0]


def test_period_across_the_end_of_a_year_counts_each_day_once(city):
    area = Area.objects.get(code="kota-uji.1.1")
    new_year = datetime(2025, 12, 31, 17, tzinfo=UTC)
    say(city, area, [new_year - HOUR, new_year, new_year + HOUR])
    params = params_for(
        city, interval="day", lag=0, start=new_year - timedelta(days=1), end=new_year + timedelta(days=1)
    )
    region = series.find_region(city.pk, city.timezone, "kecamatan")
    groups = {0: list(Category.objects.values_list("id", flat=True))}
    counts = series.report_counts(region, timeline_for(params), groups, (params.start, params.end))
    assert list(counts[Area.objects.get(code="kota-uji.1").pk, 0][0]) == [1, 2]
