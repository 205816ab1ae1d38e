-- name: lock_subscriber
-- Held until the transaction ends: of one address, or one account, subscriptions are counted and added one after the other.
SELECT pg_advisory_xact_lock(hashtext('geo.subscriber ' || %(subscriber)s))

-- name: subscriptions_of
-- A row per subscription to an event, filters not yet asked. Each is found by the one condition that its scope names, through
-- that one's index, and then held against all the others. The place is the public one.
WITH RECURSIVE told AS (
    SELECT %(city_id)s::bigint AS city_id, %(report_id)s::bigint AS report_id, %(place)s::geometry AS place
), around (area_id) AS (
    SELECT ancestor_id FROM geo_areaancestry WHERE area_id = %(area_id)s
), above (category_id) AS (
    SELECT %(category_id)s::bigint WHERE %(category_id)s IS NOT NULL
    UNION
    SELECT c.parent_id FROM above JOIN geo_category c ON c.id = above.category_id WHERE c.parent_id IS NOT NULL
), found AS (
    SELECT s.* FROM told JOIN geo_subscription s ON s.report_id = told.report_id WHERE s.scope = 'report'
    UNION ALL
    SELECT s.* FROM told JOIN geo_subscription s ON ST_Covers(s.polygon, told.place) WHERE s.scope = 'polygon'
    UNION ALL
    SELECT s.* FROM geo_subscription s WHERE s.scope = 'area' AND s.area_id = ANY(ARRAY(SELECT area_id FROM around))
    UNION ALL
    SELECT s.* FROM geo_subscription s WHERE s.scope = 'category' AND s.category_id = ANY(ARRAY(SELECT category_id FROM above))
    UNION ALL
    SELECT s.* FROM told JOIN geo_subscription s ON s.city_id = told.city_id WHERE s.scope = 'city'
)
SELECT s.id, s.key, s.kind, s.email, s.filter
FROM told
JOIN found s ON s.city_id = told.city_id
LEFT JOIN auth_user u ON u.id = s.owner_id
WHERE s.is_active AND s.confirmed_at IS NOT NULL AND %(event)s = ANY(s.events)
  AND coalesce(u.is_active, true)
  AND (s.report_id IS NULL OR s.report_id = told.report_id)
  AND (s.polygon IS NULL OR ST_Covers(s.polygon, told.place))
  AND (s.area_id IS NULL OR s.area_id IN (SELECT area_id FROM around))
  AND (s.category_id IS NULL OR s.category_id IN (SELECT category_id FROM above))
  AND (s.filter = '' OR told.report_id IS NOT NULL)
ORDER BY s.id
