"""The OGC API as a request reached it: its own address, the parameters that the address fixes, the form that is wanted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from geo.layers.catalogue import LAYERS
from geo.layers.layer import Layer
from geo.ogc.requests import parse_fixed
from server.core.errors import BadParameter, NotFound
from server.core.listing import absolute_url
from server.core.problems import problem

JSON = "application/json"
HTML = "text/html"
GEOJSON = "application/geo+json"
SCHEMA = "application/schema+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"

Link = dict[str, str]


@dataclass(frozen=True, slots=True)
class Api:
    """`path` is where it begins, such as `/ogc` or `/ogc/with/category=banjir`; `fixed` what the prefix settles."""

    request: HttpRequest
    path: str
    fixed: Mapping[str, str] = field(default_factory=dict)

    def url(self, path: str = "/", /, **query: str) -> str:
        """An absolute address in this API; relative ones make QGIS and GDAL fail."""
        return absolute_url(self.request, f"{self.path}{path}" + (f"?{urlencode(query)}" if query else ""))

    def link(self, rel: str, path: str, kind: str, title: str = "", /, **query: str) -> Link:
        link = {"rel": rel, "type": kind, "href": self.url(path, **query)}
        return {**link, "title": title} if title else link

    def layers(self) -> list[Layer]:
        """Those that take every parameter that the prefix fixes."""
        return [layer for layer in LAYERS if set(self.fixed) <= {"city", "lang", *(p.name for p in layer.parameters)}]

    def layer(self, layer_id: str) -> Layer:
        for layer in self.layers():
            if layer.id == layer_id:
                return layer
        raise NotFound(f"There is no collection {layer_id!r} here; {self.path}/collections lists them.")


def read_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """GET and HEAD of a view; OPTIONS says so, and any other method is a problem that says so."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method in ("GET", "HEAD"):
            return view(request, *args, **kwargs)
        if request.method == "OPTIONS":
            response = HttpResponse(status=204)
        else:
            response = problem(405, "Method not allowed", f"{request.path} can only be read.")
        response["Allow"] = "GET, HEAD, OPTIONS"
        return response

    return answer


def api_of(request: HttpRequest, fixed: str | None = None) -> Api:
    """The API at `/ogc`, or under `/ogc/with/{fixed}`."""
    return Api(request, f"/ogc/with/{fixed}", parse_fixed(fixed)) if fixed else Api(request, "/ogc")


def wanted_form(request: HttpRequest, forms: Mapping[str, str], default: str) -> str:
    """The key of the form (key -> media type) that `f` or Accept asks for; an unknown `f` is a BadParameter.

    A client that accepts none of them gets the default: some say what they would like, not what they can read.
    """
    named = request.GET.get("f")
    if named is not None:
        if named not in forms:
            raise BadParameter("f", f"f must be one of {', '.join(forms)}; not {named!r}")
        return named
    kinds = [forms[default], *(kind for kind in forms.values() if kind != forms[default])]
    preferred = request.get_preferred_type(kinds)
    return next((name for name, kind in forms.items() if kind == preferred), default)


def resource(
    request: HttpRequest,
    api: Api,
    document: dict[str, Any],
    *,
    template: str = "ogc/document.html",
    kind: str = JSON,
    crumbs: Sequence[tuple[str, str]] = (),
    more: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """A document of the API as JSON, or as a page for people. `crumbs` are (title, path) of what lies above it, `more` is
    for the page alone."""
    form = wanted_form(request, {"json": kind, "html": HTML}, "json")
    if form == "html":
        above = [(title, api.url(path)) for title, path in crumbs]
        context = {"api": api, "document": document, "crumbs": above, **(more or {})}
        response = render(request, template, context)
    else:
        response = JsonResponse(document, content_type=kind, json_dumps_params={"ensure_ascii": False})
    patch_vary_headers(response, ["Accept", "Accept-Encoding", "Accept-Language"])
    response["Cache-Control"] = "public, max-age=60"
    return response


def described(api: Api, path: str, links: Sequence[Link], *, kind: str = JSON) -> list[Link]:
    """The links of a resource: itself, its page for people, then the others."""
    in_html = api.request.GET.get("f") == "html"
    here = api.link("alternate" if in_html else "self", path, kind, _("This document as JSON"), f="json")
    page = api.link("self" if in_html else "alternate", path, HTML, _("This document as a page"), f="html")
    return [here, page, *links]
