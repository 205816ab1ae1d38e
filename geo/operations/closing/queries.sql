-- name: closings
-- A row per agency (null: closed by none) that closed a report of the city from `start` on and before `end`: its slug, how
-- many it closed, how many of these their reporters confirmed, disputed, how many were reopened whenever that was, and how
-- many were disputed or reopened.
SELECT g.slug, count(*), count(*) FILTER (WHERE c.is_done), count(*) FILTER (WHERE NOT c.is_done),
       count(*) FILTER (WHERE c.reopened_at IS NOT NULL),
       count(*) FILTER (WHERE NOT c.is_done OR c.reopened_at IS NOT NULL)
FROM geo_closing c
JOIN geo_report r ON r.id = c.report_id
LEFT JOIN geo_agency g ON g.id = c.agency_id
WHERE c.closed_at >= %(start)s AND c.closed_at < %(end)s AND r.city_id = %(city_id)s AND NOT r.is_exercise
      AND {asked_for}
      AND (%(agency_ids)s::bigint[] IS NULL OR coalesce(c.agency_id, 0) = ANY(%(agency_ids)s::bigint[]))
GROUP BY g.slug ORDER BY g.slug NULLS LAST
