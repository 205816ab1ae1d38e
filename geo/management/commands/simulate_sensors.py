"""The simulated city: its past at full speed, or its present as it goes on."""

import signal
import sys
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from geo.areas.models import City
from geo.demo import backfill
from geo.demo.live import run_live
from geo.demo.network import Network, load_network, model_of


class Command(BaseCommand):
    help = (
        "Publishes the simulated things' readings to the broker (MQTT_GATEWAY_URL) and files the simulated citizens' reports "
        "through channel simulator: the last N days at full speed, or live until stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--live", action="store_true", help="go on in real time until SIGTERM or Ctrl-C")
        what.add_argument("--backfill", type=int, metavar="DAYS", help="what is missing of the last DAYS days")
        parser.add_argument("--city", metavar="SLUG", help="which city, where there are several (default: the first)")
        parser.add_argument("--no-reports", action="store_true", help="with --backfill: readings only")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["live"]:
            stop = threading.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                # Set from a thread: the handler may have interrupted the wait inside the event's own lock.
                signal.signal(number, lambda *_: threading.Thread(target=stop.set).start())
            try:
                run_live(lambda: chosen_city(options["city"]), stop)
            except backfill.BackfillError as error:
                raise CommandError(str(error)) from None
            return
        if options["backfill"] < 1:
            raise CommandError("--backfill takes a number of days from 1")
        back_fill(self, chosen_city(options["city"]), options["backfill"], with_reports=not options["no_reports"])


def chosen_city(slug: str | None) -> City:
    """The city of this slug, or the first one."""
    found = City.objects.filter(slug=slug) if slug else City.objects.order_by("slug")
    city = found.first()
    if city is None:
        raise CommandError(f"there is no city {slug!r}" if slug else "there is no city yet: load the fixtures first")
    return city


def back_fill(command: BaseCommand, city: City, days: int, *, with_reports: bool = True) -> None:
    """Fills what is missing of the last days, with a bar for each long step."""
    now = timezone.now()
    network, model = load_network(city), model_of(city)
    if not network.feeds:
        raise CommandError(f"no simulated things stand in {city.slug}: import fixtures/bekasi/things.csv first")
    with progress(len(network.feeds), "computing", " feeds") as bar:
        plan = backfill.plan_readings(city, network, model, days=days, now=now, on_feed=bar.update)
    try:
        if plan.readings:
            with progress(plan.readings, "publishing", " readings") as bar:
                backfill.publish(plan, on_published=bar.update)
            with progress(plan.readings, "storing", " readings") as bar:
                backfill.wait_until_stored(plan, on_stored=bar.update)
    except backfill.BackfillError as error:
        raise CommandError(str(error)) from None
    command.stdout.write(f"{plan.readings} readings of {len(network.feeds)} feeds since {plan.start:%Y-%m-%d %H:%M}Z")
    if with_reports:
        _file_reports(command, city, network, days)


def _file_reports(command: BaseCommand, city: City, network: Network, days: int) -> None:
    with progress(None, "filing", " reports") as bar:
        new = backfill.file_reports(city, network, model_of(city), days=days, now=timezone.now(), on_stored=bar.update)
    command.stdout.write(f"{new} new reports through channel simulator")


def progress(total: int | None, what: str, unit: str) -> "tqdm[Any]":
    """A bar on a terminal, and a line now and then in a log."""
    return tqdm(total=total, desc=what, unit=unit, mininterval=0.2 if sys.stderr.isatty() else 5.0, file=sys.stderr)
