"""Dated population figures from a CSV file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from geo.areas.population import BadPopulationFile, import_population


class Command(BaseCommand):
    help = "Keeps the population figures of a CSV file for a year. An empty figure is unknown and stays so."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--year", type=int, required=True, help="the year that was counted")
        parser.add_argument("--source", required=True, help="who counted; every rate per person will name it")
        parser.add_argument("--code-field", default="code", help="column with the area's code (default: code)")
        parser.add_argument("--value-field", default="population", help="column with the figure (default: population)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            summary = import_population(
                options["file"],
                year=options["year"],
                source=options["source"],
                code_field=options["code_field"],
                value_field=options["value_field"],
            )
        except BadPopulationFile as error:
            raise CommandError(f"{error.detail} Nothing was changed.") from None
        self.stdout.write(
            f"population {options['year']}: {summary.added} added, {summary.changed} changed, {summary.unchanged} unchanged,"
            f" {summary.unknown} unknown"
        )
