"""`/ogc/collections/{id}/items`: the features of a layer, for GIS clients."""

from functools import partial
from urllib.parse import quote

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from geo.layers.editing import EDITABLE
from geo.ogc import pages, transactions
from geo.ogc.answers import prepare
from geo.ogc.api import GEOJSON, HTML, JSON, api_of, kept_private, wanted_form
from geo.ogc.downloads import download
from geo.ogc.features import feature_response, page_response
from geo.ogc.formats import DOWNLOADS
from geo.ogc.requests import PAGING, SELECTING, LayerRequest, parse_request, utc_now

DEFAULT_LIMIT = 1000
# `json` is what clients say that know no better name for GeoJSON.
FORMS = {"geojson": GEOJSON, "json": GEOJSON, "html": HTML, **{name: f.media_type for name, f in DOWNLOADS.items()}}


@kept_private
def items(request: HttpRequest, layer_id: str, fixed: str | None = None) -> HttpResponseBase:
    """A page of features; with `f` of a download, all of them. A new feature is posted to geo.ogc.transactions."""
    if request.method not in ("GET", "HEAD"):
        return transactions.items(request, layer_id=layer_id, fixed=fixed)
    api = api_of(request, fixed)
    layer = api.layer(layer_id)
    form = wanted_form(request, FORMS, "geojson")
    if form in DOWNLOADS:
        return download(request, layer, form, fixed=api.fixed)
    default_limit = pages.DEFAULT_LIMIT if form == "html" else DEFAULT_LIMIT

    def ask() -> LayerRequest:
        return parse_request(layer, request.GET, utc_now(), default_limit=default_limit, fixed=api.fixed)

    path = f"/collections/{layer.id}"
    question = {name: str(value) for name, value in request.GET.items() if name not in ("f", *PAGING[:3])}
    other = (
        ("geojson", GEOJSON, _("This page as GeoJSON"))
        if form == "html"
        else ("html", HTML, _("This page, for people"))
    )
    links = [
        api.link("alternate", f"{path}/items", *other[1:], **{**question, "f": other[0]}),
        api.link("collection", path, JSON, str(layer.title)),
    ]
    if form == "html":
        return pages.items_page(request, api, layer, prepare(layer, ask()), links)
    return page_response(request, layer, ask, more_links=links, leads=True)


@kept_private
def item(request: HttpRequest, layer_id: str, fid: str, fixed: str | None = None) -> HttpResponseBase:
    """One feature; changed by geo.ogc.transactions."""
    if request.method not in ("GET", "HEAD"):
        return transactions.item(request, layer_id=layer_id, fid=fid, fixed=fixed)
    api = api_of(request, fixed)
    layer = api.layer(layer_id)
    form = wanted_form(request, {"geojson": GEOJSON, "json": GEOJSON, "html": HTML}, "geojson")
    refused = [name for name in (*SELECTING, *PAGING) if name != "city"]

    def ask() -> LayerRequest:
        return parse_request(layer, request.GET, utc_now(), default_limit=1, fixed=api.fixed, refused=refused)

    path = f"/collections/{layer.id}"
    here = f"{path}/items/{quote(fid)}"
    # What the layer requires goes with each of its features.
    question = {name: str(value) for name, value in request.GET.items() if name != "f"}
    kinds = {"html": HTML, "geojson": GEOJSON}
    mine = "html" if form == "html" else "geojson"
    links = [
        api.link("self", here, kinds.pop(mine), "", **question, **({"f": "html"} if mine == "html" else {})),
        *(api.link("alternate", here, kind, "", **question, f=name) for name, kind in kinds.items()),
        api.link("collection", path, JSON, str(layer.title)),
    ]
    if form == "html":
        return pages.item_page(request, api, layer, prepare(layer, ask()), fid, links)
    editing = EDITABLE.get(layer.id)
    return feature_response(request, layer, ask, fid, links, state=partial(editing.state, fid) if editing else None)
