-- name: lock_shared
-- Taken by whoever stores a place: areas stay as they are until the transaction ends.
SELECT pg_advisory_xact_lock_shared(hashtext('geo.placement'))

-- name: lock_exclusive
-- Taken by whoever changes areas: waits for the writers of places, then holds them off.
SELECT pg_advisory_xact_lock(hashtext('geo.placement'))

-- name: collect_points
-- A row per point to place: side 0 is the exact one, side 1 the public one where it differs. With a city: its own reports, those
-- in its areas so far, and those of anyone that lie about its areas now.
DROP TABLE IF EXISTS pg_temp.point_to_place;
CREATE TEMP TABLE point_to_place ON COMMIT DROP AS
WITH chosen AS (
    SELECT r.id, r.location, r.public_location FROM geo_report r
    WHERE %(city_id)s::bigint IS NULL OR r.city_id = %(city_id)s
       OR r.area_id = ANY(ARRAY(SELECT id FROM geo_area WHERE city_id = %(city_id)s))
       OR r.public_area_id = ANY(ARRAY(SELECT id FROM geo_area WHERE city_id = %(city_id)s))
       OR r.location && (SELECT ST_SetSRID(ST_Extent(boundary)::geometry, 4326) FROM geo_area
                         WHERE city_id = %(city_id)s AND retired_at IS NULL)
       OR r.public_location && (SELECT ST_SetSRID(ST_Extent(boundary)::geometry, 4326) FROM geo_area
                                WHERE city_id = %(city_id)s AND retired_at IS NULL)
)
SELECT id AS report_id, 0::smallint AS side, location AS point FROM chosen WHERE location IS NOT NULL
UNION ALL
SELECT id, 1::smallint, public_location FROM chosen
WHERE public_location IS NOT NULL AND public_location IS DISTINCT FROM location

-- name: index_points
-- Areas are few and their boundaries long: the area is the outer side of the join, so that PostGIS keeps it prepared.
CREATE INDEX ON pg_temp.point_to_place USING gist (point);
ANALYZE pg_temp.point_to_place

-- name: place_points
-- A row per point that lies in an area: the deepest one, on a border the one with the lowest code, as geo_area_at says.
DROP TABLE IF EXISTS pg_temp.placed;
CREATE TEMP TABLE placed ON COMMIT DROP AS
SELECT DISTINCT ON (p.report_id, p.side) p.report_id, p.side, a.id AS area_id, a.city_id
FROM geo_area a
JOIN geo_arealevel l ON l.id = a.level_id
JOIN pg_temp.point_to_place p ON ST_Covers(a.boundary, p.point)
WHERE a.retired_at IS NULL
ORDER BY p.report_id, p.side, l.rank DESC, a.code

-- name: index_placed
-- For the join with the reports.
ALTER TABLE pg_temp.placed ADD PRIMARY KEY (report_id, side);
ANALYZE pg_temp.placed

-- name: find_successors
-- A row per retired area: the current area, not deeper than it was, that covers a point on its surface.
DROP TABLE IF EXISTS pg_temp.successor;
CREATE TEMP TABLE successor ON COMMIT DROP AS
SELECT DISTINCT ON (old.id) old.id AS retired_id, a.id AS area_id
FROM geo_area old
JOIN geo_arealevel was ON was.id = old.level_id
JOIN geo_area a ON a.city_id = old.city_id AND a.retired_at IS NULL
               AND ST_Covers(a.boundary, ST_PointOnSurface(old.boundary))
JOIN geo_arealevel l ON l.id = a.level_id AND l.rank <= was.rank
WHERE old.retired_at IS NOT NULL
ORDER BY old.id, l.rank DESC, a.code

-- name: update_points
-- Reports whose place is another than it was. A point decides its own side; the other keeps the area that was named.
-- Inside a city the report is that city's, by the place that is shown (see `placing` of geo.reports); outside every area it
-- stays with the one it was sent to.
WITH told AS (
    SELECT r.id,
        CASE WHEN r.location IS NOT NULL THEN exact.area_id ELSE r.area_id END AS area_id,
        CASE WHEN r.public_location IS NULL THEN r.public_area_id
             WHEN r.public_location IS NOT DISTINCT FROM r.location THEN exact.area_id
             ELSE shown.area_id END AS public_area_id,
        CASE WHEN r.location IS NULL THEN r.location_flag
             WHEN exact.area_id IS NULL THEN 'outside' ELSE 'inside' END AS location_flag,
        coalesce(CASE WHEN k.city_id IS NULL OR k.city_id = shown.city_id THEN shown.city_id END, exact.city_id, r.city_id) AS city_id
    FROM (SELECT DISTINCT report_id FROM pg_temp.point_to_place) p
    JOIN geo_report r ON r.id = p.report_id
    JOIN geo_category k ON k.id = r.category_id
    LEFT JOIN pg_temp.placed exact ON exact.report_id = r.id AND exact.side = 0
    LEFT JOIN pg_temp.placed shown ON shown.report_id = r.id AND shown.side = 1
)
UPDATE geo_report r SET
    area_id = told.area_id, public_area_id = told.public_area_id, location_flag = told.location_flag, city_id = told.city_id
FROM told
WHERE told.id = r.id
  AND (told.area_id, told.public_area_id, told.location_flag, told.city_id)
      IS DISTINCT FROM (r.area_id, r.public_area_id, r.location_flag, r.city_id)

-- name: update_named
-- Reports that name an area which is retired, on a side that has no point: they go to its successor, if there is one.
UPDATE geo_report r SET
    area_id = CASE WHEN r.location IS NULL AND a.area_id IS NOT NULL THEN a.area_id ELSE r.area_id END,
    public_area_id = CASE WHEN r.public_location IS NULL AND p.area_id IS NOT NULL THEN p.area_id ELSE r.public_area_id END
FROM geo_report self
LEFT JOIN pg_temp.successor a ON a.retired_id = self.area_id
LEFT JOIN pg_temp.successor p ON p.retired_id = self.public_area_id
WHERE self.id = r.id
  AND ((r.location IS NULL AND a.area_id IS NOT NULL) OR (r.public_location IS NULL AND p.area_id IS NOT NULL))

-- name: withdraw_agencies
-- A row per report that came to another city and still had an agency of the old one: it is to be assigned anew, and says so.
WITH withdrawn AS (
    UPDATE geo_report r SET agency_id = NULL
    FROM geo_agency g, (SELECT DISTINCT report_id FROM pg_temp.point_to_place) p
    WHERE r.id = p.report_id AND g.id = r.agency_id AND g.city_id <> r.city_id
    RETURNING r.id, g.id AS agency_id, g.slug
)
INSERT INTO geo_historyentry (report_id, at, action, old, new, agency_id, origin)
SELECT id, now(), 'agency_withdrawn', jsonb_build_object('agency', slug), '{"agency": null}', agency_id, 'areas' FROM withdrawn ORDER BY id

-- name: count_reports
-- One row: reports with a point, and those of them that lie outside every area.
SELECT count(*), count(*) FILTER (WHERE location_flag = 'outside') FROM geo_report
WHERE location IS NOT NULL AND (%(city_id)s::bigint IS NULL OR city_id = %(city_id)s)

-- name: place_things
-- A row per location of a thing, past ones too, in the area that covers it by today's boundaries. Returns those that changed.
INSERT INTO geo_thingplacement AS old (thing_id, location_id, area_id, valid_from, valid_to)
SELECT DISTINCT ON (t.location_id) t.thing_id, t.location_id, a.id, t.valid_from, t.valid_to
FROM sensors_published_location t
LEFT JOIN (geo_area a JOIN geo_arealevel l ON l.id = a.level_id)
    ON a.retired_at IS NULL AND ST_Covers(a.boundary, t.location)
ORDER BY t.location_id, l.rank DESC, a.code
ON CONFLICT (location_id) DO UPDATE SET thing_id = excluded.thing_id, area_id = excluded.area_id,
    valid_from = excluded.valid_from, valid_to = excluded.valid_to
    WHERE (old.thing_id, old.area_id, old.valid_from, old.valid_to)
          IS DISTINCT FROM (excluded.thing_id, excluded.area_id, excluded.valid_from, excluded.valid_to)

-- name: drop_thing_placements
-- Placements whose location is gone.
DELETE FROM geo_thingplacement p WHERE NOT EXISTS (
    SELECT 1 FROM sensors_published_location t WHERE t.location_id = p.location_id)

-- name: count_things
-- One row: locations of things, and those outside every area.
SELECT count(*), count(*) FILTER (WHERE area_id IS NULL) FROM geo_thingplacement
