-- name: open_rejects
-- One row per reason of which something lies in quarantine: how many messages (at most `most`), and when the latest came.
SELECT r.reason, n.messages, latest.received_at
FROM unnest(%(reasons)s::text[]) AS r(reason)
CROSS JOIN LATERAL (
    SELECT count(*) AS messages FROM (
        SELECT FROM sensors_rejectedmessage WHERE replayed_at IS NULL AND reason = r.reason LIMIT %(most)s
    ) some_of_them
) n
JOIN LATERAL (
    SELECT received_at FROM sensors_rejectedmessage WHERE replayed_at IS NULL AND reason = r.reason
    ORDER BY id DESC LIMIT 1
) latest ON true
ORDER BY n.messages DESC, r.reason;

-- name: followers
-- One row per follower: the entries of the journal after its bookmark (at most `most`; those that a transaction still open keeps
-- from it as well), when the oldest was written, when it moved last, and why it stands still.
SELECT b.name, unread.entries, oldest.written_at, b.moved_at, b.failure
FROM sensors_bookmark b
CROSS JOIN LATERAL (
    SELECT count(*) AS entries FROM (
        SELECT FROM sensors_journalentry WHERE (xid, id) > (b.xid, b.entry) LIMIT %(most)s
    ) some_of_them
) unread
LEFT JOIN LATERAL (
    SELECT written_at FROM sensors_journalentry WHERE (xid, id) > (b.xid, b.entry) ORDER BY xid, id LIMIT 1
) oldest ON true
ORDER BY b.name;

-- name: kept
-- One row: the clock; how many marks wait for rollups (at most `most`) and since when, which is when the journal was first written
-- to after the last refresh; the months of the observations' table; and the size of the database.
WITH marks AS (SELECT count(*) AS n FROM (SELECT FROM sensors_dirtyhour LIMIT %(most)s) some_of_them),
refreshed AS (SELECT max(changed_at) AS at FROM sensors_dataversion WHERE scope = 'rollups')
SELECT
    clock_timestamp(),
    marks.n,
    CASE WHEN marks.n > 0 THEN coalesce(
        (
            SELECT written_at FROM sensors_journalentry
            WHERE written_at > coalesce(refreshed.at, '-infinity') ORDER BY written_at LIMIT 1
        ),
        refreshed.at
    ) END,
    (SELECT count(*) FROM pg_inherits WHERE inhparent = 'sensors_observation'::regclass),
    pg_database_size(current_database())
FROM marks, refreshed;
