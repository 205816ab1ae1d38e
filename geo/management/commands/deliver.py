"""Sends what lies in the outbox, once or for ever."""

import logging
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from django.utils import timezone
from tqdm import tqdm

from geo.operations.outbox.delivery import Delivered, replay_dead
from geo.operations.outbox.models import OutboxMessage
from geo.operations.outbox.worker import DeliveryWorker

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Sends the messages of the outbox to their destinations, until stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--threads",
            type=int,
            default=4,
            metavar="N",
            help="senders at a time (default 4); two serve one destination",
        )
        parser.add_argument("--once", action="store_true", help="send what is due, and end")
        parser.add_argument(
            "--replay-dead", action="store_true", help="make the messages that were given up pending again, and end"
        )
        parser.add_argument("--destination", metavar="NAME", help="with --replay-dead: those to this one only")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["threads"] < 1:
            raise CommandError("--threads is a number from 1")
        if options["destination"] is not None and not options["replay_dead"]:
            raise CommandError("--destination goes with --replay-dead")
        if options["replay_dead"]:
            again = replay_dead(timezone.now(), options["destination"])
            self.stdout.write(f"{again.messages} messages are to be sent again")
            if again.superseded:
                self.stdout.write(f"{again.superseded} are left out: later ones have taken their place")
            return
        if options["once"]:
            self._once(options["threads"], is_quiet=options["verbosity"] == 0)
            return
        worker = DeliveryWorker(threads=options["threads"])
        _stop_on_signals(worker)
        log.info("delivering with %d threads", options["threads"])
        total = worker.run()
        log.info("stopped: %s", _summary(total))

    def _once(self, threads: int, *, is_quiet: bool) -> None:
        try:
            due = OutboxMessage.objects.filter(state="pending", next_attempt_at__lte=timezone.now()).count()
            with tqdm(total=due, unit=" messages", desc="outbox", disable=is_quiet or None) as bar:
                worker = DeliveryWorker(threads=threads, is_once=True, on_try=lambda _one: _step(bar))
                _stop_on_signals(worker)
                total = worker.run()
        except OperationalError as error:
            raise CommandError(f"the database is away: {str(error).strip().splitlines()[0]}") from None
        self.stdout.write(_summary(total))


def _step(bar: "tqdm[Any]") -> None:
    bar.update()


def _summary(total: Delivered) -> str:
    return f"{total.sent} delivered, {total.failed} failed and to be tried again, {total.dead} given up"


def _stop_on_signals(worker: DeliveryWorker) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        # Set from a thread: the handler may have interrupted a wait inside the event's own lock.
        signal.signal(number, lambda *_: threading.Thread(target=worker.request_stop).start())
