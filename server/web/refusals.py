"""What is answered where no view was found, or none came to its end: problem+json, or its page for people."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from server.core.problems import problem


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What Django refuses before any view is asked, a Host that is not ours among it. What was wrong is in the log alone."""
    return problem(
        400, _("Bad request"), _("This request cannot be answered; its Host may not be one of this service.")
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(404, _("Not found"), _("There is nothing at %(path)s.") % {"path": request.path})


def server_error(request: HttpRequest) -> HttpResponse:
    return problem(500, _("Server error"), _("Something went wrong here; it has been logged."))
