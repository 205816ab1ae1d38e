from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('geo', '0019_thresholds'),
    ]

    operations = [
        migrations.AddField(
            model_name='report',
            name='landmark',
            field=models.CharField(blank=True, db_default='', default='', help_text='By what the place is found; not public.', max_length=300, verbose_name='landmark'),
        ),
    ]
