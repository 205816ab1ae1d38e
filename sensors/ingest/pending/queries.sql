-- name: wait_for_others
-- Nothing. Where one of these slugs is new and there is room for it, waits until no other transaction adds any: each counts
-- what is there before it adds, and two at once would both take the last place.
SELECT pg_advisory_xact_lock(hashtext('sensors.pending'))
WHERE EXISTS (
    SELECT FROM unnest(%(slugs)s::text[]) s(slug)
    WHERE NOT EXISTS (SELECT FROM sensors_pendingthing p WHERE p.slug = s.slug)
) AND (
    SELECT count(*) < %(most)s AND count(*) FILTER (WHERE first_seen > %(hour_ago)s) < %(most_per_hour)s
    FROM sensors_pendingthing p WHERE NOT EXISTS (SELECT FROM sensors_thing t WHERE t.slug = p.slug)
)

-- name: note
-- Nothing. A row for each device: those that are there are counted on, new ones are added while there is room, in the order
-- of their slugs, so that two workers never wait for each other's rows in a circle. Those that were registered meanwhile take no
-- room.
WITH given AS (
    SELECT slug, messages, topic, seen, first_seen, last_seen, p.slug IS NULL AS is_new
    FROM unnest(%(slugs)s::text[], %(messages)s::bigint[], %(topics)s::text[], %(seen)s::jsonb[],
                %(first_seen)s::timestamptz[], %(last_seen)s::timestamptz[])
         AS g(slug, messages, topic, seen, first_seen, last_seen)
    LEFT JOIN (SELECT slug FROM sensors_pendingthing) p USING (slug)
), room AS (
    SELECT greatest(0, least(
        %(most)s - count(*), %(most_per_hour)s - count(*) FILTER (WHERE first_seen > %(hour_ago)s)
    )) AS n FROM sensors_pendingthing p WHERE NOT EXISTS (SELECT FROM sensors_thing t WHERE t.slug = p.slug)
), taken AS (
    SELECT * FROM given WHERE NOT is_new
    UNION ALL
    (SELECT * FROM given WHERE is_new ORDER BY slug LIMIT (SELECT n FROM room))
)
INSERT INTO sensors_pendingthing AS p (slug, state, messages, topic, seen, first_seen, last_seen)
SELECT slug, 'pending', messages, topic, seen, first_seen, last_seen FROM taken ORDER BY slug
ON CONFLICT (slug) DO UPDATE SET
    messages = p.messages + excluded.messages,
    topic = excluded.topic,
    last_seen = greatest(p.last_seen, excluded.last_seen),
    seen = CASE WHEN (SELECT count(*) FROM jsonb_object_keys(p.seen || excluded.seen)) <= %(most_names)s
                THEN p.seen || excluded.seen ELSE p.seen END
WHERE p.state = 'pending'
