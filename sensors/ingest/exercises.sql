-- name: forget_in_journal
-- Takes the given datastreams out of entries that have others beside them; their order and the others stay.
UPDATE sensors_journalentry e
SET datastream_ids = kept.datastream_ids, phenomenon_times = kept.phenomenon_times, results = kept.results,
    qualities = kept.qualities
FROM (
    SELECT j.id, coalesce(array_agg(l.datastream_id ORDER BY l.place) FILTER (WHERE l.is_kept), '{}') AS datastream_ids,
           coalesce(array_agg(l.at ORDER BY l.place) FILTER (WHERE l.is_kept), '{}') AS phenomenon_times,
           coalesce(array_agg(l.result ORDER BY l.place) FILTER (WHERE l.is_kept), '{}') AS results,
           coalesce(array_agg(l.quality ORDER BY l.place) FILTER (WHERE l.is_kept), '{}') AS qualities
    FROM sensors_journalentry j
    CROSS JOIN LATERAL (
        SELECT u.*, u.datastream_id <> ALL(%(ids)s::bigint[]) AS is_kept
        FROM unnest(j.datastream_ids, j.phenomenon_times, j.results, j.qualities)
            WITH ORDINALITY AS u(datastream_id, at, result, quality, place)
    ) l
    WHERE j.datastream_ids && %(ids)s::bigint[]
    GROUP BY j.id
) kept
WHERE e.id = kept.id;

-- name: drop_empty_entries
-- Deletes the entries of which nothing is left.
DELETE FROM sensors_journalentry WHERE datastream_ids = '{}';

-- name: drop_rejects
-- Deletes what was quarantined of things of an exercise. Once these are gone: a real thing may bear such a name.
DELETE FROM sensors_rejectedmessage r
WHERE r.topic LIKE %(topics)s AND NOT EXISTS (SELECT FROM sensors_thing t WHERE t.slug = split_part(r.topic, '/', 2));
