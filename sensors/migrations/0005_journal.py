"""The journal of what transactions do to observations, and the bookmarks of those who follow it."""

import django.contrib.postgres.fields
from django.db import migrations, models

# A batch's arrays are written and read a few times and dropped within a day: compressing them would cost more than it saves.
STORAGE_SQL = """
ALTER TABLE sensors_journalentry
    ALTER datastream_ids SET STORAGE EXTERNAL, ALTER phenomenon_times SET STORAGE EXTERNAL,
    ALTER results SET STORAGE EXTERNAL, ALTER qualities SET STORAGE EXTERNAL;
"""


class Migration(migrations.Migration):
    dependencies = [("sensors", "0004_topic_rules")]

    operations = [
        migrations.CreateModel(
            name="Bookmark",
            fields=[
                ("name", models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name="name")),
                ("xid", models.BigIntegerField(default=0)),
                ("entry", models.BigIntegerField(default=0)),
                ("moved_at", models.DateTimeField(null=True, verbose_name="moved at")),
                (
                    "failure",
                    models.TextField(
                        blank=True,
                        help_text="Why it stands still; empty when it does not.",
                        verbose_name="failure",
                    ),
                ),
            ],
            options={"verbose_name": "bookmark", "verbose_name_plural": "bookmarks"},
        ),
        migrations.AlterField(
            model_name="observation",
            name="quality",
            field=models.SmallIntegerField(
                choices=[
                    (0, "good"),
                    (1, "outside the plausible range"),
                    (2, "changes faster than is plausible"),
                    (4, "the same value for too long"),
                    (8, "a spike"),
                ],
                default=0,
                verbose_name="quality",
            ),
        ),
        migrations.CreateModel(
            name="JournalEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("xid", models.BigIntegerField(help_text="The transaction's number.")),
                ("kind", models.PositiveSmallIntegerField()),
                ("written_at", models.DateTimeField()),
                (
                    "datastream_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                (
                    "phenomenon_times",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), help_text="Microseconds since 1970.", size=None
                    ),
                ),
                ("results", django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None)),
                (
                    "qualities",
                    django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), size=None),
                ),
            ],
            options={
                "verbose_name": "entry of the journal",
                "verbose_name_plural": "entries of the journal",
                "indexes": [models.Index(fields=["written_at"], name="journal_written")],
                "constraints": [models.UniqueConstraint(fields=("xid", "id"), name="journal_order")],
            },
        ),
        migrations.RunSQL(STORAGE_SQL, migrations.RunSQL.noop),
    ]
