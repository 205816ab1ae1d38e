"""Every report and thing in its area again, and the area tree's closure, from the current boundaries."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from geo.areas.ancestry import rebuild_ancestry
from geo.management.commands.import_areas import describe, find_city
from geo.placement.services import rebuild_placements


class Command(BaseCommand):
    help = (
        "Puts every report and thing in its area by the current boundaries. Needed only after a change by hand in SQL."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--city", help="slug of the city whose reports are placed anew (default: all)")

    def handle(self, *args: Any, **options: Any) -> None:
        city = find_city(options["city"]) if options["city"] else None
        with transaction.atomic():
            pairs = rebuild_ancestry()
            placed = rebuild_placements(city)
        self.stdout.write(f"area tree: {pairs} pairs changed")
        self.stdout.write(describe(placed))
