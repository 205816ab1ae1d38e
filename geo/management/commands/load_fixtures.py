"""A city's fixtures: what is missing is created, what is there is the city's own and stays as it is."""

import csv
import json
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone, translation
from tqdm import tqdm

from geo.areas.loaders import AreaFile, BadAreaFile, FieldNames
from geo.areas.models import Area, AreaLevel, City, PopulationFigure
from geo.areas.services import AreaImport
from geo.operations.alerts.models import AlertRule
from geo.operations.clocks.services import lay_out_calendar
from geo.operations.routing.reading import read_rules
from geo.placement.services import import_areas
from geo.reports.models import (
    Agency,
    CalendarException,
    Category,
    CategoryAgency,
    CategoryAttribute,
    Channel,
    RoutingRule,
    WorkingCalendar,
)
from sensors import published
from server.core.errors import InvalidFields

Record = dict[str, Any]
# What of an observed property's record is about the datastreams that will measure it.
MEASURED = {"unit_ucum", "unit_name", "plausible_min", "plausible_max", "expected_interval_s", "checks"}


class Command(BaseCommand):
    help = "Loads fixtures/<city>: the city, its areas, agencies, categories, channels and things. A second run changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--city", default="bekasi", help="name of the folder (default: bekasi)")
        parser.add_argument(
            "--root", type=Path, default=Path(settings.BASE_DIR) / "fixtures", help="where the folders are"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["root"] / options["city"]
        if not (folder / "city.json").is_file():
            raise CommandError(f"{folder} holds no city.json.")
        self._quiet = options["verbosity"] == 0
        steps: list[tuple[str, Callable[[Path, City], int]]] = [
            ("areas", self._areas),
            ("population figures", load_population),
            ("agencies", load_agencies),
            ("working calendars", load_calendars),
            ("categories", load_categories),
            ("questions of categories", load_questions),
            ("responsibilities", load_responsibilities),
            ("routing rules", load_routing_rules),
            ("channels", load_channels),
        ]
        try:
            with transaction.atomic():
                city = load_city(read_json(folder / "city.json"))
                for what, load in steps:
                    self._say(what, load(folder, city))
        except BadAreaFile as error:
            raise CommandError(f"{error.detail} Nothing was changed.") from None
        self._say("things", load_things(folder))
        self._say("derived datastreams", published.ensure_derived())
        self._say("topic rules", load_topic_rules(options["root"]))
        self._say("alert rules", load_alert_rules(folder, city))

    def _say(self, what: str, created: int) -> None:
        if not self._quiet:
            self.stdout.write(f"{what}: {f'{created} created' if created else 'nothing to do'}")

    def _areas(self, folder: Path, city: City) -> int:
        """The boundaries of every level, unless the city has areas: it may have imported its official ones since."""
        if city.areas.exists():
            return 0
        created = 0
        for level in AreaLevel.objects.order_by("rank"):
            path = folder / f"{level.code}.geojson"
            if path.is_file():
                about = read_json(path)["features"][0]["properties"]
                wanted = AreaImport(
                    city=city,
                    level=level,
                    source=about.get("boundary_source") or path.name,
                    is_schematic=bool(about.get("schematic")),
                )
                file = AreaFile(path, FieldNames(parent="parent_code" if level.rank else None))
                with tqdm(total=len(file), desc=path.name, unit=" areas", disable=self._quiet) as bar:
                    summary, _placed = import_areas(file, wanted, on_progress=bar.update)
                created += summary.added
        return created


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from None


def read_records(path: Path) -> list[Record]:
    return list(read_json(path)) if path.is_file() else []


def load_city(about: Record) -> City:
    for level in about.get("levels", []):
        AreaLevel.objects.get_or_create(
            code=level["code"], defaults={k: level[k] for k in ("name_id", "name_en", "rank")}
        )
    defaults: Record = {name: about[name] for name in ("name", "timezone", "metric_srid") if name in about}
    return City.objects.get_or_create(slug=about["slug"], defaults=defaults)[0]


def load_population(folder: Path, city: City) -> int:
    """Figures of an area and year that has none. An empty figure is unknown, and no row."""
    path = folder / "population.csv"
    if not path.is_file():
        return 0
    areas = dict(Area.objects.filter(city=city).values_list("code", "id"))
    created = 0
    with path.open(newline="", encoding="utf-8") as file:
        for row, record in enumerate(csv.DictReader(file), start=2):
            if not record["population"]:
                continue
            if record["code"] not in areas:
                # Official boundaries that were imported since may divide the city otherwise.
                continue
            try:
                figure = {"population": int(record["population"]), "source": record["source"]}
                _figure, is_new = PopulationFigure.objects.get_or_create(
                    area_id=areas[record["code"]], year=int(record["year"]), defaults=figure
                )
            except ValueError as error:
                raise CommandError(f"{path}, row {row}: {error}") from None
            created += is_new
    return created


def load_agencies(folder: Path, city: City) -> int:
    return sum(
        Agency.objects.get_or_create(city=city, slug=record["slug"], defaults=without(record, "slug"))[1]
        for record in read_records(folder / "agencies.json")
    )


def load_calendars(folder: Path, city: City) -> int:
    """Calendars that are missing, laid out, and given to those of their `agencies` that have none. `exceptions` are its own."""
    path = folder / "calendars.json"
    there = set(city.calendars.values_list("slug", flat=True))
    missing = [record for record in read_records(path) if record["slug"] not in there]
    for record in missing:
        values = without(record, "agencies", "exceptions")
        # A default that the city has chosen meanwhile stays its default.
        values["is_default"] = record["is_default"] and not city.calendars.filter(is_default=True).exists()
        calendar = WorkingCalendar(city=city, **values)
        exceptions = [CalendarException(calendar=calendar, **each) for each in record.get("exceptions", [])]
        try:
            for each in (calendar, *exceptions):
                each.full_clean(exclude=["calendar"])
        except ValidationError as error:
            raise CommandError(f"{path}, {record['slug']}: {' '.join(error.messages)}") from None
        calendar.save()
        CalendarException.objects.bulk_create(exceptions)
        lay_out_calendar(calendar=calendar, now=timezone.now())
        Agency.objects.filter(city=city, slug__in=record.get("agencies", []), calendar=None).update(calendar=calendar)
    return len(missing)


def load_categories(folder: Path, city: City) -> int:
    """Parents first, in whatever order the file has them. A record with `city` is that city's own, else every city's."""
    path = folder / "categories.json"
    waiting = read_records(path)
    known = {category.slug: category for category in Category.objects.all()}
    created = 0
    while waiting:
        ready = [record for record in waiting if record.get("parent") in (None, *known)]
        if not ready:
            raise CommandError(f"{path}: no category {waiting[0]['parent']!r}, the parent of {waiting[0]['slug']!r}.")
        for record in ready:
            if record["slug"] not in known:
                values = without(record, "parent", "city")
                parent = known[record["parent"]] if record.get("parent") else None
                known[record["slug"]] = Category.objects.create(parent=parent, city=owner(record, city), **values)
                created += 1
        waiting = [record for record in waiting if record not in ready]
    return created


def load_questions(folder: Path, city: City) -> int:
    """For categories that ask nothing at all: once a city has questions of its own there, they are its own affair."""
    path = folder / "category_attributes.json"
    asking = set(CategoryAttribute.objects.values_list("category__slug", flat=True))
    categories = {category.slug: category for category in Category.objects.all()}
    created = 0
    for record in read_records(path):
        if record["category"] not in categories:
            raise CommandError(f"{path} names {record['category']}: unknown.")
        if record["category"] not in asking:
            CategoryAttribute.objects.create(category=categories[record["category"]], **without(record, "category"))
            created += 1
    return created


def load_responsibilities(folder: Path, city: City) -> int:
    """For categories to which the city has given no agency at all: one that it has changed is the city's own affair."""
    settled = set(CategoryAgency.objects.filter(agency__city=city).values_list("category__slug", flat=True))
    categories = {category.slug: category for category in Category.objects.all()}
    agencies = {agency.slug: agency for agency in Agency.objects.filter(city=city)}
    created = 0
    for record in read_records(folder / "category_agencies.json"):
        category, agency = categories.get(record["category"]), agencies.get(record["agency"])
        if category is None or agency is None:
            raise CommandError(
                f"{folder}/category_agencies.json names {record['category']} and {record['agency']}: unknown."
            )
        if category.slug not in settled:
            CategoryAgency.objects.create(category=category, agency=agency, **without(record, "category", "agency"))
            created += 1
    return created


def load_routing_rules(folder: Path, city: City) -> int:
    """For a city without any rule: once it has one, their order is its own affair."""
    path = folder / "routing_rules.json"
    if not path.is_file() or city.routing_rules.exists():
        return 0
    try:
        rules = read_rules(read_json(path), city)
    except InvalidFields as error:
        raise CommandError(f"{path}: {error.detail}") from None
    return len(RoutingRule.objects.bulk_create(rules))


def load_channels(folder: Path, city: City) -> int:
    """A record with `city` is that city's own channel, else every city's."""
    return sum(
        Channel.objects.get_or_create(
            slug=record["slug"], defaults={"city": owner(record, city), **without(record, "slug", "city")}
        )[1]
        for record in read_records(folder / "channels.json")
    )


def load_things(folder: Path) -> int:
    """Things that are missing; import_things makes them, with their broker credentials."""
    path = folder / "things.csv"
    if not path.is_file():
        return 0
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        wanted = {record["slug"]: record for record in reader}
    there = set(published.things().filter(slug__in=wanted).values_list("slug", flat=True))
    missing = [record for slug, record in wanted.items() if slug not in there]
    if not missing:
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        things, properties = Path(scratch, path.name), Path(scratch, "observed_properties.json")
        with things.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, reader.fieldnames or [])
            writer.writeheader()
            writer.writerows(missing)
        properties.write_text(json.dumps(missing_properties(folder)), encoding="utf-8")
        call_command("import_things", str(things), map=str(folder / "things.map.json"), observed_properties=properties)
    return len(missing)


def load_topic_rules(root: Path) -> int:
    """Those of all cities, where the instance has none: whoever has edited or taken one away is not corrected."""
    return published.provision_topic_rules(read_records(root / "topic_rules.json"))


def load_alert_rules(folder: Path, city: City) -> int:
    """For a city without any rule. One for a thing that is not there is an error, so that things come first."""
    path = folder / "alert_rules.json"
    if not path.is_file() or AlertRule.objects.filter(city=city).exists():
        return 0
    categories = {category.slug: category for category in Category.objects.all()}
    rules = [
        AlertRule(city=city, category=categories.get(record["category"]), **without(record, "category"))
        for record in read_records(path)
    ]
    with translation.override("en"):  # as all that a command says
        for rule in rules:
            try:
                rule.full_clean()
            except ValidationError as error:
                raise CommandError(f"{path}, {rule}: {' '.join(error.messages)}") from None
    return len(AlertRule.objects.bulk_create(rules))


def missing_properties(folder: Path) -> list[Record]:
    """The observed properties; of those that are there only how things measure them, so that their names stay."""
    there = set(published.observed_property_codes())
    return [
        {
            name: value
            for name, value in record.items()
            if name == "code" or record["code"] not in there or name in MEASURED
        }
        for record in read_records(folder / "observed_properties.json")
    ]


def owner(record: Record, city: City) -> City | None:
    return city if record.get("city") == city.slug else None


def without(record: Record, *names: str) -> Record:
    return {name: value for name, value in record.items() if name not in names}
