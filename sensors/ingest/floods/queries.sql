-- name: note
-- Adds what was refused of each thing; one row for each whose flood begins with this.
INSERT INTO sensors_devicelimit AS d (thing, flooding_since, flooded_at, refused)
SELECT thing, %(now)s, %(now)s, refused
FROM unnest(%(things)s::text[], %(refused)s::bigint[]) AS f(thing, refused)
ORDER BY thing
ON CONFLICT (thing) DO UPDATE SET
    refused = EXCLUDED.refused + CASE WHEN d.flooding_since IS NULL THEN 0 ELSE d.refused END,
    flooding_since = COALESCE(d.flooding_since, EXCLUDED.flooding_since),
    flooded_at = GREATEST(d.flooded_at, EXCLUDED.flooded_at)
RETURNING thing, flooding_since = %(now)s AS begins;

-- name: end_floods
-- One row for each flood that is over: nothing was refused since the given time.
UPDATE sensors_devicelimit AS d
SET flooding_since = NULL
FROM sensors_devicelimit AS before
WHERE d.id = before.id AND d.flooding_since IS NOT NULL AND d.flooded_at < %(quiet_since)s
RETURNING d.thing, before.flooding_since, d.flooded_at, d.refused;

-- name: lift
-- The thing may send without a limit until then; no row comes back.
INSERT INTO sensors_devicelimit AS d (thing, unlimited_until, refused)
VALUES (%(thing)s, %(until)s, 0)
ON CONFLICT (thing) DO UPDATE SET unlimited_until = GREATEST(d.unlimited_until, EXCLUDED.unlimited_until);
