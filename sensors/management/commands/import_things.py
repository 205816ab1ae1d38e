"""Things, their datastreams and their broker credentials from a file."""

import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from sensors.registry.broker import ensure_credentials
from sensors.registry.files import BadFile, parse_mapping
from sensors.registry.import_file import COLUMNS, Measured, measured_by, read_things
from sensors.registry.services import ALWAYS, RegistryError, provision_observed_properties, provision_things
from sensors.registry.units import units_in_use

DEFAULT_MAPPING = "slug=slug,name=name,lon=lon,lat=lat,properties=properties"


class Command(BaseCommand):
    help = "Makes or updates things, where they stand, what they measure, and their credentials at the broker (idempotent)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="CSV (also .gz) or GeoJSON; a table of readings will do")
        parser.add_argument(
            "--map",
            default=DEFAULT_MAPPING,
            help=f"name=column,…, or a .json file of those; names: {', '.join(sorted(COLUMNS))} (default {DEFAULT_MAPPING})",
        )
        parser.add_argument(
            "--observed-properties",
            type=Path,
            metavar="JSON",
            help="a list of observed properties to make or update first, with the unit, range and interval of each",
        )
        parser.add_argument(
            "--default-property", default="", metavar="CODE", help="what things measure whose row says nothing"
        )
        parser.add_argument("--unit", default="", help="the default property's unit, in UCUM")
        parser.add_argument("--unit-name", default="")
        parser.add_argument("--plausible", metavar="MIN:MAX", help="the default property's plausible range")
        parser.add_argument("--interval", type=int, metavar="S", help="how often it is expected, in seconds")
        parser.add_argument(
            "--moved-at", metavar="TIME", help="when things moved that stand elsewhere now (default: now)"
        )
        parser.add_argument(
            "--since", metavar="TIME", help="since when new things stand where they do (default: always)"
        )
        parser.add_argument("--dry-run", action="store_true", help="do everything but keep nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        moved_at = _time(options["moved_at"], "--moved-at") or datetime.now(UTC)
        since = _time(options["since"], "--since") or ALWAYS
        properties = _load_properties(options["observed_properties"])
        measured = units_in_use() | measured_by(properties) | _default_property(options)
        try:
            mapping = parse_mapping(options["map"], allowed=COLUMNS)
            if not mapping.keys() & {"slug", "name"}:
                raise CommandError("--map must name a column for slug or for name")
            entries = read_things(
                options["file"], mapping, measured=measured, default_property=options["default_property"]
            )
            with transaction.atomic():
                provision_observed_properties(properties)
                counts = provision_things(entries, moved_at=moved_at, standing_since=since)
                transaction.set_rollback(options["dry_run"])
        except RegistryError as error:
            place = f"{error.place}: " if error.place else ""
            raise CommandError(f"nothing was imported:\n{place}{error}") from None
        except (BadFile, OSError) as error:
            raise CommandError(f"nothing was imported:\n{error}") from None
        said = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(counts.items()))
        self.stdout.write(f"{len(entries)} things in the file: {said}")
        if not options["dry_run"]:
            self._give_credentials([entry.slug for entry in entries])

    def _give_credentials(self, slugs: list[str]) -> None:
        try:
            credentials = ensure_credentials(slugs)
        except OSError as error:
            raise CommandError(
                f"the things are registered, but the broker's credentials cannot be written: {error}"
            ) from None
        if not credentials.is_managed:
            self.stdout.write("PANTAU_BROKER_DIR is not set: the broker's users are kept elsewhere")
        else:
            read_again = "; the broker has read them" if credentials.is_reloaded else ""
            self.stdout.write(f"{credentials.created} new broker credentials{read_again}")


def _time(text: str | None, option: str) -> datetime | None:
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{option}: {text!r} is not a time as in 2026-01-31T00:00:00+07:00") from None
    if time.tzinfo is None:
        raise CommandError(f"{option}: {text!r} has no offset")
    return time


def _load_properties(path: Path | None) -> list[dict[str, Any]]:
    if path is None:
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(entries, list) or not all(isinstance(entry, dict) and entry.get("code") for entry in entries):
            raise ValueError("not a list of objects with a code")
    except (OSError, ValueError) as error:
        raise CommandError(f"--observed-properties {path}: {error}") from None
    return entries


def _default_property(options: dict[str, Any]) -> dict[str, Measured]:
    code, unit = options["default_property"], options["unit"]
    if not code or not unit:
        if unit:
            raise CommandError("--unit says how the --default-property is measured; it needs one")
        return {}
    least, most = None, None
    if options["plausible"]:
        try:
            least, most = (float(part) if part else None for part in options["plausible"].split(":"))
        except ValueError:
            raise CommandError("--plausible reads MIN:MAX, either of which may be left out") from None
    return {code: Measured(unit, options["unit_name"], least, most, options["interval"])}
