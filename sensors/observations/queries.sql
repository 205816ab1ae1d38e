-- name: insert_new_observations
-- All given observations, none of which may be stored: a unique violation otherwise, and nothing is. Marks their hours dirty,
-- and writes the journal's entry.
-- Sorted by key, so that two writers of the same keys wait for each other in one order. Times come as microseconds since 1970.
WITH given AS MATERIALIZED (
    SELECT %(datastream_ids)s::bigint[] AS datastream_ids, %(phenomenon_times)s::bigint[] AS times,
        %(results)s::float8[] AS results, %(received_at)s::bigint[] AS received,
        %(qualities)s::smallint[] AS qualities, %(time_sources)s::smallint[] AS time_sources
), journal AS (
    INSERT INTO sensors_journalentry (xid, kind, written_at, datastream_ids, phenomenon_times, results, qualities)
    SELECT pg_current_xact_id()::text::bigint, 0, clock_timestamp(), datastream_ids, times, results, qualities FROM given
), incoming AS (
    SELECT datastream_id, timestamptz 'epoch' + at_us * interval '1 microsecond' AS phenomenon_time, result,
        timestamptz 'epoch' + received_us * interval '1 microsecond' AS received_at, quality, time_source
    FROM given, unnest(datastream_ids, times, results, received, qualities, time_sources)
        AS i(datastream_id, at_us, result, received_us, quality, time_source)
), marked AS (
    INSERT INTO sensors_dirtyhour (datastream_id, hour)
    SELECT DISTINCT datastream_id, date_bin('1 hour', phenomenon_time, '2000-01-01Z') FROM incoming
)
INSERT INTO sensors_observation (datastream_id, phenomenon_time, result, received_at, quality, time_source)
SELECT datastream_id, phenomenon_time, result, received_at, quality, time_source
FROM incoming ORDER BY datastream_id, phenomenon_time;

-- name: insert_observations
-- One row per given observation that was not stored: its place (from 1) in the arrays. As insert_new_observations, but what
-- is stored already stays, and only what is stored now marks its hour dirty.
WITH incoming AS (
    SELECT datastream_id, timestamptz 'epoch' + at_us * interval '1 microsecond' AS phenomenon_time, result,
        timestamptz 'epoch' + received_us * interval '1 microsecond' AS received_at, quality, time_source, place
    FROM unnest(
        %(datastream_ids)s::bigint[], %(phenomenon_times)s::bigint[], %(results)s::float8[],
        %(received_at)s::bigint[], %(qualities)s::smallint[], %(time_sources)s::smallint[]
    ) WITH ORDINALITY AS i(datastream_id, at_us, result, received_us, quality, time_source, place)
), stored AS (
    INSERT INTO sensors_observation (datastream_id, phenomenon_time, result, received_at, quality, time_source)
    SELECT datastream_id, phenomenon_time, result, received_at, quality, time_source
    FROM incoming ORDER BY datastream_id, phenomenon_time
    ON CONFLICT DO NOTHING
    RETURNING datastream_id, phenomenon_time, result, quality
), journal AS (
    INSERT INTO sensors_journalentry (xid, kind, written_at, datastream_ids, phenomenon_times, results, qualities)
    SELECT pg_current_xact_id()::text::bigint, 0, clock_timestamp(), array_agg(datastream_id),
        array_agg((extract(epoch FROM phenomenon_time) * 1000000)::bigint), array_agg(result), array_agg(quality)
    FROM stored HAVING count(*) > 0
), marked AS (
    INSERT INTO sensors_dirtyhour (datastream_id, hour)
    SELECT DISTINCT datastream_id, date_bin('1 hour', phenomenon_time, '2000-01-01Z') FROM stored
)
SELECT i.place
FROM incoming i LEFT JOIN stored s USING (datastream_id, phenomenon_time)
WHERE s.datastream_id IS NULL
ORDER BY i.place;

-- name: compare_with_stored
-- One row per given observation, in order: the stored result of its key, null when there is none.
-- The lateral probe keeps it one index lookup each, whatever the planner believes of the partitions.
SELECT o.result
FROM unnest(%(datastream_ids)s::bigint[], %(phenomenon_times)s::bigint[]) WITH ORDINALITY AS i(datastream_id, at_us, place)
LEFT JOIN LATERAL (
    SELECT result FROM sensors_observation o
    WHERE o.datastream_id = i.datastream_id AND o.phenomenon_time = timestamptz 'epoch' + i.at_us * interval '1 microsecond'
    LIMIT 1
) o ON true
ORDER BY i.place;

-- name: existing_partitions
-- One row per partition of the observations: its name.
SELECT c.relname
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'sensors_observation'::regclass;

-- name: take_dirty_hours
-- One row per dirty hour taken: datastream, hour. Several marks of one hour are taken together where they lie together.
WITH taken AS (
    DELETE FROM sensors_dirtyhour
    WHERE ctid IN (SELECT ctid FROM sensors_dirtyhour LIMIT %(limit)s)
    RETURNING datastream_id, hour
)
SELECT DISTINCT datastream_id, hour FROM taken;

-- name: recompute_hours
-- Recomputes the rollups of the given hours from the good observations, and from those whose flags the datastream counts
-- nevertheless; no row comes back.
-- Runs of neighbouring hours are read as one range: a back-fill of weeks is one index range per datastream.
WITH marks AS (
    SELECT datastream_id, hour FROM unnest(%(datastream_ids)s::bigint[], %(hours)s::timestamptz[]) AS m(datastream_id, hour)
    -- What a datastream's archived month holds cannot be counted here: its rollups stand as they are until it is restored.
    WHERE NOT EXISTS (
        SELECT FROM sensors_observationarchive a
        WHERE a.state = 'archived' AND a.month = date_trunc('month', m.hour AT TIME ZONE 'UTC')::date
            AND m.datastream_id = ANY(a.datastream_ids)
    )
), runs AS (
    SELECT datastream_id, min(hour) AS start, max(hour) + interval '1 hour' AS until
    FROM (
        SELECT datastream_id, hour,
            hour - row_number() OVER (PARTITION BY datastream_id ORDER BY hour) * interval '1 hour' AS run
        FROM marks
    ) AS numbered
    GROUP BY datastream_id, run
), fresh AS (
    SELECT r.datastream_id, o.hour, o.n, o.sum, o.min, o.max
    FROM runs r LEFT JOIN sensors_datastream d ON d.id = r.datastream_id CROSS JOIN LATERAL (
        SELECT date_bin('1 hour', phenomenon_time, '2000-01-01Z') AS hour,
            count(*) AS n, sum(result) AS sum, min(result) AS min, max(result) AS max
        FROM sensors_observation
        WHERE datastream_id = r.datastream_id AND phenomenon_time >= r.start AND phenomenon_time < r.until
            AND quality & ~coalesce(d.counted_flags, 0) = 0
        GROUP BY 1
    ) o
), emptied AS (
    DELETE FROM sensors_hourlyrollup h USING marks m
    WHERE h.datastream_id = m.datastream_id AND h.hour = m.hour
        AND NOT EXISTS (SELECT FROM fresh f WHERE f.datastream_id = m.datastream_id AND f.hour = m.hour)
)
INSERT INTO sensors_hourlyrollup AS h (datastream_id, hour, n, sum, min, max)
SELECT datastream_id, hour, n, sum, min, max FROM fresh ORDER BY datastream_id, hour
ON CONFLICT (datastream_id, hour) DO UPDATE
SET n = EXCLUDED.n, sum = EXCLUDED.sum, min = EXCLUDED.min, max = EXCLUDED.max
WHERE (h.n, h.sum, h.min, h.max) IS DISTINCT FROM (EXCLUDED.n, EXCLUDED.sum, EXCLUDED.min, EXCLUDED.max);

-- name: mark_everything_dirty
-- Marks each hour that has observations, and each that has a rollup: a recount of all.
INSERT INTO sensors_dirtyhour (datastream_id, hour)
SELECT DISTINCT datastream_id, date_bin('1 hour', phenomenon_time, '2000-01-01Z') FROM sensors_observation
UNION
SELECT datastream_id, hour FROM sensors_hourlyrollup;

-- name: observed_spans
-- One row per given datastream that has observations: its id, its first and its last phenomenon time.
SELECT d.datastream_id, first.phenomenon_time, last.phenomenon_time
FROM unnest(%(datastream_ids)s::bigint[]) AS d(datastream_id)
CROSS JOIN LATERAL (
    SELECT phenomenon_time FROM sensors_observation o
    WHERE o.datastream_id = d.datastream_id ORDER BY phenomenon_time LIMIT 1) first
CROSS JOIN LATERAL (
    SELECT phenomenon_time FROM sensors_observation o
    WHERE o.datastream_id = d.datastream_id ORDER BY phenomenon_time DESC LIMIT 1) last;

-- name: count_observations
-- One row: how many observations the given datastreams have in a half-open period.
SELECT count(*) FROM sensors_observation
WHERE datastream_id = ANY(%(datastream_ids)s) AND phenomenon_time >= %(start)s AND phenomenon_time < %(end)s;

-- name: count_dirty_hours
-- One row: how many marks there are.
SELECT count(*) FROM sensors_dirtyhour;

-- name: observations_after
-- One row per good observation of the given datastreams after each one's mark, the oldest `limit` of each in order.
SELECT d.datastream_id, o.phenomenon_time, o.result
FROM unnest(%(datastream_ids)s::bigint[], %(after)s::timestamptz[]) AS d(datastream_id, after)
CROSS JOIN LATERAL (
    SELECT phenomenon_time, result FROM sensors_observation
    WHERE datastream_id = d.datastream_id AND phenomenon_time > d.after AND phenomenon_time <= %(until)s AND quality = 0
    ORDER BY phenomenon_time LIMIT %(limit)s
) o
ORDER BY d.datastream_id, o.phenomenon_time;
