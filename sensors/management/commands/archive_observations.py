"""Old observations out of the table, into verified Parquet files."""

import sys
from argparse import ArgumentParser
from datetime import UTC, date, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from sensors.observations.archive import Busy, OnStep, Postponed, Step, archive_lock, archive_month, rows_of
from sensors.observations.archive_files import ArchiveFailed
from sensors.observations.retention import drop_rollups, due_months, make_months_ahead, raw_limit


class Command(BaseCommand):
    help = (
        "Makes the coming months' partitions, and archives the months that are due: writes them to Parquet files in"
        " PANTAU_ARCHIVE_DIR, verifies these by count and checksum, then drops the observations. Can be broken off anywhere."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--before", metavar="DATE", help="months that ended by this day (default: what PANTAU_RAW_DAYS says)"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        today = datetime.now(UTC).date()
        before = _day(options["before"], today) if options["before"] else raw_limit(today)
        due = due_months(before, today=today)
        if options["dry_run"]:
            for month in due:
                self.stdout.write(f"{month:%Y-%m}: {rows_of(month)} observations would be archived and dropped")
        else:
            if made := make_months_ahead(today):
                self.stdout.write(f"made {', '.join(made)}")
            self._archive(due, today)
        if not due:
            self.stdout.write(_nothing(before))

    def _archive(self, due: list[date], today: date) -> None:
        try:
            with archive_lock():
                for month in due:
                    self._archive_month(month)
                if dropped := drop_rollups(today):
                    self.stdout.write(f"{dropped} hourly rollups of more than {settings.ROLLUP_YEARS} years dropped")
        except (ArchiveFailed, Busy) as why:
            raise CommandError(str(why)) from None

    def _archive_month(self, month: date) -> None:
        shown = sys.stderr.isatty()
        total = rows_of(month) if shown else 0
        with tqdm(total=total, desc=f"{month:%Y-%m}", unit=" rows", disable=not shown) as progress:
            try:
                gone = archive_month(month, _on(progress))
            except Postponed as why:
                self.stdout.write(f"{month:%Y-%m}: postponed to the next run: {why}")
            else:
                self.stdout.write(f"{month:%Y-%m}: {gone} observations archived and dropped")


def _on(progress: "tqdm[Any]") -> OnStep:
    def on_step(step: Step, rows: int) -> None:
        if step is Step.ROWS:
            progress.update(rows)
        else:
            progress.set_postfix_str(step.value)

    return on_step


def _day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--before: {text!r} is no day such as 2026-01-31") from None
    if day > today:
        raise CommandError(f"--before: {day} is still to come; only months that are over can be archived")
    return day


def _nothing(before: date | None) -> str:
    if before is None:
        return "Nothing is due: PANTAU_RAW_DAYS is not set, and raw observations are kept for ever. --before DATE archives now."
    return f"Nothing is due: there are no observations of months that ended by {before}."
