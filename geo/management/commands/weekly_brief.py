"""Prints the weekly brief of a city, or sends it to its mayors."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone, translation

from geo.layers.asking import resolve_city
from geo.operations.mayor.brief import brief_as_json
from geo.operations.mayor.gathering import weekly_brief
from geo.operations.mayor.rendering import as_html, as_text
from geo.operations.mayor.sending import letters, send_brief
from geo.operations.mayor.weeks import last_week, read_week
from server.core.errors import PantauError


class Command(BaseCommand):
    help = "Prints the weekly brief of a city, in Indonesian unless asked otherwise; or sends it to its mayors."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--city", metavar="SLUG", help="with one city it is the default")
        parser.add_argument("--week", metavar="YYYY-Www", help="such as 2026-W47; else the last that is over")
        parser.add_argument("--send", action="store_true", help="by e-mail to the mayors, unless it was sent already")
        parser.add_argument("--lang", choices=["id", "en"], default="id", help="its language (default id)")
        parser.add_argument(
            "--format", choices=["text", "html", "json"], default="text", help="plain text, a page to print, or JSON"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            city = resolve_city(options["city"])
            named = options["week"]
            week = read_week(named, now=now, zone=city.zone) if named else last_week(now, city.zone)
        except PantauError as error:
            raise CommandError(error.detail) from None
        if options["send"]:
            if week.end(city.zone) > now:
                raise CommandError(f"{week.label} is not over; it is sent when it is")
            n = send_brief(city=city, week=week, now=now)
            why = "" if n else " (sent already, no mayor, or nothing to tell)"
            self.stdout.write(f"{week.label} of {city.slug}: {letters(n)}{why}")
            return
        brief = weekly_brief(city, week, now)
        with translation.override(options["lang"]):
            if options["format"] == "json":
                self.stdout.write(json.dumps(brief_as_json(brief), ensure_ascii=False, indent=2))
            else:
                self.stdout.write(as_text(brief) if options["format"] == "text" else as_html(brief)[0])
