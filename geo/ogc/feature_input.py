"""Features on their way in: a GeoJSON feature, or a merge patch of one, compared with the feature that is shown. Pure, but for
what PROJ computes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.gis.gdal import GDALException
from django.contrib.gis.geos import Point
from django.utils.translation import gettext as _

from geo.layers.crs import CRS84, FARTHEST, STORAGE_SRID, Crs, parse_crs
from geo.layers.editing import ReportEditing
from geo.layers.layer import Layer
from server.core.errors import Conflict, InvalidFields

# What GeoJSON 2008 and JSON-FG write where RFC 7946 has longitude and latitude alone.
_CRS_MEMBERS = ("crs", "coordRefSys")
_CRS84_NAMES = (CRS84.uri, "urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84", "[OGC:CRS84]")
# Clients of one second's or millisecond's precision give back the time that they were given.
_SAME_TIME = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Sent:
    """A feature as it was sent. `geometry` is GeoJSON in the CRS of the request."""

    properties: Mapping[str, Any]
    geometry: Any
    fid: Any


def parse_sent(body: Any, crs: Crs) -> Sent:
    """A GeoJSON feature; InvalidFields for anything else, or for one that names another CRS than the request."""
    if not isinstance(body, dict) or body.get("type") != "Feature":
        raise InvalidFields({"type": [_('A GeoJSON feature is needed: {"type": "Feature", …}.')]})
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise InvalidFields({"properties": [_("An object is needed.")]})
    for member in _CRS_MEMBERS:
        if body.get(member) is not None and _crs_name(body[member]) not in (crs.uri, *_names_of(crs)):
            raise InvalidFields(
                {member: [_("Another CRS than longitude and latitude is named by the header Content-Crs.")]}
            )
    # JSON-FG's place comes before the geometry (OGC 20-002, /req/features/geojson-create-replace B).
    geometry = body["place"] if body.get("place") is not None else body.get("geometry")
    return Sent(properties, geometry, body.get("id"))


def _names_of(crs: Crs) -> tuple[str, ...]:
    return _CRS84_NAMES if crs.is_storage else ()


def _crs_name(value: Any) -> Any:
    """The name in `{"type": "name", "properties": {"name": …}}`, or the value itself."""
    named = value.get("properties") if isinstance(value, dict) else None
    return named.get("name") if isinstance(named, dict) else value


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396, section 2, but that a null stays to be seen: whether a property can be without a value is decided later."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        merged[name] = merge_patch(merged.get(name), value)
    return merged


def content_crs(header: str | None) -> Crs:
    """The CRS of a request's geometry: CRS84 unless the header Content-Crs names another, as `<uri>` (OGC 18-058r1, 6.2.4)."""
    if header is None:
        return CRS84
    text = header.strip()
    return parse_crs(text[1:-1].strip() if text.startswith("<") and text.endswith(">") else text, "Content-Crs")


def parse_point(geometry: Any, crs: Crs) -> Point:
    """A point in storage order from a GeoJSON point in a CRS; InvalidFields for what is none, or lies where the CRS does not reach."""
    x, y = _pair(geometry)
    if crs.is_y_first:
        x, y = y, x
    if crs.srid == STORAGE_SRID:
        return Point(x, y, srid=STORAGE_SRID)
    try:
        point = Point(x, y, srid=crs.srid)
        is_defined = abs(x) <= FARTHEST and abs(y) <= FARTHEST
        if is_defined:
            point.transform(STORAGE_SRID)
            is_defined = math.isfinite(point.x) and math.isfinite(point.y)
    except GDALException:
        is_defined = False
    if not is_defined:
        raise InvalidFields({"geometry": [_("Lies where %(crs)s is not defined.") % {"crs": crs.uri}]})
    return point


def _pair(geometry: Any) -> tuple[float, float]:
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        raise InvalidFields({"geometry": [_("A GeoJSON point is needed, with its two coordinates.")]})
    position = geometry.get("coordinates")
    if not isinstance(position, list) or len(position) not in (2, 3) or not all(map(_is_number, position)):
        raise InvalidFields({"geometry": [_("The coordinates are two numbers, in the order of the CRS.")]})
    try:
        x, y = float(position[0]), float(position[1])
    except OverflowError:
        x = y = math.inf
    if not (math.isfinite(x) and math.isfinite(y)):
        raise InvalidFields({"geometry": [_("The coordinates are too large.")]})
    return x, y


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def new_properties(layer: Layer, editing: ReportEditing, sent: Sent) -> dict[str, Any]:
    """What a new feature is to have. A property that the service sets itself may be sent as null, as desktop clients do."""
    settable = (*editing.changeable, *editing.only_at_first)
    names = _known(layer, settable, sent.properties)
    faults = {
        name: [_("Is set by the service, not by who sends a feature.")]
        for name in names
        if name not in settable and sent.properties[name] is not None
    }
    if faults:
        raise InvalidFields(faults)
    return {name: sent.properties[name] for name in settable if sent.properties.get(name) is not None}


def changed_properties(
    layer: Layer, editing: ReportEditing, shown: Mapping[str, Any], hidden: Mapping[str, Any], sent: Sent, fid: str
) -> dict[str, Any]:
    """What of a feature is another than it is shown. What comes back as it was shown is no change: the public text is masked,
    and must not take the place of what was written. Conflict for a change of what cannot be changed here."""
    current = {**shown, **hidden}
    fixed = [] if sent.fid is None or sent.fid == fid else ["id"]
    changed: dict[str, Any] = {}
    missing = [name for name in editing.required if name not in sent.properties]
    if missing:
        raise InvalidFields(
            {name: [_("Needed in a whole feature; PATCH changes single properties.")] for name in missing}
        )
    for name in _known(layer, (*editing.changeable, *editing.only_at_first), sent.properties):
        value = sent.properties[name]
        if name in editing.changeable:
            value = editing.empty.get(name) if value is None else value
            if value is None:
                raise InvalidFields({name: [_("Cannot be without a value.")]})
            if not _is_same(layer, name, value, current[name]):
                changed[name] = value
        elif not (_is_same(layer, name, value, current[name]) or (name in hidden and value is None)):
            fixed.append(name)
    if fixed:
        names = ", ".join(dict.fromkeys(fixed))
        raise Conflict(_("These cannot be changed here, and are not what was sent: %(names)s.") % {"names": names})
    return changed


def moved_to(shown: Any, sent: Sent, crs: Crs) -> Point | None:
    """Where a feature is to be; None where it comes back as it is shown. The public place may be coarser than the place itself."""
    x, y = _pair(sent.geometry)
    if isinstance(shown, dict):
        nearly = 0.5 * 10**-crs.digits
        old = shown["coordinates"]
        if abs(old[0] - x) <= nearly and abs(old[1] - y) <= nearly:
            return None
    return parse_point(sent.geometry, crs)


def _known(layer: Layer, settable: tuple[str, ...], properties: Mapping[str, Any]) -> list[str]:
    declared = {*settable, *(prop.name for prop in layer.properties)}
    unknown = [name for name in properties if name not in declared]
    if unknown:
        raise InvalidFields({name: [_("There is no such property.")] for name in unknown})
    return list(properties)


def _is_same(layer: Layer, name: str, sent: Any, shown: Any) -> bool:
    prop = layer.property_named(name)
    if prop is not None and prop.type == "datetime" and isinstance(sent, str) and isinstance(shown, str):
        try:
            return abs(datetime.fromisoformat(sent) - datetime.fromisoformat(shown)) < _SAME_TIME
        except (ValueError, TypeError):  # no time, or one without its offset
            return False
    return bool(sent == shown)
