-- name: make_stage
-- A row per feature of the file that is being imported; gone with the transaction.
DROP TABLE IF EXISTS pg_temp.area_stage;
CREATE TEMP TABLE area_stage (
    number integer PRIMARY KEY, code text NOT NULL, name text NOT NULL, parent_code text, boundary geometry, mended text NOT NULL,
    parent_id bigint, area_id bigint
) ON COMMIT DROP

-- name: fill_stage
-- The features of one batch, without heights.
INSERT INTO area_stage (number, code, name, parent_code, boundary, mended)
SELECT number, code, name, parent_code, ST_Force2D(ST_GeomFromWKB(wkb, 4326)), mended
FROM unnest(%(number)s::int[], %(code)s::text[], %(name)s::text[], %(parent_code)s::text[], %(wkb)s::bytea[], %(mended)s::text[])
    AS f (number, code, name, parent_code, wkb, mended)

-- name: repair_stage
-- Mends what is invalid and says why. The method keeps the area of doubled rings, where the older one would cut them out.
UPDATE area_stage SET
    mended = concat_ws('; ', nullif(mended, ''), ST_IsValidReason(boundary)),
    boundary = ST_CollectionExtract(ST_MakeValid(boundary, 'method=structure keepcollapsed=false'), 3)
WHERE NOT ST_IsValid(boundary)

-- name: finish_stage
-- One geometry type, and the rows that are there already.
UPDATE area_stage s SET
    boundary = ST_Multi(s.boundary),
    area_id = (SELECT a.id FROM geo_area a WHERE a.code = s.code),
    parent_id = (SELECT p.id FROM geo_area p JOIN geo_arealevel l ON l.id = p.level_id
                 WHERE p.code = s.parent_code AND p.city_id = %(city_id)s AND p.retired_at IS NULL AND l.rank < %(rank)s)

-- name: repaired
-- A row per feature that was mended.
SELECT number, code, mended FROM area_stage WHERE mended <> '' ORDER BY number

-- name: find_empty
-- Features of which nothing is left.
SELECT number, code FROM area_stage WHERE ST_IsEmpty(boundary) OR ST_Area(boundary) = 0 ORDER BY number LIMIT 1

-- name: find_repeated
-- Codes that occur more than once in the file, with their numbers.
SELECT code, array_agg(number ORDER BY number) FROM area_stage GROUP BY code HAVING count(*) > 1 ORDER BY min(number) LIMIT 1

-- name: find_orphan
-- Features whose parent is not a current area of the city on a higher level.
SELECT number, code, parent_code FROM area_stage WHERE parent_id IS NULL ORDER BY number LIMIT 1

-- name: find_foreign
-- Features whose code is already that of another city's area, or of an area of another level.
SELECT s.number, s.code, c.slug, l.code
FROM area_stage s JOIN geo_area a ON a.id = s.area_id
JOIN geo_city c ON c.id = a.city_id JOIN geo_arealevel l ON l.id = a.level_id
WHERE a.city_id <> %(city_id)s OR a.level_id <> %(level_id)s
ORDER BY s.number LIMIT 1

-- name: find_other_root
-- The current root of the city where the file brings another one.
SELECT a.code FROM geo_area a
WHERE a.city_id = %(city_id)s AND a.parent_id IS NULL AND a.retired_at IS NULL
  AND a.code NOT IN (SELECT code FROM area_stage)

-- name: retire_missing
-- Current areas of the level and city that the file no longer has.
UPDATE geo_area a SET retired_at = now(), updated_at = now()
WHERE a.city_id = %(city_id)s AND a.level_id = %(level_id)s AND a.retired_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM area_stage s WHERE s.code = a.code)

-- name: change_areas
-- Areas that the file says otherwise; a retired one that is in the file is current again.
UPDATE geo_area a SET
    name = s.name, parent_id = s.parent_id, boundary = s.boundary, area_km2 = ST_Area(s.boundary::geography) / 1e6,
    boundary_source = %(source)s, is_schematic = %(is_schematic)s, retired_at = NULL, updated_at = now()
FROM area_stage s
WHERE a.id = s.area_id
  AND (a.name, a.parent_id, a.boundary_source, a.is_schematic, a.retired_at, ST_AsBinary(a.boundary))
      IS DISTINCT FROM (s.name, s.parent_id, %(source)s, %(is_schematic)s, NULL, ST_AsBinary(s.boundary))

-- name: add_areas
-- Areas that were not there.
INSERT INTO geo_area (code, name, level_id, parent_id, city_id, boundary, area_km2, boundary_source, is_schematic, updated_at)
SELECT code, name, %(level_id)s, parent_id, %(city_id)s, boundary, ST_Area(boundary::geography) / 1e6, %(source)s,
       %(is_schematic)s, now()
FROM area_stage WHERE area_id IS NULL
ORDER BY number

-- name: left_behind
-- Current areas of the city whose parent is retired, counted by level: their file should follow.
SELECT l.code, count(*) FROM geo_area a JOIN geo_arealevel l ON l.id = a.level_id JOIN geo_area p ON p.id = a.parent_id
WHERE a.city_id = %(city_id)s AND a.retired_at IS NULL AND p.retired_at IS NOT NULL
GROUP BY l.rank, l.code ORDER BY l.rank

-- name: still_schematic
-- Levels of the city that have schematic boundaries beside surveyed ones of this import.
SELECT l.code, count(*) FROM geo_area a JOIN geo_arealevel l ON l.id = a.level_id
WHERE a.city_id = %(city_id)s AND a.retired_at IS NULL AND a.is_schematic AND NOT %(is_schematic)s
GROUP BY l.rank, l.code ORDER BY l.rank

-- name: drop_ancestry
-- Pairs that the tree no longer has.
WITH RECURSIVE up (area_id, ancestor_id, parent_id) AS (
    SELECT id, id, parent_id FROM geo_area
    UNION
    SELECT up.area_id, p.id, p.parent_id FROM up JOIN geo_area p ON p.id = up.parent_id
)
DELETE FROM geo_areaancestry old
WHERE NOT EXISTS (SELECT 1 FROM up WHERE up.area_id = old.area_id AND up.ancestor_id = old.ancestor_id)

-- name: add_ancestry
-- A pair per area and ancestor, itself included, retired ones too. UNION, not UNION ALL: a loop in the tree ends.
WITH RECURSIVE up (area_id, ancestor_id, level_id, parent_id) AS (
    SELECT id, id, level_id, parent_id FROM geo_area
    UNION
    SELECT up.area_id, p.id, p.level_id, p.parent_id FROM up JOIN geo_area p ON p.id = up.parent_id
)
INSERT INTO geo_areaancestry AS old (area_id, ancestor_id, level_id)
SELECT area_id, ancestor_id, level_id FROM up
ON CONFLICT (area_id, ancestor_id) DO UPDATE SET level_id = excluded.level_id WHERE old.level_id <> excluded.level_id

-- name: put_population
-- The figures of a file; the same year again replaces. Returns a row per figure that is new or different.
INSERT INTO geo_populationfigure AS old (area_id, year, population, source)
SELECT a.id, %(year)s, f.population, %(source)s
FROM unnest(%(code)s::text[], %(population)s::int[]) AS f (code, population) JOIN geo_area a USING (code)
ON CONFLICT (area_id, year) DO UPDATE SET population = excluded.population, source = excluded.source
    WHERE (old.population, old.source) IS DISTINCT FROM (excluded.population, excluded.source)
RETURNING xmax = 0 AS is_new
