"""What is watched, and which levels were crossed; datastreams that are derived from others."""

import datetime
import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

CHANGES_SQL = "CREATE SEQUENCE sensors_crossing_change OWNED BY sensors_crossing.change;"

# In the transaction of the refresh: whoever takes the marks later misses none.
MARKS_SQL = """
CREATE FUNCTION sensors_mark_derived() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sensors_derivedmark (datastream_id, hour)
    SELECT DISTINCT c.datastream_id, c.hour
    FROM changed c
    JOIN sensors_datastream i ON i.id = c.datastream_id AND i.derivation = ''
    WHERE EXISTS (SELECT FROM sensors_datastream d WHERE d.thing_id = i.thing_id AND d.derivation <> '')
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION sensors_mark_derived() IS 'Marks the changed hours of things that have derived datastreams.';
CREATE TRIGGER sensors_hourlyrollup_derive_inserted AFTER INSERT ON sensors_hourlyrollup
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sensors_mark_derived();
CREATE TRIGGER sensors_hourlyrollup_derive_updated AFTER UPDATE ON sensors_hourlyrollup
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sensors_mark_derived();
CREATE TRIGGER sensors_hourlyrollup_derive_deleted AFTER DELETE ON sensors_hourlyrollup
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sensors_mark_derived();
"""
MARKS_BACK_SQL = """
DROP TRIGGER sensors_hourlyrollup_derive_inserted ON sensors_hourlyrollup;
DROP TRIGGER sensors_hourlyrollup_derive_updated ON sensors_hourlyrollup;
DROP TRIGGER sensors_hourlyrollup_derive_deleted ON sensors_hourlyrollup;
DROP FUNCTION sensors_mark_derived();
"""

COLUMNS = """d.id AS datastream_id, d.thing_id, t.slug AS thing, t.name AS thing_name, t.is_simulated,
           p.code AS observed_property, p.name_id AS property_name_id, p.name_en AS property_name_en,
           p.domain, p.aggregate, p.as_anomaly, d.unit_ucum, d.unit_name, d.expected_interval_s, l.location"""
TABLES = """sensors_datastream d
    JOIN sensors_thing t ON t.id = d.thing_id
    JOIN sensors_observedproperty p ON p.id = d.observed_property_id
    LEFT JOIN sensors_thinglocation l ON l.thing_id = t.id AND l.valid_to IS NULL
    WHERE NOT t.is_exercise"""
VIEW_SQL = f"CREATE OR REPLACE VIEW sensors_published_datastream AS SELECT {COLUMNS}, d.derivation FROM {TABLES};"
VIEW_BACK_SQL = f"""
DROP VIEW sensors_published_datastream;
CREATE VIEW sensors_published_datastream AS SELECT {COLUMNS} FROM {TABLES};
COMMENT ON VIEW sensors_published_datastream IS 'A row per datastream, with what it measures and where its thing stands now.';
"""


class Migration(migrations.Migration):

    dependencies = [
        ('sensors', '0013_entity_changes'),
    ]

    operations = [
        migrations.CreateModel(
            name='DerivedMark',
            fields=[
                ('pk', models.CompositePrimaryKey('datastream_id', 'hour', blank=True, editable=False, primary_key=True, serialize=False)),
                ('datastream_id', models.BigIntegerField()),
                ('hour', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'hour to derive from',
                'verbose_name_plural': 'hours to derive from',
            },
        ),
        migrations.AddField(
            model_name='datastream',
            name='derivation',
            field=models.CharField(blank=True, db_default='', default='', editable=False, help_text='Empty: it is measured.', max_length=32, verbose_name='derivation'),
        ),
        migrations.CreateModel(
            name='Watch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('owner', models.CharField(max_length=64, verbose_name='owner')),
                ('thresholds', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), help_text='The mildest first.', size=None, verbose_name='thresholds')),
                ('level_names', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), size=None, verbose_name='names of the levels')),
                ('is_below', models.BooleanField(default=False, verbose_name='falling')),
                ('hysteresis', models.FloatField(default=0.0, verbose_name='hysteresis')),
                ('opens_after', models.DurationField(default=datetime.timedelta(0), verbose_name='opens after')),
                ('closes_after', models.DurationField(default=datetime.timedelta(0), verbose_name='closes after')),
                ('longest_gap', models.DurationField(verbose_name='longest gap')),
                ('follows_from', models.DateTimeField(help_text='What was measured up to then does not count.', verbose_name='follows from')),
                ('evaluated_to', models.DateTimeField()),
                ('level', models.PositiveSmallIntegerField(default=0, verbose_name='level')),
                ('changing_since', django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(null=True), default=list, size=None)),
                ('heard_at', models.DateTimeField(null=True)),
                ('value', models.FloatField(null=True, verbose_name='latest value')),
                ('peak', models.FloatField(null=True, verbose_name='peak value')),
                ('peak_at', models.DateTimeField(null=True, verbose_name='time of the peak')),
                ('due_at', models.DateTimeField(null=True)),
                ('datastream', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='watches', to='sensors.datastream', verbose_name='datastream')),
            ],
            options={
                'verbose_name': 'watch over a datastream',
                'verbose_name_plural': 'watches over datastreams',
            },
        ),
        migrations.CreateModel(
            name='Crossing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('change', models.BigIntegerField(unique=True)),
                ('at', models.DateTimeField(help_text='The phenomenon time of the value that settled it.', verbose_name='at')),
                ('since', models.DateTimeField(help_text='When the hold began.', verbose_name='since')),
                ('old', models.PositiveSmallIntegerField(verbose_name='old level')),
                ('new', models.PositiveSmallIntegerField(verbose_name='new level')),
                ('value', models.FloatField(verbose_name='value')),
                ('peak', models.FloatField(verbose_name='peak value')),
                ('peak_at', models.DateTimeField(verbose_name='time of the peak')),
                ('recorded_at', models.DateTimeField(verbose_name='recorded at')),
                ('is_late', models.BooleanField(default=False, verbose_name='learnt late')),
                ('revoked_at', models.DateTimeField(null=True, verbose_name='revoked at')),
                ('watch', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='crossings', to='sensors.watch')),
            ],
            options={
                'verbose_name': 'crossing of a level',
                'verbose_name_plural': 'crossings of levels',
                'ordering': ['watch', 'at', 'id'],
            },
        ),
        migrations.AddIndex(
            model_name='watch',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='watch_due'),
        ),
        migrations.AddConstraint(
            model_name='watch',
            constraint=models.UniqueConstraint(fields=('owner', 'datastream'), name='one_watch_per_owner'),
        ),
        migrations.AddConstraint(
            model_name='crossing',
            constraint=models.UniqueConstraint(condition=models.Q(('revoked_at', None)), fields=('watch', 'at'), name='one_crossing_at_a_time'),
        ),
        migrations.RunSQL(CHANGES_SQL, "DROP SEQUENCE sensors_crossing_change"),
        migrations.RunSQL(MARKS_SQL, MARKS_BACK_SQL),
        migrations.RunSQL(VIEW_SQL, VIEW_BACK_SQL),
    ]
