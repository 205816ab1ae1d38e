"""The demo's data: the launch of 2015-16 as a reconstruction, and some weeks of a simulated present."""

import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from django.contrib.gis.geos import Point
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils import timezone

from fixtures import qlue_launch
from geo.areas.models import Area, City
from geo.layers.analyses.city_dossiers import request_dossier
from geo.management.commands.simulate_sensors import back_fill, chosen_city, progress
from geo.reports.access.principals import Origin
from geo.reports.insertion import Columns, insert_reports
from geo.reports.models import Category, Channel, Report
from sensors import published

DAYS = 35
LAUNCH_CHANNEL, LAUNCH_IDS = "qlue", "qlue-2015-"
ROWS_AT_ONCE = 1_000
# Another refresher at work is waited for; with none, marks go by the hundred thousand a round.
ROLLUPS_PATIENCE_S = 120.0


class Command(BaseCommand):
    help = (
        "Loads the demo: Qlue's launch in Bekasi (2,216 reports reconstructed from published totals) and the last weeks of the "
        "simulated network and its reports. Run again it adds what is missing. Needs the broker and the ingest worker."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--city", default="bekasi", metavar="SLUG", help="which city (default: bekasi)")
        parser.add_argument(
            "--days", type=int, default=DAYS, help=f"how far the simulated past goes back (default {DAYS})"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] < 1:
            raise CommandError("--days takes a number of days from 1")
        city = chosen_city(options["city"])
        self.stdout.write(f"{load_launch(city)} new reports of the launch of 2015-16 through channel {LAUNCH_CHANNEL}")
        back_fill(self, city, options["days"])
        refresh_until_clean()
        self.stdout.write("rollups are up to date")
        analyse()
        if request_dossier(city, timezone.now()):
            self.stdout.write("the worker computes the city's dossier")


def load_launch(city: City) -> int:
    """The reconstructed reports of the launch that are not there yet; how many that were."""
    try:
        channel = Channel.objects.get(slug=LAUNCH_CHANNEL)
    except Channel.DoesNotExist:
        raise CommandError(f"there is no channel {LAUNCH_CHANNEL}: load the fixtures first") from None
    total = sum(qlue_launch.counts().values())
    if Report.objects.filter(channel=channel, external_id__startswith=LAUNCH_IDS).count() >= total:
        return 0
    root = Area.objects.current().get(city=city, parent=None)
    categories = dict(Category.objects.values_list("slug", "id"))
    rows = qlue_launch.reports(inside_of(root))
    new = 0
    with progress(total, "the launch", " reports") as bar:
        while batch := list(islice(rows, ROWS_AT_ONCE)):
            new += _insert(batch, channel, city, categories)
            bar.update(len(batch))
    return new


def inside_of(area: Area) -> Callable[[float, float], bool]:
    prepared = area.boundary.prepared
    return lambda lon, lat: bool(prepared.contains(Point(lon, lat, srid=4326)))


def _insert(batch: Sequence[qlue_launch.LaunchReport], channel: Channel, city: City, categories: dict[str, int]) -> int:
    rows = Columns()
    for report in batch:
        rows.append(
            external_id=report["external_id"],
            kind=Report.Kind.LAPORAN,
            category_id=categories[report["category"]],
            description=report["description"],
            position=(report["lon"], report["lat"]),
            area_id=None,
            reported_at=report["reported_at"],
        )
    with transaction.atomic():
        outcomes = insert_reports(
            rows, channel_id=channel.pk, city_id=city.pk, now=timezone.now(), origin=Origin.COMMAND
        )
    return sum(outcome.report_id is not None for outcome in outcomes)


def refresh_until_clean() -> None:
    """Recomputes rollups, beside whoever else does, until no mark is left."""
    deadline = time.monotonic() + ROLLUPS_PATIENCE_S
    with progress(published.count_dirty_hours(), "rollups", " marks") as bar:
        while waiting := published.count_dirty_hours():
            if time.monotonic() > deadline:
                raise CommandError(f"{waiting} rollup marks are left: is another refresher stuck?")
            done = published.refresh_all_rollups()
            bar.n = max((bar.total or 0) - published.count_dirty_hours(), 0)
            bar.refresh()
            if not done:
                time.sleep(0.25)


def analyse() -> None:
    """Fresh statistics for the planner: the tables were empty when it last looked."""
    with connection.cursor() as cursor:
        for table in (Report._meta.db_table, *published.BULK_TABLES):
            cursor.execute(f"ANALYZE {table}")
