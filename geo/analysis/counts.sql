-- name: told_in_areas
-- Two tables of the public reports of the question. `tallied`, a row per area of the level (0: in none), slice of time from 0 and
-- channel: reports, incidents (duplicates left out). `known`, a row per report whose reporter is known: area, slice, contact.
-- Reports are grouped by the area that is stored with them before it is told in which area of the level that lies.
WITH place AS (
    SELECT c.area_id, c.ancestor_id AS unit
    FROM geo_areaancestry c JOIN geo_arealevel l ON l.id = c.level_id AND l.code = %(level)s
), asked AS NOT MATERIALIZED (
    SELECT r.id, r.public_area_id, r.channel_id,
           CASE WHEN %(slices)s = 1 THEN 0 ELSE width_bucket(r.reported_at, %(edges)s::timestamptz[]) - 1 END AS slice,
           r.status <> 'duplicate' AND r.duplicate_of_id IS NULL AS is_incident
    FROM geo_report r
    WHERE r.city_id = %(city_id)s AND r.is_public
      AND r.reported_at >= %(start)s AND r.reported_at < %(end)s
      AND (%(category_ids)s::bigint[] IS NULL OR r.category_id = ANY(%(category_ids)s::bigint[]))
      AND (%(channel_ids)s::bigint[] IS NULL OR r.channel_id = ANY(%(channel_ids)s::bigint[]))
), tallied AS (
    SELECT coalesce(place.unit, 0) AS unit, slice, channel_id, sum(reports) AS reports, sum(incidents) AS incidents
    FROM (SELECT public_area_id, slice, channel_id, count(*) AS reports, count(*) FILTER (WHERE is_incident) AS incidents
          FROM asked GROUP BY 1, 2, 3) stored
    LEFT JOIN place ON place.area_id = stored.public_area_id
    GROUP BY 1, 2, 3
), known AS (
    SELECT coalesce(place.unit, 0) AS unit, slice, contact.device_hash, contact.phone, contact.email
    FROM geo_reportcontact contact JOIN asked ON asked.id = contact.report_id
    LEFT JOIN place ON place.area_id = asked.public_area_id
)

-- name: told_in_cells
-- The same by hexagons of the grid. A report's place follows from the point by arithmetic (flat-topped, odd columns half a cell
-- higher, as ST_HexagonGrid lays them): rounding puts a point on an edge into one cell. Where the grid has no cell there (the
-- city ends on that edge, or only a sliver was left), the nearest one whose middle is within 1.22 edges. Outside the city: null.
WITH placed AS MATERIALIZED (
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
), asked AS NOT MATERIALIZED (
    SELECT id, coalesce(unit, 0) AS unit, channel_id,
           CASE WHEN %(slices)s = 1 THEN 0 ELSE width_bucket(reported_at, %(edges)s::timestamptz[]) - 1 END AS slice,
           status <> 'duplicate' AND duplicate_of_id IS NULL AS is_incident
    FROM placed
), tallied AS (
    SELECT unit, slice, channel_id, count(*) AS reports, count(*) FILTER (WHERE is_incident) AS incidents
    FROM asked GROUP BY 1, 2, 3
), known AS (
    SELECT unit, slice, contact.device_hash, contact.phone, contact.email
    FROM geo_reportcontact contact JOIN asked ON asked.id = contact.report_id
)

-- name: counted
-- A row per unit and slice of time that has reports, over `tallied` and `known`: unit (0: in none), slice from 0, reports,
-- incidents, distinct reporters, how many reports the busiest of them made, and the channels as "slug:reports", the most used
-- first. Who a reporter is stays in here: the device, else the telephone, else the e-mail; a report without any of them is a
-- reporter of its own.
, by_reporter AS (
    SELECT unit, slice, count(*) AS reports
    FROM known WHERE device_hash <> '' OR phone <> '' OR email <> ''
    GROUP BY unit, slice, CASE WHEN device_hash <> '' THEN 'device ' || device_hash
                               WHEN phone <> '' THEN 'phone ' || phone
                               ELSE 'email ' || lower(email) END
), named AS (
    SELECT unit, slice, count(*) AS reporters, sum(reports) AS reports, max(reports) AS busiest FROM by_reporter GROUP BY 1, 2
), by_unit AS (
    SELECT unit, slice, sum(tallied.reports)::bigint AS reports, sum(incidents)::bigint AS incidents,
           array_agg(channel.slug || ':' || tallied.reports ORDER BY tallied.reports DESC, channel.slug) AS channels
    FROM tallied JOIN geo_channel channel ON channel.id = tallied.channel_id
    GROUP BY 1, 2
)
SELECT unit, slice, by_unit.reports, incidents,
       (by_unit.reports - coalesce(named.reports, 0) + coalesce(named.reporters, 0))::bigint,
       greatest(named.busiest, (by_unit.reports > coalesce(named.reports, 0))::integer)::bigint, channels
FROM by_unit LEFT JOIN named USING (unit, slice)
