"""The ingest worker as a process, or several of them."""

import os
import signal
import sys
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from sensors.ingest.broker_url import BadBrokerUrl, BrokerUrl, parse_broker_url
from sensors.ingest.slots import ALONE, NotRetired, Sessions, Stopping, hand_over, retire, slots_of, work
from sensors.ingest.supervision import supervise
from sensors.ingest.worker import prepare_process


class Command(BaseCommand):
    help = "Stores what devices publish: takes readings from the broker at MQTT_URL, acknowledged once committed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--workers",
            type=int,
            metavar="N",
            help="so many processes share the load (MQTT 5); PANTAU_INGEST_WORKERS where it is left out. What another number "
            "of them has left at the broker is stored first",
        )
        parser.add_argument(
            "--slot",
            type=int,
            help="this slot alone, and no other is looked after: 1, 2, … share the load (MQTT 5), 0 works alone",
        )
        parser.add_argument(
            "--retire",
            action="store_true",
            help="empty the slot's queue and end its session (slot 0 unless --slot says so)",
        )
        parser.add_argument(
            "--protocol", choices=["5", "3.1.1"], default="5", help="3.1.1 is faster in paho; several workers need 5"
        )
        parser.add_argument(
            "--client-id", default="pantau-ingest", help="the start of the session's name at the broker"
        )
        parser.add_argument(
            "--stock-paho", action="store_true", help="without the faster hooks into paho: half the rate"
        )
        parser.add_argument("--until-eof", action="store_true", help="stop as well when standard input ends")

    def handle(self, *args: Any, **options: Any) -> None:
        slot, is_retiring, is_mqtt5 = options["slot"], options["retire"], options["protocol"] == "5"
        _check(slot, options["workers"], is_retiring=is_retiring)
        workers = options["workers"] or settings.INGEST_WORKERS
        is_alone = not slot if slot is not None else workers == 1
        if not is_mqtt5 and (is_retiring or not is_alone):
            raise CommandError("--slot, --retire and several workers (--workers, PANTAU_INGEST_WORKERS) need MQTT 5")
        sessions = Sessions(broker_url(), options["client_id"], is_mqtt5=is_mqtt5, is_fast=not options["stock_paho"])
        stopping = Stopping()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.ask())
        if options["until_eof"]:
            threading.Thread(target=_ask_at_eof, args=(stopping,), daemon=True).start()
        if is_retiring:
            try:
                retire(sessions, slot or ALONE, stopping)
            except NotRetired as why:
                raise CommandError(f"slot {slot or ALONE} is not given up: {why}") from None
        elif slot is not None:
            _work(sessions, slot, stopping)
        else:
            slots = slots_of(workers)
            hand_over(sessions, slots, stopping)
            if slots == (ALONE,):
                _work(sessions, ALONE, stopping)
            else:
                supervise(slots, lambda each: _command(each, options), stopping)


def _check(slot: int | None, workers: int | None, *, is_retiring: bool) -> None:
    if slot is not None and slot < 0:
        raise CommandError("--slot is a number from 0")
    if workers is not None and workers < 1:
        raise CommandError("--workers is a number from 1")
    if workers is not None and (slot is not None or is_retiring):
        raise CommandError("--workers looks after every slot; leave out --slot and --retire")


def _work(sessions: Sessions, slot: int, stopping: Stopping) -> None:
    prepare_process()
    if failure := work(sessions, slot, stopping):
        raise CommandError(failure)


def _command(slot: int, options: dict[str, Any]) -> list[str]:
    """This command for one slot, as a process of its own."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "ingest_mqtt", "--slot", str(slot), "--until-eof"]
    command += ["--client-id", options["client_id"]]
    return [*command, "--stock-paho"] if options["stock_paho"] else command


def _ask_at_eof(stopping: Stopping) -> None:
    # Not sys.stdin: a thread that waits inside its lock keeps the interpreter from ending.
    while os.read(0, 4096):
        pass
    stopping.ask()


def broker_url() -> BrokerUrl:
    try:
        return parse_broker_url(settings.MQTT_URL)
    except BadBrokerUrl as why:
        raise CommandError(f"MQTT_URL {why}") from None
