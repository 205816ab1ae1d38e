"""manage anonymise_reports: the personal data of reports that kept it long enough goes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from geo.reports.access.principals import Origin
from geo.reports.personal_data.retention import BATCH, anonymise_due


class Command(BaseCommand):
    help = (
        "Takes the personal data out of every report that has kept it as long as its category says (retention_days, else "
        "PANTAU_RETENTION_DAYS). `manage run_schedule` does it each hour; doing it twice changes nothing more."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--batch", type=int, default=BATCH, help=f"reports in a transaction (default: {BATCH})")

    def handle(self, *args: Any, **options: Any) -> None:
        done = anonymise_due(timezone.now(), batch=max(1, options["batch"]), origin=Origin.COMMAND)
        self.stdout.write(f"anonymised reports: {done}")
