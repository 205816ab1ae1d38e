"""Hourly rollups from dirty marks, and what is derived of them, once or for ever."""

import logging
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from sensors.derived.deriving import derive, derive_all, ensure_derived
from sensors.observations.rollups import mark_everything_dirty, refresh_all_rollups, refresh_rollups

logger = logging.getLogger(__name__)

RETRY_MOST_S = 30.0


class Command(BaseCommand):
    help = "Recomputes the hourly rollups of the hours in which observations came, changed or went."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--loop", action="store_true", help="go on until stopped")
        parser.add_argument("--pause", type=float, default=5.0, metavar="S", help="seconds between rounds (default 5)")
        parser.add_argument(
            "--all", action="store_true", help="first mark every hour there is: a recount of everything"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["all"]:
            self.stdout.write(f"{mark_everything_dirty()} hours marked")
        if not options["loop"]:
            hours = refresh_all_rollups()
            ensure_derived()
            if derive_all(timezone.now()):
                hours += refresh_all_rollups()
            self.stdout.write(f"{hours} hours recomputed")
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            # Set from a thread: the handler may have interrupted the wait inside the event's own lock.
            signal.signal(number, lambda *_: threading.Thread(target=stop.set).start())
        loop(stop, options["pause"])


def loop(stop: threading.Event, pause_s: float) -> None:
    """Round after round; a full round is followed at once by the next, a failed one after a growing pause."""
    failures = 0
    while not stop.is_set():
        try:
            refreshed = refresh_rollups()
            ensure_derived()
            derived = derive(timezone.now())
            failures = 0
            if refreshed.hours or derived:
                logger.info("%d hours recomputed, %d taken for what is derived", refreshed.hours, derived)
                continue
            delay_s = pause_s
        except (DatabaseError, InterfaceError) as error:
            failures += 1
            delay_s = min(pause_s * 2**failures, RETRY_MOST_S)
            logger.warning("the database is away (%s); again in %.0f s", str(error).strip().split("\n")[0], delay_s)
            connection.close()
        except Exception:
            failures += 1
            delay_s = min(pause_s * 2**failures, RETRY_MOST_S)
            logger.exception("refreshing failed; again in %.0f s", delay_s)
            connection.close()
        stop.wait(delay_s)
