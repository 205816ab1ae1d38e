-- name: reports
-- A row per span (numbered from 1: the week before, the week) and category without one above it, area of the level below the
-- city's own, and all together: public reports that came in it, and that were answered (resolved or rejected) in it; that stood
-- open at its end, that had a date due, and that were past it; of how many answers the hours are known, and their median.
-- Whoever merges duplicates answers nobody, so these are closed and no answer.
WITH RECURSIVE tree AS (
    SELECT id AS root_id, id FROM geo_category WHERE parent_id IS NULL
    UNION ALL
    SELECT tree.root_id, c.id FROM geo_category c JOIN tree ON c.parent_id = tree.id
), span AS (
    SELECT number, start, until
    FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) WITH ORDINALITY s(start, until, number)
), chosen AS MATERIALIZED (
    SELECT tree.root_id AS category_id, n.ancestor_id AS area_id, r.reported_at, r.due_at, r.status = ANY(%(answered)s) AS is_answer,
           CASE WHEN r.status = ANY(%(open)s) THEN 'infinity' ELSE r.closed_at END AS closed_at
    FROM geo_report r
    JOIN tree ON tree.id = r.category_id
    LEFT JOIN geo_areaancestry n ON n.area_id = r.public_area_id AND n.level_id = %(level_id)s
    WHERE r.city_id = %(city_id)s AND r.is_public AND r.reported_at < %(last)s
      AND (r.status = ANY(%(open)s) OR r.closed_at >= %(first)s OR r.reported_at >= %(first)s)
), told AS (
    SELECT s.number, c.category_id, c.area_id,
           c.reported_at >= s.start AND c.reported_at < s.until AS is_new,
           c.is_answer AND c.closed_at >= s.start AND c.closed_at < s.until AS is_answered,
           c.reported_at < s.until AND c.closed_at >= s.until AS is_open,
           c.due_at, c.due_at < s.until AS is_past,
           CASE WHEN c.is_answer AND c.closed_at >= s.start AND c.closed_at < s.until AND c.closed_at >= c.reported_at
                THEN extract(epoch FROM c.closed_at - c.reported_at)::float8 / 3600 END AS hours
    FROM chosen c CROSS JOIN span s
)
SELECT number, CASE grouping(category_id, area_id) WHEN 1 THEN 'category' WHEN 2 THEN 'area' ELSE 'total' END AS kind,
       coalesce(category_id, area_id) AS key,
       count(*) FILTER (WHERE is_new) AS new, count(*) FILTER (WHERE is_answered) AS closed,
       count(*) FILTER (WHERE is_open) AS open, count(due_at) FILTER (WHERE is_open) AS with_due,
       count(*) FILTER (WHERE is_open AND is_past) AS late,
       count(hours) AS timed, percentile_cont(0.5) WITHIN GROUP (ORDER BY hours) AS median_h
FROM told
GROUP BY number, GROUPING SETS ((category_id), (area_id), ())

-- name: days
-- A row per day of the city since the first span's start on which public reports came: how many days after it, how many reports.
SELECT (r.reported_at AT TIME ZONE %(zone)s)::date - (%(first)s::timestamptz AT TIME ZONE %(zone)s)::date AS day, count(*) AS reports
FROM geo_report r
WHERE r.city_id = %(city_id)s AND r.is_public AND r.reported_at >= %(first)s AND r.reported_at < %(last)s
GROUP BY 1

-- name: districts
-- A row per current area of the level below the city's own: what it is, and its people where they are known.
SELECT a.id, a.code, a.name, f.population, f.year
FROM geo_area a LEFT JOIN geo_population_latest f ON f.area_id = a.id
WHERE a.city_id = %(city_id)s AND a.level_id = %(level_id)s AND a.retired_at IS NULL
ORDER BY a.code

-- name: level
-- One row, if the city has areas below its own: their level.
SELECT l.id FROM geo_arealevel l
WHERE l.rank > 0 AND EXISTS (SELECT FROM geo_area WHERE city_id = %(city_id)s AND level_id = l.id AND retired_at IS NULL)
ORDER BY l.rank LIMIT 1

-- name: placed
-- The datastreams at the places in the city where their things stood, and from when to when; and the spans. A fragment: the
-- beginning of a statement. A thing's first place also holds for what came before it was registered there.
WITH stood AS (
    SELECT d.*, p.location_id, p.area_id,
           CASE WHEN lag(p.id) OVER thing IS NULL THEN '-infinity' ELSE date_trunc('hour', p.valid_from) END AS valid_from,
           coalesce(date_trunc('hour', p.valid_to), 'infinity') AS valid_to
    FROM sensors_published_datastream d
    JOIN geo_thingplacement p ON p.thing_id = d.thing_id
    WINDOW thing AS (PARTITION BY d.datastream_id ORDER BY p.valid_from, p.id)
), placed AS MATERIALIZED (
    SELECT stood.*, n.ancestor_id AS district_id
    FROM stood
    JOIN geo_area a ON a.id = stood.area_id AND a.city_id = %(city_id)s
    LEFT JOIN geo_areaancestry n ON n.area_id = stood.area_id AND n.level_id = %(level_id)s
), span AS MATERIALIZED (
    SELECT number, start, until
    FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) WITH ORDINALITY s(start, until, number)
)

-- name: places
-- A row per datastream and place that measured in one of two spans (numbered from 1: the week before, the week): what it measures,
-- and its value in each. Of what adds up that is the sum per day that was measured, beside it the sum itself; of decibels the mean
-- of energies; of what counts by its greatest that. The hours of each are one range of the index: lateral, or all of them are read.
, valued AS (
    SELECT d.datastream_id, d.location_id, d.valid_from, s.number, found.total, found.greatest,
           CASE WHEN d.aggregate = 'sum' THEN found.total / (found.hours * greatest(3600, d.expected_interval_s)) * 86400
                WHEN d.aggregate = 'max' THEN found.greatest
                WHEN d.unit_ucum LIKE 'dB%%' THEN 10 * log(found.energy)
                ELSE found.mean END AS value
    FROM placed d CROSS JOIN span s
    CROSS JOIN LATERAL (
        SELECT count(*) AS hours, sum(h.sum) AS total, max(h.max) AS greatest, avg(h.sum / h.n) AS mean,
               -- Louder than 300 dB is no sound, and would not fit a float.
               avg(CASE WHEN d.unit_ucum LIKE 'dB%%' THEN power(10, greatest(least(h.sum / h.n, 300), -300) / 10) END) AS energy
        FROM sensors_published_hourly h
        WHERE h.datastream_id = d.datastream_id
          AND h.hour >= greatest(s.start, d.valid_from) AND h.hour < least(s.until, d.valid_to)
    ) found
    WHERE found.hours > 0
)
SELECT d.observed_property, d.unit_ucum, d.aggregate, d.as_anomaly, d.expected_interval_s, d.is_simulated, d.derivation,
       d.datastream_id, d.thing, d.thing_name, d.district_id, before.value AS last, now.value AS this,
       before.total AS last_total, now.total AS this_total
FROM placed d
LEFT JOIN valued before ON before.number = 1
    AND (before.datastream_id, before.location_id, before.valid_from) = (d.datastream_id, d.location_id, d.valid_from)
LEFT JOIN valued now ON now.number = 2
    AND (now.datastream_id, now.location_id, now.valid_from) = (d.datastream_id, d.location_id, d.valid_from)
WHERE before.number IS NOT NULL OR now.number IS NOT NULL
ORDER BY d.observed_property, d.unit_ucum, d.thing, d.location_id, d.valid_from

-- name: courses
-- A row per observed property, unit, span (numbered as in `places`) and step of the city's clock since the span began: the mean of
-- its places, or their sum. Of what adds up, and of what comes once a day, a step is a day; else it is six hours. Of what has
-- another zero at each place there is a row for each datastream.
, stepped AS (
    SELECT d.observed_property, d.unit_ucum, CASE WHEN d.as_anomaly THEN d.datastream_id END AS datastream_id,
           d.aggregate = 'sum' AND d.expected_interval_s >= 86400 AS is_total, s.number, found.step, found.value
    FROM placed d CROSS JOIN span s
    CROSS JOIN LATERAL (
        SELECT floor(extract(epoch FROM (h.hour AT TIME ZONE %(zone)s) - (s.start AT TIME ZONE %(zone)s))
                     / CASE WHEN d.aggregate = 'sum' OR d.expected_interval_s >= 86400 THEN 86400 ELSE 21600 END)::integer AS step,
               CASE WHEN d.aggregate = 'sum' THEN sum(h.sum)
                    WHEN d.aggregate = 'max' THEN max(h.max)
                    WHEN d.unit_ucum LIKE 'dB%%'
                    THEN 10 * log(avg(CASE WHEN d.unit_ucum LIKE 'dB%%' THEN power(10, greatest(least(h.sum / h.n, 300), -300) / 10) END))
                    ELSE avg(h.sum / h.n) END AS value
        FROM sensors_published_hourly h
        WHERE h.datastream_id = d.datastream_id
          AND h.hour >= greatest(s.start, d.valid_from) AND h.hour < least(s.until, d.valid_to)
        GROUP BY 1
    ) found
)
SELECT observed_property, unit_ucum, datastream_id, number, step, CASE WHEN is_total THEN sum(value) ELSE avg(value) END AS value
FROM stepped
GROUP BY observed_property, unit_ucum, datastream_id, is_total, number, step

-- name: air_days
-- A row per thing, pollutant and day of the city in the one span: the day's start, the hours that its readings stand for, and the
-- mean of the hourly means.
SELECT d.thing, d.observed_property, found.day, found.hours * greatest(3600, d.expected_interval_s) / 3600 AS hours, found.mean
FROM placed d CROSS JOIN span s
CROSS JOIN LATERAL (
    SELECT date_trunc('day', h.hour, %(zone)s) AS day, count(*) AS hours, avg(h.sum / h.n) AS mean
    FROM sensors_published_hourly h
    WHERE h.datastream_id = d.datastream_id
      AND h.hour >= greatest(s.start, d.valid_from) AND h.hour < least(s.until, d.valid_to)
    GROUP BY 1
) found
WHERE d.observed_property = ANY(%(pollutants)s) AND d.unit_ucum = %(unit)s

-- name: hours_at_levels
-- A row per given level (numbered) that was reached in one of two spans (numbered as in `places`): in how many hours.
WITH given AS (
    SELECT * FROM unnest(%(numbers)s::integer[], %(datastream_ids)s::bigint[], %(levels)s::float8[], %(below)s::boolean[])
         g(number, datastream_id, level, is_below)
), span AS (
    SELECT number, start, until
    FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) WITH ORDINALITY s(start, until, number)
)
SELECT given.number, s.number AS span, found.hours
FROM given CROSS JOIN span s
CROSS JOIN LATERAL (
    SELECT count(*) AS hours FROM sensors_published_hourly h
    WHERE h.datastream_id = given.datastream_id AND h.hour >= s.start AND h.hour < s.until
      AND CASE WHEN given.is_below THEN h.min <= given.level ELSE h.max >= given.level END
) found
WHERE found.hours > 0
