-- name: placed_in_areas
-- A row per public report of the question: the area of the level that holds it (null: none), and who, how and when.
SELECT c.ancestor_id AS unit, r.id, r.channel_id, r.status, r.duplicate_of_id, r.reported_at
FROM geo_report r
LEFT JOIN (geo_areaancestry c JOIN geo_arealevel l ON l.id = c.level_id AND l.code = %(level)s) ON c.area_id = r.public_area_id
WHERE r.city_id = %(city_id)s AND r.is_public
  AND r.reported_at >= %(start)s AND r.reported_at < %(end)s
  AND (%(category_ids)s::bigint[] IS NULL OR r.category_id = ANY(%(category_ids)s::bigint[]))
  AND (%(channel_ids)s::bigint[] IS NULL OR r.channel_id = ANY(%(channel_ids)s::bigint[]))

-- name: placed_in_cells
-- The same with the hexagon of the grid. Its place follows from the point by arithmetic (flat-topped, odd columns half a cell
-- higher, as ST_HexagonGrid lays them): rounding puts a point on an edge into one cell. Where the grid has no cell there (the
-- city ends on that edge, or only a sliver was left), the nearest one whose middle is within 1.22 edges. Outside the city: null.
SELECT coalesce(exact.unit, near.unit) AS unit, r.id, r.channel_id, r.status, r.duplicate_of_id, r.reported_at
FROM (
    SELECT r.*, ST_X(point) / %(cell_m)s AS x, ST_Y(point) / %(cell_m)s AS y
    FROM geo_report r
    JOIN geo_city city ON city.id = r.city_id
    LEFT JOIN geo_area area ON area.id = r.public_area_id AND area.city_id = r.city_id
    CROSS JOIN LATERAL ST_Transform(CASE WHEN area.id IS NOT NULL THEN r.public_location END, city.metric_srid) point
    WHERE r.city_id = %(city_id)s AND r.is_public
      AND r.reported_at >= %(start)s AND r.reported_at < %(end)s
      AND (%(category_ids)s::bigint[] IS NULL OR r.category_id = ANY(%(category_ids)s::bigint[]))
      AND (%(channel_ids)s::bigint[] IS NULL OR r.channel_id = ANY(%(channel_ids)s::bigint[]))
) r
-- Cube coordinates: a + b + c = 0. Rounded, the one that moved furthest is made to fit the others.
CROSS JOIN LATERAL (SELECT x * 2 / 3 AS a, y / sqrt(3) - x / 3 AS b, -x / 3 - y / sqrt(3) AS c) cube
CROSS JOIN LATERAL (SELECT round(cube.a) AS a, round(cube.b) AS b, round(cube.c) AS c) whole
CROSS JOIN LATERAL (
    SELECT CASE WHEN abs(whole.a - cube.a) > abs(whole.b - cube.b) AND abs(whole.a - cube.a) > abs(whole.c - cube.c)
                THEN -whole.b - whole.c ELSE whole.a END AS a,
           CASE WHEN abs(whole.a - cube.a) > abs(whole.b - cube.b) AND abs(whole.a - cube.a) > abs(whole.c - cube.c)
                THEN whole.b
                WHEN abs(whole.b - cube.b) > abs(whole.c - cube.c) THEN -whole.a - whole.c ELSE whole.b END AS b
) axial
LEFT JOIN unnest(%(i)s::integer[], %(j)s::integer[]) WITH ORDINALITY exact(i, j, unit)
    ON exact.i = axial.a::integer AND exact.j = (axial.b + floor(axial.a / 2))::integer
LEFT JOIN LATERAL (
    SELECT cell.unit
    FROM unnest(%(i)s::integer[], %(j)s::integer[]) WITH ORDINALITY cell(i, j, unit)
    CROSS JOIN LATERAL (SELECT (1.5 * cell.i - r.x) ^ 2 + (sqrt(3) * (cell.j + abs(cell.i %% 2) / 2.0) - r.y) ^ 2) far(squared)
    WHERE exact.unit IS NULL AND r.x IS NOT NULL AND far.squared <= 1.5
    ORDER BY far.squared, cell.unit
    LIMIT 1
) near ON true

-- name: counted
-- A row per unit and slice of time that has reports, over the rows `placed`: unit (0: in none), slice from 0, reports,
-- incidents (duplicates left out), distinct reporters, how many reports the busiest of them made, and the channels as
-- "slug:reports", the most used first. Who a reporter is stays in here: the device, else the telephone, else the e-mail; a report
-- without any of them is a reporter of its own.
, told AS (
    SELECT coalesce(placed.unit, 0) AS unit, width_bucket(placed.reported_at, %(edges)s::timestamptz[]) - 1 AS slice, placed.channel_id,
           CASE WHEN contact.device_hash <> '' THEN 'device ' || contact.device_hash
                WHEN contact.phone <> '' THEN 'phone ' || contact.phone
                WHEN contact.email <> '' THEN 'email ' || lower(contact.email)
                ELSE 'report ' || placed.id END AS reporter,
           placed.status <> 'duplicate' AND placed.duplicate_of_id IS NULL AS is_incident
    FROM placed LEFT JOIN geo_reportcontact contact ON contact.report_id = placed.id
), by_reporter AS (
    SELECT unit, slice, reporter, count(*) AS reports, count(*) FILTER (WHERE is_incident) AS incidents
    FROM told GROUP BY 1, 2, 3
), by_unit AS (
    SELECT unit, slice, sum(reports)::bigint AS reports, sum(incidents)::bigint AS incidents, count(*) AS reporters,
           max(reports) AS busiest
    FROM by_reporter GROUP BY 1, 2
), by_channel AS (
    SELECT unit, slice, array_agg(slug || ':' || reports ORDER BY reports DESC, slug) AS channels
    FROM (SELECT unit, slice, channel.slug, count(*) AS reports
          FROM told JOIN geo_channel channel ON channel.id = told.channel_id GROUP BY 1, 2, 3) used
    GROUP BY 1, 2
)
SELECT unit, slice, reports, incidents, reporters, busiest, channels
FROM by_unit JOIN by_channel USING (unit, slice)
