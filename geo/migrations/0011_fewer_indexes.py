"""Indexes that others begin with, and the pattern index of the public id, go: each cost every report that came in."""

import django.db.models.deletion
import geo.reports.models.report
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('geo', '0010_duplicates'),
    ]

    operations = [
        migrations.AlterField(
            model_name='report',
            name='category',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='reports', to='geo.category'),
        ),
        migrations.AlterField(
            model_name='report',
            name='channel',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='reports', to='geo.channel'),
        ),
        migrations.AlterField(
            model_name='report',
            name='public_area',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='public_reports', to='geo.area'),
        ),
        migrations.AlterField(
            model_name='report',
            name='public_id',
            field=models.CharField(default=geo.reports.models.report.new_public_id, editable=False, max_length=16),
        ),
        migrations.AddConstraint(
            model_name='report',
            constraint=models.UniqueConstraint(fields=('public_id',), name='one_report_per_public_id'),
        ),
    ]
