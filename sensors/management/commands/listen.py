"""What a device sends, as it comes, and what becomes of it."""

import difflib
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from sensors.ingest.batch import Message
from sensors.ingest.broker_url import BadBrokerUrl, parse_broker_url
from sensors.ingest.listening import Ear, Verdict, listen, printable, shortened
from sensors.registry.models import Thing


class Command(BaseCommand):
    help = "Shows each message of a thing as it comes: what it says, what becomes of it, and what to do about it. Ctrl-C ends."

    def add_arguments(self, parser: ArgumentParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("thing", nargs="?", help="the thing's slug")
        whose.add_argument("--all", action="store_true", help="everybody's messages")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            url = parse_broker_url(settings.MQTT_URL)
        except BadBrokerUrl as why:
            raise CommandError(f"MQTT_URL {why}") from None
        thing = options["thing"] or ""
        if thing:
            self._greet(thing)
        ear = Ear(thing)
        where = ", ".join((ear.topic_filter(), *ear.filters_besides()))
        self._say(f"Listening for {thing or 'everybody'} at {url} on {where}. Ctrl-C ends.")
        self._heard = 0
        try:
            failure = listen(url, ear, hear=self._hear, on_trouble=self._worry)
        except KeyboardInterrupt:
            failure = None
        self._say(f"{self._heard} messages heard.")
        if failure:
            raise CommandError(f"{url}: {failure}")

    def _greet(self, thing: str) -> None:
        slugs = list(Thing.objects.values_list("slug", flat=True))
        if thing not in slugs:
            near = difflib.get_close_matches(thing, slugs, n=3)
            hint = f" Did you mean {' or '.join(near)}?" if near else " /api/things/ lists those that are."
            self._say(f"There is no thing {printable(thing)}: what it sends is quarantined.{hint}")

    def _hear(self, message: Message, verdicts: Sequence[Verdict]) -> None:
        self._heard += 1
        at = message.received_at.astimezone(ZoneInfo(settings.DEFAULT_TIME_ZONE))
        retained = " (retained)" if message.retained else ""
        self._say(f"{at:%H:%M:%S.%f}"[:-3] + f" {printable(message.topic)}{retained}  {shortened(message.payload)}")
        for each in verdicts:
            self._say(f"    {printable(each.said)}: {printable(each.state)}")
            if each.advice:
                self._say(f"      {each.advice}")

    def _worry(self, trouble: str) -> None:
        self._say(f"{trouble}; trying again" if trouble else "connected again")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
