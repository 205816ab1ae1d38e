-- name: write_intervals
-- No rows: the working time of a calendar, span by span, each with the sum of those before it.
INSERT INTO geo_workinginterval (calendar_id, starts_at, ends_at, seconds_before)
SELECT %(calendar_id)s, s.a, s.b,
       coalesce(sum(extract(epoch FROM s.b - s.a)::bigint) OVER (ORDER BY s.a ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS s(a, b)

-- name: add_working
-- One row: when so much working time has passed since a moment.
SELECT geo_add_working(%(calendar_id)s, %(since)s, %(work)s)

-- name: working_between
-- One row: working time between two moments.
SELECT geo_working_between(%(calendar_id)s, %(a)s, %(b)s)

-- name: write_deadlines
-- No rows: other deadlines for these reports, and a line of history for each that says so. When the report was changed last
-- stays: an officer who has read it has lost nothing.
WITH given AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(olds)s::jsonb[], %(news)s::jsonb[]) AS g(id, old, new)
), written AS (
    UPDATE geo_report r
    SET due_at = (g.new ->> 'due_at')::timestamptz, response_due_at = (g.new ->> 'response_due_at')::timestamptz
    FROM given g WHERE r.id = g.id
    RETURNING r.id, r.agency_id, g.old, g.new
)
INSERT INTO geo_historyentry (report_id, at, action, old, new, agency_id, user_id, origin)
SELECT id, %(now)s, 'deadlines', old, new, agency_id, %(user_id)s, %(origin)s FROM written ORDER BY id
