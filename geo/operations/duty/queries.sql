-- name: waiting_reports
-- One row per report that nobody has taken although its first response is overdue: since when, and how often it was reopened.
-- Of a reopened one that is since it was reopened. What follows another report waits with it. A fragment.
SELECT r.city_id, r.category_id, r.id AS subject_id, r.reopened_count AS episode,
       greatest(r.response_due_at, reopened.at) AS since
FROM geo_report r
LEFT JOIN LATERAL (
    SELECT max(h.at) AS at FROM geo_historyentry h
    WHERE r.status = 'reopened' AND h.report_id = r.id
      AND h.new ->> 'status' = 'reopened' AND h.old ->> 'status' <> 'reopened'
) reopened ON true
WHERE r.status IN ('submitted', 'reopened') AND r.response_due_at < %(now)s AND r.duplicate_of_id IS NULL AND NOT r.is_exercise

-- name: waiting_alerts
-- One row per open alert that nobody has acknowledged: since when, and how often it has risen. A fragment.
SELECT a.city_id, r.category_id, a.id AS subject_id, a.rises AS episode, a.waiting_since AS since
FROM geo_alert a
JOIN geo_alertrule r ON r.id = a.rule_id
WHERE a.closed_at IS NULL AND a.acknowledged_at IS NULL AND a.waiting_since <= %(now)s AND NOT a.is_exercise

-- name: climb
-- One row per thing that reaches a level of the on-call list now: the level. A row that is there already was told of before,
-- by this process or by another one at the same moment. However long nobody looked, each level has each thing once.
WITH RECURSIVE above (category_id, ancestor_id) AS (
    SELECT id, id FROM geo_category
    UNION
    SELECT a.category_id, c.parent_id FROM above a JOIN geo_category c ON c.id = a.ancestor_id WHERE c.parent_id IS NOT NULL
)
INSERT INTO geo_escalation (level_id, kind, subject_id, episode, waiting_since, raised_at)
SELECT l.id, %(kind)s, w.subject_id, w.episode, w.since, %(now)s
FROM ({waiting}) w
JOIN geo_oncalllevel l ON l.city_id = w.city_id AND l.is_active
CROSS JOIN LATERAL (SELECT w.since + make_interval(mins => l.after_minutes) AS at) due
WHERE due.at <= %(now)s AND due.at >= l.active_since
  AND (NOT EXISTS (SELECT FROM geo_oncalllevel_categories c WHERE c.oncalllevel_id = l.id)
       OR EXISTS (SELECT FROM geo_oncalllevel_categories c JOIN above a ON a.ancestor_id = c.category_id
                  WHERE c.oncalllevel_id = l.id AND a.category_id = w.category_id))
ORDER BY l.position, l.id, w.since, w.subject_id
ON CONFLICT DO NOTHING
RETURNING level_id

-- name: still_waiting
-- One row per report that a level was told of at a moment, and that still waits as it did then, the longest first.
SELECT r.public_id, c.name_id, c.name_en, a.name AS area, w.since
FROM geo_escalation e
JOIN ({waiting}) w ON w.subject_id = e.subject_id AND w.episode = e.episode
JOIN geo_report r ON r.id = w.subject_id
JOIN geo_category c ON c.id = r.category_id
LEFT JOIN geo_area a ON a.id = r.public_area_id
WHERE e.level_id = %(level_id)s AND e.kind = 'report' AND e.raised_at = %(raised_at)s
ORDER BY w.since, r.id

-- name: still_waiting_alerts
-- The same for alerts: its level and its thing are its name, in either language.
SELECT t.public_id, t.level_name || ', ' || t.thing_name AS name_id, t.level_name || ', ' || t.thing_name AS name_en,
       a.name AS area, w.since
FROM geo_escalation e
JOIN ({waiting}) w ON w.subject_id = e.subject_id AND w.episode = e.episode
JOIN geo_alert t ON t.id = w.subject_id
LEFT JOIN geo_area a ON a.id = t.area_id
WHERE e.level_id = %(level_id)s AND e.kind = 'alert' AND e.raised_at = %(raised_at)s
ORDER BY w.since, t.id

-- name: unanswered
-- One row per report of a city that nobody has taken, the longest first; n is how many there are, level the highest that was told.
SELECT r.public_id, c.slug AS category, c.name_id, c.name_en, a.name AS area, w.since, count(*) OVER () AS n,
       (SELECT max(l.position) FROM geo_escalation e JOIN geo_oncalllevel l ON l.id = e.level_id
        WHERE e.kind = 'report' AND e.subject_id = r.id AND e.episode = w.episode) AS level
FROM ({waiting}) w
JOIN geo_report r ON r.id = w.subject_id
JOIN geo_category c ON c.id = r.category_id
LEFT JOIN geo_area a ON a.id = r.public_area_id
WHERE w.city_id = %(city_id)s
ORDER BY w.since, r.id
LIMIT %(limit)s

-- name: counts
-- One row per category, one per area of the level below the city's own, and one for all: what came in and was closed from
-- `start` on, what is open, and late, now. By public areas, since all staff read it. An area without id is outside every one.
SELECT grouping(r.category_id) = 0 AS is_category, grouping(an.ancestor_id) = 0 AS is_area,
       r.category_id, an.ancestor_id AS area_id,
       count(*) FILTER (WHERE r.received_at >= %(start)s) AS new,
       count(*) FILTER (WHERE r.status = ANY(%(open)s)) AS open,
       count(*) FILTER (WHERE r.status = ANY(%(open)s) AND r.due_at < %(now)s) AS late,
       count(*) FILTER (WHERE r.status <> ALL(%(open)s) AND r.closed_at >= %(start)s) AS closed
FROM geo_report r
LEFT JOIN geo_areaancestry an ON an.area_id = r.public_area_id AND an.level_id = (
    SELECT lv.id FROM geo_arealevel lv
    WHERE lv.rank > 0 AND EXISTS (SELECT FROM geo_area WHERE city_id = %(city_id)s AND level_id = lv.id)
    ORDER BY lv.rank LIMIT 1)
WHERE r.city_id = %(city_id)s AND NOT r.is_exercise
  AND (r.status = ANY(%(open)s) OR r.received_at >= %(start)s OR r.closed_at >= %(start)s)
GROUP BY GROUPING SETS ((r.category_id), (an.ancestor_id), ())

-- name: open_alerts
-- One row per open alert of a city, the most severe first, and of those the oldest.
SELECT t.rule_id, t.datastream_id, t.public_id, t.thing, t.thing_name, t.level_name, r.authority, a.name AS area_name,
       r.observed_property, coalesce(d.property_name_id, r.observed_property) AS name_id,
       coalesce(d.property_name_en, r.observed_property) AS name_en,
       t.value, r.unit, t.value_at, t.opened_at,
       t.acknowledged_at IS NOT NULL AS is_acknowledged, t.stale_since IS NOT NULL AS is_stale
FROM geo_alert t
JOIN geo_alertrule r ON r.id = t.rule_id
LEFT JOIN geo_area a ON a.id = t.area_id
LEFT JOIN sensors_published_datastream d ON d.datastream_id = t.datastream_id
WHERE t.city_id = %(city_id)s AND t.closed_at IS NULL AND NOT t.is_exercise
ORDER BY t.level DESC, t.opened_at, t.id

-- name: watched_readings
-- One row per active rule of the city and datastream that it holds for, with its good latest reading; which rules hold for
-- which is as in the statement `watched` of the alerts: a thing's own goes before the city's, for each authority.
WITH watched AS (
    SELECT DISTINCT ON (d.datastream_id, r.authority)
           r.id AS rule_id, d.datastream_id, d.thing, d.thing_name, d.observed_property, d.property_name_id AS name_id,
           d.property_name_en AS name_en, d.unit_ucum, d.unit_name, d.expected_interval_s
    FROM geo_alertrule r
    JOIN sensors_published_datastream d ON d.observed_property = r.observed_property AND d.unit_ucum = r.unit
    LEFT JOIN geo_thingplacement p ON p.thing_id = d.thing_id AND p.valid_to IS NULL
    LEFT JOIN geo_area a ON a.id = p.area_id
    WHERE r.is_active AND r.city_id = %(city_id)s AND (r.thing = d.thing OR (r.thing = '' AND a.city_id = r.city_id))
    ORDER BY d.datastream_id, r.authority, r.thing DESC
)
SELECT w.*, l.result, l.phenomenon_time
FROM watched w
JOIN sensors_published_latest l USING (datastream_id)
WHERE l.quality = 0
ORDER BY w.thing, w.observed_property, w.datastream_id, w.rule_id
