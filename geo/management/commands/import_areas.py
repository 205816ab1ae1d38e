"""Areas from any vector file that GDAL reads; reports and things are placed anew afterwards."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from geo.areas.loaders import AreaFile, BadAreaFile, FieldNames
from geo.areas.models import AreaLevel, City
from geo.areas.services import AreaImport, ImportSummary
from geo.placement.services import PlacementSummary, import_areas


class Command(BaseCommand):
    help = (
        "Imports areas from a vector file (GeoJSON, zipped Shapefile, GeoPackage and others, in any CRS), all of it or, on an"
        " error, nothing. Matches areas on their code; a second run changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--level", required=True, help="code of the areas' level, such as kecamatan")
        parser.add_argument("--code-field", default="code", help="field with the official code (default: code)")
        parser.add_argument("--name-field", default="name", help="field with the name (default: name)")
        parent = parser.add_mutually_exclusive_group()
        parent.add_argument(
            "--parent-field",
            default="parent_code",
            help="field with the parent's code (default: parent_code; not read for the city itself)",
        )
        parent.add_argument("--parent", help="code of the one parent of every area of the file, instead of a field")
        parser.add_argument("--city", help="slug of the city (not needed where there is one)")
        parser.add_argument(
            "--replace", action="store_true", help="retire the level's areas that the file does not have"
        )
        parser.add_argument("--source", help="whose boundaries these are (default: the name of the file)")
        parser.add_argument("--schematic", action="store_true", help="mark the boundaries as schematic, not surveyed")
        parser.add_argument("--layer", help="layer of a file that has several")
        parser.add_argument(
            "--srid", type=int, help="EPSG number of the file's CRS, where it names none or a wrong one"
        )
        parser.add_argument(
            "--encoding", default="utf-8", help="of the texts, where the file does not say (default: utf-8)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        level, city = find_level(options["level"]), find_city(options["city"])
        path: Path = options["file"]
        reads_parent = level.rank > 0 and not options["parent"]
        fields = FieldNames(
            options["code_field"], options["name_field"], options["parent_field"] if reads_parent else None
        )
        wanted = AreaImport(
            city=city,
            level=level,
            source=options["source"] or path.name,
            is_schematic=options["schematic"],
            retire_missing=options["replace"],
            parent_code=options["parent"],
        )
        try:
            file = AreaFile(path, fields, layer=options["layer"], srid=options["srid"], encoding=options["encoding"])
            with tqdm(total=len(file), desc=path.name, unit=" areas", disable=options["verbosity"] == 0) as bar:
                summary, placed = import_areas(file, wanted, on_progress=bar.update)
        except BadAreaFile as error:
            raise CommandError(f"{error.detail} Nothing was changed.") from None
        self._say(level, summary, placed)

    def _say(self, level: AreaLevel, summary: ImportSummary, placed: PlacementSummary | None) -> None:
        for number, code, reason in summary.repaired:
            self.stdout.write(f"repaired: feature {number} ({code}): {reason}")
        self.stdout.write(
            f"{level.code}: {summary.added} added, {summary.changed} changed, {summary.unchanged} unchanged,"
            f" {summary.retired} retired, {len(summary.repaired)} repaired"
        )
        for below, count in summary.left_behind.items():
            self.stdout.write(f"note: {count} {below} lie under a parent that is retired; import their level next.")
        for other, count in summary.still_schematic.items():
            self.stdout.write(f"note: schematic boundaries remain: {count} {other}.")
        if placed:
            self.stdout.write(describe(placed))


def describe(placed: PlacementSummary) -> str:
    return (
        f"reports: {placed.reports} placed, {placed.reports_changed} of them anew, {placed.reports_outside} outside every area\n"
        f"things: {placed.things} places, {placed.things_changed} of them anew, {placed.things_outside} outside every area"
    )


def find_level(code: str) -> AreaLevel:
    levels = {level.code: level for level in AreaLevel.objects.all()}
    if code not in levels:
        listed = ", ".join(levels) or "none yet; load the fixtures or add them in the admin"
        raise CommandError(f"There is no level {code!r}. The levels: {listed}.")
    return levels[code]


def find_city(slug: str | None) -> City:
    cities = {city.slug: city for city in City.objects.all()}
    if slug is None and len(cities) == 1:
        return next(iter(cities.values()))
    if slug not in cities:
        listed = ", ".join(cities) or "none yet; load the fixtures or add one in the admin"
        raise CommandError(
            f"{f'There is no city {slug!r}' if slug else 'Name a city with --city'}. The cities: {listed}."
        )
    return cities[slug]
