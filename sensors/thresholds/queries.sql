-- name: lock
-- One who sets watches or follows them at a time, until the transaction ends: two would lock the same rows in other orders.
SELECT pg_advisory_xact_lock(hashtext('sensors.thresholds'));

-- name: standing_crossings
-- One row per crossing that stands, of each given watch, from the last opening before a time on: in the order of time.
SELECT c.id, c.watch_id, c.at, c.since, c.value, c.old, c.new, c.peak, c.peak_at
FROM unnest(%(watch_ids)s::bigint[], %(firsts)s::timestamptz[]) AS w(watch_id, first)
LEFT JOIN LATERAL (
    SELECT at FROM sensors_crossing
    WHERE watch_id = w.watch_id AND revoked_at IS NULL AND at < w.first AND old = 0
    ORDER BY at DESC LIMIT 1
) opened ON true
JOIN sensors_crossing c ON c.watch_id = w.watch_id AND c.revoked_at IS NULL AND c.at >= coalesce(opened.at, w.first)
ORDER BY c.watch_id, c.at;

-- name: revoke_crossings
-- Says of crossings that they were none.
UPDATE sensors_crossing SET revoked_at = %(now)s, change = nextval('sensors_crossing_change') WHERE id = ANY(%(ids)s);

-- name: insert_crossings
-- Writes crossings in the order given.
INSERT INTO sensors_crossing
    (watch_id, change, at, since, value, old, new, peak, peak_at, is_late, recorded_at)
SELECT watch_id, nextval('sensors_crossing_change'), at, since, value, old, new, peak, peak_at, is_late, %(now)s
FROM (
    SELECT * FROM unnest(
        %(watch_ids)s::bigint[], %(at)s::timestamptz[], %(since)s::timestamptz[], %(values)s::float8[], %(old)s::smallint[],
        %(new)s::smallint[], %(peaks)s::float8[], %(peaks_at)s::timestamptz[], %(is_late)s::boolean[]
    ) WITH ORDINALITY AS g(watch_id, at, since, value, old, new, peak, peak_at, is_late, place)
    ORDER BY place
) AS given;

-- name: mend_crossings
-- Gives crossings that stand the values by which they do.
UPDATE sensors_crossing c
SET value = g.value, peak = g.peak, peak_at = g.peak_at, change = nextval('sensors_crossing_change')
FROM unnest(%(ids)s::bigint[], %(values)s::float8[], %(peaks)s::float8[], %(peaks_at)s::timestamptz[])
    AS g(id, value, peak, peak_at)
WHERE c.id = g.id;

-- name: store_states
-- Writes how watches stand now. A list of times cannot be unnested as one, and comes as JSON.
UPDATE sensors_watch w
SET evaluated_to = g.evaluated_to, level = g.level, heard_at = g.heard_at, value = g.value, peak = g.peak, peak_at = g.peak_at,
    due_at = g.due_at,
    changing_since = ARRAY(
        SELECT t.since::timestamptz FROM jsonb_array_elements_text(g.changing::jsonb) WITH ORDINALITY AS t(since, place)
        ORDER BY t.place)
FROM unnest(
    %(watch_ids)s::bigint[], %(evaluated_to)s::timestamptz[], %(levels)s::smallint[], %(heard_at)s::timestamptz[],
    %(values)s::float8[], %(peaks)s::float8[], %(peaks_at)s::timestamptz[], %(due_at)s::timestamptz[], %(changing)s::text[]
) AS g(watch_id, evaluated_to, level, heard_at, value, peak, peak_at, due_at, changing)
WHERE w.id = g.watch_id;
