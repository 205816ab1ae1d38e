"""Vector tiles over HTTP: `/tiles/{id}/…` for web maps, with TileJSON and a style, and the same tiles of the OGC API."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.cache import patch_vary_headers
from django.utils.html import format_html

from geo.layers.breaks import quantile_edges
from geo.layers.extents import Extent, cities_box, extent_of
from geo.layers.layer import Layer, Query
from geo.layers.select import Selection
from geo.layers.tiles import (
    CLUSTER_BELOW_ZOOM,
    IS_CLUSTER,
    MAX_ZOOM,
    POINT_COUNT,
    Tile,
    is_clustered,
    tile_properties,
    tiles_over,
    vector_tile,
)
from geo.ogc.answers import Prepared, conditional
from geo.ogc.api import JSON, api_of, layer_at, read_only, wanted_form
from geo.ogc.collections import standing_query
from geo.ogc.features import Ask
from geo.ogc.requests import PAGING, LayerRequest, parse_request, utc_now
from geo.ogc.style import layer_style
from server.core.errors import NotFound
from server.core.listing import absolute_url
from server.core.params import parse_choice, parse_integer

MVT = "application/vnd.mapbox-vector-tile"
MATRIX_SET = "WebMercatorQuad"
# Identifiers of those tile matrices of the set that have tiles.
TILE_MATRICES = [str(z) for z in range(MAX_ZOOM + 1)]
# A tile has its own page, CRS and form; all else is as at items.
REFUSED = (*PAGING, "crs", "skipGeometry", "f")
# A unit of a tile of this zoom is 15 cm: larger zooms are drawn from these tiles.
DRAWN_TO_ZOOM = 16


@read_only
def map_tile(request: HttpRequest, layer_id: str, z: str, x: str, y: str) -> HttpResponseBase:
    """`/tiles/{id}/{z}/{x}/{y}.mvt`."""
    layer = layer_at(request, layer_id)
    tile = parse_tile(z, x, y)
    return tile_response(request, layer, lambda: parse_tile_request(request, layer), tile)


@read_only
def ogc_tile(
    request: HttpRequest,
    layer_id: str,
    matrix_set: str,
    matrix: str,
    row: str,
    col: str,
    fixed: str | None = None,
) -> HttpResponseBase:
    """A tile of the OGC API: the row comes before the column."""
    api = api_of(request, fixed)
    layer = api.layer(layer_id)
    known_matrix_set(matrix_set)
    matrix = parse_choice(matrix, "tileMatrix", TILE_MATRICES)
    tile = parse_tile(matrix, col, row, names=("tileMatrix", "tileCol", "tileRow"))
    wanted_form(request, {"mvt": MVT}, "mvt")
    refused = [name for name in REFUSED if name != "f"]

    def ask() -> LayerRequest:
        return parse_request(layer, request.GET, utc_now(), default_limit=None, fixed=api.fixed, refused=refused)

    def refuse_beyond_limits() -> None:
        # OGC 20-057, /req/core/tc-error. Asked only of a tile that is empty: a parameter may find rows beyond the limits,
        # which are those of the tile set without it and some minutes old, and no row is to be hidden by them.
        first, last = tiles_over(bounds_of(layer, standing_query(api, layer)).box, tile.z)
        if not (first.x <= tile.x <= last.x and first.y <= tile.y <= last.y):
            raise NotFound(
                f"The tile lies outside the limits of this tile set: rows {first.y} to {last.y},"
                f" columns {first.x} to {last.x}."
            )

    return tile_response(request, layer, ask, tile, when_empty=refuse_beyond_limits)


def tile_response(
    request: HttpRequest, layer: Layer, ask: Ask, tile: Tile, *, when_empty: Callable[[], None] = lambda: None
) -> HttpResponseBase:
    """The tile; 204 where it holds nothing, unless `when_empty` raises; 304 where the client has it."""

    def body(prepared: Prepared) -> HttpResponse:
        content = vector_tile(prepared.selection(), tile, prepared.asked.output.properties)
        if content:
            return HttpResponse(content, content_type=MVT)
        when_empty()
        empty = HttpResponse(status=204)
        del empty["Content-Type"]
        return empty

    return conditional(request, layer, ask, body, content_type=MVT)


def parse_tile(z: str, x: str, y: str, names: tuple[str, str, str] = ("z", "x", "y")) -> Tile:
    """The address of a tile; BadParameter for what is no whole number, or out of range."""
    zoom = parse_integer(z, names[0], minimum=0, maximum=MAX_ZOOM)
    col, row = (
        parse_integer(text, name, minimum=0, maximum=2**zoom - 1) for text, name in zip((x, y), names[1:], strict=True)
    )
    return Tile(zoom, col, row)


def parse_tile_request(request: HttpRequest, layer: Layer) -> LayerRequest:
    return parse_request(layer, request.GET, utc_now(), default_limit=None, refused=REFUSED)


def known_matrix_set(name: str) -> None:
    if name != MATRIX_SET:
        raise NotFound(f"There is no tile matrix set {name!r} here; there is {MATRIX_SET}.")


@read_only
def tile_json(request: HttpRequest, layer_id: str) -> HttpResponse:
    """TileJSON 3.0. The parameters that it was asked with go on into the address of its tiles."""
    layer = layer_at(request, layer_id)
    asked = parse_tile_request(request, layer)
    box, home = bounds_of(layer, asked.query).box, cities_box(asked.query.city)
    document = {
        "tilejson": "3.0.0",
        "name": str(layer.title),
        "description": str(layer.description),
        "attribution": _attribution(),
        "scheme": "xyz",
        # Braces are put behind what escapes them.
        "tiles": [absolute_url(request, f"/tiles/{layer.id}/") + "{z}/{x}/{y}.mvt" + _query(request)],
        "minzoom": 0,
        "maxzoom": DRAWN_TO_ZOOM,
        "bounds": list(box),
        # Where the city is, whatever stray rows the bounds hold.
        "center": [(home[0] + home[2]) / 2, (home[1] + home[3]) / 2, 10],
        "vector_layers": [
            {
                "id": layer.id,
                "description": str(layer.description),
                "minzoom": 0,
                "maxzoom": DRAWN_TO_ZOOM,
                "fields": tile_fields(layer, asked.output.properties),
            }
        ],
    }
    return _document(document)


@read_only
def tile_style(request: HttpRequest, layer_id: str) -> HttpResponse:
    """A MapLibre style that draws the layer as it is declared, over nothing; it asks for no glyphs and no sprite."""
    layer = layer_at(request, layer_id)
    asked = parse_tile_request(request, layer)
    box = cities_box(asked.query.city)
    document = layer_style(
        layer,
        source_url=absolute_url(request, f"/tiles/{layer.id}.json") + _query(request),
        centre=((box[0] + box[2]) / 2, (box[1] + box[3]) / 2),
        edges=_edges(layer, asked.query),
    )
    return _document(document)


def tile_fields(layer: Layer, asked: tuple[str, ...] | None = None) -> dict[str, str]:
    """What a feature of the tiles carries: name -> type, in the words of TileJSON 3.0."""
    words = {"integer": "Number", "number": "Number", "boolean": "Boolean"}
    own = layer.property_named("id")
    fields = {"id": words.get(own.type, "String") if own else "String"}
    fields |= {prop.name: words.get(prop.type, "String") for prop in tile_properties(layer, asked)}
    return fields | (
        {POINT_COUNT: "Number", IS_CLUSTER: "Boolean"} if is_clustered(layer, CLUSTER_BELOW_ZOOM - 1) else {}
    )


def bounds_of(layer: Layer, query: Query | None) -> Extent:
    """The extent of the layer as its own parameters choose it; filters only thin it out."""
    return extent_of(layer, query and replace(query, bbox=None, interval=None, condition=None))


def _edges(layer: Layer, query: Query) -> list[float]:
    """The classes of a layer that declares colours alone, from its rows now."""
    style = layer.style
    prop = layer.property_named(style.property) if style.property else None
    if prop is None or style.classes or layer.is_stored or prop.type not in ("integer", "number"):
        return []
    return quantile_edges(Selection(layer, query, layer.rows(query)), prop.name, len(style.colours))


def _query(request: HttpRequest) -> str:
    return f"?{request.GET.urlencode()}" if request.GET else ""


def _attribution() -> str:
    if not settings.LICENSE_URL:
        return "Pantau"
    return str(format_html('<a href="{}" rel="license">Pantau</a>', settings.LICENSE_URL))


def _document(document: dict[str, Any]) -> HttpResponse:
    response = JsonResponse(document, content_type=JSON, json_dumps_params={"ensure_ascii": False})
    patch_vary_headers(response, ["Accept-Language"])
    response["Cache-Control"] = "public, max-age=60"
    return response
