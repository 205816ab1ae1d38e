"""CORS for the public, read-only answers: any origin may read them, without credentials."""

from typing import Any

from django.http import HttpRequest, HttpResponse

OPEN = ("/layers/", "/ogc/", "/tiles/", "/api/", "/open311/", "/sta/")
EXPOSED = "ETag, Link, Content-Crs, Retry-After"


class CorsMiddleware:
    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_open = request.path.startswith(OPEN)
        if is_open and request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            response = HttpResponse(status=204)
            response["Access-Control-Allow-Methods"] = "GET, HEAD, POST, OPTIONS"
            response["Access-Control-Allow-Headers"] = "Content-Type, If-None-Match, X-Api-Key, X-Device-Token"
            response["Access-Control-Max-Age"] = "86400"
        else:
            response = self.get_response(request)
        if is_open:
            response["Access-Control-Allow-Origin"] = "*"
            response["Access-Control-Expose-Headers"] = EXPOSED
        return response
