-- name: correlation_areas
-- A row per current area of a level in a city: id, code.
SELECT a.id, a.code
FROM geo_area a JOIN geo_arealevel l ON l.id = a.level_id
WHERE a.city_id = %(city_id)s AND l.code = %(level)s AND a.retired_at IS NULL
ORDER BY a.code

-- name: correlation_reports
-- A row per area and interval that has public reports: area id, start of the interval (epoch seconds), how many.
SELECT ancestor_id, extract(epoch FROM start)::bigint, reports
FROM (
    SELECT c.ancestor_id, date_trunc(%(interval)s, r.reported_at, %(zone)s) AS start, count(*) AS reports
    FROM geo_report r
    JOIN geo_areaancestry c ON c.area_id = r.public_area_id
    JOIN geo_arealevel l ON l.id = c.level_id AND l.code = %(level)s
    WHERE r.city_id = %(city_id)s AND r.is_public
      AND r.reported_at >= %(start)s AND r.reported_at < %(end)s
      AND (%(category_ids)s::bigint[] IS NULL OR r.category_id = ANY(%(category_ids)s::bigint[]))
    GROUP BY 1, 2
) counted

-- name: correlation_placements
-- A row per datastream of the property and place at which its thing stood in the period, if it measured there:
-- datastream, location id, slug of the thing, area of the level (null: in none), aggregate, as_anomaly.
-- A thing's first place also holds for what came before it was registered there. Another city's things stay out.
WITH placed AS (
    SELECT d.datastream_id, d.thing, d.aggregate, d.as_anomaly, p.location_id, p.area_id,
           CASE WHEN lag(p.id) OVER thing IS NULL THEN '-infinity' ELSE date_trunc('hour', p.valid_from) END AS valid_from,
           coalesce(date_trunc('hour', p.valid_to), 'infinity') AS valid_to
    FROM sensors_published_datastream d
    JOIN geo_thingplacement p ON p.thing_id = d.thing_id
    WHERE d.observed_property = %(observed_property)s
    WINDOW thing AS (PARTITION BY d.datastream_id ORDER BY p.valid_from, p.id)
)
SELECT placed.datastream_id, placed.location_id, placed.thing, up.ancestor_id, placed.aggregate, placed.as_anomaly
FROM placed
LEFT JOIN LATERAL (
    SELECT c.ancestor_id FROM geo_areaancestry c JOIN geo_arealevel l ON l.id = c.level_id
    JOIN geo_area a ON a.id = c.ancestor_id
    WHERE c.area_id = placed.area_id AND l.code = %(level)s AND a.city_id = %(city_id)s AND a.retired_at IS NULL
) up ON true
LEFT JOIN geo_area own ON own.id = placed.area_id
WHERE (own.id IS NULL OR own.city_id = %(city_id)s) AND EXISTS (
    SELECT FROM sensors_published_hourly h
    WHERE h.datastream_id = placed.datastream_id
      AND h.hour >= greatest(%(start)s, placed.valid_from) AND h.hour < least(%(end)s, placed.valid_to))
ORDER BY placed.datastream_id, placed.location_id

-- name: correlation_values
-- A row per datastream, place and interval: datastream, location id, start of the interval (epoch seconds), n, sum, max.
-- An hour belongs to the place where the thing stood at the hour's end.
WITH placed AS (
    SELECT p.location_id, d.datastream_id,
           CASE WHEN lag(p.id) OVER thing IS NULL THEN '-infinity' ELSE date_trunc('hour', p.valid_from) END AS valid_from,
           coalesce(date_trunc('hour', p.valid_to), 'infinity') AS valid_to
    FROM sensors_published_datastream d
    JOIN geo_thingplacement p ON p.thing_id = d.thing_id
    WHERE d.observed_property = %(observed_property)s
    WINDOW thing AS (PARTITION BY d.datastream_id ORDER BY p.valid_from, p.id)
)
SELECT placed.datastream_id, placed.location_id,
       extract(epoch FROM date_trunc(%(interval)s, h.hour, %(zone)s))::bigint, sum(h.n)::float8, sum(h.sum), max(h.max)
FROM placed
JOIN sensors_published_hourly h ON h.datastream_id = placed.datastream_id
    AND h.hour >= placed.valid_from AND h.hour < placed.valid_to
WHERE placed.location_id = ANY(%(location_ids)s) AND h.hour >= %(start)s AND h.hour < %(end)s
GROUP BY 1, 2, 3

-- name: correlation_nearest
-- A row per area without a thing of its own, if one of the given places is near enough: area id, location id, metres.
-- Ordered on the city's plane, then measured on the ellipsoid.
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
