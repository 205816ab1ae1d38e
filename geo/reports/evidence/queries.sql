-- name: alike_evidence
-- A row per report that has a picture like this one, at most three, the nearest first: its public id. Among the evidence of other
-- reports of the city, and of this one from before it was reopened last. The bands are looked up in their index (see
-- geo/reports/photos/perceptual.py); only what shares one is compared.
SELECT r.public_id
FROM geo_reportevidence e JOIN geo_report r ON r.id = e.report_id
WHERE e.hash_bands && %(bands)s::smallint[]
  AND bit_count(('x' || e.perceptual_hash)::bit(64) # ('x' || %(hash)s)::bit(64)) <= %(alike_bits)s
  AND r.city_id = %(city_id)s
  AND (e.report_id <> %(report_id)s OR e.added_at < %(reopened_at)s)
GROUP BY r.public_id
ORDER BY min(bit_count(('x' || e.perceptual_hash)::bit(64) # ('x' || %(hash)s)::bit(64))), min(e.id)
LIMIT 3
