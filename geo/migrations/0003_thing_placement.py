"""A thing's place follows its location whoever writes it, and the latest population figure of each area as a view."""

from django.db import migrations

THING_SQL = """
CREATE FUNCTION geo_thingplacement_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM geo_thingplacement WHERE location_id = OLD.id;
        RETURN NULL;
    END IF;
    -- Shared with other writers, held against a change of boundaries. The next statement takes its snapshot after the wait.
    PERFORM pg_advisory_xact_lock_shared(hashtext('geo.placement'));
    INSERT INTO geo_thingplacement (thing_id, location_id, area_id, valid_from, valid_to)
    VALUES (NEW.thing_id, NEW.id, geo_area_at(NEW.location), NEW.valid_from, NEW.valid_to)
    ON CONFLICT (location_id) DO UPDATE SET thing_id = excluded.thing_id, area_id = excluded.area_id,
        valid_from = excluded.valid_from, valid_to = excluded.valid_to;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION geo_thingplacement_follow() IS
    'Keeps geo_thingplacement equal to sensors_thinglocation; sensors knows nothing of areas, so geo listens here.';
CREATE TRIGGER geo_thingplacement_follow AFTER INSERT OR UPDATE OR DELETE ON sensors_thinglocation
    FOR EACH ROW EXECUTE FUNCTION geo_thingplacement_follow();
INSERT INTO geo_thingplacement (thing_id, location_id, area_id, valid_from, valid_to)
    SELECT thing_id, location_id, geo_area_at(location), valid_from, valid_to FROM sensors_published_location;
"""

POPULATION_SQL = """
CREATE VIEW geo_population_latest AS
    SELECT DISTINCT ON (area_id) area_id, population, year, source
    FROM geo_populationfigure ORDER BY area_id, year DESC;
COMMENT ON VIEW geo_population_latest IS
    'A row per area that has a population figure: the latest. An area without a row is unknown; nothing is summed up.';
"""


class Migration(migrations.Migration):
    dependencies = [("geo", "0002_functions"), ("sensors", "0002_published")]

    operations = [
        migrations.RunSQL(THING_SQL, "DROP FUNCTION geo_thingplacement_follow() CASCADE; DELETE FROM geo_thingplacement"),
        migrations.RunSQL(POPULATION_SQL, "DROP VIEW geo_population_latest"),
    ]
