"""The OGC API as a request reached it: its own address, the parameters that the address fixes, the form that is wanted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _

from geo.layers.layer import Layer
from geo.layers.saved import find_layer, listed_layers
from geo.ogc.requests import parse_fixed
from geo.reports.access.people import person_of
from geo.reports.access.principals import Origin, Principal, principal_of_user
from server.core.errors import BadParameter, NotFound
from server.core.listing import absolute_url
from server.core.problems import problem, problem_for

JSON = "application/json"
HTML = "text/html"
GEOJSON = "application/geo+json"
SCHEMA = "application/schema+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"

Link = dict[str, str]
# In the request's META: its answer depends on who asks, so nobody on the way may keep it.
PRIVATE = "pantau.private"


def principal_at(request: HttpRequest) -> Principal:
    """Staff by token, password or session, anybody else. A channel's key opens no more than anybody sees, and is not read."""
    person = person_of(request)
    return principal_of_user(request.user if person is None else person.user, origin=Origin.OGC)


def layers_at(request: HttpRequest) -> list[Layer]:
    """Every layer that is listed for whoever asks: the built-in ones, then saved analyses."""
    principal = principal_at(request)
    if principal.is_staff:
        request.META[PRIVATE] = True
    return listed_layers(principal)


def layer_at(request: HttpRequest, layer_id: str) -> Layer:
    """A layer by its id; NotFound where there is none that whoever asks may see."""
    layer = find_layer(layer_id, lambda: principal_at(request))
    if layer is None or (layer.settled is not None and not layer.settled.is_public):
        request.META[PRIVATE] = True
    if layer is None:
        raise NotFound(f"There is no layer {layer_id!r}; /layers/ lists them.")
    return layer


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
        return [layer for layer in layers_at(self.request) if self._has(layer)]

    def layer(self, layer_id: str) -> Layer:
        try:
            layer = layer_at(self.request, layer_id)
        except NotFound:
            layer = None
        if layer is None or not self._has(layer):
            raise NotFound(f"There is no collection {layer_id!r} here; {self.path}/collections lists them.")
        return layer

    def _has(self, layer: Layer) -> bool:
        if layer.settled is not None and self.fixed.get("city", layer.settled.city.slug) != layer.settled.city.slug:
            return False
        return set(self.fixed) <= {"city", "lang", *(p.name for p in layer.parameters)}


def kept_private(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """No cache keeps an answer of this view that depends on who asks, a refusal included."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        names_somebody = "Authorization" in request.headers
        try:
            if names_somebody:
                # What is wrong is refused where it would open nothing more, too: never an anonymous request.
                person_of(request)
            response = view(request, *args, **kwargs)
        except Exception as error:
            refusal = problem_for(error) if names_somebody or PRIVATE in request.META else None
            if refusal is None:
                raise
            response = refusal
        if PRIVATE in request.META or (names_somebody and response.status_code >= 400):
            if "no-store" not in response.headers.get("Cache-Control", ""):
                response["Cache-Control"] = "private, no-store"
            patch_vary_headers(response, ["Cookie", "Authorization"])
        elif names_somebody:
            # The same for everybody, and so to be kept by whoever asked.
            patch_cache_control(response, private=True)
            patch_vary_headers(response, ["Authorization"])
        return response

    return answer


def read_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """GET and HEAD of a view; OPTIONS says so, and any other method is a problem that says so."""
    view = kept_private(view)

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
