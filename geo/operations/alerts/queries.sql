-- name: lock_rule
-- One row: whether the rule is ours to evaluate until the transaction ends. False, at once, while somebody else does.
SELECT pg_try_advisory_xact_lock(hashtext('geo.alerts'), %(rule_id)s::integer)

-- name: watched
-- One row per active rule and datastream that it holds for: a thing's own rule goes before the city's, for each authority.
-- A thing that stands in no area is watched by its own rule alone.
SELECT DISTINCT ON (d.datastream_id, r.city_id, r.authority)
       r.id AS rule_id, d.datastream_id, d.thing, d.thing_name, d.property_name_id, d.property_name_en,
       coalesce(nullif(d.unit_name, ''), d.unit_ucum) AS unit, d.expected_interval_s, p.area_id, d.location
FROM geo_alertrule r
JOIN sensors_published_datastream d ON d.observed_property = r.observed_property AND d.unit_ucum = r.unit
LEFT JOIN geo_thingplacement p ON p.thing_id = d.thing_id AND p.valid_to IS NULL
LEFT JOIN geo_area a ON a.id = p.area_id
WHERE r.is_active AND (r.thing = d.thing OR (r.thing = '' AND a.city_id = r.city_id))
ORDER BY d.datastream_id, r.city_id, r.authority, r.thing DESC
