"""What the models cannot say: placement by point, append-only history, data versions."""

from django.db import migrations

from server.core.versions import create_versions_sql, watch_sql

AREA_AT_SQL = """
CREATE FUNCTION geo_area_at(point geometry) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT a.id FROM geo_area a JOIN geo_arealevel l ON l.id = a.level_id
    WHERE a.retired_at IS NULL AND ST_Covers(a.boundary, point)
    ORDER BY l.rank DESC, a.code LIMIT 1
$$;
COMMENT ON FUNCTION geo_area_at(geometry) IS
    'The current area of the deepest level that covers a point; on a border the one with the lowest code; null outside.';
"""

HISTORY_SQL = """
CREATE FUNCTION geo_historyentry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of reports is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER geo_historyentry_append_only BEFORE UPDATE OR DELETE ON geo_historyentry
    FOR EACH ROW EXECUTE FUNCTION geo_historyentry_refuse();
"""

WATCHED = {
    "geo_report": "reports",
    "geo_category": "reports",
    "geo_channel": "reports",
    "geo_agency": "reports",
    "geo_area": "areas",
    "geo_areaancestry": "areas",
    "geo_city": "areas",
    "geo_populationfigure": "areas",
    "geo_thingplacement": "areas",
    "geo_resultset": "results",
}


class Migration(migrations.Migration):
    dependencies = [("geo", "0001_initial"), ("sensors", "0002_published")]

    operations = [
        migrations.RunSQL(AREA_AT_SQL, "DROP FUNCTION geo_area_at(geometry)"),
        migrations.RunSQL(HISTORY_SQL, "DROP FUNCTION geo_historyentry_refuse() CASCADE"),
        migrations.RunSQL(
            create_versions_sql("geo_dataversion"),
            "DROP FUNCTION geo_dataversion_bump() CASCADE; DROP TABLE geo_dataversion",
        ),
        migrations.RunSQL(
            "".join(watch_sql("geo_dataversion", table, scope) for table, scope in WATCHED.items()),
            migrations.RunSQL.noop,
        ),
    ]
