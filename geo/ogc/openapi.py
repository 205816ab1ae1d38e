"""The OpenAPI 3.0 definition of the OGC API, generated from the catalogue; and the layers' entries in that of `/api/`."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from geo.layers.catalogue import LAYERS
from geo.layers.layer import Layer, Parameter, Text
from geo.layers.tiles import MAX_ZOOM
from geo.ogc.api import GEOJSON, HTML, JSON, OPENAPI, SCHEMA, Api, api_of, read_only, resource, wanted_form
from geo.ogc.formats import DOWNLOADS
from geo.ogc.items import DEFAULT_LIMIT
from geo.ogc.requests import FILTER_LANGUAGES, MAX_LIMIT, MAX_OFFSET
from geo.ogc.schemas import filter_parameters
from geo.ogc.tiles import MATRIX_SET, MVT, TILE_MATRICES
from geo.ogc.write_operations import SECURITY_SCHEMES, on_item, on_items
from server.core.params import refuse_unknown

PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "parameter": {"type": "string"},
    },
}
PROBLEMS = {
    "400": gettext_lazy("A parameter that cannot be understood, by name."),
    "404": gettext_lazy("There is nothing here."),
    "405": gettext_lazy("The method is not offered here."),
    "503": gettext_lazy("A result is being computed for the first time; Retry-After says when to ask again."),
}


def query_parameter(name: str, schema: Mapping[str, Any], description: Any, **more: Any) -> dict[str, Any]:
    entry = {"name": name, "in": "query", "required": False, "style": "form", "explode": False}
    return {**entry, "description": description, "schema": dict(schema), **more}


_CRS = {"type": "string", "format": "uri"}
_NUMBERS = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6}
PARAMETERS = {
    # QGIS takes the size of its pages from just this entry.
    "limit": query_parameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        gettext_lazy("Features on a page; what is larger than the maximum is clamped."),
    ),
    "offset": query_parameter(
        "offset",
        {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0},
        gettext_lazy("Features to pass over. The `next` links page faster, and steadily while rows arrive."),
    ),
    "next": query_parameter("next", {"type": "string"}, gettext_lazy("Page token, from a `next` link.")),
    "bbox": query_parameter(
        "bbox", _NUMBERS, gettext_lazy("Two corners in bbox-crs; CRS84 unless it is given: west,south,east,north.")
    ),
    "bbox-crs": query_parameter("bbox-crs", _CRS, gettext_lazy("The CRS of bbox, with its axis order.")),
    "crs": query_parameter("crs", _CRS, gettext_lazy("The CRS of the answer, with its axis order.")),
    "datetime": query_parameter(
        "datetime",
        {"type": "string"},
        gettext_lazy("A time, a date (a day of the city), or start/end, open with '..'."),
    ),
    "filter": query_parameter("filter", {"type": "string"}, gettext_lazy("A CQL2 expression over the queryables.")),
    "filter-lang": query_parameter(
        "filter-lang",
        {"type": "string", "enum": list(FILTER_LANGUAGES), "default": FILTER_LANGUAGES[0]},
        gettext_lazy("cql-text is CQL2 text with ILIKE, for GDAL."),
    ),
    "filter-crs": query_parameter(
        "filter-crs", _CRS, gettext_lazy("The CRS of the filter's geometries; CRS84 unless it is given.")
    ),
    "sortby": query_parameter(
        "sortby", {"type": "string"}, gettext_lazy("Properties to sort by, comma separated; -name descends.")
    ),
    "properties": query_parameter(
        "properties",
        {"type": "array", "items": {"type": "string"}},
        gettext_lazy("The properties to answer with; all unless given."),
    ),
    "skipGeometry": query_parameter(
        "skipGeometry", {"type": "boolean", "default": False}, gettext_lazy("true leaves geometries out, for tables.")
    ),
    "city": query_parameter("city", {"type": "string"}, gettext_lazy("City by slug; with one city it is the default.")),
    "lang": query_parameter(
        "lang", {"type": "string", "enum": ["id", "en"]}, gettext_lazy("The language of titles and descriptions.")
    ),
}
EMPTY_TILE = "A tile that holds nothing."
# Of tables and files only.
DOWNLOAD_PARAMETERS = [
    query_parameter(
        "geometry",
        {"type": "array", "items": {"type": "string", "enum": ["lonlat", "wkt", "none"]}},
        gettext_lazy("How geometry stands in csv and xlsx."),
    ),
    query_parameter(
        "formulas",
        {"type": "string", "enum": ["escaped", "kept"]},
        gettext_lazy("Whether csv puts an apostrophe before what a spreadsheet would take for a formula."),
    ),
]
ITEMS = [name for name in PARAMETERS if name not in ("city", "lang")]
ITEM = ["crs", "properties", "skipGeometry"]
TILE = ["bbox", "bbox-crs", "datetime", "filter", "filter-lang", "filter-crs", "properties"]


@read_only
def definition(request: HttpRequest, fixed: str | None = None) -> HttpResponse:
    """The API's own definition."""
    refuse_unknown(request.GET, ["f", "lang"])
    api = api_of(request, fixed)
    asked = request.GET.get("lang")
    language = asked if asked in dict(settings.LANGUAGES) else translation.get_language()
    if language != asked and wanted_form(request, {"json": OPENAPI, "html": HTML}, "json") == "json":
        # Programs read it, and code is made of it: that must not differ with the language of whoever fetched it.
        language = "en"
    with translation.override(language):
        crumbs = [("Pantau", "/")]
        response = resource(request, api, document(api), kind=OPENAPI, template="ogc/api.html", crumbs=crumbs)
    response["Content-Language"] = language
    return response


def document(api: Api) -> dict[str, Any]:
    """OpenAPI 3.0.3 of the API at this address."""
    paths: dict[str, Any] = {
        "/": _document_path(_("Landing page"), "landing", ["system"]),
        "/conformance": _document_path(_("Conformance classes"), "conformance", ["system"]),
        "/api": _document_path(_("This definition"), "definition", ["system"], kind=OPENAPI),
        "/collections": _document_path(_("Every layer"), "collections", ["layers"]),
        "/tileMatrixSets": _document_path("Tile grids", "getTileMatrixSetsList", ["tiles"]),
        f"/tileMatrixSets/{MATRIX_SET}": _document_path("The tile grid", "getTileMatrixSet", ["tiles"]),
    }
    for layer in api.layers():
        paths |= _layer_paths(api, layer)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "Pantau",
            "description": _("A city's map of what its citizens report and what its sensors measure."),
            "version": "0.1.0",
        },
        "servers": [{"url": api.url("")}],
        "paths": paths,
        "components": {
            "parameters": PARAMETERS,
            "schemas": {"problem": PROBLEM_SCHEMA},
            "responses": {code: _problem(says) for code, says in PROBLEMS.items()},
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _layer_paths(api: Api, layer: Layer) -> dict[str, Any]:
    base, tags = f"/collections/{layer.id}", [layer.id]
    own = [_own_parameter(p) for p in layer.parameters if p.name not in api.fixed]
    references = [_reference(name) for name in ("city", "lang") if name not in api.fixed]
    every_form = {name: f.media_type for name, f in DOWNLOADS.items()}
    items = _operation(f"items_{layer.id}", _("%(layer)s: features") % {"layer": layer.title}, tags)
    items["description"] = str(layer.description)
    items["parameters"] = [
        *map(_reference, ITEMS),
        *references,
        _form(["geojson", "json", "html", *every_form]),
        *DOWNLOAD_PARAMETERS,
        *own,
        *filter_parameters(layer),
    ]
    answers = _responses({GEOJSON: {"type": "object"}, HTML: {"type": "string"}}, others=every_form.values())
    items["responses"] = answers | _partial()
    item = _operation(f"item_{layer.id}", _("%(layer)s: one feature") % {"layer": layer.title}, tags)
    feature_id = {"name": "featureId", "in": "path", "required": True, "schema": {"type": "string"}}
    item["parameters"] = [
        feature_id,
        *map(_reference, ITEM),
        *references,
        _form(["geojson", "json", "html"]),
        *own,
    ]
    item["responses"] = _responses({GEOJSON: {"type": "object"}, HTML: {"type": "string"}})
    return {
        base: _document_path(str(layer.title), f"collection_{layer.id}", tags),
        f"{base}/queryables": _document_path(_("What can be filtered by"), f"queryables_{layer.id}", tags, kind=SCHEMA),
        f"{base}/sortables": _document_path(_("What can be sorted by"), f"sortables_{layer.id}", tags, kind=SCHEMA),
        f"{base}/schema": _document_path(_("The properties"), f"schema_{layer.id}", tags, kind=SCHEMA),
        f"{base}/feature-schema": _document_path(
            _("The features' JSON"), f"feature_schema_{layer.id}", tags, kind=SCHEMA
        ),
        f"{base}/items": {"get": items, **on_items(layer, references)},
        f"{base}/items/{{featureId}}": {"get": item, **on_item(layer, [feature_id, *references])},
        **_tile_paths(layer, base, [*references, *own]),
    }


def _tile_paths(layer: Layer, base: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    # The ends of the operationIds are those of OGC 20-057, clause 14 (/req/oas30/operation-id): origin collection, data vector.
    name, tags, sets = f"{layer.id}.collection.vector", [layer.id], f"{base}/tiles"
    tile = _operation(f"{name}.getTile", f"{layer.title}: a vector tile", tags)
    tile["parameters"] = [
        *_ogc_address(),
        *map(_reference, TILE),
        *parameters,
        _form(["mvt"]),
        *filter_parameters(layer),
    ]
    tile["responses"] = {**_responses({}, others=[MVT]), "204": {"description": EMPTY_TILE}}
    return {
        sets: _document_path("The tile sets", f"{name}.getTileSetsList", tags),
        f"{sets}/{MATRIX_SET}": _document_path("The tile set", f"{name}.getTileSet", tags),
        f"{sets}/{MATRIX_SET}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}": {"get": tile},
    }


def _ogc_address() -> list[dict[str, Any]]:
    """As /req/core/tc-tilematrix-definition and its two neighbours have it: the matrix by its identifier, a string."""
    matrix = {"type": "string", "enum": TILE_MATRICES}
    below = {"type": "integer", "minimum": 0, "maximum": 2**MAX_ZOOM - 1}
    return [
        _in_path("tileMatrix", matrix, f"A tile matrix of {MATRIX_SET} by its identifier."),
        _in_path("tileRow", below, "Row in the tile matrix, from the north; below its height."),
        _in_path("tileCol", below, "Column in the tile matrix, from the west; below its width."),
    ]


def _address(zoom: str, *others: str) -> list[dict[str, Any]]:
    """Path parameters of a tile; row and column are below 2 to the power of the zoom."""
    most = {zoom: MAX_ZOOM} | dict.fromkeys(others, 2**MAX_ZOOM - 1)
    return [_in_path(name, {"type": "integer", "minimum": 0, "maximum": maximum}) for name, maximum in most.items()]


def _in_path(name: str, schema: Mapping[str, Any], description: str = "") -> dict[str, Any]:
    entry = {"name": name, "in": "path", "required": True, "schema": dict(schema)}
    return {**entry, "description": description} if description else entry


def _document_path(summary: str, operation: str, tags: list[str], *, kind: str = JSON) -> dict[str, Any]:
    entry = _operation(operation, summary, tags)
    entry["parameters"] = [_reference("lang"), _form(["json", "html"])]
    entry["responses"] = _responses({kind: {"type": "object"}, HTML: {"type": "string"}})
    return {"get": entry}


def _operation(operation: str, summary: str, tags: list[str]) -> dict[str, Any]:
    return {"operationId": operation, "summary": summary, "tags": tags}


def _responses(content: Mapping[str, Any], *, others: Any = ()) -> dict[str, Any]:
    binary = {"type": "string", "format": "binary"}
    forms = {
        **{kind: {"schema": schema} for kind, schema in content.items()},
        **{k: {"schema": binary} for k in others},
    }
    answers: dict[str, Any] = {
        "200": {"description": _("The answer."), "content": forms},
        "304": {"description": _("Not changed since the ETag in If-None-Match.")},
    }
    return answers | {code: {"$ref": f"#/components/responses/{code}"} for code in PROBLEMS}


def _partial() -> dict[str, Any]:
    return {
        "206": {"description": _("The range of a file that was asked for.")},
        "416": _problem(_("There is no such range.")),
    }


def _problem(description: Text) -> dict[str, Any]:
    return {"description": description, "content": _problem_forms({"$ref": "#/components/schemas/problem"})}


def _problem_forms(schema: Mapping[str, Any], *, has_page: bool = True) -> dict[str, Any]:
    """Whoever reads in a browser gets a page of it (server.web.middleware)."""
    forms = {"application/problem+json": {"schema": schema}}
    return {**forms, HTML: {"schema": {"type": "string"}}} if has_page else forms


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/parameters/{name}"}


def _form(names: list[str]) -> dict[str, Any]:
    return query_parameter(
        "f", {"type": "string", "enum": names}, _("The form of the answer, before the Accept header.")
    )


def _own_parameter(parameter: Parameter) -> dict[str, Any]:
    schema = dict(parameter.schema)
    if parameter.default is not None:
        schema["default"] = float(parameter.default) if schema.get("type") == "number" else parameter.default
    return query_parameter(parameter.name, schema, str(parameter.description), required=parameter.required)


def add_layers(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular's postprocessing hook: `/layers/{id}.geojson` and the tiles beside the API's own paths.

    Of the built-in layers: it is made without a database. The OGC API's own definition has the saved analyses as well.
    """
    paths = result.setdefault("paths", {})
    _name_problems(paths)
    problem = {"description": _("A problem, as application/problem+json, that names the parameter.")}
    for layer in LAYERS:
        parameters = [PARAMETERS[name] for name in PARAMETERS if name != "crs"]
        responses: dict[str, Any] = {
            "200": {
                "description": _("An RFC 7946 FeatureCollection."),
                "content": {GEOJSON: {"schema": {"type": "object"}}},
            },
            "304": {"description": _("Not changed since the ETag in If-None-Match.")},
            "400": problem,
        }
        if layer.is_stored:
            responses["503"] = {"description": PROBLEMS["503"]}
        paths[f"/layers/{layer.id}.geojson"] = {
            "get": {
                **_operation(f"layer_{layer.id}", str(layer.title), ["layers"]),
                "description": str(layer.description),
                "parameters": [*parameters, *map(_own_parameter, layer.parameters), *filter_parameters(layer)],
                "responses": responses,
            }
        }
        paths |= _map_tile_paths(layer, responses) | _file_paths(layer, responses)
    paths["/qgis/pantau.qgs"] = {
        "get": _file("qgis_project", _("A QGIS project of the layers"), "application/x-qgis-project")
    }
    return result


def _name_problems(paths: Mapping[str, Any]) -> None:
    """drf-spectacular gives a refusal the media type of the answers; here each is problem+json, and a page where one is wanted."""
    for path in paths.values():
        for method, operation in path.items():
            for code, response in operation["responses"].items():
                if code[0] in "45" and "content" in response:
                    (form,) = response["content"].values()
                    response["content"] = _problem_forms(form["schema"], has_page=method == "get")


def _file_paths(layer: Layer, answers: Mapping[str, Any]) -> dict[str, Any]:
    """The layer as files."""
    common = [PARAMETERS[name] for name in PARAMETERS if name != "next"]
    parameters = [*common, *DOWNLOAD_PARAMETERS, *map(_own_parameter, layer.parameters), *filter_parameters(layer)]
    refusals = {code: answer for code, answer in answers.items() if code != "200"}
    paths = {}
    for name, form in DOWNLOADS.items():
        operation = _file(f"download_{layer.id}_{name}", f"{layer.title}: {form.title}", form.media_type)
        operation["parameters"] = parameters
        operation["responses"] |= refusals | _partial()
        paths[f"/layers/{layer.id}.{form.extension}"] = {"get": operation}
    definition = _file(
        f"qlr_{layer.id}",
        _("%(layer)s: QGIS layer definition") % {"layer": layer.title},
        "application/x-qgis-layer-definition",
    )
    definition["parameters"] = [PARAMETERS["city"], PARAMETERS["lang"], *map(_own_parameter, layer.parameters)]
    definition["responses"] |= {"400": answers["400"]}
    return {**paths, f"/layers/{layer.id}.qlr": {"get": definition}}


def _file(operation: str, summary: str, kind: str) -> dict[str, Any]:
    binary = {kind: {"schema": {"type": "string", "format": "binary"}}}
    answers = {"200": {"description": _("The file."), "content": binary}}
    return {**_operation(operation, summary, ["layers"]), "responses": answers}


def _map_tile_paths(layer: Layer, answers: Mapping[str, Any]) -> dict[str, Any]:
    parameters = [
        *(PARAMETERS[name] for name in (*TILE, "city", "lang")),
        *map(_own_parameter, layer.parameters),
        *filter_parameters(layer),
    ]
    refusals = {code: answer for code, answer in answers.items() if code != "200"}
    binary = {MVT: {"schema": {"type": "string", "format": "binary"}}}
    tile = {
        **_operation(f"tile_{layer.id}", f"{layer.title}: a vector tile", ["tiles"]),
        "parameters": [*_address("z", "x", "y"), *parameters],
        "responses": {
            "200": {"description": "A Mapbox Vector Tile.", "content": binary},
            "204": {"description": EMPTY_TILE},
            **refusals,
        },
    }
    paths = {f"/tiles/{layer.id}/{{z}}/{{x}}/{{y}}.mvt": {"get": tile}}
    documents = {f"/tiles/{layer.id}.json": "TileJSON", f"/tiles/{layer.id}/style.json": "MapLibre style"}
    for path, what in documents.items():
        name = f"{what.replace(' ', '_').lower()}_{layer.id}"
        answer = {"description": f"A {what}.", "content": {JSON: {"schema": {"type": "object"}}}}
        operation = _operation(name, f"{layer.title}: {what}", ["tiles"])
        paths[path] = {"get": {**operation, "parameters": parameters, "responses": {"200": answer, **refusals}}}
    return paths
