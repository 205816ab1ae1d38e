"""Photo files beside their rows: a file whose row does not come to be is taken away again."""

import secrets
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from django.core.files.base import ContentFile

from geo.reports.models import Report, ReportPhoto
from geo.reports.photos import CleanPhoto


class StoredFiles:
    """Wraps the transaction that stores photos: when it fails, the commit included, the files go too."""

    def __init__(self) -> None:
        self._photos: list[ReportPhoto] = []

    def __enter__(self) -> Self:
        return self

    def store(self, report: Report, photos: Sequence[CleanPhoto]) -> None:
        for photo in photos:
            row = ReportPhoto(report=report, sha256=photo.sha256)
            self._photos.append(row)
            # The name is random: nobody guesses the address of a photo whose report is not public.
            row.image.save(f"{secrets.token_hex(16)}.jpg", ContentFile(photo.content), save=False)
            row.width, row.height = photo.width, photo.height
            row.save()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            for row in self._photos:
                if row.image.name:
                    row.image.storage.delete(row.image.name)
