"""What the database itself holds to: logs that are only added to, and working time reckoned in SQL.

TRUNCATE passes by the triggers of rows, so it is refused as well, but in a database that is marked as disposable: a test run
empties its own between tests. Its owner marks one by `COMMENT ON DATABASE name IS 'disposable'`.
"""

from django.db import migrations

APPEND_ONLY_SQL = """
CREATE FUNCTION geo_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND (SELECT shobj_description(oid, 'pg_database') FROM pg_database
                               WHERE datname = current_database()) IS NOT DISTINCT FROM 'disposable' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER geo_historyentry_not_emptied BEFORE TRUNCATE ON geo_historyentry
    FOR EACH STATEMENT EXECUTE FUNCTION geo_refuse_change();

CREATE TRIGGER geo_instructionstep_append_only BEFORE UPDATE OR DELETE ON geo_instructionstep
    FOR EACH ROW EXECUTE FUNCTION geo_refuse_change();
CREATE TRIGGER geo_instructionstep_not_emptied BEFORE TRUNCATE ON geo_instructionstep
    FOR EACH STATEMENT EXECUTE FUNCTION geo_refuse_change();

CREATE TRIGGER geo_alertevent_append_only BEFORE UPDATE OR DELETE ON geo_alertevent
    FOR EACH ROW EXECUTE FUNCTION geo_refuse_change();
CREATE TRIGGER geo_alertevent_not_emptied BEFORE TRUNCATE ON geo_alertevent
    FOR EACH STATEMENT EXECUTE FUNCTION geo_refuse_change();
"""

WORKING_TIME_SQL = """
CREATE FUNCTION geo_working_seconds(calendar bigint, at timestamptz) RETURNS numeric LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce((
        SELECT i.seconds_before + extract(epoch FROM least($2, i.ends_at) - i.starts_at)
        FROM geo_workinginterval i WHERE i.calendar_id = c.id AND i.starts_at <= $2
        ORDER BY i.starts_at DESC LIMIT 1), 0)
    FROM geo_workingcalendar c WHERE c.id = $1 AND $2 BETWEEN c.laid_out_from AND c.laid_out_until
$$;
COMMENT ON FUNCTION geo_working_seconds(bigint, timestamptz) IS
    'Seconds of working time from where the calendar is laid out to this moment; null outside of that.';

CREATE FUNCTION geo_working_between(calendar bigint, a timestamptz, b timestamptz) RETURNS interval
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT make_interval(secs => (geo_working_seconds($1, $3) - geo_working_seconds($1, $2))::float8)
$$;
COMMENT ON FUNCTION geo_working_between(bigint, timestamptz, timestamptz) IS
    'Working time from a to b; negative where b is the earlier; null outside of what is laid out.';

CREATE FUNCTION geo_add_working(calendar bigint, since timestamptz, work interval) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH t AS MATERIALIZED (SELECT geo_working_seconds($1, $2) + extract(epoch FROM $3) AS goal)
    SELECT CASE WHEN t.goal IS NULL THEN NULL WHEN $3 = interval '0' THEN $2
                WHEN t.goal <= i.seconds_before + extract(epoch FROM i.ends_at - i.starts_at)
                THEN i.starts_at + make_interval(secs => (t.goal - i.seconds_before)::float8) END
    FROM t
    LEFT JOIN LATERAL (
        -- Before, not at: what ends with a working day is due that evening, not the next morning. Whole seconds, as they are
        -- in the index: it cannot be searched for others.
        SELECT * FROM geo_workinginterval w WHERE w.calendar_id = $1 AND w.seconds_before < ceil(t.goal)::bigint
        ORDER BY w.seconds_before DESC LIMIT 1) i ON true
$$;
COMMENT ON FUNCTION geo_add_working(bigint, timestamptz, interval) IS
    'When so much working time (not negative) has passed since a moment; null beyond what is laid out.';
"""


class Migration(migrations.Migration):
    dependencies = [("geo", "0012_operation_centre")]

    operations = [
        migrations.RunSQL(APPEND_ONLY_SQL, "DROP FUNCTION geo_refuse_change() CASCADE"),
        migrations.RunSQL(
            WORKING_TIME_SQL,
            "DROP FUNCTION geo_add_working(bigint, timestamptz, interval);"
            "DROP FUNCTION geo_working_between(bigint, timestamptz, timestamptz);"
            "DROP FUNCTION geo_working_seconds(bigint, timestamptz)",
        ),
    ]
