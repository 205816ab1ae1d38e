"""The way from the page's address to the stream's: server.live serves it, in a process of its own."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_safe


class SeeTheStream(HttpResponseRedirect):
    status_code = 307


@require_safe
def to_stream(request: HttpRequest) -> HttpResponse:
    """`/api/observations/stream` here leads there, with the same question; browsers and `curl -L` follow."""
    answer = SeeTheStream(f"{stream_origin(request)}{request.get_full_path()}")
    answer["Cache-Control"] = "no-store"
    return answer


def stream_origin(request: HttpRequest) -> str:
    """Where the stream is served: on another port of the same host, unless PANTAU_STREAM_URL says otherwise."""
    if settings.STREAM_URL:
        return str(settings.STREAM_URL)
    host = request.get_host()
    # What follows the last colon is a port, unless it stands inside an IPv6 address's brackets.
    name = host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
    return f"{request.scheme}://{name}:{settings.STREAM_PORT}"
