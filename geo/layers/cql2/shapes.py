"""Geometries in a filter: checked, transformed to EPSG:4326, and handed to PostGIS as EWKB."""

import math
from collections.abc import Callable
from typing import Any

from django.contrib.gis.gdal import CoordTransform, GDALException, SpatialReference
from django.contrib.gis.gdal.srs import AxisOrder
from django.contrib.gis.geos import (
    GeometryCollection,
    GEOSException,
    GEOSGeometry,
    LineString,
    MultiLineString,
    MultiPoint,
    MultiPolygon,
    Point,
    Polygon,
)

from geo.layers.cql2.operands import Scope, Shape
from geo.layers.cql2.reading import refuse
from geo.layers.crs import FARTHEST

STORAGE_SRID = 4326
Pair = tuple[float, float]
# Microseconds for each row: with what PostGIS prepares for all rows at once, and otherwise. Measured are 10 and 50 on areas
# of 500 corners, 2 and 8 on points; of areas there are fewer.
PREPARED_EFFORT, EFFORT = 5.0, 20.0
PREPARED = ("s_contains", "s_disjoint", "s_intersects", "s_within")
# Decimals of a coordinate, far below an atom's size: what lies closer to an axis underflows in GEOS, and its answer is an error.
DECIMALS = 15
# The functions of 21-065r2, section 8.3, and PostGIS's names of them. Each of these uses the index but Disjoint.
SPATIAL = {
    "s_contains": "ST_Contains",
    "s_crosses": "ST_Crosses",
    "s_disjoint": "ST_Disjoint",
    "s_equals": "ST_Equals",
    "s_intersects": "ST_Intersects",
    "s_overlaps": "ST_Overlaps",
    "s_touches": "ST_Touches",
    "s_within": "ST_Within",
}


def shape_literal(node: dict[str, Any], scope: Scope) -> Shape:
    """A GeoJSON geometry or {"bbox": […]}. Invalid ones are refused rather than mended: nobody asked for the mended one."""
    try:
        drawn = _box(node["bbox"], scope) if "bbox" in node else _drawn(node, scope)
        if drawn.empty:
            raise refuse("a geometry in the filter is empty")
        if scope.srid != STORAGE_SRID:
            if not all(abs(edge) <= FARTHEST for edge in drawn.extent):  # NaN fails as well
                raise refuse(f"a geometry in the filter lies where EPSG:{scope.srid} is not defined")
            drawn.srid = scope.srid
            drawn.transform(_to_storage(scope.srid))
        _check_extent(drawn, scope)
        parts = _parts(drawn)
    except GDALException:
        raise refuse(f"a geometry in the filter lies where EPSG:{scope.srid} is not defined") from None
    except (GEOSException, ValueError, TypeError, OverflowError) as error:
        raise refuse(f"a geometry in the filter cannot be built: {str(error).rstrip('.')[:200]}") from None
    for part in parts:
        part.srid = STORAGE_SRID
    said = "BBOX" if "bbox" in node else str(node.get("type", "")).upper()
    placed = tuple(f"{scope.bind(part.hexewkb.decode())}::geometry" for part in parts)
    return Shape(said=said, is_literal=True, parts=placed)


def related(op: str, left: Shape, right: Shape, scope: Scope) -> str:
    """A spatial predicate. PostGIS relates no mixed collections: two of the predicates are told from their parts."""
    function = SPATIAL[op]
    if not (left.is_literal or right.is_literal):
        # A layer has one geometry, so this is of itself; PostGIS would compute 0.75 ms on 500 corners to find that out.
        column = left.parts[0]
        is_so = op in ("s_contains", "s_equals", "s_intersects", "s_within")
        return f"{column} IS NOT NULL OR NULL" if is_so else f"{column} IS NULL AND NULL"
    if not (left.is_literal and right.is_literal):
        scope.spend((PREPARED_EFFORT if op in PREPARED else EFFORT) * len(left.parts) * len(right.parts))
    if len(left.parts) * len(right.parts) == 1:
        return f"{function}({left.parts[0]}, {right.parts[0]})"
    if op not in ("s_intersects", "s_disjoint"):
        raise refuse(
            f"{op.upper()} takes no GEOMETRYCOLLECTION of points, lines and polygons mixed; S_INTERSECTS and S_DISJOINT do"
        )
    pairs = [f"{function}({a}, {b})" for a in left.parts for b in right.parts]
    return (" OR " if op == "s_intersects" else " AND ").join(pairs)


def _position(values: Any, scope: Scope) -> Pair:
    """x and y; a height is left out."""
    if not isinstance(values, list) or not 2 <= len(values) <= 4:
        raise refuse("a position in the filter must be two or three numbers")
    x, y = (_coordinate(value) for value in values[:2])
    return (y, x) if scope.flip else (x, y)


def _coordinate(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refuse("a coordinate in the filter is not a number")
    number = float(value)
    if not math.isfinite(number):
        raise refuse("a coordinate in the filter is not finite")
    return round(number, DECIMALS)


def _positions(values: Any, scope: Scope) -> list[Pair]:
    return [_position(value, scope) for value in _listed(values)]


def _polygon(values: Any, scope: Scope) -> Polygon:
    rings = [_positions(ring, scope) for ring in _listed(values)]
    if any(ring[:1] != ring[-1:] for ring in rings):
        raise refuse("a ring of a polygon in the filter must end where it begins")
    return Polygon(*rings)


def _listed(values: Any) -> list[Any]:
    if not isinstance(values, list):
        raise refuse("the coordinates of a geometry in the filter must be lists")
    return values


_BUILDERS: dict[str, Callable[[Any, Scope], GEOSGeometry]] = {
    "Point": lambda values, scope: Point(*_position(values, scope)),
    "LineString": lambda values, scope: LineString(_positions(values, scope)),
    "Polygon": _polygon,
    "MultiPoint": lambda values, scope: MultiPoint([Point(*pair) for pair in _positions(values, scope)]),
    "MultiLineString": lambda values, scope: MultiLineString(
        [LineString(_positions(v, scope)) for v in _listed(values)]
    ),
    "MultiPolygon": lambda values, scope: MultiPolygon([_polygon(v, scope) for v in _listed(values)]),
}


def _drawn(node: dict[str, Any], scope: Scope) -> GEOSGeometry:
    if node["type"] == "GeometryCollection":
        members = node.get("geometries")
        if not isinstance(members, list) or not all(isinstance(member, dict) for member in members):
            raise refuse("a GeometryCollection in the filter must have a list of geometries")
        if not all(str(member.get("type")) in _BUILDERS for member in members):
            raise refuse("the members of a GeometryCollection in the filter must be plain geometries")
        return GeometryCollection([_drawn(member, scope) for member in members])
    build = _BUILDERS.get(node["type"]) if isinstance(node["type"], str) else None
    if build is None:
        raise refuse(
            f"the filter holds no geometry that is known: possible are {', '.join([*_BUILDERS, 'GeometryCollection'])}"
        )
    return build(node.get("coordinates"), scope)


def _box(values: Any, scope: Scope) -> GEOSGeometry:
    """The rectangle of two corners; without width or height it is a line or a point. In degrees it may cross the antimeridian."""
    if not isinstance(values, list) or len(values) not in (4, 6):
        raise refuse("BBOX takes two corners: four numbers, or six with heights")
    half = len(values) // 2
    (west, south), (east, north) = (_position(corner, scope) for corner in (values[:half], values[half:]))
    if south > north or (west > east and scope.srid != STORAGE_SRID):
        raise refuse("BBOX takes the lower corner first, in both axes")
    if west > east:
        return MultiPolygon(
            [Polygon.from_bbox((west, south, 180, north)), Polygon.from_bbox((-180, south, east, north))]
        )
    if west < east and south < north:
        return Polygon.from_bbox((west, south, east, north))
    return Point(west, south) if (west, south) == (east, north) else LineString((west, south), (east, north))


def _to_storage(srid: int) -> CoordTransform:
    x_first = AxisOrder.TRADITIONAL
    return CoordTransform(
        SpatialReference(srid, axis_order=x_first), SpatialReference(STORAGE_SRID, axis_order=x_first)
    )


def _check_extent(drawn: GEOSGeometry, scope: Scope) -> None:
    west, south, east, north = drawn.extent
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        order = "latitude first" if scope.flip and scope.srid == STORAGE_SRID else "first axis first"
        raise refuse(
            f"a geometry in the filter lies outside the earth; filter-crs says in which order its axes are ({order})"
        )


def _parts(drawn: GEOSGeometry) -> list[GEOSGeometry]:
    """The geometry itself, or the members of a collection by dimension: polygons united, lines and points together."""
    # The classes of MULTI… derive from GeometryCollection.
    members: list[GEOSGeometry] = [drawn]
    if isinstance(drawn, GeometryCollection) and drawn.geom_type == "GeometryCollection":
        members = list(drawn)
    for member in members:
        # valid_reason, not valid: that one writes to the log.
        if member.valid_reason != "Valid Geometry":
            raise refuse(f"a geometry in the filter is not valid: {member.valid_reason}")
    if len(members) == 1:
        return members
    by_dimension = [[member for member in members if member.dims == dims] for dims in (0, 1, 2)]
    return [GeometryCollection(alike).unary_union for alike in by_dimension if alike]
