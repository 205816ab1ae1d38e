-- name: hear
-- Takes over what came of the given datastreams and when; no row comes back. What is the latest is asked of an index, one probe
-- each: neither a late value nor one that was deleted can be wrong then.
UPDATE sensors_datastreamstate s
SET latest_at = o.phenomenon_time, latest_result = o.result, latest_quality = o.quality,
    heard_at = greatest(s.heard_at, g.heard_at)
FROM unnest(%(datastream_ids)s::bigint[], %(heard)s::timestamptz[]) AS g(datastream_id, heard_at)
LEFT JOIN LATERAL (
    SELECT phenomenon_time, result, quality FROM sensors_observation
    WHERE datastream_id = g.datastream_id ORDER BY phenomenon_time DESC LIMIT 1
) o ON true
WHERE s.datastream_id = g.datastream_id;

-- name: judge
-- One row per datastream whose state is to be another: its id, the new state, since when, the times of its last returns.
-- Of the given datastreams, or of all (null). Reads the states and the registry alone. See sensors.states.judging.
WITH clocked AS (
    SELECT s.*, d.silent_after, least(s.latest_at, s.heard_at) AS heard_of
    FROM sensors_datastreamstate s
    JOIN (
        SELECT id, interval '1 second' * coalesce(
            silent_after_s, CASE WHEN expected_interval_s > 0 THEN greatest(3 * expected_interval_s::bigint, %(least_s)s) END
        ) AS silent_after
        FROM sensors_datastream
    ) d ON d.id = s.datastream_id
    WHERE %(datastream_ids)s::bigint[] IS NULL OR s.datastream_id = ANY(%(datastream_ids)s::bigint[])
), returned AS (
    SELECT c.*, latest_at IS NOT NULL AND coalesce(heard_of + silent_after <= %(as_of)s, false) AS is_silent,
        CASE WHEN state = 'silent' AND latest_at IS NOT NULL AND coalesce(heard_of + silent_after > %(as_of)s, true)
            THEN (returned_at || least(heard_at, %(as_of)s))[greatest(cardinality(returned_at) + 2 - %(returns)s, 1):]
            ELSE returned_at END AS returns
    FROM clocked c
), judged AS (
    SELECT r.*, CASE
        WHEN latest_at IS NULL THEN 'never'
        WHEN is_silent THEN 'silent'
        WHEN cardinality(returns) >= %(returns)s AND returns[1] > %(as_of)s - %(within_s)s * interval '1 second' THEN 'flapping'
        WHEN heard_of + silent_after / 2 <= %(as_of)s THEN 'late'
        ELSE 'heard' END AS becomes
    FROM returned r
)
SELECT datastream_id, state, becomes, CASE becomes
        WHEN 'silent' THEN heard_of + silent_after
        WHEN 'late' THEN heard_of + silent_after / 2
        WHEN 'never' THEN %(as_of)s
        ELSE least(heard_at, %(as_of)s) END, returns
FROM judged WHERE becomes <> state ORDER BY datastream_id;

-- name: become
-- Gives the given datastreams their new states; no row comes back.
UPDATE sensors_datastreamstate s
SET state = g.state, since = g.since, returned_at = g.returned::timestamptz[]
FROM unnest(%(datastream_ids)s::bigint[], %(states)s::text[], %(since)s::timestamptz[], %(returned)s::text[])
    AS g(datastream_id, state, since, returned)
WHERE s.datastream_id = g.datastream_id;

-- name: read_up_to
-- One row: when the oldest entry was written that the follower has not read, or null: up to then, what has come is known.
SELECT (
    SELECT written_at FROM sensors_journalentry e
    WHERE (e.xid, e.id) > (b.xid, b.entry) ORDER BY e.xid, e.id LIMIT 1
)
FROM sensors_bookmark b WHERE b.name = %(name)s;
