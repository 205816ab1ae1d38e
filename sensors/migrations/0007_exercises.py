"""Things of an exercise stand apart: no view but their own shows them, so that nothing that is counted or drawn does."""

from django.db import migrations, models

COLUMNS = """d.id AS datastream_id, d.thing_id, t.slug AS thing, t.name AS thing_name, t.is_simulated,
           p.code AS observed_property, p.name_id AS property_name_id, p.name_en AS property_name_en,
           p.domain, p.aggregate, p.as_anomaly, d.unit_ucum, d.unit_name, d.expected_interval_s, l.location"""
TABLES = """sensors_datastream d
    JOIN sensors_thing t ON t.id = d.thing_id
    JOIN sensors_observedproperty p ON p.id = d.observed_property_id
    LEFT JOIN sensors_thinglocation l ON l.thing_id = t.id AND l.valid_to IS NULL"""

VIEWS_SQL = f"""
CREATE OR REPLACE VIEW sensors_published_datastream AS
    SELECT {COLUMNS}
    FROM {TABLES}
    WHERE NOT t.is_exercise;

CREATE VIEW sensors_published_exercise AS
    SELECT {COLUMNS}, t.properties -> 'exercise' ->> 'stands_for' AS stands_for
    FROM {TABLES}
    WHERE t.is_exercise;
COMMENT ON VIEW sensors_published_exercise IS
    'A row per datastream of an exercise, as in sensors_published_datastream, and the slug of the thing that it stands for.';
"""  # noqa: S608
AS_BEFORE_SQL = f"""
DROP VIEW sensors_published_exercise;
CREATE OR REPLACE VIEW sensors_published_datastream AS SELECT {COLUMNS} FROM {TABLES};
"""  # noqa: S608


class Migration(migrations.Migration):
    dependencies = [("sensors", "0006_sensorthings")]

    operations = [
        migrations.AddField(
            model_name="thing",
            name="is_exercise",
            field=models.BooleanField(db_default=False, default=False, editable=False, verbose_name="exercise"),
        ),
        migrations.RunSQL(VIEWS_SQL, AS_BEFORE_SQL),
    ]
