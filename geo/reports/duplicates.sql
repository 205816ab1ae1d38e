-- name: near
-- A row per open public report of the category near a place and a time: id, metres, similarity of its text from 0 to 1.
-- The places that are searched are the public ones. No more than `most` rows are read in the order of their distance, however
-- many lie there. The condition is that of the index report_open_near.
WITH nearest AS MATERIALIZED (
    SELECT r.id, r.location, r.public_location, r.public_description, r.reported_at
    FROM geo_report r
    WHERE r.category_id = %(category_id)s::bigint AND r.id <> %(exclude_id)s
      AND r.is_public AND r.duplicate_of_id IS NULL AND r.status NOT IN ('resolved', 'rejected', 'duplicate')
      AND ST_DWithin(r.public_location::geography, ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326)::geography, %(reach_m)s)
      AND (%(city_id)s::bigint IS NULL OR r.city_id = %(city_id)s)
      AND r.reported_at BETWEEN %(start)s AND %(end)s
    ORDER BY r.public_location::geography <-> ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326)::geography
    LIMIT %(most)s
)
SELECT n.id,
       ST_Distance((CASE WHEN %(exact)s THEN n.location ELSE n.public_location END)::geography,
                   ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326)::geography) AS distance_m,
       similarity(n.public_description, %(text)s) AS similarity,
       n.reported_at
FROM nearest n
