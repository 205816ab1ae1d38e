"""Who may publish: the broker's credentials of devices and gateways, and who sends too much."""

import json
import shlex
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Max
from django.utils import timezone

from sensors.ingest.floods.models import DeviceLimit
from sensors.registry.broker import (
    BadGateway,
    add_gateway,
    ensure_credentials,
    revoke_credentials,
    revoke_gateway,
)
from sensors.registry.models import Thing
from server.core import broker_credentials


class Command(BaseCommand):
    help = "Credentials by which devices and gateways publish: list, add, rotate, revoke; a password is shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="every thing: its credential, when it was last heard, its limit")
        listing.add_argument("--flooding", action="store_true", help="only those that send more than their limit")
        listing.add_argument("--json", action="store_true", help="for programs")
        for verb, says in (
            ("add", "a credential for each thing that has none; all things where none is named"),
            ("rotate", "a new password; whoever is connected by the old one is cut off"),
            ("revoke", "no credential any more; whoever is connected by it is cut off"),
        ):
            its = verbs.add_parser(verb, help=says)
            its.add_argument("things", nargs="*" if verb == "add" else "+", metavar="THING", help="the thing's slug")
        limit = verbs.add_parser("limit", help="how many readings a second a thing may send")
        limit.add_argument("thing", metavar="THING")
        limit.add_argument("rate", metavar="N", help="readings per second; 0: no limit; usual: as for all devices")
        self._add_gateway(verbs.add_parser("gateway", help="users that speak for several devices"))

    @staticmethod
    def _add_gateway(parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="gateway_verb", required=True)
        verbs.add_parser("list", help="the gateways, and what each may write")
        for verb, says in (
            ("add", "a gateway and what it may write; that of one that exists is replaced, its password stays"),
            ("rotate", "the same, with a new password"),
        ):
            its = verbs.add_parser(verb, help=says)
            its.add_argument("name", metavar="NAME")
            its.add_argument("topics", nargs="*", metavar="TOPIC", help="a topic filter: v3/kota@ttn/devices/+/up")
            its.add_argument("--thing", action="append", default=[], metavar="SLUG", help="all topics of this thing")
        verbs.add_parser("revoke", help="no credential any more").add_argument("name", metavar="NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        verb = options["verb"]
        try:
            match verb:
                case "list":
                    self._list(only_flooding=options["flooding"], as_json=options["json"])
                case "add" | "rotate":
                    self._give(options["things"], renew=verb == "rotate")
                case "revoke":
                    self._revoke(options["things"])
                case "limit":
                    self._limit(options["thing"], options["rate"])
                case _:
                    self._gateway(options)
        except OSError as error:
            raise CommandError(f"The broker's credentials cannot be written: {error}") from None

    def _list(self, *, only_flooding: bool, as_json: bool) -> None:
        has_credential = broker_credentials.devices(_folder()).keys() if settings.BROKER_DIR else None
        limits = {limit.thing: limit for limit in DeviceLimit.objects.all()}
        heard = Thing.objects.annotate(heard_at=Max("datastreams__state__heard_at")).values_list("slug", "heard_at")
        rows = [_row(slug, at, has_credential, limits.pop(slug, None)) for slug, at in heard.order_by("slug")]
        # Whoever floods may be unknown.
        rows += [_row(slug, None, has_credential, limit) for slug, limit in sorted(limits.items())]
        if only_flooding:
            rows = [row for row in rows if row["flooding_since"]]
        if as_json:
            self.stdout.write(json.dumps(rows, default=lambda time: time.isoformat(), indent=2))
            return
        for row in rows:
            self.stdout.write(_line(row))
        if not rows:
            empty = "No device floods." if only_flooding else "There are no things yet: import_things registers them."
            self.stdout.write(empty)

    def _give(self, things: list[str], *, renew: bool) -> None:
        _folder()
        slugs = things or list(Thing.objects.values_list("slug", flat=True))
        _refuse_unknown(slugs)
        made = ensure_credentials(slugs, renew=renew)
        passwords = broker_credentials.devices(_folder()) if renew else made.passwords
        for slug in slugs:
            if slug in passwords:
                self._show(slug, passwords[slug])
            elif things:
                self.stderr.write(f"{slug} has a credential already; rotate gives it a new password.")
        if passwords:
            # What was refused for a flood is of the old password.
            DeviceLimit.objects.filter(thing__in=[slug for slug in slugs if slug in passwords]).update(
                blocked_until=None
            )
        if not things:
            self.stderr.write(f"{len(made.passwords)} of {len(slugs)} things had no credential yet.")

    def _revoke(self, things: list[str]) -> None:
        _folder()
        gone = revoke_credentials(things)
        for slug in things:
            self.stdout.write(f"{slug}: revoked" if slug in gone else f"{slug} had no credential")

    def _limit(self, thing: str, rate: str) -> None:
        if rate != "usual" and not rate.isdecimal():
            raise CommandError(f"N is a whole number of readings per second, or the word usual, not {rate!r}")
        _refuse_unknown([thing])
        DeviceLimit.objects.update_or_create(thing=thing, defaults={"rate": None if rate == "usual" else int(rate)})
        self.stdout.write(f"{thing}: {_limit_in_words(None if rate == 'usual' else int(rate))}, within half a minute")

    def _gateway(self, options: dict[str, Any]) -> None:
        folder = _folder()
        if options["gateway_verb"] == "list":
            for name, topics in sorted(broker_credentials.gateways(folder).items()):
                self.stdout.write(f"{broker_credentials.GATEWAY_PREFIX}{name}: {' '.join(topics)}")
            return
        name = options["name"]
        if options["gateway_verb"] == "revoke":
            if not revoke_gateway(name):
                raise CommandError(f"There is no gateway {name}.")
            self.stdout.write(f"{name}: revoked")
            return
        _refuse_unknown(options["thing"])
        of_things = [f"sensors/{slug}/#" for slug in options["thing"]]
        topics = [*options["topics"], *of_things] or broker_credentials.gateways(folder).get(name, [])
        if not topics:
            raise CommandError("Say what the gateway may write: topic filters, or --thing SLUG.")
        try:
            password = add_gateway(name, topics, renew=options["gateway_verb"] == "rotate")
        except BadGateway as why:
            raise CommandError(str(why)) from None
        if password:
            self._show(f"{broker_credentials.GATEWAY_PREFIX}{name}", password)
        else:
            self.stderr.write(f"{name} has its password already; rotate gives it a new one.")

    def _show(self, user: str, password: str) -> None:
        """As lines for eval in a shell."""
        self.stdout.write(f"MQTT_USERNAME={shlex.quote(user)}")
        self.stdout.write(f"MQTT_PASSWORD={shlex.quote(password)}")


def _folder() -> Path:
    if not settings.BROKER_DIR:
        raise CommandError("Another system keeps the broker's users: PANTAU_BROKER_DIR is not set.")
    return Path(settings.BROKER_DIR)


def _refuse_unknown(slugs: list[str]) -> None:
    known = set(Thing.objects.filter(slug__in=slugs).values_list("slug", flat=True))
    if unknown := [slug for slug in slugs if slug not in known]:
        raise CommandError(f"There is no thing {', '.join(unknown)}; import_things registers things.")


def _row(slug: str, heard_at: datetime | None, has_credential: Any, limit: DeviceLimit | None) -> dict[str, Any]:
    return {
        "thing": slug,
        "has_credential": None if has_credential is None else slug in has_credential,
        "heard_at": heard_at,
        "rate": limit.rate if limit else None,
        "unlimited_until": limit.unlimited_until if limit else None,
        "flooding_since": limit.flooding_since if limit else None,
        "refused": limit.refused if limit and limit.flooding_since else 0,
        "blocked_until": limit.blocked_until if limit else None,
    }


def _line(row: dict[str, Any]) -> str:
    credential = {None: "credential kept elsewhere", True: "credential", False: "no credential"}[row["has_credential"]]
    parts = [credential, f"last heard {_time(row['heard_at'])}" if row["heard_at"] else "never heard"]
    if row["rate"] is not None:
        parts.append(_limit_in_words(row["rate"]))
    if row["unlimited_until"] and row["unlimited_until"] > timezone.now():
        parts.append(f"no limit until {_time(row['unlimited_until'])}")
    if row["flooding_since"]:
        parts.append(f"FLOODS since {_time(row['flooding_since'])}, {row['refused']} readings refused")
    if row["blocked_until"]:
        parts.append(f"kept out of the broker until {_time(row['blocked_until'])}")
    return f"{row['thing']}: {', '.join(parts)}"


def _limit_in_words(rate: int | None) -> str:
    if rate is None:
        return (
            f"at most {settings.DEVICE_RATE} readings a second, as all devices" if settings.DEVICE_RATE else "no limit"
        )
    return f"at most {rate} readings a second" if rate else "no limit"


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"
