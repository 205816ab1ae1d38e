-- name: reports
-- A row per span (numbered from 1) and category, area of the level below the city's own, agency, and all together: what was
-- reported, closed, reopened in it; what stood open, and past its time, at its end; how many were closed or open with a target,
-- and how many of these past it; how many had their first response, or were resolved, in it, and the median hours.
-- By public areas. The reports are read once: those open at the first span's start, and what came or changed since.
WITH span AS (
    SELECT number, start, until
    FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) WITH ORDINALITY s(start, until, number)
), chosen AS MATERIALIZED (
    SELECT r.id, r.category_id, r.agency_id, n.ancestor_id AS area_id, r.reported_at, r.received_at, r.responded_at, r.due_at,
           r.status, r.reopened_count, CASE WHEN r.status = ANY(%(open)s) THEN 'infinity' ELSE r.closed_at END AS closed_at
    FROM geo_report r
    LEFT JOIN geo_areaancestry n ON n.area_id = r.public_area_id AND n.level_id = (
        SELECT lv.id FROM geo_arealevel lv
        WHERE lv.rank > 0 AND EXISTS (SELECT FROM geo_area WHERE city_id = %(city_id)s AND level_id = lv.id)
        ORDER BY lv.rank LIMIT 1)
    WHERE r.city_id = %(city_id)s AND NOT r.is_exercise AND r.reported_at < %(last)s
      AND (r.status = ANY(%(open)s) OR r.closed_at >= %(first)s OR r.reported_at >= %(first)s
           OR r.reopened_count > 0 AND r.updated_at >= %(first)s)
), reopening AS MATERIALIZED (
    SELECT c.id, h.at FROM chosen c JOIN geo_historyentry h ON h.report_id = c.id
    WHERE c.reopened_count > 0 AND h.at >= %(first)s AND h.at < %(last)s
      AND h.new ->> 'status' = 'reopened' AND h.old ->> 'status' <> 'reopened'
), told AS (
    SELECT s.number, c.category_id, c.area_id, c.agency_id,
           c.reported_at >= s.start AND c.reported_at < s.until AS is_new,
           c.closed_at >= s.start AND c.closed_at < s.until AS is_closed,
           c.reported_at < s.until AND c.closed_at >= s.until AS is_open,
           c.due_at, least(c.closed_at, s.until) > c.due_at AS is_past,
           (SELECT count(*) FROM reopening x WHERE x.id = c.id AND x.at >= s.start AND x.at < s.until) AS reopenings,
           CASE WHEN c.responded_at >= s.start AND c.responded_at < s.until
                THEN extract(epoch FROM c.responded_at - c.received_at)::float8 / 3600 END AS response_h,
           CASE WHEN c.status = 'resolved' AND c.closed_at >= s.start AND c.closed_at < s.until
                THEN extract(epoch FROM c.closed_at - c.received_at)::float8 / 3600 END AS resolution_h
    FROM chosen c CROSS JOIN span s
)
SELECT number, CASE grouping(category_id, area_id, agency_id) WHEN 3 THEN 'category' WHEN 5 THEN 'area' WHEN 6 THEN 'agency'
                    ELSE 'total' END AS kind,
       coalesce(category_id, area_id, agency_id) AS key,
       count(*) FILTER (WHERE is_new) AS new, count(*) FILTER (WHERE is_closed) AS closed,
       sum(reopenings)::bigint AS reopened, count(*) FILTER (WHERE is_open) AS open,
       count(*) FILTER (WHERE is_open AND is_past) AS late,
       count(due_at) FILTER (WHERE is_closed OR is_open) AS with_target,
       count(*) FILTER (WHERE (is_closed OR is_open) AND is_past) AS past_target,
       count(response_h) AS responded, percentile_cont(0.5) WITHIN GROUP (ORDER BY response_h) AS response_h,
       count(resolution_h) AS resolved, percentile_cont(0.5) WITHIN GROUP (ORDER BY resolution_h) AS resolution_h
FROM told
GROUP BY number, GROUPING SETS ((category_id), (area_id), (agency_id), ())

-- name: readings
-- A row per observed property and unit that was measured in the city in one of two spans (numbered from 1: the earlier, the
-- later): the mean of its places in each, what the places measured in both differ by, and how many places there were in each and
-- in both. A place is a thing where it stood; an hour belongs to where the thing stood at its end. Of what adds up the value of a
-- place is its sum per day that was measured, of decibels the mean of energies, of what counts by its greatest that.
WITH span AS (
    SELECT number, start, until
    FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) WITH ORDINALITY s(start, until, number)
), placed AS (
    SELECT d.*, p.location_id, p.area_id,
           CASE WHEN lag(p.id) OVER thing IS NULL THEN '-infinity' ELSE date_trunc('hour', p.valid_from) END AS valid_from,
           coalesce(date_trunc('hour', p.valid_to), 'infinity') AS valid_to
    FROM sensors_published_datastream d
    JOIN geo_thingplacement p ON p.thing_id = d.thing_id
    WINDOW thing AS (PARTITION BY d.datastream_id ORDER BY p.valid_from, p.id)
), place AS (
    SELECT d.observed_property, d.unit_ucum, d.aggregate, d.datastream_id, d.location_id, d.is_simulated, s.number,
           CASE WHEN d.aggregate = 'sum'
                THEN sum(h.sum) / (count(*) * greatest(3600, d.expected_interval_s)) * 86400
                WHEN d.aggregate = 'max' THEN max(h.max)
                -- Louder than 300 dB is no sound, and would not fit a float.
                WHEN d.unit_ucum LIKE 'dB%%' THEN 10 * log(avg(power(10, least(h.sum / h.n, 300) / 10)))
                ELSE avg(h.sum / h.n) END AS value
    FROM placed d
    JOIN geo_area a ON a.id = d.area_id AND a.city_id = %(city_id)s
    CROSS JOIN span s
    JOIN sensors_published_hourly h ON h.datastream_id = d.datastream_id
        AND h.hour >= greatest(s.start, d.valid_from) AND h.hour < least(s.until, d.valid_to)
    GROUP BY d.observed_property, d.unit_ucum, d.aggregate, d.datastream_id, d.location_id, d.is_simulated,
             d.expected_interval_s, s.number
), pair AS (
    SELECT observed_property, unit_ucum, aggregate, datastream_id, location_id, bool_or(is_simulated) AS is_simulated,
           max(value) FILTER (WHERE number = 1) AS before, max(value) FILTER (WHERE number = 2) AS now
    FROM place GROUP BY 1, 2, 3, 4, 5
)
SELECT observed_property, unit_ucum, aggregate, bool_or(is_simulated) AS is_simulated,
       count(now) AS places, count(before) AS places_before, count(now - before) AS places_both,
       CASE aggregate WHEN 'max' THEN max(now) ELSE avg(now) END AS value,
       CASE aggregate WHEN 'max' THEN max(before) ELSE avg(before) END AS value_before,
       CASE aggregate WHEN 'max' THEN max(now) FILTER (WHERE before IS NOT NULL) - max(before) FILTER (WHERE now IS NOT NULL)
            ELSE avg(now - before) END AS change
FROM pair
GROUP BY observed_property, unit_ucum, aggregate
ORDER BY observed_property, unit_ucum
