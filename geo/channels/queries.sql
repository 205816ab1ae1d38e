-- name: keep_dead_letters
-- No rows: what could not be stored, as it came. The same external id while its letter is open is the same letter, with the
-- latest of what was sent and why it was refused.
INSERT INTO geo_deadletter (channel_id, external_id, payload, reason, received_at)
SELECT %(channel_id)s, g.external_id, g.payload, g.reason, %(now)s
FROM unnest(%(external_ids)s::text[], %(payloads)s::jsonb[], %(reasons)s::text[]) AS g(external_id, payload, reason)
ON CONFLICT (channel_id, external_id) WHERE replayed_at IS NULL AND NOT (external_id = '')
DO UPDATE SET payload = excluded.payload, reason = excluded.reason

-- name: channel_states
-- A row per connected channel: slug, adapter, is_active, pulled_at, succeeded_at, failures, last_error, open dead letters, and of
-- what goes to it: messages to be sent, and given up.
SELECT c.slug, k.adapter, k.is_active AND c.is_active, k.pulled_at, k.succeeded_at, k.failures, k.last_error,
       (SELECT count(*) FROM geo_deadletter d WHERE d.channel_id = c.id AND d.replayed_at IS NULL),
       (SELECT count(*) FROM geo_outboxmessage m WHERE m.state = 'pending' AND m.destination = 'channel:' || c.slug),
       (SELECT count(*) FROM geo_outboxmessage m WHERE m.state = 'dead' AND m.destination = 'channel:' || c.slug)
FROM geo_channelconnection k JOIN geo_channel c ON c.id = k.channel_id
ORDER BY c.slug
