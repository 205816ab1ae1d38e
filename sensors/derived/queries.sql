-- name: lock_rollups
-- One row: whether the rollups are ours until the transaction ends.
SELECT pg_try_advisory_xact_lock(hashtext('sensors.rollups'));

-- name: take_marks
-- One row per mark taken, of hours that are over: datastream, hour.
DELETE FROM sensors_derivedmark
WHERE ctid IN (SELECT ctid FROM sensors_derivedmark WHERE hour <= %(now)s - interval '1 hour' LIMIT %(limit)s)
RETURNING datastream_id, hour;

-- name: inputs
-- One row per derived datastream of which one of the given datastreams is an input, and per input of it: the derived one's id
-- and derivation, the input's code and id.
SELECT d.id, d.derivation, g.code, i.id
FROM unnest(%(derivations)s::text[], %(codes)s::text[], %(units)s::text[]) AS g(derivation, code, unit)
JOIN sensors_datastream d ON d.derivation = g.derivation
JOIN sensors_observedproperty p ON p.code = g.code
JOIN sensors_datastream i ON i.thing_id = d.thing_id AND i.observed_property_id = p.id AND i.unit_ucum = g.unit
    AND i.derivation = ''
WHERE d.thing_id = ANY(ARRAY(SELECT DISTINCT thing_id FROM sensors_datastream WHERE id = ANY(%(datastream_ids)s)));

-- name: windows
-- One row per given datastream and end of 24 hours with any hour in them: both, how many hours, the mean of their means, their
-- sum, and whether the last one is among them. One index range each.
SELECT g.datastream_id, g.ends_at, h.hours, h.mean, h.sum, h.has_last
FROM unnest(%(datastream_ids)s::bigint[], %(ends)s::timestamptz[]) AS g(datastream_id, ends_at)
CROSS JOIN LATERAL (
    SELECT count(*) AS hours, avg(r.sum / r.n) AS mean, sum(r.sum) AS sum,
        bool_or(r.hour = g.ends_at - interval '1 hour') AS has_last
    FROM sensors_hourlyrollup r
    WHERE r.datastream_id = g.datastream_id AND r.hour >= g.ends_at - interval '24 hours' AND r.hour < g.ends_at
) h
WHERE h.hours > 0;

-- name: stored_results
-- One row per given key, in order: the stored result, null when there is none. One index probe each.
SELECT o.result
FROM unnest(%(datastream_ids)s::bigint[], %(times)s::timestamptz[]) WITH ORDINALITY AS i(datastream_id, at, place)
LEFT JOIN LATERAL (
    SELECT result FROM sensors_observation o WHERE o.datastream_id = i.datastream_id AND o.phenomenon_time = i.at LIMIT 1
) o ON true
ORDER BY i.place;

-- name: change_results
-- Gives stored observations another result; each key is there. An upsert, since it looks for each by its key.
INSERT INTO sensors_observation (datastream_id, phenomenon_time, result, received_at, quality, time_source)
SELECT datastream_id, at, result, %(now)s, 0, 0
FROM unnest(%(datastream_ids)s::bigint[], %(times)s::timestamptz[], %(results)s::float8[]) AS g(datastream_id, at, result)
ORDER BY datastream_id, at
ON CONFLICT (datastream_id, phenomenon_time) DO UPDATE
SET result = EXCLUDED.result, received_at = EXCLUDED.received_at, quality = 0;

-- name: delete_results
-- Deletes observations by their keys; the bounds are for the partitions.
DELETE FROM sensors_observation o
USING unnest(%(datastream_ids)s::bigint[], %(times)s::timestamptz[]) AS g(datastream_id, at)
WHERE o.datastream_id = g.datastream_id AND o.phenomenon_time = g.at
    AND o.phenomenon_time >= %(first)s AND o.phenomenon_time <= %(last)s;

-- name: mark_dirty
-- Marks the hours in which these times lie.
INSERT INTO sensors_dirtyhour (datastream_id, hour)
SELECT DISTINCT datastream_id, date_bin('1 hour', at, '2000-01-01Z')
FROM unnest(%(datastream_ids)s::bigint[], %(times)s::timestamptz[]) AS g(datastream_id, at);

-- name: mark_inputs
-- Marks every hour from which these new derived datastreams are to be computed.
INSERT INTO sensors_derivedmark (datastream_id, hour)
SELECT DISTINCT r.datastream_id, r.hour
FROM sensors_datastream d
JOIN sensors_datastream i ON i.thing_id = d.thing_id AND i.derivation = ''
JOIN sensors_observedproperty p ON p.id = i.observed_property_id AND p.code = ANY(%(codes)s)
JOIN sensors_hourlyrollup r ON r.datastream_id = i.id AND r.hour >= %(since)s
WHERE d.id = ANY(%(derived_ids)s)
ON CONFLICT DO NOTHING;
