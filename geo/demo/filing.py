"""Filing what the simulated citizens say: through channel `simulator`, each report once however often it is tried."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

from django.contrib.gis.geos import Point
from django.db import transaction
from django.db.models import Max

from geo.areas.models import City
from geo.demo.report_model import FLOOD, FLOOD_KINDS, District, ReportModel, SimulatedReport
from geo.reports.access.principals import Origin, Principal
from geo.reports.insertion import Columns, insert_reports
from geo.reports.models import Category, Channel, Report
from geo.reports.services import submit_report

CHANNEL = "simulator"
ROWS_AT_ONCE = 1_000


def simulator_channel() -> Channel:
    channel, _created = Channel.objects.get_or_create(
        slug=CHANNEL, defaults={"name": "Simulator", "is_simulated": True}
    )
    return channel


def last_reported_at(city: City) -> datetime | None:
    """When the latest simulated report of the city was made."""
    found: datetime | None = Report.objects.filter(city=city, channel__slug=CHANNEL).aggregate(Max("reported_at"))[
        "reported_at__max"
    ]
    return found


def reports_between(
    model: ReportModel, districts: Sequence[District], after: datetime, until: datetime
) -> Iterator[SimulatedReport]:
    """The reports made in (after, until], district by district."""
    first, last = int(after.timestamp()) // 3600, int(until.timestamp()) // 3600 + 1
    for district in districts:
        for report in model.reports(district, first, last):
            if after.timestamp() < report.reported_at <= until.timestamp():
                yield report


def file_in_bulk(
    city: City,
    reports: Iterator[SimulatedReport],
    *,
    now: datetime,
    on_stored: Callable[[int], object] = lambda n: None,
) -> int:
    """Stores many set-based; those known already are left as they are. Returns how many are new."""
    channel, categories = simulator_channel(), _categories()
    total = 0
    while batch := list(islice(reports, ROWS_AT_ONCE)):
        rows = Columns()
        for report in batch:
            if (category := _category_of(report, categories)) is None:
                continue
            rows.append(
                external_id=report.external_id,
                kind=Report.Kind.LAPORAN,
                category_id=category.pk,
                description=report.description,
                position=(report.lon, report.lat),
                area_id=None,
                reported_at=datetime.fromtimestamp(report.reported_at, UTC),
            )
        with transaction.atomic():
            outcomes = insert_reports(rows, channel_id=channel.pk, city_id=city.pk, now=now, origin=Origin.COMMAND)
        total += sum(outcome.report_id is not None for outcome in outcomes)
        on_stored(len(batch))
    return total


def file_one_by_one(city: City, reports: Iterator[SimulatedReport], *, now: datetime) -> int:
    """Files each the way any channel does. Returns how many are new."""
    channel, categories = simulator_channel(), _categories()
    total = 0
    for report in reports:
        if (category := _category_of(report, categories)) is None:
            continue
        _report, is_new = submit_report(
            channel=channel,
            category=category,
            now=now,
            description=report.description,
            location=Point(report.lon, report.lat, srid=4326),
            city=city,
            reported_at=datetime.fromtimestamp(report.reported_at, UTC),
            external_id=report.external_id,
            by=Principal(origin=Origin.COMMAND),
        )
        total += is_new
    return total


def _categories() -> dict[str, Category]:
    return {category.slug: category for category in Category.objects.filter(is_active=True)}


def _category_of(report: SimulatedReport, categories: dict[str, Category]) -> Category | None:
    """The category, else its parent where a city has no finer ones; None where it has neither."""
    is_flood = report.category in dict(FLOOD_KINDS)
    return categories.get(report.category) or (categories.get(FLOOD) if is_flood else None)
