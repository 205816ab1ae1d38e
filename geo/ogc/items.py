"""`/ogc/collections/{id}/items`: the features of a layer, for GIS clients."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from geo.ogc import pages
from geo.ogc.answers import prepare
from geo.ogc.api import GEOJSON, HTML, JSON, Api, Link, api_of, wanted_form
from geo.ogc.features import feature_response, page_response
from geo.ogc.formats import DOWNLOADS
from geo.ogc.requests import PAGING, SELECTING, parse_request, utc_now

DEFAULT_LIMIT = 1000
# `json` is what clients say that know no better name for GeoJSON.
FORMS = {"geojson": GEOJSON, "json": GEOJSON, "html": HTML, **{name: f.media_type for name, f in DOWNLOADS.items()}}


@require_safe
def items(request: HttpRequest, layer_id: str, fixed: str | None = None) -> HttpResponseBase:
    """A page of features; with `f` of a download, all of them."""
    api = api_of(request, fixed)
    layer = api.layer(layer_id)
    form = wanted_form(request, FORMS, "geojson")
    default_limit = {"html": pages.DEFAULT_LIMIT, "json": DEFAULT_LIMIT, "geojson": DEFAULT_LIMIT}.get(form)
    asked = parse_request(layer, request.GET, utc_now(), default_limit=default_limit, fixed=api.fixed)
    links = [
        _same_with(api, request, "html", HTML, _("This page, for people")),
        api.link("collection", f"/collections/{layer.id}", JSON, str(layer.title)),
    ]
    if form == "html":
        return pages.items_page(request, api, layer, prepare(layer, asked), links)
    return page_response(request, layer, asked, more_links=links, leads=True)


def _same_with(api: Api, request: HttpRequest, form: str, kind: str, title: str) -> Link:
    """The address of the same question in another form: from its first row, however many there are."""
    query = {name: str(value) for name, value in request.GET.items() if name not in ("f", "next", "offset", "limit")}
    return api.link("alternate", request.path.removeprefix(api.path), kind, title, **{**query, "f": form})


@require_safe
def item(request: HttpRequest, layer_id: str, fid: str, fixed: str | None = None) -> HttpResponseBase:
    """One feature."""
    api = api_of(request, fixed)
    layer = api.layer(layer_id)
    form = wanted_form(request, {"geojson": GEOJSON, "json": GEOJSON, "html": HTML}, "geojson")
    refused = [name for name in (*SELECTING, *PAGING) if name != "city"]
    asked = parse_request(layer, request.GET, utc_now(), default_limit=1, fixed=api.fixed, refused=refused)
    path = f"/collections/{layer.id}"
    here = f"{path}/items/{fid}"
    links = [
        api.link("self", here, GEOJSON),
        api.link("alternate", here, HTML, f="html"),
        api.link("collection", path, JSON, str(layer.title)),
    ]
    if form == "html":
        return pages.item_page(request, api, layer, prepare(layer, asked), fid, links)
    return feature_response(request, layer, asked, fid, links)
