"""The layers as collections: what they are, where and when, and what can be asked of them."""

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _

from geo.analysis.models import ResultSet
from geo.layers.crs import CRS84, known_crs
from geo.layers.extents import Extent, extent_of
from geo.layers.layer import Layer, Query
from geo.layers.results import parameters_of
from geo.ogc.api import GEOJSON, HTML, JSON, SCHEMA, Api, Link, api_of, described, read_only, resource
from geo.ogc.features import plain_members
from geo.ogc.formats import DOWNLOADS
from geo.ogc.requests import parse_request, utc_now
from geo.ogc.schemas import feature_schema, queryables, schema, sortables
from server.core.errors import BadParameter
from server.core.params import refuse_unknown

SCHEMA_REL = "http://www.opengis.net/def/rel/ogc/1.0/schema"
QUERYABLES_REL = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
SORTABLES_REL = "http://www.opengis.net/def/rel/ogc/1.0/sortables"
TILES_REL = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector"
GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"


@read_only
def collections(request: HttpRequest, fixed: str | None = None) -> HttpResponse:
    """Every layer that can be opened here: one that requires a parameter is listed where the address fixes it."""
    refuse_unknown(request.GET, ["f", "lang"])
    api = api_of(request, fixed)
    queries = standing_queries(api)
    document = {
        "links": described(api, "/collections", _license()),
        "crs": [crs.uri for crs in known_crs()],
        "collections": [describe(api, layer, query) for layer, query in queries if query is not None],
    }
    waiting = [
        (layer, [(p.name, choice) for p in layer.parameters if p.required for choice in p.choices()])
        for layer, query in queries
        if query is None and not api.fixed and layer.settled is None
    ]
    crumbs, more = [("Pantau", "/")], {"waiting": waiting}
    return resource(request, api, document, template="ogc/collections.html", crumbs=crumbs, more=more)


@read_only
def collection(request: HttpRequest, layer_id: str, fixed: str | None = None) -> HttpResponse:
    """One layer."""
    refuse_unknown(request.GET, ["f", "lang"])
    api = api_of(request, fixed)
    layer = api.layer(layer_id)
    document = describe(api, layer, standing_query(api, layer))
    crumbs = [("Pantau", "/"), (_("Layers"), "/collections")]
    return resource(request, api, document, template="ogc/collection.html", crumbs=crumbs)


def describe(api: Api, layer: Layer, query: Query | None) -> dict[str, Any]:
    """A collection's document. `query` is the layer's as this address serves it, None where a parameter is missing."""
    path = f"/collections/{layer.id}"
    extent = extent_of(layer, query)
    document: dict[str, Any] = {
        "id": layer.id,
        "title": str(layer.title),
        "description": str(layer.description),
        "itemType": "feature",
        "extent": {"spatial": {"bbox": [list(extent.box)], "crs": CRS84.uri}},
        "crs": [crs.uri for crs in known_crs()],
        "storageCrs": CRS84.uri,
        "links": described(api, path, _links(api, layer, path, extent)),
    }
    if layer.time_field:
        # The end is open: rows keep coming.
        start = extent.start.isoformat(timespec="seconds").replace("+00:00", "Z") if extent.start else None
        document["extent"]["temporal"] = {"interval": [[start, None]], "trs": GREGORIAN}
    if layer.is_stored and query is not None and (found := _analysis(layer, query)) is not None:
        document["analysis"] = found
    return document


def _analysis(layer: Layer, query: Query) -> dict[str, Any] | None:
    """What the latest result of this very question says of the whole; nothing is computed for it."""
    settled = layer.settled
    of_layer = ResultSet.objects.filter(analysis=(settled.base if settled else layer).id, state=ResultSet.State.READY)
    if settled and settled.pinned:
        result = of_layer.filter(pk=settled.pinned.result_set).first()
    else:
        result = of_layer.filter(parameters=parameters_of(query)).order_by("-as_of", "-id").first()
    if result is None:
        return None
    return plain_members({"as_of": result.as_of, **layer.rows(replace(query, result_set=result.pk)).members})


def _links(api: Api, layer: Layer, path: str, extent: Extent) -> list[Link]:
    items = f"{path}/items"
    # GDAL 3.6 knows just this relation, and takes the fields from what it leads to; where there are features it can see them
    # for itself, and is spared a request.
    fields = [api.link("describedBy", f"{path}/feature-schema", SCHEMA, _("The features' JSON"))]
    return [
        *([] if extent.has_rows else fields),
        api.link("items", items, GEOJSON, _("The features as GeoJSON")),
        api.link("items", items, HTML, _("The features as a page"), f="html"),
        *(api.link("items", items, form.media_type, str(form.title), f=name) for name, form in DOWNLOADS.items()),
        api.link(QUERYABLES_REL, f"{path}/queryables", SCHEMA, _("What can be filtered by")),
        api.link(SORTABLES_REL, f"{path}/sortables", SCHEMA, _("What can be sorted by")),
        api.link(SCHEMA_REL, f"{path}/schema", SCHEMA, _("The properties")),
        api.link(TILES_REL, f"{path}/tiles", JSON, _("Vector tiles")),
        *_license(),
    ]


def _license() -> list[Link]:
    if not settings.LICENSE_URL:
        return []
    return [{"rel": "license", "type": HTML, "href": settings.LICENSE_URL, "title": settings.LICENSE_URL}]


def standing_query(api: Api, layer: Layer) -> Query | None:
    """The query of the layer as this address serves it; None where a parameter that it requires is missing."""
    try:
        return parse_request(layer, QueryDict(), utc_now(), default_limit=1, fixed=api.fixed).query
    except BadParameter as error:
        if error.name in api.fixed:
            raise
        return None


def standing_queries(api: Api) -> list[tuple[Layer, Query | None]]:
    """Every layer with its query as this address serves it. One whose own bounds refuse a fixed value that others take (a period
    that is too long for it) is left out; a value that none takes is a BadParameter."""
    found: list[tuple[Layer, Query | None]] = []
    refusals: list[BadParameter] = []
    for layer in api.layers():
        try:
            found.append((layer, standing_query(api, layer)))
        except BadParameter as error:
            refusals.append(error)
    taken = {parameter.name for layer, query in found if query is not None for parameter in layer.parameters}
    for refusal in refusals:
        if refusal.name not in taken:
            raise refusal
    return found


@read_only
def queryables_document(request: HttpRequest, layer_id: str, fixed: str | None = None) -> HttpResponse:
    return _schema_resource(request, layer_id, fixed, "queryables")


@read_only
def sortables_document(request: HttpRequest, layer_id: str, fixed: str | None = None) -> HttpResponse:
    return _schema_resource(request, layer_id, fixed, "sortables")


@read_only
def schema_document(request: HttpRequest, layer_id: str, fixed: str | None = None) -> HttpResponse:
    return _schema_resource(request, layer_id, fixed, "schema")


@read_only
def feature_schema_document(request: HttpRequest, layer_id: str, fixed: str | None = None) -> HttpResponse:
    return _schema_resource(request, layer_id, fixed, "feature-schema")


_SCHEMAS = {"queryables": queryables, "sortables": sortables, "schema": schema, "feature-schema": feature_schema}


def _schema_resource(request: HttpRequest, layer_id: str, fixed: str | None, name: str) -> HttpResponse:
    refuse_unknown(request.GET, ["f", "lang"])
    api = api_of(request, fixed)
    layer = api.layer(layer_id)
    document = _SCHEMAS[name](layer, api.url(f"/collections/{layer.id}/{name}"))
    crumbs = [("Pantau", "/"), (_("Layers"), "/collections"), (str(layer.title), f"/collections/{layer.id}")]
    return resource(request, api, document, kind=SCHEMA, template="ogc/schema.html", crumbs=crumbs)
