"""manage recompute_deadlines: open reports' deadlines anew, after calendars, holidays or targets have changed."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from geo.areas.models import City
from geo.management.commands.import_areas import find_city
from geo.operations.clocks.reading import reports_to_recompute
from geo.operations.clocks.services import recompute_deadlines
from geo.reports.access.principals import Origin, Principal
from geo.reports.models import WorkingCalendar


class Command(BaseCommand):
    help = (
        "Plays the history of open reports against calendars and targets as they are now, and writes the deadlines that are"
        " others, each with a line of history. Safe to run twice, and to break off."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--city", help="slug: only the reports of this city")
        parser.add_argument("--calendar", help="slug: only reports that an agency of this calendar has, or had")
        parser.add_argument(
            "--all", action="store_true", help="closed reports as well: some may have been late or in time"
        )
        parser.add_argument("--dry-run", action="store_true", help="counts what would change, and writes nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        city = find_city(options["city"]) if options["city"] else None
        calendar = find_calendar(options["calendar"], city) if options["calendar"] else None
        chosen = reports_to_recompute(city=city, calendar=calendar, include_closed=options["all"])
        try:
            with tqdm(total=chosen.count(), unit=" reports", disable=options["verbosity"] == 0 or None) as bar:
                done = recompute_deadlines(
                    by=Principal(origin=Origin.COMMAND),
                    now=timezone.now(),
                    city=city,
                    calendar=calendar,
                    include_closed=options["all"],
                    is_dry_run=options["dry_run"],
                    on_progress=bar.update,
                )
        except ValidationError as error:
            raise CommandError(f"A calendar has no valid hours: {' '.join(error.messages)}") from None
        changed = "would change" if options["dry_run"] else "changed"
        self.stdout.write(f"read {done.read}: deadlines {changed} {done.changed}")
        if done.beyond:
            self.stdout.write(
                f"{done.beyond} lie beyond the years for which their calendar is laid out, and stay as they are"
            )


def find_calendar(slug: str, city: City | None) -> WorkingCalendar:
    found = list(WorkingCalendar.objects.filter(slug=slug, **({"city": city} if city else {})).select_related("city"))
    if len(found) == 1:
        return found[0]
    if found:
        raise CommandError(f"Several cities have a calendar {slug!r}; name one with --city.")
    known = ", ".join(WorkingCalendar.objects.values_list("slug", flat=True)) or "none yet"
    raise CommandError(f"There is no calendar {slug!r}. The calendars: {known}.")
