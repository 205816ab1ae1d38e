-- name: hold_others_back
-- Nobody makes alerts of crossings or refreshes a rollup until this transaction ends; both pass over what they find locked.
SELECT pg_advisory_xact_lock(hashtext('sensors.rollups'));
SELECT id FROM geo_alertprogress ORDER BY id FOR UPDATE;

-- name: allow_removal
-- From here to the end of this transaction the append-only logs let lines of an exercise go, and no others.
SET LOCAL pantau.removes_exercise = 'on';

-- name: forget_history
-- Deletes the history of the reports of an exercise.
DELETE FROM geo_historyentry h USING geo_report r WHERE r.id = h.report_id AND r.is_exercise;

-- name: forget_alert_logs
-- Deletes the logs of the alerts of an exercise.
DELETE FROM geo_alertevent e USING geo_alert a WHERE a.id = e.alert_id AND a.is_exercise;

-- name: forget_incident_logs
-- Deletes the logs of the incidents of an exercise.
DELETE FROM geo_incidentevent e USING geo_incident i WHERE i.id = e.incident_id AND i.is_exercise;
