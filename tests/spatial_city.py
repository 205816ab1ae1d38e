"""Cities for spatial statistics: their grids and their figures can be reckoned by hand.

The lattice city is a rectangle around the middle of hexagon (450, 5376) of edge 1000 m in EPSG:32748: x = 1.5 * 1000 * 450 = 675 000,
y = sqrt(3) * 1000 * 5376 = 9 311 505.141.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.contrib.gis.geos import MultiPolygon, Point, Polygon
from django.test import Client

from geo.areas.models import Area, City
from geo.models import Report, ReportContact
from tests.factories import make_area, make_category, make_channel

MIDDLE = (675_000.0, 9_311_505.141)
WHEN = datetime(2026, 2, 10, 5, tzinfo=UTC)
PERIOD = (datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))


def lattice_city(half_width_m: float = 1010.0, half_height_m: float = 950.0) -> City:
    city = City.objects.create(slug="kisi", name="Kisi", timezone="Asia/Jakarta", metric_srid=32748)
    x, y = MIDDLE
    box = Polygon.from_bbox((x - half_width_m, y - half_height_m, x + half_width_m, y + half_height_m))
    boundary = MultiPolygon(box, srid=32748)
    boundary.transform(4326)
    make_area(city, "kisi", boundary, level="kota", area_km2=4 * half_width_m * half_height_m / 1e6)
    return city


def at_m(dx: float, dy: float) -> Point:
    """A point so many metres east and north of the middle."""
    point = Point(MIDDLE[0] + dx, MIDDLE[1] + dy, srid=32748)
    point.transform(4326)
    return point


def tell(
    city: City,
    area: Area | str | None,
    times: Iterable[datetime] | int = 1,
    *,
    points: Iterable[Point | None] = (None,),
    category: str = "sampah",
    channel: str = "web",
    contact: dict[str, str] | None = None,
    **more: Any,
) -> list[Report]:
    """Public reports, so many at each point, written directly: what is tested only reads. All are of one reporter where a contact
    is given."""
    if isinstance(area, str):
        area = Area.objects.get(code=area)
    moments = [WHEN] * times if isinstance(times, int) else list(times)
    values = {
        "city": city,
        "channel": make_channel(channel),
        "category": make_category(category),
        "public_area": area,
        "area": area,
        "location_flag": "inside",
        "received_at": WHEN,
        "updated_at": WHEN,
        **more,
    }
    told = Report.objects.bulk_create(
        Report(reported_at=moment, location=point, public_location=point, **values)
        for point in points
        for moment in moments
    )
    if contact:
        ReportContact.objects.bulk_create(ReportContact(report=report, **contact) for report in told)
    return told


def ask(client: Client, layer: str, **params: Any) -> dict[str, Any]:
    """The collection of a layer, in English."""
    response: Any = client.get(f"/layers/{layer}.geojson", {"lang": "en", **params})
    content = b"".join(response.streaming_content) if response.streaming else response.content
    assert response.status_code == 200, content
    return dict(json.loads(content))


def by_code(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The properties of each feature by its id, the city's own part left out."""
    return {feature["id"].partition(".")[2]: feature["properties"] for feature in answer["features"]}
