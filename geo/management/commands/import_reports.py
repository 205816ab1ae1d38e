"""manage import_reports FILE --channel …: reports from a CSV or GeoJSON file of any size."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from geo.areas.models import City
from geo.reports.access.principals import Origin
from geo.reports.importing.files import RejectsFile, RowFile, UnreadableFile
from geo.reports.importing.importer import FIELDS, Row, import_rows
from geo.reports.models import Channel
from server.core.errors import PantauError


class Command(BaseCommand):
    help = (
        "Imports reports from a CSV (.csv) or GeoJSON (.geojson, .geojsonl) file, each also gzipped (.gz). "
        "The same file again changes nothing. Rows that cannot be stored go to a rejects file, each with its reason."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--channel", required=True, help="slug of the channel that the reports came by")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="FIELD=COLUMN,…",
            help=f"where the file's columns are named differently; fields: {', '.join(FIELDS)}",
        )
        parser.add_argument("--tz", default="Asia/Jakarta", help="time zone of times that have none (Asia/Jakarta)")
        parser.add_argument("--time-format", help="of the times, in strptime's letters, where they are not RFC 3339")
        parser.add_argument(
            "--categories", type=Path, metavar="CSV", help="two columns: the file's word, our category's slug"
        )
        parser.add_argument("--city", help="slug of the city for places that lie in none")
        parser.add_argument("--delimiter", help="of the CSV; without it the one that the header has most of")
        parser.add_argument(
            "--connections",
            type=int,
            choices=range(1, 9),
            default=2,
            metavar="N",
            help="to the database at once, 1 to 8 (2)",
        )
        parser.add_argument("--rejects", type=Path, metavar="FILE", help="where refused rows go (FILE.rejects.csv)")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        channel = Channel.objects.select_related("city").filter(slug=options["channel"]).first()
        if channel is None:
            known = ", ".join(Channel.objects.values_list("slug", flat=True))
            raise CommandError(f"there is no channel {options['channel']!r}; known are {known or 'none'}")
        try:
            with RowFile(path, delimiter=options["delimiter"]) as file:
                self._run(file, channel, options)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror or error}") from None
        except (UnreadableFile, PantauError) as error:
            raise CommandError(str(error)) from None

    def _run(self, file: RowFile, channel: Channel, options: dict[str, Any]) -> None:
        rejects = RejectsFile(options["rejects"] or Path(f"{options['file']}.rejects.csv"), file.columns)
        quiet = options["verbosity"] == 0
        with tqdm(total=file.size, unit="B", unit_scale=True, disable=quiet or None, desc=options["file"].name) as bar:
            try:
                summary = import_rows(
                    _watched(file, bar),
                    channel=channel,
                    mapping=_mapping(options["map"], file.columns),
                    zone=_zone(options["tz"]),
                    city=_city(options["city"]),
                    category_names=_category_names(options["categories"]),
                    time_format=options["time_format"],
                    on_reject=rejects.add,
                    origin=Origin.COMMAND,
                    connections=options["connections"],
                )
            finally:
                rejects.close()
        self.stdout.write(
            f"read {summary.read}: stored {summary.stored}, repeated {summary.repeated}, rejected {summary.rejected}"
        )
        if summary.rejected:
            self.stderr.write(f"the rejected rows, with reasons, are in {rejects.path}")


def _watched(file: RowFile, bar: Any) -> Iterator[Row]:
    for number, row in enumerate(file):
        if number % 500 == 0:
            bar.update(file.position - bar.n)
        yield row
    bar.update(file.size - bar.n)


def _mapping(parts: list[str], columns: list[str] | None) -> dict[str, str]:
    """Field to column: those that the command line names, the others by their own names."""
    mapping = {name: name for name in FIELDS if columns is None or name in columns}
    for part in ",".join(parts).split(","):
        if not part.strip():
            continue
        name, equals, column = (piece.strip() for piece in part.partition("="))
        if not equals or name not in FIELDS:
            raise CommandError(f"--map: {part!r} must be FIELD=COLUMN; fields are {', '.join(FIELDS)}")
        if columns is not None and column not in columns:
            raise CommandError(f"--map: the file has no column {column!r}; it has {', '.join(columns)}")
        mapping[name] = column
    for needed in ("category", "reported_at"):
        if needed not in mapping:
            raise CommandError(f"no column for {needed}; name one by --map {needed}=COLUMN")
    return mapping


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise CommandError(f"--tz: there is no time zone {name!r}") from None


def _city(slug: str | None) -> City | None:
    if slug is None:
        return None
    city = City.objects.filter(slug=slug).first()
    if city is None:
        raise CommandError(f"--city: there is no city {slug!r}")
    return city


def _category_names(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row[0]: row[1].strip() for row in csv.reader(file) if len(row) >= 2}
