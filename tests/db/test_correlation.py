"""The correlation by area against a real PostGIS: what is counted, whose values are taken, what the plan touches."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.contrib.gis.geos import Point
from django.db import connection
from django.test.utils import CaptureQueriesContext

from geo.analysis import correlation
from geo.analysis.correlation import CorrelationParams, correlate, make_timeline
from geo.models import Area, Report
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
    values = {
        "city_id": city.pk,
        "zone": city.timezone,
        "level": "kecamatan",
        "category_ids": None,
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


def by_code(rows):
    return {row.code.removeprefix("kota-uji."): row for row in rows}


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
    assert (row.lag, row.reason, row.source, row.things, row.distance_m) == (3, None, "inside", ("p2c",), 0.0)
    assert row.reports == len(times)
    # 720 hours, the first three without a reading three hours before them.
    assert row.n == 717
    assert row.rho > 0.5
    assert row.p == pytest.approx(1 / 30)


def test_reading_from_before_the_period_explains_reports_in_it(city):
    level, times = planted(hours=744)
    area = Area.objects.get(code="kota-uji.1.1")
    measure(place_thing("p2c", centre(area)), level)
    say(city, area, times)
    row = by_code(correlate(params_for(city, start=START + timedelta(days=1), end=START + timedelta(days=31))))["1"]
    assert (row.lag, row.n) == (3, 720)


def test_area_without_a_thing_takes_the_nearest_and_says_so(city):
    level, times = planted()
    west, middle = Area.objects.get(code="kota-uji.1"), Area.objects.get(code="kota-uji.2")
    measure(place_thing("west", centre(west)), level)
    say(city, middle, times)
    rows = by_code(correlate(params_for(city, max_distance_m=8_000)))
    # From 106.95 to the border at 107.0, 6.25° south: 0.05° of longitude, cos(6.25°) * 5 566 m = 5 533 m.
    assert (rows["2"].source, rows["2"].things, rows["2"].lag) == ("nearest", ("west",), 3)
    assert rows["2"].distance_m == pytest.approx(5_534, abs=5)
    # The third district begins 16.6 km away.
    assert (rows["3"].source, rows["3"].things, rows["3"].distance_m) == ("none", (), None)
    assert (rows["3"].reason, rows["3"].rho, rows["3"].p, rows["3"].mean) == ("no_property_data", None, None, None)


def test_thing_that_measured_nothing_in_the_period_does_not_stand_for_its_area(city):
    first, second = Area.objects.get(code="kota-uji.1.1"), Area.objects.get(code="kota-uji.2.1")
    measure(place_thing("silent", centre(first)), [1.0] * 5, start=START - timedelta(days=3))
    measure(place_thing("awake", centre(second)), [float(i % 7) for i in range(720)])
    assert by_code(correlate(params_for(city)))["1"].things == ("awake",)


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
        assert len(row.things) == 2


def test_day_takes_the_hours_of_the_city_not_of_greenwich(city):
    area = Area.objects.get(code="kota-uji.1.1")
    stream = place_thing("gauge", centre(area), "rain", aggregate="sum")
    # The last hour of the city's 5 January and the first of its 6 January: both 5 January in Greenwich.
    measure(stream, [10.0, 1.0], start=START + timedelta(hours=23))
    timeline = make_timeline(params_for(city, interval="day", lag=0), datetime(2026, 6, 1, tzinfo=UTC))
    placements = [correlation._Placement(stream.pk, ThingLocation.objects.get().pk, "gauge", area.pk, "sum", False)]
    params = params_for(city, interval="day", lag=0, observed_property="rain")
    (values,) = correlation._series(params, timeline, placements).values()
    assert list(values[:2]) == [10.0, 1.0]
    assert np.isnan(values[2:]).all()


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
    timeline = make_timeline(params, datetime(2026, 6, 1, tzinfo=UTC))
    district = Area.objects.get(code="makassar.1").pk
    counts, totals = correlation._report_counts(params, timeline, [district])
    assert list(counts[district]) == [0, 1, 2, 0]
    assert totals == {district: 3}
    # Bekasi's areas are not near enough to borrow from a thing that stands in another city, however far they may look.
    rows = correlate(params_for(city, observed_property="rain", max_distance_m=10_000_000))
    assert {(row.source, row.reports) for row in rows} == {("none", 0)}


def test_weeks_begin_on_monday_and_only_whole_ones_count(city):
    params = params_for(city, interval="week", lag=0, start=START + timedelta(days=2), end=START + timedelta(days=25))
    timeline = make_timeline(params, datetime(2026, 6, 1, tzinfo=UTC))
    assert [datetime.fromtimestamp(edge, UTC) for edge in timeline.edges] == [
        START + timedelta(weeks=w) for w in (1, 2, 3)
    ]


def test_interval_that_is_not_over_is_left_out(city):
    params = params_for(city, lag=2)
    timeline = make_timeline(params, START + timedelta(hours=5, minutes=59))
    assert (timeline.n, timeline.history) == (5, 2)


def test_period_without_a_whole_interval_gives_a_reason(city):
    area = Area.objects.get(code="kota-uji.1.1")
    measure(place_thing("p2c", centre(area)), [1.0, 2.0, 3.0])
    say(city, area, [START + HOUR])
    rows = by_code(correlate(params_for(city, interval="week", end=START + timedelta(days=3))))
    assert (rows["1"].reports, rows["1"].n, rows["1"].rho) == (1, 0, None)
    assert rows["1"].reason is not None


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
    assert {rows["1"].source, rows["2"].source} == {"inside"}


def test_readings_older_than_the_registration_belong_to_the_first_place(city):
    area = Area.objects.get(code="kota-uji.1.1")
    stream = place_thing("new", centre(area), "pm25", since=START + timedelta(days=29))
    measure(stream, [2.0] * 720)
    row = by_code(correlate(params_for(city, observed_property="pm25")))["1"]
    assert (row.mean, row.source) == (2.0, "inside")


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
    (row,) = correlate(params_for(city, level="kota"))
    assert (row.code, row.reports, row.source) == ("kota-uji", 1, "inside")


def test_number_of_queries_does_not_grow(city, django_assert_num_queries):
    for i, code in enumerate(["kota-uji.1.1", "kota-uji.1.2", "kota-uji.2.1"]):
        area = Area.objects.get(code=code)
        measure(place_thing(f"gauge-{i}", centre(area)), [float(v % 5) for v in range(720)])
        say(city, area, [START + HOUR * k for k in range(50)])
    with django_assert_num_queries(5):
        assert len(correlate(params_for(city, level="kelurahan"))) == 6


def test_series_come_from_rollups_and_stored_areas_alone(city):
    area = Area.objects.get(code="kota-uji.1.1")
    measure(place_thing("p2c", centre(area)), [float(v % 5) for v in range(720)])
    say(city, area, [START + HOUR * k for k in range(50)])
    with CaptureQueriesContext(connection) as captured:
        correlate(params_for(city))
    series = [q["sql"] for q in captured if "date_trunc" in q["sql"]]
    assert len(series) == 3
    for sql in series:
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN " + sql)
            plan = "\n".join(line for (line,) in cursor.fetchall()).lower()
        assert "sensors_observation" not in plan
        assert "st_" not in plan
        assert "boundary" not in plan
