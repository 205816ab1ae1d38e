"""The views by which the rest of the project reads sensor data. sensors.published names them."""

from django.db import migrations

VIEWS_SQL = """
CREATE VIEW sensors_published_location AS
    SELECT l.id AS location_id, l.thing_id, t.slug AS thing, l.location, l.valid_from, l.valid_to
    FROM sensors_thinglocation l JOIN sensors_thing t ON t.id = l.thing_id;
COMMENT ON VIEW sensors_published_location IS 'A row per place at which a thing stands or stood.';

CREATE VIEW sensors_published_datastream AS
    SELECT d.id AS datastream_id, d.thing_id, t.slug AS thing, t.name AS thing_name, t.is_simulated,
           p.code AS observed_property, p.name_id AS property_name_id, p.name_en AS property_name_en,
           p.domain, p.aggregate, p.as_anomaly, d.unit_ucum, d.unit_name, d.expected_interval_s, l.location
    FROM sensors_datastream d
    JOIN sensors_thing t ON t.id = d.thing_id
    JOIN sensors_observedproperty p ON p.id = d.observed_property_id
    LEFT JOIN sensors_thinglocation l ON l.thing_id = t.id AND l.valid_to IS NULL;
COMMENT ON VIEW sensors_published_datastream IS 'A row per datastream, with what it measures and where its thing stands now.';

CREATE VIEW sensors_published_hourly AS
    SELECT datastream_id, hour, n, sum, min, max FROM sensors_hourlyrollup;
COMMENT ON VIEW sensors_published_hourly IS 'A row per datastream and hour (UTC) that has good observations.';

CREATE VIEW sensors_published_latest AS
    SELECT d.id AS datastream_id, o.phenomenon_time, o.result, o.quality
    FROM sensors_datastream d
    CROSS JOIN LATERAL (
        SELECT phenomenon_time, result, quality FROM sensors_observation
        WHERE datastream_id = d.id ORDER BY phenomenon_time DESC LIMIT 1
    ) o;
COMMENT ON VIEW sensors_published_latest IS 'The latest observation of each datastream that has one: one index probe each.';
"""


class Migration(migrations.Migration):
    dependencies = [("sensors", "0001_initial")]

    operations = [
        migrations.RunSQL(
            VIEWS_SQL,
            "DROP VIEW sensors_published_latest, sensors_published_hourly, sensors_published_datastream,"
            " sensors_published_location",
        )
    ]
