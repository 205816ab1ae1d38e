"""The layers' entries in the OpenAPI document, from the catalogue."""

from collections.abc import Mapping
from typing import Any

from geo.layers.catalogue import LAYERS
from geo.layers.layer import Layer, Parameter
from geo.ogc.requests import DEFAULT_LIMIT, MAX_LIMIT

PROBLEM = {"description": "A problem, as application/problem+json, that names the parameter."}
COMMON: list[dict[str, Any]] = [
    {"name": "city", "schema": {"type": "string"}, "description": "City by slug; with one city it is the default."},
    {"name": "bbox", "schema": {"type": "string"}, "description": "west,south,east,north in degrees."},
    {
        "name": "datetime",
        "schema": {"type": "string"},
        "description": "A time, a date (a day of the city), or start/end, open with '..'.",
    },
    {
        "name": "limit",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        "description": "Features on a page; what is larger than the maximum is clamped.",
    },
    {"name": "next", "schema": {"type": "string"}, "description": "Page token, from a 'next' link."},
]


def add_layers(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular's postprocessing hook."""
    paths = result.setdefault("paths", {})
    for layer in LAYERS:
        paths[f"/layers/{layer.id}.geojson"] = {"get": _operation(layer)}
    return result


def _operation(layer: Layer) -> dict[str, Any]:
    responses: dict[str, Any] = {
        "200": {
            "description": "An RFC 7946 FeatureCollection.",
            "content": {"application/geo+json": {"schema": {"type": "object"}}},
        },
        "304": {"description": "Not changed since the ETag in If-None-Match."},
        "400": PROBLEM,
    }
    if layer.is_stored:
        responses["503"] = {"description": "Being computed for the first time; Retry-After says when to ask again."}
    return {
        "operationId": f"layer_{layer.id}",
        "tags": ["layers"],
        "summary": str(layer.title),
        "description": str(layer.description),
        "parameters": [{"in": "query", **entry} for entry in COMMON]
        + [_parameter(entry) for entry in layer.parameters],
        "responses": responses,
    }


def _parameter(parameter: Parameter) -> Mapping[str, Any]:
    schema = dict(parameter.schema)
    if parameter.default is not None:
        schema["default"] = float(parameter.default) if schema.get("type") == "number" else parameter.default
    return {
        "in": "query",
        "name": parameter.name,
        "description": str(parameter.description),
        "required": parameter.required,
        "schema": schema,
    }
