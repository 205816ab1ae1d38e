-- name: due_destinations
-- One row per destination that has a message to be sent now and is not paused: its name, the transport of that message (a
-- destination has one transport), and is_failing after a try that was in vain.
-- It jumps from one destination to the next along outbox_pending, so that it costs the same with ten messages and with a million.
WITH RECURSIVE waiting (destination) AS (
    (SELECT destination FROM geo_outboxmessage WHERE state = 'pending' ORDER BY destination LIMIT 1)
    UNION ALL
    SELECT (
        SELECT message.destination FROM geo_outboxmessage message
        WHERE message.state = 'pending' AND message.destination > waiting.destination
        ORDER BY message.destination LIMIT 1
    )
    FROM waiting WHERE waiting.destination IS NOT NULL
)
SELECT waiting.destination, due.transport, COALESCE(known.failures, 0) > 0 AS is_failing
FROM waiting
CROSS JOIN LATERAL (
    SELECT message.transport FROM geo_outboxmessage message
    WHERE message.state = 'pending' AND message.destination = waiting.destination AND message.next_attempt_at <= %(now)s
    ORDER BY message.next_attempt_at, message.id LIMIT 1
) due
LEFT JOIN geo_destination known ON known.name = waiting.destination
WHERE waiting.destination IS NOT NULL
  AND (known.retry_at IS NULL OR known.retry_at <= %(now)s);

-- name: take_lane
-- One row: whether this transaction may send to the destination by the lane of this number, which is then its own. What is sent
-- in the background has lanes of its own, beside its destinations'.
SELECT pg_try_advisory_xact_lock(hashtext('geo.outbox ' || %(destination)s), %(lane)s);

-- name: claim_message
-- At most one row: the message of the destination that has been due longest, waits for no earlier one of its ordering key, and
-- is in nobody else's hands; it stays in ours until the end of the transaction.
SELECT message.*
FROM geo_outboxmessage message
WHERE message.state = 'pending'
  AND message.destination = %(destination)s
  AND message.next_attempt_at <= %(now)s
  AND (message.ordering_key = '' OR NOT EXISTS (
      SELECT FROM geo_outboxmessage earlier
      WHERE earlier.state = 'pending'
        AND earlier.destination = message.destination
        AND earlier.ordering_key = message.ordering_key
        AND earlier.id < message.id
  ))
  AND NOT EXISTS (SELECT FROM geo_destination WHERE name = %(destination)s AND retry_at > %(now)s)
ORDER BY message.next_attempt_at, message.id
LIMIT 1
FOR UPDATE OF message SKIP LOCKED;

-- name: give_up_overdue
-- Ends the messages of a destination that are past their time, but for one's own; one row per message. Those that are on their
-- way are left alone.
UPDATE geo_outboxmessage
SET state = 'dead', finished_at = %(now)s, last_error = %(error)s
WHERE id IN (
    SELECT id FROM geo_outboxmessage
    WHERE state = 'pending' AND destination = %(destination)s AND id <> %(own)s
      AND (give_up_at <= %(now)s OR give_up_at IS NULL AND created_at <= %(created_by)s)
    FOR UPDATE SKIP LOCKED
);
