-- name: contents
-- One row per datastream that has observations in a month's table: its id, how many, and the sum of their hashes.
-- A row's hash is the first eight bytes of the SHA-256 of its columns in PostgreSQL's binary wire forms, one after the other:
-- what the files' reader computes as well (archive_files.checksum_of). A sum knows no order.
SELECT datastream_id, count(*), sum(('x' || encode(substr(sha256(
    int8send(datastream_id) || timestamptz_send(phenomenon_time) || float8send(result) || timestamptz_send(received_at)
    || int2send(quality) || int2send(time_source)), 1, 8), 'hex'))::bit(64)::bigint)
FROM {table} GROUP BY datastream_id

-- name: rows
-- One row per observation of the given datastreams in a month's table: the columns of archive_files.Row.
SELECT datastream_id, (extract(epoch FROM phenomenon_time) * 1000000)::bigint, result,
    (extract(epoch FROM received_at) * 1000000)::bigint, quality, time_source
FROM {table} WHERE datastream_id = ANY(%(datastream_ids)s) ORDER BY datastream_id, phenomenon_time

-- name: present_datastreams
-- One row per datastream of the registry that has an observation in a month's table: its id. An index probe each.
SELECT id FROM sensors_datastream d WHERE EXISTS (SELECT FROM {table} WHERE datastream_id = d.id)

-- name: has_dirty_hours
-- One row: whether an hour of the period waits for its rollup.
SELECT EXISTS (SELECT FROM sensors_dirtyhour WHERE hour >= %(start)s AND hour < %(end)s)

-- name: count_a_change
-- Changes no row: for the trigger by which the data version counts statements, since detaching a partition fires none.
DELETE FROM sensors_observation WHERE false

-- name: restore_rows
-- Puts archived observations back into the table. The first writer wins: what came later for the same key gives way, with an
-- audit line where it said something else.
WITH incoming AS (
    SELECT datastream_id, timestamptz 'epoch' + at_us * interval '1 microsecond' AS phenomenon_time, result,
        timestamptz 'epoch' + received_us * interval '1 microsecond' AS received_at, quality, time_source
    FROM unnest(
        %(datastream_ids)s::bigint[], %(phenomenon_times)s::bigint[], %(results)s::float8[],
        %(received_at)s::bigint[], %(qualities)s::smallint[], %(time_sources)s::smallint[]
    ) AS i(datastream_id, at_us, result, received_us, quality, time_source)
), overruled AS (
    INSERT INTO sensors_correction (datastream_id, phenomenon_time, old_result, new_result, reason, corrected_at)
    SELECT i.datastream_id, i.phenomenon_time, o.result, i.result, %(reason)s, now()
    FROM incoming i JOIN sensors_observation o USING (datastream_id, phenomenon_time)
    WHERE o.result <> i.result AND EXISTS (SELECT FROM sensors_datastream d WHERE d.id = i.datastream_id)
)
INSERT INTO sensors_observation AS o (datastream_id, phenomenon_time, result, received_at, quality, time_source)
SELECT datastream_id, phenomenon_time, result, received_at, quality, time_source
FROM incoming ORDER BY datastream_id, phenomenon_time
ON CONFLICT (datastream_id, phenomenon_time) DO UPDATE
SET result = EXCLUDED.result, received_at = EXCLUDED.received_at, quality = EXCLUDED.quality, time_source = EXCLUDED.time_source
WHERE (o.result, o.received_at, o.quality, o.time_source)
    IS DISTINCT FROM (EXCLUDED.result, EXCLUDED.received_at, EXCLUDED.quality, EXCLUDED.time_source)

-- name: mark_restored_hours
-- Marks each hour of the given datastreams in the period that has good observations.
INSERT INTO sensors_dirtyhour (datastream_id, hour)
SELECT DISTINCT datastream_id, date_bin('1 hour', phenomenon_time, '2000-01-01Z') FROM sensors_observation
WHERE datastream_id = ANY(%(datastream_ids)s) AND phenomenon_time >= %(start)s AND phenomenon_time < %(end)s AND quality = 0
