"""Files of photos that no report names any more, deleted from the storage."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from geo.reports.photos.sweep import sweep_photos


class Command(BaseCommand):
    help = "Deletes the files of photos and thumbnails that no report names, a day old at least."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{sweep_photos(timezone.now())} files deleted")
