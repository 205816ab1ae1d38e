"""Is this a position on Earth, and in the right order? Pure, but for the boxes of the cities, which one small query reads."""

import math
from collections.abc import Sequence

from django.db import connection
from django.utils.translation import gettext as _

from geo.reports.statements import QUERIES

Box = tuple[float, float, float, float]
# A point this near to a city may well be meant: half a degree, about 55 km.
NEAR_DEGREES = 0.5


def city_boxes() -> list[Box]:
    """West, south, east, north of every city."""
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.root_boxes)
        return [tuple(row) for row in cursor.fetchall()]


def position_fault(lon: float, lat: float, boxes: Sequence[Box]) -> str | None:
    """Why (lon, lat) in degrees cannot be accepted, in a sentence, or None. Outside every city is no fault."""
    if not (math.isfinite(lon) and math.isfinite(lat)):
        return _("Longitude and latitude must be finite numbers.")
    if not _on_earth(lon, lat):
        if _on_earth(lat, lon):
            return _swapped(lon, lat)
        return _("Outside the world: longitudes lie between -180 and 180, latitudes between -90 and 90.")
    if not _is_near(lon, lat, boxes) and _on_earth(lat, lon) and _is_near(lat, lon, boxes):
        return _swapped(lon, lat)
    return None


def _swapped(lon: float, lat: float) -> str:
    return _("Longitude first, then latitude: these look swapped (%(lon)s, %(lat)s).") % {"lon": lon, "lat": lat}


def _on_earth(lon: float, lat: float) -> bool:
    return -180 <= lon <= 180 and -90 <= lat <= 90


def _is_near(lon: float, lat: float, boxes: Sequence[Box]) -> bool:
    return any(
        west - NEAR_DEGREES <= lon <= east + NEAR_DEGREES and south - NEAR_DEGREES <= lat <= north + NEAR_DEGREES
        for west, south, east, north in boxes
    )
