"""The rows that `bench.layers` compares on: reports all over Bekasi with one dense quarter, and a view of them."""

import time
from datetime import UTC, datetime
from typing import Any

from bench.servers import take_off

# The deepest page that is measured is a full one as well.
REPORTS = 210_000
REPORTS_OF_EXPORT = 1_000_000
# One tile of zoom 14 in the middle of Bekasi; every thirteenth report lies in it: 16,153 and what falls in by chance.
DENSE_TILE = (14, 13061, 8476)
DENSE_EVERY = 13
PLACES = 20_000

# Distinct places are placed once by the real function, as each report is when it is written.
PLACES_SQL = """
CREATE TABLE bench_place AS
SELECT is_dense, row_number() OVER (PARTITION BY is_dense) - 1 AS n, p AS point, geo_area_at(p) AS area_id
FROM (SELECT false AS is_dense, (ST_Dump(ST_GeneratePoints(boundary, %(places)s, 11))).geom AS p
      FROM geo_area WHERE parent_id IS NULL AND retired_at IS NULL
      UNION ALL
      SELECT true, (ST_Dump(ST_GeneratePoints(ST_Transform(ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => -0.05), 4326),
                                              1000, 11))).geom) generated
"""
# Moved by up to 50 m, so that hardly two have the same place. The text is as long as a citizen's.
REPORTS_SQL = """
INSERT INTO geo_report (public_id, city_id, channel_id, kind, category_id, description, public_description, location,
                        public_location, area_id, public_area_id, location_flag, reported_at, received_at, updated_at, status,
                        closed_at, agency_id, is_public, support_count)
SELECT 'b' || i, %(city_id)s, (SELECT id FROM geo_channel WHERE slug = 'simulator'), 'laporan', category.id, text, text, v.point,
       v.point, place.area_id, place.area_id, 'inside', t, t, t,
       CASE WHEN i %% 5 = 0 THEN 'resolved' ELSE 'submitted' END, CASE WHEN i %% 5 = 0 THEN t + interval '2 days' END,
       CASE WHEN i %% 4 > 0 THEN agency.id END, true, i %% 7
FROM generate_series(%(first)s, %(last)s) i
JOIN bench_place place ON place.is_dense = (i %% %(dense_every)s = 0)
     AND place.n = (i * 7919::bigint) %% CASE WHEN i %% %(dense_every)s = 0 THEN 1000 ELSE %(places)s END
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n, count(*) OVER () AS of FROM geo_category) category
  ON category.n = i %% category.of
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n, count(*) OVER () AS of FROM geo_agency) agency
  ON agency.n = i %% agency.of
CROSS JOIN LATERAL (
    SELECT timestamptz '2024-01-01' + i * interval '1 minute' AS t,
           'Sampah menumpuk di tepi jalan dekat pasar sejak hari Senin, belum diangkut, nomor ' || lpad(i::text, 7, '0') AS text,
           ST_Translate(place.point, (i %% 97 - 48) * 0.00001, (i %% 89 - 44) * 0.00001) AS point
) v
ORDER BY i
"""
# What the others serve: the layer's row-source as a view, so that all read the same live tables by the same joins. A
# copy would spare them what the service has to do.
VIEW_SQL = "CREATE SCHEMA bench; CREATE VIEW bench.reports AS SELECT s.key, {properties}, s.geom FROM ({rows}) s"


def fill() -> int:
    """Bekasi with its categories and agencies, and the first reports. The city's key."""
    from django.core.management import call_command
    from django.db import connection

    from geo.areas.models import City

    call_command("load_fixtures", verbosity=0)
    city_id = City.objects.get(slug="bekasi").pk
    z, x, y = DENSE_TILE
    with connection.cursor() as cursor:
        cursor.execute(PLACES_SQL, {"places": PLACES, "z": z, "x": x, "y": y})
    add_reports(city_id, 1, REPORTS)
    return city_id


def add_reports(city_id: int, first: int, last: int) -> None:
    """Reports of these numbers, in one statement; says how long it took."""
    from django.db import connection

    begun = time.perf_counter()
    with connection.cursor() as cursor:
        put_back = take_off(cursor, "geo_report")
        values = {"city_id": city_id, "first": first, "last": last, "places": PLACES, "dense_every": DENSE_EVERY}
        cursor.execute(REPORTS_SQL, values)
        for statement in put_back:
            cursor.execute(statement)
        cursor.execute("VACUUM ANALYZE")
    print(f"  filling: {last - first + 1:>9,} reports {time.perf_counter() - begun:14.1f} s", flush=True)


def add_view(city_id: int) -> None:
    """`bench.reports`: the layer's key, properties and `geom`."""
    from django.db import connection

    from geo.layers.catalogue import layer_by_id

    rows, params = rows_sql(city_id)
    properties = ", ".join(f"s.{prop.name}" for prop in layer_by_id("reports").properties)
    with connection.cursor() as cursor:
        cursor.execute(VIEW_SQL.format(properties=properties, rows=rows), params)


def rows_sql(city_id: int) -> tuple[str, dict[str, Any]]:
    """The row-source of all reports of the city: its statement and parameters."""
    from geo.areas.models import City
    from geo.layers.catalogue import layer_by_id
    from geo.layers.layer import Query

    source = layer_by_id("reports").rows(Query(City.objects.get(pk=city_id), {}, datetime.now(UTC)))
    return source.sql, dict(source.params)
