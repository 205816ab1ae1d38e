"""The names of area levels are shown in layers, so a change of them is a change of data."""

from django.db import migrations

from server.core.versions import watch_sql


class Migration(migrations.Migration):
    dependencies = [("geo", "0004_city_role")]

    operations = [migrations.RunSQL(watch_sql("geo_dataversion", "geo_arealevel", "areas"), migrations.RunSQL.noop)]
