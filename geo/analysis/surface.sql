-- name: extent
-- One row: west, south, east and north of the city's root area in metres on the city's plane, and the plane's SRID.
SELECT ST_XMin(shape), ST_YMin(shape), ST_XMax(shape), ST_YMax(shape), city.metric_srid
FROM geo_area a JOIN geo_city city ON city.id = a.city_id
CROSS JOIN LATERAL ST_Transform(a.boundary, city.metric_srid) shape
WHERE a.city_id = %(city_id)s AND a.parent_id IS NULL AND a.retired_at IS NULL

-- name: city_shape
-- One row: the city's root area on the city's plane, as WKB.
SELECT ST_AsBinary(ST_Transform(a.boundary, city.metric_srid))
FROM geo_area a JOIN geo_city city ON city.id = a.city_id
WHERE a.city_id = %(city_id)s AND a.parent_id IS NULL AND a.retired_at IS NULL

-- name: places
-- One row: x and y of each public place in the city in metres on its plane (float8, eight bytes each), how many reports are
-- there (int8), the coarsest grid in metres that these places were rounded to, and how many reports have no place in the city.
WITH placed AS (
    SELECT CASE WHEN r.public_area_id IS NOT NULL THEN r.public_location END AS place, count(*) AS reports,
           max(k.public_grid_m) AS grid_m
    FROM geo_report r JOIN geo_category k ON k.id = r.category_id
    WHERE r.city_id = %(city_id)s AND r.is_public
      AND r.reported_at >= %(start)s AND r.reported_at < %(end)s
      AND (%(category_ids)s::bigint[] IS NULL OR r.category_id = ANY(%(category_ids)s::bigint[]))
      AND (%(channel_ids)s::bigint[] IS NULL OR r.channel_id = ANY(%(channel_ids)s::bigint[]))
      AND (NOT %(only_incidents)s OR r.status <> 'duplicate' AND r.duplicate_of_id IS NULL)
    GROUP BY 1
), located AS (
    SELECT ST_X(point) AS x, ST_Y(point) AS y, placed.reports, placed.grid_m
    FROM placed JOIN geo_city city ON city.id = %(city_id)s
    CROSS JOIN LATERAL ST_Transform(placed.place, city.metric_srid) point
    WHERE placed.place IS NOT NULL
)
SELECT coalesce(string_agg(float8send(x), ''::bytea ORDER BY x, y), ''),
       coalesce(string_agg(float8send(y), ''::bytea ORDER BY x, y), ''),
       coalesce(string_agg(int8send(reports), ''::bytea ORDER BY x, y), ''),
       coalesce(max(grid_m), 0),
       (SELECT coalesce(sum(reports), 0)::bigint FROM placed WHERE place IS NULL)
FROM located

-- name: squares
-- A row per square, in the order given: the square with this south-west corner on the plane, in EPSG:4326 as hex EWKB.
SELECT ST_AsHEXEWKB(ST_Multi(ST_Transform(
    ST_MakeEnvelope(x, y, x + %(cell_m)s, y + %(cell_m)s, %(srid)s), 4326)))
FROM unnest(%(x)s::float8[], %(y)s::float8[]) WITH ORDINALITY corner(x, y, place)
ORDER BY place
