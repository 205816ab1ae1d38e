"""What the ingest workers have done, what lies in quarantine, and what waits to be rolled up."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Count, Max

from sensors.ingest.models import IngestStatus, RejectedMessage
from sensors.observations.models import DirtyHour

COUNTS = ("received", "stored", "repeated", "quarantined", "ignored")
TIMES = ("started_at", "last_commit_at", "session_lost_at")


class Command(BaseCommand):
    help = "Shows the ingest workers' counts, the quarantine by reason, and the hours that wait for their rollup."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        status: dict[str, Any] = {
            "slots": list(IngestStatus.objects.order_by("slot").values("slot", *COUNTS, *TIMES)),
            "quarantine": list(
                RejectedMessage.objects.filter(replayed_at=None)
                .values("reason")
                .annotate(messages=Count("id"), latest=Max("received_at"))
                .order_by("-messages", "reason")
            ),
            "dirty_marks": DirtyHour.objects.count(),
        }
        if options["json"]:
            self.stdout.write(json.dumps(status, default=lambda time: time.isoformat(), indent=2))
            return
        for slot in status["slots"]:
            counts = ", ".join(f"{slot[name]} {name}" for name in COUNTS)
            self.stdout.write(f"slot {slot['slot']}: {counts}; last commit {slot['last_commit_at'] or 'never'}")
            if slot["session_lost_at"]:
                self.stdout.write(f"  the broker lost its session at {slot['session_lost_at']}")
        for row in status["quarantine"]:
            self.stdout.write(f"quarantine: {row['messages']} {row['reason']}, the latest {row['latest']}")
        self.stdout.write(f"{status['dirty_marks']} dirty marks wait for refresh_rollups")
