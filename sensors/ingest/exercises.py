"""Takes an exercise out of the sensors' tables, with all that was made of its readings on the way."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from django.apps import apps
from django.db import connection, transaction
from psycopg2.sql import SQL, Identifier

from sensors.ingest.floods.models import DeviceLimit
from sensors.registry.exercises import PREFIX, exercise_datastream_ids
from sensors.registry.models import Datastream, Thing
from server.core.sql import load_queries

_DELETE_OF = SQL("DELETE FROM {} WHERE datastream_id = ANY(%s)")
_SQL = load_queries(Path(__file__).parent / "exercises.sql")


def remove_exercise_things() -> Counter[str]:
    """Removes the things of every exercise and whatever belongs to their datastreams; rows gone, by table."""
    with transaction.atomic(), connection.cursor() as cursor:
        gone = _delete_of(exercise_datastream_ids())
        _number, by_model = Thing.objects.filter(is_exercise=True).delete()
        gone.update(by_model)
        gone["sensors_devicelimit"] += DeviceLimit.objects.filter(thing__startswith=PREFIX).delete()[0]
        cursor.execute(_SQL.drop_rejects, {"topics": f"sensors/{PREFIX}%"})
        gone["sensors_rejectedmessage"] += cursor.rowcount
    return +gone


def forget_datastreams(ids: Sequence[int]) -> Counter[str]:
    """Removes what a worker has stored of datastreams while they were removed: it knew them still. Rows gone, by table."""
    with transaction.atomic():
        return +_delete_of([pk for pk in ids if not Datastream.objects.filter(pk=pk).exists()])


def _delete_of(ids: Sequence[int]) -> Counter[str]:
    """What no foreign key would take along: whichever table it is, it is found by its column."""
    gone: Counter[str] = Counter()
    if not ids:
        return gone
    with connection.cursor() as cursor:
        for table in _tables_by_datastream():
            cursor.execute(_DELETE_OF.format(Identifier(table)), [list(ids)])
            gone[table] += cursor.rowcount
        cursor.execute(_SQL.forget_in_journal, {"ids": list(ids)})
        cursor.execute(_SQL.drop_empty_entries)
        gone["sensors_journalentry"] += cursor.rowcount
    return gone


def _tables_by_datastream() -> list[str]:
    """Of this app, every table that names datastreams without a foreign key: where there is one, rows go with the datastream."""
    models = apps.get_app_config("sensors").get_models()
    return sorted(
        model._meta.db_table
        for model in models
        for field in model._meta.concrete_fields
        if field.column == "datastream_id" and not getattr(field, "db_constraint", False)
    )
