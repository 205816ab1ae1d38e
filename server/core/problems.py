"""One table from error to HTTP status, and RFC 9457 problem+json for every refusal."""

import json
import logging
from http import HTTPStatus
from typing import Any

import psycopg2
from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.utils.translation import gettext_lazy as _
from psycopg2.errorcodes import DEADLOCK_DETECTED, LOCK_NOT_AVAILABLE, QUERY_CANCELED
from rest_framework import exceptions as drf
from rest_framework.response import Response

from server.core import errors

log = logging.getLogger(__name__)

# After a wait for another writer's lock that was in vain.
RETRY_AFTER_S = 5
STATUS: list[tuple[type[Exception], int, Any]] = [
    (errors.BadParameter, 400, _("Bad parameter")),
    (errors.InvalidFields, 400, _("Invalid input")),
    (errors.Unsupported, 501, _("Not implemented")),
    (errors.NotFound, 404, _("Not found")),
    (errors.Conflict, 409, _("Conflict")),
    (errors.Stale, 412, _("Precondition failed")),
    (errors.Unauthenticated, 401, _("Unauthorized")),
    (errors.Forbidden, 403, _("Forbidden")),
    (errors.TooMany, 429, _("Too many requests")),
    (errors.NotReady, 503, _("Not ready")),
    (Http404, 404, _("Not found")),
    (PermissionDenied, 403, _("Forbidden")),
    (RequestDataTooBig, 413, _("Too large")),
    (TooManyFieldsSent, 400, _("Too many fields")),
    (UnreadablePostError, 400, _("The request broke off")),
]

# What those say that were raised without a word.
_DETAIL: dict[type[Exception], Any] = {
    PermissionDenied: _("Your role does not allow this. Whoever administers the city gives roles."),
}


def problem(status: int, title: Any, detail: Any, **extra: Any) -> HttpResponse:
    body = {"type": "about:blank", "title": str(title), "status": status, "detail": str(detail), **extra}
    # Half a surrogate pair in what was sent, and is quoted here, has no UTF-8; \udXXX is its JSON.
    content = json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return HttpResponse(content, status=status, content_type="application/problem+json")


def problem_for(error: Exception) -> HttpResponse | None:
    """The answer to an error that the table knows, else None."""
    # COPY's errors come as psycopg's own.
    if isinstance(error, DatabaseError | psycopg2.Error):
        return _took_too_long(error)
    for kind, status, title in STATUS:
        if isinstance(error, kind):
            detail = getattr(error, "detail", "") or str(error) or _DETAIL.get(kind, title)
            response = problem(status, title, detail, **_extra(error))
            retry_after_s = getattr(error, "retry_after_s", None)
            if retry_after_s is not None:
                response["Retry-After"] = str(retry_after_s)
            if isinstance(error, errors.Unauthenticated):
                response["WWW-Authenticate"] = error.challenge
            return response
    return None


def _took_too_long(error: Exception) -> HttpResponse | None:
    """Of a statement that its time limit ended (server.core.time_limits), or that other writers kept waiting."""
    state = getattr(error, "pgcode", None) or getattr(error.__cause__, "pgcode", None)
    if state not in (QUERY_CANCELED, LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED):
        return None
    log.warning("a statement was given up: %s", str(error).partition("\n")[0])
    if state == QUERY_CANCELED:
        return problem(
            503,
            _("Too slow"),
            _("This takes too long to answer. Ask for less: a smaller bbox, a shorter datetime, or a simpler filter."),
        )
    response = problem(503, _("Busy"), _("Somebody else is writing what this needs; try again in a moment."))
    response["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _extra(error: Exception) -> dict[str, Any]:
    if isinstance(error, errors.BadParameter):
        return {"parameter": error.name}
    if isinstance(error, errors.InvalidFields):
        return {"errors": {name: [str(s) for s in says] for name, says in error.fields.items()}}
    if isinstance(error, errors.NotReady | errors.Conflict):
        return dict(error.extra)
    return {}


class ProblemMiddleware:
    """Turns domain errors raised by any view into problem+json; an unknown one becomes a bare 500, logged."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        known = problem_for(error)
        if known is None and not request.path.startswith("/admin/"):
            log.exception("unhandled error at %s", request.path)
            return problem(500, _("Server error"), _("Something went wrong here; it has been logged."))
        return known


def drf_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | Response | None:
    """DRF's EXCEPTION_HANDLER: the same problem+json for what DRF itself raises."""
    known = problem_for(error)
    if known is not None:
        return known
    if isinstance(error, drf.ValidationError):
        return problem(400, _("Invalid input"), _("Some fields cannot be accepted."), errors=_plain(error.detail))
    if isinstance(error, drf.APIException):
        response = problem(error.status_code, HTTPStatus(error.status_code).phrase, str(error.detail))
        if (wait := getattr(error, "wait", None)) is not None:
            response["Retry-After"] = str(int(wait) + 1)
        if (challenge := getattr(error, "auth_header", None)) is not None:
            response["WWW-Authenticate"] = challenge
        return response
    return None


def _plain(detail: Any) -> Any:
    if isinstance(detail, dict):
        return {key: _plain(value) for key, value in detail.items()}
    if isinstance(detail, list):
        return [_plain(value) for value in detail]
    return str(detail)
