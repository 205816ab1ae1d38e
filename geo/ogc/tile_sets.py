"""The tile sets of a collection, and the one tile matrix set that they are cut by (OGC 20-057, OGC 17-083r4)."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from geo.areas.models import City
from geo.layers.layer import Layer
from geo.layers.tiles import (
    CLUSTER_BELOW_ZOOM,
    IS_CLUSTER,
    MAX_ZOOM,
    POINT_COUNT,
    is_clustered,
    tile_properties,
    tiles_over,
)
from geo.ogc.api import JSON, Api, Link, api_of, described, read_only, resource
from geo.ogc.collections import standing_query
from geo.ogc.schemas import TYPES, described_property
from geo.ogc.tiles import MATRIX_SET, MVT, bounds_of, known_matrix_set
from server.core.listing import absolute_url
from server.core.params import refuse_unknown

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
WEB_MERCATOR = "http://www.opengis.net/def/crs/EPSG/0/3857"
MATRIX_SET_URI = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{MATRIX_SET}"
TILING_SCHEME = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"
GEODATA = "http://www.opengis.net/def/rel/ogc/1.0/geodata"
# OGC 17-083r4, table D.1: the registered set has the matrices 0 to 24.
MATRICES = 25
SCALE_0, CELL_0, CORNER = 559082264.028717, 156543.03392804097, 20037508.342789244
TITLE = "Google Maps Compatible for the World"


@read_only
def tile_sets(request: HttpRequest, layer_id: str, fixed: str | None = None) -> HttpResponse:
    """The tile sets of a collection: one."""
    refuse_unknown(request.GET, ["f", "lang"])
    api = api_of(request, fixed)
    layer = api.layer(layer_id)
    path = f"/collections/{layer.id}/tiles"
    entry = {**_about(layer), "links": [api.link("self", f"{path}/{MATRIX_SET}", JSON, str(layer.title)), _scheme(api)]}
    document = {
        "title": f"{layer.title}: {_('Vector tiles')}",
        "tilesets": [entry],
        "links": described(api, path, [entry["links"][0] | {"rel": "item"}]),
    }
    return resource(request, api, document, template="ogc/tiles.html", crumbs=_crumbs(layer))


@read_only
def tile_set(request: HttpRequest, layer_id: str, matrix_set: str, fixed: str | None = None) -> HttpResponse:
    """What the tiles hold, where they lie, and by which address each is had."""
    refuse_unknown(request.GET, ["f", "lang"])
    api = api_of(request, fixed)
    layer = api.layer(layer_id)
    known_matrix_set(matrix_set)
    path = f"/collections/{layer.id}/tiles/{MATRIX_SET}"
    box = bounds_of(layer, standing_query(api, layer)).box
    document = {
        **_about(layer),
        "description": str(layer.description),
        "links": described(api, path, _tile_set_links(api, layer, path)),
        "layers": [_layer(layer)],
        "boundingBox": {"lowerLeft": list(box[:2]), "upperRight": list(box[2:]), "crs": CRS84},
        "tileMatrixSetLimits": [_limits(box, z) for z in range(MAX_ZOOM + 1)],
        "mediaTypes": [MVT],
    }
    crumbs = [*_crumbs(layer), (_("Vector tiles"), f"/collections/{layer.id}/tiles")]
    return resource(request, api, document, template="ogc/tiles.html", crumbs=crumbs)


@read_only
def matrix_sets(request: HttpRequest, fixed: str | None = None) -> HttpResponse:
    """Every tile matrix set: one."""
    refuse_unknown(request.GET, ["f", "lang"])
    api = api_of(request, fixed)
    links = [api.link("self", f"/tileMatrixSets/{MATRIX_SET}", JSON, TITLE)]
    entry = {"id": MATRIX_SET, "title": TITLE, "uri": MATRIX_SET_URI, "crs": WEB_MERCATOR, "links": links}
    document = {
        "title": _("Tile grids"),
        "tileMatrixSets": [entry],
        "links": described(api, "/tileMatrixSets", [links[0] | {"rel": "item"}]),
    }
    return resource(request, api, document, template="ogc/tiles.html", crumbs=[("Pantau", "/")])


@read_only
def matrix_set(request: HttpRequest, matrix_set: str, fixed: str | None = None) -> HttpResponse:
    """The definition of WebMercatorQuad."""
    refuse_unknown(request.GET, ["f", "lang"])
    api = api_of(request, fixed)
    known_matrix_set(matrix_set)
    document = {
        "id": MATRIX_SET,
        "title": TITLE,
        "uri": MATRIX_SET_URI,
        "crs": WEB_MERCATOR,
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": [_matrix(z) for z in range(MATRICES)],
        "links": described(api, f"/tileMatrixSets/{MATRIX_SET}", []),
    }
    crumbs = [("Pantau", "/"), (_("Tile grids"), "/tileMatrixSets")]
    return resource(request, api, document, template="ogc/tiles.html", crumbs=crumbs)


def _about(layer: Layer) -> dict[str, Any]:
    return {
        "title": str(layer.title),
        "dataType": "vector",
        "crs": WEB_MERCATOR,
        "tileMatrixSetId": MATRIX_SET,
        "tileMatrixSetURI": MATRIX_SET_URI,
    }


def _scheme(api: Api) -> Link:
    return api.link(TILING_SCHEME, f"/tileMatrixSets/{MATRIX_SET}", JSON, TITLE)


def _tile_set_links(api: Api, layer: Layer, path: str) -> list[Any]:
    links: list[Any] = [_scheme(api), api.link(GEODATA, f"/collections/{layer.id}", JSON, str(layer.title))]
    beside = absolute_url(api.request, f"/tiles/{layer.id}")
    for settled in _settled(api, layer):
        query = _query(settled)
        which = f": {', '.join(settled.values())}" if settled else ""
        # Braces are put behind what escapes them.
        links += [
            {
                "rel": "item",
                "type": MVT,
                "href": api.url(path) + "/{tileMatrix}/{tileRow}/{tileCol}" + query,
                "templated": True,
                "title": _("A vector tile") + which,
            },
            {
                "rel": "describedby",
                "type": JSON,
                "href": f"{beside}.json{_query({**api.fixed, **settled})}",
                "title": f"TileJSON{which}",
            },
            {
                "rel": "alternate",
                "type": "application/vnd.mapbox.style+json",
                "href": f"{beside}/style.json{_query({**api.fixed, **settled})}",
                "title": _("A MapLibre style") + which,
            },
        ]
    return links


def _settled(api: Api, layer: Layer) -> Iterator[dict[str, str]]:
    """Each choice of the parameters that the layer cannot be asked without and that this API leaves open: a template has
    to lead to tiles by its three variables alone (OGC 20-057, /req/core/tc-op). Nothing to settle is one choice."""
    open_ones = [p for p in layer.parameters if p.required and p.name not in api.fixed]
    # With nothing to choose from yet, the template stands as it is: /req/tileset/description asks for one.
    choices = {p.name: values for p in open_ones if (values := p.choices())}
    if "city" not in api.fixed and not layer.is_of_every_city:
        cities = list(City.objects.order_by("slug").values_list("slug", flat=True))
        choices |= {"city": cities} if len(cities) > 1 else {}
    for values in product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


def _query(params: Mapping[str, str]) -> str:
    return f"?{urlencode(params)}" if params else ""


def _layer(layer: Layer) -> dict[str, Any]:
    """The one layer of the tiles, with a schema of what its features carry."""
    own = layer.property_named("id")
    properties: dict[str, Any] = {"id": described_property(own) if own else {"title": "id", "type": "string"}}
    properties |= {prop.name: described_property(prop) for prop in tile_properties(layer)}
    if is_clustered(layer, CLUSTER_BELOW_ZOOM - 1):
        properties[POINT_COUNT] = {"title": _("Points in a cluster"), **TYPES["integer"]}
        properties[IS_CLUSTER] = {"title": _("Whether it is a cluster"), **TYPES["boolean"]}
    return {
        "id": layer.id,
        "title": str(layer.title),
        "dataType": "vector",
        "geometryDimension": 0 if layer.geometry_type == "Point" else 2,
        "minTileMatrix": "0",
        "maxTileMatrix": str(MAX_ZOOM),
        "propertiesSchema": {"type": "object", "properties": properties},
    }


def _limits(box: tuple[float, float, float, float], z: int) -> dict[str, Any]:
    first, last = tiles_over(box, z)
    return {
        "tileMatrix": str(z),
        "minTileRow": first.y,
        "maxTileRow": last.y,
        "minTileCol": first.x,
        "maxTileCol": last.x,
    }


def _matrix(z: int) -> dict[str, Any]:
    return {
        "id": str(z),
        "scaleDenominator": SCALE_0 / 2**z,
        "cellSize": CELL_0 / 2**z,
        "cornerOfOrigin": "topLeft",
        "pointOfOrigin": [-CORNER, CORNER],
        "tileWidth": 256,
        "tileHeight": 256,
        "matrixWidth": 2**z,
        "matrixHeight": 2**z,
    }


def _crumbs(layer: Layer) -> list[tuple[str, str]]:
    return [("Pantau", "/"), (_("Layers"), "/collections"), (str(layer.title), f"/collections/{layer.id}")]
