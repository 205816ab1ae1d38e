"""What a device, or a gateway, needs to publish: for whoever configures one."""

import secrets
import shlex
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from sensors.ingest.broker_url import BadBrokerUrl, parse_broker_url
from sensors.registry.broker import PASSWORD_BYTES
from server.core import broker_credentials

READER = "pantau.reader"


class Command(BaseCommand):
    help = "Prints the broker's user name and password of a thing, or of the gateway, as lines for eval in a shell."

    def add_arguments(self, parser: ArgumentParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("thing", nargs="?", help="the thing's slug, which is its user name")
        whose.add_argument("--gateway", action="store_true", help="of the user that may publish for every device")
        whose.add_argument(
            "--reader", action="store_true", help="a new password of the user that may subscribe to sta/v1.1/…"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["reader"]:
            name, password = _reader()
        else:
            name, password = _gateway() if options["gateway"] else _device(options["thing"])
        self.stdout.write(f"MQTT_USERNAME={shlex.quote(name)}")
        self.stdout.write(f"MQTT_PASSWORD={shlex.quote(password)}")


def _gateway() -> tuple[str, str]:
    try:
        url = parse_broker_url(settings.MQTT_GATEWAY_URL)
    except BadBrokerUrl as why:
        raise CommandError(f"MQTT_GATEWAY_URL {why}") from None
    return url.username or "", url.password or ""


def _reader() -> tuple[str, str]:
    """Its password is kept nowhere but here: asked again, there is a new one, and the one before is no longer good."""
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    broker_credentials.set_passwords(_folder(), {READER: password})
    broker_credentials.reload(_folder())
    return READER, password


def _folder() -> Path:
    if not settings.BROKER_DIR:
        raise CommandError("Another system keeps the broker's users: PANTAU_BROKER_DIR is not set.")
    return Path(settings.BROKER_DIR)


def _device(slug: str) -> tuple[str, str]:
    password = broker_credentials.devices(_folder()).get(slug)
    if password is None:
        raise CommandError(f"There is no credential of {slug}; manage devices add {slug} makes one.")
    return slug, password
