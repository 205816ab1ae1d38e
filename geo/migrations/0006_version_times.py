"""When a layer's data last changed, for Last-Modified."""

from django.db import migrations

from server.core.versions import stamp_versions_sql


class Migration(migrations.Migration):
    dependencies = [("geo", "0005_watch_levels")]

    operations = [migrations.RunSQL(stamp_versions_sql("geo_dataversion"), migrations.RunSQL.noop)]
