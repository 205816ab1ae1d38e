-- name: given_rules
-- Rules that are not stored, numbered from 1 on in their order. A fragment: leaves `rules`, as `routing_rules` does.
rules AS (
    SELECT * FROM jsonb_to_recordset(%(rules)s::jsonb) AS u(
        id bigint, city_id bigint, position integer, category_id bigint, area_id bigint, agency_id bigint,
        valid_from date, valid_to date)
)

-- name: compared
-- The reports of a city, each with the agency that has it and the one that it would go to now. Those that follow another one
-- go where that goes. A fragment: needs `rules` and RECURSIVE before it, leaves `compared`.
shown AS MATERIALIZED (
    SELECT id, category_id, city_id, public_area_id, agency_id
    FROM geo_report
    WHERE city_id = %(city_id)s AND duplicate_of_id IS NULL AND status = ANY (%(statuses)s)
      AND (%(since)s::timestamptz IS NULL OR reported_at >= %(since)s)
      AND (%(ids)s::bigint[] IS NULL OR id = ANY (%(ids)s))
), given AS (
    SELECT DISTINCT category_id FROM shown
), {responsible}, compared AS (
    SELECT s.id, s.agency_id AS from_id, r.agency_id AS to_id, r.rule_id
    FROM shown s
    JOIN responsible r ON r.category_id = s.category_id AND r.city_id = s.city_id
                      AND r.area_id = coalesce(s.public_area_id, 0)
)

-- name: dry_run
-- A row per rule (null: none matched, the category's agency has it), agency that has the reports and agency that would get
-- them: how many, and the latest of those that would go elsewhere.
WITH RECURSIVE {compared}
SELECT rule_id, from_id, to_id, count(*),
       (array_agg(id ORDER BY id DESC) FILTER (WHERE from_id IS DISTINCT FROM to_id))[1:%(examples)s::integer]
FROM compared
GROUP BY rule_id, from_id, to_id
ORDER BY rule_id NULLS LAST, count(*) DESC, from_id, to_id

-- name: elsewhere
-- A row per report that would go to another agency: its id, that agency, and the rule (null: none).
WITH RECURSIVE {compared}
SELECT id, to_id, rule_id FROM compared
WHERE to_id IS NOT NULL AND from_id IS DISTINCT FROM to_id
ORDER BY id
LIMIT %(limit)s

-- name: ping_pong
-- A row per pair of agencies: how often the first has handed a report to the second in a period, and how many reports; of
-- reports that were handed on twice at least. What rules have done (rerouted) is no handover. The lines of a period are found by
-- the index history_handovers, which this condition names, and then each one's report (OFFSET 0 keeps that order): the planner
-- takes handovers for ten times as many as they are, and would read all reports.
SELECT h.old->>'agency', h.new->>'agency', count(*), count(DISTINCT h.report_id)
FROM geo_historyentry h
CROSS JOIN LATERAL (
    SELECT FROM geo_report r
    WHERE r.id = h.report_id AND r.city_id = %(city_id)s AND r.handover_count >= 2 AND r.duplicate_of_id IS NULL
      AND {asked_for}
    OFFSET 0
) r
WHERE h.at >= %(start)s AND h.at < %(end)s AND h.action = 'status'
  AND h.old->>'agency' <> '' AND h.new->>'agency' <> h.old->>'agency'
  AND (%(agency_ids)s::bigint[] IS NULL
       OR EXISTS (SELECT FROM geo_agency g WHERE g.id = ANY(%(agency_ids)s::bigint[])
                  AND g.slug IN (h.old->>'agency', h.new->>'agency')))
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2
