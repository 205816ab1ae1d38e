-- name: watched
-- One row per active rule and datastream that it holds for: a thing's own rule goes before the city's, for each authority.
-- A thing that stands in no area is watched by its own rule alone; one of an exercise by the rules of what it stands for.
WITH listened AS (
    SELECT datastream_id, thing_id, thing, thing_name, observed_property, property_name_id, property_name_en, unit_ucum, unit_name,
           expected_interval_s, location, thing AS ruled_as, false AS is_exercise
    FROM sensors_published_datastream
    UNION ALL
    SELECT datastream_id, thing_id, thing, thing_name, observed_property, property_name_id, property_name_en, unit_ucum, unit_name,
           expected_interval_s, location, stands_for, true
    FROM sensors_published_exercise
)
SELECT DISTINCT ON (d.datastream_id, r.city_id, r.authority)
       r.id AS rule_id, d.datastream_id, d.thing, d.thing_name, d.property_name_id, d.property_name_en,
       coalesce(nullif(d.unit_name, ''), d.unit_ucum) AS unit, d.expected_interval_s, p.area_id, d.location,
       d.is_exercise
FROM geo_alertrule r
JOIN listened d ON d.observed_property = r.observed_property AND d.unit_ucum = r.unit
LEFT JOIN geo_thingplacement p ON p.thing_id = d.thing_id AND p.valid_to IS NULL
LEFT JOIN geo_area a ON a.id = p.area_id
WHERE r.is_active AND (r.thing = d.ruled_as OR (r.thing = '' AND a.city_id = r.city_id))
ORDER BY d.datastream_id, r.city_id, r.authority, r.thing DESC
