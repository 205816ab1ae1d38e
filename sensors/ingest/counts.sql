-- name: count_outcome
-- Adds the outcome of one transaction to a slot's row; no row comes back. `newest` is null where nothing was stored.
UPDATE sensors_ingeststatus SET
    received = received + %(received)s,
    stored = stored + %(stored)s,
    repeated = repeated + %(repeated)s,
    quarantined = quarantined + %(quarantined)s,
    ignored = ignored + %(ignored)s,
    last_commit_at = clock_timestamp(),
    lag_seconds = %(lag_s)s,
    newest_at = GREATEST(newest_at, %(newest)s::timestamptz)
WHERE slot = %(slot)s;

-- name: count_quarantined
-- Adds to a slot's counts by reason, one row each; no row comes back.
INSERT INTO sensors_quarantinecount AS q (slot, reason, kept, counted_only)
SELECT %(slot)s, reason, kept, counted_only
FROM unnest(%(reasons)s::text[], %(kept)s::bigint[], %(counted_only)s::bigint[]) AS r(reason, kept, counted_only)
ON CONFLICT (slot, reason) DO UPDATE
SET kept = q.kept + EXCLUDED.kept, counted_only = q.counted_only + EXCLUDED.counted_only;
