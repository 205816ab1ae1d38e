"""The map's frames. They speak the public HTTP API only, so a view renders its frame and nothing else."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from server.web.map.strings import STRINGS
from server.web.middleware import content_policy
from server.web.modules import modules_of
from server.web.page_language import in_page_language

# The map library is imported by a module, which the browser would have to read first.
MAP_LIBRARY = "maplibre-gl/maplibre-gl.mjs"


@require_safe
@in_page_language
def city_map(request: HttpRequest) -> HttpResponse:
    return _map_page(request, "map.html", "pantau/map/main.js")


@xframe_options_exempt
@require_safe
@in_page_language
def embedded_map(request: HttpRequest) -> HttpResponse:
    """The map for a frame on another site's page: the one page of this service that anybody may frame."""
    return _map_page(request, "embed.html", "pantau/map/embed.js", frame_ancestors="*")


def _map_page(request: HttpRequest, template: str, entry: str, *, frame_ancestors: str = "'self'") -> HttpResponse:
    base_map = settings.BASEMAP
    context = {
        "strings": {name: str(text) for name, text in STRINGS.items()},
        "modules": [*modules_of(entry), MAP_LIBRARY],
        "basemap": base_map.for_script(),
    }
    response = render(request, template, context)
    policy = content_policy(request, frame_ancestors=frame_ancestors, maps_from=base_map.origin)
    response["Content-Security-Policy"] = policy
    return response
