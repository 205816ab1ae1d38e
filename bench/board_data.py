"""A million reports of a city as it would be after three years: most of them closed, in no order of their times."""

from typing import Any

ROWS = 1_000_000
DAYS = 1_095

# $1 days, $2 rows. Squares of random numbers: a few areas and categories have most of the reports, as in every city.
FILL = """
INSERT INTO geo_report (
    public_id, city_id, channel_id, kind, category_id, description, public_description, location, public_location,
    area_id, public_area_id, location_flag, reported_at, received_at, updated_at, status, due_at, response_due_at,
    responded_at, closed_at, agency_id, handover_count, reopened_count, is_public, support_count, address, attributes)
SELECT 'b' || n, c.id, channels.ids[1 + floor(power(random(), 2) * cardinality(channels.ids))::int], 'laporan', category_id,
    said, said, place, place, area_id, area_id, CASE WHEN area_id IS NULL THEN 'none' ELSE 'inside' END,
    at, at + interval '2 minutes', coalesce(closed, responded, at), status,
    at + interval '7 days', at + interval '6 hours',
    CASE WHEN status <> 'submitted' THEN responded END,
    CASE WHEN status IN ('resolved', 'rejected', 'duplicate') THEN closed END,
    agency_id, CASE WHEN luck < 0.03 THEN 2 ELSE 0 END, CASE WHEN luck < 0.02 THEN 1 ELSE 0 END,
    luck < 0.99, 0, '', '{}'
FROM (
    SELECT n, at, luck, said, area_id, category_id, agency_id, place,
        at + interval '1 hour' * exp(1.2 + 0.9 * shift) AS responded,
        at + interval '1 hour' * exp(1.2 + 0.9 * shift) + interval '1 day' * exp(1.1 + 0.8 * shift) AS closed,
        CASE WHEN age < 45 AND random() < 0.5 THEN (ARRAY['submitted', 'coordination', 'assigned', 'in_progress', 'waiting',
                                                          'in_progress', 'reopened'])[1 + floor(random() * 7)::int]
             WHEN random() < 0.004 THEN 'waiting' WHEN random() < 0.06 THEN 'rejected' WHEN random() < 0.05 THEN 'duplicate'
             ELSE 'resolved' END AS status
    FROM (
        SELECT drawn.n, age, luck, now() - interval '1 day' * age AS at, said, areas.ids[chosen_area] AS area_id,
            areas.places[chosen_area] AS place, categories.ids[chosen_category] AS category_id,
            categories.agencies[chosen_category] AS agency_id, random() + random() + random() - 1.5 AS shift
        FROM (
            SELECT i AS n, random() * %(days)s AS age, random() AS luck, 'Laporan warga nomor ' || i AS said,
                1 + floor(power(random(), 1.5) * areas.n)::int AS chosen_area,
                1 + floor(power(random(), 1.5) * categories.n)::int AS chosen_category
            FROM generate_series(1, %(rows)s) i, areas_n areas, categories_n categories
        ) drawn, areas_n areas, categories_n categories
    ) placed
) told, (SELECT id FROM geo_city ORDER BY id LIMIT 1) c,
    (SELECT array_agg(id ORDER BY id) AS ids FROM geo_channel) channels
"""

# The smallest areas and the categories in use with their agencies, as arrays to draw from; the last place is none at all.
SOURCES = """
CREATE TEMPORARY TABLE areas_n AS
    SELECT array_agg(id ORDER BY code) AS ids, array_agg(ST_PointOnSurface(boundary) ORDER BY code) AS places,
           count(*)::int + 1 AS n
    FROM geo_area a WHERE retired_at IS NULL AND NOT EXISTS (SELECT FROM geo_area b WHERE b.parent_id = a.id);
CREATE TEMPORARY TABLE categories_n AS
    SELECT array_agg(k.id ORDER BY k.slug) AS ids, array_agg(g.id ORDER BY k.slug) AS agencies, count(*)::int AS n
    FROM (SELECT id, slug, row_number() OVER (ORDER BY slug) AS i FROM geo_category WHERE is_active) k
    JOIN (SELECT id, row_number() OVER (ORDER BY slug) AS i, count(*) OVER () AS n FROM geo_agency) g
      ON g.i = 1 + (k.i - 1) %% g.n;
"""


def fill(cursor: Any, *, rows: int = ROWS) -> None:
    """The same reports each time. Half of those of the last 45 days are open, of the others a few."""
    cursor.execute("SET statement_timeout = 0; SELECT setseed(0.42)")
    cursor.execute(SOURCES.replace("%%", "%"))
    cursor.execute(FILL, {"days": DAYS, "rows": rows})
    cursor.execute("DROP TABLE areas_n, categories_n")
