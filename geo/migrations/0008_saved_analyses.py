"""Saved analyses, the results that some of them keep, and recorded interventions."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from server.core.versions import watch_sql


class Migration(migrations.Migration):
    dependencies = [
        ('geo', '0007_results_of_every_analysis'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Intervention',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('date', models.DateField(help_text='A day of the city', verbose_name='date')),
                ('title', models.CharField(max_length=200, verbose_name='title')),
                ('description', models.TextField(blank=True, max_length=2000, verbose_name='description')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('updated_at', models.DateTimeField(verbose_name='updated at')),
                ('area', models.ForeignKey(on_delete=django.db.models.deletion.RESTRICT, related_name='interventions', to='geo.area', verbose_name='area')),
                ('category', models.ForeignKey(on_delete=django.db.models.deletion.RESTRICT, related_name='interventions', to='geo.category', verbose_name='category')),
                ('city', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='interventions', to='geo.city')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='interventions', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
            ],
            options={
                'verbose_name': 'intervention',
                'verbose_name_plural': 'interventions',
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['city', 'date'], name='intervention_day')],
            },
        ),
        migrations.CreateModel(
            name='SavedAnalysis',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.CharField(max_length=100, unique=True, validators=[django.core.validators.RegexValidator('^[a-z0-9]+(-[a-z0-9]+)*$', 'Use a-z, 0-9 and single hyphens.')], verbose_name='slug')),
                ('title', models.CharField(max_length=200, verbose_name='title')),
                ('description', models.TextField(blank=True, max_length=1000, verbose_name='description')),
                ('layer', models.CharField(help_text='Id of the computed layer', max_length=64, verbose_name='layer')),
                ('parameters', models.JSONField(default=dict, help_text='Texts by name, as they were given', verbose_name='parameters')),
                ('visibility', models.CharField(choices=[('public', 'public, listed'), ('link', 'whoever knows the link'), ('city', 'staff of the city')], default='public', max_length=6, verbose_name='visibility')),
                ('refresh', models.CharField(choices=[('live', 'as the data changes'), ('hourly', 'at most once an hour'), ('daily', 'at most once a day'), ('frozen', 'frozen')], default='live', max_length=6, verbose_name='refresh')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('updated_at', models.DateTimeField(verbose_name='updated at')),
                ('frozen_at', models.DateTimeField(editable=False, null=True, verbose_name='frozen at')),
                ('data_version', models.BigIntegerField(editable=False, null=True, verbose_name='data version')),
                ('code_version', models.CharField(blank=True, editable=False, max_length=200, verbose_name='code version')),
                ('seed', models.BigIntegerField(editable=False, null=True, verbose_name='seed')),
                ('checksum', models.CharField(blank=True, editable=False, help_text='SHA-256, see docs/statistics.md', max_length=64)),
                ('city', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_analyses', to='geo.city')),
                ('frozen_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='saved_analyses', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                ('result_set', models.OneToOneField(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='pinned_by', to='geo.resultset')),
            ],
            options={
                'verbose_name': 'saved analysis',
                'verbose_name_plural': 'saved analyses',
                'ordering': ['-id'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('frozen_at__isnull', False), ('refresh', 'frozen'), ('result_set__isnull', False)), models.Q(models.Q(('refresh', 'frozen'), _negated=True), ('frozen_at', None), ('result_set', None)), _connector='OR'), name='frozen_with_its_result')],
            },
        ),
        # What is left out of the comparison of one intervention depends on the others.
        migrations.RunSQL(watch_sql("geo_dataversion", "geo_intervention", "interventions"), migrations.RunSQL.noop),
    ]
