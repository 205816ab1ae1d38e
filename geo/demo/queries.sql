-- name: demo_feeds
-- A row per simulated thing and interval at which it measures: thing, interval (s), district's code (null: in none),
-- ids of its datastreams, codes of their observed properties.
-- Which things are the city's is decided as in the layer of sensors: by area, else by the nearest city.
SELECT d.thing, d.expected_interval_s, district.code, array_agg(d.datastream_id ORDER BY d.observed_property),
       array_agg(d.observed_property ORDER BY d.observed_property)
FROM sensors_published_datastream d
JOIN geo_thingplacement p ON p.thing_id = d.thing_id AND p.valid_to IS NULL
LEFT JOIN geo_area a ON a.id = p.area_id
LEFT JOIN LATERAL (
    SELECT up.code FROM geo_areaancestry c JOIN geo_area up ON up.id = c.ancestor_id
    JOIN geo_arealevel l ON l.id = c.level_id
    WHERE c.area_id = p.area_id AND l.rank = 1
) district ON true
WHERE d.is_simulated AND d.derivation = ''
  AND %(city_id)s = coalesce(a.city_id, (
        SELECT root.city_id FROM geo_area root
        WHERE root.parent_id IS NULL AND root.retired_at IS NULL ORDER BY root.boundary <-> d.location, root.id LIMIT 1))
GROUP BY d.thing, d.expected_interval_s, district.code
ORDER BY d.thing, d.expected_interval_s

-- name: demo_districts
-- A row per current district of the city: code, name, boundary (WKB), the river gauges inside it, else the nearest one.
WITH gauge AS (
    SELECT d.thing, d.location, p.area_id
    FROM sensors_published_datastream d
    JOIN geo_thingplacement p ON p.thing_id = d.thing_id AND p.valid_to IS NULL
    WHERE d.is_simulated AND d.observed_property = 'river_level'
)
SELECT a.code, a.name, ST_AsBinary(a.boundary),
       coalesce(
           (SELECT array_agg(g.thing ORDER BY g.thing) FROM gauge g JOIN geo_areaancestry c ON c.area_id = g.area_id
            WHERE c.ancestor_id = a.id),
           (SELECT ARRAY[g.thing] FROM gauge g
            ORDER BY ST_Distance(ST_Transform(a.boundary, city.metric_srid), ST_Transform(g.location, city.metric_srid)), g.thing
            LIMIT 1),
           ARRAY[]::varchar[])
FROM geo_area a JOIN geo_arealevel l ON l.id = a.level_id JOIN geo_city city ON city.id = a.city_id
WHERE a.city_id = %(city_id)s AND a.retired_at IS NULL AND l.rank = 1
ORDER BY a.code
