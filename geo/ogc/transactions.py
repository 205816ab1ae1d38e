"""Features created, replaced, updated and deleted (OGC 20-002), for those who may; what OPTIONS tells of it.

A feature is there to be changed where this address shows it: what was withdrawn, or is hidden, is a 404 to everybody.
"""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpResponse, QueryDict
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import MethodNotAllowed, NotAuthenticated, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from geo.areas.models import City
from geo.layers.asking import resolve_city
from geo.layers.crs import Crs
from geo.layers.editing import EDITABLE, ReportEditing, Target
from geo.layers.geojson import Output, one_feature
from geo.layers.layer import Layer
from geo.layers.select import Selection
from geo.ogc.api import GEOJSON, JSON, Api, api_of
from geo.ogc.feature_input import (
    Sent,
    changed_properties,
    content_crs,
    merge_patch,
    moved_to,
    new_properties,
    parse_point,
    parse_sent,
)
from geo.ogc.requests import parse_request, utc_now
from geo.reports.access.authentication import ChannelKeyAuthentication, PersonAuthentication, principal_of
from geo.reports.access.principals import Origin, Principal
from server.core.errors import Conflict, Forbidden, NotFound, Stale
from server.core.listing import read_query
from server.core.parsers import ShallowJSONParser, refuse_larger

MERGE_PATCH = "application/merge-patch+json"
ACCEPTED = {"POST": (GEOJSON, JSON), "PUT": (GEOJSON, JSON), "PATCH": (MERGE_PATCH,)}
READING = ("GET", "HEAD", "OPTIONS")
# How often a change is compared anew with what somebody else has made of the feature meanwhile.
ATTEMPTS = 5


class GeoJSONParser(ShallowJSONParser):
    media_type = GEOJSON


class MergePatchParser(ShallowJSONParser):
    media_type = MERGE_PATCH


class WriteView(APIView):
    """A channel by its key, staff by token, password or session (whose writes need the CSRF token); nobody else."""

    authentication_classes = [ChannelKeyAuthentication, PersonAuthentication, SessionAuthentication]
    permission_classes = [AllowAny]
    # Those that there are for somebody.
    writing: tuple[str, ...] = ()
    api: Api
    layer: Layer
    principal: Principal

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.api = api_of(request._request, kwargs.get("fixed"))
        self.layer = self.api.layer(kwargs["layer_id"])
        if request.method not in self.offered():
            raise MethodNotAllowed(request.method or "")
        refuse_larger(request, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        super().initial(request, *args, **kwargs)
        self.principal = principal_of(request, origin=Origin.OGC)
        if request.method in self.writing:
            if not self.editing.may_create(self.principal):
                if request.auth is None and not request.user.is_authenticated:
                    raise NotAuthenticated
                raise Forbidden(_("Features are changed by channels and by staff of the city."))
            if request.method in ACCEPTED and not request.content_type:
                # OGC 20-002, /req/create-replace-delete/post-content-type B.
                raise ParseError(_("The header Content-Type is needed."))

    @property
    def editing(self) -> ReportEditing:
        return EDITABLE[self.layer.id]

    def offered(self) -> tuple[str, ...]:
        """The methods of this resource, for those who may."""
        return (*READING, *self.writing) if self.layer.id in EDITABLE else READING

    def get_parsers(self) -> list[BaseParser]:
        return [MergePatchParser()] if self.request.method == "PATCH" else [GeoJSONParser(), ShallowJSONParser()]

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # What is sent back is GeoJSON, and no rendering of DRF's.
        return super().perform_content_negotiation(request, force=True)

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {}

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            response["Allow"] = ", ".join(self.offered())
        if response.status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
            taken = ACCEPTED[request.method or ""]
            response["Accept-Patch" if request.method == "PATCH" else "Accept-Post"] = ", ".join(taken)
        response["Cache-Control"] = "no-store"
        patch_vary_headers(response, ["X-Api-Key", "Authorization", "Cookie"])
        return response

    def told(self, methods: tuple[str, ...]) -> HttpResponse:
        """The answer to OPTIONS: what whoever asks may do here."""
        response = HttpResponse(headers={"Allow": ", ".join((*READING, *methods))})
        if "POST" in methods:
            response["Accept-Post"] = ", ".join(ACCEPTED["POST"])
        if "PATCH" in methods:
            response["Accept-Patch"] = ", ".join(ACCEPTED["PATCH"])
        return response

    def shown(self, fid: str, city: City, crs: Crs) -> str | None:
        """The feature's JSON as this address shows it, or None."""
        return _shown(self.layer, fid, self.request.GET.get("city") or city.slug, crs, self.api.fixed)

    def answer(self, fid: str, text: str, crs: Crs, status: int, address: str) -> HttpResponse:
        links = [
            {"rel": "self", "type": GEOJSON, "href": address},
            self.api.link("collection", f"/collections/{self.layer.id}", JSON, str(self.layer.title)),
        ]
        content = text[:-1] + ',"links":' + json.dumps(links, ensure_ascii=False) + "}"
        return HttpResponse(content, status=status, content_type=GEOJSON, headers={"Content-Crs": f"<{crs.uri}>"})

    def address(self, fid: str, city: City) -> str:
        """The absolute URL at which anybody finds the feature; with several cities it has to name one."""
        api, query = self.api, {}
        if set(api.fixed.items()) != {("city", city.slug)}:
            api = api_of(self.request._request)
            if City.objects.count() > 1:
                query = {"city": city.slug}
        return api.url(f"/collections/{self.layer.id}/items/{fid}", **query)


class ItemsView(WriteView):
    """The features of a collection, but for reading them."""

    writing = ("POST",)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        is_open = self.layer.id in EDITABLE and self.editing.may_create(self.principal)
        return self.told(("POST",) if is_open else ())

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """A new feature: 201, or 200 with the first one where it was sent before."""
        named = read_query(request.GET, ["city"]).get("city") or self.api.fixed.get("city")
        crs = content_crs(request.headers.get("Content-Crs"))
        sent = parse_sent(request.data, crs)
        properties = new_properties(self.layer, self.editing, sent)
        fallback = resolve_city(named) if named else None
        point = parse_point(sent.geometry, crs)
        fid, city, is_new = self.editing.create(properties, point, self.principal, fallback, utc_now())
        address = self.address(fid, city)
        # As at the plain address: what a prefix fixes is not asked of what is new.
        text = _shown(self.layer, fid, city.slug, crs, {})
        if text is None:
            raise Conflict(_("This was sent before, and is not public any longer."))
        response = self.answer(fid, text, crs, 201 if is_new else 200, address)
        response["Location"] = address
        return response


class ItemView(WriteView):
    """One feature, but for reading it."""

    writing = ("PUT", "PATCH", "DELETE")

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if self.layer.id not in EDITABLE:
            return self.told(())
        target, _text = self.target(kwargs["fid"], content_crs(None))
        return self.told(self.writing if self.editing.may_change(self.principal, target) else ())

    def put(self, request: Request, *args: Any, fid: str, **kwargs: Any) -> HttpResponse:
        """The whole feature."""
        return self.change(fid, lambda shown: request.data)

    def patch(self, request: Request, *args: Any, fid: str, **kwargs: Any) -> HttpResponse:
        """Some of a feature (RFC 7396)."""
        return self.change(fid, lambda shown: merge_patch(shown, request.data))

    def delete(self, request: Request, *args: Any, fid: str, **kwargs: Any) -> HttpResponse:
        """Takes a feature back."""
        read_query(request.GET, ["city"])

        def once() -> HttpResponse:
            target, _text = self.permitted(fid, content_crs(None))
            self.editing.withdraw(target, self.principal, utc_now())
            return HttpResponse(status=204)

        return self.until_settled(once)

    def change(self, fid: str, whole: Callable[[Any], Any]) -> HttpResponse:
        """Changes what is another in the `whole` feature than in the one that is shown."""
        read_query(self.request.GET, ["city"])
        crs = content_crs(self.request.headers.get("Content-Crs"))

        def once() -> HttpResponse:
            target, shown = self.permitted(fid, crs)
            sent = parse_sent(whole(shown), crs)
            city = self.revise(target, fid, shown, sent, crs)
            text = self.shown(fid, city, crs)
            if text is None:  # moved to where this address does not show it
                return HttpResponse(status=204)
            return self.answer(fid, text, crs, 200, self.address(fid, city))

        return self.until_settled(once)

    def revise(self, target: Target, fid: str, shown: Any, sent: Sent, crs: Crs) -> City:
        point = moved_to(shown["geometry"], sent, crs)
        changed = changed_properties(self.layer, self.editing, shown["properties"], target.hidden, sent, fid)
        return self.editing.revise(target, changed, point, self.principal, utc_now())

    def until_settled(self, once: Callable[[], HttpResponse]) -> HttpResponse:
        """Compared with the latest state: what another writer changed meanwhile is seen, and not written over."""
        for _attempt in range(ATTEMPTS):
            try:
                return once()
            except Stale:
                if "If-Match" in self.request.headers:
                    raise
        raise Conflict(_("Others keep changing this feature; try again."))

    def target(self, fid: str, crs: Crs) -> tuple[Target, Any]:
        """What is to be changed, and how it is shown; NotFound where this address shows nothing."""
        # The state comes first: a change between the two readings makes it stale, not unseen.
        target = self.editing.find(fid)
        text = self.shown(fid, target.city, crs) if target is not None else None
        if target is None or text is None:
            raise NotFound(f"There is no feature {fid!r} in {self.layer.id}.")
        return target, json.loads(text)

    def permitted(self, fid: str, crs: Crs) -> tuple[Target, Any]:
        """The target, if this principal may change it, and has seen its latest state."""
        target, shown = self.target(fid, crs)
        if not self.editing.may_change(self.principal, target):
            raise Forbidden(_("This feature is neither of your channel nor of your cities."))
        condition = self.request.headers.get("If-Match")
        if condition is not None and not _is_met(condition, target.state):
            raise Stale(_("The feature was changed since it was read."))
        return target, shown


def _shown(layer: Layer, fid: str, city: str, crs: Crs, fixed: Mapping[str, str]) -> str | None:
    given = QueryDict(mutable=True)
    if "city" not in fixed:
        given["city"] = city
    query = parse_request(layer, given, utc_now(), default_limit=1, fixed=fixed).query
    return one_feature(Selection(layer, query, layer.rows(query)), fid, Output(crs))


def _is_met(condition: str, state: str) -> bool:
    """If-Match (RFC 9110, section 13.1.1). The tag of an item ends in its state; it is weak only since compression changes bytes."""
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in condition.split(",")]
    return condition.strip() == "*" or any(tag.rpartition(".")[2] == state for tag in tags)


items = ItemsView.as_view()
item = ItemView.as_view()
