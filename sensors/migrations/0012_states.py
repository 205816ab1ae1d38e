"""Silence, the audit of corrections, and what a person decided of a value."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from server.core.versions import watch_sql

STATE_SQL = """
CREATE FUNCTION sensors_datastream_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sensors_datastreamstate (datastream_id, state, since, returned_at)
    VALUES (NEW.id, 'never', clock_timestamp(), '{}') ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION sensors_datastream_state() IS 'Gives each new datastream its row of states.';
CREATE TRIGGER sensors_datastream_state AFTER INSERT ON sensors_datastream
    FOR EACH ROW EXECUTE FUNCTION sensors_datastream_state();

INSERT INTO sensors_datastreamstate
    (datastream_id, state, since, latest_at, latest_result, latest_quality, heard_at, returned_at)
SELECT d.id, CASE WHEN o.phenomenon_time IS NULL THEN 'never' ELSE 'heard' END, coalesce(o.received_at, d.created_at),
       o.phenomenon_time, o.result, o.quality, o.received_at, '{}'
FROM sensors_datastream d
LEFT JOIN LATERAL (
    SELECT phenomenon_time, result, quality, received_at FROM sensors_observation
    WHERE datastream_id = d.id ORDER BY phenomenon_time DESC LIMIT 1
) o ON true;
"""
STATE_BACK_SQL = """
DROP TRIGGER sensors_datastream_state ON sensors_datastream;
DROP FUNCTION sensors_datastream_state();
"""

RECOUNT_SQL = """
CREATE FUNCTION sensors_datastream_recount() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sensors_dirtyhour (datastream_id, hour)
    SELECT DISTINCT datastream_id, date_bin('1 hour', phenomenon_time, '2000-01-01Z')
    FROM sensors_observation WHERE datastream_id = NEW.id AND quality <> 0;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION sensors_datastream_recount() IS 'Marks the hours that have flagged values, when other flags are to be counted.';
CREATE TRIGGER sensors_datastream_recount AFTER UPDATE OF counted_flags ON sensors_datastream
    FOR EACH ROW WHEN (OLD.counted_flags IS DISTINCT FROM NEW.counted_flags)
    EXECUTE FUNCTION sensors_datastream_recount();
"""
RECOUNT_BACK_SQL = """
DROP TRIGGER sensors_datastream_recount ON sensors_datastream;
DROP FUNCTION sensors_datastream_recount();
"""

# A line goes only with the thing of an exercise that it is of; TRUNCATE only empties a database that is marked disposable.
AUDIT_SQL = """
CREATE FUNCTION sensors_correction_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND (SELECT shobj_description(oid, 'pg_database') FROM pg_database
                               WHERE datname = current_database()) IS NOT DISTINCT FROM 'disposable' THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT FROM sensors_datastream d JOIN sensors_thing t ON t.id = d.thing_id
                   WHERE d.id = OLD.datastream_id AND t.is_exercise) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit of corrections is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER sensors_correction_append_only BEFORE UPDATE OR DELETE ON sensors_correction
    FOR EACH ROW EXECUTE FUNCTION sensors_correction_refuse();
CREATE TRIGGER sensors_correction_not_emptied BEFORE TRUNCATE ON sensors_correction
    FOR EACH STATEMENT EXECUTE FUNCTION sensors_correction_refuse();
"""
AUDIT_BACK_SQL = """
DROP TRIGGER sensors_correction_not_emptied ON sensors_correction;
DROP TRIGGER sensors_correction_append_only ON sensors_correction;
DROP FUNCTION sensors_correction_refuse();
"""

WORDS_SQL = """
CREATE FUNCTION sensors_quality_words(quality integer) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE quality WHEN 0 THEN 'good' ELSE concat_ws(
        ',', CASE WHEN quality & 1 <> 0 THEN 'implausible' END, CASE WHEN quality & 2 <> 0 THEN 'rate' END,
        CASE WHEN quality & 4 <> 0 THEN 'stuck' END, CASE WHEN quality & 8 <> 0 THEN 'spike' END,
        CASE WHEN quality & 16 <> 0 THEN 'doubted' END) END
$$;
COMMENT ON FUNCTION sensors_quality_words(integer) IS 'The flags of a quality as words with commas between; good for none.';
"""
VIEWS_SQL = """
CREATE OR REPLACE VIEW sensors_published_latest AS
    SELECT d.id AS datastream_id, o.phenomenon_time, o.result, o.quality, sensors_quality_words(o.quality) AS quality_words
    FROM sensors_datastream d
    CROSS JOIN LATERAL (
        SELECT phenomenon_time, result, quality FROM sensors_observation
        WHERE datastream_id = d.id ORDER BY phenomenon_time DESC LIMIT 1
    ) o;

CREATE VIEW sensors_published_state AS
    SELECT s.datastream_id, s.state, s.since, s.heard_at, s.latest_at, s.latest_result, s.latest_quality
    FROM sensors_datastreamstate s
    JOIN sensors_datastream d ON d.id = s.datastream_id
    JOIN sensors_thing t ON t.id = d.thing_id
    WHERE NOT t.is_exercise;
COMMENT ON VIEW sensors_published_state IS
    'A row per datastream: never, heard, late, silent or flapping, and since when; what came last, as the follower knew it.';
"""
VIEWS_BACK_SQL = """
DROP VIEW sensors_published_state;
DROP VIEW sensors_published_latest;
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
    dependencies = [
        ("sensors", "0011_checks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DatastreamState",
            fields=[
                (
                    "datastream",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="state",
                        serialize=False,
                        to="sensors.datastream",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("never", "never heard"),
                            ("heard", "heard"),
                            ("late", "late"),
                            ("silent", "silent"),
                            ("flapping", "falls silent again and again"),
                        ],
                        default="never",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("since", models.DateTimeField(default=django.utils.timezone.now, verbose_name="since")),
                ("latest_at", models.DateTimeField(null=True, verbose_name="time of the latest result")),
                ("latest_result", models.FloatField(null=True, verbose_name="latest result")),
                ("latest_quality", models.SmallIntegerField(null=True, verbose_name="quality")),
                (
                    "heard_at",
                    models.DateTimeField(
                        help_text="When something last came, however old its values.",
                        null=True,
                        verbose_name="heard at",
                    ),
                ),
                (
                    "returned_at",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateTimeField(),
                        default=list,
                        help_text="When it last came back from silence, oldest first.",
                        size=None,
                    ),
                ),
            ],
            options={
                "verbose_name": "state of a datastream",
                "verbose_name_plural": "states of datastreams",
            },
        ),
        migrations.CreateModel(
            name="DatastreamStateChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="at")),
                (
                    "old",
                    models.CharField(
                        choices=[
                            ("never", "never heard"),
                            ("heard", "heard"),
                            ("late", "late"),
                            ("silent", "silent"),
                            ("flapping", "falls silent again and again"),
                        ],
                        max_length=8,
                        verbose_name="old state",
                    ),
                ),
                (
                    "new",
                    models.CharField(
                        choices=[
                            ("never", "never heard"),
                            ("heard", "heard"),
                            ("late", "late"),
                            ("silent", "silent"),
                            ("flapping", "falls silent again and again"),
                        ],
                        max_length=8,
                        verbose_name="new state",
                    ),
                ),
            ],
            options={
                "verbose_name": "change of state",
                "verbose_name_plural": "changes of state",
                "ordering": ["-at", "-id"],
            },
        ),
        migrations.AddField(
            model_name="correction",
            name="new_quality",
            field=models.SmallIntegerField(null=True, verbose_name="new quality"),
        ),
        migrations.AddField(
            model_name="correction",
            name="old_quality",
            field=models.SmallIntegerField(null=True, verbose_name="old quality"),
        ),
        migrations.AlterField(
            model_name="correction",
            name="datastream",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="corrections", to="sensors.datastream"
            ),
        ),
        migrations.AlterField(
            model_name="observation",
            name="quality",
            field=models.SmallIntegerField(
                choices=[
                    (0, "good"),
                    (1, "outside the plausible range"),
                    (2, "changes faster than is plausible"),
                    (4, "the same value for too long"),
                    (8, "a spike"),
                    (16, "doubted by a person"),
                ],
                default=0,
                verbose_name="quality",
            ),
        ),
        migrations.AddIndex(
            model_name="correction",
            index=models.Index(fields=["datastream", "phenomenon_time", "id"], name="correction_of_observation"),
        ),
        migrations.AddField(
            model_name="datastreamstatechange",
            name="datastream",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="state_changes", to="sensors.datastream"
            ),
        ),
        migrations.AddIndex(
            model_name="datastreamstatechange",
            index=models.Index(fields=["at"], name="state_change_at"),
        ),
        migrations.AddIndex(
            model_name="datastreamstatechange",
            index=models.Index(fields=["datastream", "-at"], name="state_change_of_datastream"),
        ),
        migrations.RunSQL(AUDIT_SQL, AUDIT_BACK_SQL),
        migrations.RunSQL(RECOUNT_SQL, RECOUNT_BACK_SQL),
        migrations.RunSQL(WORDS_SQL, "DROP FUNCTION sensors_quality_words(integer)"),
        migrations.RunSQL(VIEWS_SQL, VIEWS_BACK_SQL),
        migrations.RunSQL(
            watch_sql("sensors_dataversion", "sensors_datastreamstate", "states"), migrations.RunSQL.noop
        ),
        # Last: rows with a foreign key that is checked at the end stand in the way of altering their table.
        migrations.RunSQL(STATE_SQL, STATE_BACK_SQL),
    ]
