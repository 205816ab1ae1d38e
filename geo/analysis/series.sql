-- name: areas
-- A row per current area of a level in a city, by code: id, code; then the city's root area, where it is another one.
SELECT a.id, a.code, l.code = %(level)s AS is_asked
FROM geo_area a JOIN geo_arealevel l ON l.id = a.level_id
WHERE a.city_id = %(city_id)s AND a.retired_at IS NULL AND (l.code = %(level)s OR a.parent_id IS NULL)
ORDER BY is_asked DESC, a.code

-- name: reports
-- A row per area and group of categories with public reports: area id, group, the numbers of the intervals (from 1, 0 and the
-- one after the last lie in no whole interval; eight bytes each) and how many began in each (likewise). A report counts in every
-- group that holds its category. Reports are counted by the area that is stored with them before ancestors come in.
WITH stored AS MATERIALIZED (
    SELECT r.public_area_id, g.grp, width_bucket(r.reported_at, %(edges)s::timestamptz[]) AS interval, count(*) AS reports
    FROM geo_report r
    JOIN unnest(%(category_ids)s::bigint[], %(groups)s::integer[]) g(category_id, grp) ON g.category_id = r.category_id
    WHERE r.city_id = %(city_id)s AND r.is_public AND r.reported_at >= %(start)s AND r.reported_at < %(end)s
    GROUP BY 1, 2, 3
)
SELECT ancestor_id, grp, string_agg(int8send(interval), ''), string_agg(int8send(reports), '')
FROM (
    SELECT c.ancestor_id, stored.grp, stored.interval::bigint AS interval, sum(stored.reports)::bigint AS reports
    FROM stored
    JOIN geo_areaancestry c ON c.area_id = stored.public_area_id AND c.ancestor_id = ANY(%(area_ids)s)
    GROUP BY 1, 2, 3
) counted
GROUP BY 1, 2

-- name: placements
-- A row per datastream of the properties and place at which its thing stood in the period, if it measured there:
-- property, datastream, location id, slug of the thing, those of the given areas that hold it, as_anomaly, and the place in
-- metres on the city's plane. A thing's first place also holds for what came before it was registered there. Another city's
-- things stay out.
WITH placed AS (
    SELECT d.datastream_id, d.observed_property, d.thing, d.as_anomaly, p.location_id, p.area_id,
           CASE WHEN lag(p.id) OVER thing IS NULL THEN '-infinity' ELSE date_trunc('hour', p.valid_from) END AS valid_from,
           coalesce(date_trunc('hour', p.valid_to), 'infinity') AS valid_to
    FROM sensors_published_datastream d
    JOIN geo_thingplacement p ON p.thing_id = d.thing_id
    WHERE d.observed_property = ANY(%(properties)s)
    WINDOW thing AS (PARTITION BY d.datastream_id ORDER BY p.valid_from, p.id)
)
SELECT placed.observed_property, placed.datastream_id, placed.location_id, placed.thing,
       ARRAY(SELECT c.ancestor_id FROM geo_areaancestry c
             WHERE c.area_id = placed.area_id AND c.ancestor_id = ANY(%(area_ids)s)),
       placed.as_anomaly, ST_X(point), ST_Y(point)
FROM placed
JOIN sensors_published_location at ON at.location_id = placed.location_id
JOIN geo_city city ON city.id = %(city_id)s
CROSS JOIN LATERAL ST_Transform(at.location, city.metric_srid) point
LEFT JOIN geo_area own ON own.id = placed.area_id
WHERE (own.id IS NULL OR own.city_id = %(city_id)s) AND EXISTS (
    SELECT FROM sensors_published_hourly h
    WHERE h.datastream_id = placed.datastream_id
      AND h.hour >= greatest(%(start)s, placed.valid_from) AND h.hour < least(%(end)s, placed.valid_to))
ORDER BY placed.observed_property, placed.datastream_id, placed.location_id

-- name: values
-- A row per datastream and place: datastream, location id, the numbers of the intervals (from 1, eight bytes each), and the value
-- of each by the property's aggregate (float8). An hour belongs to the place where the thing stood at the hour's end.
WITH placed AS (
    SELECT p.location_id, d.datastream_id, d.aggregate,
           CASE WHEN lag(p.id) OVER thing IS NULL THEN '-infinity' ELSE date_trunc('hour', p.valid_from) END AS valid_from,
           coalesce(date_trunc('hour', p.valid_to), 'infinity') AS valid_to
    FROM sensors_published_datastream d
    JOIN geo_thingplacement p ON p.thing_id = d.thing_id
    WHERE d.observed_property = ANY(%(properties)s)
    WINDOW thing AS (PARTITION BY d.datastream_id ORDER BY p.valid_from, p.id)
)
SELECT datastream_id, location_id, string_agg(int8send(interval), ''), string_agg(float8send(value), '')
FROM (
    SELECT placed.datastream_id, placed.location_id,
           width_bucket(h.hour, %(edges)s::timestamptz[])::bigint AS interval,
           CASE placed.aggregate WHEN 'mean' THEN sum(h.sum) / sum(h.n) WHEN 'sum' THEN sum(h.sum) ELSE max(h.max) END AS value
    FROM placed
    JOIN sensors_published_hourly h ON h.datastream_id = placed.datastream_id
        AND h.hour >= placed.valid_from AND h.hour < placed.valid_to
    WHERE placed.location_id = ANY(%(location_ids)s) AND h.hour >= %(first)s AND h.hour < %(end)s
    GROUP BY 1, 2, 3, placed.aggregate
) valued
GROUP BY 1, 2

-- name: nearest
-- A row per area without a thing of its own, if one of the given places is near enough: area id, location id, metres from
-- the area's border. Ordered on the city's plane, then measured on the ellipsoid.
SELECT a.id, near.location_id, near.distance_m
FROM geo_area a
JOIN geo_city city ON city.id = a.city_id
CROSS JOIN LATERAL (
    SELECT close.location_id, ST_Distance(a.boundary::geography, close.location::geography) AS distance_m
    FROM (
        SELECT l.location_id, l.location
        FROM sensors_published_location l
        WHERE l.location_id = ANY(%(location_ids)s)
        ORDER BY ST_Distance(ST_Transform(a.boundary, city.metric_srid), ST_Transform(l.location, city.metric_srid)),
                 l.location_id
        LIMIT 3
    ) close
    ORDER BY distance_m, close.location_id
    LIMIT 1
) near
WHERE a.id = ANY(%(area_ids)s) AND near.distance_m <= %(max_distance_m)s

-- name: points_on_areas
-- A row per area: its id, and a point on its surface in metres on the city's plane.
SELECT a.id, ST_X(point), ST_Y(point)
FROM geo_area a JOIN geo_city city ON city.id = a.city_id
CROSS JOIN LATERAL ST_Transform(ST_PointOnSurface(a.boundary), city.metric_srid) point
WHERE a.id = ANY(%(area_ids)s)
