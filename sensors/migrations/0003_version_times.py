"""When readings last changed, for Last-Modified."""

from django.db import migrations

from server.core.versions import stamp_versions_sql


class Migration(migrations.Migration):
    dependencies = [("sensors", "0002_published")]

    operations = [migrations.RunSQL(stamp_versions_sql("sensors_dataversion"), migrations.RunSQL.noop)]
