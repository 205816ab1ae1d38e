"""JSON Schemas of a layer, from its declaration (OGC 23-058r1, OGC 19-079r2 section 6)."""

from typing import Any

from geo.layers.editing import EDITABLE
from geo.layers.layer import Layer, Property
from geo.layers.select import SQL_TYPES
from geo.ogc.requests import filterable, sortable

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TYPES: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
    "array": {"type": "array", "items": {"type": "string"}},
}
GEOMETRY_FORMATS = {"Point": "geometry-point", "MultiPolygon": "geometry-multipolygon"}


def schema(layer: Layer, uri: str) -> dict[str, Any]:
    """Every property with its title, unit and role; the geometry among them."""
    properties = {prop.name: described_property(prop) for prop in layer.properties}
    # Areas are known by their code.
    for name in ("id", "code"):
        if name in properties:
            properties[name]["x-ogc-role"] = "id"
            break
    if layer.time_field:
        properties[layer.time_field]["x-ogc-role"] = "primary-instant"
    document = _document(layer, uri, {**properties, "geometry": _geometry(layer)})
    editing = EDITABLE.get(layer.id)
    if editing is None:
        return document
    # What a write can send are the properties without this mark (class returnables-and-receivables).
    for name, entry in document["properties"].items():
        if name not in (*editing.changeable, "geometry"):
            entry["readOnly"] = True
    return {**document, "required": list(editing.required), "additionalProperties": False}


def queryables(layer: Layer, uri: str) -> dict[str, Any]:
    """What a filter may name."""
    properties = {prop.name: described_property(prop) for prop in layer.properties if prop.type in SQL_TYPES}
    document = _document(layer, uri, {**properties, "geometry": _geometry(layer)})
    # Each of these is a query parameter of the items, too (class queryables-query-parameters).
    return {**document, "additionalProperties": False}


def sortables(layer: Layer, uri: str) -> dict[str, Any]:
    """What `sortby` may name."""
    properties = {prop.name: described_property(prop) for prop in sortable(layer)}
    return {**_document(layer, uri, properties), "additionalProperties": False}


def feature_schema(layer: Layer, uri: str) -> dict[str, Any]:
    """A feature as it is sent: GeoJSON. Types stand alone, without null beside them, since GDAL reads them so."""
    # GDAL 3.6 adds the feature's own `id` itself, and would have it twice.
    listed = [prop for prop in layer.properties if prop.name != "id"]
    properties = {prop.name: {"title": str(prop.title), **TYPES[prop.type]} for prop in listed}
    return {
        "$schema": DIALECT,
        "$id": uri,
        "title": str(layer.title),
        "type": "object",
        "required": ["type", "geometry", "properties"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": {"type": "string"},
            "geometry": {"type": "object", "properties": {"type": {"type": "string", "enum": [layer.geometry_type]}}},
            "properties": {"type": "object", "properties": properties},
        },
    }


def filter_parameters(layer: Layer) -> list[dict[str, Any]]:
    """OpenAPI parameters of `property=value`."""
    return [
        {
            "name": prop.name,
            "in": "query",
            "required": False,
            "style": "form",
            "explode": False,
            "description": str(prop.title),
            "schema": dict(TYPES[prop.type]),
        }
        for prop in filterable(layer)
    ]


def _document(layer: Layer, uri: str, properties: dict[str, Any]) -> dict[str, Any]:
    numbered = {name: {**entry, "x-ogc-propertySeq": i} for i, (name, entry) in enumerate(properties.items(), 1)}
    return {
        "$schema": DIALECT,
        "$id": uri,
        "title": str(layer.title),
        "description": str(layer.description),
        "type": "object",
        "properties": numbered,
    }


def described_property(prop: Property) -> dict[str, Any]:
    entry: dict[str, Any] = {"title": str(prop.title), **TYPES[prop.type]}
    if prop.description:
        entry["description"] = str(prop.description)
    if prop.unit and prop.unit != "unit_ucum":
        entry |= {"x-ogc-unit": prop.unit, "x-ogc-unitLang": "UCUM"}
    return entry


def _geometry(layer: Layer) -> dict[str, Any]:
    return {"format": GEOMETRY_FORMATS[layer.geometry_type], "x-ogc-role": "primary-geometry"}
