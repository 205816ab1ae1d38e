"""The coordinate reference systems that a layer can be asked for in.

Storage is EPSG:4326, longitude first (CRS84). A CRS that is named by its EPSG number has its authority's axis order, so
EPSG:4326 itself is latitude first (OGC 18-058r1, section 7).
"""

import re
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.contrib.gis.gdal import CoordTransform, GDALException, OGRGeometry, SpatialReference
from django.contrib.gis.gdal.srs import AxisOrder

from server.core.errors import BadParameter
from server.core.params import BBox, parse_bbox

STORAGE_SRID = 4326
WEB_MERCATOR, WEB_MERCATOR_EDGE = 3857, 20037508.342789244
# No coordinate of the earth is larger in any unit; GDAL's transform of 1e20 in EPSG:3857 does not return.
FARTHEST = 1e9
# Along a straight edge in a projected CRS the curve in degrees is followed in so many steps, and the rest of its sagitta
# is covered by a margin: the exact test comes after.
EDGE_STEPS = 32
MARGIN_DEGREES = 0.001


@dataclass(frozen=True, slots=True)
class Crs:
    """One CRS. `is_y_first`: its authority writes latitude or northing first; `digits` of a coordinate are about a centimetre."""

    uri: str
    srid: int
    is_y_first: bool
    digits: int

    @property
    def is_storage(self) -> bool:
        return self.srid == STORAGE_SRID and not self.is_y_first


CRS84 = Crs("http://www.opengis.net/def/crs/OGC/1.3/CRS84", STORAGE_SRID, is_y_first=False, digits=7)


@cache
def known_crs() -> tuple[Crs, ...]:
    """CRS84 first, then EPSG:4326, 3857 and what PANTAU_CRS names."""
    codes = dict.fromkeys([4326, 3857, *settings.LAYER_CRS])
    return (CRS84, *map(_from_epsg, codes))


def _from_epsg(code: int) -> Crs:
    system = SpatialReference(code)
    axis = re.search(r'AXIS\["[^"]*",(\w+)\]', system.wkt)
    return Crs(
        uri=f"http://www.opengis.net/def/crs/EPSG/0/{code}",
        srid=code,
        is_y_first=bool(axis and axis[1] in ("NORTH", "SOUTH")),
        digits=7 if system.geographic else 2,
    )


def parse_crs(text: str, name: str) -> Crs:
    """A CRS by its URI, or by `EPSG:n` or `[EPSG:n]`; BadParameter for one that is not offered."""
    short = re.fullmatch(r"\[?EPSG:(\d+)\]?", text, re.IGNORECASE)
    uri = f"http://www.opengis.net/def/crs/EPSG/0/{short[1]}" if short else text
    found = next((crs for crs in known_crs() if crs.uri == uri), None)
    if found is None:
        raise BadParameter(name, f"{name} must be one of {', '.join(crs.uri for crs in known_crs())}; not {text!r}")
    return found


def parse_box(text: str, crs: Crs, name: str = "bbox") -> BBox:
    """A rectangle in a CRS, in the order of its axes; in degrees it may cross the antimeridian."""
    if crs.is_storage:
        return parse_bbox(text, name)
    numbers = text.split(",")
    if len(numbers) not in (4, 6):
        raise BadParameter(name, f"{name} must be two corners: four numbers, not {len(numbers)}")
    if len(numbers) == 6:  # heights
        numbers = [numbers[i] for i in (0, 1, 3, 4)]
    if crs.is_y_first:
        numbers = [numbers[i] for i in (1, 0, 3, 2)]
    if crs.srid == STORAGE_SRID:
        return parse_bbox(",".join(numbers), name)
    try:
        west, south, east, north = map(float, numbers)
    except ValueError:
        raise BadParameter(name, f"{name} holds something that is not a number") from None
    if not all(abs(edge) <= FARTHEST for edge in (west, south, east, north)):  # NaN fails as well
        raise BadParameter(name, f"{name} lies where EPSG:{crs.srid} is not defined")
    if crs.srid == WEB_MERCATOR:
        # A web map that is zoomed out asks for more than there is of the world.
        west, south, east, north = (
            min(max(edge, -WEB_MERCATOR_EDGE), WEB_MERCATOR_EDGE) for edge in (west, south, east, north)
        )
    if west > east or south > north:
        raise BadParameter(name, f"{name}: the first corner must be the lower one in both axes of {crs.uri}")
    box = BBox(west, south, east, north, crs.srid)
    degrees_around(box, name)
    return box


def degrees_around(box: BBox, name: str = "bbox") -> tuple[float, float, float, float]:
    """A rectangle in degrees that surely holds a rectangle of a projected CRS: west, south, east, north."""
    xs = [box.west + (box.east - box.west) * i / EDGE_STEPS for i in range(EDGE_STEPS + 1)]
    ys = [box.south + (box.north - box.south) * i / EDGE_STEPS for i in range(EDGE_STEPS + 1)]
    edge = [(x, y) for x in xs for y in (box.south, box.north)] + [(x, y) for y in ys for x in (box.west, box.east)]
    try:
        wkt = "MULTIPOINT(" + ",".join(f"{x!r} {y!r}" for x, y in edge) + ")"
        points = OGRGeometry(wkt, SpatialReference(box.srid, axis_order=AxisOrder.TRADITIONAL))
        points.transform(_transform(box.srid, STORAGE_SRID))
        west, south, east, north = points.extent
        points.transform(_transform(STORAGE_SRID, box.srid))
        # Beyond its edge a projection goes round the world: what does not come back where it was, was outside.
        edges = (box.west, box.south, box.east, box.north)
        is_defined = all(abs(a - b) < 1.0 for a, b in zip(points.extent, edges, strict=True))
    except GDALException:
        is_defined = False
    if not is_defined or not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise BadParameter(name, f"{name} lies where EPSG:{box.srid} is not defined")
    return (
        max(west - MARGIN_DEGREES, -180.0),
        max(south - MARGIN_DEGREES, -90.0),
        min(east + MARGIN_DEGREES, 180.0),
        min(north + MARGIN_DEGREES, 90.0),
    )


@cache
def _transform(source: int, target: int) -> CoordTransform:
    x_first = AxisOrder.TRADITIONAL
    return CoordTransform(SpatialReference(source, axis_order=x_first), SpatialReference(target, axis_order=x_first))
