"""What a device, or a gateway, needs to publish: for whoever configures one."""

import shlex
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from sensors.ingest.broker_url import BadBrokerUrl, parse_broker_url
from server.core import broker_credentials


class Command(BaseCommand):
    help = "Prints the broker's user name and password of a thing, or of the gateway, as lines for eval in a shell."

    def add_arguments(self, parser: ArgumentParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("thing", nargs="?", help="the thing's slug, which is its user name")
        whose.add_argument("--gateway", action="store_true", help="of the user that may publish for every device")

    def handle(self, *args: Any, **options: Any) -> None:
        name, password = _gateway() if options["gateway"] else _device(options["thing"])
        self.stdout.write(f"MQTT_USERNAME={shlex.quote(name)}")
        self.stdout.write(f"MQTT_PASSWORD={shlex.quote(password)}")


def _gateway() -> tuple[str, str]:
    try:
        url = parse_broker_url(settings.MQTT_GATEWAY_URL)
    except BadBrokerUrl as why:
        raise CommandError(f"MQTT_GATEWAY_URL {why}") from None
    return url.username or "", url.password or ""


def _device(slug: str) -> tuple[str, str]:
    if not settings.BROKER_DIR:
        raise CommandError("Another system keeps the broker's users: PANTAU_BROKER_DIR is not set.")
    password = broker_credentials.devices(Path(settings.BROKER_DIR)).get(slug)
    if password is None:
        raise CommandError(f"There is no credential of {slug}; import_things makes one for each thing.")
    return slug, password
