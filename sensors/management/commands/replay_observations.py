"""Readings from a file, sent the way a device sends them: over the broker."""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from sensors.ingest.broker_url import BadBrokerUrl, parse_broker_url
from sensors.ingest.decoders import Reading
from sensors.ingest.floods.noting import lift_limit
from sensors.ingest.publisher import NotPublished, Publisher
from sensors.registry.files import BadFile, Row, parse_mapping, read_rows
from sensors.registry.naming import slug_of

COLUMNS = {"thing", "time", "result", "property"}
SHOWN_COMPLAINTS = 10
LIMIT_LIFTED_FOR = timedelta(days=1)


@dataclass(slots=True)
class Skipped:
    """Rows that are no readings: how many, and what the first of them lack."""

    count: int = 0
    complaints: list[str] = field(default_factory=list)

    def add(self, complaint: str) -> None:
        self.count += 1
        if len(self.complaints) < SHOWN_COMPLAINTS:
            self.complaints.append(complaint)


class Command(BaseCommand):
    help = "Publishes a file of readings over MQTT (MQTT_GATEWAY_URL, QoS 1), as fast as it goes or at a chosen rate."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="CSV (also .gz) or GeoJSON")
        parser.add_argument("--map", required=True, help=f"name=column,…; names: {', '.join(sorted(COLUMNS))}")
        parser.add_argument(
            "--property", default="", metavar="CODE", help="the observed property, if no column names it"
        )
        parser.add_argument(
            "--tz", default="Asia/Jakarta", help="time zone of times without an offset (default Asia/Jakarta)"
        )
        parser.add_argument(
            "--rate", type=float, default=0, metavar="N", help="readings per second (default: no limit)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            zone = ZoneInfo(options["tz"])
        except (ZoneInfoNotFoundError, ValueError):
            raise CommandError(f"--tz: there is no time zone {options['tz']!r}") from None
        skipped = Skipped()
        try:
            mapping = parse_mapping(options["map"], allowed=COLUMNS)
            if missing := COLUMNS - mapping.keys() - ({"property"} if options["property"] else set()):
                raise CommandError(f"--map must name a column for {', '.join(sorted(missing))}")
            total = sum(1 for _ in read_rows(options["file"], needed=set(mapping.values())))
            rows = read_rows(options["file"], needed=set(mapping.values()))
            sent = _publish(_readings(rows, mapping, options["property"], zone, skipped), total, options["rate"])
        except BadBrokerUrl as why:
            raise CommandError(f"MQTT_GATEWAY_URL {why}") from None
        except (BadFile, OSError, NotPublished) as error:
            raise CommandError(str(error)) from None
        for complaint in skipped.complaints:
            self.stderr.write(complaint)
        self.stdout.write(f"{sent} sent, and the broker has them; {skipped.count} rows were no readings")
        if not sent:
            raise CommandError("nothing was sent")


def _publish(readings: Iterator[Reading], total: int, rate: float) -> int:
    url = parse_broker_url(settings.MQTT_GATEWAY_URL)
    with (
        Publisher(url) as publisher,
        tqdm(total=total, unit=" rows", disable=not sys.stderr.isatty()) as progress,
    ):
        started = time.monotonic()
        lifted: set[str] = set()
        for reading in readings:
            if reading.thing not in lifted:
                # Years of readings in a minute are no flood; the workers may be a while behind.
                lifted.add(reading.thing)
                lift_limit(reading.thing, datetime.now(UTC) + LIMIT_LIFTED_FOR)
            if rate and (early := started + publisher.sent / rate - time.monotonic()) > 0:
                time.sleep(early)
            publisher.publish(reading.topic(), reading.payload())
            progress.update()
    return publisher.acknowledged


def _readings(
    rows: Iterator[Row], mapping: dict[str, str], property_code: str, zone: ZoneInfo, skipped: Skipped
) -> Iterator[Reading]:
    for row in rows:
        try:
            yield _reading(row, mapping, property_code, zone)
        except ValueError as why:
            skipped.add(f"{row.place}: {why}")


def _reading(row: Row, mapping: dict[str, str], property_code: str, zone: ZoneInfo) -> Reading:
    thing = slug_of(row.text(mapping["thing"]))
    code = row.text(mapping["property"]) if "property" in mapping else property_code
    if not thing or not code or "/" in code:
        raise ValueError("no thing, or no property")
    phenomenon_time = datetime.fromisoformat(row.text(mapping["time"]))
    if phenomenon_time.tzinfo is None:
        phenomenon_time = phenomenon_time.replace(tzinfo=zone)
    return Reading(thing, code, float(row.text(mapping["result"])), phenomenon_time)
