"""manage export_person: all that is kept of one person, as JSON."""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from geo.reports.personal_data.person import Person, export_person, read_person
from server.core.errors import BadParameter


def add_person_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--email", default="", help="e-mail address, whatever the case")
    parser.add_argument("--phone", default="", help="telephone number in any form: 0812…, +62 812-…")
    parser.add_argument("--report", default="", help="id of a report as its address shows it")
    parser.add_argument("--name", default="", help="narrows the others down; not enough alone")


def person_of(options: dict[str, Any]) -> Person:
    try:
        return read_person(**{name: options[name] for name in ("email", "phone", "report", "name")})
    except BadParameter as error:
        raise CommandError(f"{error.name}: {error.detail}") from None


class Command(BaseCommand):
    help = "Writes all that is kept of one person as JSON: reports with contact, text, place, photos and history."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_person_arguments(parser)
        parser.add_argument("-o", "--output", help="a new file that only its owner may read (default: standard output)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            told = export_person(person_of(options), now=timezone.now())
        except BadParameter as error:
            raise CommandError(f"{error.name}: {error.detail}") from None
        text = json.dumps(told, ensure_ascii=False, indent=2)
        if options["output"] is None:
            self.stdout.write(text)
            return
        path = Path(options["output"])
        try:
            # A new file: one that is there already may be open to others.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        self.stderr.write(f"{path}: {len(told['reports'])} reports, {len(told['dead_letters'])} dead letters")
