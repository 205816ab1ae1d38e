"""Marks on entities that were made or changed, for those who subscribe to them by MQTT."""

from django.db import migrations, models

# Only while somebody follows: marks that nobody takes away would grow without end.
TRIGGERS_SQL = """
CREATE FUNCTION sensors_mark_entity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sensors_entitychange (entity_set, entity_id)
    SELECT entity_set, CASE entity_set WHEN 'FeaturesOfInterest' THEN -NEW.id ELSE NEW.id END
    FROM unnest(TG_ARGV) AS entity_set
    WHERE EXISTS (SELECT FROM sensors_bookmark WHERE name = 'sensorthings');
    RETURN NULL;
END $$;
CREATE TRIGGER mark_entity AFTER INSERT OR UPDATE ON sensors_thing
    FOR EACH ROW EXECUTE FUNCTION sensors_mark_entity('Things');
CREATE TRIGGER mark_entity AFTER INSERT OR UPDATE ON sensors_thinglocation
    FOR EACH ROW EXECUTE FUNCTION sensors_mark_entity('Locations', 'HistoricalLocations');
CREATE TRIGGER mark_entity AFTER INSERT OR UPDATE ON sensors_datastream
    FOR EACH ROW EXECUTE FUNCTION sensors_mark_entity('Datastreams');
CREATE TRIGGER mark_entity AFTER INSERT OR UPDATE ON sensors_sensor
    FOR EACH ROW EXECUTE FUNCTION sensors_mark_entity('Sensors');
CREATE TRIGGER mark_entity AFTER INSERT OR UPDATE ON sensors_observedproperty
    FOR EACH ROW EXECUTE FUNCTION sensors_mark_entity('ObservedProperties');
CREATE TRIGGER mark_entity AFTER INSERT OR UPDATE ON sensors_featureofinterest
    FOR EACH ROW EXECUTE FUNCTION sensors_mark_entity('FeaturesOfInterest');
"""
UNDO_SQL = """
DROP TRIGGER mark_entity ON sensors_thing;
DROP TRIGGER mark_entity ON sensors_thinglocation;
DROP TRIGGER mark_entity ON sensors_datastream;
DROP TRIGGER mark_entity ON sensors_sensor;
DROP TRIGGER mark_entity ON sensors_observedproperty;
DROP TRIGGER mark_entity ON sensors_featureofinterest;
DROP FUNCTION sensors_mark_entity();
"""


class Migration(migrations.Migration):
    dependencies = [("sensors", "0012_states")]

    operations = [
        migrations.CreateModel(
            name="EntityChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entity_set", models.CharField(max_length=20, verbose_name="entity set")),
                ("entity_id", models.BigIntegerField(verbose_name="entity")),
            ],
            options={"verbose_name": "changed entity", "verbose_name_plural": "changed entities"},
        ),
        migrations.RunSQL(TRIGGERS_SQL, UNDO_SQL),
    ]
