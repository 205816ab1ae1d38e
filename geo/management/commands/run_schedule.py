"""manage run_schedule: what comes due by the clock, once or for ever."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from geo.schedule import Schedule


class Command(BaseCommand):
    help = "Reads the channels' feeds, anonymises old reports and clears away what is no longer needed, each when it is due."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="runs what is due, and ends")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            # Set from a thread: the handler may have interrupted the wait inside the event's own lock.
            signal.signal(number, lambda *_: threading.Thread(target=stop.set).start())
        schedule = Schedule(stop)
        if options["once"]:
            schedule.run_once()
        else:
            schedule.run()
