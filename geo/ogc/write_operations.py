"""The OpenAPI operations by which a layer's features are written (OGC 20-002), from the layer's editing."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from geo.layers.editing import EDITABLE, ReportEditing
from geo.layers.layer import Layer
from geo.ogc.api import GEOJSON
from geo.ogc.schemas import TYPES
from geo.ogc.transactions import ACCEPTED

SECURITY_SCHEMES = {
    "channelKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "sessionid",
        "description": gettext_lazy("Staff of the city, signed in; a write sends the CSRF token as X-CSRFToken, too."),
    },
}
SECURITY: list[dict[str, list[str]]] = [{"channelKey": []}, {"session": []}]
REFUSALS = {
    "400": gettext_lazy("What was sent cannot be accepted: the field, or the parameter, by name."),
    "401": gettext_lazy("Nobody has said who asks, or by a wrong key."),
    "403": gettext_lazy("Whoever asks may not."),
    "404": gettext_lazy("There is nothing here that this address shows."),
    "405": gettext_lazy("The method is not offered here; Allow says which are."),
    "409": gettext_lazy("A property that cannot be changed is not what was sent."),
    "412": gettext_lazy("The feature was changed since the ETag in If-Match."),
    "413": gettext_lazy("The body is too large."),
    "415": gettext_lazy("The body is of no type that is taken; Accept-Post or Accept-Patch says which are."),
}
CONTENT_CRS = {
    "name": "Content-Crs",
    "in": "header",
    "required": False,
    "description": gettext_lazy(
        "The CRS of the geometry in the body, as <uri>, with its axis order; CRS84 unless it is given."
    ),
    "schema": {"type": "string"},
}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": gettext_lazy(
        "The ETag with which the feature was read: nothing is changed if somebody else has changed it since."
    ),
    "schema": {"type": "string"},
}


def on_items(layer: Layer, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    """Operations of the items beside `get`; none where the layer is read-only."""
    editing = EDITABLE.get(layer.id)
    if editing is None:
        return {}
    create = _operation(layer, "create", _("a new feature"), [CONTENT_CRS, *parameters])
    create["requestBody"] = _body("POST", _feature(layer, editing, editing.only_at_first, is_whole=True))
    create["responses"] = {
        "201": _shown(_("The new feature."), Location=_header(_("Its address."))),
        "200": _shown(_("It was sent before: the first one."), Location=_header(_("Its address."))),
        **_refusals("400", "401", "403", "404", "405", "409", "413", "415"),
    }
    return {"post": create, "options": _options(layer, "items", parameters)}


def on_item(layer: Layer, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    """Operations of one feature beside `get`; none where the layer is read-only."""
    editing = EDITABLE.get(layer.id)
    if editing is None:
        return {}
    refusals = _refusals("400", "401", "403", "404", "405", "409", "412")
    changed = {
        "200": _shown(_("The feature as it is now.")),
        "204": {"description": _("Changed; it lies where this address does not show it.")},
        **refusals,
        **_refusals("413", "415"),
    }
    replace = _operation(layer, "replace", _("the whole feature"), [IF_MATCH, CONTENT_CRS, *parameters])
    replace["requestBody"] = _body("PUT", _feature(layer, editing, (), is_whole=True))
    replace["responses"] = changed
    update = _operation(layer, "update", _("some of a feature"), [IF_MATCH, CONTENT_CRS, *parameters])
    update["requestBody"] = _body("PATCH", _feature(layer, editing, (), is_whole=False))
    update["responses"] = changed
    delete = _operation(layer, "delete", _("withdraw a feature"), [IF_MATCH, *parameters])
    delete["responses"] = {"204": {"description": _("It is public no longer; its history is kept.")}, **refusals}
    return {"put": replace, "patch": update, "delete": delete, "options": _options(layer, "item", parameters)}


def _operation(layer: Layer, verb: str, says: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "operationId": f"{verb}_{layer.id}",
        "summary": f"{layer.title}: {says}",
        "tags": [layer.id],
        "security": SECURITY,
        "parameters": parameters,
    }


def _options(layer: Layer, resource: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    operation = _operation(layer, f"options_{resource}", _("what may be done here"), parameters)
    told = {"description": _("What whoever asks may do."), "headers": {"Allow": _header(_("The methods."))}}
    return {
        **operation,
        "security": [{}, *SECURITY],
        "responses": {"200": told, **_refusals("400", "401", "404", "405")},
    }


def _feature(layer: Layer, editing: ReportEditing, more: tuple[str, ...], *, is_whole: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {
        prop.name: {"title": str(prop.title), **TYPES[prop.type]}
        for prop in layer.properties
        if prop.name in editing.changeable
    }
    properties |= {name: {"type": "string", "writeOnly": True} for name in more}
    position = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "geometry": {
                "type": "object",
                "properties": {"type": {"type": "string", "enum": [layer.geometry_type]}, "coordinates": position},
            },
            "properties": {"type": "object", "properties": properties},
        },
    }
    if is_whole:
        schema["required"] = ["type", "geometry", "properties"]
        schema["properties"]["geometry"]["required"] = ["type", "coordinates"]
        schema["properties"]["properties"]["required"] = list(editing.required)
    return schema


def _body(method: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {kind: {"schema": schema} for kind in ACCEPTED[method]}}


def _shown(description: str, **headers: Any) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": description, "content": {GEOJSON: {"schema": {"type": "object"}}}}
    return {**answer, "headers": {"Content-Crs": _header(_("The CRS of the geometry.")), **headers}}


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


def _refusals(*codes: str) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}}
    return {code: {"description": REFUSALS[code], "content": problem} for code in codes}
