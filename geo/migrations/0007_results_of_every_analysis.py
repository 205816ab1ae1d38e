"""Results hold cells as well as areas, what is said of the whole, and how far their computation is.

They are a cache: what there is goes with its tables, and is computed again when it is asked for.
"""

import django.contrib.gis.db.models.fields
import django.db.models.deletion
from django.db import migrations, models

import geo.analysis.models
from server.core.versions import watch_sql


class Migration(migrations.Migration):
    dependencies = [("geo", "0006_version_times")]

    operations = [
        migrations.DeleteModel("ResultRow"),
        migrations.DeleteModel("ResultSet"),
        migrations.CreateModel(
            name='ResultSet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token', models.CharField(default=geo.analysis.models.new_token, editable=False, max_length=24, unique=True)),
                ('analysis', models.CharField(help_text='Id of the layer or of the analysis', max_length=64)),
                ('parameters_key', models.CharField(help_text='SHA-256 of the resolved parameters', max_length=64)),
                ('parameters', models.JSONField()),
                ('data_version', models.BigIntegerField()),
                ('state', models.CharField(choices=[('pending', 'pending'), ('ready', 'ready'), ('failed', 'failed'), ('cancelled', 'cancelled')], default='pending', max_length=9)),
                ('progress', models.FloatField(default=0.0, help_text='Share that is done, 0 to 1')),
                ('requested_at', models.DateTimeField()),
                ('touched_at', models.DateTimeField(help_text='When its worker last said that it is alive')),
                ('as_of', models.DateTimeField(null=True)),
                ('error', models.TextField(blank=True)),
                ('members', models.JSONField(default=dict, help_text='What is said of the whole result')),
            ],
            options={
                'verbose_name': 'result set',
                'verbose_name_plural': 'result sets',
                'indexes': [models.Index(fields=['analysis', 'parameters_key', '-as_of'], name='result_latest')],
                'constraints': [models.UniqueConstraint(fields=('analysis', 'parameters_key', 'data_version'), name='one_result_per_version')],
            },
        ),
        migrations.CreateModel(
            name='ResultRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.BigIntegerField()),
                ('geom', django.contrib.gis.db.models.fields.MultiPolygonField(null=True, spatial_index=False, srid=4326)),
                ('figures', models.JSONField()),
                ('result_set', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rows', to='geo.resultset')),
            ],
            options={
                'verbose_name': 'result row',
                'verbose_name_plural': 'result rows',
                'constraints': [models.UniqueConstraint(fields=('result_set', 'key'), name='one_row_per_key')],
            },
        ),
        migrations.RunSQL(watch_sql("geo_dataversion", "geo_resultset", "results"), migrations.RunSQL.noop),
    ]
