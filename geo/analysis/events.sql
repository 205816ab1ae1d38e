-- name: last_place
-- One row, if the thing has a place by that time: longitude and latitude of the last one, since when it stands there (null: it is
-- its first place, which also holds for what came before it was registered there), and the city that holds it (null: none).
SELECT lon, lat, CASE WHEN NOT is_first THEN valid_from END, city_id
FROM (
    SELECT ST_X(at.location) AS lon, ST_Y(at.location) AS lat, p.valid_from, p.id, a.city_id,
           lag(p.id) OVER (ORDER BY p.valid_from, p.id) IS NULL AS is_first
    FROM sensors_published_location at
    JOIN geo_thingplacement p ON p.location_id = at.location_id
    LEFT JOIN geo_area a ON a.id = p.area_id
    WHERE at.thing = %(thing)s
) stay
WHERE is_first OR valid_from < %(end)s
ORDER BY valid_from DESC, id DESC
LIMIT 1

-- name: readings
-- One row: the hours with good readings (epoch seconds, eight bytes each), and the highest reading of each (float8).
SELECT coalesce(string_agg(int8send(extract(epoch FROM h.hour)::bigint), ''::bytea ORDER BY h.hour), ''),
       coalesce(string_agg(float8send(h.max), ''::bytea ORDER BY h.hour), '')
FROM sensors_published_datastream d
JOIN sensors_published_hourly h ON h.datastream_id = d.datastream_id
WHERE d.thing = %(thing)s AND d.observed_property = %(observed_property)s AND h.hour >= %(first)s AND h.hour < %(end)s

-- name: reports_near
-- A row per hour of the city's own time that has public reports within the radius: hours since 1970 began there, how many.
-- The box around the circle is what the index can find.
WITH circle AS MATERIALIZED (
    SELECT point::geography AS middle, ST_Envelope(ST_Buffer(point::geography, %(radius_m)s * 1.02)::geometry) AS box
    FROM ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326) point
)
SELECT floor(extract(epoch FROM r.reported_at AT TIME ZONE %(zone)s) / 3600)::bigint AS local_hour, count(*)
FROM geo_report r CROSS JOIN circle
WHERE r.city_id = %(city_id)s AND r.is_public
  AND r.reported_at >= %(start)s AND r.reported_at < %(end)s
  AND (%(category_ids)s::bigint[] IS NULL OR r.category_id = ANY(%(category_ids)s::bigint[]))
  AND r.public_location && circle.box AND ST_DWithin(r.public_location::geography, circle.middle, %(radius_m)s)
GROUP BY 1
