-- name: asked_for
-- Of the reports `r` those that a question is about, whoever has them. A fragment.
(%(area_ids)s::bigint[] IS NULL OR r.public_area_id = ANY(%(area_ids)s::bigint[]))
      AND (%(category_ids)s::bigint[] IS NULL OR r.category_id = ANY(%(category_ids)s::bigint[]))
      AND (%(channel_ids)s::bigint[] IS NULL OR r.channel_id = ANY(%(channel_ids)s::bigint[]))

-- name: figures
-- A row per group, and one of all of them together (is_total): what stands open now, and how the reports of a period went.
-- Open reports are found by their status, those of the period by the city's times; the place is the one that is shown.
-- Hours are those of the calendar. A report that was merged follows another, so only the other one is late.
WITH chosen AS (
    SELECT CASE %(by)s WHEN 'status' THEN r.status WHEN 'agency' THEN r.agency_id::text WHEN 'category' THEN r.category_id::text
                       WHEN 'channel' THEN r.channel_id::text WHEN 'area' THEN n.ancestor_id::text END AS key,
           r.status, r.agency_id, r.due_at, r.responded_at, r.response_due_at, r.reopened_count, r.handover_count,
           NOT r.status IN ('resolved', 'rejected', 'duplicate') AS is_open,
           r.reported_at >= %(start)s AND r.reported_at < %(end)s AS is_told,
           r.status <> 'duplicate' AND r.due_at IS NOT NULL AS has_due,
           CASE WHEN r.status <> 'duplicate' THEN coalesce(r.closed_at, %(now)s) > r.due_at END AS is_late,
           CASE WHEN r.status <> 'duplicate' THEN coalesce(r.responded_at, r.closed_at, %(now)s) > r.response_due_at END
               AS is_answered_late,
           extract(epoch FROM r.responded_at - r.received_at)::float8 / 3600 AS response_h,
           CASE WHEN r.status = 'resolved' THEN extract(epoch FROM r.closed_at - r.received_at)::float8 / 3600 END AS resolution_h
    FROM geo_report r
    LEFT JOIN geo_areaancestry n ON %(by)s = 'area' AND n.area_id = r.public_area_id AND n.level_id = %(level_id)s
    WHERE r.city_id = %(city_id)s AND NOT r.is_exercise
      AND (r.status IN ('submitted', 'coordination', 'assigned', 'in_progress', 'waiting', 'reopened')
           OR r.reported_at >= %(start)s AND r.reported_at < %(end)s)
      AND {asked_for}
      AND (%(agency_ids)s::bigint[] IS NULL OR coalesce(r.agency_id, 0) = ANY(%(agency_ids)s::bigint[]))
)
SELECT GROUPING(key) = 1 AS is_total, key,
       count(*) FILTER (WHERE is_open),
       count(*) FILTER (WHERE is_open AND due_at >= %(now)s AND due_at < %(soon)s),
       count(*) FILTER (WHERE is_open AND due_at < %(now)s),
       count(*) FILTER (WHERE is_open AND responded_at IS NULL AND response_due_at < %(now)s),
       count(*) FILTER (WHERE is_open AND reopened_count > 0),
       count(*) FILTER (WHERE is_open AND agency_id IS NULL),
       count(*) FILTER (WHERE is_told),
       count(*) FILTER (WHERE is_told AND status = 'resolved'),
       count(*) FILTER (WHERE is_told AND reopened_count > 0),
       count(*) FILTER (WHERE is_told AND handover_count > 1),
       count(*) FILTER (WHERE is_told AND has_due),
       count(*) FILTER (WHERE is_told AND is_late),
       count(*) FILTER (WHERE is_told AND status <> 'duplicate' AND response_due_at IS NOT NULL),
       count(*) FILTER (WHERE is_told AND is_answered_late),
       count(response_h) FILTER (WHERE is_told),
       percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY response_h) FILTER (WHERE is_told),
       count(resolution_h) FILTER (WHERE is_told),
       percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY resolution_h) FILTER (WHERE is_told)
FROM chosen
GROUP BY GROUPING SETS ((), (key))
ORDER BY is_total DESC, key NULLS LAST
