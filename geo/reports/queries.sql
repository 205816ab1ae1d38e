-- name: public_point
-- What the public sees of a place: the place itself, or the centre of its cell in the category's grid. The cell is one of
-- the city's metric grid; far from the city, where that projection fails, of a grid in degrees (1e-5 degree: 1.1 m), by its corner towards 0, 0, which is on Earth for certain.
-- A fragment: needs p (location, public_grid_m, metric_srid, is_near).
CASE
    WHEN p.public_grid_m = 0 THEN p.location
    WHEN p.is_near THEN ST_Transform(ST_SnapToGrid(ST_Transform(p.location, p.metric_srid),
        p.public_grid_m / 2.0, p.public_grid_m / 2.0, p.public_grid_m, p.public_grid_m), 4326)
    ELSE ST_SetSRID(ST_MakePoint(trunc(ST_X(p.location) * 1e5 / p.public_grid_m) * p.public_grid_m / 1e5,
        trunc(ST_Y(p.location) * 1e5 / p.public_grid_m) * p.public_grid_m / 1e5), 4326)
END

-- name: lock_placement
-- Held until the transaction ends: boundaries are not replaced while a report is being placed.
SELECT pg_advisory_xact_lock_shared(hashtext('geo.placement'))

-- name: lock_placement_exclusive
-- Held until the transaction ends: waits for the reports that are being placed, and holds off new ones.
SELECT pg_advisory_xact_lock(hashtext('geo.placement'))

-- name: placing
-- Everything about reports that follows from their place and category: areas, city, what the public sees of the place, agency.
-- A fragment: needs `given` (n, category_id, lon, lat, named_area_id), and leaves `settled`, a row per given one.
pointed AS MATERIALIZED (
    SELECT g.*, ST_SetSRID(ST_MakePoint(g.lon, g.lat), 4326) AS location FROM given g
), covering AS MATERIALIZED (
    -- As geo_area_at says, for all points at once: a call for each takes 1.6 times as long.
    SELECT DISTINCT ON (p.n) p.n, a.id AS point_area_id
    FROM pointed p
    JOIN geo_area a ON a.retired_at IS NULL AND ST_Covers(a.boundary, p.location)
    JOIN geo_arealevel l ON l.id = a.level_id
    ORDER BY p.n, l.rank DESC, a.code
), located AS (
    SELECT p.*, v.point_area_id FROM pointed p LEFT JOIN covering v USING (n)
), placed AS MATERIALIZED (
    SELECT l.*, coalesce(l.point_area_id, CASE WHEN l.location IS NULL THEN l.named_area_id END) AS area_id,
           c.id AS exact_city_id, c.metric_srid, k.public_grid_m, k.city_id AS only_city_id,
           l.point_area_id IS NOT NULL OR EXISTS (
               SELECT FROM geo_area r WHERE r.city_id = c.id AND r.parent_id IS NULL AND r.retired_at IS NULL
               AND ST_Expand(r.boundary::box2d, 1)::geometry && l.location) AS is_near
    FROM located l
    JOIN geo_category k ON k.id = l.category_id
    LEFT JOIN geo_area a ON a.id = coalesce(l.point_area_id, CASE WHEN l.location IS NULL THEN l.named_area_id END)
    JOIN geo_city c ON c.id = coalesce(a.city_id, %(city_id)s)
), snapped AS MATERIALIZED (
    SELECT p.*, {public_point} AS public_location FROM placed p
), seen AS MATERIALIZED (
    SELECT s.*, CASE WHEN s.location IS NULL OR s.public_grid_m = 0 THEN s.area_id ELSE geo_area_at(s.public_location) END
               AS public_area_id
    FROM snapped s
), assigned AS (
    -- City and agency are public: they follow the place that is shown, or they would tell on which side of a border the exact
    -- one lies. A category of one city stays there: up to its border people can report it.
    SELECT s.*, coalesce(a.city_id, s.exact_city_id) AS city_id
    FROM seen s
    LEFT JOIN geo_area a ON a.id = s.public_area_id AND (s.only_city_id IS NULL OR a.city_id = s.only_city_id)
), shown AS MATERIALIZED (
    SELECT a.*, a.only_city_id IS NULL OR a.only_city_id = a.city_id AS fits FROM assigned a
), {responsible}, settled AS (
    SELECT s.*, r.agency_id,
           CASE WHEN s.point_area_id IS NOT NULL THEN 'inside' WHEN s.location IS NOT NULL THEN 'outside'
                WHEN s.area_id IS NOT NULL THEN 'area' ELSE 'none' END AS location_flag
    FROM shown s LEFT JOIN responsible r
        ON r.category_id = s.category_id AND r.city_id = s.city_id AND r.area_id = coalesce(s.public_area_id, 0)
)

-- name: routing_rules
-- The rules that are stored, those of the future and the past included. A fragment: leaves `rules`.
rules AS (
    SELECT id, city_id, position, category_id, area_id, agency_id, valid_from, valid_to FROM geo_routingrule WHERE is_active
)

-- name: responsible
-- Who answers for what is shown: leaves `responsible`, a row for each category, city and place (area_id 0: in no area) that
-- occurs in it, with the agency and the rule that says so (null: the category's agency).
-- By the place that is shown, never the exact one: an agency is public. Sets of categories and areas are joined, not reports.
-- A fragment: needs `given` (category_id), `shown` (category_id, city_id, public_area_id), `rules`, and RECURSIVE.
lineage(category_id, ancestor_id, depth) AS (
    SELECT DISTINCT category_id, category_id, 0 FROM given
    UNION ALL
    SELECT l.category_id, k.parent_id, l.depth + 1
    FROM lineage l JOIN geo_category k ON k.id = l.ancestor_id
    WHERE k.parent_id IS NOT NULL AND l.depth < 20
), today AS (
    SELECT id AS city_id, (%(now)s::timestamptz AT TIME ZONE timezone)::date AS day FROM geo_city
), asked AS MATERIALIZED (
    SELECT DISTINCT category_id, city_id, coalesce(public_area_id, 0) AS area_id FROM shown
), valid AS MATERIALIZED (
    -- 0 stands for every category, and for everywhere: what is null could not be joined by its hash.
    SELECT u.id, u.city_id, u.position, u.agency_id,
           coalesce(u.category_id, 0) AS category_key, coalesce(u.area_id, 0) AS area_key
    FROM rules u
    JOIN geo_agency g ON g.id = u.agency_id AND g.city_id = u.city_id
    JOIN today t ON t.city_id = u.city_id
    WHERE (u.valid_from IS NULL OR u.valid_from <= t.day) AND (u.valid_to IS NULL OR u.valid_to > t.day)
), of_category AS (
    SELECT l.category_id, v.id, v.city_id, v.position, v.agency_id, v.area_key
    FROM valid v
    JOIN (SELECT category_id, ancestor_id FROM lineage UNION ALL SELECT category_id, 0 FROM lineage WHERE depth = 0) l
        ON l.ancestor_id = v.category_key
), fitting AS (
    SELECT q.*, c.id AS rule_id, c.position, c.agency_id
    FROM asked q JOIN of_category c USING (category_id, city_id) WHERE c.area_key = 0
    UNION ALL
    SELECT q.*, c.id, c.position, c.agency_id
    FROM of_category c
    JOIN geo_areaancestry y ON y.ancestor_id = c.area_key
    JOIN asked q ON q.category_id = c.category_id AND q.city_id = c.city_id AND q.area_id = y.area_id
), matched AS MATERIALIZED (
    SELECT DISTINCT ON (category_id, city_id, area_id) * FROM fitting
    ORDER BY category_id, city_id, area_id, position, rule_id
), by_category AS MATERIALIZED (
    -- The nearest ancestor that names an agency decides; the lead before the others.
    SELECT DISTINCT ON (l.category_id, t.city_id) l.category_id, t.city_id, m.agency_id
    FROM lineage l
    JOIN geo_categoryagency m ON m.category_id = l.ancestor_id
    JOIN geo_agency g ON g.id = m.agency_id
    JOIN today t ON t.city_id = g.city_id
    WHERE m.valid_from <= t.day AND (m.valid_to IS NULL OR m.valid_to > t.day)
    ORDER BY l.category_id, t.city_id, l.depth, m.is_lead DESC, m.valid_from DESC, m.id
), responsible AS MATERIALIZED (
    SELECT q.category_id, q.city_id, q.area_id, m.rule_id, coalesce(m.agency_id, b.agency_id) AS agency_id
    FROM asked q
    LEFT JOIN matched m USING (category_id, city_id, area_id)
    LEFT JOIN by_category b USING (category_id, city_id)
)

-- name: insert_reports
-- A row per given report: n (its number), id (null when it was not stored) and fits (false: the category is another
-- city's). Not stored and fits: a repeat of an earlier (channel, external_id).
-- The one way in for a report, alone or in thousands: placed, snapped, assigned to its agency, with its first line of history,
-- and its personal data apart from it.
WITH RECURSIVE given AS (
    SELECT * FROM unnest(
        %(public_ids)s::text[], %(external_ids)s::text[], %(kinds)s::text[], %(category_ids)s::bigint[],
        %(descriptions)s::text[], %(public_descriptions)s::text[], %(lons)s::float8[], %(lats)s::float8[],
        %(area_ids)s::bigint[], %(reported_ats)s::timestamptz[], %(addresses)s::text[], %(landmarks)s::text[],
        %(attributes)s::jsonb[], %(names)s::text[], %(phones)s::text[], %(emails)s::text[], %(device_hashes)s::text[]
    ) WITH ORDINALITY AS g(public_id, external_id, kind, category_id, description, public_description, lon, lat,
                           named_area_id, reported_at, address, landmark, attributes, name, phone, email, device_hash, n)
), {placing}, aims AS (
    -- What the category says, else the nearest above it that says anything.
    SELECT l.category_id,
           (array_agg(k.sla_working_hours ORDER BY l.depth) FILTER (WHERE k.sla_working_hours IS NOT NULL))[1] AS hours,
           (array_agg(k.response_working_hours ORDER BY l.depth) FILTER (WHERE k.response_working_hours IS NOT NULL))[1]
               AS response_hours
    FROM lineage l JOIN geo_category k ON k.id = l.ancestor_id GROUP BY l.category_id
), clocks AS (
    SELECT d.category_id, d.city_id, d.agency_key, a.hours, a.response_hours, coalesce(g.calendar_id, c.id) AS calendar_id
    FROM (SELECT DISTINCT category_id, city_id, coalesce(agency_id, 0) AS agency_key FROM responsible) d
    JOIN aims a USING (category_id)
    LEFT JOIN geo_agency g ON g.id = d.agency_key
    LEFT JOIN geo_workingcalendar c ON c.city_id = d.city_id AND c.is_default
), deadlines AS MATERIALIZED (
    -- For each clock, not for each report: all that come in together start together.
    SELECT category_id, city_id, agency_key,
           geo_add_working(calendar_id, %(now)s, make_interval(hours => hours)) AS due_at,
           geo_add_working(calendar_id, %(now)s, make_interval(hours => response_hours)) AS response_due_at
    FROM clocks
), stored AS (
    INSERT INTO geo_report (
        public_id, city_id, channel_id, external_id, kind, category_id, description, public_description,
        location, public_location, area_id, public_area_id, location_flag,
        reported_at, received_at, updated_at, status, agency_id, is_public, is_exercise, support_count, address, landmark, attributes,
        due_at, response_due_at)
    SELECT s.public_id, s.city_id, %(channel_id)s, s.external_id, s.kind, s.category_id, s.description, s.public_description,
           s.location, s.public_location, s.area_id, s.public_area_id, s.location_flag,
           s.reported_at, %(now)s, %(now)s, 'submitted', s.agency_id, NOT c.is_exercise, c.is_exercise, 0, s.address, s.landmark, s.attributes,
           d.due_at, d.response_due_at
    FROM settled s
    -- What comes by a channel of an exercise is of the exercise, and never public.
    JOIN geo_channel c ON c.id = %(channel_id)s
    LEFT JOIN deadlines d
        ON d.category_id = s.category_id AND d.city_id = s.city_id AND d.agency_key = coalesce(s.agency_id, 0)
    WHERE s.fits
    ORDER BY s.n
    ON CONFLICT (channel_id, external_id) WHERE external_id IS NOT NULL DO NOTHING
    RETURNING id, public_id, agency_id
), history AS (
    INSERT INTO geo_historyentry (report_id, at, action, old, new, channel_id, agency_id, user_id, origin)
    SELECT id, %(now)s, 'submitted', '{{}}', '{{"status": "submitted"}}', %(channel_id)s, agency_id, %(user_id)s, %(origin)s
    FROM stored
    ORDER BY id
), contacts AS (
    INSERT INTO geo_reportcontact (report_id, name, phone, email, device_hash)
    SELECT t.id, g.name, g.phone, g.email, g.device_hash
    FROM stored t JOIN given g USING (public_id)
    WHERE g.name <> '' OR g.phone <> '' OR g.email <> '' OR g.device_hash <> ''
    ORDER BY t.id
)
SELECT s.n, t.id, s.fits FROM shown s LEFT JOIN stored t USING (public_id) ORDER BY s.n

-- name: revise_report
-- One row: fits (false: the category is another city's, and nothing was changed), the report's city and agency from now on.
-- Placed as it was when it came in. An agency that was chosen since stays, unless category or city are others now, or the area
-- is and nobody has taken the report up yet.
WITH RECURSIVE given AS (
    SELECT 1 AS n, r.id AS report_id, %(category_id)s::bigint AS category_id, %(lon)s::float8 AS lon, %(lat)s::float8 AS lat,
           r.area_id AS named_area_id
    FROM geo_report r WHERE r.id = %(report_id)s
), {placing}, revised AS (
    UPDATE geo_report r
    SET city_id = s.city_id, category_id = s.category_id, kind = %(kind)s, reported_at = %(reported_at)s,
        description = %(description)s, public_description = %(public_description)s,
        location = s.location, public_location = s.public_location, area_id = s.area_id,
        public_area_id = s.public_area_id, location_flag = s.location_flag,
        agency_id = CASE
            WHEN r.category_id <> s.category_id OR r.city_id <> s.city_id
                 OR r.status = 'submitted' AND r.public_area_id IS DISTINCT FROM s.public_area_id THEN s.agency_id
            ELSE r.agency_id END,
        -- Later than before, whatever the clocks say: it tells one state of the report from the next.
        updated_at = greatest(%(now)s, r.updated_at + interval '1 microsecond')
    FROM settled s WHERE r.id = s.report_id AND s.fits
    RETURNING r.city_id, r.agency_id
)
SELECT s.fits, v.city_id, v.agency_id FROM shown s LEFT JOIN revised v ON true

-- name: refresh_public_points
-- No rows, a line of history for each: the public place of every report of a category, anew from its exact place; after its
-- precision changed. City and agency follow it, as when a report comes in.
WITH RECURSIVE given AS (
    SELECT %(category_id)s::bigint AS category_id
), placed AS (
    SELECT r.id, r.category_id, r.location, k.public_grid_m, c.id AS exact_city_id, c.metric_srid, k.city_id AS only_city_id, EXISTS (
        SELECT FROM geo_area a WHERE a.city_id = c.id AND a.parent_id IS NULL AND a.retired_at IS NULL
        AND ST_Expand(a.boundary::box2d, 1)::geometry && r.location) AS is_near
    FROM geo_report r JOIN geo_category k ON k.id = r.category_id LEFT JOIN geo_area e ON e.id = r.area_id
    -- By the grid of the city in which it lies, whichever it was given to.
    JOIN geo_city c ON c.id = coalesce(e.city_id, r.city_id)
    WHERE r.category_id = %(category_id)s AND r.location IS NOT NULL
), snapped AS MATERIALIZED (
    SELECT p.id, p.category_id, p.exact_city_id, p.only_city_id, {public_point} AS public_location FROM placed p
), seen AS MATERIALIZED (
    SELECT s.*, geo_area_at(s.public_location) AS public_area_id FROM snapped s
), shown AS MATERIALIZED (
    SELECT s.*, coalesce(a.city_id, s.exact_city_id) AS city_id
    FROM seen s
    LEFT JOIN geo_area a ON a.id = s.public_area_id AND (s.only_city_id IS NULL OR a.city_id = s.only_city_id)
), {responsible}, refreshed AS (
UPDATE geo_report r
SET public_location = s.public_location, public_area_id = s.public_area_id, city_id = s.city_id,
    -- One that agencies or people have handed on since was chosen by them, and tells of no place.
    agency_id = CASE
        WHEN r.city_id <> s.city_id OR r.handover_count = 0 AND r.public_area_id IS DISTINCT FROM s.public_area_id
            THEN v.agency_id
        ELSE r.agency_id END,
    updated_at = %(now)s
FROM shown s LEFT JOIN responsible v ON v.city_id = s.city_id AND v.area_id = coalesce(s.public_area_id, 0)
WHERE r.id = s.id
RETURNING r.id, r.agency_id
)
INSERT INTO geo_historyentry (report_id, at, action, old, new, agency_id, user_id, origin)
SELECT id, %(now)s, 'refreshed', '{{}}', '{{"changed": ["public_location"]}}', agency_id, %(user_id)s, %(origin)s
FROM refreshed ORDER BY id

-- name: count_intake
-- One row: how many reports the device and its address have sent in this window, this one included. The address counts
-- only what its device was allowed, so that one flooder does not use up what is there for all who share the address.
WITH device AS (
    INSERT INTO geo_intakecounter (key_hash, "window", n) VALUES (%(device)s, %(window)s, 1)
    ON CONFLICT (key_hash, "window") DO UPDATE SET n = least(geo_intakecounter.n + 1, 1000000000)
    RETURNING n
), address AS (
    INSERT INTO geo_intakecounter (key_hash, "window", n)
    SELECT %(address)s, %(window)s, 1 FROM device WHERE n <= %(device_limit)s
    ON CONFLICT (key_hash, "window") DO UPDATE SET n = least(geo_intakecounter.n + 1, 1000000000)
    RETURNING n
)
SELECT device.n, coalesce((SELECT n FROM address), 0) FROM device

-- name: count_key
-- One row: how many requests that write a channel's key has sent in this window, this one included.
INSERT INTO geo_intakecounter (key_hash, "window", n) VALUES (%(key)s, %(window)s, 1)
ON CONFLICT (key_hash, "window") DO UPDATE SET n = least(geo_intakecounter.n + 1, 1000000000)
RETURNING n

-- name: root_boxes
-- A row per city: west, south, east, north of its root area, in degrees.
SELECT ST_XMin(boundary), ST_YMin(boundary), ST_XMax(boundary), ST_YMax(boundary)
FROM geo_area WHERE parent_id IS NULL AND retired_at IS NULL
