"""The brokers of others as a process."""

import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sensors.ingest.sources.following import Sources
from sensors.ingest.sources.models import MqttSource


class Command(BaseCommand):
    help = "Stores what the MQTT sources deliver: brokers of others, such as The Things Stack's, each by its own connection."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="*", help="these sources only; all active ones where none is named")

    def handle(self, *args: Any, **options: Any) -> None:
        names = options["name"]
        known = set(MqttSource.objects.values_list("name", flat=True)) if names else set()
        if unknown := [name for name in names if name not in known]:
            there_are = f"there are {', '.join(sorted(known))}" if known else "there is none yet; the admin makes them"
            raise CommandError(f"There is no MQTT source {unknown[0]}: {there_are}.")
        sources = Sources(names)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sources.request_stop())
        sources.run()
