"""What channels need: their connections, dead letters and the outbox; questions of categories; retention; photos' thumbnails."""

import django.core.validators
import django.db.models.deletion
import uuid
from django.db import migrations, models

from server.core.versions import watch_sql


class Migration(migrations.Migration):

    dependencies = [
        ('geo', '0008_saved_analyses'),
    ]

    operations = [
        migrations.CreateModel(
            name='Destination',
            fields=[
                ('name', models.CharField(max_length=200, primary_key=True, serialize=False, verbose_name='destination')),
                ('failures', models.PositiveIntegerField(default=0, verbose_name='failures in a row')),
                ('retry_at', models.DateTimeField(blank=True, null=True, verbose_name='not before')),
                ('last_success_at', models.DateTimeField(blank=True, null=True, verbose_name='last success')),
                ('last_error', models.CharField(blank=True, max_length=500, verbose_name='last error')),
            ],
            options={
                'verbose_name': 'destination',
                'verbose_name_plural': 'destinations',
                'ordering': ['name'],
            },
        ),
        migrations.AddField(
            model_name='category',
            name='description_en',
            field=models.TextField(blank=True, max_length=1000, verbose_name='description (English)'),
        ),
        migrations.AddField(
            model_name='category',
            name='description_id',
            field=models.TextField(blank=True, max_length=1000, verbose_name='description (Indonesian)'),
        ),
        migrations.AddField(
            model_name='category',
            name='duplicate_days',
            field=models.PositiveIntegerField(blank=True, help_text='Empty: as the category above, else 14 days.', null=True, verbose_name='duplicates come within (days)'),
        ),
        migrations.AddField(
            model_name='category',
            name='duplicate_radius_m',
            field=models.PositiveIntegerField(blank=True, help_text='Empty: as the category above, else 100 m.', null=True, verbose_name='duplicates lie within (m)'),
        ),
        migrations.AddField(
            model_name='category',
            name='keywords',
            field=models.CharField(blank=True, help_text='Separated by commas.', max_length=300, verbose_name='keywords'),
        ),
        migrations.AddField(
            model_name='category',
            name='open311_type',
            field=models.CharField(choices=[('realtime', 'the number at once'), ('batch', 'a token first')], default='realtime', help_text="batch: a sender gets a token at once, and by it the report's number.", max_length=8, verbose_name='Open311 type'),
        ),
        migrations.AddField(
            model_name='category',
            name='retention_days',
            field=models.PositiveIntegerField(blank=True, help_text="After a report's last change. Empty: as the category above, else as the installation.", null=True, verbose_name='personal data is kept (days)'),
        ),
        migrations.AddField(
            model_name='report',
            name='address',
            field=models.CharField(blank=True, db_default='', default='', help_text='As it was given; not public.', max_length=300, verbose_name='address'),
        ),
        migrations.AddField(
            model_name='report',
            name='anonymised_at',
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name='anonymised at'),
        ),
        migrations.AddField(
            model_name='report',
            name='attributes',
            field=models.JSONField(blank=True, db_default={}, default=dict, help_text='To the questions of its category; not public.', verbose_name='answers'),
        ),
        migrations.AddField(
            model_name='reportphoto',
            name='distance_m',
            field=models.PositiveIntegerField(blank=True, editable=False, null=True, verbose_name='taken so far from the report (m)'),
        ),
        migrations.AddField(
            model_name='reportphoto',
            name='taken_at',
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name='taken at'),
        ),
        migrations.AddField(
            model_name='reportphoto',
            name='thumbnail',
            field=models.FileField(blank=True, editable=False, upload_to='thumbnails/%Y/%m/', verbose_name='thumbnail'),
        ),
        migrations.CreateModel(
            name='ChannelConnection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('adapter', models.CharField(choices=[('qlue', 'Qlue'), ('open311', 'Open311')], max_length=16, verbose_name='adapter')),
                ('feed_url', models.URLField(blank=True, help_text='Reports are read from here.', max_length=500, verbose_name='feed')),
                ('status_url', models.URLField(blank=True, help_text='Status changes go here.', max_length=500, verbose_name='status address')),
                ('category_map', models.JSONField(blank=True, default=dict, help_text='Their word: the slug of our category.', verbose_name='categories')),
                ('pull_every_s', models.PositiveIntegerField(default=300, verbose_name='read every (s)')),
                ('key_generation', models.PositiveIntegerField(default=1, editable=False, verbose_name='generation of the signing key')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('cursor', models.JSONField(blank=True, default=dict, editable=False, verbose_name='cursor')),
                ('pulled_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='last read')),
                ('succeeded_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='last read without error')),
                ('failures', models.PositiveIntegerField(default=0, editable=False, verbose_name='failures in a row')),
                ('last_error', models.CharField(blank=True, editable=False, max_length=500, verbose_name='last error')),
                ('channel', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='connection', to='geo.channel')),
                ('default_category', models.ForeignKey(blank=True, help_text='For words that are not in the list; empty: such reports become dead letters.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='geo.category')),
            ],
            options={
                'verbose_name': 'connection of a channel',
                'verbose_name_plural': 'connections of channels',
                'ordering': ['channel'],
            },
        ),
        migrations.CreateModel(
            name='OutboxMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='id')),
                ('transport', models.CharField(max_length=32, verbose_name='transport')),
                ('destination', models.CharField(max_length=200, verbose_name='destination')),
                ('ordering_key', models.CharField(blank=True, max_length=200)),
                ('topic', models.CharField(max_length=40, verbose_name='topic')),
                ('payload', models.JSONField(default=dict, verbose_name='payload')),
                ('state', models.CharField(choices=[('pending', 'to be sent'), ('delivered', 'delivered'), ('dead', 'given up')], default='pending', max_length=9, verbose_name='state')),
                ('attempts', models.PositiveIntegerField(default=0, verbose_name='attempts')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('next_attempt_at', models.DateTimeField(verbose_name='next attempt')),
                ('give_up_at', models.DateTimeField(blank=True, null=True, verbose_name='given up after')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished at')),
                ('last_error', models.CharField(blank=True, max_length=500, verbose_name='last error')),
            ],
            options={
                'verbose_name': 'outgoing message',
                'verbose_name_plural': 'outgoing messages',
                'ordering': ['-id'],
                'indexes': [models.Index(condition=models.Q(('state', 'pending')), fields=['destination', 'next_attempt_at', 'id'], name='outbox_pending'), models.Index(condition=models.Q(('state', 'pending')), fields=['destination', 'ordering_key', 'id'], name='outbox_order'), models.Index(fields=['state', '-id'], name='outbox_state')],
            },
        ),
        migrations.CreateModel(
            name='DeliveryAttempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('is_success', models.BooleanField(verbose_name='succeeded')),
                ('status_code', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='HTTP status')),
                ('error', models.CharField(blank=True, max_length=500, verbose_name='error')),
                ('duration_ms', models.PositiveIntegerField(verbose_name='duration (ms)')),
                ('message', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tries', to='geo.outboxmessage')),
            ],
            options={
                'verbose_name': 'delivery attempt',
                'verbose_name_plural': 'delivery attempts',
                'ordering': ['message', 'id'],
            },
        ),
        migrations.CreateModel(
            name='CategoryAttribute',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=64, validators=[django.core.validators.RegexValidator('^[a-z0-9]+(-[a-z0-9]+)*$', 'Use a-z, 0-9 and single hyphens.')], verbose_name='code')),
                ('datatype', models.CharField(choices=[('string', 'a line of text'), ('number', 'a number'), ('datetime', 'a time'), ('text', 'text'), ('singlevaluelist', 'one of a list'), ('multivaluelist', 'several of a list')], default='string', max_length=16, verbose_name='datatype')),
                ('required', models.BooleanField(default=False, verbose_name='required')),
                ('variable', models.BooleanField(default=True, help_text='Off: it only tells the reader something, and takes no answer.', verbose_name='asks')),
                ('order', models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(1)], verbose_name='order')),
                ('description_id', models.CharField(max_length=300, verbose_name='question (Indonesian)')),
                ('description_en', models.CharField(max_length=300, verbose_name='question (English)')),
                ('datatype_description_id', models.CharField(blank=True, max_length=300, verbose_name='how to answer (Indonesian)')),
                ('datatype_description_en', models.CharField(blank=True, max_length=300, verbose_name='how to answer (English)')),
                ('values', models.JSONField(blank=True, default=list, help_text='Of a list: [{"key": "…", "name_id": "…", "name_en": "…"}, …]', verbose_name='values')),
                ('category', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attributes', to='geo.category')),
            ],
            options={
                'verbose_name': 'question of a category',
                'verbose_name_plural': 'questions of categories',
                'ordering': ['category', 'order'],
                'constraints': [models.UniqueConstraint(fields=('category', 'code'), name='one_question_per_code'), models.UniqueConstraint(fields=('category', 'order'), name='one_question_per_place')],
            },
        ),
        migrations.CreateModel(
            name='DeadLetter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(blank=True, max_length=200, verbose_name='external id')),
                ('payload', models.JSONField(verbose_name='payload')),
                ('reason', models.CharField(max_length=500, verbose_name='reason')),
                ('received_at', models.DateTimeField(verbose_name='received at')),
                ('replayed_at', models.DateTimeField(blank=True, null=True, verbose_name='stored at last')),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='dead_letters', to='geo.channel')),
            ],
            options={
                'verbose_name': 'dead letter',
                'verbose_name_plural': 'dead letters',
                'ordering': ['-id'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('replayed_at', None), models.Q(('external_id', ''), _negated=True)), fields=('channel', 'external_id'), name='same_dead_letter_once')],
            },
        ),
        # What clients keep of the list of services and their questions is old once these have changed.
        migrations.RunSQL(
            "CREATE TRIGGER geo_category_services AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON geo_category "
            "FOR EACH STATEMENT EXECUTE FUNCTION geo_dataversion_bump('services');"
            + watch_sql("geo_dataversion", "geo_categoryattribute", "services"),
            "DROP TRIGGER geo_category_services ON geo_category",
        ),
    ]
