-- name: record_entry
-- Writes one entry with the number of this transaction; no row comes back.
INSERT INTO sensors_journalentry (xid, kind, written_at, datastream_ids, phenomenon_times, results, qualities)
VALUES (
    pg_current_xact_id()::text::bigint, %(kind)s, clock_timestamp(),
    %(datastream_ids)s::bigint[], %(phenomenon_times)s::bigint[], %(results)s::float8[], %(qualities)s::smallint[]
);

-- name: entries_after
-- One row per entry after a position, in the order of commits: its number of transaction, its id, and what was done.
SELECT xid, id, kind, written_at, datastream_ids, phenomenon_times, results, qualities
FROM sensors_journalentry
WHERE (xid, id) > %(after)s AND (xid, id) <= %(until)s
    AND xid < (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint)
ORDER BY xid, id LIMIT %(limit)s;

-- name: latest_position
-- One row, or none where there is no entry: the position of the last that can be read.
SELECT xid, id FROM sensors_journalentry
WHERE xid < (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint)
ORDER BY xid DESC, id DESC LIMIT 1;

-- name: forget_before
-- Deletes the entries that were written before a moment; no row comes back.
DELETE FROM sensors_journalentry WHERE written_at < %(moment)s;

-- name: renumber_entries
-- Gives the oldest number to entries of transactions that this cluster has not begun yet.
UPDATE sensors_journalentry SET xid = 1
WHERE xid >= (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint);

-- name: renumber_bookmarks
-- Gives the oldest number to bookmarks of transactions that this cluster has not begun yet.
UPDATE sensors_bookmark SET xid = 1
WHERE xid >= (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint);
