"""Photo files beside their rows, in whatever storage is set: a file whose row does not come to be, or goes, is taken away again."""

import logging
import secrets
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any, Self

from django.contrib.gis.db.models.functions import Distance
from django.contrib.gis.geos import Point
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.db import transaction
from django.db.models import Model
from django.db.models.fields.files import FieldFile, FileField
from django.db.models.signals import post_delete
from django.utils.translation import gettext as _

from geo.reports.models import Report, ReportEvidence, ReportPhoto
from geo.reports.photos.cleaning import CleanPhoto
from server.core.errors import NotFound, NotReady

log = logging.getLogger(__name__)

RETRY_AFTER_S = 30
StoredFile = tuple[Storage, str]


class StoredFiles:
    """Wraps the transaction that stores photos: when it fails, the commit included, the files go too."""

    def __init__(self) -> None:
        self._written: list[StoredFile] = []

    def __enter__(self) -> Self:
        return self

    def store(self, report: Report, photos: Sequence[CleanPhoto]) -> None:
        """Files and rows of these photos. NotReady where the storage does not take them."""
        for photo in photos:
            ReportPhoto.objects.create(
                report=report,
                image=self.put(ReportPhoto, "image", photo.content),
                thumbnail=self.put(ReportPhoto, "thumbnail", photo.thumbnail),
                width=photo.width,
                height=photo.height,
                sha256=photo.sha256,
                taken_at=moment_at(photo.taken_at, report),
                distance_m=distance_from(photo.position, report),
            )

    def put(self, model: type[Model], column: str, content: bytes) -> str:
        """Writes a file where this column of the model has its files; returns its name. NotReady as above."""
        field = model._meta.get_field(column)
        assert isinstance(field, FileField)
        # The name is random: nobody guesses the address of a photo whose report is not public.
        name = field.generate_filename(model(), f"{secrets.token_hex(16)}.jpg")
        # Noted before it is written: of a disk that is full, half a file is left.
        self._written.append((field.storage, name))
        try:
            return field.storage.save(name, ContentFile(content))
        except Exception:  # every storage fails with the errors of its own library
            log.exception("a photo could not be stored")
            raise NotReady(
                _("Photos cannot be stored at the moment; try again later, or send the report without them."),
                retry_after_s=RETRY_AFTER_S,
            ) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            _remove(self._written)


def read_file(file: FieldFile) -> bytes:
    """What a stored file holds. NotFound where it is no longer there, NotReady where the storage does not answer."""
    try:
        with file.storage.open(str(file.name)) as stored:
            content: bytes = stored.read()
    except FileNotFoundError:
        raise NotFound(_("There is no such photo.")) from None
    except Exception:  # every storage fails with the errors of its own library
        log.exception("a photo could not be read")
        raise NotReady(
            _("Photos cannot be read at the moment; try again later."), retry_after_s=RETRY_AFTER_S
        ) from None
    return content


def delete_photos(report: Report) -> int:
    """Deletes all photos of a report, in the caller's transaction; returns how many. Their files go once it is committed."""
    with transaction.atomic():
        number, _by_model = report.photos.all().delete()
    return number


def connect() -> None:
    """Called once, when the app is ready: whoever deletes a photo's row, its files go with it. Django would leave them."""
    for model in (ReportPhoto, ReportEvidence):
        post_delete.connect(_remove_files, sender=model, dispatch_uid=f"geo.reports.photos.stored.{model.__name__}")


def _remove_files(instance: Model, **_sent: Any) -> None:
    columns = [field for field in instance._meta.get_fields() if isinstance(field, FileField)]
    files = [(file.storage, str(file.name)) for file in (getattr(instance, field.name) for field in columns) if file]
    transaction.on_commit(partial(_remove, files))


def _remove(files: Sequence[StoredFile]) -> None:
    for storage, name in files:
        try:
            storage.delete(name)
        except Exception:  # every storage fails with the errors of its own library; the others go all the same
            log.exception("the file %s could not be deleted; `manage sweep_photos` will do it", name)


def moment_at(taken_at: datetime | None, report: Report) -> datetime | None:
    """When a photo was taken; where its camera named no offset, in the time of the report's city."""
    if taken_at is None or taken_at.tzinfo is not None:
        return taken_at
    return taken_at.replace(tzinfo=report.city.zone)


def distance_from(position: tuple[float, float] | None, report: Report) -> int | None:
    """How far from the report's place a photo was taken, in metres on the ellipsoid; None where one of the places is not known."""
    if position is None or report.location is None:
        return None
    away = Distance("location", Point(*position, srid=4326), spheroid=True)
    distance = Report.objects.filter(pk=report.pk).values_list(away, flat=True).get()
    return round(distance.m)
