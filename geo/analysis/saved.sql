-- name: copy_rows
-- Writes a row of the copy per row of a result that is shown now: with the shape, code, name and level that its area has now,
-- so that later boundaries do not change it.
INSERT INTO geo_resultrow (result_set_id, key, geom, figures)
SELECT %(copy)s, r.key, coalesce(r.geom, a.boundary),
       CASE WHEN r.geom IS NOT NULL THEN r.figures ELSE r.figures || jsonb_build_object(
           'code', coalesce(r.figures ->> 'code', a.code), 'name', coalesce(r.figures ->> 'name', a.name),
           'level', coalesce(r.figures ->> 'level', lv.code), 'is_schematic', a.is_schematic) END
FROM geo_resultrow r
LEFT JOIN geo_area a ON r.geom IS NULL AND a.id = r.key
LEFT JOIN geo_arealevel lv ON lv.id = a.level_id
WHERE r.result_set_id = %(original)s AND (r.geom IS NOT NULL OR a.retired_at IS NULL AND a.id IS NOT NULL)

-- name: rows_in_full
-- A row per row of a result, by key: key, figures (JSON text), shape (EWKB in hex, little-endian).
SELECT r.key, r.figures::text, encode(ST_AsEWKB(r.geom, 'NDR'), 'hex')
FROM geo_resultrow r WHERE r.result_set_id = %(result_set)s ORDER BY r.key
