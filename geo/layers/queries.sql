-- name: reports
-- A row per public report that has a public place. Only public_ columns: place and text as the public may see them.
SELECT r.id AS key, r.public_id AS fid, r.public_location AS geom,
       r.public_id AS id, c.slug AS category, c.name_id AS category_name_id, c.name_en AS category_name_en,
       r.kind, r.status, r.public_description AS description, ch.slug AS channel, ch.is_simulated,
       a.code AS area, a.name AS area_name, ag.slug AS agency,
       r.reported_at, r.updated_at, r.closed_at, r.support_count
FROM geo_report r
-- Each has its category and channel; a left join is dropped by the planner where nobody asks for its columns, as for a count.
LEFT JOIN geo_category c ON c.id = r.category_id
LEFT JOIN geo_channel ch ON ch.id = r.channel_id
LEFT JOIN geo_area a ON a.id = r.public_area_id
LEFT JOIN geo_agency ag ON ag.id = r.agency_id
WHERE r.city_id = %(city_id)s AND r.is_public AND r.public_location IS NOT NULL
  AND (%(category)s::bigint[] IS NULL OR r.category_id = ANY(%(category)s::bigint[]))
  AND (%(channel)s::bigint[] IS NULL OR r.channel_id = ANY(%(channel)s::bigint[]))
  AND (%(status)s::text[] IS NULL OR r.status = ANY(%(status)s::text[]))
  AND (%(kind)s::text IS NULL OR r.kind = %(kind)s)
  AND (%(area)s::bigint IS NULL
       OR r.public_area_id = ANY(ARRAY(SELECT area_id FROM geo_areaancestry WHERE ancestor_id = %(area)s)))
  AND (%(start)s::timestamptz IS NULL OR r.reported_at >= %(start)s)
  AND (%(end)s::timestamptz IS NULL OR r.reported_at < %(end)s)

-- name: reports_freshness
-- One row: how many public reports the city has, how many of them with a place, and the latest.
SELECT count(*) AS reports, count(public_location) AS with_location, max(received_at) AS last_received
FROM geo_report WHERE city_id = %(city_id)s AND is_public

-- name: sensors
-- A row per datastream of a thing that has a place, with its latest observation, asked of its index: it is there with the
-- commit that stored it, while the state follows within seconds. A thing outside every area belongs to the nearest city.
SELECT d.datastream_id AS key, d.datastream_id::text AS fid, d.location AS geom,
       d.datastream_id AS id, d.thing, d.thing_name, d.observed_property, d.property_name_id, d.property_name_en, d.domain,
       d.unit_ucum, d.unit_name, l.result, l.phenomenon_time,
       l.quality_words AS quality, d.expected_interval_s, s.state, s.since AS state_since, s.heard_at,
       d.is_simulated, a.code AS area, a.name AS area_name
FROM sensors_published_datastream d
LEFT JOIN sensors_published_latest l USING (datastream_id)
LEFT JOIN sensors_published_state s USING (datastream_id)
LEFT JOIN geo_thingplacement p ON p.thing_id = d.thing_id AND p.valid_to IS NULL
LEFT JOIN geo_area a ON a.id = p.area_id
WHERE d.location IS NOT NULL
  AND %(city_id)s = coalesce(a.city_id, (
        SELECT root.city_id FROM geo_area root
        WHERE root.parent_id IS NULL AND root.retired_at IS NULL ORDER BY root.boundary <-> d.location, root.id LIMIT 1))
  AND (%(property)s::text IS NULL OR d.observed_property = %(property)s)
  AND (%(domain)s::text IS NULL OR d.domain = %(domain)s)
  AND (%(area)s::bigint IS NULL
       OR p.area_id = ANY(ARRAY(SELECT area_id FROM geo_areaancestry WHERE ancestor_id = %(area)s)))

-- name: sensors_freshness
-- One row: the time of the latest observation among the things that stand in the city.
SELECT max(l.phenomenon_time)
FROM sensors_published_latest l
JOIN sensors_published_datastream d USING (datastream_id)
JOIN geo_thingplacement p ON p.thing_id = d.thing_id AND p.valid_to IS NULL
JOIN geo_area a ON a.id = p.area_id
WHERE a.city_id = %(city_id)s

-- name: areas
-- A row per current area of a level, with what lies in it now. The counts join ancestry, never a geometry.
WITH counted AS (
    SELECT an.ancestor_id, count(*) AS reports,
           count(*) FILTER (WHERE r.status NOT IN ('resolved', 'rejected', 'duplicate')) AS open_reports
    FROM geo_report r JOIN geo_areaancestry an ON an.area_id = r.public_area_id
    WHERE r.city_id = ANY(%(city_ids)s) AND r.is_public
    GROUP BY an.ancestor_id
), standing AS (
    SELECT an.ancestor_id, count(DISTINCT p.thing_id) AS things
    FROM geo_thingplacement p JOIN geo_areaancestry an ON an.area_id = p.area_id
    WHERE p.valid_to IS NULL AND p.thing_id NOT IN (SELECT thing_id FROM sensors_published_exercise)
    GROUP BY an.ancestor_id
)
SELECT a.id AS key, a.code AS fid, a.boundary AS geom, a.code, a.name, lv.code AS level, parent.code AS parent,
       city.slug AS city, a.area_km2, coalesce(c.reports, 0) AS reports, coalesce(c.open_reports, 0) AS open_reports,
       coalesce(s.things, 0) AS things, f.population, f.year AS population_year, f.source AS population_source,
       a.is_schematic, a.boundary_source
FROM geo_area a
JOIN geo_arealevel lv ON lv.id = a.level_id
JOIN geo_city city ON city.id = a.city_id
LEFT JOIN geo_area parent ON parent.id = a.parent_id
LEFT JOIN counted c ON c.ancestor_id = a.id
LEFT JOIN standing s ON s.ancestor_id = a.id
LEFT JOIN geo_population_latest f ON f.area_id = a.id
WHERE a.city_id = ANY(%(city_ids)s) AND a.retired_at IS NULL AND lv.code = %(level)s

-- name: density
-- A row per current area of a level: the public reports of a period in it, per km² and per 10 000 people. A rate whose
-- denominator is unknown is null.
WITH counted AS (
    SELECT an.ancestor_id, count(*) AS reports
    FROM geo_report r JOIN geo_areaancestry an ON an.area_id = r.public_area_id
    WHERE r.city_id = %(city_id)s AND r.is_public
      AND r.reported_at >= %(start)s AND r.reported_at < %(end)s
      AND (%(category)s::bigint[] IS NULL OR r.category_id = ANY(%(category)s::bigint[]))
      AND (%(channel)s::bigint[] IS NULL OR r.channel_id = ANY(%(channel)s::bigint[]))
      AND (%(status)s::text[] IS NULL OR r.status = ANY(%(status)s::text[]))
      AND (%(kind)s::text IS NULL OR r.kind = %(kind)s)
    GROUP BY an.ancestor_id
)
SELECT a.id AS key, a.code AS fid, a.boundary AS geom, a.code, a.name, lv.code AS level, parent.code AS parent, a.area_km2,
       coalesce(c.reports, 0) AS reports,
       coalesce(c.reports, 0) / nullif(a.area_km2, 0) AS reports_per_km2,
       coalesce(c.reports, 0) * 10000.0 / nullif(f.population, 0) AS reports_per_10000,
       f.population, f.year AS population_year, f.source AS population_source, a.is_schematic
FROM geo_area a
JOIN geo_arealevel lv ON lv.id = a.level_id
LEFT JOIN geo_area parent ON parent.id = a.parent_id
LEFT JOIN counted c ON c.ancestor_id = a.id
LEFT JOIN geo_population_latest f ON f.area_id = a.id
WHERE a.city_id = %(city_id)s AND a.retired_at IS NULL AND lv.code = %(level)s

-- name: density_unplaced
-- One row: the reports of the same period that lie in no area, so that the sum over areas can be checked.
SELECT count(*) FROM geo_report r
WHERE r.city_id = %(city_id)s AND r.is_public AND r.public_area_id IS NULL
  AND r.reported_at >= %(start)s AND r.reported_at < %(end)s
  AND (%(category)s::bigint[] IS NULL OR r.category_id = ANY(%(category)s::bigint[]))
  AND (%(channel)s::bigint[] IS NULL OR r.channel_id = ANY(%(channel)s::bigint[]))
  AND (%(status)s::text[] IS NULL OR r.status = ANY(%(status)s::text[]))
  AND (%(kind)s::text IS NULL OR r.kind = %(kind)s)
