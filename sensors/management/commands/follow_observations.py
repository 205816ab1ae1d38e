"""The followers of the journal as a process."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from sensors.following.follow import Follower, Following
from sensors.quality import flagging
from sensors.sensorthings.mqtt.follower import followers as sensorthings_followers
from sensors.states import judging
from sensors.thresholds import evaluation as thresholds

# In the order in which each round asks them: who comes `after` another stands behind it.
FOLLOWERS: tuple[Follower, ...] = (
    flagging.FOLLOWER,
    judging.FOLLOWER,
    thresholds.FOLLOWER,
    *sensorthings_followers(),
)


class Command(BaseCommand):
    help = "Follows what is stored: quality checks, silence, thresholds, and who is told of new readings."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="read to the end, and stop")

    def handle(self, *args: Any, **options: Any) -> None:
        following = Following(FOLLOWERS)
        if options["once"]:
            self.stdout.write(f"{following.run_until_read()} entries read")
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            # Set from a thread: the handler may have interrupted the wait inside the event's own lock.
            signal.signal(number, lambda *_: threading.Thread(target=following.stop.set).start())
        following.run()
