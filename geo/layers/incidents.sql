-- name: incidents
-- A row per incident: a burst of at least min_reports public reports of one category, close in space and in time. Only public_
-- columns. Each round groups the reports of a part by density in space (DBSCAN), drops what lies alone, and cuts each group where
-- nothing was reported for `hours`. A part that comes out of a round whole is done; the others go through another one. Parts are
-- only ever cut, so there is an end.
WITH RECURSIVE rounds(round, key, point, at, part, size, is_done) AS (
    SELECT 0, r.id, ST_Transform(r.public_location, c.metric_srid), r.reported_at, r.category_id, 0::bigint, false
    FROM geo_report r JOIN geo_city c ON c.id = r.city_id
    WHERE r.city_id = %(city_id)s AND r.is_public AND r.public_location IS NOT NULL
      AND r.reported_at >= %(start)s AND r.reported_at < %(end)s
      AND (%(category)s::bigint[] IS NULL OR r.category_id = ANY(%(category)s::bigint[]))
    UNION ALL
    SELECT round + 1, key, point, at, dense_rank() OVER (ORDER BY part, place, burst),
           count(*) OVER (PARTITION BY part, place, burst), size = count(*) OVER (PARTITION BY part, place, burst)
    FROM (
        SELECT *, count(*) FILTER (WHERE at - before > make_interval(secs => %(hours)s * 3600))
                  OVER (PARTITION BY part, place ORDER BY at, key) AS burst
        FROM (
            SELECT *, lag(at) OVER (PARTITION BY part, place ORDER BY at, key) AS before
            FROM (
                SELECT *, ST_ClusterDBSCAN(point, %(radius_m)s, %(min_reports)s) OVER (PARTITION BY part ORDER BY key) AS place
                FROM rounds WHERE NOT is_done
            ) dense WHERE place IS NOT NULL
        ) timed
    ) cut
), grouped AS (
    SELECT count(*) AS reports, ST_Collect(point) AS points, array_agg(key ORDER BY at, key) AS keys
    FROM rounds WHERE is_done GROUP BY round, part HAVING count(*) >= %(min_reports)s
)
SELECT g.keys[1] AS key, first.public_id AS fid, ST_Transform(ST_Centroid(g.points), 4326) AS geom, first.public_id AS id,
       c.slug AS category, c.name_id AS category_name_id, c.name_en AS category_name_en,
       g.reports, m.open_reports, g.reports - m.open_reports AS closed_reports, m.supporters,
       m.first_reported_at, m.last_reported_at,
       ST_MaxDistance(ST_Centroid(g.points), g.points) AS extent_m, a.code AS area, a.name AS area_name, m.report_ids
FROM grouped g
JOIN geo_report first ON first.id = g.keys[1]
JOIN geo_category c ON c.id = first.category_id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE r.status NOT IN ('resolved', 'rejected', 'duplicate')) AS open_reports,
           sum(r.support_count) AS supporters, min(r.reported_at) AS first_reported_at, max(r.reported_at) AS last_reported_at,
           string_agg(r.public_id, ',' ORDER BY r.reported_at, r.id) AS report_ids,
           mode() WITHIN GROUP (ORDER BY r.public_area_id) AS area_id
    FROM geo_report r WHERE r.id = ANY(g.keys)
) m
LEFT JOIN geo_area a ON a.id = m.area_id
WHERE %(area)s::bigint IS NULL
   OR m.area_id = ANY(ARRAY(SELECT area_id FROM geo_areaancestry WHERE ancestor_id = %(area)s))
