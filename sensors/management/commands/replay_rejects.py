"""The quarantine fed again once the cause is mended."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from sensors.ingest.reasons import Reason
from sensors.ingest.replay import open_rejects, replay_rejects


class Command(BaseCommand):
    help = "Feeds rejected messages again by the path that messages take, and marks those that are no longer rejected."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--reason",
            action="append",
            default=[],
            choices=[reason.value for reason in Reason],
            help="only these reasons",
        )
        parser.add_argument("--thing", default="", help="only what this thing sent (its slug)")
        parser.add_argument("--dry-run", action="store_true", help="only count them")

    def handle(self, *args: Any, **options: Any) -> None:
        rejects = open_rejects(reasons=[Reason(value) for value in options["reason"]], thing=options["thing"])
        count = rejects.count()
        if options["dry_run"]:
            self.stdout.write(f"{count} rejected messages would be fed again")
            return
        with tqdm(total=count, unit=" messages", disable=not sys.stderr.isatty()) as progress:
            outcome = replay_rejects(rejects, on_progress=progress.update)
        self.stdout.write(
            f"{count} rejected messages fed again: {outcome.stored} readings stored, {outcome.repeated} were stored already,"
            f" {outcome.ignored} ignored, {outcome.quarantined} rejected again"
        )
