-- name: described
-- One row per datastream that is public: its id, thing, property, unit, and the codes of all areas in which its thing stands now.
SELECT d.datastream_id, d.thing, d.observed_property, d.unit_ucum,
    coalesce(array_agg(a.code) FILTER (WHERE a.code IS NOT NULL), '{}')
FROM sensors_published_datastream d
LEFT JOIN geo_thingplacement p ON p.thing_id = d.thing_id AND p.valid_to IS NULL
LEFT JOIN geo_areaancestry n ON n.area_id = p.area_id
LEFT JOIN geo_area a ON a.id = n.ancestor_id
GROUP BY 1, 2, 3, 4;

-- name: entry_is_kept
-- One row: whether the journal has this entry still, and when its oldest was written.
SELECT EXISTS (SELECT FROM sensors_journalentry WHERE xid = %(xid)s AND id = %(id)s),
    (SELECT written_at FROM sensors_journalentry ORDER BY xid, id LIMIT 1);

-- name: known_names
-- One row: whether there is such an area, such a property, such a thing, such a datastream; null is not asked for.
SELECT %(area)s::text IS NULL OR EXISTS (SELECT FROM geo_area WHERE code = %(area)s AND retired_at IS NULL),
    %(property)s::text IS NULL OR EXISTS (SELECT FROM sensors_observedproperty WHERE code = %(property)s),
    %(thing)s::text IS NULL OR EXISTS (SELECT FROM sensors_published_datastream WHERE thing = %(thing)s),
    %(datastream)s::bigint IS NULL
        OR EXISTS (SELECT FROM sensors_published_datastream WHERE datastream_id = %(datastream)s);
