-- name: area
-- One row, if there is a current area of this code in the city: the area, its latest population, and the city's own area.
SELECT a.id, a.code, a.name, l.code AS level, l.rank, parent.code AS parent, parent.name AS parent_name, a.area_km2,
       a.is_schematic, a.boundary_source, f.population, f.year, f.source,
       root.id AS root_id, root.code AS root_code, root.name AS root_name, root.area_km2 AS root_km2,
       rf.population AS root_population, rf.year AS root_year, rf.source AS root_source
FROM geo_area a
JOIN geo_arealevel l ON l.id = a.level_id
LEFT JOIN geo_area parent ON parent.id = a.parent_id
LEFT JOIN geo_population_latest f ON f.area_id = a.id
LEFT JOIN geo_area root ON root.city_id = a.city_id AND root.parent_id IS NULL AND root.retired_at IS NULL
LEFT JOIN geo_population_latest rf ON rf.area_id = root.id
WHERE a.code = %(code)s AND a.city_id = %(city_id)s AND a.retired_at IS NULL

-- name: report_counts
-- A row per category, channel, scope (in the area, elsewhere in the city) and period (this one, the one before): public reports.
WITH inside AS MATERIALIZED (SELECT area_id FROM geo_areaancestry WHERE ancestor_id = %(area_id)s)
SELECT c.slug AS category, c.name_id, c.name_en, ch.slug AS channel, ch.name AS channel_name, ch.is_simulated AS channel_is_simulated,
       inside.area_id IS NOT NULL AS in_area, r.reported_at < %(start)s AS is_before, count(*) AS reports
FROM geo_report r
JOIN geo_areaancestry city ON city.area_id = r.public_area_id AND city.ancestor_id = %(root_id)s
LEFT JOIN inside ON inside.area_id = r.public_area_id
JOIN geo_category c ON c.id = r.category_id
JOIN geo_channel ch ON ch.id = r.channel_id
WHERE r.city_id = %(city_id)s AND r.is_public
  AND (r.reported_at >= %(start)s AND r.reported_at < %(end)s
       OR r.reported_at >= %(before_start)s AND r.reported_at < %(before_end)s)
  AND (%(category_ids)s::bigint[] IS NULL OR r.category_id = ANY(%(category_ids)s::bigint[]))
GROUP BY c.id, ch.id, 7, 8

-- name: interval_counts
-- A row per interval of the city's time in which the area has public reports: its start (epoch seconds), how many.
SELECT extract(epoch FROM date_trunc(%(interval)s, r.reported_at, %(zone)s))::bigint AS start, count(*) AS reports
FROM geo_report r
JOIN geo_areaancestry c ON c.area_id = r.public_area_id AND c.ancestor_id = %(area_id)s
WHERE r.city_id = %(city_id)s AND r.is_public AND r.reported_at >= %(start)s AND r.reported_at < %(end)s
  AND (%(category_ids)s::bigint[] IS NULL OR r.category_id = ANY(%(category_ids)s::bigint[]))
GROUP BY 1

-- name: open_reports
-- A row per scope (in the area, elsewhere in the city) that has open public reports, whenever they were made: how many, and how
-- many of them are older than 7 and 30 days.
WITH inside AS MATERIALIZED (SELECT area_id FROM geo_areaancestry WHERE ancestor_id = %(area_id)s)
SELECT inside.area_id IS NOT NULL AS in_area, count(*) AS reports,
       count(*) FILTER (WHERE r.reported_at < %(now)s - interval '168 hours') AS over_7_days,
       count(*) FILTER (WHERE r.reported_at < %(now)s - interval '720 hours') AS over_30_days
FROM geo_report r
JOIN geo_areaancestry city ON city.area_id = r.public_area_id AND city.ancestor_id = %(root_id)s
LEFT JOIN inside ON inside.area_id = r.public_area_id
WHERE r.city_id = %(city_id)s AND r.is_public AND r.status <> ALL(%(closed)s)
  AND (%(category_ids)s::bigint[] IS NULL OR r.category_id = ANY(%(category_ids)s::bigint[]))
GROUP BY 1

-- name: response_times
-- A row for the city, one for the area, and one per agency in the area: public reports that were resolved or rejected in the
-- period, hours from report to close (median, 90th percentile), how many had a date due, and how many were closed by it.
-- One that was closed before it was reported has no time; it is counted apart.
WITH inside AS MATERIALIZED (SELECT area_id FROM geo_areaancestry WHERE ancestor_id = %(area_id)s),
closed AS (
    SELECT inside.area_id IS NOT NULL AS in_area, r.agency_id, r.closed_at, r.due_at,
           CASE WHEN r.closed_at >= r.reported_at
                THEN extract(epoch FROM r.closed_at - r.reported_at)::float8 / 3600 END AS hours
    FROM geo_report r
    JOIN geo_areaancestry city ON city.area_id = r.public_area_id AND city.ancestor_id = %(root_id)s
    LEFT JOIN inside ON inside.area_id = r.public_area_id
    WHERE r.city_id = %(city_id)s AND r.is_public AND r.status = ANY(%(answered)s)
      AND r.closed_at >= %(start)s AND r.closed_at < %(end)s
      AND (%(category_ids)s::bigint[] IS NULL OR r.category_id = ANY(%(category_ids)s::bigint[]))
), scoped AS (
    SELECT 'city' AS scope, NULL::bigint AS agency_id, closed_at, due_at, hours FROM closed
    UNION ALL SELECT 'area', NULL, closed_at, due_at, hours FROM closed WHERE in_area
    UNION ALL SELECT 'agency', agency_id, closed_at, due_at, hours FROM closed WHERE in_area
)
SELECT s.scope, g.slug AS agency, g.name_id, g.name_en, count(s.hours) AS n, count(*) - count(s.hours) AS untimed,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY s.hours) AS median,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY s.hours) AS p90,
       count(s.due_at) AS due, count(*) FILTER (WHERE s.closed_at <= s.due_at) AS in_time
FROM scoped s LEFT JOIN geo_agency g ON g.id = s.agency_id
GROUP BY s.scope, g.id
ORDER BY s.scope, count(s.hours) DESC, g.slug

-- name: subareas
-- A row per current area of the next level that has any inside the area: what it is, its public reports of the period, and its
-- most frequent categories as [slug, name_id, name_en, reports].
WITH below AS (
    SELECT a.id, a.code, a.name, a.area_km2, l.code AS level, l.rank
    FROM geo_areaancestry d
    JOIN geo_area a ON a.id = d.area_id AND a.retired_at IS NULL
    JOIN geo_arealevel l ON l.id = a.level_id
    WHERE d.ancestor_id = %(area_id)s AND a.id <> %(area_id)s AND l.rank > %(rank)s
), next AS MATERIALIZED (SELECT * FROM below WHERE rank = (SELECT min(rank) FROM below)),
counted AS (
    SELECT next.id, c.slug, c.name_id, c.name_en, count(*) AS reports,
           row_number() OVER (PARTITION BY next.id ORDER BY count(*) DESC, c.slug) AS place
    FROM next
    JOIN geo_areaancestry d ON d.ancestor_id = next.id
    JOIN geo_report r ON r.public_area_id = d.area_id
    JOIN geo_category c ON c.id = r.category_id
    WHERE r.city_id = %(city_id)s AND r.is_public AND r.reported_at >= %(start)s AND r.reported_at < %(end)s
      AND (%(category_ids)s::bigint[] IS NULL OR r.category_id = ANY(%(category_ids)s::bigint[]))
    GROUP BY next.id, c.id
)
SELECT next.id, next.code, next.name, next.level, next.area_km2, f.population, coalesce(sum(counted.reports), 0)::bigint AS reports,
       coalesce(jsonb_agg(jsonb_build_array(counted.slug, counted.name_id, counted.name_en, counted.reports)
                ORDER BY counted.place) FILTER (WHERE counted.place <= %(top)s), '[]') AS categories
FROM next LEFT JOIN counted ON counted.id = next.id
LEFT JOIN geo_population_latest f ON f.area_id = next.id
GROUP BY next.id, next.code, next.name, next.level, next.area_km2, f.population
ORDER BY next.code

-- name: gauges
-- A row per datastream and place at which its thing stood and measured in the period: those inside the area, and for a property
-- that nobody measured inside, those at the nearest place within reach. `latest` is that of a thing that stands there still.
-- A thing's first place also holds for what came before it was registered there. Another city's things stay out.
WITH placed AS (
    SELECT d.datastream_id, d.thing, d.thing_name, d.is_simulated, d.observed_property, d.property_name_id, d.property_name_en,
           d.aggregate, d.unit_ucum, d.expected_interval_s, p.location_id, p.area_id, p.valid_to IS NULL AS is_current,
           CASE WHEN lag(p.id) OVER thing IS NULL THEN '-infinity' ELSE date_trunc('hour', p.valid_from) END AS valid_from,
           coalesce(date_trunc('hour', p.valid_to), 'infinity') AS valid_to
    FROM sensors_published_datastream d
    JOIN geo_thingplacement p ON p.thing_id = d.thing_id
    WINDOW thing AS (PARTITION BY d.datastream_id ORDER BY p.valid_from, p.id)
), measured AS MATERIALIZED (
    SELECT placed.*, at.location, inside.area_id IS NOT NULL AS is_inside
    FROM placed
    JOIN sensors_published_location at USING (location_id)
    LEFT JOIN geo_areaancestry inside ON inside.area_id = placed.area_id AND inside.ancestor_id = %(area_id)s
    LEFT JOIN geo_area own ON own.id = placed.area_id
    WHERE (own.id IS NULL OR own.city_id = %(city_id)s) AND EXISTS (
        SELECT FROM sensors_published_hourly h
        WHERE h.datastream_id = placed.datastream_id
          AND h.hour >= greatest(%(start)s, placed.valid_from) AND h.hour < least(%(end)s, placed.valid_to))
), area AS MATERIALIZED (
    SELECT a.boundary, city.metric_srid, ST_Transform(a.boundary, city.metric_srid) AS shape
    FROM geo_area a JOIN geo_city city ON city.id = a.city_id WHERE a.id = %(area_id)s
), near AS (
    SELECT DISTINCT ON (m.observed_property) m.observed_property, m.location_id
    FROM measured m CROSS JOIN area
    WHERE NOT EXISTS (SELECT FROM measured i WHERE i.is_inside AND i.observed_property = m.observed_property)
    ORDER BY m.observed_property, ST_Distance(area.shape, ST_Transform(m.location, area.metric_srid)), m.location_id
), chosen AS (
    SELECT m.*, 0.0::float8 AS distance_m FROM measured m WHERE m.is_inside
    UNION ALL
    SELECT m.*, ST_Distance(area.boundary::geography, m.location::geography)
    FROM measured m JOIN near USING (observed_property, location_id) CROSS JOIN area
)
SELECT c.datastream_id, c.location_id, c.thing, c.thing_name, c.is_simulated, c.observed_property, c.property_name_id,
       c.property_name_en, c.aggregate, c.unit_ucum, c.expected_interval_s, c.is_inside, c.distance_m,
       l.phenomenon_time AS latest_at, l.result AS latest, l.quality AS latest_quality
FROM chosen c
LEFT JOIN sensors_published_latest l ON c.is_current AND l.datastream_id = c.datastream_id
WHERE c.distance_m <= %(max_distance_m)s
ORDER BY c.observed_property, c.distance_m, c.thing, c.location_id

-- name: daily_readings
-- A row per given datastream and place and day of the city: the day's start (epoch seconds), hours, values, their sum, the
-- greatest, the mean of the hourly means, and for decibels the sum of the hourly means' energies.
WITH given AS (
    SELECT * FROM unnest(%(datastream_ids)s::bigint[], %(location_ids)s::bigint[]) g(datastream_id, location_id)
), placed AS (
    SELECT d.datastream_id, p.location_id, d.unit_ucum,
           CASE WHEN lag(p.id) OVER thing IS NULL THEN '-infinity' ELSE date_trunc('hour', p.valid_from) END AS valid_from,
           coalesce(date_trunc('hour', p.valid_to), 'infinity') AS valid_to
    FROM sensors_published_datastream d
    JOIN geo_thingplacement p ON p.thing_id = d.thing_id
    WHERE d.datastream_id IN (SELECT datastream_id FROM given)
    WINDOW thing AS (PARTITION BY d.datastream_id ORDER BY p.valid_from, p.id)
)
SELECT placed.datastream_id, placed.location_id, extract(epoch FROM date_trunc('day', h.hour, %(zone)s))::bigint AS day,
       count(*) AS hours, sum(h.n)::bigint AS n, sum(h.sum) AS total, max(h.max) AS greatest, avg(h.sum / h.n) AS mean,
       -- Louder than 300 dB is no sound, and would not fit a float.
       sum(CASE WHEN placed.unit_ucum LIKE 'dB%%' AND h.sum / h.n <= 300 THEN power(10, h.sum / h.n / 10) END) AS energy
FROM placed
JOIN given USING (datastream_id, location_id)
JOIN sensors_published_hourly h ON h.datastream_id = placed.datastream_id
    AND h.hour >= placed.valid_from AND h.hour < placed.valid_to
WHERE h.hour >= %(start)s AND h.hour < %(end)s
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3

-- name: hours_at_levels
-- A row per given threshold (numbered): in how many hours of the period the greatest value reached it, and in how many the mean lay
-- above it.
WITH given AS (
    SELECT * FROM unnest(%(numbers)s::integer[], %(datastream_ids)s::bigint[], %(location_ids)s::bigint[], %(levels)s::float8[])
         g(number, datastream_id, location_id, level)
), placed AS (
    SELECT d.datastream_id, p.location_id,
           CASE WHEN lag(p.id) OVER thing IS NULL THEN '-infinity' ELSE date_trunc('hour', p.valid_from) END AS valid_from,
           coalesce(date_trunc('hour', p.valid_to), 'infinity') AS valid_to
    FROM sensors_published_datastream d
    JOIN geo_thingplacement p ON p.thing_id = d.thing_id
    WHERE d.datastream_id IN (SELECT datastream_id FROM given)
    WINDOW thing AS (PARTITION BY d.datastream_id ORDER BY p.valid_from, p.id)
)
SELECT given.number, count(*) FILTER (WHERE h.max >= given.level) AS reached,
       count(*) FILTER (WHERE h.sum / h.n > given.level) AS above
FROM given
JOIN placed USING (datastream_id, location_id)
JOIN sensors_published_hourly h ON h.datastream_id = given.datastream_id
    AND h.hour >= placed.valid_from AND h.hour < placed.valid_to
WHERE h.hour >= %(start)s AND h.hour < %(end)s
GROUP BY given.number

-- name: category_groups
-- A row per category without one above it that has any of the asked categories: its id, names, and which ids count for it.
WITH RECURSIVE tree AS (
    SELECT id AS root_id, id FROM geo_category WHERE parent_id IS NULL
    UNION ALL
    SELECT tree.root_id, c.id FROM geo_category c JOIN tree ON c.parent_id = tree.id
)
SELECT root.id, root.slug, root.name_id, root.name_en, array_agg(tree.id ORDER BY tree.id) AS category_ids
FROM tree JOIN geo_category root ON root.id = tree.root_id
WHERE (root.city_id IS NULL OR root.city_id = %(city_id)s)
  AND (%(category_ids)s::bigint[] IS NULL OR tree.id = ANY(%(category_ids)s::bigint[]))
GROUP BY root.id
ORDER BY root.slug
