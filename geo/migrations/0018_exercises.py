"""Reports, alerts and incidents of an exercise: never public, never made into real ones, and removable with their history."""

from django.db import migrations, models

# `geo_refuse_change` and `geo_historyentry_refuse` as they were (0002_functions, 0013_operation_functions).
REFUSE_SQL = """
CREATE OR REPLACE FUNCTION geo_historyentry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of reports is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE FUNCTION geo_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND (SELECT shobj_description(oid, 'pg_database') FROM pg_database
                               WHERE datname = current_database()) IS NOT DISTINCT FROM 'disposable' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
"""

# A line may go only where the row that it tells of is of an exercise, and only in a transaction that says that it removes one:
# neither alone is enough. What is real cannot be made an exercise, so that no real line can be reached by this.
REFUSE_BUT_OF_EXERCISE_SQL = """
CREATE FUNCTION geo_is_removed_with_exercise(line_table text, line jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(current_setting('pantau.removes_exercise', true), '') = 'on' AND CASE line_table
        WHEN 'geo_historyentry' THEN EXISTS (
            SELECT FROM geo_report WHERE id = (line ->> 'report_id')::bigint AND is_exercise)
        WHEN 'geo_alertevent' THEN EXISTS (
            SELECT FROM geo_alert WHERE id = (line ->> 'alert_id')::bigint AND is_exercise)
        WHEN 'geo_incidentevent' THEN EXISTS (
            SELECT FROM geo_incident WHERE id = (line ->> 'incident_id')::bigint AND is_exercise)
        ELSE false END
$$;
COMMENT ON FUNCTION geo_is_removed_with_exercise(text, jsonb) IS
    'Whether a line of an append-only log may be deleted: it is of an exercise, and this transaction removes exercises.';

CREATE OR REPLACE FUNCTION geo_historyentry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF geo_is_removed_with_exercise(TG_TABLE_NAME, to_jsonb(OLD)) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the history of reports is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE FUNCTION geo_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND (SELECT shobj_description(oid, 'pg_database') FROM pg_database
                               WHERE datname = current_database()) IS NOT DISTINCT FROM 'disposable' THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' THEN
        IF geo_is_removed_with_exercise(TG_TABLE_NAME, to_jsonb(OLD)) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION geo_refuse_becoming_exercise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what is real becomes no exercise, and no exercise becomes real (%)', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER geo_report_stays_real BEFORE UPDATE OF is_exercise ON geo_report
    FOR EACH ROW WHEN (OLD.is_exercise IS DISTINCT FROM NEW.is_exercise) EXECUTE FUNCTION geo_refuse_becoming_exercise();
CREATE TRIGGER geo_alert_stays_real BEFORE UPDATE OF is_exercise ON geo_alert
    FOR EACH ROW WHEN (OLD.is_exercise IS DISTINCT FROM NEW.is_exercise) EXECUTE FUNCTION geo_refuse_becoming_exercise();
CREATE TRIGGER geo_incident_stays_real BEFORE UPDATE OF is_exercise ON geo_incident
    FOR EACH ROW WHEN (OLD.is_exercise IS DISTINCT FROM NEW.is_exercise) EXECUTE FUNCTION geo_refuse_becoming_exercise();
CREATE TRIGGER geo_channel_stays_real BEFORE UPDATE OF is_exercise ON geo_channel
    FOR EACH ROW WHEN (OLD.is_exercise IS DISTINCT FROM NEW.is_exercise) EXECUTE FUNCTION geo_refuse_becoming_exercise();
"""

AS_BEFORE_SQL = (
    "DROP FUNCTION geo_refuse_becoming_exercise() CASCADE;"
    + REFUSE_SQL
    + "DROP FUNCTION geo_is_removed_with_exercise(text, jsonb);"
)


class Migration(migrations.Migration):
    dependencies = [("geo", "0017_incident_log"), ("sensors", "0007_exercises")]

    operations = [
        migrations.AddField(
            model_name="alert",
            name="is_exercise",
            field=models.BooleanField(db_default=False, default=False, editable=False, verbose_name="exercise"),
        ),
        migrations.AddField(
            model_name="channel",
            name="is_exercise",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="What comes by it is played: staff see it, it counts nowhere, and nobody outside is told.",
                verbose_name="exercise",
            ),
        ),
        migrations.AddField(
            model_name="incident",
            name="is_exercise",
            field=models.BooleanField(db_default=False, default=False, editable=False, verbose_name="exercise"),
        ),
        migrations.AddField(
            model_name="report",
            name="is_exercise",
            field=models.BooleanField(db_default=False, default=False, editable=False, verbose_name="exercise"),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_exercise", True), ("is_public", True), _negated=True),
                name="exercise_incident_not_public",
            ),
        ),
        migrations.AddConstraint(
            model_name="report",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_exercise", True), ("is_public", True), _negated=True),
                name="exercise_report_not_public",
            ),
        ),
        migrations.RunSQL(REFUSE_BUT_OF_EXERCISE_SQL, AS_BEFORE_SQL),
    ]
