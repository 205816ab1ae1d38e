"""An archived month back into the table."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from sensors.observations.archive import Busy, Postponed, archive_lock
from sensors.observations.archive_files import ArchiveFailed
from sensors.observations.archive_restore import NothingArchived, restore_month

KEEP_DAYS = 30


class Command(BaseCommand):
    help = "Brings an archived month's observations back into the table, verified; retention leaves them alone for a while."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("month", type=_month, help="such as 2026-03")
        parser.add_argument("--property", metavar="CODE", help="of this observed property alone")
        parser.add_argument(
            "--keep-days", type=_days, default=KEEP_DAYS, metavar="N", help=f"so long at least (default {KEEP_DAYS})"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        until = datetime.now(UTC).date() + timedelta(days=options["keep_days"])
        try:
            with archive_lock(), tqdm(unit=" rows", disable=not sys.stderr.isatty()) as progress:
                restored = restore_month(
                    options["month"], options["property"], until=until, on_rows=lambda count: progress.update(count)
                )
        except (ArchiveFailed, NothingArchived, Busy, Postponed) as why:
            raise CommandError(str(why)) from None
        self.stdout.write(
            f"{restored.rows} observations of {options['month']:%Y-%m} restored, {restored.there_before} were restored"
            f" before; they stay until {until}"
        )


def _month(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no month such as 2026-03") from None


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 3650:
        raise ArgumentTypeError(f"{text!r} is no number of days from 1 to 3650")
    return int(text)
