"""Prints the situation report of a city."""

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone, translation

from geo.layers.asking import resolve_city
from geo.operations.duty.rendering import as_html, as_text
from geo.operations.duty.shifts import default_start
from geo.operations.duty.situation import situation
from server.core.errors import PantauError


class Command(BaseCommand):
    help = "Prints the situation report of a city, in Indonesian unless asked otherwise."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--city", metavar="SLUG", help="with one city it is the default")
        parser.add_argument(
            "--hours",
            type=float,
            metavar="N",
            help="of how long it tells; else since the shift began, or for six hours",
        )
        parser.add_argument("--lang", choices=["id", "en"], default="id", help="its language (default id)")
        parser.add_argument(
            "--format", choices=["text", "html", "json"], default="text", help="plain text, a page to print, or JSON"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        hours = options["hours"]
        if hours is not None and not 0 < hours <= 31 * 24:
            raise CommandError("--hours is a number above 0, and at most 744 (31 days)")
        now = timezone.now()
        try:
            city = resolve_city(options["city"])
        except PantauError as error:
            raise CommandError(error.detail) from None
        start = default_start(city, now) if hours is None else now - timedelta(hours=hours)
        said = situation(city, start, now)
        with translation.override(options["lang"]):
            self.stdout.write(self._formed(said, options["format"]))

    def _formed(self, said: dict[str, Any], form: str) -> str:
        if form == "json":
            return json.dumps(said, ensure_ascii=False, indent=2)
        return as_text(said) if form == "text" else as_html(said)[0]
