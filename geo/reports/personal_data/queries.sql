-- name: due_reports
-- A row per report whose personal data was kept long enough: its id. Locked; those that somebody else holds are left for the
-- next time. The days are those of its category, or of the nearest above that says how many; counted from the last change.
-- A report that was never closed may still be dealt with: it is given twice the days.
WITH RECURSIVE lineage AS (
    SELECT id AS category_id, parent_id, retention_days, 0 AS depth FROM geo_category
    UNION ALL
    SELECT l.category_id, k.parent_id, k.retention_days, l.depth + 1
    FROM lineage l JOIN geo_category k ON k.id = l.parent_id
    WHERE l.retention_days IS NULL AND l.depth < 20
), kept AS MATERIALIZED (
    -- The way up ends where the days are said.
    SELECT k.id AS category_id, %(now)s::timestamptz - make_interval(days => coalesce(max(l.retention_days), %(default_days)s)) AS closed_before,
           %(now)s::timestamptz - make_interval(days => 2 * coalesce(max(l.retention_days), %(default_days)s)) AS open_before
    FROM geo_category k JOIN lineage l ON l.category_id = k.id
    GROUP BY k.id
)
SELECT r.id FROM geo_report r JOIN kept USING (category_id)
WHERE r.id > %(after)s
  -- Once; and again where it was written to since.
  AND (r.anonymised_at IS NULL OR r.anonymised_at < r.updated_at)
  -- Before anything is asked of its category: of most reports this is all that is looked at.
  AND r.updated_at < (SELECT max(closed_before) FROM kept)
  AND r.updated_at < CASE WHEN r.status = ANY(%(closed)s) THEN kept.closed_before ELSE kept.open_before END
ORDER BY r.id LIMIT %(batch)s
FOR UPDATE OF r SKIP LOCKED

-- name: strip_reports
-- No rows: of these reports only what the public may see is left, and for exact place and area that is what it sees. When
-- that was done is a moment after the last change, whatever the clocks say.
UPDATE geo_report SET
    description = public_description, address = '', landmark = '', attributes = '{}',
    area_id = CASE WHEN location IS NULL THEN area_id ELSE public_area_id END,
    location_flag = CASE WHEN location IS NULL THEN location_flag WHEN public_area_id IS NULL THEN 'outside' ELSE 'inside' END,
    location = public_location,
    anonymised_at = greatest(%(now)s::timestamptz, updated_at)
WHERE id = ANY(%(ids)s)

-- name: delete_contacts
-- No rows.
DELETE FROM geo_reportcontact WHERE report_id = ANY(%(ids)s)

-- name: empty_notes
-- No rows: notes that were not for the public lose their text; the lines of history that refer to them stay.
UPDATE geo_historynote SET text = '' WHERE report_id = ANY(%(ids)s) AND NOT is_public AND text <> ''

-- name: strip_photos
-- No rows.
UPDATE geo_reportphoto SET taken_at = NULL, distance_m = NULL
WHERE report_id = ANY(%(ids)s) AND (taken_at IS NOT NULL OR distance_m IS NOT NULL)

-- name: strip_supports
-- No rows: supports stay and count, but no device is behind them any more.
UPDATE geo_reportsupport SET device_hash = 'erased:' || id WHERE report_id = ANY(%(ids)s) AND device_hash NOT LIKE 'erased:%%'

-- name: strip_devices
-- No rows: the same for what these devices supported.
UPDATE geo_reportsupport SET device_hash = 'erased:' || id WHERE device_hash = ANY(%(devices)s)

-- name: note_reports
-- No rows: a line of history for each.
INSERT INTO geo_historyentry (report_id, at, action, old, new, agency_id, origin)
SELECT r.id, %(now)s, %(action)s, '{}', %(new)s::jsonb, r.agency_id, %(origin)s
FROM geo_report r WHERE r.id = ANY(%(ids)s) ORDER BY r.id

-- name: delete_old_dead_letters
-- No rows: what a channel sent and could not be stored, once it is too old to be mended.
DELETE FROM geo_deadletter WHERE received_at < %(before)s

-- name: reports_of_person
-- A row per report: its id. By the contact's e-mail address, whatever the case, or telephone number, whatever its form
-- (0812…, 62812… and +62 812-… are one); of these only those of the name, if one is given. Or the one with this public id.
SELECT r.id FROM geo_report r LEFT JOIN geo_reportcontact c ON c.report_id = r.id
WHERE (%(report)s = '' OR r.public_id = %(report)s)
  AND (%(report)s <> ''
       OR ((%(email)s <> '' OR %(phone)s <> '') AND (lower(c.email) = nullif(%(email)s, '') OR {phone} = nullif(%(phone)s, '')))
       OR (%(email)s = '' AND %(phone)s = '' AND %(name)s <> '' AND c.id IS NOT NULL))
  AND (%(name)s = '' OR lower(regexp_replace(btrim(c.name), '\s+', ' ', 'g')) = %(name)s)
ORDER BY r.id

-- name: phone_key
-- A fragment: a telephone number without what may be written in many ways: signs, 00, 62, the zero.
regexp_replace(regexp_replace(c.phone, '[^0-9]', '', 'g'), '^(00)?(62)?0?', '')

-- name: holding
-- A row per report of these that still holds personal data: its id. Locked, in the order in which others lock.
SELECT r.id FROM geo_report r
WHERE r.id = ANY(%(ids)s) AND (
    r.description <> r.public_description OR r.address <> '' OR r.landmark <> '' OR r.attributes <> '{}'
    OR r.location IS DISTINCT FROM r.public_location
    OR EXISTS (SELECT FROM geo_reportcontact c WHERE c.report_id = r.id)
    OR EXISTS (SELECT FROM geo_historynote n WHERE n.report_id = r.id AND NOT n.is_public AND n.text <> '')
    OR EXISTS (SELECT FROM geo_reportphoto p WHERE p.report_id = r.id
               AND (%(photos)s OR p.taken_at IS NOT NULL OR p.distance_m IS NOT NULL)))
ORDER BY r.duplicate_of_id IS NOT NULL, r.id FOR UPDATE OF r

-- name: dead_letters_of_person
-- A row per dead letter that names the person, or is about one of these reports: id, channel, external id, payload, reason,
-- when it came.
SELECT d.id, ch.slug, d.external_id, d.payload, d.reason, d.received_at
FROM geo_deadletter d JOIN geo_channel ch ON ch.id = d.channel_id
WHERE (%(email)s <> '' AND strpos(lower(d.payload::text || ' ' || d.reason), %(email)s) > 0)
   OR (%(phone)s <> '' AND strpos(regexp_replace(d.payload::text || ' ' || d.reason, '[^0-9]', '', 'g'), %(phone)s) > 0)
   OR EXISTS (SELECT FROM geo_report r WHERE r.id = ANY(%(ids)s)
              AND r.channel_id = d.channel_id AND r.external_id = d.external_id)
ORDER BY d.id

-- name: delete_dead_letters
-- No rows.
DELETE FROM geo_deadletter WHERE id = ANY(%(ids)s)

-- name: mentions
-- A row per report of somebody else whose text or notes hold the person's e-mail address or telephone number: its id.
-- Every text is read: what people write between digits is taken out by translate, five times as fast as by an expression. Only
-- where a text is not ASCII there are more signs than a few, and other digits: `looks` and, at the same places, `digits`. That
-- list is long, so words are shortened to a sign before it is gone through for each character.
SELECT t.id FROM (
    SELECT w.id, w.said, translate(w.said, E' .,-()/_*+:\n\t\r\v\f', '') AS plain FROM (
        SELECT id, concat_ws(' ', description, public_description, address, landmark, attributes::text) AS said FROM geo_report
        UNION ALL
        SELECT report_id, text FROM geo_historynote
    ) w
) t
WHERE t.id <> ALL(%(ids)s)
  AND ((%(email)s <> '' AND strpos(lower(t.said), %(email)s) > 0)
       OR (%(phone)s <> '' AND strpos(CASE WHEN octet_length(t.said) = char_length(t.said) THEN t.plain
               ELSE translate(regexp_replace(t.plain, '[A-Za-z]+', '|', 'g'), %(looks)s, %(digits)s) END, %(phone)s) > 0))
GROUP BY t.id
ORDER BY t.id
