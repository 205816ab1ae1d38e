"""A page of 10,000 reports over HTTP against the same JSON built by one psql statement.

Claim: at most 1.5 times its time. The baseline is the server's own work: psql's `\\timing`, which leaves out starting psql.
"""

import json
import statistics
import sys
from datetime import UTC, datetime

from bench.layers_http import fetch, psql_seconds
from bench.servers import bench_database, web_server

FEATURES = 10_000
ROUNDS = 15
REACH = 1.5

FILL = """
WITH city AS (INSERT INTO geo_city (slug, name, timezone, metric_srid)
              VALUES ('bench', 'Bench', 'Asia/Jakarta', 32748) RETURNING id),
     channel AS (INSERT INTO geo_channel (slug, name, is_simulated, is_active) VALUES ('bench', 'Bench', true, true) RETURNING id),
     category AS (INSERT INTO geo_category (slug, name_id, name_en, public_grid_m, is_active)
                  VALUES ('bench', 'Bench', 'Bench', 0, true) RETURNING id)
INSERT INTO geo_report (public_id, city_id, channel_id, kind, category_id, description, public_description, location,
                        public_location, location_flag, reported_at, received_at, updated_at, status, is_public, support_count)
SELECT 'r' || i, city.id, channel.id, 'laporan', category.id, d, d, p, p, 'outside', t, t, t, 'submitted', true, 0
FROM city, channel, category, generate_series(1, %(n)s::bigint) i,
     LATERAL (SELECT 'Sampah menumpuk di dekat pasar nomor ' || i AS d,
                     ST_SetSRID(ST_MakePoint(106.9 + (i * 7919 %% 10007) / 50000.0, -6.4 + (i * 104729 %% 10009) / 50000.0), 4326) AS p,
                     timestamptz '2026-01-01' + i * interval '1 minute' AS t) v
"""


def main() -> int:
    with bench_database("geojson"):
        from django.db import connection

        from geo.layers.asking import resolve_city
        from geo.layers.catalogue import layer_by_id
        from geo.layers.geojson import Output, feature_sql, properties_sql
        from geo.layers.layer import Query
        from geo.layers.select import Selection, Window, window_sql

        with connection.cursor() as cursor:
            cursor.execute(FILL, {"n": 3 * FEATURES})
            cursor.execute("VACUUM ANALYZE geo_report")
        layer = layer_by_id("reports")
        query = Query(city=resolve_city(None), values={}, now=datetime.now(UTC))
        selection = Selection(layer, query, layer.rows(query))
        sql, params = window_sql(
            selection, feature_sql(layer, Output()), Window(FEATURES), properties_sql(layer, Output())
        )
        with connection.cursor() as cursor:
            statement = cursor.mogrify(sql, params).decode()
        whole = (
            "SELECT '{\"type\":\"FeatureCollection\",\"features\":[' || string_agg(feature, ',') || ']}'"
            f" FROM ({statement}) page(feature)"
        )
        with web_server() as url:
            address = f"{url}/layers/reports.geojson?limit={FEATURES}"
            served = json.loads(fetch(address).body)
            assert len(served["features"]) == FEATURES, len(served["features"])
            http, first_byte, psql = [], [], []
            for _ in range(ROUNDS):  # in turns, so that what else the machine does falls on both
                psql.append(psql_seconds(whole))
                fetched = fetch(address)
                first_byte.append(fetched.first_s)
                http.append(fetched.whole_s)
    ratio = statistics.median(http) / statistics.median(psql)
    first_ms = statistics.median(first_byte) * 1000
    print(
        f"  {FEATURES} features over HTTP          {statistics.median(http) * 1000:7.1f} ms (first byte {first_ms:.1f} ms)"
    )
    print(f"  the same JSON by one psql statement {statistics.median(psql) * 1000:7.1f} ms")
    print(f"  ratio {ratio:.2f} (reach: at most {REACH})")
    return 0 if ratio <= REACH else 1


if __name__ == "__main__":
    sys.exit(main())
