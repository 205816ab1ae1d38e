"""What happens in the city of a dossier, written directly: what is tested there only reads."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from geo.analysis.dossier import compile_dossier
from geo.analysis.dossier_figures import DossierParams
from geo.models import Area, City, PopulationFigure, Report
from sensors.models import HourlyRollup, Thing
from tests.factories import centre, make_category, make_channel, make_datastream, make_observed_property, make_thing

# Midnight of 5 January 2026, a Monday, in Bekasi.
START = datetime(2026, 1, 4, 17, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HERE, THERE = "kota-uji.1", "kota-uji.2"


def compiled(city: City, code: str = HERE, **more: Any) -> dict[str, Any]:
    values = {
        "city_id": city.pk,
        "zone": city.timezone,
        "code": code,
        "start": START,
        "end": START + 10 * DAY,
        "now": datetime(2026, 6, 1, tzinfo=UTC),
        **more,
    }
    return compile_dossier(DossierParams(**values))


def say(city: City, code: str, times: list[datetime], *, category: str = "banjir", **more: Any) -> None:
    """Public reports in an area at these times, written directly: what is tested here only reads."""
    area, now = Area.objects.get(code=code), timezone.now()
    values = {"channel": make_channel(), "location_flag": "inside", "received_at": now, "updated_at": now, **more}
    Report.objects.bulk_create(
        Report(city=city, category=make_category(category), public_area=area, area=area, reported_at=time, **values)
        for time in times
    )


def answered(city: City, code: str, hours: list[float], **more: Any) -> None:
    """Reports of the period's first day, each closed that many hours later."""
    for after in hours:
        closed = START + HOUR + timedelta(hours=after)
        say(city, code, [START + HOUR], status=more.pop("status", "resolved"), closed_at=closed, **more)


def people(code: str, population: int) -> None:
    area = Area.objects.get(code=code)
    PopulationFigure.objects.create(area=area, year=2024, population=population, source="BPS")


def gauge(
    slug: str,
    code: str | None,
    observed_property: str,
    values: list[float | None],
    *,
    start: datetime = START,
    **more: Any,
) -> Any:
    """A thing in an area whose hourly means (greatest: the same) are these. None: a gap."""
    unit, interval_s = more.pop("unit_ucum", "ug/m3"), more.pop("expected_interval_s", 600)
    settings = more.pop("properties", {})
    aggregate = more.pop("aggregate", "mean")
    thing = Thing.objects.filter(slug=slug).first() or make_thing(
        slug, location=centre(code) if code else None, properties=settings, **more
    )
    make_observed_property(observed_property, aggregate=aggregate)
    datastream = make_datastream(thing, observed_property, unit_ucum=unit, expected_interval_s=interval_s)
    HourlyRollup.objects.bulk_create(
        HourlyRollup(datastream_id=datastream.pk, hour=start + i * HOUR, n=2, sum=2 * v, min=v, max=v)
        for i, v in enumerate(values)
        if v is not None
    )
    return datastream


def reading(document: dict[str, Any], code: str) -> dict[str, Any]:
    (entry,) = [entry for entry in document["readings"]["by_property"] if entry["property"] == code]
    return entry


def values(section: dict[str, Any], *names: str) -> list[Any]:
    return [section[name]["value"] for name in names]
