"""Files of photos that belong to nobody: what a process that was killed, or a storage that was away, has left behind."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.core.files.storage import Storage
from django.db.models.fields.files import FileField

from geo.reports.models import ReportEvidence, ReportPhoto

# Longer than any transaction: a file is written before its row is committed.
YOUNGEST = timedelta(days=1)
BATCH = 1000
# As stored_photos names them: what else somebody keeps in such a folder is none of ours.
OURS = re.compile(r"[0-9a-f]{32}\.jpg")
COLUMNS = ((ReportPhoto, "image"), (ReportPhoto, "thumbnail"), (ReportEvidence, "image"))


def sweep_photos(now: datetime) -> int:
    """Deletes the files in the photos' folders that no row names, a day old at least; returns how many. Safe to run at any time."""
    swept = 0
    for model, column in COLUMNS:
        field = model._meta.get_field(column)
        assert isinstance(field, FileField)
        top = str(field.upload_to).partition("/")[0]
        for names in _names_under(field.storage, top):
            for begin in range(0, len(names), BATCH):
                swept += _sweep(field, names[begin : begin + BATCH], now - YOUNGEST)
    return swept


def _names_under(storage: Storage, folder: str) -> Iterator[list[str]]:
    """The files of a folder, and of those below it, one folder at a time."""
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return
    yield [f"{folder}/{name}" for name in files if OURS.fullmatch(name)]
    for below in folders:
        yield from _names_under(storage, f"{folder}/{below}")


def _sweep(field: FileField, names: list[str], before: datetime) -> int:
    rows = field.model._default_manager.filter(**{f"{field.name}__in": names})
    unowned = set(names) - set(rows.values_list(field.name, flat=True))
    swept = 0
    for name in sorted(unowned):
        try:
            if field.storage.get_modified_time(name) < before:
                field.storage.delete(name)
                swept += 1
        except FileNotFoundError:  # somebody else has just deleted it
            continue
    return swept
