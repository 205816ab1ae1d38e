"""What every answer passes through: CORS for the public, read-only ones; the content security policy; `?lang=`."""

import json
from copy import copy
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.http import ConditionalGetMiddleware
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_vary_headers

from server.web.to_stream import stream_origin

OPEN = ("/layers/", "/ogc/", "/tiles/", "/api/", "/open311/", "/sta/")
EXPOSED = (
    "ETag, Link, Location, Content-Crs, Allow, Accept-Post, Accept-Patch, Retry-After, Content-Disposition, Content-Range, "
    "Accept-Ranges"
)


class CorsMiddleware:
    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_open = request.path.startswith(OPEN)
        if is_open and request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            response = HttpResponse(status=204)
            response["Access-Control-Allow-Methods"] = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
            response["Access-Control-Allow-Headers"] = (
                "Content-Type, Content-Crs, If-Match, If-None-Match, Range, If-Range, Idempotency-Key, Authorization, "
                "X-Api-Key, X-Device-Token, X-Report-Link"
            )
            response["Access-Control-Max-Age"] = "86400"
        else:
            response = self.get_response(request)
        if is_open:
            response["Access-Control-Allow-Origin"] = "*"
            response["Access-Control-Expose-Headers"] = EXPOSED
        return response


# No inline script, no third party. MapLibre's worker is a file of ours; data: and blob: are images that it makes itself.
_FIXED = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'"


def content_policy(request: HttpRequest, *, frame_ancestors: str = "'self'", maps_from: str = "") -> str:
    """What a page may load and ask: of this service, of the live stream's process, which has a port of its own, and of a base map's
    origin where there is one. Who may frame it: this service's own pages, unless somebody else is named."""
    try:
        # Of an address with a path the path is left away: a redirect may lead anywhere below it.
        stream = urlsplit(stream_origin(request))
        asked = f"'self' {stream.scheme}://{stream.netloc}"
    except DisallowedHost:
        asked = "'self'"
    pictures = "'self' data: blob:"
    if maps_from:
        asked, pictures = f"{asked} {maps_from}", f"{pictures} {maps_from}"
    return f"{_FIXED}; img-src {pictures}; connect-src {asked}; frame-ancestors {frame_ancestors}"


# Made by others, with scripts in their pages: the admin's map widget and the API's documentation.
NOT_OURS = ("/admin/", "/api/docs/")


class ContentSecurityPolicyMiddleware:
    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html") and not request.path.startswith(NOT_OURS):
            response.headers.setdefault("Content-Security-Policy", content_policy(request))
        return response


class ConditionalMiddleware(ConditionalGetMiddleware):
    """HEAD has the ETag and the 304 of GET, too (RFC 9110, section 9.3.2).

    Django leaves them out, since a view may answer HEAD without a body. Here views make the same answer to both, of which the server
    sends the head alone; those that spare themselves the body stream, and set their own ETag.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        if request.method == "HEAD":
            request = copy(request)
            request.method = "GET"
        return super().process_response(request, response)


class ProblemPageMiddleware:
    """A refusal as a page, for those who read one in a browser."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.headers.get("Content-Type") != "application/problem+json" or not _wants_page(request):
            return response
        page = render(request, "problem.html", {"problem": json.loads(response.content)}, status=response.status_code)
        for name in ("Allow", "Retry-After", "Cache-Control"):
            if name in response.headers:
                page[name] = response[name]
        patch_vary_headers(page, ["Accept"])
        return page


def _wants_page(request: HttpRequest) -> bool:
    if request.method not in ("GET", "HEAD"):
        return False
    named = request.GET.get("f")
    return named == "html" or (
        named is None and request.get_preferred_type(["application/problem+json", "text/html"]) == "text/html"
    )


class LanguageMiddleware:
    """`?lang=en` before the browser's own wish: a link then says the same to everyone, and no cookie is needed."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.GET.get("lang")
        if asked in dict(settings.LANGUAGES):
            translation.activate(asked)
            request.LANGUAGE_CODE = asked
        return self.get_response(request)
