"""The pages. They speak the public HTTP API only, so a view renders its frame and nothing else."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from server.core.problems import problem
from server.web.report_strings import report_strings
from server.web.strings import STRINGS


@require_safe
def city_map(request: HttpRequest) -> HttpResponse:
    """The map, in the city's language unless the link says `?lang=en`: a view is a link, the same for all who open it."""
    asked = request.GET.get("lang", "")
    language = asked if asked in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
    with translation.override(language):
        strings = {name: str(text) for name, text in STRINGS.items()}
        response = render(request, "map.html", {"strings": strings})
    response["Content-Language"] = language
    return response


@require_safe
def reporter_page(request: HttpRequest) -> HttpResponse:
    """What a reporter's link opens. The frame is the same for everybody: the link's token stands behind the #, for the script."""
    response = render(request, "reporter.html", {"strings": report_strings(), "link_days": settings.REPORT_LINK_DAYS})
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What Django refuses before any view is asked, a Host that is not ours among it. What was wrong is in the log alone."""
    return problem(
        400, _("Bad request"), _("This request cannot be answered; its Host may not be one of this service.")
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(404, _("Not found"), _("There is nothing at %(path)s.") % {"path": request.path})


def server_error(request: HttpRequest) -> HttpResponse:
    return problem(500, _("Server error"), _("Something went wrong here; it has been logged."))
