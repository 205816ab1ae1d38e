"""What a datastream's values are checked for, and after what time it is silent."""

import django.core.validators
import sensors.registry.models
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sensors", "0010_observation_archive"),
    ]

    operations = [
        migrations.AddField(
            model_name="datastream",
            name="counted_flags",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                help_text="Values with these flags alone are good enough for hours, days and what is made of them.",
                validators=[django.core.validators.MaxValueValidator(15)],
                verbose_name="flags that are counted",
            ),
        ),
        migrations.AddField(
            model_name="datastream",
            name="most_change_per_min",
            field=models.FloatField(
                blank=True,
                null=True,
                validators=[sensors.registry.models.positive_rule],
                verbose_name="greatest plausible change in a minute",
            ),
        ),
        migrations.AddField(
            model_name="datastream",
            name="silent_after_s",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Empty: after three expected intervals. It is late after half of it.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="silent after (s)",
            ),
        ),
        migrations.AddField(
            model_name="datastream",
            name="spike_limit",
            field=models.FloatField(
                blank=True,
                help_text="A value is a spike that is farther than this from the one before and the one after, which agree.",
                null=True,
                validators=[sensors.registry.models.positive_rule],
                verbose_name="spike limit",
            ),
        ),
        migrations.AddField(
            model_name="datastream",
            name="stuck_after_s",
            field=models.PositiveIntegerField(
                blank=True,
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="stuck after (s)",
            ),
        ),
        migrations.AddField(
            model_name="datastream",
            name="stuck_except",
            field=models.FloatField(
                blank=True, help_text="Such as 0 for rain.", null=True, verbose_name="value that may stand still"
            ),
        ),
        migrations.AddField(
            model_name="datastream",
            name="stuck_tolerance",
            field=models.FloatField(
                db_default=0,
                default=0,
                validators=[django.core.validators.MinValueValidator(0.0)],
                verbose_name="tolerance of stuck values",
            ),
        ),
    ]
