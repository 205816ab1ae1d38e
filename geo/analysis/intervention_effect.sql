-- name: areas_of_level
-- A row per area to compare: the one in question, and every other area of its level that is in force: id, code, name,
-- population (null: unknown), and whether something was recorded against these categories in an area that holds it, lies in it
-- or is it, within the days [first, last].
SELECT a.id, a.code, a.name, f.population, EXISTS (
    SELECT FROM geo_intervention i
    WHERE i.id <> %(intervention)s AND i.date BETWEEN %(first)s AND %(last)s AND i.category_id = ANY(%(related)s::bigint[])
      AND (EXISTS (SELECT FROM geo_areaancestry up WHERE up.area_id = a.id AND up.ancestor_id = i.area_id)
           OR EXISTS (SELECT FROM geo_areaancestry down WHERE down.area_id = i.area_id AND down.ancestor_id = a.id)))
FROM geo_area a
JOIN geo_area own ON own.id = %(area)s AND own.level_id = a.level_id AND own.city_id = a.city_id
LEFT JOIN geo_population_latest f ON f.area_id = a.id
WHERE a.id = own.id OR a.retired_at IS NULL
ORDER BY a.code

-- name: reports_by_day
-- A row per area of the level and day of the city that has public reports of the categories: area id, day, how many.
-- Duplicates of a report are not counted again where incidents are asked for.
SELECT c.ancestor_id, (r.reported_at AT TIME ZONE %(zone)s)::date, count(*)
FROM geo_report r
JOIN geo_areaancestry c ON c.area_id = r.public_area_id
JOIN geo_area own ON own.id = %(area)s AND own.level_id = c.level_id
WHERE r.city_id = own.city_id AND r.is_public AND r.category_id = ANY(%(category_ids)s::bigint[])
  AND r.reported_at >= %(start)s AND r.reported_at < %(end)s
  AND (NOT %(incidents)s OR r.status <> 'duplicate' AND r.duplicate_of_id IS NULL)
GROUP BY 1, 2
