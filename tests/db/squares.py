"""A city of squares: its borders can be reckoned by hand.

Kota 32.99 spans (0, 0) to (4, 4) degrees; kecamatan 32.99.01 is its west half, .02 its east half; kelurahan 32.99.01.1001 the
south-west quarter, .1002 the north-west one. The east half has no kelurahan.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.contrib.gis.geos import MultiPolygon, Point, Polygon
from django.core.management import call_command
from django.db import connection

from geo.areas.ancestry import rebuild_ancestry
from geo.models import Area, AreaLevel, Category, Channel, City, Report

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BOXES = {
    "32.99": ("kota", None, (0, 0, 4, 4)),
    "32.99.01": ("kecamatan", "32.99", (0, 0, 2, 4)),
    "32.99.02": ("kecamatan", "32.99", (2, 0, 4, 4)),
    "32.99.01.1001": ("kelurahan", "32.99.01", (0, 0, 2, 2)),
    "32.99.01.1002": ("kelurahan", "32.99.01", (0, 2, 2, 4)),
}


def make_levels() -> None:
    for rank, code in enumerate(["kota", "kecamatan", "kelurahan"]):
        AreaLevel.objects.get_or_create(code=code, defaults={"name_id": code, "name_en": code, "rank": rank})


def box(west: float, south: float, east: float, north: float) -> MultiPolygon:
    return MultiPolygon(Polygon.from_bbox((west, south, east, north)), srid=4326)


def make_square_city() -> City:
    make_levels()
    city = City.objects.create(slug="kotak", name="Kotak", timezone="Asia/Jakarta", metric_srid=32748)
    for code, (level, parent, extent) in BOXES.items():
        Area.objects.create(
            code=code,
            name=code,
            level=AreaLevel.objects.get(code=level),
            parent=Area.objects.get(code=parent) if parent else None,
            city=city,
            boundary=box(*extent),
            area_km2=1.0,
        )
    rebuild_ancestry()
    return city


def make_report(city: City, point: tuple[float, float] | None = None, **values: Any) -> Report:
    """A report as it stands before placement: outside, in no area."""
    report = _report(city, *_category_and_channel(), point, **values)
    report.save()
    return report


def make_reports(city: City, points: Iterable[tuple[tuple[float, float], Point | None]]) -> None:
    """Many of them, each at its place and its public place; None: the same."""
    named = _category_and_channel()
    Report.objects.bulk_create(
        _report(city, *named, place, **({"public_location": public} if public else {})) for place, public in points
    )


def _category_and_channel() -> tuple[Category, Channel]:
    category, _new = Category.objects.get_or_create(slug="sampah", defaults={"name_id": "Sampah", "name_en": "Rubbish"})
    channel, _new = Channel.objects.get_or_create(slug="web", defaults={"name": "Web"})
    return category, channel


def _report(
    city: City, category: Category, channel: Channel, point: tuple[float, float] | None, **values: Any
) -> Report:
    location = Point(*point, srid=4326) if point else None
    defaults = {
        "location": location,
        "public_location": location,
        "location_flag": "outside" if point else "none",
        "reported_at": NOW,
        "received_at": NOW,
        "updated_at": NOW,
    }
    return Report(city=city, channel=channel, category=category, **{**defaults, **values})


def feature(code: str | None, geometry: dict[str, Any] | None, **properties: Any) -> dict[str, Any]:
    named = {"code": code, "name": f"Area {code}", "parent_code": "32.99.02", **properties}
    return {"type": "Feature", "properties": named, "geometry": geometry}


def polygon(*corners: tuple[float, ...]) -> dict[str, Any]:
    """A ring of the corners, closed."""
    return {"type": "Polygon", "coordinates": [[list(corner) for corner in (*corners, corners[0])]]}


def square(west: float, south: float, size: float = 1.0) -> dict[str, Any]:
    return polygon((west, south), (west + size, south), (west + size, south + size), (west, south + size))


def write_geojson(path: Path, features: list[dict[str, Any]], **members: Any) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features, **members}))
    return path


def import_areas(path: Path, level: str, capsys: Any = None, **options: Any) -> str:
    """Runs the command; returns what it said on standard output."""
    if capsys:
        capsys.readouterr()
    call_command("import_areas", str(path), level=level, **options)
    return str(capsys.readouterr().out) if capsys else ""


def covering_areas() -> dict[tuple[str, int], list[tuple[int, str]]]:
    """Every current area that covers each report (exact and public) and each place of a thing, by a plain cross join that
    asks ST_Covers of every pair: (-rank, code), keyed by what and id."""
    statement = """
        SELECT t.what, t.id, -l.rank, a.code
        FROM (SELECT 'exact' AS what, id, location AS point FROM geo_report WHERE location IS NOT NULL
              UNION ALL SELECT 'public', id, public_location FROM geo_report WHERE public_location IS NOT NULL
              UNION ALL SELECT 'thing', id, location FROM sensors_thinglocation) t
        CROSS JOIN geo_area a JOIN geo_arealevel l ON l.id = a.level_id
        WHERE a.retired_at IS NULL AND _ST_Covers(a.boundary, t.point)
    """
    found: dict[tuple[str, int], list[tuple[int, str]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(statement)
        for what, pk, depth, code in cursor.fetchall():
            found.setdefault((what, pk), []).append((depth, code))
    return found


def stored_areas() -> dict[tuple[str, int], str | None]:
    """The area that is stored for the same."""
    statement = """
        SELECT 'exact', r.id, a.code FROM geo_report r LEFT JOIN geo_area a ON a.id = r.area_id WHERE r.location IS NOT NULL
        UNION ALL
        SELECT 'public', r.id, a.code FROM geo_report r LEFT JOIN geo_area a ON a.id = r.public_area_id
        WHERE r.public_location IS NOT NULL
        UNION ALL
        SELECT 'thing', t.id, a.code FROM sensors_thinglocation t JOIN geo_thingplacement p ON p.location_id = t.id
        LEFT JOIN geo_area a ON a.id = p.area_id
    """
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return {(what, pk): code for what, pk, code in cursor.fetchall()}


def assert_placed_as_by_brute_force() -> None:
    covering = covering_areas()
    stored = stored_areas()
    expected = {key: min(covering[key])[1] if key in covering else None for key in stored}
    assert stored == expected
