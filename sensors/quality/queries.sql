-- name: windows
-- One row per observation around each given period in which something changed: the period's place (from 1), its time in µs,
-- result, quality, whether a person decided of it. As sensors.quality.checks needs them: some neighbours before and after, what
-- lies up to `around` later, and before it the values since the last that differs enough to end any run of equal ones.
SELECT w.place, (extract(epoch FROM o.phenomenon_time) * 1000000)::bigint, o.result, o.quality,
    coalesce(decided.new_result IS NOT NULL, false)
FROM (
    SELECT place, datastream_id, tolerance, around_us * interval '1 microsecond' AS around,
        timestamptz 'epoch' + first_us * interval '1 microsecond' AS first,
        timestamptz 'epoch' + last_us * interval '1 microsecond' AS last
    FROM unnest(
        %(datastream_ids)s::bigint[], %(firsts)s::bigint[], %(lasts)s::bigint[], %(arounds)s::bigint[], %(tolerances)s::float8[]
    ) WITH ORDINALITY AS w(datastream_id, first_us, last_us, around_us, tolerance, place)
) w
LEFT JOIN LATERAL (
    SELECT result FROM sensors_observation
    WHERE datastream_id = w.datastream_id AND phenomenon_time >= w.first AND phenomenon_time <= w.last
    ORDER BY phenomenon_time LIMIT 1
) begins ON true
LEFT JOIN LATERAL (
    SELECT phenomenon_time FROM sensors_observation
    WHERE datastream_id = w.datastream_id AND phenomenon_time < w.first AND phenomenon_time >= w.first - w.around
        AND abs(result - begins.result) > 2 * w.tolerance
    ORDER BY phenomenon_time DESC LIMIT 1
) differs ON true
CROSS JOIN LATERAL (
    (SELECT phenomenon_time, result, quality FROM sensors_observation
     WHERE datastream_id = w.datastream_id AND phenomenon_time < w.first
     ORDER BY phenomenon_time DESC LIMIT %(neighbours)s)
    UNION
    SELECT phenomenon_time, result, quality FROM sensors_observation
    WHERE datastream_id = w.datastream_id AND phenomenon_time <= w.last + w.around
        AND phenomenon_time >= coalesce(differs.phenomenon_time, w.first - w.around)
    UNION
    (SELECT phenomenon_time, result, quality FROM sensors_observation
     WHERE datastream_id = w.datastream_id AND phenomenon_time > w.last + w.around
     ORDER BY phenomenon_time LIMIT %(neighbours)s)
) o
LEFT JOIN LATERAL (
    SELECT new_result FROM sensors_correction
    WHERE datastream_id = w.datastream_id AND phenomenon_time = o.phenomenon_time ORDER BY id DESC LIMIT 1
) decided ON true
ORDER BY w.place, o.phenomenon_time;

-- name: lock_observations
-- Locks the given observations, in the order in which corrections do; no row is of use.
SELECT FROM sensors_observation o
JOIN unnest(%(datastream_ids)s::bigint[], %(times)s::bigint[]) AS g(datastream_id, at_us)
    ON o.datastream_id = g.datastream_id AND o.phenomenon_time = timestamptz 'epoch' + g.at_us * interval '1 microsecond'
WHERE o.phenomenon_time BETWEEN %(first)s AND %(last)s
ORDER BY o.datastream_id, o.phenomenon_time FOR UPDATE OF o;

-- name: set_qualities
-- One row per observation whose quality was set: datastream, time in µs, result, quality. Marks their hours dirty. What was
-- changed meanwhile, or decided by a person, stays: it has an entry of the journal of its own.
WITH changed AS (
    UPDATE sensors_observation o SET quality = g.quality
    FROM unnest(
        %(datastream_ids)s::bigint[], %(times)s::bigint[], %(results)s::float8[], %(were)s::smallint[], %(qualities)s::smallint[]
    ) AS g(datastream_id, at_us, result, was, quality)
    WHERE o.datastream_id = g.datastream_id AND o.phenomenon_time BETWEEN %(first)s AND %(last)s
        AND o.phenomenon_time = timestamptz 'epoch' + g.at_us * interval '1 microsecond'
        AND o.result = g.result AND o.quality = g.was
        AND (
            SELECT c.new_result FROM sensors_correction c
            WHERE c.datastream_id = o.datastream_id AND c.phenomenon_time = o.phenomenon_time ORDER BY c.id DESC LIMIT 1
        ) IS NULL
    RETURNING o.datastream_id, o.phenomenon_time, o.result, o.quality
), marked AS (
    INSERT INTO sensors_dirtyhour (datastream_id, hour)
    SELECT DISTINCT datastream_id, date_bin('1 hour', phenomenon_time, '2000-01-01Z') FROM changed
)
SELECT datastream_id, (extract(epoch FROM phenomenon_time) * 1000000)::bigint, result, quality FROM changed;
