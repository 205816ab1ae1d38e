"""Counts of messages, batches and reasons beside those of readings, and a constraint by which these add up."""

import django.contrib.postgres.fields
import django.db.models.expressions
from django.db import migrations, models

# Until now no reasons were counted: what was quarantined so far is of none, so that the sum over the reasons is right.
EARLIER_SQL = """
INSERT INTO sensors_quarantinecount (slot, reason, kept, counted_only)
SELECT slot, 'earlier', quarantined, 0 FROM sensors_ingeststatus WHERE quarantined > 0;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("sensors", "0014_thresholds"),
    ]

    operations = [
        migrations.CreateModel(
            name="QuarantineCount",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "slot", "reason", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("slot", models.PositiveSmallIntegerField()),
                ("reason", models.CharField(max_length=40, verbose_name="reason")),
                ("kept", models.BigIntegerField(default=0)),
                ("counted_only", models.BigIntegerField(default=0)),
            ],
            options={
                "verbose_name": "count of the quarantine",
                "verbose_name_plural": "counts of the quarantine",
            },
        ),
        migrations.AddField(
            model_name="ingeststatus",
            name="acknowledged",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="ingeststatus",
            name="batch_messages",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="ingeststatus",
            name="batch_seconds",
            field=models.FloatField(db_default=0.0, default=0.0),
        ),
        migrations.AddField(
            model_name="ingeststatus",
            name="batches",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="ingeststatus",
            name="broker",
            field=models.JSONField(
                help_text="What the broker said of itself: sensors.ingest.broker_figures.", null=True
            ),
        ),
        migrations.AddField(
            model_name="ingeststatus",
            name="by_messages",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(),
                help_text="Batches by BATCH_MESSAGES_BOUNDS, and beyond.",
                null=True,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="ingeststatus",
            name="by_seconds",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(),
                help_text="Batches by BATCH_SECONDS_BOUNDS, and beyond.",
                null=True,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="ingeststatus",
            name="dropped",
            field=models.BigIntegerField(db_default=0, default=0, help_text="Of QoS 0, beyond what a worker holds."),
        ),
        migrations.AddField(
            model_name="ingeststatus",
            name="is_connected",
            field=models.BooleanField(null=True),
        ),
        migrations.AddField(
            model_name="ingeststatus",
            name="lag_seconds",
            field=models.FloatField(
                help_text="From the arrival of the last batch's first message to its commit.", null=True
            ),
        ),
        migrations.AddField(
            model_name="ingeststatus",
            name="newest_at",
            field=models.DateTimeField(
                help_text="The latest phenomenon time stored; what lies ahead counts as now.", null=True
            ),
        ),
        migrations.AddField(
            model_name="ingeststatus",
            name="noted_at",
            field=models.DateTimeField(
                help_text="When the worker last wrote how it stands: every ten seconds at least.", null=True
            ),
        ),
        migrations.AddField(
            model_name="ingeststatus",
            name="oldest_waiting_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="ingeststatus",
            name="returned",
            field=models.BigIntegerField(
                db_default=0,
                default=0,
                help_text="Committed, but the connection was lost before: the broker delivers them again.",
            ),
        ),
        migrations.AddField(
            model_name="ingeststatus",
            name="waiting",
            field=models.BigIntegerField(db_default=0, default=0, help_text="Messages in the worker's memory."),
        ),
        migrations.AddConstraint(
            model_name="ingeststatus",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "received",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    models.F("stored"), "+", models.F("repeated")
                                ),
                                "+",
                                models.F("quarantined"),
                            ),
                            "+",
                            models.F("ignored"),
                        ),
                    )
                ),
                name="ingest_counts_add_up",
            ),
        ),
        migrations.RunSQL(EARLIER_SQL, migrations.RunSQL.noop),
    ]
