"""A year of hours in twelve districts, over a million reports and ten million observations, against going to the raw rows.

Claim: the plan of the two series scans no raw observation and joins nothing spatially. The figure is the time for all twelve
areas at fifteen lags with permutations; the baseline is the same two series from raw observations and points in polygons.
"""

import re
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bench.servers import bench_database, take_off

if TYPE_CHECKING:
    from geo.analysis.correlation import AreaCorrelation, CorrelationParams

DAYS = 365
START = datetime(2025, 6, 30, 17, tzinfo=UTC)  # midnight of 1 July in Bekasi
REPORTS = 1_000_000
PLACES = 20_000
# The fixtures' stations that measure it, once a minute: as good as ten million in a year.
PROPERTY = "pm25"
OBSERVATIONS = 10_000_000
ROUNDS = 3

# Distinct places are placed once by the real function, as each report is when it is written.
PLACES_SQL = """
CREATE TEMP TABLE place AS
SELECT row_number() OVER () AS n, p AS point, geo_area_at(p) AS area_id
FROM (SELECT (ST_Dump(ST_GeneratePoints(boundary, %(places)s, 11))).geom AS p
      FROM geo_area WHERE parent_id IS NULL AND retired_at IS NULL) generated
"""
REPORTS_SQL = """
INSERT INTO geo_report (public_id, city_id, channel_id, kind, category_id, description, public_description, location,
                        public_location, area_id, public_area_id, location_flag, reported_at, received_at, updated_at, status,
                        is_public, support_count)
SELECT 'b' || i, %(city_id)s, (SELECT id FROM geo_channel WHERE slug = 'simulator'), 'laporan', category.id, '', '', point,
       point, area_id, area_id, 'inside', t, t, t, 'submitted', true, 0
FROM generate_series(1, %(reports)s) i
JOIN place ON place.n = 1 + (i * 7919::bigint) %% %(places)s
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n, count(*) OVER () AS of FROM geo_category) category
  ON category.n = i %% category.of
CROSS JOIN LATERAL (SELECT %(start)s + (i * 6700417::bigint) %% %(seconds)s * interval '1 second' AS t) v
"""
OBSERVATIONS_SQL = """
INSERT INTO sensors_observation (datastream_id, phenomenon_time, result, received_at, quality, time_source)
SELECT d.datastream_id, t, 40 + 20 * sin(extract(epoch FROM t)::float8 / 86400 * 2 * pi()) + 30 * random(), t, 0, 0
FROM sensors_published_datastream d
CROSS JOIN generate_series(%(start)s::timestamptz, %(end)s::timestamptz - interval '1 second', %(step)s::interval) t
WHERE d.observed_property = %(property)s
"""
ROLLUPS_SQL = """
INSERT INTO sensors_hourlyrollup (datastream_id, hour, n, sum, min, max)
SELECT datastream_id, date_trunc('hour', phenomenon_time, 'UTC'), count(*), sum(result), min(result), max(result)
FROM sensors_observation WHERE quality = 0 GROUP BY 1, 2
"""
RAW_REPORTS_SQL = """
SELECT a.code, extract(epoch FROM date_trunc('hour', r.reported_at))::bigint, count(*)
FROM geo_area a JOIN geo_arealevel l ON l.id = a.level_id
JOIN geo_report r ON ST_Covers(a.boundary, r.public_location)
WHERE l.code = 'kecamatan' AND a.retired_at IS NULL AND r.is_public AND r.city_id = %(city_id)s
  AND r.reported_at >= %(start)s AND r.reported_at < %(end)s
GROUP BY 1, 2
"""
RAW_VALUES_SQL = """
SELECT code, hour, avg(mean) FROM (
    SELECT a.code, o.datastream_id, extract(epoch FROM date_trunc('hour', o.phenomenon_time))::bigint AS hour,
           avg(o.result) AS mean
    FROM geo_area a JOIN geo_arealevel l ON l.id = a.level_id
    JOIN sensors_published_datastream d ON ST_Covers(a.boundary, d.location)
    JOIN sensors_observation o ON o.datastream_id = d.datastream_id
    WHERE l.code = 'kecamatan' AND a.retired_at IS NULL AND d.observed_property = %(property)s AND o.quality = 0
      AND o.phenomenon_time >= %(start)s AND o.phenomenon_time < %(end)s
    GROUP BY 1, 2, 3
) gauge GROUP BY 1, 2
"""


def main() -> int:
    with bench_database("correlation"):
        from django.core.management import call_command

        from geo.areas.models import City

        call_command("load_fixtures", verbosity=0)
        city = City.objects.get(slug="bekasi")
        values = _fill(city.pk)
        params = _params(city.pk)
        timings, rows, plans = _ours(params)
        baseline, counts, means = _baseline(values)
    faults = _faults_of(plans)
    best = min(timings)
    print(
        f"  {len(rows)} areas x {DAYS} days of hours, 15 lags, permutations: {best:6.2f} s (of {ROUNDS}: {_listed(timings)})"
    )
    print(f"  both series from raw rows and points in polygons: {baseline:6.2f} s, without any statistics")
    print(f"  ratio {baseline / best:.1f} (baseline / ours)")
    print(f"  reports: {sum(row.reports for row in rows)} by stored area, {counts} by polygon")
    print(f"  mean {PROPERTY}: {_mean(rows):.6f} from rollups, {means:.6f} from raw observations")
    for name, plan in plans.items():
        print(f"  {name}: {_summary(plan)}")
    for fault in faults:
        print(f"  FAULT: {fault}")
    print(f"  the plans scan no raw observation and join nothing spatially: {'no' if faults else 'yes'}")
    is_same = abs(_mean(rows) - means) < 1e-6 and sum(row.reports for row in rows) == counts
    if not is_same:
        print("  FAULT: the two ways do not give the same")
    return 0 if is_same and not faults else 1


def _params(city_id: int) -> "CorrelationParams":
    from geo.analysis.correlation import CorrelationParams
    from geo.reports.models import Category

    return CorrelationParams(
        city_id=city_id,
        zone="Asia/Jakarta",
        level="kecamatan",
        category_ids=list(Category.objects.values_list("id", flat=True)),
        observed_property=PROPERTY,
        start=START,
        end=START + timedelta(days=DAYS),
        interval="hour",
        now=START + timedelta(days=DAYS + 1),
    )


def _fill(city_id: int) -> dict[str, Any]:
    """A million reports, ten million observations and their rollups, set-based; says how long each took."""
    from django.db import connection

    from sensors import published
    from sensors.observations.partitions import ensure_partitions

    months = {date(START.year + (5 + k) // 12, (5 + k) % 12 + 1, 1) for k in range(14)}
    ensure_partitions(months)
    gauges = published.datastreams().filter(observed_property__code=PROPERTY).count()
    per_gauge = OBSERVATIONS / gauges
    values: dict[str, Any] = {
        "city_id": city_id,
        "places": PLACES,
        "reports": REPORTS,
        "seconds": DAYS * 86_400,
        "start": START,
        "end": START + timedelta(days=DAYS),
        "property": PROPERTY,
        "step": timedelta(seconds=DAYS * 86_400 / per_gauge),
    }
    steps = {"places": PLACES_SQL, "reports": REPORTS_SQL, "observations": OBSERVATIONS_SQL, "rollups": ROLLUPS_SQL}
    with connection.cursor() as cursor:
        put_back = take_off(cursor, "geo_report")
        for name, statement in steps.items():
            begun = time.perf_counter()
            cursor.execute(statement, values)
            print(f"  filling: {cursor.rowcount:>10} {name:<13}{time.perf_counter() - begun:7.1f} s", flush=True)
        for statement in put_back:
            cursor.execute(statement)
        cursor.execute("VACUUM ANALYZE")
    return values


def _ours(params: "CorrelationParams") -> tuple[list[float], "Sequence[AreaCorrelation]", Mapping[str, str]]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from geo.analysis.correlation import correlate

    timings = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        rows = correlate(params).areas
        timings.append(time.perf_counter() - begun)
    with CaptureQueriesContext(connection) as captured:
        correlate(params)
    plans = {}
    for name, marker in (("reports by area and hour", "geo_report r"), ("values by datastream and hour", "sum(h.n)")):
        (statement,) = [query["sql"] for query in captured if marker in query["sql"]]
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF) {statement}")
            plans[name] = "\n".join(line for (line,) in cursor.fetchall())
    return timings, rows, plans


def _baseline(values: Mapping[str, Any]) -> tuple[float, int, float]:
    """Seconds for both series; the number of reports, and the mean of the areas' means, to compare with."""
    from django.db import connection

    begun = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(RAW_REPORTS_SQL, values)
        reports = cursor.fetchall()
        cursor.execute(RAW_VALUES_SQL, values)
        measured = cursor.fetchall()
    seconds = time.perf_counter() - begun
    by_area: dict[str, list[float]] = {}
    for code, _hour, mean in measured:
        by_area.setdefault(code, []).append(mean)
    means = [sum(of_area) / len(of_area) for of_area in by_area.values()]
    return seconds, sum(n for _code, _hour, n in reports), sum(means) / len(means)


def _mean(rows: "Sequence[AreaCorrelation]") -> float:
    means = [row.mean for row in rows if row.mean is not None]
    return sum(means) / len(means)


def _faults_of(plans: Mapping[str, str]) -> list[str]:
    return [
        f"{name}: the plan has {word}"
        for name, plan in plans.items()
        for word in ("sensors_observation", "st_", "boundary", "gist")
        if word in plan.lower()
    ]


def _summary(plan: str) -> str:
    """What the plan reads, and how long it took."""
    read = dict.fromkeys(re.findall(r"(?:Seq|Index|Index Only|Bitmap Heap) Scan[^(]*? on (\w+)", plan))
    took = re.search(r"Execution Time: ([\d.]+) ms", plan)
    return f"reads {', '.join(read)}; {float(took[1]) / 1000:.2f} s" if took else plan


def _listed(timings: Sequence[float]) -> str:
    return ", ".join(f"{seconds:.2f}" for seconds in timings)


if __name__ == "__main__":
    sys.exit(main())
