-- name: areas
-- A row per current area of a level, by code: id, code, name, km², latest population (null: unknown), whether its boundary is a
-- drawing, and its centroid in metres on the city's plane.
SELECT a.id, a.code, a.name, a.area_km2, f.population, a.is_schematic, ST_X(middle), ST_Y(middle)
FROM geo_area a
JOIN geo_city city ON city.id = a.city_id
JOIN geo_arealevel l ON l.id = a.level_id
LEFT JOIN geo_population_latest f ON f.area_id = a.id
CROSS JOIN LATERAL ST_Centroid(ST_Transform(a.boundary, city.metric_srid)) middle
WHERE a.city_id = %(city_id)s AND l.code = %(level)s AND a.retired_at IS NULL
ORDER BY a.code

-- name: touching_areas
-- A row per pair of the given areas whose boundaries come within the tolerance of each other, in metres on the city's plane.
-- Most that do have points in common, which is quicker to see than a distance.
WITH shaped AS MATERIALIZED (
    SELECT a.id, ST_Transform(a.boundary, city.metric_srid) AS shape
    FROM geo_area a JOIN geo_city city ON city.id = a.city_id
    WHERE a.id = ANY(%(area_ids)s)
)
SELECT one.id, other.id
FROM shaped one JOIN shaped other ON one.id < other.id AND ST_Expand(one.shape, %(tolerance_m)s) && other.shape
WHERE ST_Intersects(one.shape, other.shape) OR ST_DWithin(one.shape, other.shape, %(tolerance_m)s)

-- name: root
-- One row: km² of the city's root area.
SELECT a.area_km2 FROM geo_area a WHERE a.city_id = %(city_id)s AND a.parent_id IS NULL AND a.retired_at IS NULL

-- name: cells
-- A row per hexagon of the grid that has a part in the city's root area, by its place (i, j): i, j, that part in EPSG:4326 as hex
-- EWKB, its km² on the ellipsoid, and whether the root's boundary is a drawing. Only on the border is anything cut. What is left
-- of less than the least part is no cell, unless there is nothing more: a rate over a sliver is noise.
WITH root AS MATERIALIZED (
    SELECT ST_Transform(a.boundary, city.metric_srid) AS shape, a.is_schematic
    FROM geo_area a JOIN geo_city city ON city.id = a.city_id
    WHERE a.city_id = %(city_id)s AND a.parent_id IS NULL AND a.retired_at IS NULL
), cell AS MATERIALIZED (
    SELECT grid.i, grid.j, grid.geom, ST_Covers(root.shape, grid.geom) AS is_inside
    FROM root CROSS JOIN LATERAL ST_HexagonGrid(%(cell_m)s, root.shape) grid
    WHERE ST_Intersects(root.shape, grid.geom)
), kept AS MATERIALIZED (
    SELECT cell.i, cell.j, root.is_schematic,
           CASE WHEN cell.is_inside THEN cell.geom
                ELSE ST_CollectionExtract(ST_Intersection(cell.geom, root.shape), 3) END AS shape
    FROM cell CROSS JOIN root
), placed AS MATERIALIZED (
    SELECT i, j, is_schematic, ST_Multi(ST_Transform(shape, 4326)) AS part
    FROM (SELECT kept.*, ST_Area(shape) AS m2, max(ST_Area(shape)) OVER () AS most_m2 FROM kept) measured
    WHERE m2 > 0 AND m2 >= least(%(least_m2)s, most_m2)
)
SELECT i, j, ST_AsHEXEWKB(part), ST_Area(part::geography) / 1e6, is_schematic FROM placed ORDER BY i, j
