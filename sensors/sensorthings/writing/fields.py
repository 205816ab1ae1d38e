"""The properties of the entities: how each is read from JSON, and where it is kept. Pure.

Source: OGC 18-088, clause 8.2; what the standard calls mandatory is asked for.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from django.contrib.gis.gdal import GDALException
from django.contrib.gis.geos import GEOSException, GEOSGeometry, WKBWriter
from django.utils.translation import gettext as _

from sensors.ingest.decoders.times import BadTime, parse_time
from sensors.ingest.units import LONGEST, is_unit
from sensors.sensorthings.entities import GEOJSON, MEASUREMENT
from sensors.sensorthings.writing.body import Body

GEOJSON_NAMES = (GEOJSON, "application/vnd.geo+json")


DEEPEST_JSON = 50


class Unfit(ValueError):
    """A sentence on why a value cannot be taken."""


@dataclass(frozen=True, slots=True)
class Field:
    """A property by its name in JSON. `read` gives the values of the model's fields, or raises Unfit."""

    name: str
    read: Callable[[Any], Mapping[str, Any]]
    is_mandatory: bool = True
    without: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shape:
    """The properties of an entity, those that the service derives itself, and its links to one and to many."""

    fields: tuple[Field, ...]
    derived: tuple[str, ...] = ()
    one: tuple[str, ...] = ()
    many: tuple[str, ...] = ()

    def names(self) -> set[str]:
        return {each.name for each in self.fields} | {*self.derived, *self.one, *self.many}

    def read(self, body: Body, *, is_partial: bool = False) -> dict[str, Any]:
        """The values of the model's fields; of a partial one (PATCH) those alone that it names. Errors: InvalidFields."""
        body.refuse_unknown(self.names())
        values: dict[str, Any] = {}
        for each in self.fields:
            if body.has(each.name) and (body.members[each.name] is not None or each.is_mandatory):
                try:
                    values.update(each.read(body.members[each.name]))
                except Unfit as why:
                    raise body.wrong(each.name, str(why)) from None
            elif body.has(each.name) or not is_partial:
                if each.is_mandatory:
                    raise body.wrong(each.name, _("This property is mandatory."))
                values.update(each.without)
        return values


def _text(attribute: str, most: int = 100_000, *, is_empty_too: bool = False) -> Callable[[Any], dict[str, Any]]:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, str) or not (value.strip() or is_empty_too):
            raise Unfit(_("A text is wanted."))
        if len(value) > most:
            raise Unfit(_("At most %(most)d characters.") % {"most": most})
        _refuse_unstorable(value)
        return {attribute: value}

    return read


def _refuse_unstorable(value: Any, depth: int = 0) -> None:
    """PostgreSQL's text takes no NUL, UTF-8 no half of a surrogate pair, and JSON no infinity; Python's JSON reads them all."""
    if isinstance(value, str) and ("\0" in value or any("\ud800" <= character <= "\udfff" for character in value)):
        raise Unfit(_("A text without NUL and without halves of surrogate pairs is wanted."))
    if isinstance(value, float) and not isfinite(value):
        raise Unfit(_("A number is wanted that is finite."))
    if depth > DEEPEST_JSON:
        raise Unfit(_("JSON that is nested too deeply."))
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for each in value:
            _refuse_unstorable(each, depth + 1)


def json_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unfit(_("A JSON object is wanted."))
    _refuse_unstorable(value)
    return value


def _properties(value: Any) -> dict[str, Any]:
    return {"properties": json_object(value)}


def _encoding(value: Any) -> dict[str, Any]:
    if value not in GEOJSON_NAMES:
        raise Unfit(_("Places are taken as %(known)s.") % {"known": GEOJSON})
    return {}


def _geometry(value: Any) -> GEOSGeometry:
    """Of a GeoJSON geometry, or a Feature, in WGS 84: longitude first."""
    if isinstance(value, dict) and value.get("type") == "Feature":
        value = value.get("geometry")
    if not isinstance(value, dict) or "crs" in value:
        raise Unfit(_("A GeoJSON geometry is wanted (RFC 7946: longitude, latitude)."))
    try:
        # A height is left out: places are kept in two dimensions.
        found = GEOSGeometry(WKBWriter(dim=2).write(GEOSGeometry(json.dumps(value))), srid=4326)
    except (ValueError, TypeError, GEOSException, GDALException):
        raise Unfit(_("A GeoJSON geometry is wanted (RFC 7946: longitude, latitude).")) from None
    if found.empty or not all(map(isfinite, found.extent)):
        raise Unfit(_("A place needs coordinates."))
    west, south, east, north = found.extent
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise Unfit(_("Longitude lies between -180 and 180, latitude between -90 and 90."))
    return found


def _point(value: Any) -> dict[str, Any]:
    found = _geometry(value)
    if found.geom_type != "Point":
        raise Unfit(_("A Thing stands at a Point."))
    return {"location": found}


def _feature(value: Any) -> dict[str, Any]:
    return {"feature": _geometry(value)}


def _observation_type(value: Any) -> dict[str, Any]:
    if value != MEASUREMENT:
        raise Unfit(_("Only measurements are taken: %(known)s.") % {"known": MEASUREMENT})
    return {}


def _unit(value: Any) -> dict[str, Any]:
    """`symbol` is the UCUM code; `definition` is answered as UCUM's own, whatever was sent."""
    unit = json_object(value)
    if unknown := set(unit) - {"name", "symbol", "definition"}:
        raise Unfit(_("A unit has name, symbol and definition, no %(name)s.") % {"name": min(unknown)})
    symbol, name = unit.get("symbol"), unit.get("name") or ""
    if not isinstance(symbol, str) or not isinstance(name, str):
        raise Unfit(_("A unit's symbol is its UCUM code, such as Cel or ug/m3."))
    if len(symbol) > LONGEST or len(name) > 80:
        raise Unfit(_("At most %(most)d characters.") % {"most": LONGEST if len(symbol) > LONGEST else 80})
    if not is_unit(symbol):
        raise Unfit(_("%(symbol)s is no code of UCUM, such as Cel or ug/m3.") % {"symbol": symbol})
    return {"unit_ucum": symbol, "unit_name": name}


def _time(value: Any) -> dict[str, Any]:
    if not isinstance(value, str):
        raise Unfit(_("A time is a text, such as 2026-03-01T05:00:00Z."))
    try:
        return {"time": parse_time(value)}
    except BadTime as why:
        raise Unfit(str(why)) from None


_NAME = Field("name", _text("name", 200))
_DESCRIPTION = Field("description", _text("description", is_empty_too=True))
_PROPERTIES = Field("properties", _properties, is_mandatory=False, without={"properties": {}})

THING = Shape((_NAME, _DESCRIPTION, _PROPERTIES), many=("Locations", "Datastreams", "HistoricalLocations"))
LOCATION = Shape(
    (_NAME, _DESCRIPTION, Field("encodingType", _encoding), Field("location", _point), _PROPERTIES),
    many=("Things", "HistoricalLocations"),
)
HISTORICAL_LOCATION = Shape((Field("time", _time),), one=("Thing",), many=("Locations",))
SENSOR = Shape(
    (
        _NAME,
        _DESCRIPTION,
        Field("encodingType", _text("encoding_type", 100)),
        Field("metadata", _text("metadata", is_empty_too=True)),
        _PROPERTIES,
    ),
    many=("Datastreams",),
)
OBSERVED_PROPERTY = Shape(
    (_NAME, Field("definition", _text("definition", 500, is_empty_too=True)), _DESCRIPTION, _PROPERTIES),
    many=("Datastreams",),
)
DATASTREAM = Shape(
    (
        _NAME,
        _DESCRIPTION,
        Field("observationType", _observation_type),
        Field("unitOfMeasurement", _unit),
        _PROPERTIES,
    ),
    derived=("observedArea", "phenomenonTime", "resultTime"),
    one=("Thing", "Sensor", "ObservedProperty"),
    many=("Observations",),
)
FEATURE_OF_INTEREST = Shape(
    (_NAME, _DESCRIPTION, Field("encodingType", _encoding), Field("feature", _feature), _PROPERTIES),
    many=("Observations",),
)
