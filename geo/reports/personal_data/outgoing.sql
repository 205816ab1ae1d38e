-- name: forget_messages
-- No rows: of these reports nothing waits to be fetched, and what is kept of the fetching goes, but for what is on its way; in
-- statuses that were sent or given up there is neither a note nor the sender's own id any more, and they are not sent again.
WITH report AS (
    SELECT public_id FROM geo_report WHERE id = ANY(%(ids)s)
), photo AS (
    SELECT message.id
    FROM geo_outboxmessage message JOIN report ON report.public_id = message.payload->>'report'
    WHERE message.topic = 'photo.fetch'
    FOR UPDATE OF message SKIP LOCKED
), tries AS (
    DELETE FROM geo_deliveryattempt WHERE message_id IN (SELECT id FROM photo)
), fetched AS (
    DELETE FROM geo_outboxmessage WHERE id IN (SELECT id FROM photo)
)
UPDATE geo_outboxmessage message
SET payload = message.payload || '{"note": "", "external_id": "", "is_erased": true}'
FROM report
WHERE report.public_id = message.payload->>'report' AND message.topic = 'report.status' AND message.state <> 'pending'
  AND (message.payload->>'note' <> '' OR message.payload->>'external_id' <> '')
