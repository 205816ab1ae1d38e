"""Small cities and what happens in them, for tests. Every builder takes what matters and fills in the rest.

A city is a row of square districts, each cut into two subdistricts (west and east half):

    make_city("kota-uji", west=106.9, south=-6.3, side=0.1, districts=2)

has the areas kota-uji, kota-uji.1, kota-uji.1.1, kota-uji.1.2, kota-uji.2 …; `centre(area)` is a point well inside one.
"""

import itertools
from datetime import UTC, date, datetime
from typing import Any

from django.contrib.gis.geos import MultiPolygon, Point, Polygon
from django.db import connection

from geo.areas.models import Area, AreaAncestry, AreaLevel, City
from geo.models import Agency, Category, CategoryAgency, Channel, Report
from geo.reports.services import submit_report

NOW = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
_numbers = itertools.count(1)

LEVELS = {
    "kota": ("Kota", "City", 0),
    "kecamatan": ("Kecamatan", "District", 1),
    "kelurahan": ("Kelurahan", "Subdistrict", 2),
}


def make_level(code: str) -> AreaLevel:
    name_id, name_en, rank = LEVELS[code]
    level, _created = AreaLevel.objects.get_or_create(
        code=code, defaults={"name_id": name_id, "name_en": name_en, "rank": rank}
    )
    return level


def square(west: float, south: float, east: float, north: float) -> MultiPolygon:
    return MultiPolygon(Polygon.from_bbox((west, south, east, north)), srid=4326)


def make_area(
    city: City, code: str, boundary: MultiPolygon, *, level: str, parent: Area | None = None, **more: Any
) -> Area:
    """An area and its lines of ancestry."""
    values = {"name": code.replace(".", " ").title(), "area_km2": 1.0, **more}
    area = Area.objects.create(
        city=city, code=code, boundary=boundary, level=make_level(level), parent=parent, **values
    )
    above: Area | None = area
    while above is not None:
        AreaAncestry.objects.create(area=area, ancestor=above, level=above.level)
        above = above.parent
    return area


def make_city(
    slug: str = "kota-uji",
    *,
    west: float = 106.9,
    south: float = -6.3,
    side: float = 0.1,
    districts: int = 2,
    timezone: str = "Asia/Jakarta",
    metric_srid: int = 32748,
) -> City:
    """A city of `districts` squares in a row, `side` degrees wide, each of two subdistricts."""
    city = City.objects.create(
        slug=slug, name=slug.replace("-", " ").title(), timezone=timezone, metric_srid=metric_srid
    )
    north, half = south + side, side / 2
    root = make_area(city, slug, square(west, south, west + side * districts, north), level="kota")
    for i in range(districts):
        left = west + i * side
        code = f"{slug}.{i + 1}"
        district = make_area(city, code, square(left, south, left + side, north), level="kecamatan", parent=root)
        for j in range(2):
            box = square(left + j * half, south, left + (j + 1) * half, north)
            make_area(city, f"{code}.{j + 1}", box, level="kelurahan", parent=district)
    return city


def centre(area: Area | str) -> Point:
    """A point in the middle of an area (or of the area with this code)."""
    found = Area.objects.get(code=area) if isinstance(area, str) else area
    return found.boundary.point_on_surface


def make_category(slug: str = "sampah", *, parent: Category | None = None, **more: Any) -> Category:
    values = {"name_id": slug.replace("-", " ").capitalize(), "name_en": slug.title(), **more}
    category, _created = Category.objects.get_or_create(slug=slug, defaults={"parent": parent, **values})
    return category


def make_channel(slug: str = "web", **more: Any) -> Channel:
    channel, _created = Channel.objects.get_or_create(slug=slug, defaults={"name": slug.title(), **more})
    return channel


def make_agency(city: City, slug: str = "dlh", *categories: Category, **responsibility: Any) -> Agency:
    """An agency, responsible for these categories since 2000 unless said otherwise."""
    agency, _created = Agency.objects.get_or_create(
        city=city, slug=slug, defaults={"name_id": slug.upper(), "name_en": slug.upper()}
    )
    for category in categories:
        CategoryAgency.objects.create(
            category=category, agency=agency, **{"valid_from": date(2000, 1, 1), "is_lead": True, **responsibility}
        )
    return agency


def make_report(
    *, location: Point | None = None, category: Category | None = None, channel: Channel | None = None, **more: Any
) -> Report:
    """A report through the real service, at (106.93, -6.25) unless said otherwise: inside the default city."""
    now = more.pop("now", NOW)
    after = {name: more.pop(name) for name in ("status", "is_public", "closed_at", "support_count") if name in more}
    if location is None and "area_code" not in more:
        location = Point(106.93, -6.25, srid=4326)
    values = {"kind": "laporan", "description": f"Laporan {next(_numbers)}", **more}
    report, _created = submit_report(
        channel=channel or make_channel(), category=category or make_category(), location=location, now=now, **values
    )
    if after:
        Report.objects.filter(pk=report.pk).update(**after)
        report.refresh_from_db()
    return report


def scatter_reports() -> None:
    """2,001 reports over the default city, and the planner told of them: of fewer, it looks at each.

    The rows that earlier tests rolled back stay in the indexes until a vacuum comes, and make a spatial one look dear.
    """
    first = make_report()
    same = {field.attname: getattr(first, field.attname) for field in Report._meta.concrete_fields} | {"id": None}
    Report.objects.bulk_create(
        Report(
            **same
            | {"public_id": f"t{i}", "public_location": Point(106.9 + i % 50 / 250, -6.3 + i // 50 / 400, srid=4326)}
        )
        for i in range(2000)
    )
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # no index is made anew while checks are outstanding
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("REINDEX TABLE geo_report")
        cursor.execute("ANALYZE geo_report")


def make_thing(
    slug: str = "pos-1", *, location: Point | None = None, since: datetime | None = None, **more: Any
) -> Any:
    """A thing, standing at (106.93, -6.25) unless said otherwise."""
    from sensors.models import Thing, ThingLocation

    thing = Thing.objects.create(slug=slug, **{"name": slug.title(), **more})
    ThingLocation.objects.create(
        thing=thing,
        location=location or Point(106.93, -6.25, srid=4326),
        valid_from=since or datetime(2020, 1, 1, tzinfo=UTC),
    )
    return thing


def make_observed_property(code: str = "pm25", **more: Any) -> Any:
    from sensors.models import ObservedProperty

    values = {"name_id": code, "name_en": code, "domain": "environment", **more}
    found, _created = ObservedProperty.objects.get_or_create(code=code, defaults=values)
    return found


def make_datastream(thing: Any, observed_property: str = "pm25", *, unit_ucum: str = "ug/m3", **more: Any) -> Any:
    from sensors.models import Datastream

    return Datastream.objects.create(
        thing=thing, observed_property=make_observed_property(observed_property), unit_ucum=unit_ucum, **more
    )
