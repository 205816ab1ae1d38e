"""The past checked by the limits of now."""

from argparse import ArgumentParser
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from sensors.observations.coverage import observed_spans
from sensors.quality.flagging import check_period
from sensors.registry.models import Datastream


class Command(BaseCommand):
    help = (
        "Checks stored values for rate of change, standstill and spikes by the limits as they are now: new values are checked"
        " as they come, those of before a limit was set are not. What a person decided stays."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("thing", help="the thing's slug")
        parser.add_argument("property", nargs="?", help="the observed property's code; all, if left out")
        parser.add_argument(
            "--start", metavar="DAY", help="from this day on: 2026-01-31; from the first value, if left out"
        )
        parser.add_argument("--end", metavar="DAY", help="before this day; to the last value, if left out")

    def handle(self, *args: Any, **options: Any) -> None:
        found = Datastream.objects.filter(thing__slug=options["thing"]).select_related("thing", "observed_property")
        if options["property"]:
            found = found.filter(observed_property__code=options["property"])
        if not found:
            named = f" that measures {options['property']!r}" if options["property"] else ""
            raise CommandError(f"there is no datastream of thing {options['thing']!r}{named}")
        start, end = _day(options["start"], "--start"), _day(options["end"], "--end")
        spans = observed_spans([datastream.pk for datastream in found])
        for datastream in found:
            if datastream.pk not in spans:
                self.stdout.write(f"{datastream}: nothing was measured yet")
                continue
            first, last = spans[datastream.pk]
            changed = check_period(datastream, start or first, end or last + timedelta(microseconds=1))
            self.stdout.write(f"{datastream}: {changed} values have another quality now")


def _day(text: str | None, name: str) -> datetime | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{name}: {text!r} is no day; write 2026-01-31") from None
    return datetime.combine(day, time(), ZoneInfo(settings.DEFAULT_TIME_ZONE)).astimezone(UTC)
